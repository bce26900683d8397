/* function: sched_context_charge, sched_context_start_now, sched_context_refresh, push_future, join_small_head, pop, push
 * property: no budget is made and none is lost: the refills' amounts sum up to it; at least one refill, no more than there is room for, in order of time; the head is worth a switch
 * bound: up to 3 refills, anywhere in their ring, of up to 2^12 ticks, at times of up to 2^20; less than one budget used (charge_rounds takes whole ones off before)
 * options: --unwind 5
 * seconds: 300
 * replace: sched_context_refill:refill_at head:head_at charge_rounds:rounds_contract
 */
#include "../proof.h"
#include "kernel/refill.c"

#define MOST 3u
struct kernel kernel;
static struct refill first, second, third;
static struct sched_context sc;
struct refill *refill_at(struct sched_context *s, unsigned i)
{
    unsigned at = s->refill_head + i;
    if (at >= s->refill_max)
        at -= s->refill_max;
    HOLDS(s == &sc && at < s->refill_max, "a refill of the ring");
    return at == 0 ? &first : at == 1 ? &second : &third;
}
struct refill *head_at(struct sched_context *s) { return refill_at(s, 0); }
ticks_t rounds_contract(struct sched_context *s, ticks_t used) { (void)s; HOLDS(0, "less than a budget here"); return used; }
void clock_update(void) {}

static bool in_order(void)
{
    return (sc.refill_count < 2 || refill_at(&sc, 0)->time <= refill_at(&sc, 1)->time) &&
           (sc.refill_count < 3 || refill_at(&sc, 1)->time <= refill_at(&sc, 2)->time);
}
static ticks_t sum(void)
{
    ticks_t n = 0;
    for (unsigned i = 0; i < MOST; i++)
        n += i < sc.refill_count ? refill_at(&sc, i)->amount : 0;
    return n;
}
static struct refill arbitrary_refill(void)
{
    struct refill r = {nondet_word(), nondet_word()};
    ASSUME(r.time < BIT(20) && r.time >= BIT(16) && r.amount >= 1 && r.amount < BIT(12));
    return r;
}

int main(void)
{
    sc.refill_max = (uint16_t)(2 + nondet_below(MOST - 1));
    sc.refill_count = (uint16_t)(1 + nondet_below(MOST));
    sc.refill_head = (uint16_t)nondet_below(MOST);
    ASSUME(sc.refill_count <= sc.refill_max && sc.refill_head < sc.refill_max);
    first = arbitrary_refill(), second = arbitrary_refill(), third = arbitrary_refill();
    sc.budget = sum();
    sc.period = nondet_word(); /* small numbers: wider adders are more than the solvers can take */
    kernel.min_budget = nondet_word();
    kernel.now = nondet_word();
    ASSUME(sc.period > sc.budget && sc.period < BIT(15) && kernel.min_budget >= 1 && kernel.min_budget <= sc.budget && kernel.now < BIT(20) && kernel.now >= BIT(16));
    ASSUME(in_order() && head(&sc)->amount >= kernel.min_budget);
    ticks_t used = nondet_word(), was_used = used, ready = head(&sc)->time;
    ASSUME(used < sc.budget);
    unsigned count = sc.refill_count;

    switch (nondet_below(3)) {
    case 0:
        sched_context_charge(&sc, used);
        REACH(was_used != 0 && sc.refill_count == MOST && count == 2);
        REACH(count == MOST && sc.refill_count == 1);
        break;
    case 1:
        sched_context_start_now(&sc);
        HOLDS(head(&sc)->time >= ready, "never sooner than it was");
        HOLDS(head(&sc)->time >= kernel.now || ready > kernel.now, "a ready one counts from now on");
        REACH(count == MOST && sc.refill_count == 1);
        break;
    default: {
        ticks_t budget = nondet_word(), period = nondet_word();
        unsigned most = 2 + nondet_below(MOST - 1);
        ASSUME(budget >= kernel.min_budget && period >= budget && period < BIT(15));
        sched_context_refresh(&sc, budget, period, most);
        HOLDS(sc.budget == budget, "the new budget");
        if (period == budget)
            return 0; /* round robin: one refill, what is left of the slice */
        REACH(sc.refill_count == 2);
    }
    }
    HOLDS(sc.refill_count >= 1 && sc.refill_count <= sc.refill_max, "as many refills as there is room for");
    HOLDS(sum() == sc.budget, "no budget is made, none is lost");
    HOLDS(in_order(), "in order of time");
    HOLDS(head(&sc)->amount >= kernel.min_budget, "the head is worth a switch");
}
