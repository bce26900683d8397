/* The other cores: started one by one, parked until all are there, then each loads and enters its own node. */
#pragma once
#include "load.h"

/* Every other processor waits for its start-up interrupt from here on, wherever the firmware had left it: UEFI firmware lets them run in a
 * loop of its own. Once, on the boot processor, in x2APIC mode. */
void smp_stop_others(void);

/* Start the cores of nodes 1 and up; at `page` are two free pages of RAM below 1 MiB. Stops the machine when a core doesn't come. */
void smp_start(const struct launch *launch, uint64_t page);
void smp_release(void);
