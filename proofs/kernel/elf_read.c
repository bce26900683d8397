/* function: elf_read (boot)
 * property: any bytes: no access outside the file; segments that are accepted lie inside the file, in order, disjoint, with the entry point in code
 * bound: files of up to 232 bytes (3 program headers)
 * options: --unwind 5
 * solver: bitwuzla
 */
#include "../proof.h"
#include "boot/elf.c"

#define BYTES 232
static uint8_t file[BYTES];
int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a, *y = b;
    for (size_t i = 0; i < n; i++)
        if (x[i] != y[i])
            return 1;
    return 0;
}

int main(void)
{
    __CPROVER_havoc_object(file);
    uint64_t size = nondet_below(BYTES + 1);
    struct elf_image image;
    const char *wrong = elf_read(file, size, &image);
    if (!wrong) {
        unsigned i = nondet_below(ELF_MAX_SEGMENTS);
        ASSUME(i < image.count);
        const struct elf_segment *s = &image.segments[i];
        HOLDS(image.count >= 1 && image.count <= ELF_MAX_SEGMENTS, "at least one segment, no more than there is room for");
        HOLDS(s->offset <= size && s->file_size <= size - s->offset && s->file_size <= s->size, "what is loaded is in the file");
        HOLDS(s->vaddr + s->size > s->vaddr, "no wrap around");
        HOLDS(i == 0 || s->vaddr >= image.segments[i - 1].vaddr + image.segments[i - 1].size, "in order, disjoint");
        HOLDS(image.lowest <= s->vaddr && s->vaddr + s->size <= image.highest, "inside the bounds that are reported");
    }
    REACH(!wrong);
    REACH(!wrong && image.count == 3);
    REACH(wrong);
}
