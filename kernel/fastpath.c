/* The operations that a VM's exits and a server's clients consist of, without the general machinery: Call to a passive server
 * that waits, its ReplyRecv, a vCPU's exit to its waiting VMM, and signals. With a call the scheduling context goes along, so
 * neither clock nor ready queues are involved.
 *
 * Each first checks every condition and writes nothing; what doesn't fit takes the general path, which does the
 * same (tests/unit/kernel_fastpath.c compares them). They end in tail calls: nothing needs to be kept on the stack. */
#include "core.h"
#include "endpoint.h"
#include "notification.h"
#include "reply.h"

/* cspace_slot() and what is there. */
static inline cap_t lookup(const struct tcb *t, word_t cptr)
{
    const struct cspace_window *w = &t->cspace_window;
    word_t index = cptr - w->first;
    return t->cspace.cap.w0 == w->cap && index < w->count ? w->slots[index].cap : cap_null();
}

/* Four words at most, no capabilities: all in registers. */
static inline bool short_message(word_t info) { return (info & MASK(SEL4_MSG_LABEL_SHIFT)) <= SEL4_MSG_REGISTERS; }

static inline void copy_message(struct context *to, const struct context *from)
{
    /* No register behind the length is copied: it may hold something of the sender's. */
    word_t length = from->rsi & MASK(SEL4_MSG_EXTRA_SHIFT);
    to->rsi = from->rsi;
    if (length == 0)
        return;
    to->r10 = from->r10;
    if (length == 1)
        return;
    to->r8 = from->r8;
    if (length == 2)
        return;
    to->r9 = from->r9;
    if (length > 3)
        to->r15 = from->r15;
}

/* The receiver that a message or fault of `t` through `c` would wake, if it waits passively with a reply object. */
static inline struct tcb *passive_receiver(const struct tcb *t, cap_t c)
{
    const word_t can_call = SEL4_RIGHT_GRANT | SEL4_RIGHT_GRANT_REPLY;
    word_t kind = cap_kind(c);
    if ((kind & ~(can_call | SEL4_RIGHT_READ)) != CAP_KIND(CAP_ENDPOINT, SEL4_RIGHT_WRITE) || !(kind & can_call))
        return NULL;
    const struct endpoint *e = object_at(cap_offset48(c));
    struct tcb *receiver;
    if (!endpoint_has(e, ENDPOINT_RECEIVING, &receiver))
        return NULL;
    return receiver->reply && !receiver->sc && t->sc && thread_may_follow(receiver, t) ? receiver : NULL;
}

/* `t` waits for the answer, the receiver is to run on its scheduling context. */
static inline void hand_over(struct tcb *t, struct tcb *receiver, cap_t c)
{
    struct reply *r = receiver->reply;
    struct sched_context *sc = t->sc;
    endpoint_pop(object_at(cap_offset48(c)), receiver, ENDPOINT_RECEIVING);
    receiver->context.rdi = cap_badge(c);
    receiver->reply = NULL;
    r->tcb = t;
    t->reply = r;
    t->state = THREAD_BLOCKED_ON_REPLY;
    reply_stack_push(sc, r);
    t->sc = NULL;
    sc->tcb = receiver;
    receiver->sc = sc;
    receiver->state = THREAD_RUNNING;
    kernel.current = receiver;
}

void fastpath_call(struct tcb *t)
{
    cap_t c = lookup(t, t->context.rdi);
    struct tcb *receiver = passive_receiver(t, c);
    if (!receiver || !short_message(t->context.rsi)) {
        syscall_general(t, SEL4_SYS_CALL);
        return;
    }
    hand_over(t, receiver, c);
    copy_message(&receiver->context, &t->context);
    arch_switch_to(receiver);
}

void fastpath_vcpu_fault(struct tcb *t)
{
    cap_t c = t->fault_handler.cap;
    struct tcb *receiver = passive_receiver(t, c);
    if (!receiver) {
        vcpu_fault_general(t);
        return;
    }
    hand_over(t, receiver, c);
    arch_vcpu_tell(t, receiver);
}

/* `caller` gets its scheduling context back and is to run, `t` waits for the next message. */
static inline void hand_back(struct tcb *t, struct tcb *caller, struct reply *r, struct endpoint *e, bool can_grant)
{
    struct sched_context *sc = t->sc;
    reply_stack_pop(sc, r);
    caller->reply = NULL;
    caller->sc = sc;
    sc->tcb = caller;
    caller->state = THREAD_RUNNING;
    t->sc = NULL;
    t->blocked_on = e;
    t->blocked_can_grant = can_grant;
    t->reply = r;
    r->tcb = t;
    t->state = THREAD_BLOCKED_ON_RECEIVE;
    t->ipc_link = (struct queue_link){NULL, NULL};
    e->tail = t;
    endpoint_set_head(e, t, ENDPOINT_RECEIVING);
    kernel.current = caller;
}

void fastpath_reply_recv(struct tcb *t)
{
    cap_t reply_cap = lookup(t, t->context.r12), c = lookup(t, t->context.rdi);
    if (cap_tag(reply_cap) != CAP_REPLY ||
        (cap_kind(c) & CAP_KIND(MASK(5), SEL4_RIGHT_READ)) != CAP_KIND(CAP_ENDPOINT, SEL4_RIGHT_READ))
        goto general;
    struct reply *r = object_at(cap_offset48(reply_cap));
    struct endpoint *e = object_at(cap_offset48(c));
    struct tcb *caller = r->tcb;
    if (!caller || caller->state != THREAD_BLOCKED_ON_REPLY || caller->sc || !t->sc || t->sc->reply != r ||
        endpoint_state(e) != ENDPOINT_IDLE || !thread_may_follow(caller, t) ||
        (t->bound_notification && t->bound_notification->state == NOTIFICATION_ACTIVE))
        goto general;
    bool can_grant = cap_rights(c) & SEL4_RIGHT_GRANT;
    if (caller->fault.type == ATOLL_FAULT_VCPU) {
        caller->fault.type = SEL4_FAULT_NULL;
        hand_back(t, caller, r, e, can_grant);
        arch_vcpu_resume(t, caller);
        return;
    }
    if (caller->fault.type != SEL4_FAULT_NULL || !short_message(t->context.rsi))
        goto general;
    copy_message(&caller->context, &t->context);
    caller->context.rdi = 0;
    hand_back(t, caller, r, e, can_grant);
    arch_switch_to(caller);
    return;
general:
    syscall_general(t, SEL4_SYS_REPLY_RECV);
}

/* A signal; all other sends are not worth a path of their own. */
void fastpath_send(struct tcb *t, int64_t number)
{
    cap_t c = lookup(t, t->context.rdi);
    if ((cap_kind(c) & CAP_KIND(MASK(5), SEL4_RIGHT_WRITE)) != CAP_KIND(CAP_NOTIFICATION, SEL4_RIGHT_WRITE) ||
        message_extra(t->context.rsi) != 0) { /* which would have to be looked up, and may fault */
        syscall_general(t, number);
        return;
    }
    struct notification *n = object_at(cap_offset48(c));
    if (notification_note(n, cap_badge(c)))
        return; /* nobody to wake, nothing to schedule */
    notification_wake(n, cap_badge(c));
    schedule();
}
