# Atoll: one Makefile. `make run` shows two VMs, `make test` runs the test suite; `make help` lists the rest.
#
# Each component has a section: its sources (listed, not globbed), its flags, its link. Variants are files, not options;
# the constants that anybody may want to change are in include/atoll/.

B ?= build
CC ?= gcc
HOSTCC ?= $(CC)
ifeq ($(origin CC),default)
CC := gcc
endif

.DEFAULT_GOAL := all
# One short line per file that is made; V=1 shows the commands. The shell's name is expanded for each line of a recipe.
ifndef V
.SILENT:
SHELL = $(if $(filter-out $(made),$(filter $(B)/%,$@)),$(eval made := $@)$(info   $@))/bin/sh
endif
.DELETE_ON_ERROR:
.SECONDARY:

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla
REPRO := -ffile-prefix-map=$(CURDIR)=. -ffile-prefix-map=$(B)=build -fno-ident
COMMON := -std=c11 -O2 -g $(WARN) $(REPRO) -MMD -MP -Iinclude
# Freestanding code: no host headers beyond the compiler's own, no FPU registers, nothing the compiler could call.
BARE := $(COMMON) -ffreestanding -fno-pic -fno-pie -fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none \
	-mno-red-zone -mgeneral-regs-only -fno-strict-aliasing -fno-builtin-printf
LINK := $(CC) -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack -Wl,--no-warn-rwx-segments
# Unit tests run on the host.
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
# Their objects, one folder per suite, as their flags differ: $(eval $(call unit_objects_with,SUITE,FLAGS)).
define unit_objects_with
$(B)/unit/$(1).o/%.o: %.c
	@mkdir -p $$(@D)
	$$(HOSTCC) $$(COMMON) $(2) $$(SANITIZE) -c -o $$@ $$<
endef
unit_objects = $(patsubst %.c,$(B)/unit/$(1).o/%.o,$(2))
UNIT_LINK = $(HOSTCC) $(SANITIZE) $(UNIT_LDFLAGS) $(filter %.o,$^) -o $@ -lcmocka
UNIT_SUITES :=

# ---- boot -------------------------------------------------------------------------------------------------------------

# boot.elf is 64-bit code in a 32-bit ELF container, as multiboot loaders want it; boot.elf64 is the same with symbols.
BOOT_C := main print text serial bytes ranges multiboot acpi cpu interrupts clock ioapic elf plan tables load map smp \
	pci dmar ivrs rules devices iommu_block iommu_vtd iommu_amdvi
BOOT_C += input framebuffer record channels functions sriov
BOOT_C += requirements examine starter probe
BOOT_C += wall wall_read
BOOT_S := start trampoline vectors zero font
# Physical address 0 is an address like any other here.
BOOT_FLAGS = $(BARE) -fno-delete-null-pointer-checks -fpie
BOOT_OBJECTS := $(BOOT_S:%=$(B)/boot/%.o) $(BOOT_C:%=$(B)/boot/%.o)
BOOT_MULTIBOOT := $(B)/boot/entry32.o $(B)/boot/multiboot_main.o

$(B)/boot/%.o: boot/%.c
	@mkdir -p $(@D)
	$(CC) $(BOOT_FLAGS) -c -o $@ $<

$(B)/boot/%.o: boot/%.S
	@mkdir -p $(@D)
	$(CC) $(BOOT_FLAGS) -c -o $@ $<

$(B)/boot/boot.elf64: $(BOOT_MULTIBOOT) $(BOOT_OBJECTS) boot/boot.ld
	$(LINK) -Wl,-T,boot/boot.ld -o $@ $(filter %.o,$^)

$(B)/boot.elf: $(B)/boot/boot.elf64
	objcopy -S -O elf32-i386 $< $@

# boot.efi is the same objects as a UEFI application, made with gnu-efi.
BOOT_EFI := $(addprefix $(B)/boot/,entry_efi.o efi_main.o efi_medium.o efi_input.o)
$(B)/boot/efi_main.o $(B)/boot/efi_medium.o: BOOT_FLAGS += -isystem /usr/include/efi -isystem /usr/include/efi/x86_64 -DGNU_EFI_USE_MS_ABI
$(B)/boot/font.o: $(B)/boot/font.psf
$(B)/boot/font.o: BOOT_FLAGS += -Wa,-I$(B)/boot
$(B)/boot/font.psf: /usr/share/consolefonts/spleen-8x16.psfu.gz
	@mkdir -p $(@D)
	gunzip -c $< >$@
$(B)/boot/boot.efi.elf: $(BOOT_EFI) $(BOOT_OBJECTS) boot/efi.ld
	$(filter-out -static -no-pie,$(LINK)) -pie -Wl,--no-dynamic-linker,-z,text,-T,boot/efi.ld -o $@ $(filter %.o,$^) /usr/lib/crt0-efi-x86_64.o -lgnuefi
$(B)/boot.efi: $(B)/boot/boot.efi.elf
	objcopy -j .text -j .reloc -j .data -j .dynamic -j .rela --output-target=efi-app-x86_64 $< $@

# Unit tests: tests/unit/boot_NAME.c with the parts of boot that touch no hardware, under the sanitizers.
BOOT_UNIT_TESTS := boot_text boot_ranges boot_multiboot boot_acpi boot_elf boot_plan boot_load boot_pci boot_iommu
BOOT_UNIT_SRCS := text ranges multiboot acpi elf plan pci dmar ivrs rules
BOOT_UNIT_SRCS += requirements wall
BOOT_UNIT_TESTS += boot_wall
BOOT_UNIT_SRCS += input efi_input channels functions sriov
BOOT_UNIT_TESTS += boot_efi boot_record boot_functions boot_tsc
$(B)/unit/boot_efi: $(call unit_objects,boot,boot/framebuffer.c)
$(B)/unit/boot_record: $(call unit_objects,boot,boot/record.c)

$(eval $(call unit_objects_with,boot,-iquote boot -I.))
$(B)/unit/boot_%: $(call unit_objects,boot,tests/unit/boot_%.c $(BOOT_UNIT_SRCS:%=boot/%.c))
	$(UNIT_LINK)
