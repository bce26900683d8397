/* function: table_map (boot/tables.c), which writes every page of a kernel's own address space
 * property: no page is writable and executable at once, or the machine stops; what is mapped is exactly the range asked for, with its flags; nothing is mapped twice
 * bound: any addresses, ranges of up to 3 pages of any size, any flags, any entries there
 * options: --unwind 6
 * replace: entry_at:entry_contract
 */
#include "../proof.h"
#include "boot/tables.c"

uint64_t boot_pml4[512];
static bool may_stop;
void stop(const char *format, ...)
{
    (void)format;
    HOLDS(may_stop, "it stops only for what would be wrong");
    while (1)
        ASSUME(0);
}
bool ranges_take(struct ranges *r, uint64_t size, uint64_t align, uint64_t *start) { (void)r, (void)size, (void)align; *start = nondet_word(); return nondet_bool(); }
bool ranges_add(struct ranges *r, uint64_t start, uint64_t end) { (void)r, (void)start, (void)end; return nondet_bool(); }

static uint64_t asked_va, asked_pa, asked_size, asked_flags, done;
static uint64_t entry;
static unsigned entry_level, pages;
/* What the entry written last says. */
static void look(void)
{
    if (pages == 0)
        return;
    uint64_t bytes = 4096ull << 9 * entry_level;
    HOLDS(entry & 1, "present");
    HOLDS(!(entry & 2) || entry >> 63, "not writable and executable");
    HOLDS((entry & (2 | 4 | 8 | 16 | 1ull << 63)) == (asked_flags & (2 | 4 | 8 | 16 | 1ull << 63)), "with the rights asked for");
    HOLDS((entry & 4) == 0, "for no user");
    HOLDS((entry & 0x000fffffffffe000ull) == ((asked_pa + done) & 0x000fffffffffe000ull), "the page asked for");
    HOLDS((entry_level != 0) == (entry >> 7 & 1), "large where it is");
    done += bytes;
}
uint64_t *entry_contract(struct table_stock *stock, uint64_t pml4, uint64_t va, unsigned level)
{
    (void)stock, (void)pml4;
    look();
    HOLDS(level <= 2 && va == asked_va + done, "page by page, without a gap");
    HOLDS(((va | (asked_pa + done)) & ((4096ull << 9 * level) - 1)) == 0 && 4096ull << 9 * level <= asked_size - done, "aligned, and inside the range");
    entry_level = level;
    pages++;
    entry = nondet_bool() ? 0 : nondet_word();
    may_stop |= entry != 0;
    return &entry;
}

int main(void)
{
    struct table_stock stock;
    asked_va = nondet_word() & ~0xfffull;
    asked_pa = nondet_word() & 0x000ffffffffff000ull;
    asked_size = nondet_word() & ~0xfffull;
    static const uint64_t kinds[] = {PAGE_READ_ONLY, PAGE_READ_WRITE, PAGE_TEXT, PAGE_UNCACHED, PAGE_PRESENT | PAGE_WRITE};
    asked_flags = kinds[nondet_below(5)];
    ASSUME(asked_size <= 3ull << 30 && asked_pa <= (1ull << 52) - asked_size && asked_va <= UINT64_MAX - asked_size);
    may_stop = asked_flags == (PAGE_PRESENT | PAGE_WRITE);
    /* the range takes 3 pages or fewer */
    uint64_t unit = 4096ull << 9 * nondet_below(3);
    ASSUME(asked_size % 4096 == 0 && ((asked_va | asked_pa | asked_size) & (unit - 1)) == 0 && asked_size <= 3 * unit);
    ASSUME(unit == 1ull << 30 || asked_size < 512 * unit);

    table_map(&stock, 0, asked_va, asked_pa, asked_size, asked_flags);

    look();
    HOLDS(done == asked_size, "all of the range");
    HOLDS(asked_flags != (PAGE_PRESENT | PAGE_WRITE), "never writable and executable");
    REACH(pages == 3 && entry_level == 2);
    REACH(pages == 2 && entry_level == 0);
    REACH(pages == 1 && (entry & 2) && entry_level == 1);
}
