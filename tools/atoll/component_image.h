/* A component's ELF file, checked: its segments as bytes in memory. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAGE_MAX_SEGMENTS 8

struct component_image {
    uint8_t *file;
    size_t size;
    uint64_t entry;
    unsigned count;
    struct image_segment {
        uint64_t vaddr, memory_size; /* vaddr is page-aligned; segments ascend and share no page */
        const uint8_t *bytes;
        size_t size; /* bytes in the file; the rest of memory_size is zero */
        bool writable, executable;
    } segments[IMAGE_MAX_SEGMENTS];
};

/* Check `size` bytes of an ELF64 executable for x86-64 whose segments lie in [low, high); the block becomes the image's. Returns 0,
 * or -1 with a clause in `why` ("is not an ELF64 file"). */
int component_image_parse(struct component_image *, uint8_t *file, size_t size, uint64_t low, uint64_t high, const char **why);
/* Read a whole file: malloc'ed bytes, or NULL with errno set. */
uint8_t *file_read(const char *path, size_t *size);
