#include <atoll/iommu.h>
#include <x86/amdvi.h>
#include <x86/vtd.h>
#include "bytes.h"
#include "devices.h"
#include "iommu_block.h"
#include "machine.h"
#include "print.h"
#include "rules.h"
#include "text.h"

#define PAGE 4096ull
#define ECAM_BUS 0x100000ull /* PCI Express 7.2.2: 4 KiB per function, 256 functions per bus */

static const struct acpi_mcfg *mcfg;
static const struct acpi_madt *madt;
static struct iommus iommus;
static struct iommu_facts facts[IOMMU_MAX_UNITS];
static struct pci pci;

/* --- configuration space: PCI Express 7.2.2 --- */

static uint32_t config_read(void *context, uint16_t segment, uint16_t id, unsigned offset)
{
    (void)context;
    return mmio_read32(mcfg_page(mcfg, segment, id) + offset); /* there is one: functions come from pci_scan() alone */
}

static void config_write(void *context, uint16_t segment, uint16_t id, unsigned offset, uint32_t value)
{
    (void)context;
    mmio_write32(mcfg_page(mcfg, segment, id) + offset, value);
}

static const struct pci_config config = {config_read, config_write, NULL};

static void check_place(uint64_t start, uint64_t bytes, uint64_t mapped, const struct ranges *ram, const char *what)
{
    if (start % PAGE || start + bytes < start || start + bytes > mapped || ranges_overlap(ram, start, start + bytes))
        stop("the firmware says that %s is at 0x%lx, which cannot be, or is beyond this program's reach", what, start);
}

/* --- list --- */

static const char *port_name(const struct pci_function *f)
{
    static const char *const names[16] = {[0] = "endpoint", [1] = "legacy endpoint", [4] = "root port", [5] = "switch upstream port",
                                          [6] = "switch downstream port", [7] = "bridge to PCI", [8] = "bridge from PCI",
                                          [9] = "integrated endpoint", [10] = "event collector"};
    return f->express && names[f->port_type] ? names[f->port_type] : f->bridge ? "PCI bridge" : "PCI device";
}

static size_t append(char *line, size_t size, size_t at, const char *what, unsigned value)
{
    return at + text_format(line + at, size - at, what, value);
}

static void print_function(const struct pci_function *f)
{
    char name[PCI_NAME_SIZE], line[160];
    size_t n = 0;
    line[0] = '\0';
    if (f->bridge)
        n += text_format(line, sizeof line, ", buses %u to %u", f->secondary, f->subordinate);
    if (f->flr)
        n = append(line, sizeof line, n, ", FLR", 0);
    if (f->msi)
        n = append(line, sizeof line, n, ", MSI %u", f->msi_vectors);
    if (f->msix)
        n = append(line, sizeof line, n, ", MSI-X %u", f->msix_vectors);
    if (f->acs)
        n = append(line, sizeof line, n, ", ACS 0x%x", f->acs_controls);
    if (f->ari)
        n = append(line, sizeof line, n, ", ARI", 0);
    if (f->ari_forwarding)
        n = append(line, sizeof line, n, ", forwards ARI", 0);
    if (f->ats)
        n = append(line, sizeof line, n, ", ATS", 0);
    if (f->damaged)
        append(line, sizeof line, n, ", damaged capability list", 0);
    pci_name(f->segment, f->id, name);
    print("boot: pci: %s %x:%x class 0x%x, %s%s\n", name, f->vendor, f->device, f->class, port_name(f), line);
    for (unsigned i = 0; i < PCI_BARS; i++)
        if (f->bars[i].size)
            print("boot: pci: %s bar %u: %s at 0x%lx, %lu bytes\n", name, i, f->bars[i].port ? "ports" : "memory", f->bars[i].base,
                  f->bars[i].size);
    const struct pci_sriov *s = &f->sriov;
    if (s->offset)
        print("boot: pci: %s SR-IOV: %u functions, device %x, offset %u, stride %u\n", name, s->total, s->device, s->first, s->stride);
    for (unsigned i = 0; i < PCI_BARS; i++)
        if (s->offset && s->bars[i].size)
            print("boot: pci: %s SR-IOV bar %u: at 0x%lx, %lu bytes per function\n", name, i, s->bars[i].base, s->bars[i].size);
}

