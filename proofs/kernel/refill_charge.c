/* function: sched_context_charge
 * property: the refills still sum up to the budget, stay in order of time, and their number stays between one and the maximum
 * bound: up to 3 refills, times below 2^40, consumption below one budget (whole budgets are taken off by one division before)
 * options: --unwind 5
 * solver: bitwuzla
 */
#include "../proof.h"
#include "kernel/refill.c"

#define MAX 3
struct kernel kernel;
static struct { struct sched_context sc; struct refill more[MAX - 2]; } object;
void clock_update(void) {}

int main(void)
{
    struct sched_context *sc = &object.sc;
    struct refill *refills = sc->refills;
    ticks_t used = nondet_word(), sum = 0, last_end = 0;
    sc->refill_max = (uint16_t)(2 + nondet_below(MAX - 1));
    sc->refill_count = (uint16_t)(1 + nondet_below(MAX));
    sc->refill_head = 0;
    ASSUME(sc->refill_count <= sc->refill_max);
    for (unsigned i = 0; i < MAX; i++) {
        struct refill r = {nondet_word(), nondet_word()};
        ASSUME(r.time < BIT(40) && r.amount < BIT(32));
        if (i < sc->refill_count) {
            ASSUME(r.amount >= 1 && r.time >= last_end);
            last_end = r.time + r.amount;
            sum += r.amount;
        }
        (i < 2 ? refills : object.more - 2)[i] = r;
    }
    sc->budget = sum;
    sc->period = nondet_word();
    kernel.min_budget = nondet_word();
    ASSUME(sc->period >= sum && sc->period < BIT(40) && used < sum && kernel.min_budget < BIT(20) && kernel.min_budget <= sum);
    ASSUME(refills[0].amount >= kernel.min_budget && last_end <= refills[0].time + sc->period + refills[0].amount);

    sched_context_charge(sc, used);

    ticks_t after = 0, time = 0;
    HOLDS(sc->refill_count >= 1 && sc->refill_count <= sc->refill_max, "a defined number of refills");
    for (unsigned i = 0; i < sc->refill_count && i < MAX; i++) {
        struct refill *r = sched_context_refill(sc, i);
        HOLDS(r->time >= time, "in order of time");
        time = r->time;
        after += r->amount;
    }
    HOLDS(after == sum, "no budget is made, none is lost");
    HOLDS(sched_context_refill(sc, 0)->amount >= kernel.min_budget || sc->refill_count == 1, "the head is worth a switch");
    REACH(used > refills[0].amount);
    REACH(sc->refill_count == 1);
    REACH(sc->refill_count == sc->refill_max);
}
