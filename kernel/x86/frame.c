/* Frames: map, change rights, unmap, in an address space or a nested one. A frame capability is mapped at most once; copies map
 * elsewhere. An entry that holds another frame or a table is never overwritten (seL4 on x86 overwrites frames silently). */
#include "../core.h"
#include "iospace.h"
#include "paging.h"

/* Copy and Map: rights of the result. Write without read makes no sense in page tables: kernel-only. */
enum frame_rights frame_rights_mask(enum frame_rights have, word_t rights)
{
    if (have == FRAME_KERNEL_ONLY || !(rights & SEL4_RIGHT_READ))
        return FRAME_KERNEL_ONLY;
    return have == FRAME_READ_WRITE && (rights & SEL4_RIGHT_WRITE) ? FRAME_READ_WRITE : FRAME_READ;
}

static bool holds_frame(word_t pte, enum level level, cap_t cap)
{
    return (pte & PTE_PRESENT) && pte_is_leaf(pte, level) && leaf_paddr(pte, level) == frame_paddr(cap);
}

static status_t frame_map(struct invocation *inv, enum frame_mapped where)
{
    if (inv->length < 3)
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    word_t va = invocation_arg(inv, 0), rights = invocation_arg(inv, 1), attr = invocation_arg(inv, 2);
    cap_t cap = inv->cap;
    struct root root;
    status_t s = root_from_cap(inv->extra[0], where == FRAME_IN_NESTED ? CAP_NPML4 : CAP_PML4, &root);
    if (s != STATUS_OK)
        return s;
    bool again = frame_mapped(cap) != FRAME_UNMAPPED;
    if (again) {
        if (frame_mapped(cap) != where)
            return refuse_plain(SEL4_ILLEGAL_OPERATION);
        if (frame_asid(cap) != root.asid)
            return refuse_capability(1);
        if (frame_vaddr(cap) != va)
            return refuse_argument(0);
    } else if (va >= USER_TOP || va + BIT(frame_size_bits(cap)) > USER_TOP) {
        return refuse_argument(0);
    }
    if (va & MASK(frame_size_bits(cap)))
        return refuse_plain(SEL4_ALIGNMENT_ERROR);
    enum level level = (enum level)frame_size(cap);
    struct walk w = table_walk(root.offset, va, level);
    if (w.level != level)
        return lookup_refused(w.level - 1);
    if ((*w.entry & PTE_PRESENT) && !(again && holds_frame(*w.entry, level, cap)))
        return refuse_plain(SEL4_DELETE_FIRST);

    word_t pte = leaf_attributes(level, frame_rights_mask(frame_rights(cap), rights), attr);
    bool was_present = *w.entry & PTE_PRESENT;
    *w.entry = pte ? pte | frame_paddr(cap) : 0;
    if (was_present)
        tlb_flush_page(&root, va);
    inv->slot->cap = frame_set_mapping(cap, where, root.asid, va);
    return STATUS_OK;
}

static void frame_unmap(cap_t cap)
{
    struct root root = root_of_asid(frame_asid(cap));
    if (root.kind != (frame_mapped(cap) == FRAME_IN_NESTED ? ROOT_NESTED : ROOT_PML4))
        return;
    enum level level = (enum level)frame_size(cap);
    struct walk w = table_walk(root.offset, frame_vaddr(cap), level);
    if (w.level != level || !holds_frame(*w.entry, level, cap))
        return;
    *w.entry = 0;
    tlb_flush_page(&root, frame_vaddr(cap));
}

status_t frame_invoke(struct invocation *inv)
{
    switch (inv->label) {
    case SEL4_X86_PAGE_MAP: return frame_map(inv, FRAME_IN_PML4);
    case ATOLL_IO_PAGE_MAP: return io_frame_map(inv);
    case ATOLL_NESTED_PAGE_MAP: return frame_map(inv, FRAME_IN_NESTED);
    case SEL4_X86_PAGE_UNMAP:
        frame_deleted(inv->cap);
        inv->slot->cap = frame_set_mapping(inv->cap, FRAME_UNMAPPED, 0, 0);
        return STATUS_OK;
    case SEL4_X86_PAGE_GET_ADDRESS: invocation_result(inv, 0, frame_paddr(inv->cap)); return STATUS_OK;
    default: return refuse_plain(SEL4_ILLEGAL_OPERATION);
    }
}

void frame_deleted(cap_t cap)
{
    if (frame_mapped(cap) == FRAME_IN_IO)
        io_frame_unmap(cap);
    else if (frame_mapped(cap) != FRAME_UNMAPPED)
        frame_unmap(cap);
}
