/* Endpoints: a queue of senders or of receivers, by priority (first come first served among equals). */
#include "core.h"
#include "endpoint.h"
#include "state.h"

void endpoint_remove(struct tcb *t) { endpoint_dequeue(t->blocked_on, t); }

void endpoint_requeue(struct tcb *t)
{
    struct endpoint *e = t->blocked_on;
    enum endpoint_state s = endpoint_state(e);
    endpoint_dequeue(e, t);
    endpoint_enqueue(e, t, s);
}

void endpoint_send(struct tcb *sender, struct endpoint *e, word_t badge, word_t rights, bool blocking, bool call, bool donate)
{
    if (endpoint_state(e) != ENDPOINT_RECEIVING) {
        if (!blocking)
            return;
        sender->blocked_on = e;
        sender->blocked_badge = badge;
        sender->blocked_can_grant = (rights & SEL4_RIGHT_GRANT) != 0;
        sender->blocked_can_grant_reply = (rights & SEL4_RIGHT_GRANT_REPLY) != 0;
        sender->blocked_is_call = call;
        thread_set_state(sender, THREAD_BLOCKED_ON_SEND);
        endpoint_enqueue(e, sender, ENDPOINT_SENDING);
        return;
    }
    struct tcb *receiver = endpoint_head(e);
    endpoint_dequeue(e, receiver);
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
    if (endpoint_state(e) != ENDPOINT_SENDING) {
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
        endpoint_enqueue(e, t, ENDPOINT_RECEIVING);
        return;
    }
    struct tcb *sender = endpoint_head(e);
    endpoint_dequeue(e, sender);
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

bool endpoint_cancel_one(struct endpoint *e)
{
    struct tcb *t = endpoint_head(e);
    if (!t)
        return false;
    endpoint_dequeue(e, t);
    release(t);
    reschedule();
    return true;
}

status_t endpoint_cancel_badged(struct endpoint *e, word_t badge)
{
    if (endpoint_state(e) != ENDPOINT_SENDING)
        return STATUS_OK;
    for (struct tcb *t = endpoint_head(e), *next; t; t = next) {
        next = t->ipc_link.next;
        if (t->blocked_badge != badge)
            continue;
        endpoint_dequeue(e, t);
        release(t);
        reschedule();
        if (next && preemption_point())
            return STATUS_PREEMPTED; /* those that are left are found again */
    }
    return STATUS_OK;
}
