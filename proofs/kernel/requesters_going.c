/* function: requesters_unbind_one, requesters_deleted, requesters_in_use, io_space_unbind_one, io_space_unbind_all, in_range (requesters.c)
 * property: what a range or a space has bound is unbound one by one until nothing is, each blocked at its unit first; nobody else's binding goes; a range is in use exactly while a function of it is bound or raises a vector
 * bound: one unit, 2 bindings, 2 spaces, one open message
 * options: --unwind 5
 */
#include "requesters.inc"

static unsigned messages; /* open ones of the range */
bool irq_requesters_in_use(word_t unit, word_t first, word_t last) { (void)unit, (void)first, (void)last; return messages != 0; }
bool irq_requesters_close_one(word_t unit, word_t first, word_t last)
{
    HOLDS(unit == requesters_unit(slot.cap) && first == requesters_first(slot.cap) && last == requesters_last(slot.cap), "the messages of this range");
    if (!messages)
        return false;
    messages--;
    return true;
}

int main(void)
{
    arbitrary_books();
    messages = nondet_below(2);
    ASSUME(requesters_unit(slot.cap) == 0 && (!space_a.unit || space_a.unit == &unit_a) && (!space_b.unit || space_b.unit == &unit_a) && ghost_unit == &unit_a);
    word_t count = binding_count;
    switch (nondet_below(4)) {
    case 0:
        HOLDS(!before || !ghost_in_range || requesters_in_use(slot.cap), "a function of it is bound");
        HOLDS(messages || count || !requesters_in_use(slot.cap), "nothing is");
        break;
    case 1:
        requesters_deleted(slot.cap);
        HOLDS(!ghost_in_range || !ghost_attached, "each function of the range is blocked");
        HOLDS(ghost_in_range || ghost_attached == before, "no other's");
        HOLDS(!requesters_in_use(slot.cap), "nothing of it is in use");
        REACH(count == 2 && binding_count == 0);
        REACH(count == 2 && binding_count == 1);
        break;
    case 2:
        io_space_unbind_all(&space_a);
        HOLDS(before == &space_a ? !ghost_attached : ghost_attached == before, "each function of the space is blocked, no other's");
        HOLDS(!space_a.bound_count && !space_a.unit, "nobody uses it");
        REACH(count == 2 && binding_count == 0);
        break;
    default: {
        bool one = io_space_unbind_one(&space_b);
        HOLDS(binding_count + one == count, "one, or none");
        HOLDS(io_spaces_bound() == (binding_count != 0), "as many as there are");
    }
    }
    still_sound();
}
