/* Checks of the resource map, and the untyped pieces that its memory falls into. Pure: host tests and fuzzing run this file. */
#include "resources.h"
#include <atoll/channel.h>
#include <atoll/iommu.h>

#define TWO_MIB 0x200000ull
#define PAGE 0x1000ull

static const struct resource_map *remembered;

static bool page_aligned(uint64_t v) { return v % PAGE == 0; }

/* Memory that an entry owns: what no other entry may overlap. A log may be shared with an entry that lets the console read it. */
static bool is_owned_memory(uint32_t kind)
{
    return kind == RESOURCE_PRIVATE || kind == RESOURCE_ROOT_IMAGE || kind == RESOURCE_MEMORY || kind == RESOURCE_MODULE ||
           kind == RESOURCE_SHARED || kind == RESOURCE_DEVICE || kind == RESOURCE_CHANNEL;
}

static bool is_memory(uint32_t kind)
{
    return is_owned_memory(kind) || kind == RESOURCE_LOG || kind == RESOURCE_LOG_TAIL || kind == RESOURCE_IOAPIC ||
           kind == RESOURCE_IOMMU || kind == RESOURCE_IOMMU_TABLES;
}

static bool in_window(uint32_t kind) { return kind == RESOURCE_PRIVATE || kind == RESOURCE_ROOT_IMAGE; }

bool resource_is_untyped(uint32_t kind)
{
    return is_owned_memory(kind) && kind != RESOURCE_ROOT_IMAGE && kind != RESOURCE_CHANNEL;
}
bool resource_has_capability(uint32_t kind)
{
    return resource_is_untyped(kind) || kind == RESOURCE_IPI || kind == RESOURCE_REQUESTERS || kind == RESOURCE_CHANNEL;
}

uint64_t resource_memory_bytes(const struct resource_entry *e)
{
    if (e->kind == RESOURCE_MODULE)
        return (e->size + PAGE - 1) & ~(PAGE - 1);
    return e->kind == RESOURCE_IOAPIC ? PAGE : e->size;
}

/* Overflow-safe: [a, a + n) and [b, b + m) with both ends known to fit. */
static bool overlap(uint64_t a, uint64_t n, uint64_t b, uint64_t m) { return a < b + m && b < a + n; }
static bool inside(uint64_t a, uint64_t n, uint64_t base, uint64_t size)
{
    return a >= base && n <= size && a - base <= size - n;
}

static const char *check_header(const struct resource_map *m)
{
    if (m->magic != RESOURCE_MAP_MAGIC)
        return "wrong magic number";
    if (m->version != RESOURCE_MAP_VERSION)
        return "a version that this kernel does not know";
    if (m->entry_count > RESOURCE_MAP_MAX_ENTRIES || m->bytes > RESOURCE_MAP_MAX_BYTES ||
        m->bytes != sizeof(*m) + m->entry_count * sizeof(struct resource_entry))
        return "its size does not fit its number of entries";
    if (m->node >= m->node_count)
        return "a node number beyond the number of nodes";
    if (m->tsc_hz < 1000000 || m->apic_timer_hz == 0 || m->apic_timer_hz > UINT32_MAX)
        return "no usable clock rates";
    if (m->phys_limit == 0 || (m->phys_limit & (m->phys_limit - 1)) || m->phys_limit > BIT(52))
        return "an impossible physical address limit";
    if (!page_aligned(m->private_paddr) || !page_aligned(m->private_size) || !inside(m->private_paddr, m->private_size, 0, m->phys_limit))
        return "private memory that is not aligned or beyond the physical limit";
    if (!inside(m->window_paddr, m->window_size, m->private_paddr, m->private_size) || m->window_paddr % TWO_MIB ||
        !page_aligned(m->window_size) || m->window_size == 0)
        return "a window that does not begin at a multiple of 2 MiB inside the private memory, in whole pages";
    if (m->window_size > BIT(37))
        return "a window of more than 128 GiB";
    if (!inside(m->image_paddr, m->image_size, m->private_paddr, m->private_size) || !page_aligned(m->image_paddr) ||
        overlap(m->image_paddr, m->image_size, m->window_paddr, m->window_size))
        return "a kernel image that is not aligned, outside the private memory or inside the window";
    if (!inside(m->kernel_pml4_paddr, PAGE, m->private_paddr, m->private_size) || !page_aligned(m->kernel_pml4_paddr) ||
        overlap(m->kernel_pml4_paddr, PAGE, m->window_paddr, m->window_size))
        return "kernel page tables outside the private memory or inside the window";
    return NULL;
}

static const char *check_memory(const struct resource_map *m, const struct resource_entry *e)
{
    uint64_t bytes = resource_memory_bytes(e);
    if (!page_aligned(e->paddr) || bytes == 0 || (e->kind != RESOURCE_MODULE && !page_aligned(e->size)))
        return "memory that is empty or not a multiple of 4096";
    /* Device memory may lie above what RAM reaches, up to the capability format's 47 bits. */
    if (bytes < e->size || !inside(e->paddr, bytes, 0, e->kind == RESOURCE_DEVICE || e->kind == RESOURCE_IOMMU ? BIT(47) : m->phys_limit))
        return "memory beyond the physical limit";
    if (in_window(e->kind) && !inside(e->paddr, bytes, m->window_paddr, m->window_size))
        return "private memory outside the window";
    if (!in_window(e->kind) && overlap(e->paddr, bytes, m->private_paddr, m->private_size))
        return "frame-only memory inside the private memory";
    return NULL;
}

