/* function: slot_move
 * property: the new slot takes the old one's place in its list, flags included; the old one is empty; nothing else changes
 * bound: any list (local argument)
 * options: --unwind 8
 */
#include "derive_list.h"

int main(void)
{
    arbitrary_list();
    unsigned from = nondet_below(SLOTS), to = nondet_below(SLOTS), other = nondet_below(SLOTS);
    cap_t cap = {nondet_word(), nondet_word()};
    ASSUME(!slot_is_empty(&slots[from]) && slot_is_empty(&slots[to]) && cap_tag(cap) != CAP_NULL);
    unsigned prev = number_of(slot_prev(&slots[from])), next = number_of(slot_next(&slots[from]));

    slot_move(cap, &slots[from], &slots[to]);

    rank[to] = rank[from];
    HOLDS(slot_is_empty(&slots[from]), "the old slot is empty");
    HOLDS(slots[to].cap.w0 == cap.w0 && slots[to].cap.w1 == cap.w1, "the new slot holds the capability");
    HOLDS(slots[to].prev == before[from].prev && slots[to].next == before[from].next, "in the same place, with the same flags");
    HOLDS(well_formed(other), "every list is well-formed");
    HOLDS(other == from || other == to || other == prev || other == next || same_slot(&slots[other], &before[other]),
          "no other slot changes");
    HOLDS(other == from || other == to ||
              (slots[other].cap.w0 == before[other].cap.w0 && ((slots[other].next ^ before[other].next) & SLOT_FLAGS) == 0),
          "capabilities and flags of others stay");
    REACH(prev < SLOTS && next < SLOTS);
    REACH(prev == SLOTS && next == SLOTS);
}
