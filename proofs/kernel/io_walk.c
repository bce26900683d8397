/* function: walk (iospace.c)
 * property: at most four tables, each the right level's, never beside the window; ends at the level asked for or at the first entry that is no table, and names the entry that the unit would use
 * bound: any tables of both families (invariant: a present non-leaf entry names a table in the window)
 * options: --unwind 6
 */
#include "../proof.h"
#include "kernel/state.h"
static word_t table[512];
static unsigned met;
static void *table_named(word_t offset)
{
    (void)offset;
    met++;
    __CPROVER_havoc_object(table); /* the next table: any contents */
    return table;
}
#define object_at table_named
#include "kernel/x86/iospace.c"
#undef object_at
struct kernel kernel;
static struct iommu unit;
word_t iommu_count(void) { return 1; }
struct iommu *iommu_at(word_t n) { (void)n; return &unit; }

int main(void)
{
    struct io_space space;
    word_t address = nondet_word();
    enum level level = (enum level)nondet_below(4);
    unit.kind = nondet_bool() ? IOMMU_KIND_VTD : IOMMU_KIND_AMDVI;
    ASSUME(address < BIT(48));

    struct walk w = walk(&space, address, level);

    bool at_root = w.level == LEVEL_PML4;
    HOLDS(met == 3u - (unsigned)w.level, "one table for each level below the root");
    HOLDS(w.level >= level, "not below the level asked for");
    HOLDS(w.entry == &(at_root ? space.table : table)[address >> (12 + 9 * (unsigned)w.level) & 511], "the entry that the address selects");
    bool vtd = unit.kind == IOMMU_KIND_VTD, present = vtd ? *w.entry & 3 : *w.entry & 1;
    HOLDS(w.level == level || !present || (vtd ? *w.entry >> 7 & 1 : (*w.entry >> 9 & 7) == 0), "higher up only where the walk ends");
    REACH(met == 3 && vtd);
    REACH(met == 3 && !vtd);
    REACH(w.level != level && met == 1);
}
