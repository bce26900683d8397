/* Endpoints: a queue of senders or of receivers, by priority (first come first served among equals). */
#include "core.h"
#include "state.h"

#define STATE_MASK 3ull

static enum endpoint_state state_of(const struct endpoint *e) { return (enum endpoint_state)(e->head_and_state & STATE_MASK); }
static struct tcb *head_of(const struct endpoint *e) { return (struct tcb *)(e->head_and_state & ~STATE_MASK); }
static void set_head(struct endpoint *e, const struct tcb *head, enum endpoint_state s) { e->head_and_state = (word_t)head | s; }

static void enqueue(struct endpoint *e, struct tcb *t, enum endpoint_state s)
{
    struct tcb *before = head_of(e) ? e->tail : NULL;
    while (before && before->priority < t->priority)
        before = before->ipc_link.prev;
    struct tcb *after = before ? before->ipc_link.next : head_of(e);
    t->ipc_link = (struct queue_link){before, after};
    if (after)
        after->ipc_link.prev = t;
    else
        e->tail = t;
    if (before)
        before->ipc_link.next = t;
    set_head(e, before ? head_of(e) : t, s);
}

static void dequeue(struct endpoint *e, struct tcb *t)
{
    struct tcb *prev = t->ipc_link.prev, *next = t->ipc_link.next;
    if (next)
        next->ipc_link.prev = prev;
    else
        e->tail = prev;
    if (prev)
        prev->ipc_link.next = next;
    else
        set_head(e, next, next ? state_of(e) : ENDPOINT_IDLE);
    t->ipc_link = (struct queue_link){NULL, NULL};
}

void endpoint_remove(struct tcb *t) { dequeue(t->blocked_on, t); }

void endpoint_requeue(struct tcb *t)
{
    struct endpoint *e = t->blocked_on;
    enum endpoint_state s = state_of(e);
    dequeue(e, t);
    enqueue(e, t, s);
}

void endpoint_send(struct tcb *sender, struct endpoint *e, word_t badge, word_t rights, bool blocking, bool call, bool donate)
{
    if (state_of(e) != ENDPOINT_RECEIVING) {
        if (!blocking)
            return;
        sender->blocked_on = e;
        sender->blocked_badge = badge;
        sender->blocked_can_grant = (rights & SEL4_RIGHT_GRANT) != 0;
        sender->blocked_can_grant_reply = (rights & SEL4_RIGHT_GRANT_REPLY) != 0;
        sender->blocked_is_call = call;
        thread_set_state(sender, THREAD_BLOCKED_ON_SEND);
        enqueue(e, sender, ENDPOINT_SENDING);
        return;
    }
    struct tcb *receiver = head_of(e);
    dequeue(e, receiver);
    ipc_transfer(sender, receiver, e, badge, (rights & SEL4_RIGHT_GRANT) != 0);
    struct reply *reply = receiver->reply;
    if (reply)
        reply_unlink(reply);
    if (call || sender->fault.type != SEL4_FAULT_NULL) {
        if (reply && (rights & (SEL4_RIGHT_GRANT | SEL4_RIGHT_GRANT_REPLY)))
            reply_push(sender, receiver, reply, donate);
        else
            thread_set_state(sender, THREAD_INACTIVE);
    } else if (donate && !receiver->sc && sender->sc) {
        sched_context_donate(sender->sc, receiver);
    }
    thread_set_state(receiver, THREAD_RUNNING);
    if (receiver->sc)
        sched_context_unblock(receiver->sc);
    thread_wake(receiver);
}

void endpoint_receive(struct tcb *t, cap_t cap, struct reply *reply, bool blocking)
{
    struct endpoint *e = object_at(cap_offset48(cap));
    if (reply && reply->tcb && reply->tcb != t)
        ipc_cancel(reply->tcb); /* the object is given to a new message: whoever waited for its answer waits in vain */
    if (t->bound_notification && t->bound_notification->state == NOTIFICATION_ACTIVE) {
        notification_take(t, t->bound_notification);
        return;
    }
    if (state_of(e) != ENDPOINT_SENDING) {
        if (!blocking) {
            t->context.rdi = 0;
            return;
        }
        if (t->bound_notification)
            notification_return_sc(t->bound_notification, t);
        t->blocked_on = e;
        t->blocked_can_grant = (cap_rights(cap) & SEL4_RIGHT_GRANT) != 0;
        t->reply = reply;
        if (reply)
            reply->tcb = t;
        thread_set_state(t, THREAD_BLOCKED_ON_RECEIVE);
        enqueue(e, t, ENDPOINT_RECEIVING);
        return;
    }
    struct tcb *sender = head_of(e);
    dequeue(e, sender);
    ipc_transfer(sender, t, e, sender->blocked_badge, sender->blocked_can_grant);
    if (sender->blocked_is_call || sender->fault.type != SEL4_FAULT_NULL) {
        if (reply && (sender->blocked_can_grant || sender->blocked_can_grant_reply))
            reply_push(sender, t, reply, sender->fault.type != SEL4_FAULT_TIMEOUT);
        else
            thread_set_state(sender, THREAD_INACTIVE);
        return;
    }
    thread_set_state(sender, THREAD_RUNNING);
    if (sender->sc)
        sched_context_unblock(sender->sc);
    thread_wake(sender);
}

/* A blocked thread leaves for good: its system call or fault starts again. */
static void release(struct tcb *t)
{
    if (t->state == THREAD_BLOCKED_ON_RECEIVE && t->reply)
        reply_unlink(t->reply);
    if (t->fault.type != SEL4_FAULT_NULL) { /* nobody took the fault: the thread stays stopped where it is */
        t->fault.type = SEL4_FAULT_NULL;
        thread_set_state(t, THREAD_INACTIVE);
        return;
    }
    thread_restart_syscall(t);
    thread_set_state(t, THREAD_RUNNING);
    if (t->sc) {
        sched_context_unblock(t->sc);
        sched_context_resume(t->sc);
    }
    thread_wake(t);
}

void endpoint_cancel_all(struct endpoint *e)
{
    for (struct tcb *t; (t = head_of(e)) != NULL;) {
        dequeue(e, t);
        release(t);
    }
    reschedule();
}

void endpoint_cancel_badged(struct endpoint *e, word_t badge)
{
    if (state_of(e) != ENDPOINT_SENDING)
        return;
    for (struct tcb *t = head_of(e), *next; t; t = next) {
        next = t->ipc_link.next;
        if (t->blocked_badge == badge) {
            dequeue(e, t);
            release(t);
        }
    }
    reschedule();
}
