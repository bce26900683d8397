/* function: endpoint_enqueue, endpoint_dequeue, endpoint_pop, endpoint_set_head
 * property: the queue stays a list in both directions, in order of priority, first come first served among equals; exactly the thread named joins or leaves; its state is idle exactly if it is empty
 * bound: queues of up to 3 threads and one that joins
 * options: --unwind 6
 */
#include "../proof.h"
/* Of struct tcb, what the functions use: the list's code does not see the rest. */
#define tcb tcb_of_the_kernel
#define endpoint endpoint_of_the_kernel
#define queue_link link_of_the_kernel
#include "kernel/object.h"
#undef tcb
#undef endpoint
#undef queue_link
struct tcb;
struct queue_link { struct tcb *prev, *next; };
struct tcb { uint8_t priority; struct queue_link ipc_link; } __attribute__((aligned(2048)));
struct endpoint { word_t head_and_state; struct tcb *tail; };
#include "kernel/endpoint.h"

static struct tcb a, b, c, joins;
static struct endpoint e;
static struct tcb *list[4]; /* what is in the queue, in order */
static unsigned length;

static bool is_list(void)
{
    struct tcb *prev = NULL, *t = endpoint_head(&e);
    for (unsigned i = 0; i < length; i++) {
        if (t != list[i] || t->ipc_link.prev != prev || (prev && prev->priority < t->priority))
            return false;
        prev = t;
        t = t->ipc_link.next;
    }
    return !t && (length == 0 || e.tail == prev) && (endpoint_state(&e) == ENDPOINT_IDLE) == (length == 0);
}

int main(void)
{
    length = nondet_below(4);
    list[0] = &a, list[1] = &b, list[2] = &c;
    a.priority = (uint8_t)nondet_word(), b.priority = (uint8_t)nondet_word(), c.priority = (uint8_t)nondet_word(), joins.priority = (uint8_t)nondet_word();
    ASSUME(a.priority >= b.priority && b.priority >= c.priority);
    a.ipc_link = (struct queue_link){NULL, length > 1 ? &b : NULL};
    b.ipc_link = (struct queue_link){&a, length > 2 ? &c : NULL};
    c.ipc_link = (struct queue_link){&b, NULL};
    enum endpoint_state s = nondet_bool() ? ENDPOINT_SENDING : ENDPOINT_RECEIVING;
    endpoint_set_head(&e, length ? &a : NULL, length ? s : ENDPOINT_IDLE);
    e.tail = length == 0 ? NULL : length == 1 ? &a : length == 2 ? &b : &c;
    HOLDS(is_list(), "a queue to begin with");

    switch (nondet_below(3)) {
    case 0: {
        endpoint_enqueue(&e, &joins, s);
        unsigned at = 0;
        while (at < length && list[at]->priority >= joins.priority)
            at++;
        for (unsigned i = length; i > at; i--)
            list[i] = list[i - 1];
        list[at] = &joins;
        length++;
        HOLDS(endpoint_state(&e) == s, "of senders, or of receivers");
        REACH(length == 4 && at == 1);
        break;
    }
    case 1: {
        ASSUME(length != 0);
        unsigned at = nondet_below(length);
        struct tcb *t = list[at];
        endpoint_dequeue(&e, t);
        for (unsigned i = at; i + 1 < length; i++)
            list[i] = list[i + 1];
        length--;
        HOLDS(!t->ipc_link.prev && !t->ipc_link.next, "who leaves is in no queue");
        HOLDS(length == 0 || endpoint_state(&e) == s, "the others wait for what they waited for");
        REACH(length == 2 && at == 1);
        REACH(length == 0);
        break;
    }
    default:
        ASSUME(length != 0);
        endpoint_pop(&e, &a, s);
        list[0] = &b, list[1] = &c;
        length--;
        HOLDS(length == 0 || endpoint_state(&e) == s, "the others wait for what they waited for");
        REACH(length == 2);
    }
    HOLDS(is_list(), "a list in both directions, in order, idle if empty");
}
