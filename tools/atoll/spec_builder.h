/* A node's spec (<atoll/spec.h>) under construction. Nothing here fails half way: what does not fit sets `full`, and the
 * writer refuses then. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <atoll/spec.h>

struct spec_builder {
    struct spec_object objects[SPEC_MAX_OBJECTS];
    struct spec_cap caps[SPEC_MAX_OBJECTS];
    struct spec_mapping mappings[SPEC_MAX_OBJECTS];
    struct spec_fill fills[SPEC_MAX_OBJECTS];
    struct spec_thread threads[SPEC_MAX_OBJECTS];
    struct spec_irq irqs[SPEC_MAX_OBJECTS];
    struct spec_header header; /* counts as they grow */
    uint8_t *data;
    size_t data_size, data_room;
    bool full; /* too many items, or no memory */
};

struct spec_builder *spec_new(uint32_t node);
void spec_free(struct spec_builder *);

/* Each returns the new object's index. */
uint32_t spec_object(struct spec_builder *, uint32_t type, uint32_t size_bits, const char *name, ...)
    __attribute__((format(printf, 4, 5)));
uint32_t spec_untyped(struct spec_builder *, uint32_t size_bits, const char *name, ...)
    __attribute__((format(printf, 3, 4)));
uint32_t spec_named(struct spec_builder *, const char *resource, ...) __attribute__((format(printf, 2, 3)));
uint32_t spec_shared(struct spec_builder *, const char *resource, uint32_t page);
uint32_t spec_ports(struct spec_builder *, uint16_t first, uint16_t last, const char *name);
uint32_t spec_interrupt(struct spec_builder *, const char *name, uint32_t notification, uint64_t badge, uint32_t vector,
                        uint32_t ioapic_pin);
/* A device's message; requesters: the object of its requester ID. */
uint32_t spec_message(struct spec_builder *, const char *name, uint32_t notification, uint64_t badge, uint32_t vector, uint32_t requesters);

void spec_cap(struct spec_builder *, uint32_t cnode, uint32_t slot, uint32_t object, uint32_t rights, uint64_t badge);
void spec_caps(struct spec_builder *, uint32_t cnode, uint32_t slot, uint32_t object, uint32_t span); /* memory */
void spec_fill(struct spec_builder *, uint32_t frame, uint32_t offset, const void *bytes, size_t length);
struct spec_thread *spec_thread(struct spec_builder *); /* to be filled in; never NULL */

/* An address space: its root and the page tables made so far. */
#define SPACE_MAX_TABLES 256
struct space {
    uint32_t root;
    const char *name;
    unsigned count;
    struct {
        uint32_t type;
        uint64_t base;
    } tables[SPACE_MAX_TABLES];
};
void space_new(struct space *, struct spec_builder *, const char *name);
/* Map a 4 KiB frame, with the tables that are missing. */
void space_map(struct space *, struct spec_builder *, uint32_t frame, uint64_t vaddr, uint32_t rights, bool executable);
void space_map_device(struct space *, struct spec_builder *, uint32_t frame, uint64_t vaddr, uint32_t rights);

/* The finished spec as one malloc'ed block; NULL if it became too large. */
void *spec_finish(struct spec_builder *, size_t *bytes);
