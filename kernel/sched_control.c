/* SchedControl_ConfigureFlags: a scheduling context's budget and period (manual, "SchedControl"). */
#include "core.h"
#include "state.h"

/* Longest period: times stay far below a wrap of 64 bits even when some hundred periods are added up. */
static word_t max_period_us(void) { return (UINT64_MAX >> 10) / kernel.ticks_per_us; }

static void configure(struct sched_context *sc, ticks_t budget, ticks_t period, unsigned refills, word_t badge, bool sporadic)
{
    struct tcb *t = sc->tcb;
    if (kernel.current_sc == sc)
        charge_current();
    else
        clock_update();
    if (t)
        thread_dequeue(t);
    sc->badge = badge;
    sc->sporadic = sporadic;
    if (sc->refill_max != 0 && t && thread_runnable(t))
        sched_context_refresh(sc, budget, period, refills);
    else
        sched_context_configure(sc, budget, period, refills, badge, sporadic);
    kernel.reprogram = true;
    if (!t)
        return;
    sched_context_resume(sc);
    if (t == kernel.current)
        reschedule();
    else
        thread_wake(t);
}

status_t sched_control_invoke(struct invocation *inv)
{
    if (inv->label != SEL4_SCHED_CONTROL_CONFIGURE_FLAGS)
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    if (inv->length < 5 || !inv->extra[0])
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    word_t budget = invocation_arg(inv, 0), period = invocation_arg(inv, 1), extra = invocation_arg(inv, 2);
    word_t badge = invocation_arg(inv, 3), flags = invocation_arg(inv, 4);
    cap_t cap = inv->extra[0]->cap;
    if (cap_tag(cap) != CAP_SC)
        return refuse_capability(1);
    if (budget < SEL4_MIN_BUDGET_US || budget > max_period_us())
        return refuse_range(SEL4_MIN_BUDGET_US, max_period_us());
    if (period < SEL4_MIN_BUDGET_US || period > max_period_us())
        return refuse_range(SEL4_MIN_BUDGET_US, max_period_us());
    if (budget > period)
        return refuse_range(SEL4_MIN_BUDGET_US, period);
    unsigned most = sched_context_max_refills(sc_cap_size_bits(cap));
    if (extra > most - 2)
        return refuse_range(0, most - 2);
    configure(object_at(cap_offset48(cap)), budget * kernel.ticks_per_us, period * kernel.ticks_per_us,
              budget == period ? 2 : (unsigned)extra + 2, badge, (flags & SEL4_SCHED_CONTEXT_SPORADIC) != 0);
    return STATUS_OK;
}
