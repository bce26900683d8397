#include "iommu_block.h"
#include "machine.h"
#include "print.h"

#define PATIENCE_SECONDS 1

static void expired(const struct iommu_unit *u, uint64_t start, const struct clock *clock)
{
    if (tsc_read() - start > PATIENCE_SECONDS * clock->tsc_hz)
        stop("the IOMMU at 0x%lx does not carry out what it is told; reset the machine, update its firmware", u->paddr);
    cpu_pause();
}

void unit_wait(const struct iommu_unit *u, unsigned offset, uint32_t mask, uint32_t value, const struct clock *clock)
{
    uint64_t start = tsc_read();
    while ((mmio_read32(u->paddr + offset) & mask) != value)
        expired(u, start, clock);
}

void unit_wait_status(const struct iommu_unit *u, uint64_t paddr, uint64_t value, const struct clock *clock)
{
    uint64_t start = tsc_read();
    while (mmio_read64(paddr) != value)
        expired(u, start, clock);
}
