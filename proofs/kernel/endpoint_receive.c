/* function: endpoint_receive
 * property: nothing undefined, in whatever state; who must wait is in the queue of receivers with the reply object that it gave
 * bound: 2 threads (the queue itself: queue_endpoint)
 * with: proofs/kernel/world.c
 * replace: endpoint_head:world_head endpoint_state:world_state endpoint_set_head:world_set_head
 * options: --unwind 5
 */
#include "world.h"
void *const world_queue = &ep;
const unsigned world_threads = 2;
/* The object is taken from whoever waits with it: that thread waits no more (ipc.c). */
void ipc_cancel(struct tcb *t)
{
    t->state = THREAD_INACTIVE;
    t->reply->tcb = NULL;
    t->reply = NULL;
}
void notification_take(struct tcb *t, struct notification *n) { HOLDS(n == t->bound_notification && n->state == NOTIFICATION_ACTIVE, "its own, with a signal"); }
#include "kernel/endpoint.c"

int main(void)
{
    world_any();
    struct tcb *t = &ta;
    struct reply *r = nondet_bool() ? any_reply() : NULL;
    ASSUME(ep_head != t && !t->reply && t->state == THREAD_RUNNING);
    enum endpoint_state before = ep_state;
    bool blocking = nondet_bool();

    endpoint_receive(t, cap_endpoint(AT_EP, nondet_word(), nondet_word()), r, blocking);

    bool waits = t->state == THREAD_BLOCKED_ON_RECEIVE;
    HOLDS(!waits || (t->reply == r && (!r || r->tcb == t)), "with its own reply object");
    HOLDS(!waits || ep_state == ENDPOINT_RECEIVING, "in the queue of receivers");
    REACH(waits && r);
    REACH(before == ENDPOINT_SENDING && ep_state == ENDPOINT_IDLE);
}
