/* function: endpoint_send, endpoint_remove, endpoint_requeue
 * property: nothing undefined, in whatever state; who must wait is in the queue of senders, who takes the message runs
 * bound: 3 threads (the queue itself: queue_endpoint)
 * with: proofs/kernel/world.c
 * replace: endpoint_head:world_head endpoint_state:world_state endpoint_set_head:world_set_head
 * options: --unwind 5
 */
#include "world.h"
void *const world_queue = &ep;
const unsigned world_threads = 3;
#include "kernel/endpoint.c"

int main(void)
{
    world_any();
    struct tcb *t = &ta, *first = ep_head;
    enum endpoint_state before = ep_state;
    switch (nondet_below(3)) {
    case 0: {
        ASSUME(first != t && !(first && before == ENDPOINT_RECEIVING && first->state == THREAD_BLOCKED_ON_REPLY));
        bool blocking = nondet_bool();
        endpoint_send(t, &ep, nondet_word(), nondet_word(), blocking, nondet_bool(), nondet_bool());
        HOLDS(before == ENDPOINT_RECEIVING || !blocking || (ep_state == ENDPOINT_SENDING && t->state == THREAD_BLOCKED_ON_SEND), "it waits");
        HOLDS(before != ENDPOINT_RECEIVING || first->state == THREAD_RUNNING, "the receiver runs");
        REACH(before == ENDPOINT_RECEIVING && t->state == THREAD_BLOCKED_ON_REPLY);
        REACH(ep_head == t);
        break;
    }
    case 1: endpoint_remove(t); REACH(ep_state == ENDPOINT_IDLE); break;
    default:
        ASSUME(first);
        endpoint_requeue(t);
        REACH(ep_head == t && first != t);
    }
}
