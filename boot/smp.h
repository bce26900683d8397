/* The other cores: started one by one, parked until all are there, then each loads and enters its own node. */
#pragma once
#include "load.h"

/* Start the cores of nodes 1 and up; at `page` are two free pages of RAM below 1 MiB. Stops the machine when a core doesn't come. */
void smp_start(const struct launch *launch, uint64_t page);
void smp_release(void);
