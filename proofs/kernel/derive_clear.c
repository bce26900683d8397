/* function: slot_clear
 * property: the slot is empty and out of its list; its neighbours become neighbours, in order; the next copy inherits "first badged"; nothing else changes
 * bound: any list (local argument)
 * options: --unwind 8
 */
#include "derive_list.h"

int main(void)
{
    arbitrary_list();
    unsigned s = nondet_below(SLOTS), other = nondet_below(SLOTS);
    ASSUME(!slot_is_empty(&slots[s]));
    unsigned prev = number_of(slot_prev(&slots[s])), next = number_of(slot_next(&slots[s]));
    bool first = slots[s].next & SLOT_FIRST_BADGED;

    slot_clear(&slots[s]);

    HOLDS(slot_is_empty(&slots[s]), "the slot is empty");
    HOLDS(well_formed(other), "every list is well-formed");
    HOLDS(prev == SLOTS || number_of(slot_next(&slots[prev])) == next, "its neighbours are neighbours now");
    HOLDS(next == SLOTS || !first || (slots[next].next & SLOT_FIRST_BADGED), "the next copy joins no older family");
    HOLDS(other == s || other == prev || other == next || same_slot(&slots[other], &before[other]), "no other slot changes");
    HOLDS(other == s || (slots[other].cap.w0 == before[other].cap.w0 && slots[other].cap.w1 == before[other].cap.w1),
          "capabilities stay as they are");
    HOLDS(other == s || ((slots[other].next ^ before[other].next) & SLOT_REVOCABLE) == 0, "who is an original stays so");
    REACH(prev == SLOTS && next == SLOTS);
    REACH(prev < SLOTS && next < SLOTS && first);
}
