#include "bytes.h"
#include "elf.h"
#include "view.h"

#define PAGE 4096ull
#define HEADER_SIZE 64
#define PROGRAM_HEADER_SIZE 56
#define TYPE_EXECUTABLE 2
#define MACHINE_X86_64 62
#define SEGMENT_LOAD 1

static const char *read_segment(const uint8_t *header, uint64_t file_size, struct elf_image *image)
{
    struct elf_segment s = {
        .flags = read32(header + 4) & (ELF_READ | ELF_WRITE | ELF_EXECUTE),
        .offset = read64(header + 8),
        .vaddr = read64(header + 16),
        .file_size = read64(header + 32),
        .size = read64(header + 40),
    };
    if (s.size == 0)
        return NULL;
    if (image->count == ELF_MAX_SEGMENTS)
        return "has too many segments";
    if (s.file_size > s.size)
        return "has a segment that is larger in the file than in memory";
    if (s.offset > file_size || s.file_size > file_size - s.offset)
        return "is truncated: a segment reaches beyond the end of the file";
    if (s.vaddr + s.size < s.vaddr || s.vaddr + s.size > UINT64_MAX - PAGE)
        return "has a segment beyond the end of the address space";
    if (image->count) {
        const struct elf_segment *last = &image->segments[image->count - 1];
        if (s.vaddr < last->vaddr + last->size)
            return "has overlapping or unordered segments";
    }
    image->segments[image->count++] = s;
    return NULL;
}

const char *elf_read(const uint8_t *file, uint64_t size, struct elf_image *image)
{
    image->count = 0;
    if (size < HEADER_SIZE || memcmp(file, "\177ELF", 4) != 0)
        return "is not an ELF file";
    if (file[4] != 2 || file[5] != 1 || read16(file + 18) != MACHINE_X86_64)
        return "is not a 64-bit x86 ELF file";
    if (read16(file + 16) != TYPE_EXECUTABLE)
        return "is not an executable at a fixed address";
    uint64_t offset = read64(file + 32), count = read16(file + 56);
    if (read16(file + 54) != PROGRAM_HEADER_SIZE)
        return "has program headers of an unknown size";
    if (offset > size || count * PROGRAM_HEADER_SIZE > size - offset)
        return "is truncated: its program headers reach beyond the end of the file";
    for (uint64_t i = 0; i < count; i++) {
        const uint8_t *header = file + offset + i * PROGRAM_HEADER_SIZE;
        const char *wrong = read32(header) == SEGMENT_LOAD ? read_segment(header, size, image) : NULL;
        if (wrong)
            return wrong;
    }
    if (!image->count)
        return "has no segment to load";
    const struct elf_segment *last = &image->segments[image->count - 1];
    image->lowest = image->segments[0].vaddr & ~(PAGE - 1);
    image->highest = (last->vaddr + last->size + PAGE - 1) & ~(PAGE - 1);
    image->entry = read64(file + 24);
    for (unsigned i = 0; i < image->count; i++) {
        const struct elf_segment *s = &image->segments[i];
        if ((s->flags & ELF_EXECUTE) && image->entry >= s->vaddr && image->entry - s->vaddr < s->size)
            return NULL;
    }
    return "has its entry point outside its code";
}

const char *elf_check_kernel(const struct elf_image *image, uint64_t lowest, uint64_t limit)
{
    if (image->lowest != lowest || image->highest > limit)
        return "is not linked at the kernel's address";
    for (unsigned i = 0; i < image->count; i++) {
        if (image->segments[i].vaddr % PAGE)
            return "has a segment that does not start on a page";
        if ((image->segments[i].flags & (ELF_WRITE | ELF_EXECUTE)) == (ELF_WRITE | ELF_EXECUTE))
            return "has a segment that is writable and executable";
    }
    for (unsigned i = 1; i < image->count; i++)
        if (image->segments[i].vaddr < ((image->segments[i - 1].vaddr + image->segments[i - 1].size + PAGE - 1) & ~(PAGE - 1)))
            return "has two segments on one page";
    return NULL;
}

const char *elf_check_user(const struct elf_image *image, uint64_t limit)
{
    return image->highest > limit ? "is linked outside the user address space" : NULL;
}

void elf_copy(const uint8_t *file, const struct elf_image *image, uint8_t *to)
{
    for (unsigned i = 0; i < image->count; i++) {
        const struct elf_segment *s = &image->segments[i];
        memcpy(to + (s->vaddr - image->lowest), file + s->offset, s->file_size);
    }
}
