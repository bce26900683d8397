/* The derivation tree: who was made from whom, kept as one doubly linked list in preorder.
 *
 * A slot's descendants follow it directly. Whether a slot is the parent of a later one is decided by their capabilities
 * (a region holds the other's object) and two flags, so no depth is stored and every change costs a constant time.
 * All capabilities to one object are neighbours, so "is this the last one?" looks at two slots. */
#include "core.h"
#include "state.h"

bool slot_is_empty(const struct slot *s) { return cap_tag(s->cap) == CAP_NULL; }

struct region {
    paddr_t start;
    word_t size; /* 0: not an object in memory */
};

static struct region object_region(word_t offset, unsigned bits)
{
    return (struct region){kernel.window_paddr + offset, BIT(bits)};
}

static struct region cap_region(cap_t c)
{
    switch (cap_tag(c)) {
    case CAP_UNTYPED: return (struct region){untyped_paddr(c), BIT(untyped_size_bits(c))};
    case CAP_ENDPOINT: return object_region(cap_offset48(c), SEL4_ENDPOINT_BITS);
    case CAP_NOTIFICATION: return object_region(cap_offset48(c), SEL4_NOTIFICATION_BITS);
    case CAP_REPLY: return object_region(cap_offset48(c), SEL4_REPLY_BITS);
    case CAP_TCB: return object_region(cap_offset48(c), SEL4_TCB_BITS);
    case CAP_SC: return object_region(cap_offset48(c), sc_cap_size_bits(c));
    case CAP_CNODE: return object_region(cnode_offset(c), cnode_radix(c) + SEL4_SLOT_BITS);
    case CAP_ZOMBIE: return object_region(zombie_first(c) << SEL4_SLOT_BITS, SEL4_SLOT_BITS);
    default:
        if (arch_owns(cap_tag(c)) && arch_cap_is_physical(c))
            return (struct region){arch_cap_paddr(c), BIT(arch_cap_size_bits(c))};
        return (struct region){0, 0};
    }
}

bool cap_same_object(cap_t a, cap_t b)
{
    if (cap_tag(a) != cap_tag(b))
        return false;
    switch (cap_tag(a)) {
    case CAP_NULL:
    case CAP_UNTYPED:
    case CAP_ZOMBIE: return false;
    case CAP_ENDPOINT:
    case CAP_NOTIFICATION:
    case CAP_REPLY:
    case CAP_TCB:
    case CAP_SC: return cap_offset48(a) == cap_offset48(b);
    case CAP_CNODE: return cnode_offset(a) == cnode_offset(b);
    case CAP_IRQ_HANDLER: return cap_irq(a) == cap_irq(b);
    case CAP_CHANNEL: return channel_number(a) == channel_number(b);
    case CAP_IRQ_CONTROL:
    case CAP_DOMAIN:
    case CAP_SCHED_CONTROL: return true;
    default: return arch_cap_same_object(a, b);
    }
}

/* Could b have been made from a? */
static bool same_region(cap_t a, cap_t b)
{
    switch (cap_tag(a)) {
    case CAP_UNTYPED: {
        struct region r = cap_region(b), u = cap_region(a);
        return r.size != 0 && r.start >= u.start && r.size <= u.size && r.start - u.start <= u.size - r.size;
    }
    case CAP_IRQ_CONTROL: return cap_tag(b) == CAP_IRQ_CONTROL || cap_tag(b) == CAP_IRQ_HANDLER;
    default: return arch_owns(cap_tag(a)) ? arch_cap_same_region(a, b) : cap_same_object(a, b);
    }
}

bool slot_is_parent(const struct slot *a, const struct slot *b)
{
    if (!(a->next & SLOT_REVOCABLE) || !same_region(a->cap, b->cap))
        return false;
    if (cap_tag(a->cap) == CAP_ENDPOINT || cap_tag(a->cap) == CAP_NOTIFICATION) {
        /* A badged original is the parent of the copies with its badge, up to the next badged original. */
        word_t badge = cap_badge(a->cap);
        return badge == 0 || (badge == cap_badge(b->cap) && !(b->next & SLOT_FIRST_BADGED));
    }
    return true;
}

bool slot_has_children(const struct slot *s)
{
    return slot_next(s) && slot_is_parent(s, slot_next(s));
}

