#include "cpu.h"
#include "bytes.h"
#include "devices.h"
#include "examine.h"
#include "machine.h"
#include "print.h"
#include "probe.h"
#include "run.h"
#include "text.h"

/* Too large for the stack. */
static struct acpi_tables tables;
static struct acpi_madt madt;
static struct acpi_mcfg mcfg;
static struct iommus iommus;
static struct iommu_facts iommu_facts[IOMMU_MAX_UNITS];
static struct pci pci;

static const struct system_header *request(const struct boot_input *in)
{
    const struct module *m = input_module(in, SYSTEM_MODULE_NAME);
    const struct system_header *s = m ? (const struct system_header *)m->paddr : NULL;
    return s && m->size >= sizeof *s && s->magic == SYSTEM_MAGIC && s->request_count <= SYSTEM_MAX_REQUESTS &&
           m->size >= sizeof *s + s->request_count * sizeof s->requests[0] ? s : NULL;
}

bool probe_wanted(const struct boot_input *in)
{
    return request(in) && request(in)->flags & SYSTEM_FLAG_PROBE;
}

/* --- look --- */

static uint32_t config_read(void *context, uint16_t segment, uint16_t id, unsigned offset)
{
    (void)context;
    return mmio_read32(mcfg_page(&mcfg, segment, id) + offset);
}

static bool reachable(uint64_t start, uint64_t bytes) { return start && bytes <= IDENTITY_BY_ENTRY && start <= IDENTITY_BY_ENTRY - bytes; }

static const char *read_tables(const struct boot_input *in)
{
    struct memory_view memory = {(const uint8_t *)0, 0, IDENTITY_BY_ENTRY};
    uint64_t rsdp = in->rsdp;
    if (!rsdp && !acpi_find_rsdp(&memory, &rsdp))
        return "the firmware offers no ACPI tables";
    const char *wrong = acpi_read_tables(&memory, rsdp, &tables);
    const struct acpi_table *t = wrong ? NULL : acpi_table(&tables, "APIC");
    if (!wrong && !t)
        wrong = "the firmware offers no ACPI processor table (MADT)";
    if (!wrong)
        wrong = acpi_read_madt(t->bytes, t->size, &madt);
    if (!wrong && (t = acpi_table(&tables, "MCFG")))
        wrong = acpi_read_mcfg(t->bytes, t->size, &mcfg);
    if (!wrong && (t = acpi_table(&tables, "DMAR")))
        wrong = dmar_read(t->bytes, t->size, &iommus);
    if (!wrong && iommus.unit_count == 0 && (t = acpi_table(&tables, "IVRS")))
        wrong = ivrs_read(t->bytes, t->size, &iommus);
    return wrong;
}

static const char *list_devices(void)
{
    static const struct pci_config config = {config_read, NULL, NULL};
    for (unsigned i = 0; i < mcfg.count; i++) {
        const struct acpi_segment *s = &mcfg.segments[i];
        if (!reachable(s->base, ((uint64_t)s->last_bus + 1) << 20))
            return "a PCI configuration space is beyond this program's reach, and its devices are not listed";
        if (!pci_scan(&config, s->segment, s->first_bus, s->last_bus, &pci))
            return "more PCI functions than this program can hold";
    }
    for (unsigned i = 0; i < iommus.unit_count; i++) {
        if (!reachable(iommus.units[i].paddr, iommus.units[i].register_bytes))
            return "an IOMMU is beyond this program's reach";
        iommu_facts[i] = devices_iommu_facts(&iommus.units[i]);
    }
    return NULL;
}

/* As discover_cores() counts: one thread per core. */
static unsigned count_cores(void)
{
    unsigned shift = cpu_thread_bits(), cores = 0;
    for (unsigned i = 0; i < madt.core_count; i++) {
        bool taken = false;
        for (unsigned k = 0; k < i && !taken; k++)
            taken = madt.cores[k] >> shift == madt.cores[i] >> shift;
        cores += !taken;
    }
    return cores;
}

/* --- tell --- */

static void keep(char *to, size_t size, size_t *length, const char *text)
{
    *length += text_format(to + *length, size - *length, "%s", text);
}

static void tell(void *context, enum verdict v, const char *requirement, const char *sentence)
{
    static const char *const words[] = {"PASS", "WARN", "FAIL"};
    struct probe *p = context;
    char line[400];
    *(v == VERDICT_PASS ? &p->passed : v == VERDICT_WARN ? &p->warned : &p->failed) += 1;
    text_format(line, sizeof line, "%s %s: %s\n", words[v], requirement, sentence);
    print("probe: ");
    print_text(line);
    keep(p->page, sizeof p->page, &p->page_length, line);
}

static void put_starter(void *context, const char *text)
{
    struct probe *p = context;
    print_text(text);
    keep(p->starter, sizeof p->starter, &p->starter_length, text);
}

void probe_run(const struct boot_input *in, struct probe *p)
{
    struct machine_facts facts = {.memory = ranges_total(&in->ram), .madt = &madt, .mcfg = &mcfg, .pci = &pci, .iommus = &iommus,
                                  .iommu_facts = iommu_facts, .iommu_facts_known = true, .system = request(in)};
    struct verdicts to = {tell, p};
    cpu_facts(&facts.processor);
    facts.tables_wrong = read_tables(in);
    if (!facts.tables_wrong)
        facts.devices_wrong = list_devices();
    facts.cores = count_cores();
    facts.tpm = acpi_table(&tables, "TPM2") != NULL;
    print("probe: a description to start from:\n"); /* first, so that a screen shows the page */
    starter_write(&facts, put_starter, p);
    print("probe: end of the description\n");
    examine(&facts, &to);
}

void probe_end(const struct probe *p, const char *written_to)
{
    stop("this image only examines the machine: %u requirements pass, %u warnings, %u fail; %s%s%s", p->passed, p->warned, p->failed,
         p->failed ? "Atoll does not start here before that is changed" : "Atoll can start here", written_to ? "; written to " : "",
         written_to ? written_to : "");
}
