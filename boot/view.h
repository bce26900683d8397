/* A window on physical memory: every parser reads firmware tables through one, so none can read outside, and on the host a test
 * gives it a buffer. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct memory_view {
    const uint8_t *bytes; /* where physical address `first` is seen */
    uint64_t first, size;
};

/* `size` bytes at `paddr`, or NULL when they are not all inside. */
static inline const uint8_t *view_at(const struct memory_view *v, uint64_t paddr, uint64_t size)
{
    if (paddr < v->first || paddr - v->first > v->size || size > v->size - (paddr - v->first))
        return NULL;
    return v->bytes + (paddr - v->first);
}

/* Little-endian fields of tables that need not be aligned. */
static inline uint16_t read16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t read32(const uint8_t *p)
{
    return read16(p) | (uint32_t)read16(p + 2) << 16;
}

static inline uint64_t read64(const uint8_t *p)
{
    return read32(p) | (uint64_t)read32(p + 4) << 32;
}
