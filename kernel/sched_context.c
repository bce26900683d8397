/* Scheduling contexts: who may run on them, and their invocations (manual, "SchedContext"). */
#include "core.h"
#include "state.h"

word_t sched_context_take_consumed(struct sched_context *sc)
{
    if (sc == kernel.current_sc)
        charge_current();
    word_t us = sc->budget_consumed / kernel.ticks_per_us;
    sc->budget_consumed = 0;
    return us;
}

void sched_context_unblock(struct sched_context *sc)
{
    if (sc->refill_max == 0 || !sc->sporadic || sched_context_round_robin(sc) || sc == kernel.current_sc)
        return;
    clock_update();
    sched_context_start_now(sc);
}

void sched_context_resume(struct sched_context *sc)
{
    struct tcb *t = sc->tcb;
    if (t && thread_schedulable(t) && !sched_context_is_ready(sc)) {
        ready_dequeue(t);
        release_enqueue(t);
    }
}

void sched_context_bind(struct sched_context *sc, struct tcb *t)
{
    sc->tcb = t;
    t->sc = sc;
    if (sc->refill_max != 0)
        sched_context_unblock(sc);
    sched_context_resume(sc);
    thread_wake(t);
}

void sched_context_unbind_tcb(struct sched_context *sc)
{
    struct tcb *t = sc->tcb;
    if (!t)
        return;
    thread_dequeue(t);
    t->sc = NULL;
    sc->tcb = NULL;
}

void sched_context_donate(struct sched_context *sc, struct tcb *to)
{
    sched_context_unbind_tcb(sc);
    sc->tcb = to;
    to->sc = sc;
}

void sched_context_complete_yield(struct tcb *yielder)
{
    struct sched_context *sc = yielder->yield_to;
    yielder->yield_to = NULL;
    sc->yield_from = NULL;
    yielder->context.rdi = 0;
    yielder->context.rsi = message_info(SEL4_NO_ERROR, 0, 0, 1);
    *message_register(&yielder->context, 0) = sched_context_take_consumed(sc);
}

void sched_context_finalise(struct sched_context *sc)
{
    if (sc->yield_from)
        sched_context_complete_yield(sc->yield_from);
    sched_context_unbind_tcb(sc);
    if (sc->notification) {
        sc->notification->sc = NULL;
        sc->notification = NULL;
    }
    if (sc->reply) {
        sc->reply->next = 0;
        sc->reply = NULL;
    }
    sc->refill_max = 0;
    if (kernel.current_sc == sc) {
        kernel.current_sc = NULL;
        kernel.reprogram = true;
    }
}

static status_t decode_bind(struct invocation *inv, struct sched_context *sc)
{
    if (!inv->extra[0])
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    cap_t cap = inv->extra[0]->cap;
    if (cap_tag(cap) != CAP_TCB && cap_tag(cap) != CAP_NOTIFICATION)
        return refuse_capability(1);
    if (cap_tag(cap) == CAP_NOTIFICATION) { /* a thread may have it at the same time: it gives it up when it waits there */
        struct notification *n = object_at(cap_offset48(cap));
        if (sc->notification || n->sc)
            return refuse_plain(SEL4_ILLEGAL_OPERATION);
        n->sc = sc;
        sc->notification = n;
        return STATUS_OK;
    }
    struct tcb *t = object_at(cap_offset48(cap));
    if (sc->tcb || t->sc)
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    /* A blocked thread would be woken onto a budget that isn't there yet. */
    if (t->state > THREAD_RUNNING && sc->refill_max != 0 && !sched_context_is_ready(sc))
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    sched_context_bind(sc, t);
    return STATUS_OK;
}

static status_t decode_unbind_object(struct invocation *inv, struct sched_context *sc)
{
    if (!inv->extra[0])
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    cap_t cap = inv->extra[0]->cap;
    if (cap_tag(cap) == CAP_TCB) {
        struct tcb *t = object_at(cap_offset48(cap));
        if (sc->tcb != t || t == inv->caller)
            return refuse_plain(SEL4_ILLEGAL_OPERATION);
        sched_context_unbind_tcb(sc);
        return STATUS_OK;
    }
    if (cap_tag(cap) == CAP_NOTIFICATION) {
        struct notification *n = object_at(cap_offset48(cap));
        if (sc->notification != n)
            return refuse_plain(SEL4_ILLEGAL_OPERATION);
        n->sc = NULL;
        sc->notification = NULL;
        return STATUS_OK;
    }
    return refuse_capability(1);
}

/* The thread on `sc` goes to the front of its priority; if that is not below the caller's it runs at once, and the caller's reply
 * (how much was consumed) is written when the caller runs again. */
static status_t decode_yield_to(struct invocation *inv, struct sched_context *sc)
{
    struct tcb *t = sc->tcb, *caller = inv->caller;
    if (!t || t == caller || t->priority > caller->mcp)
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    if (!thread_schedulable(t) || !sched_context_is_ready(sc)) {
        invocation_result(inv, 0, sched_context_take_consumed(sc));
        return STATUS_OK;
    }
    if (sc->yield_from)
        sched_context_complete_yield(sc->yield_from);
    ready_dequeue(t);
    if (t->priority < caller->priority) {
        ready_enqueue(t, true);
        invocation_result(inv, 0, sched_context_take_consumed(sc));
        return STATUS_OK;
    }
    caller->yield_to = sc;
    sc->yield_from = caller;
    sc->budget_consumed = 0;
    ready_enqueue(caller, true);
    ready_enqueue(t, true);
    reschedule();
    return STATUS_BLOCKED;
}

status_t sched_context_invoke(struct invocation *inv)
{
    struct sched_context *sc = object_at(cap_offset48(inv->cap));
    switch (inv->label) {
    case SEL4_SCHED_CONTEXT_CONSUMED: invocation_result(inv, 0, sched_context_take_consumed(sc)); return STATUS_OK;
    case SEL4_SCHED_CONTEXT_BIND: return decode_bind(inv, sc);
    case SEL4_SCHED_CONTEXT_UNBIND_OBJECT: return decode_unbind_object(inv, sc);
    case SEL4_SCHED_CONTEXT_UNBIND:
        if (sc->tcb == inv->caller)
            return refuse_plain(SEL4_ILLEGAL_OPERATION);
        sched_context_unbind_tcb(sc);
        if (sc->notification) {
            sc->notification->sc = NULL;
            sc->notification = NULL;
        }
        return STATUS_OK;
    case SEL4_SCHED_CONTEXT_YIELD_TO: return decode_yield_to(inv, sc);
    default: return refuse_plain(SEL4_ILLEGAL_OPERATION);
    }
}
