/* function: acpi_read_madt, acpi_read_mcfg, acpi_read_hpet, acpi_read_pm_timer (boot)
 * property: any bytes: no access outside the table, no more processors, IOAPICs, overrides or segments than there is room for
 * bound: tables of up to 72 bytes
 * options: --unwind 16
 * solver: bitwuzla
 */
#include "../proof.h"
#include "boot/acpi.c"

#define BYTES 72
static uint8_t table[BYTES];
static struct acpi_madt madt;
static struct acpi_mcfg mcfg;

int main(void)
{
    __CPROVER_havoc_object(table);
    uint32_t size = nondet_below(BYTES + 1);
    uint8_t *exact = __CPROVER_allocate(size, 0); /* so that a byte behind the table is a violation */
    __CPROVER_array_copy(exact, table);
    switch (nondet_below(3)) {
    case 0: {
        const char *wrong = acpi_read_madt(exact, size, &madt);
        HOLDS(madt.core_count <= ACPI_MAX_CORES && madt.ioapic_count <= ACPI_MAX_IOAPICS && madt.override_count <= ACPI_MAX_OVERRIDES, "room");
        HOLDS(wrong || madt.core_count >= 1, "a processor");
        REACH(!wrong && madt.core_count == 1 && madt.ioapic_count == 1);
        break;
    }
    case 1: {
        const char *wrong = acpi_read_mcfg(exact, size, &mcfg);
        HOLDS(mcfg.count <= ACPI_MAX_SEGMENTS, "room");
        REACH(!wrong && mcfg.count == 1);
        break;
    }
    default: {
        uint64_t hpet = acpi_read_hpet(exact, size);
        uint16_t timer = acpi_read_pm_timer(exact, size);
        HOLDS(timer == 0, "a table that is too short for it has no timer");
        REACH(hpet != 0);
    }
    }
}
