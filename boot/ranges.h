/* A set of physical address ranges: sorted, disjoint, not touching. Compiles for the host. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define RANGES_MAX 512

struct range { uint64_t start, end; }; /* [start, end) */

struct ranges {
    unsigned count;
    struct range r[RANGES_MAX];
};

/* Both return false, and change nothing, when the set would need more than RANGES_MAX ranges. An empty or reversed
 * [start, end) is nothing to add or remove. */
bool ranges_add(struct ranges *set, uint64_t start, uint64_t end);
bool ranges_remove(struct ranges *set, uint64_t start, uint64_t end);

/* The lowest `size` bytes (not 0) at a multiple of `align` (a power of two) are removed and their start stored. False: no room. */
bool ranges_take(struct ranges *set, uint64_t size, uint64_t align, uint64_t *start);

/* The largest range of the set, start rounded up and end rounded down to `align`; empty (start == end) if there is none. */
struct range ranges_largest(const struct ranges *set, uint64_t align);

bool ranges_contain(const struct ranges *set, uint64_t start, uint64_t end); /* all of it */
bool ranges_overlap(const struct ranges *set, uint64_t start, uint64_t end); /* any of it */
uint64_t ranges_total(const struct ranges *set);
