/* What a machine must offer before anything is started on it: the rules by which boot fails closed, each with a sentence that names
 * the device or setting. Pure: they judge what was found, and touch nothing. Compiles for the host. */
#pragma once
#include "acpi.h"
#include "iommu.h"
#include "pci.h"
#include "requirements.h"

/* What a unit's registers say. AMD-Vi: `features` is the extended feature register. */
struct iommu_facts {
    uint64_t capability, extended; /* VT-d 11.4.2, 11.4.3 */
    uint64_t features;             /* AMD-Vi 3.4.7 */
};

struct rules_input {
    const struct iommus *iommus;
    const struct iommu_facts *facts; /* per unit */
    const struct acpi_mcfg *mcfg;
    const struct acpi_madt *madt;
    const struct pci *pci;
};

/* False: `reason` is a sentence. */
bool rules_check(const struct rules_input *, char *reason, size_t size);
/* All of them, one by one. `facts` NULL: the units' registers cannot be read. */
void rules_judge(const struct rules_input *, const struct verdicts *);

/* Index of the unit that a function's requests go through, or IOMMU_NO_UNIT. */
unsigned rules_unit_of(const struct iommus *, const struct pci *, uint16_t segment, uint16_t id);
/* Memory that the firmware reserves for this function, or NULL. */
const struct iommu_reserved *rules_reserved(const struct iommus *, const struct pci *, uint16_t segment, uint16_t id);
/* The scope that names the IOAPIC with this APIC id, or NULL; and what it appears as. */
const struct iommu_scope *rules_ioapic(const struct iommus *, uint32_t id);
bool rules_requester(const struct iommus *, const struct pci *, const struct iommu_scope *, uint16_t *id);
/* The same for a scope's functions: does it name this one (SOURCE_ALL: no)? */
bool rules_scope_names(const struct iommu_scope *, const struct pci *, uint16_t segment, uint16_t id);
