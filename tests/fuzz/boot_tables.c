/* Boot's readers of firmware tables, with any bytes at all: MADT, MCFG, DMAR, IVRS, chosen by the signature that the bytes begin with. What a
 * table says is then judged against a small machine: rules and bindings must come to an end, whatever it is. */
#include <stdlib.h>
#include <string.h>
#include "boot/acpi.h"
#include "boot/iommu.h"
#include "boot/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct acpi_madt madt;
static struct acpi_mcfg mcfg;
static struct iommus units;
static struct pci pci;

static void judge(void)
{
    struct iommu_facts facts[IOMMU_MAX_UNITS];
    char reason[320];
    memset(facts, 0xff, sizeof facts);
    for (unsigned i = 0; i < IOMMU_MAX_UNITS; i++)
        facts[i].capability = facts[i].extended = facts[i].features = UINT64_MAX - 1; /* everything is there */
    pci = (struct pci){.count = 3};
    pci.functions[0] = (struct pci_function){.id = 0, .class = 0x060000};
    pci.functions[1] = (struct pci_function){.id = 8, .class = 0x060400, .bridge = true, .secondary = 1, .subordinate = 2};
    pci.functions[2] = (struct pci_function){.id = 0x100, .class = 0x020000};
    struct rules_input in = {.iommus = &units, .facts = facts, .mcfg = &mcfg, .madt = &madt, .pci = &pci};
    if (!rules_check(&in, reason, sizeof reason) && !*reason)
        abort(); /* a refusal without a sentence */
    for (unsigned i = 0; i < pci.count; i++) {
        unsigned unit = rules_unit_of(&units, &pci, 0, pci.functions[i].id);
        if (unit != IOMMU_NO_UNIT && unit >= units.unit_count)
            abort();
        rules_reserved(&units, &pci, 0, pci.functions[i].id);
    }
    for (unsigned id = 0; id < 256; id++) {
        const struct iommu_scope *s = rules_ioapic(&units, id);
        uint16_t requester;
        if (s)
            rules_requester(&units, &pci, s, &requester);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 36 || size > 65536)
        return 0;
    uint8_t *exact = malloc(size); /* so that a byte too far is noticed */
    memcpy(exact, data, size);
    memset(&madt, 0, sizeof madt);
    memset(&units, 0, sizeof units);
    mcfg.count = 0;
    if (!memcmp(data, "APIC", 4))
        acpi_read_madt(exact, (uint32_t)size, &madt);
    else if (!memcmp(data, "MCFG", 4))
        acpi_read_mcfg(exact, (uint32_t)size, &mcfg);
    else if (!memcmp(data, "DMAR", 4))
        dmar_read(exact, (uint32_t)size, &units);
    else
        ivrs_read(exact, (uint32_t)size, &units);
    for (uint32_t id = 0; id < 0x10000; id += 0x101)
        mcfg_page(&mcfg, 0, (uint16_t)id);
    mcfg.count += mcfg.count == 0;
    judge();
    free(exact);
    return 0;
}
