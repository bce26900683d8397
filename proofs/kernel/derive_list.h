/* The derivation list around one operation. Every link is between two neighbours, and an operation touches at most two places of
 * lists, so SLOTS arbitrary slots with arbitrary well-formed links between them stand for a list of any length: what is
 * further away is a neighbour's neighbour that no operation reads.
 *
 * rank[] is a ghost: each slot's place in its list. It says that following `next` never comes back; links alone can't. */
#pragma once
#include "../proof.h"
#include "kernel/derive.c"

struct kernel kernel;

/* The machine side's capabilities: whatever it says of them. */
bool arch_owns(enum cap_tag t) { (void)t; return nondet_bool(); }
bool arch_cap_same_object(cap_t a, cap_t b) { (void)a, (void)b; return nondet_bool(); }
bool arch_cap_same_region(cap_t a, cap_t b) { (void)a, (void)b; return nondet_bool(); }
bool arch_cap_is_physical(cap_t c) { (void)c; return nondet_bool(); }
word_t arch_cap_paddr(cap_t c) { (void)c; return nondet_word(); }
unsigned arch_cap_size_bits(cap_t c) { (void)c; return nondet_below(48); }

#ifndef SLOTS
#define SLOTS 6
#endif
static struct slot slots[SLOTS];
static uint32_t rank[SLOTS];
static struct slot before[SLOTS];

static unsigned number_of(const struct slot *s)
{
    unsigned n = 0;
    while (n < SLOTS && s != &slots[n])
        n++;
    return n;
}

/* No slot, or one of ours, by number SLOTS. */
static struct slot *slot_or_null(unsigned n) { return n == SLOTS ? NULL : &slots[n]; }

static bool well_formed(unsigned n)
{
    const struct slot *s = &slots[n];
    if (slot_is_empty(s))
        return s->prev == 0 && s->next == 0;
    unsigned p = number_of(slot_prev(s)), q = number_of(slot_next(s));
    return (p < SLOTS || !slot_prev(s)) && (q < SLOTS || !slot_next(s)) && (s->prev & SLOT_FLAGS) == 0 &&
           (p == SLOTS || (slot_next(&slots[p]) == s && !slot_is_empty(&slots[p]) && rank[p] < rank[n])) &&
           (q == SLOTS || (slot_prev(&slots[q]) == s && !slot_is_empty(&slots[q]) && rank[n] < rank[q]));
}

static void arbitrary_list(void)
{
    for (unsigned n = 0; n < SLOTS; n++) {
        unsigned p = nondet_below(SLOTS + 1), q = nondet_below(SLOTS + 1);
        slots[n].cap = (cap_t){nondet_word(), nondet_word()};
        slots[n].prev = (word_t)slot_or_null(p);
        slots[n].next = (word_t)slot_or_null(q) | (nondet_word() & SLOT_FLAGS);
        rank[n] = 2 * nondet_below(1000) + 2; /* room between any two */
    }
    for (unsigned n = 0; n < SLOTS; n++) {
        ASSUME(well_formed(n));
        before[n] = slots[n];
    }
}
static bool same_slot(const struct slot *a, const struct slot *b)
{
    return a->cap.w0 == b->cap.w0 && a->cap.w1 == b->cap.w1 && a->prev == b->prev && a->next == b->next;
}
