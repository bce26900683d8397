/* A bounded reader of 64-bit ELF executables (System V gABI, chapters 4 and 5; x86-64 psABI). Compiles for the host. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define ELF_MAX_SEGMENTS 16
#define ELF_EXECUTE 1u /* segment flags */
#define ELF_WRITE 2u
#define ELF_READ 4u

struct elf_segment {
    uint64_t offset, file_size; /* inside the file, checked */
    uint64_t vaddr, size;       /* size >= file_size; the rest is zero */
    uint32_t flags;
};

struct elf_image {
    uint64_t entry;           /* inside an executable segment */
    uint64_t lowest, highest; /* vaddr range of all segments, whole pages */
    unsigned count;
    struct elf_segment segments[ELF_MAX_SEGMENTS]; /* ascending, not overlapping */
};

/* NULL, or half a sentence that goes behind the file's name: "is not ...". */
const char *elf_read(const uint8_t *file, uint64_t size, struct elf_image *image);

/* The further rules for a kernel: segments on their own pages, none writable and executable, inside [lowest, limit). */
const char *elf_check_kernel(const struct elf_image *image, uint64_t lowest, uint64_t limit);
/* The further rules for init: user addresses, [lowest, limit). */
const char *elf_check_user(const struct elf_image *image, uint64_t limit);

/* Copy the segments to `to` (zeroed memory of highest - lowest bytes). */
void elf_copy(const uint8_t *file, const struct elf_image *image, uint8_t *to);
