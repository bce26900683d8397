/* AMD-Vi: device entries, invalidation, faults. Numbers: AMD IOMMU specification 3.09 (48882); layouts in <x86/amdvi.h>. vtd.c is
 * the same for Intel. */
#include <machine.h>
#include "iommu.h"
#include <x86/amdvi.h>
#include "../core.h"

#define EVENT_BYTES 16
#define EVENT_LOG_BYTES 4096
#define EVENT_INTERRUPT BIT(51) /* 2.5.3, I */
#define EVENT_WRITE BIT(53)     /* RW */
#define EVENT_BAD_COMMAND 5     /* 2.5.6, 2.5.7: about no function */
#define EVENT_COMMAND_HARDWARE 6

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

bool amdvi_interrupts_elsewhere(const struct iommu *u, word_t requester, paddr_t table)
{
    word_t now = ((const volatile struct amdvi_device *)(u->tables + IOMMU_DEVICES))[requester].w[2];
    return (now & AMDVI_DEVICE_INTERRUPTS_REMAPPED) == AMDVI_DEVICE_INTERRUPTS_REMAPPED && now != (AMDVI_DEVICE_INTERRUPTS_REMAPPED | table);
}

void amdvi_flush_domain(struct iommu *u, word_t domain)
{
    iommu_execute(u, command(amdvi_invalidate_domain((uint16_t)domain)), iommu_idle(u));
}

void amdvi_flush_pages(struct iommu *u, word_t domain, word_t address, unsigned bits)
{
    iommu_execute(u, command(amdvi_invalidate_pages((uint16_t)domain, address, bits - 12)), iommu_idle(u));
}

/* 2.5: bits 63..60 of an event's first half are its code, 59..48 flags, 15..0 the function, in those that are about one. The code is
 * written last (2.5.2: software polls it), and cleared by us for the next time round. */
bool amdvi_fault_next(struct iommu *u, struct iommu_fault *fault)
{
    for (unsigned n = 0; n < EVENT_LOG_BYTES / EVENT_BYTES; n++) {
        word_t head = mmio_read64(u->registers + AMDVI_EVENT_HEAD) & (EVENT_LOG_BYTES - EVENT_BYTES);
        if (head == (mmio_read64(u->registers + AMDVI_EVENT_TAIL) & (EVENT_LOG_BYTES - EVENT_BYTES)))
            return false;
        volatile word_t *event = (volatile word_t *)(u->tables + IOMMU_EVENTS + head);
        word_t low = event[0], address = event[1], code = low >> 60;
        if (code == 0)
            return false;
        event[0] = 0;
        mmio_write64(u->registers + AMDVI_EVENT_HEAD, (head + EVENT_BYTES) & (EVENT_LOG_BYTES - 1));
        if (code != EVENT_BAD_COMMAND && code != EVENT_COMMAND_HARDWARE) {
            *fault = (struct iommu_fault){low & 0xffff, address, code | (low & EVENT_WRITE ? FAULT_WRITE : 0) |
                                                                     (low & EVENT_INTERRUPT ? FAULT_INTERRUPT : 0)};
            return true;
        }
        log_printf("iommu: the unit with tables at 0x%lx cannot carry out the command at 0x%lx: event %lu\n", (unsigned long)u->block,
                   (unsigned long)address, (unsigned long)code);
    }
    return false;
}

/* A log that overflowed stands still until it is switched off and on again (3.4.4, EventLogEn): when all that is in it has been read. */
bool amdvi_faults_overflowed(struct iommu *u)
{
    if (!(mmio_read64(u->registers + AMDVI_STATUS) & AMDVI_STATUS_OVERFLOW) ||
        mmio_read64(u->registers + AMDVI_EVENT_HEAD) != mmio_read64(u->registers + AMDVI_EVENT_TAIL))
        return false;
    word_t control = mmio_read64(u->registers + AMDVI_CONTROL);
    mmio_write64(u->registers + AMDVI_CONTROL, control & ~AMDVI_CONTROL_EVENTS);
    mmio_write64(u->registers + AMDVI_STATUS, AMDVI_STATUS_OVERFLOW);
    mmio_write64(u->registers + AMDVI_CONTROL, control);
    return true;
}
