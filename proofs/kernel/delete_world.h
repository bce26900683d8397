/* Zombies and their rings: a world of SLOTS slots with arbitrary capabilities; containers are ranges of these slots. The derivation
 * list is left out: what delete.c does to it, it does through slot_swap and slot_clear, which have proofs of their own (derive_swap.c,
 * derive_clear.c); here they are what they do to capabilities.
 *
 * extent[] is a ghost: where the container that begins at a slot ends. A zombie's count runs down and cannot say that. */
#pragma once
#include "../proof.h"
#include "kernel/core.h"
#ifndef SLOTS
#define SLOTS 5
#endif
static struct slot slots[SLOTS];
static void *slot_of_offset(word_t offset)
{
    for (unsigned i = 0; i < SLOTS; i++) /* cheaper for the solvers than an index */
        if (offset >> SEL4_SLOT_BITS == i)
            return &slots[i];
    return NULL; /* another object, or no place at all: a violation as soon as it is used */
}
static word_t offset_of(const void *p)
{
    for (word_t i = 0; i < SLOTS; i++)
        if (p == (const void *)&slots[i])
            return i << SEL4_SLOT_BITS;
    return (word_t)SLOTS << SEL4_SLOT_BITS;
}
static void clear_contract(struct slot *s);
static void swap_contract(cap_t cap_a, struct slot *a, cap_t cap_b, struct slot *b)
{
    HOLDS(a != b, "two slots");
    a->cap = cap_b;
    b->cap = cap_a;
}
/* of struct kernel, what is needed here */
static struct {
    struct slot irq_slots[1];
    word_t work_units;
} small_kernel;
#define kernel small_kernel
#define object_at slot_of_offset
#define object_offset offset_of
#define slot_clear clear_contract
#define slot_swap swap_contract
#include "kernel/delete.c"
#undef object_at
#undef kernel

struct kernel kernel;
static unsigned extent[SLOTS];
static unsigned finalised, finalised_as_last;

static bool is(enum cap_tag tag, unsigned i) { return cap_tag(slots[i].cap) == tag; }
static bool zombie(unsigned i) { return is(CAP_ZOMBIE, i); }
static word_t container(cap_t c) /* its first slot; SLOTS: the capability is none to a container */
{
    return cap_tag(c) == CAP_ZOMBIE ? zombie_first(c) : cap_tag(c) == CAP_CNODE ? cnode_offset(c) >> SEL4_SLOT_BITS : SLOTS;
}

/* Neighbours in a ring agree. */
static bool ring_agrees(unsigned i)
{
    word_t n = zombie_next(slots[i].cap), p = zombie_prev(slots[i].cap);
    return !zombie(i) || (n < SLOTS && p < SLOTS && zombie((unsigned)n) && zombie((unsigned)p) && zombie_prev(slots[n].cap) == i &&
                          zombie_next(slots[p].cap) == i);
}
/* What a zombie has still to do lies in its container; one that has moved home lives there, at the end of what is left or behind. */
static bool container_sound(unsigned i)
{
    cap_t c = slots[i].cap;
    if (!is(CAP_CNODE, i) && !zombie(i))
        return true;
    word_t first = container(c);
    if (first >= SLOTS || extent[first] > SLOTS || first >= extent[first])
        return false;
    if (is(CAP_CNODE, i))
        return cnode_radix(c) <= 2 && BIT(cnode_radix(c)) == extent[first] - first && (cnode_offset(c) & MASK(SEL4_SLOT_BITS)) == 0;
    word_t left = zombie_count(c);
    return left <= extent[first] - first && (!zombie_self_hosted(c) || (i >= first && i < extent[first] && i + 1 >= first + left));
}
/* Containers do not overlap; one with a zombie has no other capability. */
static bool disjoint(unsigned i, unsigned j)
{
    word_t a = container(slots[i].cap), b = container(slots[j].cap);
    return i == j || a >= SLOTS || b >= SLOTS || (a == b && is(CAP_CNODE, i) && is(CAP_CNODE, j)) || extent[a] <= b || extent[b] <= a;
}
/* Is slot i in the ring of the zombie `of`? */
static bool in_ring(unsigned of, unsigned i)
{
    unsigned at = of;
    for (unsigned n = 0; n < SLOTS; n++) {
        if (at == i)
            return true;
        at = (unsigned)zombie_next(slots[at].cap);
        if (at >= SLOTS)
            return false;
    }
    return false;
}
static unsigned zombie_of(word_t first) /* where the zombie of that container is; SLOTS: it has none */
{
    for (unsigned i = 0; i < SLOTS; i++)
        if (zombie(i) && zombie_first(slots[i].cap) == first)
            return i;
    return SLOTS;
}

static void arbitrary_world(void)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        slots[i].cap = (cap_t){nondet_word(), nondet_word()};
        ASSUME(!is(CAP_TCB, i) && !is(CAP_IRQ_HANDLER, i)); /* delete_take.c has them */
        extent[i] = nondet_below(SLOTS + 1);
    }
    for (unsigned i = 0; i < SLOTS; i++) {
        ASSUME(ring_agrees(i) && container_sound(i));
        for (unsigned j = 0; j < i; j++)
            ASSUME(disjoint(i, j));
    }
}

/* slot_wind_down (delete_wind.c): false while the object has something to do; at most the capability's rights are gone then. */
static unsigned winds;
bool wind_contract(struct slot *s)
{
    HOLDS(cap_tag(s->cap) != CAP_ZOMBIE, "a capability to an object");
    return winds++ != 0 || nondet_bool();
}
/* What object deletions do is theirs; none of them touches a slot of a CNode. */
bool slot_is_final(const struct slot *s)
{
    for (unsigned i = 0; i < SLOTS; i++)
        if (&slots[i] != s && is(CAP_CNODE, i) && cap_tag(s->cap) == CAP_CNODE && cnode_offset(slots[i].cap) == cnode_offset(s->cap))
            return false;
    return cap_tag(s->cap) == CAP_CNODE || nondet_bool();
}
bool arch_cap_wind_down(cap_t c) { (void)c; return true; }
bool endpoint_cancel_one(struct endpoint *e) { (void)e; return false; }
bool notification_cancel_one(struct notification *n) { (void)n; return false; }
cap_t cap_mask_rights(cap_t c, word_t rights) { (void)rights; return c; }
bool slot_is_empty(const struct slot *s) { return cap_tag(s->cap) == CAP_NULL; }
bool slot_has_children(const struct slot *s) { (void)s; return nondet_bool(); }
bool arch_owns(enum cap_tag t) { return t == CAP_FRAME || t == CAP_PT; }
void arch_cap_finalise(cap_t c, bool final) { (void)c, (void)final; finalised++; finalised_as_last += final; }
void arch_irq_handler_deleted(word_t irq) { (void)irq; }
void log_printf(const char *f, ...) { (void)f; }
void notification_finalise(struct notification *n) { (void)n; }
void reply_finalise(struct reply *r) { (void)r; }
void sched_context_finalise(struct sched_context *sc) { (void)sc; }
void thread_finalise(struct tcb *t) { (void)t; }
bool machine_interrupt_pending(void) { return nondet_bool(); }
