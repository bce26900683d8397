/* Guest image files: the Linux bzImage (Documentation/arch/x86/boot.rst) and the multiboot 1 ELF32 file. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "image.h"

int image_read(const char *path, uint64_t max, struct image *image)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a pipe or a terminal is opened and refused, not waited for */
    if (fd < 0)
        return -1;
    struct stat st;
    int error = 0;
    image->bytes = NULL;
    if (fstat(fd, &st) != 0) {
        error = errno;
    } else if (!S_ISREG(st.st_mode)) {
        error = EISDIR;
    } else if ((uint64_t)st.st_size > max) {
        error = EFBIG;
    } else if ((image->bytes = malloc((size_t)st.st_size + 1)) == NULL) {
        error = ENOMEM;
    } else {
        image->size = 0;
        while (image->size < (size_t)st.st_size) {
            ssize_t n = read(fd, image->bytes + image->size, (size_t)st.st_size - image->size);
            if (n < 0)
                error = errno;
            if (n <= 0)
                break;
            image->size += (size_t)n;
        }
    }
    close(fd);
    if (error == 0)
        return 0;
    free(image->bytes);
    image->bytes = NULL;
    errno = error;
    return -1;
}

void image_free(struct image *image)
{
    free(image->bytes);
    image->bytes = NULL;
}

static uint64_t little_endian(const uint8_t *p, int bytes)
{
    uint64_t v = 0;
    for (int i = bytes - 1; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

#define LINUX_HEADER_END 0x268        /* up to handover_offset, protocol 2.12 */
#define LINUX_PROTOCOL 0x020c
#define LINUX_XLF_KERNEL_64 1u        /* the 64-bit entry point is there */

const char *image_check_linux(const struct image *image, uint64_t *needs, uint32_t *cmdline_max, char *text, size_t size)
{
    const uint8_t *b = image->bytes;
    if (image->size < LINUX_HEADER_END || memcmp(b + 0x202, "HdrS", 4) != 0)
        return "is not a Linux bzImage; name the vmlinuz of a kernel package, or write 'boot: multiboot'";
    if (little_endian(b + 0x206, 2) < LINUX_PROTOCOL || !(little_endian(b + 0x236, 2) & LINUX_XLF_KERNEL_64))
        return "has no 64-bit entry point; name an amd64 kernel of Linux 3.8 or newer";
    uint64_t sectors = b[0x1f1] == 0 ? 4 : b[0x1f1];
    uint64_t promised = (sectors + 1) * 512 + little_endian(b + 0x1f4, 4) * 16;
    if (image->size < promised) {
        snprintf(text, size, "is cut short: its header promises %llu bytes and there are %zu; fetch it again",
                 (unsigned long long)promised, image->size);
        return text;
    }
    *cmdline_max = (uint32_t)little_endian(b + 0x238, 4);
    *needs = little_endian(b + 0x258, 8) + little_endian(b + 0x260, 4); /* pref_address + init_size */
    return NULL;
}

#define MULTIBOOT_MAGIC 0x1badb002u
#define MULTIBOOT_SEARCH 8192 /* the header lies in the first 8192 bytes, 4-aligned (multiboot 0.6.96, 3.1) */

static const char *elf32_check(const struct image *image, uint64_t *needs, char *text, size_t size)
{
    Elf32_Ehdr header;
    if (image->size < sizeof header || memcmp(image->bytes, ELFMAG, SELFMAG) != 0 || image->bytes[EI_CLASS] != ELFCLASS32)
        return "is not a 32-bit ELF file; link the guest with -m elf_i386";
    memcpy(&header, image->bytes, sizeof header);
    uint64_t table_end = (uint64_t)header.e_phoff + (uint64_t)header.e_phnum * sizeof(Elf32_Phdr);
    if (header.e_phentsize != sizeof(Elf32_Phdr) || header.e_phnum == 0 || table_end > image->size)
        return "is cut short: its program headers are not all there; build it again";
    *needs = 0;
    for (unsigned i = 0; i < header.e_phnum; i++) {
        Elf32_Phdr segment;
        memcpy(&segment, image->bytes + header.e_phoff + i * sizeof segment, sizeof segment);
        if (segment.p_type != PT_LOAD)
            continue;
        if ((uint64_t)segment.p_offset + segment.p_filesz > image->size) {
            snprintf(text, size, "is cut short: segment %u ends at byte %llu and there are %zu; build it again", i,
                     (unsigned long long)segment.p_offset + segment.p_filesz, image->size);
            return text;
        }
        if ((uint64_t)segment.p_paddr + segment.p_memsz > *needs)
            *needs = (uint64_t)segment.p_paddr + segment.p_memsz;
    }
    return NULL;
}

const char *image_check_multiboot(const struct image *image, uint64_t *needs, char *text, size_t size)
{
    size_t end = image->size < MULTIBOOT_SEARCH ? image->size : MULTIBOOT_SEARCH;
    for (size_t at = 0; at + 12 <= end; at += 4) {
        uint64_t magic = little_endian(image->bytes + at, 4);
        uint64_t sum = magic + little_endian(image->bytes + at + 4, 4) + little_endian(image->bytes + at + 8, 4);
        if (magic == MULTIBOOT_MAGIC && (uint32_t)sum == 0)
            return elf32_check(image, needs, text, size);
    }
    return "has no multiboot header in its first 8192 bytes; name a multiboot kernel, or write 'boot: linux'";
}
