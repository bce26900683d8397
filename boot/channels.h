/* Node channels in a system request (<atoll/channel.h>). Pure. */
#pragma once
#include "plan.h"

bool channels_check(struct plan *plan); /* the other requests were checked; false: plan->reason is a sentence */
/* Request i, a MOVABLE: count what it adds to the maps of both ends. */
void channels_count_entries(const struct plan_input *in, unsigned i, struct plan *plan);
/* Through which of this node's channels request `item` may be moved: bit i is its i-th CHANNEL. 0: through none. */
uint64_t channels_carry(const struct system_header *system, unsigned item, unsigned node);
