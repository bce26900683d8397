/* A spec as init may use it: every index, offset, size and order checked once, before the first thing is built. Host-testable. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <atoll/spec.h>

/* The arrays of a checked spec. */
struct spec_view {
    const struct spec_header *header;
    const struct spec_object *objects;
    const struct spec_cap *caps;
    const struct spec_mapping *mappings;
    const struct spec_fill *fills;
    const struct spec_thread *threads;
    const struct spec_irq *irqs;
    const uint8_t *data;
};

/* Check the spec in `size` bytes at `bytes` (8-aligned) for `node`. Returns 0 and fills the view, or -1 with a sentence. */
int spec_check(const void *bytes, size_t size, uint32_t node, struct spec_view *view, char *why, size_t why_size);

/* log2 of an object's bytes in private memory. Kinds KERNEL and UNTYPED of a checked spec. */
unsigned spec_object_bits(const struct spec_object *o);
