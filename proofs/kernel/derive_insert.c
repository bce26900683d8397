/* function: slot_insert
 * property: the new capability follows its parent directly; every list stays well-formed; no other slot changes; a copy of an untyped uses its parent up
 * bound: any list (local argument)
 * solver: sat
 * options: --unwind 8
 */
#include "derive_list.h"

int main(void)
{
    arbitrary_list();
    unsigned parent = nondet_below(SLOTS), to = nondet_below(SLOTS), other = nondet_below(SLOTS);
    cap_t cap = {nondet_word(), nondet_word()};
    ASSUME(!slot_is_empty(&slots[parent]) && slot_is_empty(&slots[to]) && cap_tag(cap) != CAP_NULL);
    unsigned next = number_of(slot_next(&slots[parent]));
    bool copy = cap_tag(cap) == CAP_UNTYPED && cap_tag(slots[parent].cap) == CAP_UNTYPED &&
                untyped_paddr(cap) == untyped_paddr(slots[parent].cap) &&
                untyped_size_bits(cap) == untyped_size_bits(slots[parent].cap);

    slot_insert(cap, &slots[parent], &slots[to]);

    rank[to] = rank[parent] + 1;
    HOLDS(slot_next(&slots[parent]) == &slots[to], "the new slot follows its parent");
    HOLDS(number_of(slot_next(&slots[to])) == next, "what followed the parent follows the new slot");
    HOLDS(slots[to].cap.w0 == cap.w0 && slots[to].cap.w1 == cap.w1, "the new slot holds the capability");
    HOLDS(!copy || untyped_free(slots[parent].cap) == BIT(untyped_size_bits(cap)), "a copied untyped has nothing left to give");
    HOLDS(well_formed(other), "every list is well-formed");
    HOLDS(other == parent || other == to || other == next || same_slot(&slots[other], &before[other]), "no other slot changes");
    HOLDS(slots[other].cap.w0 == before[other].cap.w0 || other == to, "capabilities stay as they are");
    HOLDS(((slots[other].next ^ before[other].next) & SLOT_FLAGS) == 0 || other == to, "flags of others stay");
    REACH(next == SLOTS);
    REACH(next < SLOTS);
    REACH(copy);
    REACH((slots[to].next & SLOT_FLAGS) == 0);
}