$(B)/unit/boot_load: $(call unit_objects,boot,boot/tables.c boot/load.c boot/map.c)
UNIT_SUITES += unit-boot
.PHONY: unit-boot
unit-boot: $(BOOT_UNIT_TESTS:%=$(B)/unit/%)
	@for t in $^; do scripts/test-run $(B)/results $$(basename $$t) $$t || bad=1; done; [ -z "$$bad" ]

# ---- kernel -----------------------------------------------------------------------------------------------------------

# The logic, the same on every machine (core).
KERNEL_CORE := syscall.c fastpath.c invocation.c cspace.c cnode.c derive.c delete.c untyped.c tcb.c endpoint.c ipc.c notification.c reply.c \
	sched_context.c refill.c sched_control.c schedule.c fault.c irq.c domain.c channel.c debug.c log.c state.c

# x86: the machine side. svm.c, svm_exit.c and svm_enter.S are the vendor's half of the vCPUs.
KERNEL_X86 := entry.S start.c boot_objects.c resources.c context.c cpu.c trap.c arch.c switch.c vspace.c asid.c table.c frame.c predictor.c fpu.c \
	ioport.c irq.c ioapic.c iommu.c vtd.c amdvi.c iospace.c requesters.c faults.c lapic.c timer.c ipi.c channels.c log.c snapshot.c memory.c vcpu.c vcpu_state.c svm.c svm_exit.c svm_enter.S
KERNEL_OBJECTS = $(patsubst %,$(B)/kernel/%.o,$(KERNEL_CORE) $(addprefix x86/,$(KERNEL_X86)))

# <machine.h>, the privileged instructions, is kernel/x86's here and tests/unit/host's in the unit tests.
KERNEL_FLAGS = $(BARE) -Ikernel/x86 -mcmodel=kernel
$(B)/kernel/%.c.o: kernel/%.c
	@mkdir -p $(@D)
	$(CC) $(KERNEL_FLAGS) -c -o $@ $<
$(B)/kernel/%.S.o: kernel/%.S
	@mkdir -p $(@D)
	$(CC) $(KERNEL_FLAGS) -c -o $@ $<
$(B)/kernel.elf: $(KERNEL_OBJECTS) kernel/x86/kernel.ld
	$(LINK) -T kernel/x86/kernel.ld -o $@ $(KERNEL_OBJECTS)

# Unit tests: tests/unit/kernel_NAME.c with the whole of the kernel's logic on a host machine side, under the sanitizers.
KERNEL_UNIT_TESTS := objects delete ipc scheduling fastpath channel
KERNEL_UNIT_SRCS = $(KERNEL_CORE:%=kernel/%) tests/unit/host_arch.c tests/unit/kernel_invariants.c
$(eval $(call unit_objects_with,kernel,-I. -fno-strict-aliasing))
$(B)/unit/kernel_%: $(call unit_objects,kernel,tests/unit/kernel_%.c $(KERNEL_UNIT_SRCS))
	$(UNIT_LINK)
$(B)/unit/kernel_fastpath: UNIT_LDFLAGS := -Wl,--wrap=fastpath_call,--wrap=fastpath_reply_recv,--wrap=fastpath_send,--wrap=fastpath_vcpu_fault,--wrap=syscall_general,--wrap=vcpu_fault_general
UNIT_SUITES += unit-kernel
.PHONY: unit-kernel
unit-kernel: $(KERNEL_UNIT_TESTS:%=$(B)/unit/kernel_%)
	@for t in $(KERNEL_UNIT_TESTS); do scripts/test-run $(B)/results kernel_$$t $(B)/unit/kernel_$$t || exit 1; done

# The machine side with recorded instructions (tests/unit/host/machine.h), together with the logic.
X86_UNIT_TESTS := resources vcpu_state memory devices vcpu iommu channels faults
X86_UNIT_SRCS := $(filter-out %.S start.c context.c cpu.c trap.c log.c snapshot.c memory.c,$(KERNEL_X86))
$(eval $(call unit_objects_with,x86,-I. -Itests/unit/host -fno-strict-aliasing))
$(B)/unit/x86_%: $(call unit_objects,x86,tests/unit/x86_%.c $(KERNEL_CORE:%=kernel/%) $(X86_UNIT_SRCS:%=kernel/x86/%) tests/unit/x86_host.c)
	$(UNIT_LINK)
UNIT_SUITES += unit-x86
.PHONY: unit-x86
unit-x86: $(X86_UNIT_TESTS:%=$(B)/unit/x86_%)
	@for t in $(X86_UNIT_TESTS); do scripts/test-run $(B)/results x86_$$t $(B)/unit/x86_$$t || exit 1; done

# Model of how several kernels use one IOMMU (docs/decisions/0010): three minutes, 3 GB of memory.
.PHONY: spin
spin:
	@scripts/test-run $(B)/results spin scripts/spin $(B)/spin

# ---- user level: library, init, node manager, VMM, console ---------------------------------------------------------------

# Each component is its sources, the library and one of two start files, linked at one address by user/component.ld.
USER_LIB_SRCS := user/lib/sel4.c user/lib/string.c user/lib/format.c user/lib/log.c
INIT_SRCS := user/init/main.c user/init/spec_check.c user/init/memory.c user/init/private.c user/init/names.c user/init/objects.c user/init/distribute.c user/init/seal.c \
	user/init/threads.c
MANAGER_SRCS := user/node_manager/main.c user/node_manager/life.c user/node_manager/memory.c user/node_manager/events.c user/node_manager/protocol.c \
	user/node_manager/lease.c user/node_manager/vf.c user/node_manager/places.c user/node_manager/faults.c
MANAGER_SRCS += user/node_manager/mediated.c user/nvme/mediate.c user/nvme/nvme.c user/nvme/queue.c
CONSOLE_SRCS := user/console/main.c user/console/mux.c user/console/uart.c user/console/command.c user/console/ring.c
VMM_PURE_SRCS := $(addprefix user/vmm/,acpi.c apic_bus.c clock.c cpuid.c decode.c emulate.c exit.c guest_memory.c ioapic.c lapic.c linux.c \
	loader.c mmio.c msi.c msr.c multiboot.c pci.c pci_function.c pci_msix.c port.c rtc.c uart.c vcpu_state.c vf.c vm.c)
