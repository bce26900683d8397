/* I/O page tables. Four levels of 512 entries on both families; formats: VT-d 9.8 to 9.10, AMD-Vi 2.2.3. All units of one machine are
 * of one family. A unit caches no absent entries (VT-d 6.1 with caching mode off, AMD-Vi 2.4), but with it on (VT-d CAP.CM) it may: so
 * every change of a bound space is followed by an invalidation of exactly what changed. */
#include "iospace.h"
#include <x86/amdvi.h>
#include <x86/vtd.h>
#include "../core.h"

#define IO_TOP BIT(48)

static bool is_vtd(void) { return iommu_at(0)->kind == IOMMU_KIND_VTD; }

/* ---- entries ---- */

static bool entry_present(word_t e) { return is_vtd() ? e & (VTD_LEAF_READ | VTD_LEAF_WRITE) : e & AMDVI_PRESENT; }

static bool entry_is_leaf(word_t e, enum level l)
{
    return l == LEVEL_PT || (is_vtd() ? e & VTD_LEAF_LARGE : !(e & AMDVI_NEXT_LEVEL(7)));
}

/* An entry of a table at level `l` that names the table below it. */
static word_t table_entry(paddr_t table, enum level l)
{
    return is_vtd() ? table | VTD_LEAF_READ | VTD_LEAF_WRITE
                    : table | AMDVI_PRESENT | AMDVI_NEXT_LEVEL(l) | AMDVI_READ | AMDVI_WRITE;
}

static word_t leaf_entry(paddr_t frame, enum level l, bool read, bool write)
{
    if (is_vtd())
        return frame | (read ? VTD_LEAF_READ : 0) | (write ? VTD_LEAF_WRITE : 0) | (l == LEVEL_PT ? 0 : VTD_LEAF_LARGE);
    return frame | AMDVI_PRESENT | AMDVI_COHERENT | (read ? AMDVI_READ : 0) | (write ? AMDVI_WRITE : 0);
}

static paddr_t entry_paddr(word_t e) { return e & PTE_ADDRESS; }

static void entry_write(word_t *entry, word_t value)
{
    *(volatile word_t *)entry = value;
    for (word_t i = 0; i < iommu_count(); i++)
        iommu_memory_written(iommu_at(i), entry, sizeof(*entry));
}

static struct walk walk(struct io_space *s, word_t address, enum level level)
{
    word_t *table = s->table;
    for (enum level l = LEVEL_PML4;; l--) {
        word_t *entry = &table[table_index(address, l)];
        if (l == level || !entry_present(*entry) || entry_is_leaf(*entry, l))
            return (struct walk){entry, l};
        table = object_at(entry_paddr(*entry) - kernel.window_paddr);
    }
}

static void flush(const struct io_space *s, word_t address, enum level level)
{
    if (s->unit)
        iommu_flush_pages(s->unit, s->domain, address, level_bits(level));
}

static void flush_all(const struct io_space *s)
{
    if (s->unit)
        iommu_flush_domain(s->unit, s->domain);
}

/* ---- tables: w1 of the capability is the address, the table's level in its low bits ---- */

static enum level level_of(cap_t table) { return (enum level)(table.w1 & 3); }

static status_t table_map(struct invocation *inv)
{
    struct root root;
    if (inv->length < 1)
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    status_t s = root_from_cap(inv->extra[0], CAP_IO_SPACE, &root);
    if (s != STATUS_OK)
        return s;
    if (table_mapped(inv->cap))
        return refuse_capability(0);
    enum level own = level_of(inv->cap), parent = own + 1;
    word_t address = ALIGN_DOWN(invocation_arg(inv, 0), level_bits(parent));
    if (address >= IO_TOP)
        return refuse_argument(0);
    struct io_space *space = object_at(root.offset);
    struct walk w = walk(space, address, parent);
    if (w.level != parent)
        return lookup_refused(w.level - 1);
    if (entry_present(*w.entry))
        return refuse_plain(SEL4_DELETE_FIRST);

    for (word_t i = 0; i < iommu_count(); i++) /* its zeroes first */
        iommu_memory_written(iommu_at(i), object_at(table_offset(inv->cap)), BIT(SEL4_TABLE_BITS));
    entry_write(w.entry, table_entry(table_offset(inv->cap) + kernel.window_paddr, parent));
    flush(space, address, parent);
    inv->slot->cap = table_set_mapping(inv->cap, true, root.asid, address | own);
    return STATUS_OK;
}

