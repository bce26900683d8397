/* Retype of objects of TYPE and USER_BITS: one proof for each size, as symbolic shift distances are more than the solvers can take. New objects lie in
 * the free part of their untyped, aligned, one behind the other, and the free offset moves behind the last; frame-only
 * memory becomes frames and untypeds only; a refusal changes nothing. */
#pragma once
#include "../proof.h"
#include "kernel/state.h"

static struct slot target[256];
static struct tcb made;
static struct slot *target_slot(cap_t cnode, word_t i)
{
    HOLDS(i < BIT(cnode_radix(cnode)), "the first new slot lies in the CNode");
    return target;
}
#define cnode_slot target_slot
#define object_at(offset) ((void)(offset), (void *)&made)
#include "kernel/untyped.c"
#undef object_at

struct kernel kernel;
static word_t args[6];
static struct slot parent, root_slot, looked_up;
static cap_t untyped_before;
static bool has_children, some_slot_taken, cleared;
static unsigned inserted;
static word_t end_of_last; /* offset in the untyped behind the last object made */

/* What the parts around it promise; each has a proof of its own. */
word_t invocation_arg(const struct invocation *inv, unsigned i) { (void)inv; return args[i]; }
status_t refuse_plain(status_t s) { return s; }
status_t refuse_argument(word_t w) { (void)w; return SEL4_INVALID_ARGUMENT; }
status_t refuse_range(word_t min, word_t max) { (void)min; (void)max; return SEL4_RANGE_ERROR; }
status_t refuse_lookup(bool source) { (void)source; return SEL4_FAILED_LOOKUP; }
void refuse(word_t a, word_t b) { (void)a; (void)b; }
bool slot_has_children(const struct slot *s) { (void)s; return has_children; }
bool slot_is_empty(const struct slot *s) { (void)s; return !some_slot_taken; }
struct lookup cspace_lookup_target(cap_t root, word_t index, word_t depth)
{
    (void)root, (void)index, (void)depth;
    return (struct lookup){nondet_bool() ? STATUS_OK : SEL4_FAILED_LOOKUP, &looked_up, 0};
}
static unsigned looks;
bool preemption_point(void) { return ++looks == 3 || nondet_bool(); } /* a longer clearing is a longer time of the same */
void machine_memzero(void *p, word_t n) { (void)p; (void)n; cleared = true; }
void arch_tcb_init(struct tcb *t) { (void)t; }
bool arch_frame_type(word_t type) { return type == SEL4_X86_4K_PAGE || type == SEL4_X86_LARGE_PAGE || type == SEL4_X86_HUGE_PAGE; }
unsigned arch_object_bits(word_t type, word_t user_bits)
{
    (void)user_bits;
    switch (type) {
    case SEL4_X86_4K_PAGE: case SEL4_X86_PAGE_TABLE: return 12;
    case SEL4_X86_LARGE_PAGE: return 21;
    case SEL4_X86_HUGE_PAGE: return 30;
    case ATOLL_VCPU: return ATOLL_VCPU_BITS;
    default: return 0;
    }
}
static paddr_t made_at;
cap_t arch_object_create(word_t type, paddr_t pa, bool frame_only)
{
    HOLDS(!frame_only || arch_frame_type(type), "frame-only memory becomes no kernel object");
    made_at = pa;
    return (cap_t){0, 0};
}

static unsigned bits_asked(void) { return object_bits(args[0], args[1]); }