static void print_unit(unsigned index)
{
    const struct iommu_unit *u = &iommus.units[index];
    print("boot: iommu: %s unit at 0x%lx, segment %u\n", u->kind == IOMMU_VT_D ? "VT-d" : "AMD-Vi", u->paddr, u->segment);
    if (u->kind == IOMMU_VT_D)
        print("boot: iommu: unit %u: capabilities 0x%lx, 0x%lx\n", index, facts[index].capability, facts[index].extended);
    else
        print("boot: iommu: unit %u: features 0x%lx\n", index, facts[index].features);
}

static void print_reserved(const struct iommu_reserved *r)
{
    for (unsigned i = 0; i < pci.count; i++) {
        bool named = false;
        for (unsigned k = 0; k < r->scope_count && !named; k++)
            named = rules_scope_names(&iommus.scopes[r->first_scope + k], &pci, pci.functions[i].segment, pci.functions[i].id);
        if (!named || pci.functions[i].segment != r->segment)
            continue;
        char name[PCI_NAME_SIZE];
        pci_name(r->segment, pci.functions[i].id, name);
        print("boot: iommu: %s wants memory [0x%lx-0x%lx), and will not reach it\n", name, r->start, r->end);
    }
}

/* --- discover --- */

static void read_tables(const struct acpi_tables *tables)
{
    const struct acpi_table *t = acpi_table(tables, "DMAR");
    const char *wrong = t ? dmar_read(t->bytes, t->size, &iommus) : NULL;
    if (!wrong && iommus.unit_count == 0 && (t = acpi_table(tables, "IVRS")))
        wrong = ivrs_read(t->bytes, t->size, &iommus);
    if (wrong)
        stop("%s", wrong);
}

struct iommu_facts devices_iommu_facts(const struct iommu_unit *u)
{
    if (u->kind == IOMMU_VT_D)
        return (struct iommu_facts){.capability = mmio_read64(u->paddr + VTD_CAP), .extended = mmio_read64(u->paddr + VTD_ECAP)};
    return (struct iommu_facts){.features = mmio_read64(u->paddr + AMDVI_FEATURES)};
}

void devices_discover(const struct acpi_tables *tables, const struct acpi_mcfg *segments, const struct acpi_madt *interrupts,
                      const struct ranges *ram, uint64_t mapped, struct ranges *kept)
{
    mcfg = segments;
    madt = interrupts;
    for (unsigned i = 0; i < mcfg->count; i++) {
        const struct acpi_segment *s = &mcfg->segments[i];
        print("boot: pci: segment %u, buses %u to %u, configuration space at 0x%lx\n", s->segment, s->first_bus, s->last_bus, s->base);
        check_place(s->base + s->first_bus * ECAM_BUS, (s->last_bus - s->first_bus + 1u) * ECAM_BUS, mapped, ram,
                    "a PCI configuration space");
        if (!pci_scan(&config, s->segment, s->first_bus, s->last_bus, &pci))
            stop("more than %u PCI functions", PCI_MAX_FUNCTIONS);
    }
    for (unsigned i = 0; i < pci.count; i++)
        print_function(&pci.functions[i]);
    read_tables(tables);
    for (unsigned i = 0; i < iommus.unit_count; i++) {
        const struct iommu_unit *u = &iommus.units[i];
        check_place(u->paddr, u->register_bytes, mapped, ram, "an IOMMU");
        if (!ranges_add(kept, u->paddr, u->paddr + u->register_bytes))
            stop("the memory map has too many pieces");
        facts[i] = devices_iommu_facts(u);
        print_unit(i);
    }
    for (unsigned i = 0; i < iommus.reserved_count; i++)
        print_reserved(&iommus.reserved[i]);
}

bool devices_check(char *reason, size_t size)
{
    struct rules_input in = {.iommus = &iommus, .facts = facts, .mcfg = mcfg, .madt = madt, .pci = &pci};
    return rules_check(&in, reason, size);
}

/* --- functions by name --- */

static struct functions_input functions_input(const struct system_header *system, const struct ranges *ram, const struct ranges *kept,
                                              bool protected)
{
    return (struct functions_input){.system = system, .config = &config, .pci = &pci, .iommus = &iommus, .mcfg = mcfg,
                                    .ram = ram, .kept = kept, .protected = protected};
}

static void print_binding(const struct system_header *system, const struct function_binding *f)
{
    const struct system_request *r = &system->requests[f->request];
    char name[PCI_NAME_SIZE];
    pci_name(f->segment, f->id, name);
    print("boot: node %u: function %s is %s, under unit %u\n", r->node, r->name, name, f->unit);
    for (unsigned i = 0; i < PCI_BARS; i++)
        if (f->bars[i].end)
            print("boot: node %u: device %s.bar%u [0x%lx-0x%lx)\n", r->node, r->name, i, f->bars[i].start, f->bars[i].end);
}

