/* function: requesters_invoke (Divide, Bind, Unbind, Fault)
 * property: a requester goes through the tables of the one space that it is bound to, or nowhere, and only one of the capability's range is bound; a range is only divided into smaller ones that do not overlap; a refusal changes nothing
 * bound: two units, two spaces, 2 bindings, two earlier divisions; all ranges, arguments
 * options: --unwind 4
 * seconds: 200
 */
#include "requesters.inc"

int main(void)
{
    arbitrary_books();
    struct slot space_slot = {.next = 0};
    struct invocation inv = {.slot = &slot, .cap = slot.cap, .label = nondet_word(), .length = nondet_below(121),
                             .extra = {nondet_bool() ? &space_slot : NULL}, .caller = &caller};

    status_t s = requesters_invoke(&inv);

    HOLDS(s == STATUS_OK || (!changed && !inserted), "a refusal changes nothing");
    HOLDS(ghost_attached == before || (ghost_in_range && args[0] == ghost_requester), "only the requester that is named, of this range");
    HOLDS(ghost_attached == before || (before ? inv.label == ATOLL_REQUESTERS_UNBIND && !ghost_attached : ghost_attached == space_meant), "bound where it was bound nowhere, or unbound");
    still_sound();
    REACH(s == STATUS_OK && inv.label == ATOLL_REQUESTERS_DIVIDE);
    REACH(s == STATUS_OK && inv.label == ATOLL_REQUESTERS_BIND && space_a.bound_count == 2);
    REACH(s == STATUS_OK && inv.label == ATOLL_REQUESTERS_UNBIND && before && !binding_count);
    REACH(s == SEL4_NOT_ENOUGH_MEMORY);
    REACH(s == SEL4_REVOKE_FIRST);
}
