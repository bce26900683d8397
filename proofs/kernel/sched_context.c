/* function: the functions of kernel/sched_context.c but invocations
 * property: nothing undefined, in whatever state; a context and its thread name each other; what goes is named by nobody
 * bound: 2 threads, 2 contexts; all links between them
 * with: proofs/kernel/world.c
 * options: --unwind 5
 */
#include "world.h"
void *const world_queue = &ep;
const unsigned world_threads = 2;
#include "kernel/sched_context.c"

static bool paired(const struct sched_context *s) { return !s->tcb || s->tcb->sc == s; }

int main(void)
{
    world_any();
    struct tcb *t = &ta;
    struct sched_context *s = &sa;
    switch (nondet_below(8)) {
    case 0: sched_context_take_consumed(s); HOLDS(s->budget_consumed == 0, "counts from zero again"); break;
    case 1: sched_context_unblock(s); break;
    case 2: sched_context_resume(s); break;
    case 3: ASSUME(!s->tcb && !t->sc); sched_context_bind(s, t); HOLDS(s->tcb == t && t->sc == s, "bound to each other"); break;
    case 4: sched_context_unbind_tcb(s); HOLDS(!s->tcb, "nobody's"); break;
    case 5: ASSUME(!t->sc); sched_context_donate(s, t); HOLDS(s->tcb == t && t->sc == s, "handed over"); break;
    case 6: ASSUME(t->yield_to); sched_context_complete_yield(t); HOLDS(!t->yield_to, "its call has returned"); break;
    default:
        sched_context_finalise(s);
        HOLDS(!s->tcb && !s->reply && !s->notification && !s->yield_from && kernel.current_sc != s, "nobody names what is gone");
        REACH(t->yield_to == NULL && t->sc == &sb);
    }
    HOLDS(paired(&sa) && paired(&sb), "a context's thread names it");
}
