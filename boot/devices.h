/* PCI functions and IOMMUs of this machine: found, listed, judged, and held back before anything is started. */
#pragma once
#include "acpi.h"
#include "clock.h"
#include "functions.h"
#include "iommu.h"
#include "input.h"
#include "pci.h"
#include "rules.h"
#include "ranges.h"

/* Find and list. What must not be handed to anybody (IOMMU registers) is added to `kept`. `mapped`: how far the identity map goes. */
void devices_discover(const struct acpi_tables *, const struct acpi_mcfg *, const struct acpi_madt *, const struct ranges *ram,
                      uint64_t mapped, struct ranges *kept);

/* The units as the nodes' kernels will see them; count 0: the machine is not protected. */
struct device_units {
    unsigned count;
    struct device_unit {
        uint64_t paddr, register_bytes;
        uint64_t block;           /* its tables, <atoll/iommu.h> */
        uint32_t kind;            /* IOMMU_KIND_... */
        uint16_t segment;
        unsigned domain_bits;     /* how many domain numbers it tells apart, as log2 */
    } units[IOMMU_MAX_UNITS];
    uint32_t ioapic_flags[ACPI_MAX_IOAPICS]; /* per IOAPIC of the MADT: how it is remapped */
};

/* The rules of rules.h. False: `reason` is a sentence. */
struct iommu_facts devices_iommu_facts(const struct iommu_unit *); /* from its registers */
bool devices_check(char *reason, size_t size);

/* Memory for the units' tables: out of `free`, added to `own`. `nodes`: as many as there may be. */
void devices_place(unsigned nodes, struct ranges *free, struct ranges *own, struct device_units *);

/* What the request names, see functions.h; the second one once the units block everything. */
bool devices_bind(const struct system_header *, const struct ranges *ram, const struct ranges *kept, bool protected, struct functions *,
                  char *reason, size_t size);
void devices_enable(const struct system_header *, const struct functions *, const struct clock *);

/* No device is a bus master, every unit is on and lets nothing through; then bridges forward again. */
void devices_block(unsigned nodes, const uint32_t *apic_ids /* per node */, const struct clock *, const struct device_units *);
