/* function: every function of kernel/notification.c
 * property: nothing undefined, in whatever state; who is bound is named back, and nobody is bound to what is gone
 * bound: 3 threads (the queue itself: queue_notification)
 * with: proofs/kernel/world.c
 * options: --unwind 5
 */
#include "world.h"
void *const world_queue = &nt;
const unsigned world_threads = 3;
#include "kernel/notification.c"

int main(void)
{
    world_any();
    struct tcb *t = &ta;
    switch (nondet_below(10)) {
    case 0:
        notification_signal(&nt, nondet_word());
        REACH(nt.state == NOTIFICATION_ACTIVE);
        break;
    case 1:
        t->ipc_link = (struct queue_link){NULL, NULL};
        notification_wait(t, &nt, nondet_bool());
        REACH(nt.state == NOTIFICATION_WAITING);
        break;
    case 2: notification_take(t, &nt); break;
    case 3: {
        bool released = notification_cancel_one(&nt);
        REACH(released);
        break;
    }
    case 4: ASSUME(t->state == THREAD_BLOCKED_ON_NOTIFICATION); notification_remove(t); break;
    case 5: ASSUME(t->state == THREAD_BLOCKED_ON_NOTIFICATION); notification_requeue(t); break;
    case 6: ASSUME(!t->bound_notification && !nt.bound_tcb); notification_bind(&nt, t); HOLDS(nt.bound_tcb == t && t->bound_notification == &nt, "bound to each other"); break;
    case 7: notification_unbind(t); HOLDS(nt.bound_tcb != t && !t->bound_notification, "bound no more"); break;
    case 8: notification_return_sc(&nt, t); HOLDS(!t->sc || t->sc != nt.sc, "the lent context is given back"); break;
    default: notification_finalise(&nt); HOLDS(!nt.bound_tcb && !nt.sc, "nobody is bound to what is gone");
    }
}