VMM_PURE_SRCS += $(addprefix user/vmm/,virtqueue.c virtio.c virtio_block.c virtio_console.c virtio_entropy.c virtio_net.c)
VMM_PURE_SRCS += user/vmm/nvme_guest.c
VMM_PURE_SRCS += $(addprefix user/vmm/,pm.c watchdog.c)
VMM_SRCS := $(VMM_PURE_SRCS) $(addprefix user/vmm/,devices.c kernel_calls.c main.c message.c smp.c test_hook.c)
DISK_SRCS := user/disk/main.c user/disk/disk.c user/disk/block.c
SWITCH_SRCS := user/switch/main.c user/switch/switch.c

USER_FLAGS = $(BARE) -Iuser/lib
user_objects = $(patsubst %.S,$(B)/%.o,$(patsubst %.c,$(B)/%.o,$(1) $(USER_LIB_SRCS)))

$(B)/user/%.o: user/%.c
	@mkdir -p $(@D)
	$(CC) $(USER_FLAGS) -c $< -o $@
$(B)/user/%.o: user/%.S
	@mkdir -p $(@D)
	$(CC) $(USER_FLAGS) -c $< -o $@

USER_LINK = $(LINK) -Wl,-T,user/component.ld $(filter %.o,$^) -o $@
$(B)/user/init.elf: $(call user_objects,user/lib/root_start.S $(INIT_SRCS)) user/component.ld
	$(USER_LINK)
$(B)/user/node_manager.elf: $(call user_objects,user/lib/start.S $(MANAGER_SRCS)) user/component.ld
	$(USER_LINK)
# The guests' DSDT, and the SSDT of those with a generic event device, as C arrays.
VMM_AML := $(B)/user/vmm/dsdt.hex $(B)/user/vmm/button.hex
$(VMM_AML): $(B)/user/vmm/%.hex: user/vmm/%.dsl
	@mkdir -p $(@D)
	iasl -tc -p $(basename $@) $< >$(basename $@).log || { cat $(basename $@).log; exit 1; }
$(B)/user/vmm/acpi.o: USER_FLAGS += -I$(B)/user/vmm
$(B)/user/vmm/acpi.o: $(VMM_AML)
$(B)/user/vmm.elf: $(call user_objects,user/lib/start.S $(VMM_SRCS)) user/component.ld
	$(USER_LINK)
# The same with an attacker's hooks, for the tests.
$(B)/tests/hostile/%.o: tests/system/%.c
	@mkdir -p $(@D)
	$(CC) $(USER_FLAGS) -Iuser/vmm -c $< -o $@
$(B)/tests/hostile/vmm.elf: $(call user_objects,user/lib/start.S $(filter-out user/vmm/test_hook.c,$(VMM_SRCS))) $(B)/tests/hostile/hostile_vmm.o user/component.ld
	$(USER_LINK)
system: $(B)/tests/hostile/vmm.elf $(B)/tests/hostile/igb.elf $(B)/tests/system/ram_search
# A PF driver that dies in the middle of a lease.
$(B)/tests/hostile/igb.elf: $(call user_objects,user/lib/start.S user/pf/pf.c) $(B)/tests/hostile/dying_pf.o user/component.ld
	$(USER_LINK)
$(B)/user/console.elf: $(call user_objects,user/lib/start.S $(CONSOLE_SRCS)) user/component.ld
	$(USER_LINK)

$(B)/user/disk.elf: $(call user_objects,user/lib/start.S $(DISK_SRCS)) user/component.ld
	$(USER_LINK)
$(B)/user/switch.elf: $(call user_objects,user/lib/start.S $(SWITCH_SRCS)) user/component.ld
	$(USER_LINK)

# The spec compiler, a part of the host tool.
COMPILE_SRCS := tools/atoll/compile.c tools/atoll/compile_request.c tools/atoll/compile_node.c tools/atoll/compile_part.c tools/atoll/compile_devices.c tools/atoll/compile_vf.c tools/atoll/compile_ssd.c tools/atoll/spec_builder.c \
	tools/atoll/component_image.c tools/atoll/compile_memory.c user/init/private.c

USER_IMAGES := $(B)/user/disk.elf $(B)/user/switch.elf $(B)/user/init.elf $(B)/user/node_manager.elf $(B)/user/vmm.elf $(B)/user/console.elf
.PHONY: user
user: $(USER_IMAGES)

# Unit tests of what is pure in here, under the sanitizers: tests/unit/user_NAME.c and the sources that it tests.
USER_UNIT_TESTS := user_spec user_text user_manager user_image user_queue user_lease
USER_UNIT_SRCS := $(COMPILE_SRCS) user/init/spec_check.c user/lib/format.c user/console/mux.c user/console/command.c user/console/ring.c user/node_manager/protocol.c user/node_manager/lease.c
$(eval $(call unit_objects_with,user,-D_GNU_SOURCE -Itools/atoll -Iuser/init -Iuser/lib -Iuser/console -Iuser/node_manager -Wno-missing-prototypes))
$(B)/unit/user_%: $(call unit_objects,user,tests/unit/user_%.c $(USER_UNIT_SRCS))
	$(UNIT_LINK)
UNIT_SUITES += unit-user
.PHONY: unit-user
unit-user: $(USER_UNIT_TESTS:%=$(B)/unit/%)
	@for t in $^; do scripts/test-run $(B)/results $$(basename $$t) $$t || bad=1; done; [ -z "$$bad" ]

# The VMM's pure parts likewise: tests/unit/vmm_NAME.c with a virtual machine in memory (vmm_fixture.c). With VMM_KERNEL naming a
# bzImage the loader is also shown a real one.
VMM_UNIT_TESTS := vmm_lapic vmm_apic_bus vmm_uart vmm_cpu vmm_decode vmm_emulate vmm_loaders vmm_pci vmm_virtio vmm_net vmm_vf
VMM_UNIT_TESTS += vmm_nvme
VMM_UNIT_TESTS += vmm_power
$(eval $(call unit_objects_with,vmm,-Iuser/vmm -Iuser/lib -I$(B)/user/vmm -Iuser/disk -Iuser/switch -Wno-missing-prototypes))
$(B)/unit/vmm_%: $(call unit_objects,vmm,tests/unit/vmm_%.c tests/unit/vmm_fixture.c user/lib/format.c $(VMM_PURE_SRCS))
	$(UNIT_LINK)