static void table_unmap(cap_t cap)
{
    struct root root = root_of_asid(table_asid(cap));
    enum level parent = level_of(cap) + 1;
    if (root.kind == ROOT_IO) {
        struct io_space *space = object_at(root.offset);
        struct walk w = walk(space, table_vaddr(cap) & ~3ull, parent);
        if (w.level == parent && entry_present(*w.entry) && !entry_is_leaf(*w.entry, parent) &&
            entry_paddr(*w.entry) == table_offset(cap) + kernel.window_paddr) {
            entry_write(w.entry, 0);
            flush_all(space);
        }
    }
    machine_memzero(object_at(table_offset(cap)), BIT(SEL4_TABLE_BITS));
}

status_t io_table_invoke(struct invocation *inv)
{
    if (inv->label == ATOLL_IO_TABLE_MAP)
        return table_map(inv);
    if (inv->label != ATOLL_IO_TABLE_UNMAP)
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    if (!slot_is_final(inv->slot))
        return refuse_plain(SEL4_REVOKE_FIRST);
    if (table_mapped(inv->cap))
        table_unmap(inv->cap);
    inv->slot->cap = table_set_mapping(inv->cap, false, 0, level_of(inv->cap));
    return STATUS_OK;
}

void io_table_deleted(cap_t cap)
{
    if (table_mapped(cap))
        table_unmap(cap);
}

/* ---- frames ---- */

static bool holds_frame(word_t entry, enum level level, cap_t cap)
{
    return entry_present(entry) && entry_is_leaf(entry, level) && entry_paddr(entry) == frame_paddr(cap);
}

/* Which page sizes the unit's family and model walk: 2 MiB and 1 GiB are optional on VT-d (11.4.2, SLLPS). */
static bool size_supported(enum frame_size size)
{
    word_t needed = size == FRAME_4K ? 0 : size == FRAME_2M ? VTD_CAP_LARGE_PAGES : VTD_CAP_HUGE_PAGES;
    for (word_t i = 0; i < iommu_count() && is_vtd(); i++)
        if ((iommu_at(i)->capability & needed) != needed)
            return false;
    return true;
}

status_t io_frame_map(struct invocation *inv)
{
    if (inv->length < 2)
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    word_t address = invocation_arg(inv, 0), rights = invocation_arg(inv, 1);
    cap_t cap = inv->cap;
    struct root root;
    status_t s = root_from_cap(inv->extra[0], CAP_IO_SPACE, &root);
    if (s != STATUS_OK)
        return s;
    if (frame_mapped(cap) != FRAME_UNMAPPED || !frame_only(cap)) /* private memory is never a device's */
        return refuse_capability(0);
    if (!size_supported(frame_size(cap)))
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    bool write = (rights & SEL4_RIGHT_WRITE) && frame_rights(cap) == FRAME_READ_WRITE;
    bool read = (rights & SEL4_RIGHT_READ) && frame_rights(cap) != FRAME_KERNEL_ONLY;
    if (!read && !write)
        return refuse_argument(1);
    if (address & MASK(frame_size_bits(cap)))
        return refuse_plain(SEL4_ALIGNMENT_ERROR);
    if (address >= IO_TOP)
        return refuse_argument(0);
    enum level level = (enum level)frame_size(cap);
    struct io_space *space = object_at(root.offset);
    struct walk w = walk(space, address, level);
    if (w.level != level)
        return lookup_refused(w.level - 1);
    if (entry_present(*w.entry))
        return refuse_plain(SEL4_DELETE_FIRST);

    entry_write(w.entry, leaf_entry(frame_paddr(cap), level, read, write));
    flush(space, address, level);
    inv->slot->cap = frame_set_mapping(cap, FRAME_IN_IO, root.asid, address);
    return STATUS_OK;
}

/* On return no device reaches the frame through this mapping any more. */
void io_frame_unmap(cap_t cap)
{
    struct root root = root_of_asid(frame_asid(cap));
    if (root.kind != ROOT_IO)
        return;
    enum level level = (enum level)frame_size(cap);
    struct io_space *space = object_at(root.offset);
    struct walk w = walk(space, frame_vaddr(cap), level);
    if (w.level != level || !holds_frame(*w.entry, level, cap))
        return;
    entry_write(w.entry, 0);
    flush(space, frame_vaddr(cap), level);
}
