/* The ELF reader, on a small well-formed file and on what can be wrong with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <boot/elf.h>

#define BASE 0xffffffff80000000ull
#define LIMIT 0xffffffffa0000000ull

struct file {
    Elf64_Ehdr header;
    Elf64_Phdr segments[3];
    uint8_t pad[4096 - sizeof(Elf64_Ehdr) - 3 * sizeof(Elf64_Phdr)];
    uint8_t text[4096], rodata[4096], data[100];
};

static struct file good(void)
{
    struct file f;
    memset(&f, 0, sizeof f);
    memcpy(f.header.e_ident, ELFMAG, SELFMAG);
    f.header.e_ident[EI_CLASS] = ELFCLASS64;
    f.header.e_ident[EI_DATA] = ELFDATA2LSB;
    f.header.e_type = ET_EXEC;
    f.header.e_machine = EM_X86_64;
    f.header.e_entry = BASE + 16;
    f.header.e_phoff = offsetof(struct file, segments);
    f.header.e_phentsize = sizeof(Elf64_Phdr);
    f.header.e_phnum = 3;
    f.segments[0] = (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_offset = offsetof(struct file, text), .p_vaddr = BASE,
                                 .p_filesz = 4096, .p_memsz = 4096};
    f.segments[1] = (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R, .p_offset = offsetof(struct file, rodata),
                                 .p_vaddr = BASE + 0x1000, .p_filesz = 4000, .p_memsz = 4000};
    f.segments[2] = (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_offset = offsetof(struct file, data),
                                 .p_vaddr = BASE + 0x2000, .p_filesz = 100, .p_memsz = 9000};
    memset(f.text, 0xcc, sizeof f.text);
    memset(f.data, 0xdd, sizeof f.data);
    return f;
}

/* A heap copy of the exact size: the sanitizer sees every byte read beyond it. */
static const char *read_copy(const void *bytes, size_t size, struct elf_image *image)
{
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, bytes, size);
    const char *wrong = elf_read(copy, size, image);
    if (!wrong) {
        uint64_t memory = image->highest - image->lowest;
        if (memory < 1 << 20) { /* what is accepted must also be loadable */
            uint8_t *to = calloc(1, memory);
            elf_copy(copy, image, to);
            free(to);
        }
    }
    free(copy);
    return wrong;
}

static void well_formed(void **state)
{
    struct file f = good();
    struct elf_image image;
    (void)state;
    assert_null(read_copy(&f, sizeof f, &image));
    assert_int_equal(image.count, 3);
    assert_true(image.lowest == BASE && image.highest == BASE + 0x5000 && image.entry == BASE + 16);
    assert_null(elf_check_kernel(&image, BASE, LIMIT));
    assert_non_null(elf_check_user(&image, 1ull << 47));
    uint8_t *to = calloc(1, 0x5000);
    elf_copy((const uint8_t *)&f, &image, to);
    assert_true(to[0] == 0xcc && to[0x2000] == 0xdd && to[0x2063] == 0xdd && to[0x2064] == 0);
    free(to);
}

static void every_truncation_is_refused(void **state)
{
    struct file f = good();
    struct elf_image image;
    (void)state;
    for (size_t size = 0; size < offsetof(struct file, data) + sizeof f.data; size++)
        assert_non_null(read_copy(&f, size, &image));
}

static void malformed(void **state)
{
    struct elf_image image;
    (void)state;
#define REFUSED(change)                                                                                                          \
    do {                                                                                                                         \
        struct file f = good();                                                                                                  \
        change;                                                                                                                  \
        assert_non_null(read_copy(&f, sizeof f, &image));                                                                        \
    } while (0)
    REFUSED(f.header.e_ident[0] = 0);
    REFUSED(f.header.e_ident[EI_CLASS] = ELFCLASS32);
    REFUSED(f.header.e_ident[EI_DATA] = ELFDATA2MSB);
    REFUSED(f.header.e_type = ET_DYN);
    REFUSED(f.header.e_machine = EM_386);
    REFUSED(f.header.e_phentsize = 32);
    REFUSED(f.header.e_phoff = UINT64_MAX - 8);
    REFUSED(f.header.e_phnum = 0);
    REFUSED(f.header.e_phnum = 0xffff);
    REFUSED(f.header.e_entry = BASE + 0x1000);           /* not executable */
    REFUSED(f.header.e_entry = 0);
    REFUSED(f.segments[0].p_filesz = 5000);              /* more in the file than in memory */
    REFUSED(f.segments[2].p_offset = UINT64_MAX);
    REFUSED(f.segments[2].p_offset = sizeof f - 99);
    REFUSED(f.segments[2].p_memsz = UINT64_MAX);         /* wraps */
    REFUSED(f.segments[2].p_vaddr = UINT64_MAX - 100);
    REFUSED(f.segments[1].p_vaddr = BASE + 0x800);       /* overlaps the first */
    REFUSED(f.segments[1].p_vaddr = BASE - 0x1000);      /* unordered */
    REFUSED(for (int i = 0; i < 3; i++) f.segments[i].p_type = PT_NOTE);
}

static void kernel_rules(void **state)
{
    struct elf_image image;
    (void)state;
#define NO_KERNEL(change)                                                                                                        \
    do {                                                                                                                         \
        struct file f = good();                                                                                                  \
        change;                                                                                                                  \
        assert_null(read_copy(&f, sizeof f, &image));                                                                            \
        assert_non_null(elf_check_kernel(&image, BASE, LIMIT));                                                                  \
    } while (0)
    NO_KERNEL(f.segments[0].p_flags |= PF_W);
    NO_KERNEL(f.segments[1].p_vaddr += 8);
    NO_KERNEL(f.segments[2].p_vaddr = BASE + 0x1fb0);    /* on the page of the read-only data */
    NO_KERNEL(f.segments[2].p_memsz = LIMIT - BASE);
    struct file f = good();
    assert_null(read_copy(&f, sizeof f, &image));
    assert_non_null(elf_check_kernel(&image, BASE - 0x1000, LIMIT));
}

static void too_many_segments(void **state)
{
    static struct { Elf64_Ehdr header; Elf64_Phdr segments[ELF_MAX_SEGMENTS + 1]; } f;
    struct elf_image image;
    (void)state;
    f.header = good().header;
    f.header.e_phnum = ELF_MAX_SEGMENTS + 1;
    for (unsigned i = 0; i <= ELF_MAX_SEGMENTS; i++)
        f.segments[i] = (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_X, .p_vaddr = BASE + i * 0x1000, .p_memsz = 0x1000};
    assert_non_null(read_copy(&f, sizeof f, &image));
    f.header.e_phnum--;
    assert_null(read_copy(&f, sizeof f, &image));
}

/* Random damage to the headers: any answer, no fault. */
static void random_damage(void **state)
{
    uint32_t seed = 7;
    struct elf_image image;
    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        struct file f = good();
        for (unsigned n = 0; n < 1 + round % 4; n++) {
            seed = seed * 1664525u + 1013904223u;
            ((uint8_t *)&f)[(seed >> 8) % (sizeof f.header + sizeof f.segments)] = (uint8_t)(seed >> 24);
        }
        read_copy(&f, sizeof f, &image);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed),       cmocka_unit_test(every_truncation_is_refused), cmocka_unit_test(malformed),
        cmocka_unit_test(kernel_rules),      cmocka_unit_test(too_many_segments),           cmocka_unit_test(random_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
