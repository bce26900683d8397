/* ACPI tables in guest memory: RSDP, RSDT, XSDT, FADT, MADT, MCFG, DSDT (dsdt.dsl). Linux guests are hardware-reduced (no PIC, PIT, PM timer,
 * SMI) and have a power button in an SSDT; multiboot guests have the fixed hardware of pm.h and an FACS. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "guest_memory.h"

#define ACPI_TABLES 0xf0000u     /* where they are put, within what BIOSes keep for themselves */

/* Write the tables; the RSDP is at ACPI_TABLES. The memory must have its first mebibyte. */
void acpi_write(const struct guest_memory *m, unsigned cpus, bool fixed_hardware);
