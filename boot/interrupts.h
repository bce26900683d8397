/* Boot's interrupt table: exceptions end in a sentence, and the APIC timer can be waited for. */
#pragma once
#include <stdint.h>

void interrupts_init(void); /* fills the table and loads it */
void interrupts_load(void); /* a further processor: loads it */
extern volatile uint64_t interrupts_timer_tsc; /* the handler of APIC_TIMER_VECTOR puts the time here */
