/* PCI functions and IOMMUs of this machine: found, listed, judged, and held back before anything is started. */
#pragma once
#include "acpi.h"
#include "iommu.h"
#include "input.h"
#include "pci.h"
#include "ranges.h"

/* Find and list. What must not be handed to anybody (IOMMU registers) is added to `kept`. `mapped`: how far the identity map goes. */
void devices_discover(const struct acpi_tables *, const struct acpi_mcfg *, const struct acpi_madt *, const struct ranges *ram,
                      uint64_t mapped, struct ranges *kept);

/* The rules of rules.h. False: `reason` is a sentence. */
bool devices_check(char *reason, size_t size);
