/* Address-space roots: which one is loaded, what TLB entries must go, and what leaves look like. */
#include <machine.h>
#include "../core.h"
#include "paging.h"
#include "predictor.h"
#include "vcpu.h"

#define KERNEL_SLOT_WINDOW 256 /* PML4 entries of the kernel's half (resource_map.h) */
#define KERNEL_SLOT_IMAGE 511

static paddr_t kernel_pml4;
static word_t window_entry, image_entry;

struct vspace_state vspace;

void vspace_init(paddr_t pml4, word_t window, word_t image)
{
    kernel_pml4 = vspace.root = pml4;
    window_entry = window;
    image_entry = image;
    vspace_forget();
}

void vspace_root_init(word_t *pml4)
{
    pml4[KERNEL_SLOT_WINDOW] = window_entry;
    pml4[KERNEL_SLOT_IMAGE] = image_entry;
}

struct root root_of_asid(word_t asid)
{
    const struct asid_pool *pool = kernel.asid_pools[asid / ASIDS_PER_POOL];
    word_t word = pool ? pool->roots[asid % ASIDS_PER_POOL] : 0;
    return (struct root){(enum root_kind)(word & 3), word & ~3ull, asid};
}

enum root_kind root_kind_of(enum cap_tag tag)
{
    return tag == CAP_PML4 ? ROOT_PML4 : tag == CAP_NPML4 ? ROOT_NESTED : tag == CAP_IO_SPACE ? ROOT_IO : ROOT_NONE;
}

status_t root_from_cap(const struct slot *slot, enum cap_tag want, struct root *out)
{
    if (!slot)
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    if (cap_tag(slot->cap) != want || !table_mapped(slot->cap))
        return refuse_capability(1);
    *out = root_of_asid(table_asid(slot->cap));
    if (out->kind != root_kind_of(want) || out->offset != table_offset(slot->cap))
        return lookup_refused(LEVEL_PML4); /* its ASID pool is gone */
    return STATUS_OK;
}

status_t lookup_refused(enum level missing)
{
    kernel.refusal.message[0] = 0; /* not the source capability */
    kernel.refusal.message[1] = SEL4_LOOKUP_MISSING;
    kernel.refusal.message[2] = level_bits(missing) + 9; /* libsel4 reads the missing level from this word: 21 PT, 30 PD, 39 PDPT */
    kernel.refusal.length = 3;
    return SEL4_FAILED_LOOKUP;
}

/* The thread's root as the hardware wants it; 0: its capability names none, or one whose ASID is gone. */
static paddr_t thread_root(const struct tcb *t, enum cap_tag tag, enum root_kind kind)
{
    cap_t cap = t->vspace.cap;
    if (cap_tag(cap) != tag || !table_mapped(cap))
        return 0;
    struct root r = root_of_asid(table_asid(cap));
    return r.kind == kind && r.offset == table_offset(cap) ? r.offset + kernel.window_paddr : 0;
}

paddr_t vspace_nested_paddr(const struct tcb *t)
{
    return thread_root(t, CAP_NPML4, ROOT_NESTED);
}

paddr_t vspace_find(const struct tcb *t)
{
    paddr_t root = thread_root(t, CAP_PML4, ROOT_PML4);
    if (!root)
        return kernel_pml4; /* the thread's first instruction faults */
    *vspace_known(t->vspace.cap.w0) = (struct known_root){t->vspace.cap.w0, root};
    return root;
}

void vspace_forget(void)
{
    guest_loaded.refresh = true;
    for (unsigned i = 0; i < VSPACE_KNOWN; i++)
        vspace.known[i].cap = VSPACE_UNKNOWN;
}

static void load(paddr_t pml4)
{
    vspace.root = pml4;
    write_cr3(pml4);
}

void vspace_root_gone(word_t offset)
{
    if (offset + kernel.window_paddr == vspace.root)
        load(kernel_pml4);
    predictor_forget(offset + kernel.window_paddr);
}

/* Without PCIDs a CR3 load drops everything of other roots, so only the loaded one can have entries in the TLB. */
void tlb_flush_page(const struct root *r, word_t va)
{
    if (r->kind == ROOT_NESTED)
        vcpu_flush_tlb();
    else if (r->offset + kernel.window_paddr == vspace.root)
        invlpg(va);
}

void tlb_flush_root(const struct root *r)
{
    if (r->kind == ROOT_NESTED)
        vcpu_flush_tlb();
    else if (r->offset + kernel.window_paddr == vspace.root)
        write_cr3(vspace.root);
}

/* The attribute word's low bits are the PAT index as PWT, PCD, PAT (cpu.c programs the table to match). The host's PAT also
 * rules nested leaves (APM vol 2, 15.25.8). Nested accesses are user accesses (15.25.5). */
word_t leaf_attributes(enum level level, enum frame_rights rights, word_t attr)
{
    if (rights == FRAME_KERNEL_ONLY)
        return 0; /* not for the kernel either: SMAP guards user pages only */
    word_t pte = PTE_PRESENT | PTE_ACCESSED | PTE_USER;
    if (rights == FRAME_READ_WRITE)
        pte |= PTE_WRITE | PTE_DIRTY;
    if (attr & 1)
        pte |= PTE_WRITE_THROUGH;
    if (attr & 2)
        pte |= PTE_CACHE_DISABLE;
    if (attr & 4)
        pte |= level == LEVEL_PT ? PTE_PAT_4K : PTE_PAT_LARGE;
    if (attr & ATOLL_X86_EXECUTE_NEVER)
        pte |= PTE_NO_EXECUTE;
    return level == LEVEL_PT ? pte : pte | PTE_LARGE;
}
