/* Boot, top to bottom: discover the machine, plan, start the cores, let each load and enter its kernel. Then boot is gone.
 *
 * What it prints on the serial line, for people and for scripts; every line is "boot: ..." (the first one is spelled by
 * the entry), but for a refusal; numbers are decimal unless they begin with 0x:
 *
 *   boot: Atoll
 *   boot: last run: TEXT                                            what the run before a warm reset left in memory
 *   boot: machine: M MiB usable memory, C cores, physical addresses of P bits
 *   boot: acpi: SIGN at 0xADDRESS, N bytes                         one line per table
 *   boot: pci: segment S, buses F to L, configuration space at 0xADDRESS
 *   boot: pci: BB:DD.F VENDOR:DEVICE class 0xCLASS, KIND...          one line per function, then its BARs and SR-IOV
 *   boot: iommu: VT-d|AMD-Vi unit at 0xADDRESS, segment S           one line per unit
 *   boot: iommu: unit U: tables [0xSTART-0xEND)
 *   boot: iommu: unit U: every device is blocked, interrupts are remapped
 *   boot: clock: TSC H Hz by HOW, APIC timer H Hz
 *   boot: ioapic: N pins at 0xADDRESS, from interrupt G
 *   boot: ioapic: ISA interrupt I is interrupt G, flags 0xF         one line per override
 *   boot: own [0xSTART-0xEND)                                       boot's image and the loaded modules: given to nobody
 *   boot: node N: core apic A, private [0xSTART-0xEND), window [0xSTART-0xEND), kernel pml4 0xADDRESS
 *   boot: node N: KIND NAME [0xSTART-0xEND)                         KIND: memory, module, shared, log, log-tail, device
 *   boot: node N: function NAME is BB:DD.F, under unit U
 *   boot: starting K further cores
 *   boot: clock: node N: SENTENCE                                   its core's time stamp counter is not the boot core's
 *   boot: entering S kernels, T microseconds after the first instruction
 *   probe: ...                                                     instead of the rest, if the image is to examine the machine (probe.h)
 *   event: boot stopped: SENTENCE                                   the last line, when something is missing
 */
#include <atoll/iommu.h>
#include "acpi.h"
#include "clock.h"
#include "cpu.h"
#include "devices.h"
#include "elf.h"
#include "interrupts.h"
#include "ioapic.h"
#include "load.h"
#include "machine.h"
#include "plan.h"
#include "print.h"
#include "probe.h"
#include "record.h"
#include "run.h"
#include "smp.h"
#include "tables.h"
#include "wall.h"

#define PAGE 4096ull
#define INTERRUPT_WINDOW 0xfee00000ull   /* local APICs and MSI addresses. AMD APM vol. 2, 16.3; Intel SDM vol. 3, 11.11.1 */
#define INTERRUPT_WINDOW_SIZE 0x100000ull

extern const uint8_t boot_image_start[], boot_image_end[];
extern const uint64_t boot_tsc;

/* Too large for the stack, and there once. */
static struct boot_input input;
static struct acpi_tables tables;
static struct acpi_madt madt;
static struct acpi_mcfg mcfg;
static uint32_t ioapic_pins[ACPI_MAX_IOAPICS];
static uint32_t cores[ACPI_MAX_CORES]; /* x2APIC ids, the boot core first, one thread of each */
static unsigned core_count;
static struct ranges own, kept, free_early;
static struct elf_image kernel, init;
static struct plan plan;
static struct launch launch;
static struct functions functions;

static void check(const char *wrong)
{
    if (wrong)
        stop("%s", wrong);
}

static void need_room(bool fits)
{
    if (!fits)
        stop("the memory map has too many pieces");
}

/* --- discover --- */

