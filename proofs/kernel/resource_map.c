/* function: resource_map_check, check_header, check_memory, check_values, check_pair, movable_disturbs, names_equal
 * property: a map that passes keeps what the kernel relies on: the window, aligned, in the private memory, with neither the kernel's image nor its tables in it; objects' memory in the window, all other memory beside the private memory; no memory owned twice; one initial image; no unit, channel or name that is not there or there twice; a thing to be moved is one whole entry or none
 * bound: maps of up to 2 entries, any bits in them; names of up to 3 characters
 * options: --unwind 4 --unwindset names_equal.0:5
 * solver: bitwuzla
 * seconds: 300
 */
#include "../proof.h"
#include <atoll/resource_map.h>
#undef RESOURCE_NAME_MAX
#define RESOURCE_NAME_MAX 4 /* the loop over a name's characters is the same for each */
#include "kernel/x86/resources.c"

#define ENTRIES 2
static struct {
    struct resource_map map;
    struct resource_entry entries[ENTRIES];
} memory;
struct resource_entry nondet_entry(void);
struct resource_map nondet_map(void);

static bool meet(uint64_t a, uint64_t n, uint64_t b, uint64_t m) { return a <= b ? b - a < n : a - b < m; }

int main(void)
{
    struct resource_map *m = &memory.map;
    *m = nondet_map();
    for (unsigned i = 0; i < ENTRIES; i++)
        memory.entries[i] = nondet_entry();
    const struct resource_entry *a = &m->entries[0], *b = &m->entries[1];
    ASSUME(m->entry_count <= ENTRIES || m->entry_count > RESOURCE_MAP_MAX_ENTRIES);

    int entry = nondet_int();
    bool passes = !resource_map_check(m, &entry);
    REACH(!passes && entry == 1);
    REACH(passes && m->entry_count == 2 && b->kind == RESOURCE_MEMORY);
    if (!passes) {
        HOLDS(entry == -1 || (entry >= 0 && (uint32_t)entry < m->entry_count), "the entry that it names is there");
        return 0;
    }

    uint64_t p = m->private_paddr, w = m->window_paddr;
    HOLDS(m->entry_count <= ENTRIES && m->bytes == sizeof(*m) + m->entry_count * sizeof(*a), "as long as it says");
    HOLDS(m->private_size <= m->phys_limit && p <= m->phys_limit - m->private_size, "private memory below the limit");
    HOLDS(w >= p && m->window_size <= m->private_size && w - p <= m->private_size - m->window_size, "the window inside it");
    HOLDS(!(w & 0x1fffff) && !(m->window_size & 0xfff) && m->window_size && m->window_size <= 1ull << 37, "aligned, and of a size that a zombie can name");
    HOLDS(m->image_size == 0 || !meet(m->image_paddr, m->image_size, w, m->window_size), "no kernel image in the window");
    HOLDS(!meet(m->kernel_pml4_paddr, 4096, w, m->window_size), "no table of the kernel's in it");
    HOLDS(m->tsc_hz >= 1000000 && m->apic_timer_hz >> 32 == 0 && m->node < m->node_count, "clocks that can be divided by");
    bool image = false;
    for (unsigned i = 0; i < m->entry_count; i++) {
        const struct resource_entry *e = &m->entries[i];
        uint64_t bytes = resource_memory_bytes(e);
        image |= e->kind == RESOURCE_ROOT_IMAGE;
        HOLDS(e->kind >= RESOURCE_PRIVATE && e->kind <= RESOURCE_MOVABLE && !e->name[RESOURCE_NAME_MAX - 1], "of a known kind, with a name that ends");
        if (e->kind == RESOURCE_PRIVATE || e->kind == RESOURCE_ROOT_IMAGE)
            HOLDS(bytes && e->paddr >= w && bytes <= m->window_size && e->paddr - w <= m->window_size - bytes, "objects' memory in the window");
        else if (is_memory(e->kind))
            HOLDS(bytes && !meet(e->paddr, bytes, p, m->private_size), "other memory beside the private memory");
        HOLDS(!is_memory(e->kind) || (!(e->paddr & 0xfff) && e->paddr < 1ull << 52 && bytes < 1ull << 53), "whole pages");
        HOLDS(e->kind != RESOURCE_ROOT_IMAGE || (e->arg0 >= 4096 && e->arg0 < 1ull << 46 && e->size < 1ull << 46 && e->arg1 - e->arg0 < e->size), "an image of user addresses");
        HOLDS(e->kind != RESOURCE_REQUESTERS || (e->arg0 < (a->kind == RESOURCE_IOMMU) + (m->entry_count == 2 && b->kind == RESOURCE_IOMMU)), "requesters of a unit that is there");
        HOLDS(e->kind != RESOURCE_LOG || (e->size > 4096 && !((e->size - 4096) & (e->size - 4097))), "a log that is a queue");
    }
    HOLDS(image, "an initial image");
    if (m->entry_count == 2) {
        HOLDS(!is_owned_memory(a->kind) || !is_owned_memory(b->kind) || !meet(a->paddr, resource_memory_bytes(a), b->paddr, resource_memory_bytes(b)), "no memory owned twice");
        HOLDS(!resource_has_capability(a->kind) || !resource_has_capability(b->kind) || a->name[0] != b->name[0] || a->name[0], "no name twice");
        HOLDS(a->kind != RESOURCE_IOMMU || b->kind == RESOURCE_IOMMU_TABLES, "a unit's tables behind it");
        HOLDS(a->kind != RESOURCE_MOVABLE || a->flags != RESOURCE_MEMORY || !is_owned_memory(b->kind) || resource_is_item(a, b) ||
              !meet(a->paddr, a->size, b->paddr, resource_memory_bytes(b)), "a thing to be moved is one whole entry or none");
    }
}
