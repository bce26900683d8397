/* function: enqueue, dequeue, notification_requeue, notification_remove (notification.c)
 * property: the queue stays a list in both directions, in order of priority, first come first served among equals; exactly the thread named joins or leaves; the notification waits exactly if somebody does
 * bound: queues of up to 3 threads and one that joins
 * options: --unwind 6
 */
#include "../proof.h"
#include "kernel/core.h"
#include "kernel/state.h"
struct kernel kernel;
#include "kernel/notification.c"

void sched_context_donate(struct sched_context *s, struct tcb *t) { (void)s, (void)t; }
void sched_context_unblock(struct sched_context *s) { (void)s; }
void sched_context_resume(struct sched_context *s) { (void)s; }
void thread_set_state(struct tcb *t, enum thread_state s) { t->state = s; }
void thread_wake(struct tcb *t) { (void)t; }
void thread_restart_syscall(struct tcb *t) { (void)t; }
void reschedule(void) {}
void endpoint_remove(struct tcb *t) { (void)t; }
void reply_unlink(struct reply *r) { (void)r; }

static struct tcb a, b, c, joins;
static struct notification n;
static struct tcb *list[4]; /* what is in the queue, in order */
static unsigned length;

static bool is_list(void)
{
    struct tcb *prev = NULL, *t = n.head;
    for (unsigned i = 0; i < length; i++) {
        if (t != list[i] || t->ipc_link.prev != prev || (prev && prev->priority < t->priority))
            return false;
        prev = t;
        t = t->ipc_link.next;
    }
    return !t && n.tail == prev && (n.state == NOTIFICATION_WAITING) == (length != 0);
}

static void take(unsigned at)
{
    for (unsigned i = at; i + 1 < length; i++)
        list[i] = list[i + 1];
    length--;
}
static unsigned put(struct tcb *t)
{
    unsigned at = 0;
    while (at < length && list[at]->priority >= t->priority)
        at++;
    for (unsigned i = length; i > at; i--)
        list[i] = list[i - 1];
    list[at] = t;
    length++;
    return at;
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
    n.state = length ? NOTIFICATION_WAITING : NOTIFICATION_IDLE;
    n.head = length ? &a : NULL;
    n.tail = length == 0 ? NULL : length == 1 ? &a : length == 2 ? &b : &c;
    a.blocked_on = b.blocked_on = c.blocked_on = &n;
    HOLDS(is_list(), "a queue to begin with");

    unsigned at = nondet_below(3);
    struct tcb *t = list[at];
    switch (nondet_below(3)) {
    case 0:
        enqueue(&n, &joins);
        at = put(&joins);
        REACH(length == 4 && at == 1);
        break;
    case 1:
        ASSUME(at < length);
        notification_remove(t);
        take(at);
        HOLDS(!t->ipc_link.prev && !t->ipc_link.next, "who leaves is in no queue");
        REACH(length == 2 && at == 1);
        REACH(length == 0);
        break;
    default: /* its priority has changed */
        ASSUME(at < length);
        t->priority = (uint8_t)nondet_word();
        notification_requeue(t);
        take(at);
        at = put(t);
        REACH(length == 3 && at == 2 && t == &a);
    }
    HOLDS(is_list(), "a list in both directions, in order; waiting exactly if somebody is in it");
}
