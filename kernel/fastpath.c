/* The three operations that a VM's exits and a server's clients consist of, without the general machinery: Call to a passive
 * server that waits, its ReplyRecv, and a vCPU's exit to its waiting VMM. The scheduling context goes along with the
 * message, so neither clock nor ready queues are involved.
 *
 * Each first checks every condition and writes nothing; what doesn't fit takes the general path, which does the
 * same (tests/unit/kernel_fastpath.c compares them). */
#include "core.h"
#include "endpoint.h"
#include "reply.h"
#include "state.h"

/* A CSpace of one level, as all components here have: the capability, or null (anything else). */
static inline cap_t lookup(const struct tcb *t, word_t cptr)
{
    cap_t root = t->cspace.cap;
    unsigned radix = cnode_radix(root);
    if (cap_tag(root) != CAP_CNODE || radix + cnode_guard_size(root) != 64 || cptr >> radix != cnode_guard(root))
        return cap_null();
    return ((struct slot *)object_at(cnode_offset(root)))[cptr & MASK(radix)].cap;
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

static inline void switch_directly(struct tcb *next)
{
    kernel.current = next;
    arch_switch_to(next);
}

/* The receiver that a message or fault of `t` through `c` would wake, if it waits passively with a reply object. */
static inline struct tcb *passive_receiver(const struct tcb *t, cap_t c)
{
    const word_t can_call = SEL4_RIGHT_GRANT | SEL4_RIGHT_GRANT_REPLY;
    if (cap_tag(c) != CAP_ENDPOINT || !(cap_rights(c) & SEL4_RIGHT_WRITE) || !(cap_rights(c) & can_call))
        return NULL;
    const struct endpoint *e = object_at(cap_offset48(c));
    if (endpoint_state(e) != ENDPOINT_RECEIVING)
        return NULL;
    struct tcb *receiver = endpoint_head(e);
    return receiver->reply && !receiver->sc && t->sc && thread_may_follow(receiver, t) ? receiver : NULL;
}

/* `t` waits for the answer, the receiver runs on its scheduling context. */
static inline void hand_over(struct tcb *t, struct tcb *receiver, cap_t c)
{
    struct reply *r = receiver->reply;
    struct sched_context *sc = t->sc;
    endpoint_dequeue(object_at(cap_offset48(c)), receiver);
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
    switch_directly(receiver);
}

bool fastpath_call(struct tcb *t)
{
    if (!short_message(t->context.rsi))
        return false;
    cap_t c = lookup(t, t->context.rdi);
    struct tcb *receiver = passive_receiver(t, c);
    if (!receiver)
        return false;
    copy_message(&receiver->context, &t->context);
    hand_over(t, receiver, c);
    return true;
}

bool fastpath_vcpu_fault(struct tcb *t)
{
    cap_t c = t->fault_handler.cap;
    struct tcb *receiver = passive_receiver(t, c);
    if (!receiver)
        return false;
    receiver->context.rsi = message_info(ATOLL_FAULT_VCPU, 0, 0, arch_vcpu_fault_message(t, receiver));
    hand_over(t, receiver, c);
    return true;
}

bool fastpath_reply_recv(struct tcb *t)
{
    cap_t reply_cap = lookup(t, t->context.r12), c = lookup(t, t->context.rdi);
    if (cap_tag(reply_cap) != CAP_REPLY || cap_tag(c) != CAP_ENDPOINT || !(cap_rights(c) & SEL4_RIGHT_READ))
        return false;
    struct reply *r = object_at(cap_offset48(reply_cap));
    struct endpoint *e = object_at(cap_offset48(c));
    struct tcb *caller = r->tcb;
    struct sched_context *sc = t->sc;
    if (!caller || caller->state != THREAD_BLOCKED_ON_REPLY || caller->sc || reply_sc(r) != sc ||
        endpoint_state(e) == ENDPOINT_SENDING || !thread_may_follow(caller, t) ||
        (t->bound_notification && t->bound_notification->state == NOTIFICATION_ACTIVE))
        return false;
    bool vcpu_exit = caller->fault.type == ATOLL_FAULT_VCPU;
    if (!vcpu_exit && (caller->fault.type != SEL4_FAULT_NULL || !short_message(t->context.rsi)))
        return false;

    bool run = true;
    if (vcpu_exit) {
        run = arch_vcpu_fault_reply(caller, t, message_label(t->context.rsi), message_length(t->context.rsi));
        caller->fault.type = SEL4_FAULT_NULL;
    } else {
        copy_message(&caller->context, &t->context);
        caller->context.rdi = 0;
    }
    reply_stack_pop(sc, r);
    caller->reply = NULL;
    caller->sc = sc;
    sc->tcb = caller;
    t->sc = NULL;
    caller->state = run ? THREAD_RUNNING : THREAD_INACTIVE;

    t->blocked_on = e;
    t->blocked_can_grant = (cap_rights(c) & SEL4_RIGHT_GRANT) != 0;
    t->reply = r;
    r->tcb = t;
    t->state = THREAD_BLOCKED_ON_RECEIVE;
    endpoint_enqueue(e, t, ENDPOINT_RECEIVING);
    if (run && !kernel.reprogram) {
        switch_directly(caller);
    } else {
        thread_wake(caller); /* no effect if it stays stopped */
        schedule();
    }
    return true;
}
