/* function: every function of kernel/schedule.c
 * property: nothing undefined, in whatever state; a priority's bit is set exactly if a thread is in its queue; who runs is schedulable, or the idle thread
 * bound: 3 threads, of two priorities that may be any
 * with: proofs/kernel/world.c
 * options: --unwind 5
 * solver: bitwuzla
 * seconds: 300
 */
#include "world.h"
void *const world_queue = &ep;
const unsigned world_threads = 3;
bool fault_timeout(struct tcb *t) { t->state = THREAD_BLOCKED_ON_SEND; return true; }
#include "kernel/schedule.c"

/* The ready queues: in each of two priorities none, one or two threads, all others are empty. */
static unsigned p, q;
static void ready_any(void)
{
    for (unsigned i = 0; i < 4; i++)
        kernel.ready_bits[i] = 0;
    kernel.ready_summary = 0;
    ta.in_ready_queue = nondet_bool(), tb.in_ready_queue = nondet_bool(), tc.in_ready_queue = nondet_bool();
    struct tcb *first = ta.in_ready_queue ? &ta : tb.in_ready_queue ? &tb : NULL; /* of p */
    struct tcb *last = tb.in_ready_queue ? &tb : first;
    ta.priority = tb.priority = (uint8_t)p, tc.priority = (uint8_t)q;
    ta.ready_link = (struct queue_link){NULL, tb.in_ready_queue ? &tb : NULL};
    tb.ready_link = (struct queue_link){ta.in_ready_queue ? &ta : NULL, NULL};
    tc.ready_link = (struct queue_link){NULL, NULL};
    kernel.ready_head[p] = first, kernel.ready_tail[p] = last;
    kernel.ready_head[q] = tc.in_ready_queue ? &tc : NULL, kernel.ready_tail[q] = kernel.ready_head[q];
    if (first)
        kernel.ready_bits[p / 64] |= BIT(p % 64), kernel.ready_summary |= BIT(p / 64);
    if (tc.in_ready_queue)
        kernel.ready_bits[q / 64] |= BIT(q % 64), kernel.ready_summary |= BIT(q / 64);
}
static bool bits_fit(unsigned i)
{
    bool bit = kernel.ready_bits[i / 64] >> (i % 64) & 1;
    return bit == (kernel.ready_head[i] != NULL) && (kernel.ready_bits[i / 64] != 0) == (kernel.ready_summary >> (i / 64) & 1);
}
static bool ready_rules(const struct tcb *t) { return !t->in_ready_queue || (t->sc && t->sc->refill_max != 0 && !t->in_release_queue && t->state == THREAD_RUNNING && t->sc != kernel.current_sc); }

int main(void)
{
    world_any();
    p = nondet_below(256), q = nondet_below(256);
    ASSUME(p != q);
    ready_any();
    ASSUME(ready_rules(&ta) && ready_rules(&tb) && ready_rules(&tc));
    struct tcb *t = nondet_bool() ? &ta : nondet_bool() ? &tb : &tc, *current = kernel.current;
    ASSUME(!current->in_ready_queue && !current->in_release_queue && (!kernel.switch_to || (!kernel.switch_to->in_ready_queue && kernel.switch_to != current)));
    ASSUME(!kernel.current_sc || !kernel.current_sc->tcb || kernel.current_sc->tcb == current);
    ASSUME(!current->yield_to);
    switch (nondet_below(8)) {
    case 0: ready_enqueue(t, nondet_bool()); HOLDS(t->in_ready_queue, "in its queue"); REACH(kernel.ready_tail[p] == &ta && kernel.ready_head[p] == &tb); break;
    case 1: ready_dequeue(t); HOLDS(!t->in_ready_queue, "in no queue"); REACH(kernel.ready_summary == 0); break;
    case 2: ASSUME(t->sc && !t->in_release_queue); release_enqueue(t); HOLDS(t->in_release_queue && kernel.release_head, "it waits for its time"); break;
    case 3: thread_dequeue(t); HOLDS(!t->in_ready_queue && !t->in_release_queue, "in no queue"); break;
    case 4: thread_wake(t); REACH(kernel.switch_to == t); break;
    case 5: ASSUME(kernel.current_sc && current->sc == kernel.current_sc && current->state == THREAD_RUNNING); yield_current(); break;
    case 6: clock_update(); charge_current(); HOLDS(kernel.consumed == 0, "all is charged"); break;
    default: {
        ASSUME(!kernel.current_sc || current->sc == kernel.current_sc);
        schedule();
        struct tcb *now = kernel.current;
        HOLDS(now == &idle || (now->state == THREAD_RUNNING && now->sc && now->sc->refill_max && !now->in_release_queue), "who runs may run");
        REACH(now == &idle);
        REACH(now == &tc && current == &ta && ta.in_ready_queue);
    }
    }
    HOLDS(bits_fit(p) && bits_fit(q), "a bit for each queue that is not empty");
}
