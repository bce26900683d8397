/* AMD-Vi. Section numbers: AMD IOMMU specification 3.09 (48882); bits in <x86/amdvi.h>. */
#include <atoll/iommu.h>
#include <x86/amdvi.h>
#include "bytes.h"
#include "iommu_block.h"
#include "machine.h"

#define DEVICES 65536u
#define DEVICE_TABLE_PAGES 512u
#define EVENTS_LOG2 8ull
#define STATUS_RUNNING 0x18u      /* 3.4.16: event log and command buffer running */
#define IVHD_FLAGS 0x0fu          /* 5.2.2.1: HtTunEn, PassPW, ResPassPW, Isoc, as the control register wants them */

void amdvi_remap_interrupts(uint64_t block, uint16_t requester)
{
    struct amdvi_device *table = (struct amdvi_device *)(block + IOMMU_DEVICES);
    table[requester].w[2] = AMDVI_DEVICE_INTERRUPTS_REMAPPED | (block + IOMMU_INTERRUPTS);
}

static uint64_t control_of(uint8_t flags)
{
    return (flags & 1ull) << 1 | (flags >> 1 & 1ull) << 8 | (flags >> 2 & 1ull) << 9 | (flags >> 3 & 1ull) << 11;
}

void amdvi_block(const struct iommu_unit *unit, uint64_t block, unsigned nodes, const struct clock *clock)
{
    struct amdvi_device *devices = (struct amdvi_device *)(block + IOMMU_DEVICES);
    struct amdvi_entry *queue = (struct amdvi_entry *)(block + IOMMU_QUEUE);
    uint64_t done = block + IOMMU_STATUS, control = mmio_read64(unit->paddr + AMDVI_CONTROL);
    for (unsigned i = 0; i < DEVICES; i++) /* 2.2.2.1: all of them, also those that do not exist */
        devices[i] = (struct amdvi_device){{AMDVI_DEVICE_VALID, 0, AMDVI_DEVICE_INTERRUPTS_BLOCKED, 0}};

    /* Queues stop before they move (3.4.2); translation that is on stays on, and reads our table from here. */
    control &= AMDVI_CONTROL_ENABLE;
    mmio_write64(unit->paddr + AMDVI_CONTROL, control);
    if (control)
        unit_wait(unit, AMDVI_STATUS, STATUS_RUNNING, 0, clock);
    mmio_write64(unit->paddr + AMDVI_DEVICE_TABLE, (block + IOMMU_DEVICES) | (DEVICE_TABLE_PAGES - 1));
    mmio_write64(unit->paddr + AMDVI_COMMANDS, (block + IOMMU_QUEUE) | (uint64_t)iommu_queue_bits(nodes) << 56);
    mmio_write64(unit->paddr + AMDVI_COMMAND_HEAD, 0);
    mmio_write64(unit->paddr + AMDVI_COMMAND_TAIL, 0);
    mmio_write64(unit->paddr + AMDVI_EVENTS, (block + IOMMU_EVENTS) | EVENTS_LOG2 << 56);
    mmio_write64(unit->paddr + AMDVI_EVENT_HEAD, 0);
    mmio_write64(unit->paddr + AMDVI_EVENT_TAIL, 0);
    mmio_write64(unit->paddr + AMDVI_EXCLUSION_BASE, 0);
    mmio_write64(unit->paddr + AMDVI_EXCLUSION_LIMIT, 0);
    mmio_write64(unit->paddr + AMDVI_CONTROL,
                 control_of(unit->flags & IVHD_FLAGS) | AMDVI_CONTROL_ENABLE | AMDVI_CONTROL_EVENTS | AMDVI_CONTROL_COHERENT |
                     AMDVI_CONTROL_COMMANDS | AMDVI_CONTROL_WIDE_ENTRIES | AMDVI_CONTROL_X2APIC);

    queue[0] = AMDVI_INVALIDATE_ALL;
    queue[1] = amdvi_wait(done, 1);
    mmio_write64(unit->paddr + AMDVI_COMMAND_TAIL, 2 * sizeof *queue);
    unit_wait_status(unit, done, 1, clock);
    mmio_write64(done, 0);
    /* Every slot holds a command that harms nobody, for ever: docs/decisions/0010. Slots of no node write to node 0's line. */
    for (unsigned i = 0; i < 1u << iommu_queue_bits(nodes); i++) {
        unsigned node = i / IOMMU_SLOTS < nodes ? i / IOMMU_SLOTS : 0;
        queue[i] = amdvi_wait(done + node * sizeof(struct iommu_status) + offsetof(struct iommu_status, idle), 0);
    }
}
