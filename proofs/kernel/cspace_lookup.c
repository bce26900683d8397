/* function: cspace_lookup_target, cspace_lookup
 * property: ends within one step per address bit, never leaves the CNode that a capability names; success means the exact depth; a refusal writes only its details
 * bound: window of 64 slots with any contents, all addresses and depths; CNode radix at least 4, so at most 16 levels
 * options: --unwind 18
 */
#include "../proof.h"
#include "kernel/cspace.c"

#define SLOTS 64
#define MIN_RADIX 4
static struct slot window[SLOTS];
static struct tcb thread, thread_before;
struct kernel kernel;

status_t refuse_range(word_t min, word_t max) { (void)min; (void)max; return SEL4_RANGE_ERROR; }
status_t refuse_lookup(bool source) { (void)source; return SEL4_FAILED_LOOKUP; }

/* Invariant 1 for CNodes: the capability names slots inside the window. The walk reads it of the slots on its way only. */
static bool names_cnode_inside(cap_t c)
{
    return cap_tag(c) != CAP_CNODE || (cnode_radix(c) >= MIN_RADIX && cnode_radix(c) <= 6 && cnode_offset(c) % sizeof(struct slot) == 0 &&
                                       cnode_guard_size(c) + cnode_radix(c) <= 64 &&
                                       cnode_offset(c) + (BIT(cnode_radix(c)) << SEL4_SLOT_BITS) <= sizeof window);
}

int main(void)
{
    kernel.window = (char *)window;
    kernel.current = &thread;
    thread_before = thread;
    word_t w0 = nondet_word(), w1 = nondet_word();
    /* all slots hold one of two arbitrary capabilities: CNodes may nest, meet and form circles */
    word_t a0 = nondet_word(), a1 = nondet_word(), b0 = nondet_word(), b1 = nondet_word(), chosen = nondet_word();
    for (unsigned i = 0; i < 16; i++)
        for (unsigned j = 0; j < 4; j++)
            window[4 * i + j].cap = chosen >> (4 * i + j) & 1 ? (cap_t){a0, a1} : (cap_t){b0, b1};
    cap_t root = {w0, w1};
    ASSUME(names_cnode_inside(root) && names_cnode_inside((cap_t){a0, a1}) && names_cnode_inside((cap_t){b0, b1}));
    word_t index = nondet_word(), depth = nondet_word();
    unsigned other = nondet_below(SLOTS);
    struct slot old = window[other];

    struct lookup l = cspace_lookup_target(root, index, depth);

    HOLDS(l.status == STATUS_OK || l.status == SEL4_FAILED_LOOKUP || l.status == SEL4_RANGE_ERROR, "a defined outcome");
    HOLDS(l.status != STATUS_OK || (cap_tag(root) == CAP_CNODE && depth >= 1 && depth <= 64 && l.bits_left == 0), "exact depth");
    HOLDS(l.status != STATUS_OK || (l.slot >= window && l.slot < window + SLOTS), "the slot is one of the window");
    HOLDS(window[other].cap.w0 == old.cap.w0 && window[other].cap.w1 == old.cap.w1, "no slot changes");
    HOLDS(thread.ipc_buffer_vaddr == thread_before.ipc_buffer_vaddr && thread.sc == thread_before.sc, "the thread stays as it is");
    REACH(l.status == STATUS_OK && depth == 64);
    REACH(l.status == STATUS_OK && depth == 5);
    REACH(l.status == SEL4_FAILED_LOOKUP && cap_tag(root) == CAP_CNODE);
    REACH(l.status == SEL4_RANGE_ERROR);
}