bool slot_is_final(const struct slot *s)
{
    const struct slot *p = slot_prev(s), *n = slot_next(s);
    return !(p && cap_same_object(p->cap, s->cap)) && !(n && cap_same_object(s->cap, n->cap));
}

/* Does a copy `c` made from `from` start a family of its own, which revoking it ends? */
static bool starts_family(cap_t c, cap_t from)
{
    switch (cap_tag(c)) {
    case CAP_ENDPOINT:
    case CAP_NOTIFICATION: return cap_tag(from) != cap_tag(c) || cap_badge(c) != cap_badge(from);
    case CAP_UNTYPED: return true;
    default: return !cap_same_object(c, from); /* made by retype, by a control capability or by division, not copied */
    }
}

void slot_insert(cap_t cap, struct slot *parent, struct slot *to)
{
    bool family = starts_family(cap, parent->cap);
    /* A copy of an untyped takes the rest of the memory with it: two may not hand out the same bytes. */
    if (cap_tag(cap) == CAP_UNTYPED && cap_tag(parent->cap) == CAP_UNTYPED && untyped_paddr(cap) == untyped_paddr(parent->cap) &&
        untyped_size_bits(cap) == untyped_size_bits(parent->cap))
        parent->cap.w1 = BIT(untyped_size_bits(cap));
    slot_insert_new(cap, parent, to);
    if (!family)
        to->next &= ~SLOT_FLAGS;
}

void slot_insert_original(cap_t cap, struct slot *to)
{
    to->cap = cap;
    to->prev = 0;
    to->next = SLOT_FLAGS;
}

void slot_move(cap_t cap, struct slot *from, struct slot *to)
{
    to->cap = cap;
    to->prev = from->prev;
    to->next = from->next;
    from->cap = cap_null();
    from->prev = from->next = 0;
    if (to->prev)
        slot_set_next(slot_prev(to), to);
    if (slot_next(to))
        slot_next(to)->prev = (word_t)to;
}

void slot_swap(cap_t cap_a, struct slot *a, cap_t cap_b, struct slot *b)
{
    struct slot third;
    slot_move(cap_a, a, &third);
    slot_move(cap_b, b, a);
    slot_move(cap_a, &third, b);
}

void slot_clear(struct slot *s)
{
    struct slot *prev = slot_prev(s), *next = slot_next(s);
    if (prev)
        slot_set_next(prev, next);
    if (next) {
        next->prev = s->prev;
        next->next |= s->next & SLOT_FIRST_BADGED; /* the next copy must not become a child of an older badge's family */
    }
    s->cap = cap_null();
    s->prev = s->next = 0;
}

status_t cap_derive(struct slot *from, cap_t cap, cap_t *derived)
{
    switch (cap_tag(cap)) {
    case CAP_NULL:
    case CAP_ZOMBIE:
    case CAP_IRQ_CONTROL: *derived = cap_null(); return STATUS_OK; /* there is one IRQ control, not several */
    case CAP_UNTYPED:
        if (slot_has_children(from))
            return refuse_plain(SEL4_REVOKE_FIRST);
        break;
    default:
        if (arch_owns(cap_tag(cap)))
            return arch_cap_derive(from, cap, derived);
    }
    *derived = cap;
    return STATUS_OK;
}

cap_t cap_mask_rights(cap_t cap, word_t rights)
{
    switch (cap_tag(cap)) {
    case CAP_ENDPOINT:
    case CAP_NOTIFICATION:
    case CAP_REPLY: return (cap_t){cap_set(cap.w0, cap_rights(cap) & rights, 55, 4), cap.w1};
    default: return arch_owns(cap_tag(cap)) ? arch_cap_mask_rights(cap, rights) : cap;
    }
}

cap_t cap_update_data(cap_t cap, bool preserve, word_t data)
{
    switch (cap_tag(cap)) {
    case CAP_ENDPOINT:
    case CAP_NOTIFICATION:
        if (preserve || cap_badge(cap) != 0)
            return cap_null();
        cap.w1 = data;
        return cap;
    case CAP_CNODE: {
        /* guard 63..6, guard size 5..0 */
        unsigned size = (unsigned)(data & MASK(6));
        if (size + cnode_radix(cap) > 64)
            return cap_null();
        return cap_cnode(cnode_offset(cap), cnode_radix(cap), size, (data >> 6) & MASK(size));
    }
    default: return arch_owns(cap_tag(cap)) ? arch_cap_update_data(cap, data) : cap;
    }
}
