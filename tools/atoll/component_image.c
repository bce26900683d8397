/* ELF64 executables (System V ABI, "Object files"), read bounded: every offset is checked against the file's size. */
#include "component_image.h"
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint8_t *file_read(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    uint8_t *bytes = NULL;
    size_t used = 0, room = 0;
    for (;;) {
        if (used == room) {
            uint8_t *more = realloc(bytes, room = room ? 2 * room : 1 << 16);
            if (!more)
                break;
            bytes = more;
        }
        size_t n = fread(bytes + used, 1, room - used, f);
        used += n;
        if (n == 0 && !ferror(f)) {
            fclose(f);
            *size = used;
            return bytes;
        }
        if (n == 0)
            break;
    }
    int error = errno ? errno : EIO;
    free(bytes);
    fclose(f);
    errno = error;
    return NULL;
}

static int refuse(const char **why, const char *clause)
{
    *why = clause;
    return -1;
}

int component_image_parse(struct component_image *image, uint8_t *file, size_t size, uint64_t low, uint64_t high,
                          const char **why)
{
    Elf64_Ehdr e;
    uint64_t free_from = low;

    *image = (struct component_image){.file = file, .size = size};
    if (size < sizeof e)
        return refuse(why, "is too short for an ELF file");
    memcpy(&e, file, sizeof e);
    if (memcmp(e.e_ident, ELFMAG, SELFMAG) != 0 || e.e_ident[EI_CLASS] != ELFCLASS64 || e.e_ident[EI_DATA] != ELFDATA2LSB)
        return refuse(why, "is not an ELF64 file");
    if (e.e_type != ET_EXEC || e.e_machine != EM_X86_64)
        return refuse(why, "is not an x86-64 executable");
    if (e.e_phentsize != sizeof(Elf64_Phdr) || e.e_phoff > size || (size - e.e_phoff) / sizeof(Elf64_Phdr) < e.e_phnum)
        return refuse(why, "has program headers beyond its end");
    for (unsigned i = 0; i < e.e_phnum; i++) {
        Elf64_Phdr p;
        memcpy(&p, file + e.e_phoff + i * sizeof p, sizeof p);
        if (p.p_type != PT_LOAD || p.p_memsz == 0)
            continue;
        if (image->count == IMAGE_MAX_SEGMENTS)
            return refuse(why, "has too many segments");
        if (p.p_filesz > p.p_memsz || p.p_offset > size || size - p.p_offset < p.p_filesz)
            return refuse(why, "has a segment beyond its end");
        if (p.p_vaddr & 4095)
            return refuse(why, "has a segment that is not page-aligned");
        if (p.p_vaddr < free_from || p.p_vaddr >= high || high - p.p_vaddr < p.p_memsz)
            return refuse(why, "has a segment outside its address range, or segments that overlap");
        if ((p.p_flags & (PF_W | PF_X)) == (PF_W | PF_X))
            return refuse(why, "has a segment that is writable and executable");
        free_from = (p.p_vaddr + p.p_memsz + 4095) & ~4095ull;
        image->segments[image->count++] = (struct image_segment){
            .vaddr = p.p_vaddr,
            .memory_size = p.p_memsz,
            .bytes = file + p.p_offset,
            .size = p.p_filesz,
            .writable = p.p_flags & PF_W,
            .executable = p.p_flags & PF_X,
        };
    }
    for (unsigned i = 0; i < image->count; i++) {
        const struct image_segment *s = &image->segments[i];
        if (s->executable && e.e_entry >= s->vaddr && e.e_entry - s->vaddr < s->memory_size) {
            image->entry = e.e_entry;
            return 0;
        }
    }
    return refuse(why, "has its entry point outside its code");
}
