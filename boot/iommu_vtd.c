/* VT-d. Chapter and section numbers: VT-d specification 4.1; bits in <x86/vtd.h>. */
#include <atoll/iommu.h>
#include <x86/vtd.h>
#include "bytes.h"
#include "iommu_block.h"
#include "machine.h"

#define PAGE 4096ull
#define BUSES 256u

struct unit {
    const struct iommu_unit *unit;
    uint64_t block;
    const struct clock *clock;
};

/* 11.4.4: one bit at a time, the others as the status says they are. `on`: what the status shows when it is done. */
static void command(const struct unit *u, uint32_t bit, uint32_t on)
{
    uint32_t now = mmio_read32(u->unit->paddr + VTD_STATUS) & ~VTD_ONE_SHOT;
    mmio_write32(u->unit->paddr + VTD_COMMAND, on || (bit & VTD_ONE_SHOT) ? now | bit : now & ~bit);
    unit_wait(u->unit, VTD_STATUS, bit, on, u->clock);
}

static void stop_queue(const struct unit *u)
{
    if (!(mmio_read32(u->unit->paddr + VTD_STATUS) & VTD_QUEUE))
        return;
    unit_wait(u->unit, VTD_QUEUE_HEAD, UINT32_MAX, mmio_read32(u->unit->paddr + VTD_QUEUE_TAIL), u->clock);
    command(u, VTD_QUEUE, 0);
}

static void start_queue(const struct unit *u, unsigned nodes)
{
    stop_queue(u); /* a firmware that protects the machine before the operating system does may have used it */
    mmio_write64(u->unit->paddr + VTD_QUEUE_TAIL, 0);
    mmio_write64(u->unit->paddr + VTD_QUEUE_ADDRESS, (u->block + IOMMU_QUEUE) | (iommu_queue_bits(nodes) - 8));
    command(u, VTD_QUEUE, VTD_QUEUE);
}

/* 6.5.2: what the unit may still hold of the firmware's tables goes. */
static void invalidate_all(const struct unit *u)
{
    struct vtd_entry *queue = (struct vtd_entry *)(u->block + IOMMU_QUEUE);
    uint64_t done = u->block + IOMMU_STATUS;
    queue[0] = VTD_INVALIDATE_ALL_CONTEXTS;
    queue[1] = VTD_INVALIDATE_ALL_PAGES;
    queue[2] = VTD_INVALIDATE_ALL_INTERRUPTS;
    queue[3] = vtd_wait(done, 1);
    mmio_write64(u->unit->paddr + VTD_QUEUE_TAIL, 4 * sizeof *queue);
    unit_wait_status(u->unit, done, 1, u->clock);
    mmio_write64(done, 0);
}

/* Every slot holds a command that harms nobody, for ever: docs/decisions/0010. Slots of no node write to node 0's line. */
static void idle_queue(const struct unit *u, unsigned nodes)
{
    struct vtd_entry *queue = (struct vtd_entry *)(u->block + IOMMU_QUEUE);
    for (unsigned i = 0; i < 1u << iommu_queue_bits(nodes); i++) {
        unsigned node = i / IOMMU_SLOTS < nodes ? i / IOMMU_SLOTS : 0;
        queue[i] = vtd_wait(u->block + IOMMU_STATUS + node * sizeof(struct iommu_status) + offsetof(struct iommu_status, idle), 0);
    }
}

void vtd_block(const struct iommu_unit *unit, uint64_t capability, uint64_t block, unsigned nodes, const struct clock *clock)
{
    struct unit u = {unit, block, clock};
    uint64_t *root = (uint64_t *)(block + IOMMU_ROOT);
    for (unsigned bus = 0; bus < BUSES; bus++) /* 9.1; the context tables are zero: nothing is present, so nothing passes */
        root[2 * bus] = (block + IOMMU_DEVICES + bus * PAGE) | VTD_ROOT_PRESENT;
    mmio_write32(unit->paddr + VTD_FAULT_CONTROL, VTD_FAULT_MASKED);
    if (capability & VTD_CAP_WRITE_BUFFER) {
        uint32_t now = mmio_read32(unit->paddr + VTD_STATUS) & ~VTD_ONE_SHOT;
        mmio_write32(unit->paddr + VTD_COMMAND, now | VTD_FLUSH_WRITE_BUFFER);
        unit_wait(unit, VTD_STATUS, VTD_FLUSH_WRITE_BUFFER, 0, clock);
    }
    /* Translation that is on already stays on: from here the unit reads our tables. */
    mmio_write64(unit->paddr + VTD_ROOT, block + IOMMU_ROOT);
    command(&u, VTD_SET_ROOT, VTD_SET_ROOT);
    start_queue(&u, nodes);
    unsigned entries_log2 = 8;
    while (1u << (entries_log2 - 8) < iommu_interrupt_pages(nodes))
        entries_log2++;
    mmio_write64(unit->paddr + VTD_INTERRUPT_TABLE, (block + IOMMU_INTERRUPTS) | VTD_INTERRUPT_TABLE_X2APIC | (entries_log2 - 1));
    command(&u, VTD_SET_INTERRUPT_TABLE, VTD_SET_INTERRUPT_TABLE);
    invalidate_all(&u);
    command(&u, VTD_COMPATIBILITY, 0);
    command(&u, VTD_INTERRUPTS, VTD_INTERRUPTS);
    command(&u, VTD_TRANSLATION, VTD_TRANSLATION);
    if (capability & VTD_CAP_PROTECTED_MEMORY)
        mmio_write32(unit->paddr + VTD_PROTECTED_MEMORY, 0);
    idle_queue(&u, nodes);
}
