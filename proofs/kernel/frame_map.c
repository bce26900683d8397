/* function: frame_invoke (Map)
 * property: on success the entry of the address holds this frame, with no more rights than the capability's, and the capability says so; nothing that is present is overwritten but its own mapping; what was present is flushed; a refusal changes nothing
 * bound: all address spaces, addresses, rights, attributes, sizes
 * options: --unwind 5
 */
#include "tables.inc"
#include "kernel/x86/frame.c"

/* Any leaf that gives no more than `rights` (proved of the real one in leaf_attributes.c). */
word_t leaf_attributes(enum level level, enum frame_rights rights, word_t attr)
{
    (void)attr;
    if (rights == FRAME_KERNEL_ONLY)
        return 0;
    word_t pte = nondet_word() & (PTE_WRITE_THROUGH | PTE_CACHE_DISABLE | PTE_NO_EXECUTE | (level == LEVEL_PT ? PTE_PAT_4K : PTE_PAT_LARGE));
    return pte | PTE_PRESENT | PTE_USER | PTE_ACCESSED | (rights == FRAME_READ_WRITE ? PTE_WRITE | PTE_DIRTY : 0) |
           (level == LEVEL_PT ? 0 : PTE_LARGE);
}

int main(void)
{
    arbitrary_space();
    struct slot slot = {.cap = {nondet_word(), nondet_word()}}, space = {.next = 0};
    cap_t cap = slot.cap;
    ASSUME(sound_frame(cap));
    unsigned bits = frame_size_bits(cap);
    struct invocation inv = {.slot = &slot, .cap = cap, .label = nondet_bool() ? SEL4_X86_PAGE_MAP : ATOLL_NESTED_PAGE_MAP,
                             .length = nondet_below(121), .extra = {nondet_bool() ? &space : NULL}, .caller = &caller};
    word_t va = args[0], before = entry;
    bool mapped = frame_mapped(cap) != FRAME_UNMAPPED;

    status_t s = frame_invoke(&inv);

    HOLDS(s == STATUS_OK || (entry == before && slot.cap.w0 == cap.w0 && slot.cap.w1 == cap.w1 && flushes == 0), "a refusal changes nothing");
    if (s == STATUS_OK) {
        HOLDS(walked && walked_va == va && reached == (enum level)frame_size(cap), "the entry is the address's own, at the frame's level");
        HOLDS(mapped || (va < USER_TOP && va + BIT(bits) <= USER_TOP), "user addresses only");
        HOLDS((va & MASK(bits)) == 0, "aligned");
        HOLDS(!(before & PTE_PRESENT) || (mapped && leaf_paddr(before, reached) == frame_paddr(cap)), "only its own mapping is overwritten");
        HOLDS(!(before & PTE_PRESENT) || flushes == 1, "what was present is flushed");
        HOLDS(!(entry & PTE_PRESENT) || (pte_is_leaf(entry, reached) && leaf_paddr(entry, reached) == frame_paddr(cap)), "the entry holds the frame");
        HOLDS(!(entry & PTE_PRESENT) || !(entry & PTE_WRITE) || frame_rights(cap) == FRAME_READ_WRITE, "writable only with the right to write");
        HOLDS(!(entry & PTE_PRESENT) || !(entry & PTE_USER) || frame_rights(cap) >= FRAME_READ, "accessible only with the right to read");
        HOLDS(frame_mapped(slot.cap) == (root.kind == ROOT_NESTED ? FRAME_IN_NESTED : FRAME_IN_PML4) && frame_vaddr(slot.cap) == va &&
                  frame_asid(slot.cap) == root.asid && frame_paddr(slot.cap) == frame_paddr(cap) &&
                  frame_rights(slot.cap) == frame_rights(cap) && frame_size(slot.cap) == frame_size(cap),
              "the capability says where it is mapped, and else is what it was");
    }
    REACH(s == STATUS_OK && frame_size(cap) == FRAME_4K && !mapped);
    REACH(s == STATUS_OK && frame_size(cap) == FRAME_1G && mapped);
    REACH(s == STATUS_OK && (entry & PTE_WRITE));
    REACH(s == SEL4_DELETE_FIRST);
    REACH(s == SEL4_FAILED_LOOKUP);
    REACH(s == SEL4_ALIGNMENT_ERROR);
}
