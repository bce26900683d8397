/* Reply objects: who waits for an answer, and the chain along which a scheduling context was lent.
 *
 * A context that A lends to B by calling it, and B to C, hangs at the head of a stack: sc -> reply of B's call -> reply of A's.
 * Answering the top one returns it one step down. An entry that is taken out of the middle cuts the chain there: the
 * context then stays with whoever has it at that point. */
#include "core.h"
#include "reply.h"
#include "state.h"

void reply_unlink(struct reply *r)
{
    r->tcb->reply = NULL;
    r->tcb = NULL;
}

void reply_push(struct tcb *caller, struct tcb *callee, struct reply *r, bool donate)
{
    caller->reply = r;
    r->tcb = caller;
    thread_set_state(caller, THREAD_BLOCKED_ON_REPLY);
    struct sched_context *sc = caller->sc;
    if (!sc || callee->sc || !donate)
        return;
    reply_stack_push(sc, r);
    sched_context_donate(sc, callee);
}

/* Out of its chain; what is below the top takes the context's link, anything else is cut. */
static void leave_chain(struct reply *r)
{
    struct sched_context *sc = reply_sc(r);
    if (sc) {
        reply_stack_pop(sc, r);
        return;
    }
    if (r->next)
        ((struct reply *)r->next)->prev = 0;
    if (reply_below(r))
        reply_below(r)->next = 0;
    r->prev = r->next = 0;
}

void reply_remove(struct reply *r)
{
    struct tcb *caller = r->tcb;
    struct sched_context *sc = reply_sc(r);
    leave_chain(r);
    reply_unlink(r);
    if (sc && !caller->sc)
        sched_context_donate(sc, caller);
}

void reply_cut(struct reply *r)
{
    struct sched_context *sc = reply_sc(r);
    if (sc) { /* the chain ends here: nobody below gets it back */
        sc->reply = NULL;
        if (reply_below(r))
            reply_below(r)->next = 0;
        r->prev = r->next = 0;
    } else {
        leave_chain(r);
    }
    reply_unlink(r);
}

void reply_send(struct tcb *sender, struct reply *r, bool grant)
{
    struct tcb *caller = r->tcb;
    if (!caller || caller->state != THREAD_BLOCKED_ON_REPLY)
        return;
    reply_remove(r);
    bool run = true;
    if (caller->fault.type == SEL4_FAULT_NULL) {
        ipc_transfer(sender, caller, NULL, 0, grant);
    } else {
        run = fault_reply(caller, sender);
        caller->fault.type = SEL4_FAULT_NULL;
    }
    thread_set_state(caller, run ? THREAD_RUNNING : THREAD_INACTIVE);
    if (!run || !caller->sc)
        return;
    sched_context_unblock(caller->sc);
    if (sched_context_is_ready(caller->sc))
        thread_wake(caller);
    else if (!fault_timeout(caller))
        sched_context_resume(caller->sc);
}

void reply_finalise(struct reply *r)
{
    struct tcb *t = r->tcb;
    if (!t)
        return;
    if (t->state == THREAD_BLOCKED_ON_REPLY) {
        word_t pc = thread_restart_pc(t);
        reply_remove(r);
        t->context.rip = pc;
        t->context.cause = 0;
        t->fault.type = SEL4_FAULT_NULL;
        thread_set_state(t, THREAD_INACTIVE);
    } else {
        ipc_cancel(t);
    }
}
