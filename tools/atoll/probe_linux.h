/* What a running Linux shows of its machine, as boot's own readers take it: sysfs, procfs, CPUID. Only read, never written. */
#pragma once
#include <stdbool.h>
#include "examine.h"

struct linux_machine {
    struct machine_facts facts;
    char why_tables[160], why_devices[160];
    struct acpi_madt madt;
    struct acpi_mcfg mcfg;
    struct iommus iommus;
    struct iommu_facts iommu_facts[IOMMU_MAX_UNITS];
    struct pci pci;
};

/* `root`: "" or a folder that holds sys/ and proc/ of another machine. */
void linux_machine_read(struct linux_machine *, const char *root);
