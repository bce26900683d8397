/* The real header, but signals go to the test, and time is the test's. */
#pragma once
#define sel4_signal sel4_signal_real
#include "../../../user/lib/sel4.h"
#undef sel4_signal
void sel4_signal(cptr_t notification);
uint64_t pf_test_clock(void);
#define __builtin_ia32_rdtsc pf_test_clock
