/* function: iommu_execute, iommu_idle, wait_command, kick, wait_for (iommu.c)
 * property: the commands of a request lie in this node's own slots of the queue, behind a wait and before one; it returns only when the unit has passed both, and leaves nothing but waits behind; nothing undefined
 * bound: a unit that answers within 2 looks; 4 nodes, both families
 * options: --unwind 9
 */
#include "../proof.h"
#include <machine.h>
#include <atoll/iommu.h>
/* The block's parts closer together, so that it is small. */
#undef IOMMU_QUEUE
#undef IOMMU_STATUS
#define IOMMU_QUEUE 0x0ull
#define IOMMU_STATUS 0x200ull
/* A slot is written at once; the hardware sees what was written and answers a wait that it finds. */
static void slot_written(volatile void *, uint64_t, uint64_t);
static void looked_at(void);
#define store16(p, low, high) slot_written(p, low, high)
#define rdtsc() (looked_at(), 0)
#include "kernel/x86/iommu.c"

#define NODES 4
struct kernel kernel;
static struct {
    uint64_t registers[0x2040 / 8];
    struct iommu_command queue[16 * 2];
    struct iommu_status status[NODES];
} hardware;
static unsigned writes, looks;
static struct iommu_command seen[IOMMU_SLOTS];
void panic(const char *f, ...) { (void)f; ASSUME(false); for (;;); }

static void slot_written(volatile void *p, uint64_t low, uint64_t high)
{
    struct iommu_command *slot = (struct iommu_command *)(uintptr_t)p;
    HOLDS(slot >= &hardware.queue[IOMMU_SLOTS * own_node] && slot < &hardware.queue[IOMMU_SLOTS * own_node] + IOMMU_SLOTS, "this node's own slots");
    seen[slot - &hardware.queue[IOMMU_SLOTS * own_node]] = (struct iommu_command){low, high};
    writes++;
}
/* At a look the unit may have passed the front wait, the rear wait, or neither. */
static void looked_at(void)
{
    volatile struct iommu_status *s = &hardware.status[own_node];
    if (++looks >= 2 || nondet_bool())
        s->front = units[0].ticket;
    if (looks >= 4 || nondet_bool())
        s->rear = units[0].ticket;
}

int main(void)
{
    bool vtd = nondet_bool();
    own_node = nondet_below(NODES);
    queue_bytes = 4096;
    kernel.ticks_per_us = 1;
    struct iommu *u = iommu_at(0);
    *u = (struct iommu){.kind = vtd ? IOMMU_KIND_VTD : IOMMU_KIND_AMDVI, .coherent = nondet_bool(), .ticket = nondet_unsigned(), .block = nondet_word() & MASK(45) & ~MASK(21),
                        .registers = (char *)hardware.registers, .tables = (char *)hardware.queue};
    struct iommu_command first = {nondet_word(), nondet_word()}, second = {nondet_word(), nondet_word()};

    iommu_execute(u, first, second);

    struct iommu_command idle = iommu_idle(u);
    HOLDS(writes == 2 * IOMMU_SLOTS, "each slot for the request, each after it");
    HOLDS(hardware.status[own_node].front == u->ticket && hardware.status[own_node].rear == u->ticket && u->ticket != 0, "the unit has passed both");
    for (unsigned i = 0; i < IOMMU_SLOTS; i++)
        HOLDS(seen[i].low == idle.low && seen[i].high == idle.high, "nothing but waits behind");
    REACH(vtd);
    REACH(!vtd && looks == 4);
}
