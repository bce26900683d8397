/* The resource map: its checks, and what the rest of the machine side asks of it later. */
#pragma once
#include <atoll/resource_map.h>
#include "../channel.h"

/* NULL: the map is sound. Else one sentence that says what contradicts what; `entry` is the entry it is about (or -1). Pure. */
const char *resource_map_check(const struct resource_map *, int *entry);

/* Bytes of memory behind an entry: a module's memory is rounded up to whole pages, its size is not. */
uint64_t resource_memory_bytes(const struct resource_entry *);
bool resource_has_capability(uint32_t kind); /* turned into capabilities and listed by name */
bool resource_is_untyped(uint32_t kind);
/* Of RESOURCE_REQUESTERS, RESOURCE_IPI and such a RESOURCE_MOVABLE: the value of a channel's record. */
uint64_t resource_channel_value(const struct resource_entry *);
bool resource_is_item(const struct resource_entry *movable, const struct resource_entry *); /* it is that thing itself */

void resources_remember(const struct resource_map *);
const struct resource_map *resources_remembered(void);
bool resource_is_read_only(paddr_t);         /* inside shared memory that this node may only read */

/* The next naturally aligned power-of-two piece of [paddr, end): its size as log2, at least 12 bits, at most `most`. */
unsigned resource_piece_bits(uint64_t paddr, uint64_t end, unsigned most);
