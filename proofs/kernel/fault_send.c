/* function: fault_send, fault_timeout, fault_has_timeout_handler, handler_usable
 * property: nothing undefined, in whatever state; a fault goes to a handler that may answer it, or the thread stops
 * bound: all threads and handlers
 * with: proofs/kernel/world.c
 * options: --unwind 5
 */
#include "world.h"
void *const world_queue = &ep;
const unsigned world_threads = 2;
static unsigned sent;
void endpoint_send(struct tcb *t, struct endpoint *e, word_t badge, word_t rights, bool blocking, bool call, bool donate)
{
    (void)t, (void)badge, (void)donate;
    HOLDS(e == &ep && (rights & SEL4_RIGHT_WRITE) && (rights & (SEL4_RIGHT_GRANT | SEL4_RIGHT_GRANT_REPLY)), "a handler that may answer");
    HOLDS(blocking && !call, "a fault waits");
    sent++;
}
#include "kernel/fault.c"

int main(void)
{
    world_any();
    struct tcb *t = &ta;
    ASSUME(t->sc);
    if (nondet_bool()) {
        fault_send(t);
        HOLDS(sent == 1 || (t->state == THREAD_INACTIVE && t->fault.type == SEL4_FAULT_NULL), "told, or stopped");
        REACH(sent);
        REACH(!sent);
    } else {
        bool can = fault_has_timeout_handler(t), told = fault_timeout(t);
        HOLDS(can == told && sent == told, "told exactly if there is a handler");
        HOLDS(!told || t->fault.type == SEL4_FAULT_TIMEOUT, "as a timeout");
        REACH(told);
    }
}
