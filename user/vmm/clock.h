/* KVM's clock page: how a Linux guest learns the TSC's rate (Documentation/virt/kvm/x86/msr.rst of Linux describes it).
 * The TSC itself the guest reads without an exit; this page is written once per registration and never changes. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "guest_memory.h"

#define MSR_KVM_WALL_CLOCK 0x11u
#define MSR_KVM_SYSTEM_TIME 0x12u
#define MSR_KVM_WALL_CLOCK_NEW 0x4b564d00u
#define MSR_KVM_SYSTEM_TIME_NEW 0x4b564d01u

struct clock {
    uint64_t wall, system; /* the MSRs' values */
};

void clock_reset(struct clock *c);
void clock_write_wall(struct clock *c, const struct guest_memory *m, uint64_t value, uint64_t epoch); /* Unix time of TSC 0 */
void clock_write_system(struct clock *c, const struct guest_memory *m, uint64_t value, uint64_t tsc_hz);

/* Nanoseconds = (ticks << shift, or >> -shift) * multiplier >> 32. */
void clock_scale(uint64_t hz, uint32_t *multiplier, int8_t *shift);