$(call unit_objects,vmm,user/vmm/acpi.c): $(VMM_AML)
$(B)/unit/vmm_virtio: $(call unit_objects,vmm,user/disk/disk.c user/disk/block.c)
$(B)/unit/vmm_net: $(call unit_objects,vmm,user/switch/switch.c)
UNIT_SUITES += unit-vmm
.PHONY: unit-vmm
unit-vmm: $(VMM_UNIT_TESTS:%=$(B)/unit/%)
	@for t in $^; do scripts/test-run $(B)/results $$(basename $$t) $$t || bad=1; done; [ -z "$$bad" ]

# ---- PF drivers -----------------------------------------------------------------------------------------------------------

IGB_PURE_SRCS := $(addprefix user/igb/,igb.c filters.c mailbox.c)
IGB_SRCS := user/igb/main.c $(IGB_PURE_SRCS) user/pf/pf.c
$(B)/user/igb.elf: $(call user_objects,user/lib/start.S $(IGB_SRCS)) user/component.ld
	$(USER_LINK)

USER_IMAGES += $(B)/user/igb.elf

# Unit tests against models of the devices' registers.
PF_UNIT_TESTS := pf_igb pf_manager
$(B)/unit/pf_igb: tests/unit/pf_igb.c tests/unit/igb_model.c $(IGB_PURE_SRCS) user/lib/format.c tests/unit/igb_model.h $(wildcard user/igb/*.h)
	@mkdir -p $(@D)
	$(HOSTCC) $(filter-out -MMD -MP,$(COMMON)) -Itests/unit -Iuser/igb -Iuser/lib -Wno-missing-prototypes $(SANITIZE) $(filter %.c,$^) -o $@ -lcmocka
$(B)/unit/pf_manager: tests/unit/pf_manager.c tests/unit/pf/sel4.h user/node_manager/vf.c user/node_manager/lease.c user/lib/format.c \
		user/node_manager/mediated.c user/nvme/mediate.c user/nvme/nvme.c user/nvme/queue.c tests/unit/pf/io.c
	@mkdir -p $(@D)
	$(HOSTCC) $(filter-out -MMD -MP,$(COMMON)) -D_GNU_SOURCE -Itests/unit/pf -Iuser/node_manager -Iuser/lib -Wno-missing-prototypes $(SANITIZE) $(filter %.c,$^) -o $@ -lcmocka
UNIT_SUITES += unit-pf
.PHONY: unit-pf
unit-pf: $(PF_UNIT_TESTS:%=$(B)/unit/%)
	@for t in $^; do scripts/test-run $(B)/results $$(basename $$t) $$t || bad=1; done; [ -z "$$bad" ]

# ---- NVMe ---------------------------------------------------------------------------------------------------------------

# The library is for every driver of a controller; the PF driver is a component of node 0.
NVME_LIBRARY_SRCS := user/nvme/nvme.c user/nvme/queue.c
NVME_PF_SRCS := user/nvme/pf_main.c user/nvme/pf.c user/nvme/dma.c $(NVME_LIBRARY_SRCS) user/pf/pf.c
$(B)/user/nvme_pf.elf: $(call user_objects,user/lib/start.S $(NVME_PF_SRCS)) user/component.ld
	$(USER_LINK)
# A disk on a virtual function, for a VM's virtio.
NVME_DISK_SRCS := user/nvme_disk/main.c user/nvme_disk/serve.c user/disk/block.c user/nvme/dma.c $(NVME_LIBRARY_SRCS)
$(B)/user/nvme_disk.elf: $(call user_objects,user/lib/start.S $(NVME_DISK_SRCS)) user/component.ld
	$(USER_LINK)

USER_IMAGES += $(B)/user/nvme_pf.elf $(B)/user/nvme_disk.elf

NVME_UNIT_TESTS := nvme_library nvme_pf nvme_mediate nvme_disk
$(B)/unit/nvme_pf: user/nvme/pf.c
$(B)/unit/nvme_mediate: user/nvme/mediate.c
$(B)/unit/nvme_disk: user/nvme_disk/serve.c user/disk/block.c user/nvme_disk/serve.h user/disk/block.h
$(NVME_UNIT_TESTS:%=$(B)/unit/%): $(B)/unit/%: tests/unit/%.c tests/unit/nvme_model.c $(NVME_LIBRARY_SRCS) user/lib/format.c tests/unit/nvme_model.h $(wildcard user/nvme/*.h)
	@mkdir -p $(@D)
	$(HOSTCC) $(filter-out -MMD -MP,$(COMMON)) -Itests/unit -Iuser/nvme -Iuser/lib -Wno-missing-prototypes $(SANITIZE) $(filter %.c,$^) -o $@ -lcmocka
# The node manager's part has no model: its calls of the kernel are the test's.
$(B)/unit/nvme_manager: tests/unit/nvme_manager.c user/node_manager/mediated.c user/nvme/mediate.c $(NVME_LIBRARY_SRCS) user/lib/format.c $(wildcard user/nvme/*.h user/node_manager/*.h)
	@mkdir -p $(@D)
	$(HOSTCC) $(filter-out -MMD -MP,$(COMMON)) -Itests/unit/pf -Iuser/node_manager -Iuser/nvme -Iuser/lib -Wno-missing-prototypes $(SANITIZE) $(filter %.c,$^) -o $@ -lcmocka
UNIT_SUITES += unit-nvme
.PHONY: unit-nvme
unit-nvme: $(NVME_UNIT_TESTS:%=$(B)/unit/%) $(B)/unit/nvme_manager
	@for t in $^; do scripts/test-run $(B)/results $$(basename $$t) $$t || bad=1; done; [ -z "$$bad" ]

# ---- host tool ----------------------------------------------------------------------------------------------------------

TOOL_FLAGS = $(COMMON) -D_GNU_SOURCE -Itools/atoll
TOOL_SRCS := main.c run.c root_task.c session.c machine.c terminal.c script.c event.c stream.c screen.c demux.c description.c description_disk.c image.c \
	yaml_check.c compile.c compile_node.c compile_part.c compile_devices.c compile_request.c component_image.c spec_builder.c
TOOL_SRCS += disk_image.c cost.c compile_memory.c description_net.c description_switch.c compile_vf.c compile_ssd.c ssd_files.c
TOOL_OBJS := $(TOOL_SRCS:%.c=$(B)/tools/atoll/%.o)

# CapDL and the isolation check. Init's own reader of specs is what the tool reads them with, too.
CAPDL_SRCS := capdl_words.c capdl_model.c capdl_print.c capdl_scan.c capdl_reference.c capdl_parse.c \
	capdl_parse_objects.c capdl_parse_caps.c capdl_spec.c capdl_files.c
CAPDL_SRCS += capdl_differences.c compiled.c dump_read.c dump_model.c dump_command.c
CAPDL_SRCS += check_graph.c check_closure.c check_flow.c check_report.c check_wires.c check_command.c picture.c
TOOL_OBJS += $(CAPDL_SRCS:%.c=$(B)/tools/atoll/%.o) $(B)/tools/init/spec_check.o $(B)/tools/init/private.o $(B)/tools/lib/format.o
$(B)/tools/atoll/capdl_spec.o $(B)/tools/atoll/compile_memory.o: TOOL_FLAGS += -Iuser/init
$(B)/tools/atoll/dump_model.o: TOOL_FLAGS += -Ikernel
$(B)/tools/init/%.o: user/init/%.c
	@mkdir -p $(@D)
	$(HOSTCC) $(COMMON) -Iuser/lib -c $< -o $@
$(B)/tools/lib/%.o: user/lib/%.c
	@mkdir -p $(@D)
	$(HOSTCC) $(COMMON) -c $< -o $@

# The probe: boot's readers and rules, for the host.
PROBE_BOOT := text ranges acpi pci dmar ivrs rules requirements examine starter functions sriov
PROBE_OBJS := $(addprefix $(B)/tools/atoll/,probe_linux.o probe_command.o) $(PROBE_BOOT:%=$(B)/tools/boot/%.o)
TOOL_OBJS += $(PROBE_OBJS)
$(PROBE_OBJS): TOOL_FLAGS += -iquote boot
$(B)/tools/boot/%.o: boot/%.c
	@mkdir -p $(@D)
	$(HOSTCC) $(COMMON) -Dtext_format=boot_text_format -c $< -o $@

# Their unit tests: tests/unit/capdl_NAME.c and check_NAME.c, with all of it, under the sanitizers.
CAPDL_UNIT_TESTS := capdl_text capdl_refused check_reach
CAPDL_UNIT_SRCS = $(addprefix tools/atoll/,$(filter-out check_command.c dump_command.c compiled.c,$(CAPDL_SRCS))) $(COMPILE_SRCS) user/init/spec_check.c user/lib/format.c
$(eval $(call unit_objects_with,capdl,-D_GNU_SOURCE -Itools/atoll -Iuser/init -Iuser/lib -Ikernel -Wno-missing-prototypes))
$(CAPDL_UNIT_TESTS:%=$(B)/unit/%): $(B)/unit/%: $(call unit_objects,capdl,tests/unit/%.c $(CAPDL_UNIT_SRCS))
	$(UNIT_LINK)
UNIT_SUITES += unit-capdl
.PHONY: unit-capdl
unit-capdl: $(CAPDL_UNIT_TESTS:%=$(B)/unit/%)
	@for t in $^; do scripts/test-run $(B)/results $$(basename $$t) $$t || bad=1; done; [ -z "$$bad" ]

# Mistakes sown into the compiled text of two VMs, all to be found by `atoll check`.
UNIT_SUITES += unit-seeded
.PHONY: unit-seeded
unit-seeded: all guests
	@scripts/test-run $(B)/results capdl_tool tests/unit/capdl_tool.sh $(B)
	@scripts/test-run $(B)/results capdl_seeded tests/seeded/capdl/run $(B)

# Fuzzing, FUZZ_SECONDS each, from what `atoll compile` writes for the example.
FUZZ_SECONDS ?= 30
TOOL_UNIT_SRCS := demux.c event.c stream.c screen.c script.c description.c description_disk.c description_net.c description_switch.c image.c yaml_check.c
FUZZERS := capdl spec
FUZZERS += dump yaml vmm_devices vmm_decode vmm_loader boot_tables boot_pci
# Boot's readers: firmware tables (QEMU's own to begin with), PCI configuration space.
$(B)/fuzz/boot_%: tests/fuzz/boot_%.c $(BOOT_UNIT_SRCS:%=boot/%.c)
	@mkdir -p $(@D)
	clang $(filter-out -MMD -MP,$(COMMON)) -iquote boot -I. -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all $^ -o $@
# The VMM's: its devices and rings, the instruction decoder beside capstone, kernel files.
VMM_FUZZ = clang $(filter-out -MMD -MP,$(COMMON)) -Iuser/vmm -Iuser/lib -I$(B)/user/vmm -Itests/unit -Wno-missing-prototypes \
	-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
$(B)/fuzz/vmm_%: tests/fuzz/vmm_%.c tests/unit/vmm_fixture.c user/lib/format.c $(VMM_PURE_SRCS) $(VMM_AML)
	@mkdir -p $(@D)
	$(VMM_FUZZ) $(filter %.c,$^) -o $@ -lcmocka
$(B)/fuzz/vmm_decode: tests/fuzz/vmm_decode.c user/vmm/decode.c
	@mkdir -p $(@D)
	$(VMM_FUZZ) $^ -o $@ -lcapstone
$(B)/fuzz/yaml: tests/fuzz/yaml.c $(TOOL_UNIT_SRCS:%=tools/atoll/%)
	@mkdir -p $(@D)
	clang $(filter-out -MMD -MP,$(TOOL_FLAGS)) -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all $^ -o $@ -lcyaml -lyaml
$(B)/fuzz/%: tests/fuzz/%.c $(CAPDL_UNIT_SRCS)
	@mkdir -p $(@D)
	clang $(filter-out -MMD -MP,$(TOOL_FLAGS)) -Iuser/init -Iuser/lib -Ikernel -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all $^ -o $@

# The system-call fuzzer: the whole kernel on the host. The kernel is watched (coverage, sanitizers), its checker runs at full speed.
FUZZ_KERNEL := $(KERNEL_CORE:%=kernel/%) $(X86_UNIT_SRCS:%=kernel/x86/%) tests/unit/x86_host.c
FUZZ_KERNEL_OBJECTS := $(FUZZ_KERNEL:%.c=$(B)/fuzz/%.o)
FUZZ_CHECKER_OBJECTS := $(patsubst %,$(B)/fuzz/tests/%.o,fuzz/syscalls fuzz/kernel_world fuzz/kernel_check unit/kernel_invariants)
FUZZ_KERNEL_FLAGS = $(COMMON) -D_GNU_SOURCE -DWINDOW_BYTES=0x200000ull -DWORK_UNITS_PER_CHECK=2 -I. -Itests/unit/host -fno-strict-aliasing
$(FUZZ_KERNEL_OBJECTS): FUZZ_KERNEL_FLAGS += -include tests/fuzz/kernel_state.h -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
$(B)/fuzz/kernel/%.o: kernel/%.c
	@mkdir -p $(@D)
	clang $(FUZZ_KERNEL_FLAGS) -c $< -o $@
$(B)/fuzz/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	clang $(FUZZ_KERNEL_FLAGS) -c $< -o $@
$(B)/fuzz/syscalls: $(FUZZ_KERNEL_OBJECTS) $(FUZZ_CHECKER_OBJECTS)
	clang -fsanitize=fuzzer,address,undefined $^ -o $@ -lcmocka

.PHONY: fuzz fuzz-inputs fuzz-syscalls
fuzz: fuzz-inputs
	@$(MAKE) --no-print-directory fuzz-syscalls SYSCALL_SECONDS=$(FUZZ_SECONDS)
fuzz-inputs: $(FUZZERS:%=$(B)/fuzz/%) all guests
	@mkdir -p $(B)/fuzz/example $(FUZZERS:%=$(B)/fuzz/%.corpus)
	$(B)/atoll compile examples/two-vms.yaml $(B)/fuzz/example
	@cp $(B)/fuzz/example/node.?.cdl $(B)/fuzz/capdl.corpus/; cp $(B)/fuzz/example/*.spec $(B)/fuzz/spec.corpus/
	@cp examples/*.yaml $(B)/fuzz/yaml.corpus/
	@for f in $(FUZZERS); do scripts/test-run $(B)/results fuzz_$$f nice -n 19 tests/fuzz/run $(B) $$f $(FUZZ_SECONDS) -max_len=100000 || bad=1; done; [ -z "$$bad" ]

# `make test` runs them beside the whole-machine tests, at the lowest priority.
SYSCALL_SECONDS ?= 600
fuzz-syscalls: $(B)/fuzz/syscalls
	@scripts/test-run $(B)/results fuzz_syscalls nice -n 19 tests/fuzz/run $(B) syscalls $(SYSCALL_SECONDS) -max_len=2000 -len_control=0

# The pictures in docs/images, from the examples.
.PHONY: docs
docs: all guests
	@mkdir -p docs/images
	$(B)/atoll check examples/two-vms.yaml --svg docs/images/two-vms.svg
	scripts/kernel-reference >docs/kernel.md

$(B)/tools/atoll/%.o: tools/atoll/%.c
	@mkdir -p $(@D)
	$(HOSTCC) $(TOOL_FLAGS) -c $< -o $@
$(B)/atoll: $(TOOL_OBJS)
	$(HOSTCC) $^ -o $@ -lcyaml -lyaml -lsodium
.PHONY: atoll
atoll: $(B)/atoll

# Unit tests of the tool: tests/unit/tool_NAME.c with the sources that it tests, under the sanitizers.
TOOL_UNIT_TESTS := tool_mistakes tool_demux tool_screen tool_event tool_description

$(eval $(call unit_objects_with,tool,-D_GNU_SOURCE -Itools/atoll -Wno-missing-prototypes))
$(B)/unit/tool_%: $(call unit_objects,tool,tests/unit/tool_%.c $(TOOL_UNIT_SRCS:%=tools/atoll/%))
	$(UNIT_LINK) -lcyaml -lyaml
UNIT_SUITES += unit-tools
.PHONY: unit-tools
unit-tools: $(TOOL_UNIT_TESTS:%=$(B)/unit/%)
	@for t in $^; do scripts/test-run $(B)/results $$(basename $$t) $$t || bad=1; done; [ -z "$$bad" ]

# ---- guests: Debian's kernel, initramfs, test guests ------------------------------------------------------------------------

GUEST_IMAGES := $(B)/guest/vmlinuz $(B)/guest/initramfs.cpio.gz $(B)/guest/disk.img
$(B)/guest/disk.img:
	@mkdir -p $(@D)
	truncate -s 4M $@
$(B)/guest/vmlinuz: scripts/get-guest-kernel
	scripts/get-guest-kernel $@
$(B)/guest/initramfs.cpio.gz: scripts/make-initramfs $(B)/guest/vmlinuz
	scripts/make-initramfs $@ $(B)/guest/modules
.PHONY: guests
guests: $(GUEST_IMAGES)

# ---- tests --------------------------------------------------------------------------------------------------------------

# Test guests: multiboot ELF32 containers of 64-bit code, one claim each (tests/guests). `make test-guests` builds them; `make guests-plain`
# runs those that plain QEMU can judge as well.
TEST_GUESTS := hello ports-all msr-sweep cpuid-sweep beyond-ram own-tables triple-fault hlt-no-irq vmrun vmmcall irq-storm endless-loop \
	timer fpu exceptions segments lengths babble progress crash-vmm crash-kernel poweroff reset bench-exits vf \
	smp smp-triple
TEST_GUESTS += virtio-block virtio-net virtio-hostile bench-virtio disk-lives
TEST_GUESTS += pm watchdog
TEST_GUESTS += lives
# The virtual CPU and the platform, piece by piece.
CPU_GUESTS := debug interrupts modes mmio serial
TEST_GUESTS += $(CPU_GUESTS) random-code pokes hammer
TEST_GUEST_RUNTIME := start runtime trap apic acpi virtio
TEST_GUEST_ELFS := $(TEST_GUESTS:%=$(B)/tests/guests/%.elf)

$(B)/tests/guests/%.o: tests/guests/%.c
	@mkdir -p $(@D)
	$(CC) $(BARE) -c -o $@ $<
$(B)/tests/guests/%.o: tests/guests/%.S
	@mkdir -p $(@D)
	$(CC) $(BARE) -c -o $@ $<
$(B)/tests/guests/%.elf64: $(B)/tests/guests/%.o $(TEST_GUEST_RUNTIME:%=$(B)/tests/guests/%.o) tests/guests/guest.ld
	$(LINK) -T tests/guests/guest.ld -o $@ $(filter %.o,$^)
$(B)/tests/guests/modes.elf64: $(B)/tests/guests/modes_low.o
$(B)/tests/guests/random-code.elf64: $(B)/tests/guests/random_run.o
$(B)/tests/guests/random-code.elf64 $(B)/tests/guests/hammer.elf64 $(B)/tests/guests/smp.elf64 $(B)/tests/guests/smp-triple.elf64: $(B)/tests/guests/cpus_start.o
$(B)/tests/guests/%.elf: $(B)/tests/guests/%.elf64
	objcopy -O elf32-i386 $< $@

# A plugin of QEMU: instructions by processor.
$(B)/tests/system/counts.so: tests/system/counts.c
	@mkdir -p $(@D)
	$(HOSTCC) $(filter-out -MMD -MP,$(COMMON)) -D_GNU_SOURCE -shared -fPIC -o $@ $<
system: $(B)/tests/system/counts.so

$(B)/tests/system/%: tests/system/%.c
	@mkdir -p $(@D)
	$(HOSTCC) $(COMMON) -D_GNU_SOURCE -o $@ $<

$(B)/tests/system/dump_altered: tests/system/dump_altered.c $(addprefix $(B)/tools/atoll/,$(filter-out check_% picture.o dump_command.o compiled.o,$(CAPDL_SRCS:%.c=%.o))) \
		$(B)/tools/atoll/component_image.o $(B)/tools/init/spec_check.o $(B)/tools/lib/format.o
	@mkdir -p $(@D)
	$(HOSTCC) $(TOOL_FLAGS) -o $@ $(filter %.c %.o,$^)

# A program for Linux guests, as a disk image.
$(B)/tests/system/monotonic.img: tests/system/monotonic.c
	@mkdir -p $(@D)
	$(HOSTCC) $(filter-out -MMD -MP,$(COMMON)) -D_GNU_SOURCE -static -s -pthread -o $@ $<
	truncate -s %512 $@

system: $(B)/tests/system/monotonic.img $(B)/tests/system/dump_altered $(B)/tests/system/nic_request

# Root tasks that test the kernel on the machine itself.
$(B)/tests/root/%.o: tests/root/%.c
	@mkdir -p $(@D)
	$(CC) $(USER_FLAGS) -c $< -o $@
$(B)/tests/root/%.elf: $(call user_objects,user/lib/root_start.S tests/root/edu.c) $(B)/tests/root/%.o user/component.ld
	$(USER_LINK)
ROOT_TESTS := dma message kernel
# Those that test the kernel alone have a harness.
KERNEL_TEST_SRCS := $(addprefix tests/root/,kernel.c kernel_threads.c kernel_ipc.c kernel_objects.c kernel_time.c harness.c)
$(B)/tests/root/kernel.elf: $(call user_objects,user/lib/root_start.S $(KERNEL_TEST_SRCS)) user/component.ld
	$(USER_LINK)
$(B)/tests/root/worst.elf: $(call user_objects,user/lib/root_start.S tests/root/worst.c tests/root/harness.c) user/component.ld
	$(USER_LINK)

$(B)/tests/root/channel.elf: $(call user_objects,user/lib/root_start.S tests/root/channel.c) user/component.ld
	$(USER_LINK)

# `make system CASES="sweeps fatal"` runs some of tests/system/cases.sh only.
.PHONY: test-guests guests-plain system
test-guests: $(TEST_GUEST_ELFS)
guests-plain: $(TEST_GUEST_ELFS)
	@scripts/test-run $(B)/results guests-plain tests/guests/plain.sh $(B)/tests/guests $(B)/tests/guests
system: all guests test-guests $(B)/tests/system/walk $(B)/tests/system/screen $(B)/tests/system/channel-request \
		$(ROOT_TESTS:%=$(B)/tests/root/%.elf) $(B)/tests/root/channel.elf
	@scripts/test-run $(B)/results system tests/system/run $(B) $(CASES)

# Figures in counted instructions: a root task on the user library, the bench-exits guest, Debian's kernel.
$(B)/bench/%.o: bench/%.c
	@mkdir -p $(@D)
	$(CC) $(USER_FLAGS) -c $< -o $@
$(B)/bench/%.o: bench/%.S
	@mkdir -p $(@D)
	$(CC) $(USER_FLAGS) -c $< -o $@
$(B)/bench/ipc_root.elf: $(call user_objects,user/lib/root_start.S bench/ipc_root.c bench/threads.S) user/component.ld
	$(USER_LINK)
$(B)/bench/io_root.elf: $(call user_objects,user/lib/root_start.S tests/root/edu.c bench/io_root.c) user/component.ld
	$(USER_LINK)
.PHONY: bench bench-check
# /init for Linux guests that are timed.
$(B)/bench/init_tsc: bench/init_tsc.c
	@mkdir -p $(@D)
	$(HOSTCC) $(filter-out -MMD -MP,$(COMMON)) -static -nostdlib -fno-stack-protector -o $@ $<
bench: all guests test-guests $(B)/bench/init_tsc $(B)/bench/ipc_root.elf $(B)/bench/io_root.elf $(B)/tests/root/worst.elf \
		$(B)/tests/system/channel-request $(B)/tests/root/channel.elf
	@bench/run $(B)
bench-check: all test-guests $(B)/bench/ipc_root.elf $(B)/tests/root/worst.elf
	@scripts/test-run $(B)/results bench bench/run $(B) quick

# ---- proofs -------------------------------------------------------------------------------------------------------------

# The kernel's logic, the queue, boot's parsers under CBMC, and a model of the queue's doorbell; docs/assurance.md is written from the
# results. PROVE="NAME ..." runs some only. `make seeded` shows that bugs put in on purpose are noticed. The tools go to
# build/prove-tools (B=DIR elsewhere: DIR/prove-tools), nothing is installed.
PROVE_TOOLS = $(B)/prove-tools
.PHONY: prove prove-quick seeded unit-memory
prove:
	@scripts/setup-prove $(PROVE_TOOLS)
	@scripts/check-models $(B) queue channel
	@scripts/prove $(PROVE_TOOLS) $(B) $(PROVE)
# The quickest of them, as a part of the test suite: that code and harnesses still fit together.
prove-quick:
	@scripts/test-run $(B)/results prove_quick scripts/prove-quick $(PROVE_TOOLS) $(B)
seeded:
	@scripts/setup-prove $(PROVE_TOOLS)
	@scripts/test-run $(B)/results seeded_kernel tests/seeded/kernel/run $(PROVE_TOOLS) $(B) $(SEEDED)

# The provers don't look for uninitialised memory: the kernel's unit tests once more, without sanitizers, under valgrind.
MEMORY_TESTS := kernel_objects kernel_ipc kernel_channel x86_memory x86_vcpu x86_iommu x86_resources
UNIT_SUITES += unit-memory
unit-memory:
	@$(MAKE) --no-print-directory B=$(B)/memory SANITIZE= $(MEMORY_TESTS:%=$(B)/memory/unit/%)
	@for t in $(MEMORY_TESTS); do scripts/test-run $(B)/results memory_$$t valgrind -q --error-exitcode=1 $(B)/memory/unit/$$t || bad=1; done; [ -z "$$bad" ]

# What takes too long for `make test`: flaws that show themselves once in many runs.
SOAK ?= 10
.PHONY: soak
soak: all guests test-guests
	@for i in $$(seq $(SOAK)); do echo "soak: round $$i of $(SOAK)"; $(MAKE) --no-print-directory system || exit 1; done
	@FLR_ROUNDS=10000 ARP_ROUNDS=1000000 LIVES=200 SRIOV_SECONDS=5400 $(MAKE) --no-print-directory system CASES=sriov
	@$(MAKE) --no-print-directory system CASES="debian_generic debian_newest debian_trixie debian_life debian_apt"
	@STRESS_SECONDS=60 $(MAKE) --no-print-directory system CASES=debian
	@$(MAKE) --no-print-directory system CASES="smp_eight smp_reboots"
	@for i in $$(seq 180); do RANDOM_SEED=$$(date +%s) $(MAKE) --no-print-directory system CASES=random_code || exit 1; done
	@$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=600
	@$(MAKE) --no-print-directory spin

# ---- everything -----------------------------------------------------------------------------------------------------------

IMAGES := $(B)/boot.elf $(B)/boot.efi $(B)/kernel.elf $(USER_IMAGES)

.PHONY: all setup run test unit unit-tool-run check system clang headers reproducible clean help
all: $(IMAGES) $(B)/atoll

setup:
	@scripts/setup

# The build comes after the set-up, which may have to bring the compiler.
run: setup
	@$(MAKE) --no-print-directory all guests
	$(B)/atoll run examples/two-vms.yaml

test: setup
	@rm -rf $(B)/results; status=0; \
	if $(MAKE) --no-print-directory -j$$(nproc) all guests test-guests; then \
		$(MAKE) --no-print-directory -k -Otarget -j$$(nproc) unit check || status=$$?; \
		$(MAKE) --no-print-directory -k -j2 system fuzz-syscalls fuzz-inputs FUZZ_SECONDS=10 || status=$$?; \
	else status=1; fi; \
	scripts/test-summary $(B)/results $$status

# The tool as a whole, against a stand-in for QEMU; it compiles the example, so it needs the images.
UNIT_SUITES += unit-tool-run
unit-tool-run: all guests
	@scripts/test-run $(B)/results tool_run tests/unit/tool_run.sh $(B)

unit: $(UNIT_SUITES)
check: headers clang reproducible guests-plain prove-quick bench-check docs-current

.PHONY: docs-current
docs-current:
	@scripts/test-run $(B)/results docs scripts/kernel-reference --check docs/kernel.md

headers:
	@scripts/test-run $(B)/results headers scripts/check-headers $(CC) -std=c11 $(WARN) -Iinclude
clang:
	@scripts/test-run $(B)/results clang scripts/check-builds "everything builds with clang" $(MAKE) --no-print-directory -j$$(nproc) CC=clang B=$(B)/clang all test-guests
reproducible: $(IMAGES)
	@scripts/test-run $(B)/results reproducible scripts/check-reproducible $(B) $(IMAGES:$(B)/%=build/%)

help:
	@echo "make run            install what is missing, build, boot an emulated server with two VMs"
	@echo "make test           the whole test suite: unit, check, system"
	@echo "make unit           unit tests on the host, under sanitizers"
	@echo "make check          every header alone, a second compiler, reproducible images"
	@echo "make system         whole-machine tests"
	@echo "make fuzz           fuzzers of what is read from files, firmware and guests, and of system calls, FUZZ_SECONDS=30 each"
	@echo "make soak           the whole-machine tests SOAK=10 times over, then VFs in the thousands, ten minutes of each fuzzer and the models"
	@echo "make docs           the pictures in docs/images, the reference docs/kernel.md"
	@echo "make bench          figures in counted instructions, to $(B)/bench.json and docs/performance.md, against bench/baseline"
	@echo "make prove          proofs of the kernel's logic (fetches the provers into build/), writes docs/assurance.md"
	@echo "make prove-quick    the quickest of them, part of make test"
	@echo "make unit-memory    the kernel's unit tests under valgrind, part of make test"
	@echo "make seeded         bugs put in on purpose are noticed by the proofs and unit tests"
	@echo "make all            boot, kernel, components, the atoll tool"
	@echo "make setup          install what is missing, and say what"
	@echo "make clean          remove $(B)/"
	@echo "CC=clang B=DIR      another compiler, another output folder"

clean:
	rm -rf $(B)

-include $(shell find $(B) -type f -name '*.d' 2>/dev/null)
