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

/* 11.4.14: records are written round robin; a record is free again when its upper bit is written back as 1. */
bool vtd_fault_take(struct iommu *u, word_t first, word_t last, struct iommu_fault *fault)
{
    for (unsigned i = 0; i < VTD_CAP_FAULTS(u->capability); i++) {
        char *record = u->registers + VTD_CAP_FAULT_OFFSET(u->capability) + 16 * i;
        word_t high = mmio_read64(record + 8), requester = high & 0xffff;
        if (!(high & VTD_FAULT_RECORD_VALID) || requester < first || requester > last)
            continue;
        *fault = (struct iommu_fault){requester, mmio_read64(record), (high >> 32 & 0xff) | (high >> 62 & 1) << 8};
        mmio_write32(record + 12, (uint32_t)(VTD_FAULT_RECORD_VALID >> 32));
        mmio_write32(u->registers + VTD_FAULT_STATUS, 1); /* overflow, 11.4.9: write 1 to clear */
        return true;
    }
    return false;
}
