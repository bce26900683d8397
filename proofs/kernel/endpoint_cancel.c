/* function: endpoint_cancel_one, endpoint_cancel_badged, release
 * property: nothing undefined, in whatever state; each thread that leaves starts its call again or stays stopped with its fault forgotten
 * bound: 2 threads in the queue (the queue itself: queue_endpoint)
 * with: proofs/kernel/world.c
 * replace: endpoint_head:world_head endpoint_state:world_state endpoint_set_head:world_set_head
 * options: --unwind 5
 */
#include "world.h"
void *const world_queue = &ep;
const unsigned world_threads = 2;
#include "kernel/endpoint.c"

int main(void)
{
    world_any();
    struct tcb *first = nondet_bool() ? &ta : NULL; /* the queue, of threads that are alike */
    bool second = nondet_bool();
    ta.ipc_link = (struct queue_link){NULL, second ? &tb : NULL};
    tb.ipc_link = (struct queue_link){&ta, NULL};
    ep.tail = second ? &tb : &ta;
    ep_head = first, ep_state = !first ? ENDPOINT_IDLE : nondet_bool() ? ENDPOINT_SENDING : ENDPOINT_RECEIVING;
    word_t badge = nondet_word();
    if (nondet_bool()) {
        bool released = endpoint_cancel_one(&ep);
        HOLDS(released == (first != NULL), "the first in the queue, if there is one");
        HOLDS(!released || first->state == THREAD_RUNNING || (first->state == THREAD_INACTIVE && first->fault.type == SEL4_FAULT_NULL), "it waits no more");
        REACH(released);
    } else {
        bool sends = ep_state == ENDPOINT_SENDING, meant = first && first->blocked_badge == badge;
        status_t s = endpoint_cancel_badged(&ep, badge);
        HOLDS(s == STATUS_OK || s == STATUS_PREEMPTED, "done, or to be gone on with");
        HOLDS(!sends || !meant || first->state == THREAD_RUNNING || (first->state == THREAD_INACTIVE && first->fault.type == SEL4_FAULT_NULL), "it waits no more");
        REACH(s == STATUS_PREEMPTED);
        REACH(s == STATUS_OK && sends && ep_state == ENDPOINT_IDLE);
    }
    HOLDS((ep_state == ENDPOINT_IDLE) == (ep_head == NULL), "idle exactly if empty");
}
