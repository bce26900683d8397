/* function: handle_timer, timeslice_end, wake_released, scheduler_init, tcb_make_runnable_first, kernel_exit_to_scheduler (schedule.c)
 * property: nothing undefined, in whatever state
 * bound: 2 threads
 * with: proofs/kernel/world.c
 * replace: schedule:schedule_later
 * options: --unwind 5
 * solver: bitwuzla
 * seconds: 300
 */
#include "world.h"
void *const world_queue = &ep;
const unsigned world_threads = 2;
bool fault_timeout(struct tcb *t) { t->state = THREAD_BLOCKED_ON_SEND; return true; }
#include "kernel/schedule.c"
void schedule_later(void) {} /* schedule */

int main(void)
{
    world_any();
    ta.priority = tb.priority = 100;
    ta.in_ready_queue = tb.in_ready_queue = false;
    kernel.ready_head[100] = kernel.ready_tail[100] = NULL;
    struct tcb *current = kernel.current;
    ASSUME(!current->in_release_queue && (!kernel.current_sc || kernel.current_sc->tcb == current));
    switch (nondet_below(4)) {
    case 0: {
        struct tcb *first = kernel.release_head;
        ASSUME(!first || !first->release_link.prev);
        handle_timer();
        REACH(first && !first->in_release_queue);
        break;
    }
    case 1: timeslice_end(nondet_bool()); HOLDS(kernel.reschedule, "somebody else's turn"); break;
    case 2: scheduler_init(); HOLDS(kernel.current == idle_thread(), "nobody runs yet"); break;
    default: tcb_make_runnable_first(&ta); kernel_exit_to_scheduler(); HOLDS(ta.state == THREAD_RUNNING, "init may run");
    }
}