static const char *check_values(const struct resource_entry *e)
{
    switch (e->kind) {
    case RESOURCE_ROOT_IMAGE:
        if (!page_aligned(e->arg0) || e->arg0 == 0 || e->arg0 >= BIT(46) || e->size >= BIT(46) || e->arg1 < e->arg0 ||
            e->arg1 - e->arg0 >= e->size)
            return "an initial image whose addresses are impossible";
        return NULL;
    case RESOURCE_LOG:
        if (e->size < 2 * PAGE || ((e->size - PAGE) & (e->size - PAGE - 1)))
            return "a log whose data part is not a power of two";
        if (e->arg1 > 0xff || (e->arg1 && e->arg1 < 0x30))
            return "a doorbell vector that is not one for interrupts";
        return NULL;
    case RESOURCE_LOG_TAIL: return e->size == PAGE ? NULL : "a log tail that is not one page";
    case RESOURCE_UART: return e->arg0 && e->arg0 <= 0xfff8 ? NULL : "a UART port that is impossible";
    case RESOURCE_IOPORT: return e->arg0 <= e->arg1 && e->arg1 <= 0xffff ? NULL : "an I/O port range that is impossible";
    case RESOURCE_IOAPIC: return e->arg1 >= 1 && e->arg1 <= 240 ? NULL : "an IOAPIC with an impossible number of pins";
    case RESOURCE_IPI: return e->arg0 <= 0xffffffff && e->arg1 >= 0x30 && e->arg1 <= 0xff ? NULL : "an impossible IPI target";
    case RESOURCE_IOMMU:
        return (e->arg0 == IOMMU_KIND_VTD || e->arg0 == IOMMU_KIND_AMDVI) && e->arg1 <= 0xffff && e->size <= KERNEL_IOMMU_BLOCK
                   ? NULL : "an IOMMU of a kind that this kernel does not know";
    case RESOURCE_IOMMU_TABLES:
        return e->paddr % IOMMU_BLOCK_ALIGN == 0 && e->arg0 && e->arg1 && e->arg1 <= IOMMU_MAX_DOMAINS && e->arg0 + e->arg1 <= 0x10000
                   ? NULL : "IOMMU tables that are not aligned, or an impossible range of domains";
    case RESOURCE_REQUESTERS:
        return e->arg0 < KERNEL_IOMMU_MAX && e->arg1 <= 0xffffffff && (e->arg1 & 0xffff) <= e->arg1 >> 16
                   ? NULL : "an impossible range of PCI requesters";
    case RESOURCE_CHANNEL: return e->size == CHANNEL_BYTES && e->arg0 <= 1 ? NULL : "a channel that is not two pages, or of neither direction";
    case RESOURCE_MOVABLE:
        return e->flags == RESOURCE_MEMORY ? (e->paddr | e->size) % TWO_MIB == 0 ? NULL : "movable memory that is not a multiple of 2 MiB"
             : e->flags == RESOURCE_REQUESTERS ? (e->arg1 & 0xffff) <= (e->arg1 >> 16 & 0xffff) ? NULL : "an impossible range of PCI requesters"
             : e->flags == RESOURCE_IPI ? e->arg1 >> 32 >= 0x30 && e->arg1 >> 32 <= 0xff ? NULL : "an impossible IPI target"
             : "a thing to be moved that cannot be";
    default: return NULL;
    }
}

static bool names_equal(const char *a, const char *b)
{
    for (unsigned i = 0; i < RESOURCE_NAME_MAX; i++) {
        if (a[i] != b[i])
            return false;
        if (!a[i])
            break;
    }
    return true;
}

uint64_t resource_channel_value(const struct resource_entry *e)
{
    switch (e->kind) {
    case RESOURCE_MOVABLE: return e->arg1;
    case RESOURCE_REQUESTERS: return e->arg0 << 32 | e->arg1;
    default: return e->arg1 << 32 | e->arg0; /* RESOURCE_IPI */
    }
}

bool resource_is_item(const struct resource_entry *movable, const struct resource_entry *e)
{
    if (e->kind != movable->flags)
        return false;
    return e->kind == RESOURCE_MEMORY ? e->paddr == movable->paddr && e->size == movable->size
                                      : resource_channel_value(e) == resource_channel_value(movable);
}

static bool requesters_meet(uint64_t a, uint64_t b) /* values as in a channel's record */
{
    return a >> 32 == b >> 32 && (a & 0xffff) <= (b >> 16 & 0xffff) && (b & 0xffff) <= (a >> 16 & 0xffff);
}

