/* function: cspace_lookup, cspace_changed, cspace_slot
 * property: what is remembered of a CSpace of one level leads to the slot that the walk leads to, for every address, and to none where the walk fails; a CSpace that has changed since is not looked up in what was remembered
 * bound: CNodes of 2 to 8 slots with any guard; all addresses
 * options: --unwind 4
 */
#include "../proof.h"
#include "kernel/core.h"
#include "kernel/state.h"
static struct slot slots[8];
static void *object_named(word_t offset) { HOLDS(offset == 0x4000, "the CNode's memory"); return slots; }
static struct slot *slot_named(cap_t cnode, word_t i) { HOLDS(i < BIT(cnode_radix(cnode)), "a slot of the CNode"); return &slots[i]; }
#define object_at object_named
#define cnode_slot(cnode, i) slot_named(cnode, i)
#include "kernel/cspace.c"

struct kernel kernel;
static struct tcb t;
status_t refuse_lookup(bool s) { (void)s; return SEL4_FAILED_LOOKUP; }
status_t refuse_range(word_t a, word_t b) { (void)a, (void)b; return SEL4_RANGE_ERROR; }

int main(void)
{
    kernel.current = &t;
    unsigned radix = 1 + nondet_below(3), guard_size = nondet_below(64);
    ASSUME(radix + guard_size <= 64);
    word_t guard = nondet_word() & MASK(guard_size % 64);
    t.cspace.cap = nondet_bool() ? cap_cnode(0x4000, radix, guard_size, guard) : cap_endpoint(0x40, nondet_word(), nondet_word());
    cspace_changed(&t);
    if (nondet_bool()) /* another capability since: derived anew only by cspace_changed */
        t.cspace.cap = cap_cnode(0x4000, 1, nondet_below(63), 0);
    word_t cptr = nondet_word();

    struct slot *quick = cspace_slot(&t, cptr);
    struct lookup slow = walk(t.cspace.cap, cptr, 64), all = cspace_lookup(&t, cptr);

    HOLDS(!quick || (slow.status == STATUS_OK && slow.slot == quick && slow.bits_left == 0), "where the walk leads to");
    HOLDS(all.status == slow.status && all.slot == slow.slot, "the same by either way");
    REACH(quick == &slots[7]);
    REACH(!quick && slow.status == STATUS_OK);
    REACH(all.status == SEL4_FAILED_LOOKUP);
}
