/* Guest image files: is this file what the description says it is, and is it whole? */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "description.h"

struct image {
    uint8_t *bytes;
    size_t size;
};

/* Read a whole regular file of at most `max` bytes. Returns 0, or -1 with errno set (EISDIR for what is not a file, EFBIG). */
int image_read(const char *path, uint64_t max, struct image *image);
void image_free(struct image *image);

/* Checks of a kernel file's form. NULL: good, and *needs = the memory in bytes that the kernel asks for from address 0 on,
 * *cmdline_max = the longest command line that it takes. Else the end of a sentence that starts with the file's name. */
const char *image_check_linux(const struct image *image, uint64_t *needs, uint32_t *cmdline_max, char *text, size_t size);
const char *image_check_multiboot(const struct image *image, uint64_t *needs, char *text, size_t size);
