/* PDPT, page directory, page table; of an address space or a nested one. */
#include "../core.h"
#include "paging.h"

struct table_kind {
    enum level level; /* the table's own level */
    bool nested;
    word_t map, unmap; /* labels */
};

static struct table_kind kind_of(enum cap_tag tag)
{
    switch (tag) {
    case CAP_PDPT: return (struct table_kind){LEVEL_PDPT, false, SEL4_X86_PDPT_MAP, SEL4_X86_PDPT_UNMAP};
    case CAP_PD: return (struct table_kind){LEVEL_PD, false, SEL4_X86_PAGE_DIRECTORY_MAP, SEL4_X86_PAGE_DIRECTORY_UNMAP};
    case CAP_PT: return (struct table_kind){LEVEL_PT, false, SEL4_X86_PAGE_TABLE_MAP, SEL4_X86_PAGE_TABLE_UNMAP};
    case CAP_NPDPT: return (struct table_kind){LEVEL_PDPT, true, ATOLL_NESTED_TABLE_MAP, ATOLL_NESTED_TABLE_UNMAP};
    case CAP_NPD: return (struct table_kind){LEVEL_PD, true, ATOLL_NESTED_TABLE_MAP, ATOLL_NESTED_TABLE_UNMAP};
    default: return (struct table_kind){LEVEL_PT, true, ATOLL_NESTED_TABLE_MAP, ATOLL_NESTED_TABLE_UNMAP};
    }
}

static status_t table_map(struct invocation *inv, struct table_kind kind)
{
    if (inv->length < 2)
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    struct root root;
    status_t s = root_from_cap(inv->extra[0], kind.nested ? CAP_NPML4 : CAP_PML4, &root);
    if (s != STATUS_OK)
        return s;
    if (table_mapped(inv->cap))
        return refuse_capability(0);
    enum level parent = kind.level + 1;
    word_t va = ALIGN_DOWN(invocation_arg(inv, 0), level_bits(parent));
    if (va >= USER_TOP)
        return refuse_argument(0);
    struct walk w = table_walk(root.offset, va, parent);
    if (w.level != parent)
        return lookup_refused(w.level - 1);
    if (*w.entry & PTE_PRESENT)
        return refuse_plain(SEL4_DELETE_FIRST);

    /* Rights are the leaves' affair. The processor caches no absent entries, so nothing needs flushing. */
    *w.entry = (table_offset(inv->cap) + kernel.window_paddr) | PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED;
    inv->slot->cap = table_set_mapping(inv->cap, true, root.asid, va);
    return STATUS_OK;
}

/* Take a table out of where its capability says it is, if it still is there, and empty it: an entry must not outlive
 * the place that its frame's capability names. */
static void table_unmap(cap_t cap, struct table_kind kind)
{
    struct root root = root_of_asid(table_asid(cap));
    if (root.kind == (kind.nested ? ROOT_NESTED : ROOT_PML4)) {
        struct walk w = table_walk(root.offset, table_vaddr(cap), kind.level + 1);
        if (w.level == kind.level + 1 && (*w.entry & PTE_PRESENT) && !pte_is_leaf(*w.entry, w.level) &&
            (*w.entry & PTE_ADDRESS) == table_offset(cap) + kernel.window_paddr) {
            *w.entry = 0;
            tlb_flush_root(&root);
        }
    }
    machine_memzero(object_at(table_offset(cap)), BIT(SEL4_TABLE_BITS));
}

status_t table_invoke(struct invocation *inv)
{
    struct table_kind kind = kind_of(cap_tag(inv->cap));
    if (inv->label == kind.map)
        return table_map(inv, kind);
    if (inv->label != kind.unmap)
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    if (!slot_is_final(inv->slot))
        return refuse_plain(SEL4_REVOKE_FIRST);
    if (table_mapped(inv->cap))
        table_unmap(inv->cap, kind);
    inv->slot->cap = table_set_mapping(inv->cap, false, 0, 0);
    return STATUS_OK;
}

void table_deleted(cap_t cap)
{
    if (table_mapped(cap))
        table_unmap(cap, kind_of(cap_tag(cap)));
}
