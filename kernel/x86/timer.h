/* One hardware timer for two users: the scheduler's next event and the vCPUs' timers. */
#pragma once
#include "../types.h"

struct vcpu;
void timer_interrupt(void);
void timer_hold(ticks_t until); /* irq_release() then */
void timer_arm(struct vcpu *, ticks_t deadline); /* 0: disarm; signals the vCPU's timer notification when reached */
