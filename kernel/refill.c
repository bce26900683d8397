/* The sporadic server: a scheduling context's budget as a ring of refills, each an amount that may be used from a time on.
 *
 * Invariants between calls (checked by tests/unit/kernel_invariants.c), for a configured context that is not round robin:
 * the refills are in order of time, their amounts sum up to the budget, and the head is at least the minimum budget.
 * Time used from the head comes back one period after the head's time. Round robin (period 0): one refill, whose amount is
 * what is left of the slice; it is always ready. */
#include "core.h"
#include "state.h"

/* All of them may fall due at once and are then joined in one go (sched_context_start_now): that bounds their number. */
#define REFILLS_MAX 512u

unsigned sched_context_max_refills(unsigned size_bits)
{
    word_t n = 2 + (BIT(size_bits) - BIT(SEL4_MIN_SCHED_CONTEXT_BITS)) / sizeof(struct refill);
    return n < REFILLS_MAX ? (unsigned)n : REFILLS_MAX;
}

struct refill *sched_context_refill(struct sched_context *sc, unsigned i)
{
    unsigned at = sc->refill_head + i;
    if (at >= sc->refill_max)
        at -= sc->refill_max;
    return (struct refill *)((char *)sc + offsetof(struct sched_context, refills)) + at;
}

bool sched_context_round_robin(const struct sched_context *sc) { return sc->period == 0; }

static inline struct refill *head(struct sched_context *sc) { return sched_context_head(sc); }

static struct refill pop(struct sched_context *sc)
{
    struct refill r = *head(sc);
    sc->refill_head = (uint16_t)(sc->refill_head + 1u < sc->refill_max ? sc->refill_head + 1u : 0);
    sc->refill_count--;
    return r;
}

static void push(struct sched_context *sc, struct refill r)
{
    *sched_context_refill(sc, sc->refill_count) = r;
    sc->refill_count++;
}

/* Adds a refill for the future. With no room left, the last one is put off until it can be one with the new one. */
static void push_future(struct sched_context *sc, struct refill r)
{
    if (sc->refill_count == 0) {
        push(sc, r);
        return;
    }
    struct refill *last = sched_context_refill(sc, sc->refill_count - 1u);
    if (last->time + last->amount >= r.time) {
        last->amount += r.amount;
    } else if (sc->refill_count < sc->refill_max) {
        push(sc, r);
    } else {
        last->time = r.time - last->amount;
        last->amount += r.amount;
    }
}

/* A head too small to be worth a switch is joined to the next refill, to be used just before it. */
static void join_small_head(struct sched_context *sc)
{
    while (sc->refill_count > 1 && head(sc)->amount < kernel.min_budget) {
        struct refill small = pop(sc);
        head(sc)->amount += small.amount;
        head(sc)->time -= small.amount;
    }
}

/* Overruns (a stopped emulator, a firmware interrupt) of whole budgets at once, so that charging is bounded. What is left of `used`. */
static ticks_t charge_rounds(struct sched_context *sc, ticks_t used)
{
    ticks_t rounds = used / sc->budget;
    for (unsigned i = 0; i < sc->refill_count; i++)
        sched_context_refill(sc, i)->time += rounds * sc->period;
    return used - rounds * sc->budget;
}

void sched_context_charge(struct sched_context *sc, ticks_t used)
{
    if (sched_context_round_robin(sc)) {
        ticks_t left = head(sc)->amount;
        head(sc)->amount = left >= used + kernel.min_budget ? left - used : sc->budget;
        return;
    }
    if (used >= sc->budget)
        used = charge_rounds(sc, used);
    while (used != 0 && used >= head(sc)->amount) {
        struct refill r = pop(sc);
        used -= r.amount;
        r.time += sc->period;
        push_future(sc, r);
    }
    if (used != 0) {
        struct refill r = {head(sc)->time + sc->period, used};
        head(sc)->amount -= used;
        head(sc)->time += used;
        push_future(sc, r);
    }
    join_small_head(sc);
}

bool sched_context_is_ready(struct sched_context *sc)
{
    if (sched_context_round_robin(sc) || head(sc)->time <= kernel.now)
        return true;
    clock_update();
    return head(sc)->time <= kernel.now;
}

/* Time in which the budget was there but not used is no credit for later: a ready head starts now. */
void sched_context_start_now(struct sched_context *sc)
{
    if (sched_context_round_robin(sc) || head(sc)->time > kernel.now)
        return;
    head(sc)->time = kernel.now;
    while (sc->refill_count > 1 && head(sc)->time + head(sc)->amount >= sched_context_refill(sc, 1)->time) {
        struct refill r = pop(sc);
        head(sc)->time = r.time;
        head(sc)->amount += r.amount;
    }
    kernel.reprogram = true;
}

void sched_context_configure(struct sched_context *sc, ticks_t budget, ticks_t period, word_t max_refills, word_t badge,
                             bool sporadic)
{
    sc->badge = badge;
    sc->sporadic = sporadic;
    sc->budget = budget;
    sc->period = period == budget ? 0 : period;
    sc->refill_max = (uint16_t)max_refills;
    sc->refill_head = sc->refill_count = 0;
    push(sc, (struct refill){kernel.now, budget});
}

void sched_context_refresh(struct sched_context *sc, ticks_t budget, ticks_t period, unsigned max_refills)
{
    struct refill left = *head(sc);
    if (left.time < kernel.now || sched_context_round_robin(sc))
        left.time = kernel.now;
    sched_context_configure(sc, budget, period, max_refills, sc->badge, sc->sporadic);
    if (sched_context_round_robin(sc))
        return;
    head(sc)->time = left.time;
    if (left.amount < budget) { /* what was used of the old budget is given back no sooner than a new period from now */
        head(sc)->amount = left.amount;
        push_future(sc, (struct refill){left.time + period, budget - left.amount});
        join_small_head(sc);
    }
}
