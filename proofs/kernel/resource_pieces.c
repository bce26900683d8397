/* function: resource_piece_bits, resource_is_read_only, holds_page, resource_is_untyped
 * property: a piece is a power of two, naturally aligned, inside the range, and no larger one fits its place; memory is read-only exactly if an entry for shared memory that may not be written holds it
 * bound: all ranges; maps of up to 3 entries, sound ones
 * options: --unwind 50
 */
#include "../proof.h"
#include "kernel/x86/resources.c"

static struct {
    struct resource_map map;
    struct resource_entry entries[3];
} memory;
struct resource_entry nondet_entry(void);

int main(void)
{
    uint64_t at = nondet_word(), end = nondet_word();
    unsigned most = 12 + nondet_below(36);
    ASSUME(at < end && end <= BIT(53) && !(at & 0xfff) && !(end & 0xfff));
    unsigned bits = resource_piece_bits(at, end, most);
    HOLDS(bits >= 12 && bits <= most && !(at & MASK(bits)) && end - at >= BIT(bits), "aligned and inside");
    HOLDS(bits == most || (at & MASK(bits + 1)) || end - at < BIT(bits + 1), "the largest that fits there");
    REACH(bits == 30);

    struct resource_map *m = &memory.map;
    m->entry_count = nondet_below(4);
    for (unsigned i = 0; i < 3; i++) {
        memory.entries[i] = nondet_entry();
        ASSUME(memory.entries[i].paddr < BIT(52) && memory.entries[i].size < BIT(52));
    }
    resources_remember(nondet_bool() ? m : NULL);
    paddr_t pa = nondet_word(), other = nondet_word();
    bool any = false, first = resource_is_read_only(other), read_only = resource_is_read_only(pa);
    unsigned holders = 0;
    for (unsigned i = 0; i < 3 && resources_remembered(); i++) {
        const struct resource_entry *e = &m->entries[i];
        bool here = i < m->entry_count && holds_page(e, pa);
        holders += here;
        any |= here && e->kind == RESOURCE_SHARED && e->arg0 == 0;
    }
    HOLDS(holders > 1 || read_only == any, "read-only exactly if that is how it is shared");
    HOLDS(!resource_is_untyped(RESOURCE_CHANNEL) && !resource_is_untyped(RESOURCE_ROOT_IMAGE), "no untyped memory of what is in use");
    REACH(read_only && !first);
}
