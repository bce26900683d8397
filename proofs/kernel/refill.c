/* function: every function of kernel/refill.c
 * property: charging, starting, configuring and refreshing keep a sporadic server's rules: its refills sum up to its budget, no more and no less, lie in order of time without overlapping, are no more than fit, and the first is worth a switch; round robin keeps its one refill inside the slice; nothing undefined
 * bound: 2 refills at most, amounts and times below 2^62; an overrun of whole budgets at once is in refill_rounds
 * options: --unwind 5
 * seconds: 300
 */
#include "../proof.h"
#include "kernel/core.h"
#include "kernel/state.h"
#include "kernel/refill.c"

struct kernel kernel;
static struct sched_context sc;
void clock_update(void) { ticks_t now = nondet_word(); ASSUME(now >= kernel.now && now < BIT(62)); kernel.now = now; }

static struct refill *at(unsigned i) { return &sc.refills[(sc.refill_head + i) & 1]; }
static bool sound(void)
{
    if (sc.refill_max < 2 || sc.refill_count < 1 || sc.refill_count > sc.refill_max || sc.refill_head >= sc.refill_max)
        return false;
    if (sc.period == 0)
        return sc.refill_count == 1 && at(0)->amount <= sc.budget && at(0)->amount >= kernel.min_budget;
    ticks_t sum = at(0)->amount;
    if (sc.refill_count == 2) {
        sum += at(1)->amount;
        if (at(1)->amount == 0 || at(0)->time + at(0)->amount > at(1)->time)
            return false;
    }
    return sum == sc.budget && at(0)->amount >= kernel.min_budget;
}

int main(void)
{
    kernel.min_budget = 1 + nondet_below(1000000);
    kernel.now = nondet_word();
    sc.period = nondet_word(), sc.budget = nondet_word();
    sc.refill_max = 2, sc.refill_head = (uint16_t)nondet_below(2), sc.refill_count = (uint16_t)(1 + nondet_below(2));
    sc.refills[0] = (struct refill){nondet_word(), nondet_word()}, sc.refills[1] = (struct refill){nondet_word(), nondet_word()};
    ASSUME(kernel.now < BIT(62) && sc.period < BIT(54) && sc.budget < BIT(54) && sc.budget >= kernel.min_budget && (sc.period == 0 || sc.period > sc.budget));
    ASSUME(sc.refills[0].time < BIT(61) && sc.refills[1].time < BIT(61) && sc.refills[0].time > BIT(54) && sc.refills[1].time > BIT(54));
    ASSUME(sound());
    ticks_t before = at(0)->time;

    switch (nondet_below(5)) {
    case 0: {
        ticks_t used = nondet_word();
        ASSUME(sc.period == 0 ? used < BIT(62) : used < sc.budget);
        unsigned count = sc.refill_count;
        sched_context_charge(&sc, used);
        HOLDS(sound(), "after charging");
        REACH(sc.period && count == 2 && sc.refill_count == 2 && at(0)->time != before);
        REACH(sc.period && count == 2 && sc.refill_count == 1);
        break;
    }
    case 1: {
        bool ready = sched_context_is_ready(&sc);
        HOLDS(ready == (sc.period == 0 || at(0)->time <= kernel.now), "ready when its time has come");
        break;
    }
    case 2:
        sched_context_start_now(&sc);
        HOLDS(sound(), "after starting");
        HOLDS(sc.period == 0 || at(0)->time >= kernel.now, "unused time is no credit");
        break;
    case 3: {
        ticks_t budget = nondet_word(), period = nondet_word();
        ASSUME(budget >= kernel.min_budget && budget <= period && period < BIT(54));
        sched_context_configure(&sc, budget, period, 2, nondet_word(), nondet_bool());
        HOLDS(sound(), "after configuring");
        HOLDS(sc.budget == budget && sched_context_round_robin(&sc) == (budget == period), "as asked");
        break;
    }
    default: {
        ticks_t budget = nondet_word(), period = nondet_word();
        ASSUME(budget >= kernel.min_budget && budget <= period && period < BIT(54));
        ASSUME(at(0)->amount <= BIT(54));
        sched_context_refresh(&sc, budget, period, 2);
        HOLDS(sound(), "after refreshing");
        HOLDS(sc.budget == budget, "as asked");
        REACH(sc.refill_count == 2);
    }
    }
    HOLDS(sched_context_max_refills(SEL4_MIN_SCHED_CONTEXT_BITS + nondet_below(30)) <= 512, "as many as one charge may join");
}
