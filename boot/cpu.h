/* The processor: what it must offer, and the local APIC in x2APIC mode. */
#pragma once
#include <stdint.h>
#include "requirements.h"

#define APIC_TIMER_VECTOR 0xf0 /* boot's own, while it measures */

/* Stops with a sentence when this processor lacks what Atoll needs. */
void cpu_check(void);
void cpu_facts(struct processor_facts *);
void cpu_enable_x2apic(void);
uint32_t cpu_apic_id(void);
unsigned cpu_physical_bits(void);
/* How many low bits of an x2APIC id tell the threads of one core apart. */
unsigned cpu_thread_bits(void);
