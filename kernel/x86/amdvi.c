/* AMD-Vi: device entries, invalidation, faults. Numbers: AMD IOMMU specification 3.09 (48882); layouts in <x86/amdvi.h>. vtd.c is
 * the same for Intel. */
#include <machine.h>
#include "iommu.h"
#include <x86/amdvi.h>

#define EVENT_BYTES 16
#define EVENT_LOG_BYTES 4096
#define EVENT_IO_PAGE_FAULT 2 /* 2.5.3 */

static struct iommu_command command(struct amdvi_entry e) { return (struct iommu_command){e.low, e.high}; }

/* 2.2.2.1: the translation half of the entry; the interrupt half stays as it is. */
static void device_write(struct iommu *u, word_t requester, word_t w0, word_t w1)
{
    iommu_entry_write(u, u->tables + IOMMU_DEVICES + requester * sizeof(struct amdvi_device), w0, w1);
}

/* 2.4.2 and 2.4.3: the entry, then what came from the tables that it named (INVALIDATE_DEVTAB_ENTRY says nothing about those). */
static void forget(struct iommu *u, word_t requester, word_t domain)
{
    iommu_execute(u, command(amdvi_invalidate_device((uint16_t)requester)), command(amdvi_invalidate_domain((uint16_t)domain)));
}

void amdvi_device_attach(struct iommu *u, word_t requester, paddr_t table, word_t domain)
{
    device_write(u, requester, table | AMDVI_DEVICE_VALID | AMDVI_DEVICE_LEVELS_4 | AMDVI_DEVICE_READ | AMDVI_DEVICE_WRITE, domain);
    forget(u, requester, domain);
}

void amdvi_device_block(struct iommu *u, word_t requester, word_t domain)
{
    device_write(u, requester, AMDVI_DEVICE_VALID, 0);
    forget(u, requester, domain);
}

/* 2.2.2.1, the other half: 2.4.2, and 2.4.5 for what came from the table. */
void amdvi_interrupts_set(struct iommu *u, word_t requester, paddr_t table)
{
    iommu_entry_write(u, u->tables + IOMMU_DEVICES + requester * sizeof(struct amdvi_device) + 16,
                      table ? AMDVI_DEVICE_INTERRUPTS_REMAPPED | table : AMDVI_DEVICE_INTERRUPTS_BLOCKED, 0);
    iommu_execute(u, command(amdvi_invalidate_device((uint16_t)requester)), command(amdvi_invalidate_interrupts((uint16_t)requester)));
}

void amdvi_flush_domain(struct iommu *u, word_t domain)
{
    iommu_execute(u, command(amdvi_invalidate_domain((uint16_t)domain)), iommu_idle(u));
}

void amdvi_flush_pages(struct iommu *u, word_t domain, word_t address, unsigned bits)
{
    iommu_execute(u, command(amdvi_invalidate_pages((uint16_t)domain, address, bits - 12)), iommu_idle(u));
}

/* 2.5: the log is node 0's. Events of requesters outside the range are skipped for good: the range of whoever asks is node 0's all. */
bool amdvi_fault_take(struct iommu *u, word_t first, word_t last, struct iommu_fault *fault)
{
    if (!u->has_events)
        return false;
    for (;;) {
        word_t head = mmio_read64(u->registers + AMDVI_EVENT_HEAD) & (EVENT_LOG_BYTES - EVENT_BYTES);
        if (head == (mmio_read64(u->registers + AMDVI_EVENT_TAIL) & (EVENT_LOG_BYTES - EVENT_BYTES)))
            return false;
        const volatile word_t *event = (const volatile word_t *)(u->tables + IOMMU_EVENTS + head);
        word_t low = event[0], requester = low & 0xffff;
        *fault = (struct iommu_fault){requester, event[1], low >> 60 | (low >> 52 & 0xff) << 8};
        mmio_write64(u->registers + AMDVI_EVENT_HEAD, (head + EVENT_BYTES) & (EVENT_LOG_BYTES - 1));
        if (low >> 60 == EVENT_IO_PAGE_FAULT && requester >= first && requester <= last)
            return true;
    }
}
