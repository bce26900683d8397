/* function: frame_invoke (Unmap), frame_deleted
 * property: afterwards the address does not translate to the frame, flushed before the capability forgets it; another frame's or table's entry there stays
 * bound: all address spaces and frame capabilities
 * options: --unwind 5
 */
#include "tables.inc"
#include "kernel/x86/frame.c"
word_t leaf_attributes(enum level level, enum frame_rights rights, word_t attr)
{
    (void)level, (void)rights, (void)attr;
    return nondet_word();
}

int main(void)
{
    arbitrary_space();
    struct slot slot = {.cap = {nondet_word(), nondet_word()}};
    cap_t cap = slot.cap;
    ASSUME(sound_frame(cap));
    struct invocation inv = {.slot = &slot, .cap = cap, .label = SEL4_X86_PAGE_UNMAP, .caller = &caller};
    word_t before = entry;
    bool deleted = nondet_bool(), mapped = frame_mapped(cap) != FRAME_UNMAPPED;

    if (deleted)
        frame_deleted(cap);
    else
        HOLDS(frame_invoke(&inv) == STATUS_OK, "Unmap always succeeds");

    HOLDS(!walked || walked_va == frame_vaddr(cap), "the entry is that of the capability's address");
    bool was_own = walked && reached == (enum level)frame_size(cap) && (before & PTE_PRESENT) && pte_is_leaf(before, reached) &&
                   leaf_paddr(before, reached) == frame_paddr(cap);
    HOLDS(!was_own || (entry == 0 && flushes == 1), "its own mapping goes, and is flushed");
    HOLDS(was_own || (entry == before && flushes == 0), "what is not its own stays");
    HOLDS(mapped || !walked, "a frame that is not mapped has nothing to undo");
    HOLDS(!mapped || walked || root.kind != (frame_mapped(cap) == FRAME_IN_NESTED ? ROOT_NESTED : ROOT_PML4), "no mapping is forgotten");
    HOLDS(deleted || (frame_mapped(slot.cap) == FRAME_UNMAPPED && frame_paddr(slot.cap) == frame_paddr(cap)), "the capability is unmapped");
    REACH(was_own && deleted);
    REACH(walked && !was_own);
    REACH(mapped && !walked);
}
