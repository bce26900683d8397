/* What survives a warm reset: the stage that was reached, boot's log, and where the kernels' logs are. It lies in RAM that is given
 * to nobody, at a place that each boot finds again (docs/decisions/0011). Firmware that clears memory, or a cold start, loses it; it is never
 * trusted. Compiles for the host. */
#pragma once
#include <stdint.h>
#include "plan.h"
#include "ranges.h"

#define RECORD_PLACE 0x4000000ull /* the first free place here or above */
#define RECORD_BYTES 0x4000ull

/* Report the run before this one, if it left a record, and begin this run's. The record's memory is added to `own`; where that holds
 * something else already there is no record. */
void record_open(const struct ranges *ram, struct ranges *own);

void record_put(char c);           /* one character of boot's log; before record_open it is kept aside */
void record_stage(uint8_t stage);
void record_kernel_logs(const struct plan *plan);
