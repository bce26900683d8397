/* Rates of the TSC and of the local APIC timer, measured once on the boot processor. */
#pragma once
#include <stdint.h>
#include "acpi.h"

struct clock {
    uint64_t tsc_hz, apic_timer_hz;
    uint64_t wall; /* Unix time of TSC 0; 0: unknown */
    const char *reference; /* what the TSC was measured against */
};

void clock_measure(const struct acpi_tables *tables, struct clock *clock); /* stops the machine when there is nothing to measure with */
void clock_wait(const struct clock *clock, uint64_t microseconds);
