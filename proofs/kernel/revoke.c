/* function: slot_revoke (delete.c)
 * property: a revocation ends only when no descendant is left, or is preempted after a whole deletion; it deletes nothing but what follows the slot as its descendant
 * bound: up to 3 descendants; a deletion, which may be preempted, takes one of them at least
 * replace: slot_delete:delete_contract preemption_point:point_contract
 * with: proofs/kernel/world.c
 * options: --unwind 5
 */
#include "world.h"
void *const world_queue = &ep;
const unsigned world_threads = 2;
static unsigned descendants, deleted;
bool slot_has_children(const struct slot *s) { HOLDS(s == &slots[0], "the slot's"); return descendants != 0; }
#include "kernel/delete.c"

static bool half; /* a deletion was preempted */
status_t delete_contract(struct slot *s)
{
    HOLDS(descendants != 0 && s == &slots[1], "a descendant");
    half = nondet_bool();
    if (half)
        return STATUS_PREEMPTED;
    unsigned taken = 1 + nondet_below(3);
    descendants -= taken < descendants ? taken : descendants;
    deleted++;
    return STATUS_OK;
}
bool point_contract(void) { return nondet_bool(); }

int main(void)
{
    descendants = nondet_below(4);
    slots[0].next = (word_t)&slots[1];

    status_t s = slot_revoke(&slots[0]);

    HOLDS(s == STATUS_OK || s == STATUS_PREEMPTED, "done, or to be gone on with");
    HOLDS(s != STATUS_OK || descendants == 0, "none is left");
    HOLDS(s != STATUS_PREEMPTED || half || deleted, "something was done before it was preempted");
    REACH(s == STATUS_OK && deleted == 3);
    REACH(s == STATUS_PREEMPTED && half);
}
