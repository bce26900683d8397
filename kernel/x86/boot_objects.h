/* What start.c has made for init. */
#pragma once
#include <atoll/resource_map.h>
#include "../object.h"

void init_create(const struct resource_map *, ticks_t kernel_start); /* init's objects, capabilities and boot information */
struct tcb *init_thread(void);
