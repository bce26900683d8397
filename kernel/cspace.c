/* Resolving capability addresses: guards, radices, depths (manual, "Capability spaces"). */
#include "core.h"
#include "state.h"

#define WORD_BITS 64u

static void lookup_failed(word_t kind, word_t w1, word_t w2, word_t w3)
{
    word_t *f = kernel.current->lookup_failure;
    f[0] = kind;
    f[1] = w1;
    f[2] = w2;
    f[3] = w3;
}

/* Resolves `depth` bits of `address` (its low ones) from `node` on. A capability that is no CNode ends the walk early: the
 * bits that are left over are reported, and the caller says whether it minds. Bounded: each level takes at least one bit, or else
 * the walk ends (a level of zero bits can't exist, as a CNode has at least two slots). */
static struct lookup walk(cap_t node, word_t address, unsigned depth)
{
    struct lookup l = {SEL4_FAILED_LOOKUP, NULL, depth};
    if (cap_tag(node) != CAP_CNODE) {
        lookup_failed(SEL4_LOOKUP_INVALID_ROOT, 0, 0, 0);
        return l;
    }
    unsigned left = depth;
    address <<= WORD_BITS - depth; /* from here on, what is left to resolve is at its top */
    for (;;) {
        unsigned radix = cnode_radix(node), guard_size = cnode_guard_size(node);
        bool guard_fits = guard_size == 0 || (guard_size <= left && address >> (WORD_BITS - guard_size) == cnode_guard(node));
        if (!guard_fits || radix + guard_size > left) {
            l.bits_left = left;
            if (guard_fits)
                lookup_failed(SEL4_LOOKUP_DEPTH_MISMATCH, left, radix + guard_size, 0);
            else
                lookup_failed(SEL4_LOOKUP_GUARD_MISMATCH, left, cnode_guard(node), guard_size);
            return l;
        }
        left -= radix + guard_size;
        address <<= guard_size;
        struct slot *slot = cnode_slot(node, address >> (WORD_BITS - radix));
        if (left == 0 || cap_tag(slot->cap) != CAP_CNODE)
            return (struct lookup){STATUS_OK, slot, left};
        address <<= radix;
        node = slot->cap;
    }
}

void cspace_changed(struct tcb *t)
{
    cap_t root = t->cspace.cap;
    unsigned radix = cnode_radix(root);
    t->cspace_window = (struct cspace_window){root.w0, 0, 0, NULL};
    if (cap_tag(root) == CAP_CNODE && radix + cnode_guard_size(root) == WORD_BITS)
        t->cspace_window = (struct cspace_window){root.w0, cnode_guard(root) << radix, BIT(radix), object_at(cnode_offset(root))};
}

struct lookup cspace_lookup(struct tcb *t, word_t cptr)
{
    struct slot *s = cspace_slot(t, cptr);
    if (s)
        return (struct lookup){STATUS_OK, s, 0};
    return walk(t->cspace.cap, cptr, WORD_BITS);
}

struct lookup cspace_lookup_target(cap_t root, word_t index, word_t depth)
{
    struct lookup l = {SEL4_FAILED_LOOKUP, NULL, 0};
    if (cap_tag(root) != CAP_CNODE) {
        lookup_failed(SEL4_LOOKUP_INVALID_ROOT, 0, 0, 0);
        refuse_lookup(false);
        return l;
    }
    if (depth < 1 || depth > WORD_BITS) {
        l.status = refuse_range(1, WORD_BITS);
        return l;
    }
    l = walk(root, index, (unsigned)depth);
    if (l.status == STATUS_OK && l.bits_left != 0) {
        lookup_failed(SEL4_LOOKUP_DEPTH_MISMATCH, l.bits_left, 0, 0);
        l.status = SEL4_FAILED_LOOKUP;
    }
    if (l.status != STATUS_OK)
        refuse_lookup(false);
    return l;
}
