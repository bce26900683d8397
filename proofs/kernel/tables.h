/* Mapping operations over an arbitrary address space. table_walk() has a proof of its own (table_walk.c); here it is its contract: some entry, at the
 * level asked for or above it where the walk ended. The operation may write that one word and nothing else, so
 * "no other address changes" follows from the invariant that each table has one parent entry (docs/assurance.md). */
#pragma once
#include "../proof.h"
#include "kernel/x86/paging.h"

struct kernel kernel;
static word_t entry;                /* the word that the walk ends at */
static enum level reached;
static struct root root;            /* of the address space */
static bool walked;
static word_t walked_va;
static unsigned flushes;
static word_t args[3];
static struct tcb caller;

static struct walk walk_contract(word_t from, word_t va, enum level level)
{
    HOLDS(from == root.offset, "the walk begins at the root of the address space");
    reached = (enum level)nondet_below(4);
    ASSUME(reached >= level && (reached == level || !(entry & PTE_PRESENT) || pte_is_leaf(entry, reached)));
    ASSUME(reached != LEVEL_PML4 || !(entry & PTE_LARGE));
    walked = true;
    walked_va = va;
    return (struct walk){&entry, reached};
}
#define table_walk walk_contract

word_t invocation_arg(const struct invocation *inv, unsigned i) { (void)inv; return args[i]; }
void invocation_result(struct invocation *inv, unsigned i, word_t v) { (void)inv, (void)i, (void)v; }
status_t refuse_plain(status_t s) { return s; }
status_t refuse_argument(word_t w) { (void)w; return SEL4_INVALID_ARGUMENT; }
status_t refuse_capability(word_t w) { (void)w; return SEL4_INVALID_CAPABILITY; }
status_t lookup_refused(enum level missing) { (void)missing; return SEL4_FAILED_LOOKUP; }
static bool final_slot;
bool slot_is_final(const struct slot *s) { (void)s; return final_slot; }
struct root root_of_asid(word_t asid) { (void)asid; return root; }
void tlb_flush_page(const struct root *r, word_t va)
{
    HOLDS(r->offset == root.offset && va == walked_va, "the flush is for what changed");
    flushes++;
}
void tlb_flush_root(const struct root *r)
{
    HOLDS(r->offset == root.offset, "the flush is for what changed");
    flushes++;
}
status_t root_from_cap(const struct slot *slot, enum cap_tag want, struct root *out)
{
    if (!slot)
        return SEL4_TRUNCATED_MESSAGE;
    if (nondet_bool())
        return nondet_bool() ? SEL4_INVALID_CAPABILITY : SEL4_FAILED_LOOKUP;
    ASSUME(root.kind == (want == CAP_PML4 ? ROOT_PML4 : ROOT_NESTED));
    *out = root;
    return STATUS_OK;
}
static void arbitrary_space(void)
{
    entry = nondet_word();
    kernel.window_paddr = nondet_word() & ~MASK(21);
    ASSUME(kernel.window_paddr < BIT(46));
    root = (struct root){nondet_bool() ? ROOT_PML4 : ROOT_NESTED, nondet_word() & MASK(37) & ~MASK(12), nondet_below(4096)};
    for (unsigned i = 0; i < 3; i++)
        args[i] = nondet_word();
    final_slot = nondet_bool();
}
static bool sound_frame(cap_t c)
{
    return cap_tag(c) == CAP_FRAME && frame_size(c) <= FRAME_1G && frame_rights(c) >= FRAME_KERNEL_ONLY &&
           (frame_paddr(c) & MASK(frame_size_bits(c))) == 0 && frame_paddr(c) < BIT(52) && frame_mapped(c) <= FRAME_IN_NESTED;
}
