/* function: table_walk
 * property: at most four tables, each the right level's, never beside the window; ends at the level asked for or at the first entry that is no table, and names the entry that the processor would use
 * bound: any tables (contents arbitrary; invariant: a present non-leaf entry names a table in the window)
 * options: --unwind 6
 */
#include "../proof.h"
#include "kernel/state.h"
static word_t table[512];
static unsigned met;
static word_t named[4];
static void *table_named(word_t offset)
{
    ASSUME(met < 5);
    if (met < 4)
        named[met] = offset;
    met++;
    __CPROVER_havoc_object(table); /* the next table: any contents */
    return table;
}
#define object_at table_named
#include "kernel/x86/paging.h"
struct kernel kernel;

int main(void)
{
    word_t va = nondet_word(), root = nondet_word();
    enum level level = (enum level)nondet_below(4);
    kernel.window_paddr = nondet_word() & ~MASK(21);
    ASSUME(va < USER_TOP);

    struct walk w = table_walk(root, va, level);

    HOLDS(met <= 4 && met == 4u - (unsigned)w.level && named[0] == root, "one table for each level, from the root on");
    HOLDS(w.level >= level, "not below the level asked for");
    HOLDS(w.entry == &table[va >> (12 + 9 * (unsigned)w.level) & 511], "the entry that the address selects");
    HOLDS(w.level == level || !(*w.entry & 1) || (w.level < LEVEL_PML4 && (*w.entry >> 7 & 1)), "higher up only where the walk ends");
    REACH(met == 4);
    REACH(w.level != level && met == 2);
}
