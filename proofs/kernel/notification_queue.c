/* function: enqueue, dequeue (notification.c)
 * property: a waiting thread joins before those of lower priority and behind its equals and betters; links stay doubly linked, ends right; leaving undoes it
 * bound: queues of up to 2 waiting threads, all priorities
 * options: --unwind 5
 * solver: bitwuzla
 */
#include "../proof.h"
#include "kernel/notification.c"

struct kernel kernel;
static struct tcb t[3];

static void well_linked(const struct notification *n, unsigned count)
{
    const struct tcb *prev = NULL, *x = n->head;
    for (unsigned i = 0; i < count; i++, prev = x, x = x->ipc_link.next) {
        HOLDS(x && x->ipc_link.prev == prev, "linked both ways");
        if (!x)
            return;
        HOLDS(!prev || prev->priority >= x->priority, "by priority");
    }
    HOLDS(x == NULL && n->tail == prev, "as many as there are, the tail is the last");
}

int main(void)
{
    struct notification n = {.state = NOTIFICATION_IDLE};
    unsigned count = nondet_below(3);
    for (unsigned i = 0; i < 3; i++)
        t[i].priority = (uint8_t)nondet_below(256);
    for (unsigned i = 0; i < count; i++)
        enqueue(&n, &t[i]);
    well_linked(&n, count);
    enqueue(&n, &t[2]);
    well_linked(&n, count + 1);
    HOLDS(n.state == NOTIFICATION_WAITING, "somebody waits");
    unsigned gone = nondet_below(3);
    ASSUME(gone < count || gone == 2);
    dequeue(&n, &t[gone]);
    well_linked(&n, count);
    HOLDS(t[gone].ipc_link.prev == NULL && t[gone].ipc_link.next == NULL, "who left has no links");
    HOLDS((n.state == NOTIFICATION_IDLE) == (count == 0), "idle when nobody waits");
    REACH(count == 2 && gone == 1);
    REACH(count == 0);
    REACH(n.head == &t[2] && count == 2);
}
