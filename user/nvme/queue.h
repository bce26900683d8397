/* Between the library's two files. */
#pragma once
#include "nvme.h"

#define NVME_POLL_US 10

void nvme_queue_init(struct nvme_queue *, uint16_t number, uint16_t entries, const struct nvme_memory *memory);
/* One command until its completion, whatever its status. False: there is none; `why`. */
bool nvme_run(struct nvme *, struct nvme_queue *, const struct nvme_command *, uint64_t data, uint32_t bytes, struct nvme_completion *, char *why,
              size_t why_size);