static void discover_memory(void)
{
    need_room(ranges_add(&own, (uint64_t)boot_image_start, (uint64_t)boot_image_end));
    for (unsigned i = 0; i < input.module_count; i++)
        need_room(ranges_add(&own, input.modules[i].paddr & ~(PAGE - 1),
                             (input.modules[i].paddr + input.modules[i].size + PAGE - 1) & ~(PAGE - 1)));
    record_open(&input.ram, &own);
    free_early = input.ram;
    for (unsigned i = 0; i < own.count; i++)
        need_room(ranges_remove(&free_early, own.r[i].start, own.r[i].end));
    need_room(ranges_remove(&free_early, 0, 1 << 20));

    uint64_t limit = 1ull << cpu_physical_bits(), top = input.ram.r[input.ram.count - 1].end;
    uint64_t before = ranges_total(&input.ram), mapped = identity_map_extend(top < limit ? top : limit, &free_early, &own);
    launch.phys_limit = limit;
    need_room(ranges_remove(&input.ram, mapped < limit ? mapped : limit, UINT64_MAX));
    if (ranges_total(&input.ram) != before)
        print("boot: machine: %lu MiB of memory are beyond reach and left unused\n", (before - ranges_total(&input.ram)) >> 20);
}

static void discover_firmware(void)
{
    struct memory_view memory = {(const uint8_t *)0, 0, IDENTITY_BY_ENTRY};
    uint64_t rsdp = input.rsdp;
    if (!rsdp && !acpi_find_rsdp(&memory, &rsdp))
        stop("the firmware offers no ACPI tables");
    check(acpi_read_tables(&memory, rsdp, &tables));
    for (unsigned i = 0; i < tables.count; i++)
        print("boot: acpi: %s at 0x%lx, %u bytes\n", tables.tables[i].signature, tables.tables[i].paddr, tables.tables[i].size);
    if (tables.damaged)
        print("boot: acpi: %u damaged tables are ignored\n", tables.damaged);
    for (unsigned i = 0; i < tables.count; i++) { /* tables belong into reserved memory; some firmware leaves them in RAM */
        uint64_t start = tables.tables[i].paddr & ~(PAGE - 1), end = tables.tables[i].paddr + tables.tables[i].size;
        end = (end + PAGE - 1) & ~(PAGE - 1);
        if (ranges_overlap(&input.ram, start, end))
            need_room(ranges_remove(&input.ram, start, end));
    }

    const struct acpi_table *t = acpi_table(&tables, "APIC");
    if (!t)
        stop("the firmware offers no ACPI processor table (MADT)");
    check(acpi_read_madt(t->bytes, t->size, &madt));
    if ((t = acpi_table(&tables, "MCFG")))
        check(acpi_read_mcfg(t->bytes, t->size, &mcfg));
}

/* One thread per core: threads of one core share its caches and units, and a core is never shared between two tenants. */
static void discover_cores(void)
{
    unsigned shift = cpu_thread_bits();
    cores[core_count++] = cpu_apic_id();
    for (unsigned i = 0; i < madt.core_count; i++) {
        bool taken = false;
        for (unsigned k = 0; k < core_count && !taken; k++)
            taken = cores[k] >> shift == madt.cores[i] >> shift;
        if (!taken && core_count < ACPI_MAX_CORES)
            cores[core_count++] = madt.cores[i];
    }
    if (madt.cores_ignored)
        print("boot: machine: %u processors are more than this program can hold, and are left unused\n", madt.cores_ignored);
}

static void discover_interrupts(void)
{
    for (unsigned i = 0; i < madt.ioapic_count; i++) {
        if (madt.ioapics[i].paddr % PAGE || ranges_overlap(&input.ram, madt.ioapics[i].paddr, madt.ioapics[i].paddr + PAGE))
            stop("the firmware says that an IOAPIC is at 0x%lx, which cannot be", madt.ioapics[i].paddr);
        ioapic_pins[i] = ioapic_silence(madt.ioapics[i].paddr);
        print("boot: ioapic: %u pins at 0x%lx, from interrupt %u\n", ioapic_pins[i], madt.ioapics[i].paddr, madt.ioapics[i].gsi_base);
        need_room(ranges_add(&kept, madt.ioapics[i].paddr, madt.ioapics[i].paddr + PAGE));
    }
    for (unsigned i = 0; i < madt.override_count; i++)
        print("boot: ioapic: ISA interrupt %u is interrupt %u, flags 0x%x\n", madt.overrides[i].irq, madt.overrides[i].gsi,
              madt.overrides[i].flags);
    need_room(ranges_add(&kept, INTERRUPT_WINDOW, INTERRUPT_WINDOW + INTERRUPT_WINDOW_SIZE));
}

