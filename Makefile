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
.DELETE_ON_ERROR:
.SECONDARY:

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla
REPRO := -ffile-prefix-map=$(CURDIR)=. -fno-ident
COMMON := -std=c11 -O2 -g $(WARN) $(REPRO) -MMD -MP -Iinclude
# Freestanding code: no host headers beyond the compiler's own, no FPU registers, nothing the compiler could call.
BARE := $(COMMON) -ffreestanding -fno-pic -fno-pie -fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none \
	-mno-red-zone -mgeneral-regs-only -fno-strict-aliasing -fno-builtin-printf
LINK := $(CC) -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack -Wl,--no-warn-rwx-segments

# ---- boot -------------------------------------------------------------------------------------------------------------

# ---- kernel -----------------------------------------------------------------------------------------------------------

# ---- user level: library, init, node manager, VMM, console ---------------------------------------------------------------

# Each component is its sources, the library and one of two start files, linked at one address by user/component.ld.
USER_LIB_SRCS := user/lib/sel4.c user/lib/string.c user/lib/format.c user/lib/log.c
INIT_SRCS := user/init/main.c user/init/spec_check.c user/init/objects.c user/init/memory.c
MANAGER_SRCS := user/node_manager/main.c user/node_manager/memory.c user/node_manager/events.c
CONSOLE_SRCS := user/console/main.c user/console/mux.c user/console/uart.c
VMM_SRCS :=

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
$(B)/user/vmm.elf: $(call user_objects,user/lib/start.S $(VMM_SRCS)) user/component.ld
	$(USER_LINK)
$(B)/user/console.elf: $(call user_objects,user/lib/start.S $(CONSOLE_SRCS)) user/component.ld
	$(USER_LINK)

USER_IMAGES := $(B)/user/init.elf $(B)/user/node_manager.elf $(B)/user/vmm.elf $(B)/user/console.elf
.PHONY: user
user: $(USER_IMAGES)

# ---- host tool ----------------------------------------------------------------------------------------------------------

# ---- guests: Debian's kernel, initramfs, test guests ------------------------------------------------------------------------

# ---- tests --------------------------------------------------------------------------------------------------------------

# ---- everything -----------------------------------------------------------------------------------------------------------

.PHONY: all clean help
all:

clean:
	rm -rf $(B)

-include $(shell find $(B) -name '*.d' 2>/dev/null)