void slot_insert(cap_t cap, struct slot *from, struct slot *to)
{
    paddr_t pa = made_at;
    if (cap_tag(cap) == CAP_UNTYPED)
        pa = untyped_paddr(cap);
    else if (cap_tag(cap) == CAP_CNODE)
        pa = cnode_offset(cap) + kernel.window_paddr;
    else if (cap_tag(cap) != CAP_NULL)
        pa = cap_offset48(cap) + kernel.window_paddr;
    word_t at = pa - untyped_paddr(untyped_before);
    HOLDS(from == &parent && to == &target[inserted], "each object's capability goes to a slot of its own, as the untyped's child");
    HOLDS(at >= end_of_last && (at & MASK(bits_asked())) == 0, "behind the objects before it, and aligned");
    HOLDS(at + BIT(bits_asked()) <= BIT(untyped_size_bits(untyped_before)), "inside its untyped");
    HOLDS(!untyped_frame_only(untyped_before) || cap_tag(cap) == CAP_NULL || (cap_tag(cap) == CAP_UNTYPED && untyped_frame_only(cap)),
          "what comes of frame-only memory stays frame-only");
    HOLDS(at + BIT(bits_asked()) <= untyped_free(from->cap), "it is behind the free offset's back already");
    end_of_last = at + BIT(bits_asked());
    inserted++;
}

int main(void)
{
    for (unsigned i = 0; i < 6; i++)
        args[i] = nondet_word();
    parent.cap = untyped_before = (cap_t){nondet_word(), nondet_word()};
    root_slot.cap = (cap_t){nondet_word(), nondet_word()};
    looked_up.cap = (cap_t){nondet_word(), nondet_word()};
    struct tcb caller;
    kernel.current = &caller;
    kernel.window_paddr = nondet_word() & ~MASK(21);
    ASSUME(kernel.window_paddr < BIT(47));
    has_children = nondet_bool();
    some_slot_taken = nondet_bool();
    cap_t u = parent.cap;
    unsigned size_bits = untyped_size_bits(u);
    ASSUME(cap_tag(u) == CAP_UNTYPED && size_bits >= SEL4_MIN_UNTYPED_BITS && size_bits <= SEL4_MAX_UNTYPED_BITS);
    ASSUME((untyped_paddr(u) & MASK(size_bits)) == 0 && untyped_paddr(u) < BIT(47) && untyped_free(u) <= BIT(size_bits));
    ASSUME(untyped_frame_only(u) || (untyped_paddr(u) >= kernel.window_paddr && untyped_paddr(u) - kernel.window_paddr < BIT(37)));
    ASSUME(cap_tag(root_slot.cap) != CAP_CNODE || (cnode_radix(root_slot.cap) >= 1 && cnode_radix(root_slot.cap) <= CNODE_MAX_RADIX));
    ASSUME(cap_tag(looked_up.cap) != CAP_CNODE || (cnode_radix(looked_up.cap) >= 1 && cnode_radix(looked_up.cap) <= CNODE_MAX_RADIX));
    struct invocation inv = {.slot = &parent, .cap = u, .label = nondet_word(), .length = nondet_below(121),
                             .extra = {nondet_bool() ? &root_slot : NULL}, .caller = &caller};
    end_of_last = has_children ? untyped_free(u) : 0;
    ASSUME(args[5] <= 8 && args[0] == TYPE && args[1] == USER_BITS);

    status_t s = untyped_invoke(&inv);

    HOLDS(s == STATUS_OK || inserted == 0, "a refusal makes nothing");
    HOLDS(s != STATUS_OK || inserted == args[5], "as many objects as asked for");
    HOLDS(s != STATUS_OK || (untyped_free(parent.cap) == end_of_last && parent.cap.w0 == u.w0), "the free offset moves behind the last");
    HOLDS(s == STATUS_OK || s == STATUS_PREEMPTED || (parent.cap.w1 == u.w1 && !cleared), "a refusal changes nothing");
    HOLDS(!has_children || !cleared, "memory with objects in it is never cleared");
    HOLDS(!untyped_frame_only(u) || !cleared, "the kernel touches no frame-only memory");
#ifdef FROM_FRAME_ONLY
    REACH(s == STATUS_OK && untyped_frame_only(u));
#endif
    REACH(s == STATUS_OK && has_children && !untyped_frame_only(u));
    REACH(s == STATUS_OK && cleared);
    REACH(s == STATUS_PREEMPTED);
    REACH(s == SEL4_NOT_ENOUGH_MEMORY && has_children);
    REACH(s == SEL4_RANGE_ERROR);
    REACH(s == SEL4_DELETE_FIRST);
}