static char unprotected[256]; /* why, or empty */

static void protect(void)
{
    if (devices_check(unprotected, sizeof unprotected)) {
        unprotected[0] = '\0';
        devices_place(core_count < IOMMU_MAX_NODES ? core_count : IOMMU_MAX_NODES, &free_early, &own, &launch.units);
    }
}

/* Architecture, "boot fails closed". A foreign root task (REST) comes with drivers of its own that know nothing of this. */
static void check_protection(void)
{
    if (!unprotected[0])
        return;
    if (!(plan.system->flags & SYSTEM_FLAG_REST))
        stop("%s", unprotected);
    print("boot: iommu: not protected, as a foreign root task may go without: %s\n", unprotected);
}

/* --- plan --- */

static const struct module *module_needed(const char *name)
{
    const struct module *m = input_module(&input, name);
    if (!m)
        stop("the module \"%s\" was not loaded", name);
    return m;
}

static const uint8_t *read_image(const char *name, struct elf_image *image)
{
    const struct module *m = module_needed(name);
    const char *wrong = elf_read((const uint8_t *)m->paddr, m->size, image);
    if (wrong)
        stop("the module \"%s\" %s", name, wrong);
    return (const uint8_t *)m->paddr;
}

static void make_plan(void)
{
    launch.kernel_file = read_image("kernel", &kernel);
    launch.init_file = read_image("init", &init);
    const char *wrong = elf_check_kernel(&kernel, KERNEL_IMAGE_VA, KERNEL_MAP_VA);
    if (wrong)
        stop("the module \"kernel\" %s", wrong);
    wrong = elf_check_user(&init, 1ull << 47);
    if (wrong)
        stop("the module \"init\" %s", wrong);
    const struct module *system = module_needed(SYSTEM_MODULE_NAME);
    struct plan_input in = {
        .boot = &input, .own = &own, .kept = &kept,
        .system = (const uint8_t *)system->paddr, .system_size = system->size,
        .kernel_size = kernel.highest - kernel.lowest, .init_size = init.highest - init.lowest,
        .phys_limit = launch.phys_limit, .core_count = core_count, .ioapic_count = madt.ioapic_count,
        .iommu_count = launch.units.count,
    };
    if (!plan_make(&in, &plan))
        stop("%s", plan.reason);
}

static const char *kind_label(uint32_t kind)
{
    return kind == RESOURCE_MEMORY ? "memory" : kind == RESOURCE_MODULE ? "module" : kind == RESOURCE_SHARED ? "shared"
         : kind == RESOURCE_LOG ? "log" : kind == RESOURCE_CHANNEL ? "channel" : "log-tail";
}

static void print_plan(void)
{
    for (unsigned i = 0; i < own.count; i++)
        print("boot: own [0x%lx-0x%lx)\n", own.r[i].start, own.r[i].end);
    for (unsigned n = 0; n < plan.system->node_count; n++) {
        const struct plan_node *p = &plan.nodes[n];
        print("boot: node %u: core apic %u, private [0x%lx-0x%lx), window [0x%lx-0x%lx), kernel pml4 0x%lx\n", n, cores[n],
              p->private.start, p->private.end, p->window.start, p->window.end, load_pml4(p));
        for (unsigned i = 0; i < plan.system->request_count; i++)
            if (plan.system->requests[i].node == n && plan_kind_has_memory(plan.system->requests[i].kind))
                print("boot: node %u: %s %s [0x%lx-0x%lx)\n", n, kind_label(plan.system->requests[i].kind),
                      plan.system->requests[i].name, plan.memory[i].start, plan.memory[i].end);
    }
    for (unsigned i = 0; i < plan.rest_count; i++)
        print("boot: node 0: %s rest.%s.%u [0x%lx-0x%lx)\n", plan.rest[i].ram ? "memory" : "device",
              plan.rest[i].ram ? "ram" : "device", i, plan.rest[i].range.start, plan.rest[i].range.end);
}

