/* Notifications: a word of signals, a queue of waiting threads by priority, at most one bound thread, and a scheduling
 * context that whoever is woken without one may run on. */
#include "core.h"
#include "notification.h"
#include "state.h"

static void enqueue(struct notification *n, struct tcb *t)
{
    struct tcb *before = n->tail;
    while (before && before->priority < t->priority)
        before = before->ipc_link.prev;
    struct tcb *after = before ? before->ipc_link.next : n->head;
    t->ipc_link = (struct queue_link){before, after};
    *(after ? &after->ipc_link.prev : &n->tail) = t;
    *(before ? &before->ipc_link.next : &n->head) = t;
    n->state = NOTIFICATION_WAITING;
}

static void dequeue(struct notification *n, struct tcb *t)
{
    struct tcb *prev = t->ipc_link.prev, *next = t->ipc_link.next;
    *(next ? &next->ipc_link.prev : &n->tail) = prev;
    *(prev ? &prev->ipc_link.next : &n->head) = next;
    t->ipc_link = (struct queue_link){NULL, NULL};
    if (!n->head)
        n->state = NOTIFICATION_IDLE;
}

void notification_remove(struct tcb *t) { dequeue(t->blocked_on, t); }

void notification_requeue(struct tcb *t)
{
    struct notification *n = t->blocked_on;
    dequeue(n, t);
    enqueue(n, t);
}

static void lend_sc(struct notification *n, struct tcb *t)
{
    if (!t->sc && n->sc && !n->sc->tcb) {
        sched_context_donate(n->sc, t);
        sched_context_unblock(n->sc);
        sched_context_resume(n->sc);
    }
}

void notification_return_sc(struct notification *n, struct tcb *t)
{
    if (n->sc && n->sc == t->sc) {
        t->sc = NULL;
        n->sc->tcb = NULL;
    }
}

/* A receiver gets the word and goes on. */
static void deliver(struct notification *n, struct tcb *t, word_t word)
{
    t->context.rdi = word;
    t->context.rsi = 0;
    thread_set_state(t, THREAD_RUNNING);
    lend_sc(n, t);
    if (t->sc)
        sched_context_unblock(t->sc);
    thread_wake(t);
}

void notification_wake(struct notification *n, word_t badge)
{
    struct tcb *t = n->state == NOTIFICATION_WAITING ? n->head : n->bound_tcb;
    if (n->state == NOTIFICATION_WAITING) {
        dequeue(n, t);
    } else if (t->state == THREAD_BLOCKED_ON_RECEIVE) {
        endpoint_remove(t);
        if (t->reply)
            reply_unlink(t->reply);
    } else {
        n->word = badge;
        n->state = NOTIFICATION_ACTIVE;
        return;
    }
    deliver(n, t, badge);
}

void notification_signal(struct notification *n, word_t badge)
{
    if (!notification_note(n, badge))
        notification_wake(n, badge);
}

void notification_take(struct tcb *t, struct notification *n)
{
    t->context.rdi = n->word;
    t->context.rsi = 0;
    n->word = 0;
    n->state = NOTIFICATION_IDLE;
    lend_sc(n, t);
}

void notification_wait(struct tcb *t, struct notification *n, bool blocking)
{
    if (n->state == NOTIFICATION_ACTIVE) {
        notification_take(t, n);
    } else if (!blocking) {
        t->context.rdi = 0;
    } else {
        notification_return_sc(n, t);
        t->blocked_on = n;
        thread_set_state(t, THREAD_BLOCKED_ON_NOTIFICATION);
        enqueue(n, t);
    }
}

bool notification_cancel_one(struct notification *n)
{
    struct tcb *t = n->head;
    if (!t)
        return false;
    dequeue(n, t);
    thread_restart_syscall(t);
    thread_set_state(t, THREAD_RUNNING);
    if (t->sc) {
        sched_context_unblock(t->sc);
        sched_context_resume(t->sc);
    }
    thread_wake(t);
    reschedule();
    return true;
}

/* A thread that waits with an active notification bound to it would sleep on, whatever else is signalled: what came before the binding is
 * delivered with it. (seL4 leaves it for the thread's next receive.) */
void notification_bind(struct notification *n, struct tcb *t)
{
    n->bound_tcb = t;
    t->bound_notification = n;
    if (n->state == NOTIFICATION_ACTIVE && t->state == THREAD_BLOCKED_ON_RECEIVE) {
        word_t word = n->word;
        n->word = 0;
        n->state = NOTIFICATION_IDLE;
        notification_signal(n, word);
    }
}

void notification_unbind(struct tcb *t)
{
    if (t->bound_notification) {
        t->bound_notification->bound_tcb = NULL;
        t->bound_notification = NULL;
    }
}

void notification_finalise(struct notification *n)
{
    if (n->sc) {
        n->sc->notification = NULL;
        n->sc = NULL;
    }
    if (n->bound_tcb)
        notification_unbind(n->bound_tcb);
}