/* What may be moved must be one whole thing of this node, or of none: else it could arrive in the middle of something. */
static bool movable_disturbs(const struct resource_entry *movable, const struct resource_entry *e)
{
    if (resource_is_item(movable, e))
        return false;
    bool other = e->kind == RESOURCE_MOVABLE, same_kind = movable->flags == (other ? e->flags : e->kind);
    switch (movable->flags) {
    case RESOURCE_MEMORY:
        return (is_memory(e->kind) || (other && same_kind)) && overlap(movable->paddr, movable->size, e->paddr, resource_memory_bytes(e));
    case RESOURCE_REQUESTERS:
        return same_kind && requesters_meet(resource_channel_value(movable), resource_channel_value(e));
    default: return other && same_kind && resource_channel_value(movable) == resource_channel_value(e);
    }
}

static const char *check_pair(const struct resource_entry *a, const struct resource_entry *b)
{
    if ((a->kind == RESOURCE_MOVABLE && movable_disturbs(a, b)) || (b->kind == RESOURCE_MOVABLE && movable_disturbs(b, a)))
        return "a thing to be moved that is part of another entry's";
    if (is_owned_memory(a->kind) && is_owned_memory(b->kind) &&
        overlap(a->paddr, resource_memory_bytes(a), b->paddr, resource_memory_bytes(b)))
        return "memory that another entry has, too";
    if (resource_has_capability(a->kind) && resource_has_capability(b->kind) && names_equal(a->name, b->name))
        return "a name that another entry has, too";
    if (a->kind == b->kind && (a->kind == RESOURCE_ROOT_IMAGE || a->kind == RESOURCE_LOG || a->kind == RESOURCE_LOG_TAIL ||
                               a->kind == RESOURCE_UART))
        return "a second one of a kind that a node has once";
    return NULL;
}

const char *resource_map_check(const struct resource_map *m, int *entry)
{
    *entry = -1;
    const char *wrong = check_header(m);
    bool image = false;
    uint64_t units = 0, channels = 0;
    for (unsigned i = 0; !wrong && i < m->entry_count; i++) {
        const struct resource_entry *e = &m->entries[i];
        *entry = (int)i;
        if (e->kind == RESOURCE_NONE || e->kind > RESOURCE_MOVABLE)
            wrong = "a kind that this kernel does not know";
        else if (e->name[RESOURCE_NAME_MAX - 1])
            wrong = "a name without an end";
        else if (is_memory(e->kind) || (e->kind == RESOURCE_MOVABLE && e->flags == RESOURCE_MEMORY))
            wrong = check_memory(m, e);
        if (!wrong)
            wrong = check_values(e);
        for (unsigned j = 0; !wrong && j < i; j++)
            wrong = check_pair(e, &m->entries[j]);
        if (!wrong && e->kind == RESOURCE_IOMMU && (i + 1 == m->entry_count || m->entries[i + 1].kind != RESOURCE_IOMMU_TABLES))
            wrong = "an IOMMU without its tables";
        units += e->kind == RESOURCE_IOMMU;
        channels += e->kind == RESOURCE_CHANNEL;
        image |= e->kind == RESOURCE_ROOT_IMAGE;
    }
    for (unsigned i = 0; !wrong && i < m->entry_count; i++) {
        const struct resource_entry *e = &m->entries[i];
        bool movable = e->kind == RESOURCE_MOVABLE;
        *entry = (int)i;
        if ((e->kind == RESOURCE_REQUESTERS && e->arg0 >= units) || (movable && e->flags == RESOURCE_REQUESTERS && e->arg1 >> 32 >= units))
            wrong = "requesters of an IOMMU that is not there";
        else if (movable && (e->arg0 == 0 || (channels < CHANNEL_MAX && e->arg0 >> channels)))
            wrong = "a thing to be moved through a channel that is not there";
    }
    if (!wrong && channels > CHANNEL_MAX) {
        *entry = -1;
        wrong = "more channels than a node can have";
    }
    if (!wrong && !image) {
        *entry = -1;
        wrong = "no initial image";
    }
    return wrong;
}

void resources_remember(const struct resource_map *m) { remembered = m; }
const struct resource_map *resources_remembered(void) { return remembered; }

static bool holds_page(const struct resource_entry *e, paddr_t pa)
{
    bool memory = is_owned_memory(e->kind) || (e->kind == RESOURCE_MOVABLE && e->flags == RESOURCE_MEMORY);
    return memory && pa >= e->paddr && pa - e->paddr < resource_memory_bytes(e);
}

/* Memory is asked about page after page: the entry that had the last one is looked at first. */
bool resource_is_read_only(paddr_t pa)
{
    static const struct resource_entry *last;
    if (!last || !holds_page(last, pa)) {
        last = NULL;
        for (unsigned i = 0; remembered && !last && i < remembered->entry_count; i++)
            if (holds_page(&remembered->entries[i], pa))
                last = &remembered->entries[i];
    }
    return last && last->kind == RESOURCE_SHARED && last->arg0 == 0;
}

unsigned resource_piece_bits(uint64_t paddr, uint64_t end, unsigned most)
{
    unsigned bits = 12;
    while (bits < most && !(paddr & MASK(bits + 1)) && BIT(bits + 1) <= end - paddr)
        bits++;
    return bits;
}
