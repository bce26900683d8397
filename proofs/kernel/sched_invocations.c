/* function: sched_context_invoke, sched_control_invoke, and what they alone call
 * property: nothing undefined, in whatever state; budgets and periods that are let in are within the bounds that the manual gives, so that sums of them don't wrap
 * bound: 2 threads, 2 contexts; a clock of 2,995 ticks per microsecond; all invocations
 * with: proofs/kernel/world.c
 * options: --unwind 5
 */
#include "world.h"
void *const world_queue = &ep;
const unsigned world_threads = 2;
static bool configured;
void sched_context_configure(struct sched_context *s, ticks_t budget, ticks_t period, word_t refills, word_t badge, bool sporadic)
{
    (void)badge, (void)sporadic;
    HOLDS(s == &sa || s == &sb, "a context");
    HOLDS(budget >= kernel.min_budget && budget <= period && period <= UINT64_MAX >> 10, "a budget inside its period");
    HOLDS(refills >= 2 && refills <= 512, "as many refills as there is room for");
    configured = true;
}
unsigned sched_context_max_refills(unsigned bits) { (void)bits; return 512; }
#include "kernel/sched_context.c"
#include "kernel/sched_control.c"

int main(void)
{
    world_any();
    kernel.ticks_per_us = 2995; /* a product of two unknowns is too much for the prover */
    kernel.min_budget = kernel.ticks_per_us * SEL4_MIN_BUDGET_US;
    if (nondet_bool()) {
        struct invocation inv = any_invocation(CAP_SC);
        status_t r = sched_context_invoke(&inv);
        REACH(r == STATUS_OK && inv.label == SEL4_SCHED_CONTEXT_BIND);
        REACH(r == STATUS_BLOCKED && inv.label == SEL4_SCHED_CONTEXT_YIELD_TO);
        REACH(r == STATUS_OK && inv.label == SEL4_SCHED_CONTEXT_UNBIND_OBJECT);
    } else {
        struct invocation inv = any_invocation(CAP_SCHED_CONTROL);
        status_t r = sched_control_invoke(&inv);
        REACH(r == STATUS_OK && configured);
        REACH(r == SEL4_RANGE_ERROR);
    }
}
