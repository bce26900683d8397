/* function: cnode_invoke (Copy, Mint, Move, Mutate, Rotate), cap_mask_rights, cap_update_data
 * property: a capability never gains rights or memory, and gets a badge only if it had none; only full slots give and only empty slots take; a refusal changes nothing
 * bound: all capabilities, arguments and states of the slots
 * options: --unwind 10
 */
#include "../proof.h"
#include "kernel/derive.c"
#define slot_insert insert_contract
#define slot_move move_contract
#define slot_swap swap_contract
#define slot_has_children children_contract
static void insert_contract(cap_t cap, struct slot *parent, struct slot *to);
static void move_contract(cap_t cap, struct slot *from, struct slot *to);
static void swap_contract(cap_t cap_a, struct slot *a, cap_t cap_b, struct slot *b);
static struct endpoint an_endpoint;
#define object_at(offset) ((void)(offset), (void *)&an_endpoint)
#include "kernel/cnode.c"
#undef object_at

struct kernel kernel;
static struct tcb caller;
static struct slot slots[3], extra[2];
static cap_t before[3];
static word_t args[8];
static unsigned writes;

word_t invocation_arg(const struct invocation *inv, unsigned i) { (void)inv; return args[i]; }
status_t refuse_plain(status_t s) { return s; }
status_t refuse_lookup(bool source) { (void)source; return SEL4_FAILED_LOOKUP; }
status_t slot_delete(struct slot *s) { (void)s; return STATUS_OK; }
status_t slot_revoke(struct slot *s) { (void)s; return STATUS_OK; }
status_t endpoint_cancel_badged(struct endpoint *e, word_t badge) { (void)e; HOLDS(badge != 0, "of one badge"); return STATUS_OK; }
struct lookup cspace_lookup_target(cap_t root, word_t index, word_t depth)
{
    (void)root;
    if (depth > 64)
        return (struct lookup){depth & 1 ? SEL4_RANGE_ERROR : SEL4_FAILED_LOOKUP, NULL, 0};
    return (struct lookup){STATUS_OK, &slots[index % 3], 0}; /* the same address names the same slot */
}
/* The machine side's: frames lose rights only. */
bool arch_owns(enum cap_tag t) { return t == CAP_FRAME || t == CAP_PT || t == CAP_IO_PORT; }
status_t arch_cap_derive(struct slot *from, cap_t cap, cap_t *derived)
{
    (void)from;
    if (nondet_bool())
        return SEL4_ILLEGAL_OPERATION;
    *derived = cap;
    return STATUS_OK;
}
cap_t arch_cap_update_data(cap_t cap, word_t data) { (void)data; return cap; }
cap_t arch_cap_mask_rights(cap_t cap, word_t rights) { (void)rights; return cap; }
bool arch_cap_same_object(cap_t a, cap_t b) { return a.w0 == b.w0; }
bool arch_cap_same_region(cap_t a, cap_t b) { return a.w0 == b.w0; }
bool arch_cap_is_physical(cap_t c) { (void)c; return false; }
word_t arch_cap_paddr(cap_t c) { return c.w0; }
unsigned arch_cap_size_bits(cap_t c) { (void)c; return 12; }

/* Is `made` no more than `from`? */
static void no_more(cap_t made, cap_t from)
{
    enum cap_tag tag = cap_tag(from);
    HOLDS(cap_tag(made) == tag && tag != CAP_NULL, "the same kind of capability");
    if (tag == CAP_ENDPOINT || tag == CAP_NOTIFICATION || tag == CAP_REPLY)
        HOLDS((cap_rights(made) & ~cap_rights(from)) == 0 && cap_offset48(made) == cap_offset48(from), "the same object, no more rights");
    else if (tag == CAP_CNODE)
        HOLDS(cnode_radix(made) == cnode_radix(from) && cnode_offset(made) == cnode_offset(from) &&
                  cnode_radix(made) + cnode_guard_size(made) <= 64, "the same slots, with a guard that addresses can have");
    else
        HOLDS(made.w0 == from.w0, "as it was");
    if (tag == CAP_ENDPOINT || tag == CAP_NOTIFICATION)
        HOLDS(cap_badge(made) == cap_badge(from) || cap_badge(from) == 0, "a badge is given once");
}
void insert_contract(cap_t cap, struct slot *parent, struct slot *to)
{
    HOLDS(slot_is_empty(to) && !slot_is_empty(parent) && cap_tag(parent->cap) != CAP_ZOMBIE, "from a full slot to an empty one");
    no_more(cap, parent->cap);
    to->cap = cap;
    writes++;
}
void move_contract(cap_t cap, struct slot *from, struct slot *to)
{
    HOLDS(slot_is_empty(to) && !slot_is_empty(from) && cap_tag(from->cap) != CAP_ZOMBIE, "from a full slot to an empty one");
    no_more(cap, from->cap);
    to->cap = cap;
    from->cap = cap_null();
    writes++;
}
void swap_contract(cap_t cap_a, struct slot *a, cap_t cap_b, struct slot *b)
{
    HOLDS(a != b, "two slots");
    no_more(cap_a, a->cap);
    no_more(cap_b, b->cap);
    a->cap = cap_b;
    b->cap = cap_a;
    writes++;
}
bool children_contract(const struct slot *s) { (void)s; return nondet_bool(); }

int main(void)
{
    kernel.current = &caller;
    for (unsigned i = 0; i < 8; i++)
        args[i] = nondet_word();
    for (unsigned i = 0; i < 3; i++) {
        slots[i].cap = before[i] = (cap_t){nondet_word(), nondet_word()};
        ASSUME(cap_tag(before[i]) != CAP_CNODE || (cnode_radix(before[i]) <= CNODE_MAX_RADIX && cnode_radix(before[i]) + cnode_guard_size(before[i]) <= 64));
    }
    struct invocation inv = {.slot = &extra[0], .cap = {nondet_word(), nondet_word()}, .label = nondet_word(), .length = nondet_below(121),
                             .extra = {nondet_bool() ? &extra[0] : NULL, nondet_bool() ? &extra[1] : NULL}, .caller = &caller};
    unsigned other = nondet_below(3);

    status_t s = cnode_invoke(&inv);

    HOLDS(s == STATUS_OK || writes == 0, "a refusal changes nothing");
    HOLDS(writes != 0 || (slots[other].cap.w0 == before[other].w0 && slots[other].cap.w1 == before[other].w1), "no other way to change a slot");
    REACH(s == STATUS_OK && inv.label == SEL4_CNODE_COPY);
    REACH(s == STATUS_OK && inv.label == SEL4_CNODE_MINT && cap_badge(slots[args[0] % 3].cap) == 5 && cap_tag(slots[args[0] % 3].cap) == CAP_ENDPOINT);
    REACH(s == STATUS_OK && inv.label == SEL4_CNODE_MUTATE);
    REACH(s == STATUS_OK && inv.label == SEL4_CNODE_ROTATE && writes == 2);
    REACH(s == STATUS_OK && inv.label == SEL4_CNODE_ROTATE && writes == 1);
    REACH(s == SEL4_DELETE_FIRST);
    REACH(s == SEL4_ILLEGAL_OPERATION && inv.label == SEL4_CNODE_MINT);
    REACH(s == SEL4_FAILED_LOOKUP);
}
