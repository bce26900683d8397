/* What the probe says about a machine, from facts alone: the same on the machine itself and in `atoll probe` on a running Linux. Pure. */
#pragma once
#include <atoll/system.h>
#include "acpi.h"
#include "functions.h"
#include "iommu.h"
#include "pci.h"
#include "requirements.h"
#include "rules.h"

struct machine_facts {
    struct processor_facts processor;
    unsigned cores;                     /* one thread of each counted */
    uint64_t memory;                    /* usable, bytes */
    const struct acpi_madt *madt;
    const struct acpi_mcfg *mcfg;
    const struct pci *pci;
    const struct iommus *iommus;
    const struct iommu_facts *iommu_facts; /* per unit */
    bool iommu_facts_known;
    enum tsc_seen tsc;
    bool tpm;
    const char *tables_wrong;           /* NULL, or why the firmware's tables cannot be used */
    const char *devices_wrong;          /* NULL, or why the devices could not be listed */
    const struct system_header *system; /* what is to run here; NULL: nothing in particular */
};

void examine(const struct machine_facts *, const struct verdicts *);

/* A description for this machine, line by line. */
void starter_write(const struct machine_facts *, void (*put)(void *context, const char *text), void *context);

#define EXAMINE_LEAST_CORES 2               /* the control node and one VM */
#define EXAMINE_LEAST_MEMORY (256ull << 20) /* boot, two nodes, a small VM */
