/* function: iommu_interrupt_allow, iommu_interrupt_block
 * property: a vector's entry lies in this node's page of the interrupt table and is written at once; a blocked one is absent; on VT-d an allowed one names its requester, to be checked; the change is invalidated before the call returns
 * bound: all nodes, vectors, requesters; both families
 * options: --unwind 5
 * replace: iommu_execute:execute_contract iommu_entry_write:write_contract
 */
#include "../proof.h"
#include "kernel/x86/iommu.c"

struct kernel kernel;
void panic(const char *format, ...) { (void)format; while (1) ASSUME(0); }

/* The interrupt table of a machine with 4 nodes. */
#define NODES 4
static char block[IOMMU_INTERRUPTS + NODES * 4096];
static struct iommu u;
static unsigned executions;
static word_t vector, requester;
static struct iommu_command executed;
static word_t low, high, at;
static unsigned writes;
void write_contract(struct iommu *unit, volatile void *entry, word_t l, word_t h)
{
    HOLDS(unit == &u && executions == 0, "before its invalidation");
    at = (word_t)((volatile char *)entry - block);
    low = l;
    high = h;
    writes++;
}
void execute_contract(struct iommu *unit, struct iommu_command first, struct iommu_command second)
{
    (void)second;
    HOLDS(unit == &u, "on this unit");
    executed = first;
    executions++;
}

int main(void)
{
    bool vtd = nondet_bool(), allow = nondet_bool();
    own_node = nondet_below(NODES);
    vector = nondet_below(256);
    requester = nondet_word() & 0xffff;
    u = (struct iommu){.kind = vtd ? IOMMU_KIND_VTD : IOMMU_KIND_AMDVI, .coherent = nondet_bool(), .block = nondet_word() & MASK(45) & ~MASK(21), .tables = block};

    if (allow)
        iommu_interrupt_allow(&u, vector, requester, nondet_unsigned(), nondet_bool());
    else
        iommu_interrupt_block(&u, vector, requester);

    HOLDS(writes == 1 && at == IOMMU_INTERRUPTS + own_node * 4096 + vector * 16, "the vector's entry in this node's page");
    HOLDS(allow ? low & 1 : low == 0 && high == 0, "present if it is allowed, absent if not");
    HOLDS(!allow || !vtd || ((high & 0xffff) == requester && (high >> 18 & 3) == 1), "VT-d 9.10: the source is checked against the requester");
    HOLDS(executions == 1, "invalidated after the change, before the call returns");
    /* VT-d 6.5.2.7: type 4, granularity bit 4 (1: this index), index 47..32. AMD-Vi 2.4.5: opcode 5. */
    HOLDS(vtd ? (executed.low & 15) == 4 && (!(executed.low >> 4 & 1) || (executed.low >> 32 & 0xffff) == (own_node << 8 | vector))
              : executed.low >> 60 == 5 && (executed.low & 0xffff) == requester, "of this entry, or more");
    REACH(vtd && allow);
    REACH(!vtd && !allow);
}