/* --- PCI functions --- */

static void bind_functions(void)
{
    char reason[320];
    if (!devices_bind(plan.system, &input.ram, &kept, !unprotected[0], &functions, reason, sizeof reason))
        stop("%s", reason);
}

/* --- start --- */

/* The lowest two, but not page 0. */
static uint64_t trampoline_pages(void)
{
    for (unsigned i = 0; i < input.ram.count; i++) {
        uint64_t at = input.ram.r[i].start ? input.ram.r[i].start : PAGE;
        if (at + 2 * PAGE <= input.ram.r[i].end && at + 2 * PAGE <= 0xa0000)
            return at;
    }
    stop("no two free pages below 640 KiB to start the further cores from");
}

void boot_run(const struct boot_input *found)
{
    input = *found;
    stage_reached(STAGE_PROCESSOR);
    interrupts_init();
    if (probe_wanted(&input)) {
        static struct probe probe;
        probe_run(&input, &probe);
        probe_end(&probe, NULL);
    }
    cpu_check();
    pic_silence(); /* before the local APIC stops listening to the 8259: a request that is already up must go down again */
    cpu_enable_x2apic();
    smp_stop_others();

    stage_reached(STAGE_FIRMWARE);
    discover_memory();
    discover_firmware();
    discover_cores();
    print("boot: machine: %lu MiB usable memory, %u cores, physical addresses of %u bits\n", ranges_total(&input.ram) >> 20,
          core_count, cpu_physical_bits());
    discover_interrupts();
    devices_discover(&tables, &mcfg, &madt, &input.ram, IDENTITY_BY_ENTRY, &kept);
    protect();

    stage_reached(STAGE_CLOCK);
    clock_measure(&tables, &launch.clock);
    print("boot: clock: TSC %lu Hz by %s, APIC timer %lu Hz\n", launch.clock.tsc_hz, launch.clock.reference,
          launch.clock.apic_timer_hz);
    launch.clock.wall = wall_at_tsc_zero(launch.clock.tsc_hz);

    stage_reached(STAGE_PLAN);
    make_plan();
    check_protection();
    bind_functions();
    print_plan();
    launch = (struct launch){
        .input = &input, .plan = &plan, .kernel = &kernel, .init = &init, .kernel_file = launch.kernel_file,
        .init_file = launch.init_file, .madt = &madt, .ioapic_pins = ioapic_pins, .apic_ids = cores, .units = launch.units, .functions = &functions, .clock = launch.clock,
        .rsdp = tables.rsdp, .boot_tsc = boot_tsc, .phys_limit = launch.phys_limit,
    };

    devices_block(plan.system->node_count, cores, &launch.clock, &launch.units);
    devices_enable(plan.system, &functions, &launch.clock);

    stage_reached(STAGE_PROCESSORS);
    print("boot: starting %u further cores\n", plan.system->node_count - 1);
    smp_start(&launch, trampoline_pages());

    stage_reached(STAGE_KERNELS);
    record_kernel_logs(&plan);
    load_shared(&launch);
    print("boot: entering %u kernels, %lu microseconds after the first instruction\n", plan.system->node_count,
          (tsc_read() - boot_tsc) / (launch.clock.tsc_hz / 1000000));
    smp_release();
    load_node(&launch, 0);
    stage_reached(STAGE_HANDOVER);
    load_enter(&launch, 0);
}
