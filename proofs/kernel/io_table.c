/* function: io_table_invoke (Map, Unmap), io_table_deleted
 * property: a table is entered only where nothing was, as its own level's child, with its zeroes written back first, and remembers where; unmapping takes out that entry only, flushes the domain and empties the table; a refusal changes nothing
 * bound: all I/O spaces of both families, levels, addresses
 * options: --unwind 5
 * replace: walk:walk_contract
 */
#include "io_space.inc"
#include "kernel/x86/iospace.c"

int main(void)
{
    arbitrary_io_space();
    struct slot slot = {.cap = {nondet_word(), nondet_word()}}, of_space = {.next = 0};
    cap_t cap = slot.cap;
    word_t own = cap.w1 & 3;
    ASSUME(cap_tag(cap) == CAP_IO_TABLE && own <= LEVEL_PDPT && table_offset(cap) < BIT(37) && (table_offset(cap) & MASK(12)) == 0);
    ASSUME(!table_mapped(cap) || (table_vaddr(cap) < BIT(48)));
    struct invocation inv = {.slot = &slot, .cap = cap, .label = nondet_word(), .length = nondet_below(121),
                             .extra = {nondet_bool() ? &of_space : NULL}, .caller = &caller};
    word_t before = entry, address = table_offset(cap) + kernel.window_paddr;
    bool map = inv.label == ATOLL_IO_TABLE_MAP, deleted = nondet_bool();
    status_t s = STATUS_OK;

    if (deleted)
        io_table_deleted(cap);
    else
        s = io_table_invoke(&inv);

    HOLDS(s == STATUS_OK || (entry == before && slot.cap.w0 == cap.w0 && slot.cap.w1 == cap.w1 && flushes == 0 && !zeroed), "a refusal changes nothing");
    if (s == STATUS_OK && map && !deleted) {
        HOLDS(!table_mapped(cap) && !present(before) && reached == own + 1, "an unmapped table, where nothing was, below its parent");
        HOLDS(present(entry) && !leaf(entry, reached) && address_of(entry) == address, "the entry names it, as a table");
        HOLDS(vtd() || (entry >> 9 & 7) == own + 1, "with the next level that AMD-Vi wants (2.2.3)");
        HOLDS((walked_address & MASK(12 + 9 * (own + 1))) == 0 && args[0] - walked_address < BIT(12 + 9 * (own + 1)), "for the address asked for");
        HOLDS(published >= 2 && flushes == (space.unit != NULL), "its zeroes and the entry are written back, the unit is told");
        HOLDS(table_mapped(slot.cap) && (table_vaddr(slot.cap) & ~3ull) == walked_address && (slot.cap.w1 & 3) == own &&
                  table_asid(slot.cap) == root.asid && table_offset(slot.cap) == table_offset(cap), "the capability says where it is");
    } else if (s == STATUS_OK) {
        bool was_own = walked && reached == own + 1 && present(before) && !leaf(before, reached) && address_of(before) == address;
        HOLDS(was_own ? entry == 0 && flushes == (space.unit != NULL) : entry == before && flushes == 0, "only its own entry goes, and from the unit's caches");
        HOLDS(!table_mapped(cap) || zeroed == 1, "an unmapped table is empty");
        HOLDS(deleted || (final_slot && !table_mapped(slot.cap) && (slot.cap.w1 & 3) == own && table_offset(slot.cap) == table_offset(cap)),
              "the capability is unmapped");
        HOLDS(!table_mapped(cap) || walked || root.kind != ROOT_IO, "no entry is forgotten");
        REACH(was_own && deleted);
        REACH(walked && !was_own);
    }
    REACH(s == STATUS_OK && map && !deleted && vtd());
    REACH(s == STATUS_OK && map && !deleted && !vtd() && own == LEVEL_PDPT);
    REACH(s == SEL4_DELETE_FIRST);
    REACH(s == SEL4_REVOKE_FIRST);
}
