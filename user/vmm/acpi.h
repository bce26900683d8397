/* ACPI tables in guest memory: RSDP, XSDT, FADT (hardware-reduced: no PIC, PIT, PM timer, SMI), MADT, DSDT (dsdt.dsl). */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "guest_memory.h"

#define ACPI_SLEEP_CONTROL 0x600 /* ports; ACPI 6.4, 4.8.3.7 */
#define ACPI_SLEEP_STATUS 0x601
#define ACPI_TABLES 0xf0000u     /* where they are put, within what BIOSes keep for themselves */

/* Write the tables; the RSDP is at ACPI_TABLES. The memory must have its first mebibyte. */
void acpi_write(const struct guest_memory *m, unsigned cpus);

/* Sleep control register: SLP_EN with the type of \_S5. */
bool acpi_sleep_is_power_off(uint8_t value);