bool devices_bind(const struct system_header *system, const struct ranges *ram, const struct ranges *kept, bool protected,
                  struct functions *functions, char *reason, size_t size)
{
    struct functions_input in = functions_input(system, ram, kept, protected);
    if (!functions_bind(&in, functions, reason, size))
        return false;
    for (unsigned i = 0; i < functions->count; i++)
        print_binding(system, &functions->bound[i]);
    return true;
}

void devices_enable(const struct system_header *system, const struct functions *functions, const struct clock *clock)
{
    struct functions_input in = functions_input(system, NULL, NULL, true);
    unsigned enabled = functions_enable(&in, functions);
    for (uint64_t start = tsc_read(); enabled && tsc_read() - start < clock->tsc_hz / 10;) /* PCI Express 9.3.3.3.1: 100 ms */
        cpu_pause();
}

/* --- block --- */

static void place_ioapics(struct device_units *out)
{
    for (unsigned i = 0; i < madt->ioapic_count; i++) {
        const struct iommu_scope *s = rules_ioapic(&iommus, madt->ioapics[i].id);
        uint16_t requester;
        rules_requester(&iommus, &pci, s, &requester); /* there is one: devices_check() */
        out->ioapic_flags[i] = IOAPIC_REMAPPED | (uint32_t)s->unit << IOAPIC_UNIT_SHIFT | requester;
    }
}

void devices_place(unsigned nodes, struct ranges *free, struct ranges *own, struct device_units *out)
{
    uint64_t size = (iommu_block_size(nodes) + IOMMU_BLOCK_ALIGN - 1) & ~(IOMMU_BLOCK_ALIGN - 1), block;
    for (unsigned i = 0; i < iommus.unit_count; i++) {
        const struct iommu_unit *u = &iommus.units[i];
        if (!ranges_take(free, size, IOMMU_BLOCK_ALIGN, &block) || !ranges_add(own, block, block + size))
            stop("no room for %lu KiB of tables of the IOMMU at 0x%lx; give the machine more memory", size / 1024, u->paddr);
        out->units[i] = (struct device_unit){
            .paddr = u->paddr, .register_bytes = u->register_bytes, .block = block, .segment = u->segment,
            .kind = u->kind == IOMMU_VT_D ? IOMMU_KIND_VTD : IOMMU_KIND_AMDVI,
            .domain_bits = u->kind == IOMMU_VT_D ? VTD_CAP_DOMAIN_BITS(facts[i].capability) : 16};
        print("boot: iommu: unit %u: tables [0x%lx-0x%lx)\n", i, block, block + size);
    }
    out->count = iommus.unit_count;
    place_ioapics(out);
}

static void address_faults(uint64_t block, unsigned nodes, const uint32_t *apic_ids)
{
    for (unsigned node = 0; node < nodes; node++)
        ((struct iommu_fault_page *)(block + iommu_faults(nodes) + node * PAGE))->apic_id = apic_ids[node];
}

void devices_block(unsigned nodes, const uint32_t *apic_ids, const struct clock *clock, const struct device_units *units)
{
    pci_stop_masters(&config, &pci);
    for (unsigned i = 0; i < units->count; i++) {
        const struct device_unit *u = &units->units[i];
        memset((void *)u->block, 0, iommu_block_size(nodes));
        address_faults(u->block, nodes, apic_ids);
        if (u->kind == IOMMU_KIND_VTD)
            vtd_block(&iommus.units[i], facts[i].capability, u->block, nodes, clock);
        else
            amdvi_block(&iommus.units[i], u->block, nodes, clock);
        print("boot: iommu: unit %u: every device is blocked, interrupts are remapped\n", i);
    }
    for (unsigned i = 0; i < madt->ioapic_count && units->count; i++) {
        const struct device_unit *u = &units->units[units->ioapic_flags[i] >> IOAPIC_UNIT_SHIFT & 0xff];
        if (u->kind == IOMMU_KIND_AMDVI)
            amdvi_remap_interrupts(u->block, units->ioapic_flags[i] & IOAPIC_REQUESTER);
    }
    pci_control_access(&config, &pci);
    pci_start_bridges(&config, &pci);
}
