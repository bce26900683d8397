/* Node channels as the resource map lists them, for ../channel.c. */
#pragma once
#include <atoll/resource_map.h>
#include "../types.h"

word_t channels_bytes(const struct resource_map *); /* private memory for all this; 0: there is no channel */
/* `mailboxes`: where boot mapped them; `memory`: channels_bytes() of it, zero. */
void channels_init(const struct resource_map *, char *mailboxes, void *memory);
bool channels_move(const struct resource_map *, const struct resource_entry *); /* the entry is a thing that may be moved */
