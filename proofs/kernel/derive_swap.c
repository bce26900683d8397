/* function: slot_swap
 * property: two slots exchange capabilities and places, also when they are neighbours; lists stay well-formed; nothing else changes
 * bound: any list (local argument)
 * options: --unwind 7
 */
#define SLOTS 5
#include "derive_list.h"

int main(void)
{
    arbitrary_list();
    unsigned a = nondet_below(SLOTS), b = nondet_below(SLOTS), other = nondet_below(SLOTS);
    cap_t cap_a = {nondet_word(), nondet_word()}, cap_b = {nondet_word(), nondet_word()};
    ASSUME(a != b && !slot_is_empty(&slots[a]) && !slot_is_empty(&slots[b]));
    ASSUME(cap_tag(cap_a) != CAP_NULL && cap_tag(cap_b) != CAP_NULL);

    slot_swap(cap_a, &slots[a], cap_b, &slots[b]);

    uint32_t r = rank[a];
    rank[a] = rank[b];
    rank[b] = r;
    HOLDS(slots[a].cap.w0 == cap_b.w0 && slots[b].cap.w0 == cap_a.w0, "each holds the other's capability");
    HOLDS(((slots[a].next ^ before[b].next) & SLOT_FLAGS) == 0 && ((slots[b].next ^ before[a].next) & SLOT_FLAGS) == 0,
          "flags go along");
    HOLDS(well_formed(other), "every list is well-formed");
    HOLDS(other == a || other == b || slots[other].cap.w0 == before[other].cap.w0, "other capabilities stay as they are");
    REACH(slot_next(&slots[a]) == &slots[b]);
    REACH(slot_next(&slots[b]) == &slots[a]);
    REACH(number_of(slot_next(&slots[a])) < SLOTS && slot_next(&slots[a]) != &slots[b]);
}
