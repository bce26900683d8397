/* Enable a unit with every requester blocked and every interrupt refused, whatever state the firmware left it in. `block`: its zeroed
 * tables, laid out as in <atoll/iommu.h>. They stop the machine, with a sentence, when the unit does not answer. */
#pragma once
#include <stdint.h>
#include "clock.h"
#include "iommu.h"

void vtd_block(const struct iommu_unit *, uint64_t capability, uint64_t block, unsigned nodes, const struct clock *);
void amdvi_block(const struct iommu_unit *, uint64_t block, unsigned nodes, const struct clock *);
/* AMD-Vi: a requester (an IOAPIC) whose interrupts are remapped by node 0's entries. VT-d needs nothing of that kind. */
void amdvi_remap_interrupts(uint64_t block, uint16_t requester);

/* Wait until the register's bits under `mask` are `value`. */
void unit_wait(const struct iommu_unit *, unsigned offset, uint32_t mask, uint32_t value, const struct clock *);
/* Wait until a command's completion was written. */
void unit_wait_status(const struct iommu_unit *, uint64_t paddr, uint64_t value, const struct clock *);
