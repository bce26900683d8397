/* function: cspace_lookup_target, the walk of cspace_lookup
 * property: ends within one step per address bit, never leaves the CNode that a capability names; success means the exact depth; writes nothing but its refusal's details
 * bound: all roots, addresses, depths; CNodes of any size with any contents
 * options: --unwind 66
 */
#include "../proof.h"
#include "kernel/state.h"

static bool sound_cnode(cap_t c)
{
    return cnode_radix(c) >= 1 && cnode_radix(c) <= CNODE_MAX_RADIX && cnode_guard_size(c) + cnode_radix(c) <= 64;
}

/* Any slot of any CNode: its contents are arbitrary, but a CNode capability in it is one that Retype and Mint can make. */
static struct slot visited;
static struct slot *slot_of_cnode(cap_t cnode, word_t i)
{
    HOLDS(cap_tag(cnode) == CAP_CNODE && i < BIT(cnode_radix(cnode)), "the slot lies inside the CNode");
    visited.cap = (cap_t){nondet_word(), nondet_word()};
    ASSUME(cap_tag(visited.cap) != CAP_CNODE || sound_cnode(visited.cap));
    return &visited;
}
#define cnode_slot slot_of_cnode
#include "kernel/cspace.c"

struct kernel kernel;
static struct tcb thread;
status_t refuse_range(word_t min, word_t max) { (void)min; (void)max; return SEL4_RANGE_ERROR; }
status_t refuse_lookup(bool source) { (void)source; return SEL4_FAILED_LOOKUP; }

int main(void)
{
    kernel.current = &thread;
    cap_t root = {nondet_word(), nondet_word()};
    ASSUME(cap_tag(root) != CAP_CNODE || sound_cnode(root));
    word_t index = nondet_word(), depth = nondet_word();

    struct lookup l = cspace_lookup_target(root, index, depth);

    HOLDS(l.status == STATUS_OK || l.status == SEL4_FAILED_LOOKUP || l.status == SEL4_RANGE_ERROR, "a defined outcome");
    HOLDS(l.status != STATUS_OK || (cap_tag(root) == CAP_CNODE && depth >= 1 && depth <= 64 && l.bits_left == 0), "exact depth");
    HOLDS(l.status != STATUS_OK || l.slot == &visited, "success names a slot");
    HOLDS(l.status != SEL4_RANGE_ERROR || depth < 1 || depth > 64, "a range error for an impossible depth only");
    REACH(l.status == STATUS_OK && depth == 64);
    REACH(l.status == STATUS_OK && depth == 5);
    REACH(l.status == SEL4_FAILED_LOOKUP && cap_tag(root) == CAP_CNODE);
    REACH(l.status == SEL4_RANGE_ERROR);
}
