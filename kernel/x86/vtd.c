/* VT-d: device entries, invalidation, faults. Numbers: VT-d specification 4.1; layouts in <x86/vtd.h>. amdvi.c is the same for AMD. */
#include <machine.h>
#include "iommu.h"
#include <x86/vtd.h>

static struct iommu_command command(struct vtd_entry e) { return (struct iommu_command){e.low, e.high}; }

static void *context(const struct iommu *u, word_t requester)
{
    return u->tables + IOMMU_DEVICES + requester * sizeof(struct vtd_entry);
}

/* 6.5.2.1 and 6.5.2.3: what is cached of the device's entry goes first, then what came from the tables that it named. */
static void forget(struct iommu *u, word_t requester, word_t domain)
{
    iommu_execute(u, command(vtd_invalidate_context((uint16_t)requester, (uint16_t)domain)),
                  command(vtd_invalidate_domain((uint16_t)domain)));
}

void vtd_device_attach(struct iommu *u, word_t requester, paddr_t table, word_t domain)
{
    struct vtd_entry e = vtd_context(table, (uint16_t)domain);
    iommu_entry_write(u, context(u, requester), e.low, e.high);
    forget(u, requester, domain);
}

void vtd_device_block(struct iommu *u, word_t requester, word_t domain)
{
    iommu_entry_write(u, context(u, requester), 0, 0);
    forget(u, requester, domain);
}

void vtd_flush_domain(struct iommu *u, word_t domain)
{
    iommu_execute(u, command(vtd_invalidate_domain((uint16_t)domain)), iommu_idle(u));
}

/* 6.5.2.3: 2^mask pages, if the unit can; else the domain. */
void vtd_flush_pages(struct iommu *u, word_t domain, word_t address, unsigned bits)
{
    unsigned mask = bits - 12;
    if (!(u->capability & VTD_CAP_PAGE_SELECTIVE) || mask > VTD_CAP_MAX_MASK(u->capability))
        return vtd_flush_domain(u, domain);
    iommu_execute(u, command(vtd_invalidate_pages((uint16_t)domain, address, mask)), iommu_idle(u));
}

/* 7.2.1: records are written in a circle; a record is free again when its upper bit is written back as 1. `next_record`: the oldest
 * one that may be in use. 11.4.14: T2:T1 is 00 for a write; 7.1.3: reasons from 20h on are about interrupts. */
bool vtd_fault_next(struct iommu *u, struct iommu_fault *fault)
{
    word_t count = VTD_CAP_FAULTS(u->capability);
    for (word_t i = 0; i < count; i++) {
        word_t index = (u->next_record + i) % count;
        char *record = u->registers + VTD_CAP_FAULT_OFFSET(u->capability) + 16 * index;
        word_t high = mmio_read64(record + 8), reason = high >> 32 & 0xff;
        if (!(high & VTD_FAULT_RECORD_VALID))
            continue;
        bool interrupt = reason >= VTD_REASON_INTERRUPT && reason < VTD_REASON_INTERRUPT + 0x10;
        bool write = !interrupt && !(high & (VTD_FAULT_RECORD_READ | VTD_FAULT_RECORD_TYPE_2));
        *fault = (struct iommu_fault){high & 0xffff, mmio_read64(record), reason | (write ? FAULT_WRITE : 0) | (interrupt ? FAULT_INTERRUPT : 0)};
        mmio_write32(record + 12, (uint32_t)(VTD_FAULT_RECORD_VALID >> 32));
        u->next_record = index + 1;
        return true;
    }
    return false;
}

bool vtd_faults_overflowed(struct iommu *u)
{
    bool overflowed = mmio_read32(u->registers + VTD_FAULT_STATUS) & 1;
    if (overflowed)
        mmio_write32(u->registers + VTD_FAULT_STATUS, 1); /* 11.4.9: write 1 to clear */
    return overflowed;
}
