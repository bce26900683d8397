/* function: table_invoke (Map, Unmap)
 * property: a table is entered only where nothing was, as its own level's child, and remembers where; unmapping takes out that entry only, flushes and empties the table; a refusal changes nothing
 * bound: all address spaces, table kinds and addresses
 * options: --unwind 5
 */
#include "tables.inc"
#define object_at(offset) ((void *)(offset)) /* as a name only */
static word_t emptied;
void machine_memzero(void *p, word_t n)
{
    HOLDS(n == 4096, "a whole table");
    emptied = (word_t)p + 1;
}
#include "kernel/x86/table.c"

int main(void)
{
    arbitrary_space();
    struct slot slot = {.cap = {nondet_word(), nondet_word()}}, space = {.next = 0};
    cap_t cap = slot.cap;
    enum cap_tag tag = cap_tag(cap);
    ASSUME(tag == CAP_PDPT || tag == CAP_PD || tag == CAP_PT || tag == CAP_NPDPT || tag == CAP_NPD || tag == CAP_NPT);
    ASSUME((table_offset(cap) & MASK(12)) == 0 && table_offset(cap) < BIT(37));
    enum level own = tag == CAP_PDPT || tag == CAP_NPDPT ? LEVEL_PDPT : tag == CAP_PD || tag == CAP_NPD ? LEVEL_PD : LEVEL_PT;
    bool nested = tag == CAP_NPDPT || tag == CAP_NPD || tag == CAP_NPT;
    struct invocation inv = {.slot = &slot, .cap = cap, .label = nondet_word(), .length = nondet_below(121),
                             .extra = {nondet_bool() ? &space : NULL}, .caller = &caller};
    word_t before = entry, address = table_offset(cap) + kernel.window_paddr;
    bool map = inv.label == kind_of(tag).map;

    status_t s = table_invoke(&inv);

    HOLDS(s == STATUS_OK || (entry == before && slot.cap.w0 == cap.w0 && slot.cap.w1 == cap.w1 && flushes == 0 && !emptied),
          "a refusal changes nothing");
    if (s == STATUS_OK && map) {
        HOLDS(!table_mapped(cap) && !(before & PTE_PRESENT), "an unmapped table, where nothing was");
        HOLDS(reached == own + 1 && (entry & PTE_ADDRESS) == address && (entry & PTE_PRESENT), "its parent level's entry names it");
        HOLDS((entry & (PTE_LARGE | PTE_NO_EXECUTE)) == 0, "as a table");
        HOLDS(walked_va == args[0] - (args[0] & MASK(level_bits(own + 1))) && walked_va < USER_TOP, "for the address asked for, a user address");
        HOLDS(table_mapped(slot.cap) && table_vaddr(slot.cap) == walked_va && table_asid(slot.cap) == root.asid &&
                  table_offset(slot.cap) == table_offset(cap), "the capability says where it is");
    } else if (s == STATUS_OK) {
        bool was_own = walked && reached == own + 1 && (before & PTE_PRESENT) && !pte_is_leaf(before, reached) && (before & PTE_ADDRESS) == address;
        HOLDS(final_slot, "only with the last capability");
        HOLDS(was_own ? entry == 0 && flushes == 1 : entry == before, "only its own entry goes, and is flushed");
        HOLDS(!table_mapped(cap) || emptied == table_offset(cap) + 1, "an unmapped table is empty");
        HOLDS(!table_mapped(slot.cap) && table_offset(slot.cap) == table_offset(cap), "the capability is unmapped");
        HOLDS(!table_mapped(cap) || walked || root.kind != (nested ? ROOT_NESTED : ROOT_PML4), "no entry is forgotten");
        REACH(was_own);
        REACH(!was_own && walked);
    }
    REACH(s == STATUS_OK && map && nested);
    REACH(s == SEL4_DELETE_FIRST);
    REACH(s == SEL4_REVOKE_FIRST);
}
