/* function: charge_rounds (refill.c)
 * property: of an overrun of whole budgets at once less than a budget is left to be charged, every refill is put off alike, and none else is touched; nothing undefined
 * bound: 8-bit budgets and overruns, 2 refills
 * options: --unwind 5
 */
#include "../proof.h"
#include "kernel/core.h"
#include "kernel/state.h"
#include "kernel/refill.c"

struct kernel kernel;
static struct sched_context sc;
void clock_update(void) {}

int main(void)
{
    ticks_t used = nondet_below(256), a = nondet_word(), b = nondet_word();
    sc.budget = 1 + nondet_below(255), sc.period = sc.budget + nondet_below(256);
    sc.refill_max = 2, sc.refill_count = (uint16_t)(1 + nondet_below(2)), sc.refill_head = (uint16_t)nondet_below(2);
    sc.refills[0] = (struct refill){a, 7}, sc.refills[1] = (struct refill){b, 9};
    ASSUME(a < BIT(60) && b < BIT(60));
    unsigned first = sc.refill_head, second = 1 - first;

    ticks_t left = charge_rounds(&sc, used);

    HOLDS(left < sc.budget && left <= used, "less than a budget");
    ticks_t by = sc.refills[first].time - (first ? b : a);
    HOLDS(sc.refill_count == 1 ? sc.refills[second].time == (second ? b : a) : sc.refills[second].time - (second ? b : a) == by, "put off alike");
    HOLDS(by == 0 || by >= sc.period, "by whole periods");
    HOLDS(sc.refills[0].amount == 7 && sc.refills[1].amount == 9, "amounts stay");
    REACH(by > sc.period && left != 0);
}
