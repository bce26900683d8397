/* Component images: a good one is read as it is, a bad one is refused with a clause. */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "component_image.h"

#define LOW 0x400000ull
#define HIGH 0x700000ull

struct file {
    Elf64_Ehdr e;
    Elf64_Phdr p[2];
    uint8_t bytes[64];
};

static struct file good(void)
{
    struct file f = {.e = {.e_type = ET_EXEC, .e_machine = EM_X86_64, .e_phoff = offsetof(struct file, p), .e_phnum = 2,
                           .e_phentsize = sizeof(Elf64_Phdr), .e_entry = LOW + 0x1004}};
    memcpy(f.e.e_ident, ELFMAG, SELFMAG);
    f.e.e_ident[EI_CLASS] = ELFCLASS64;
    f.e.e_ident[EI_DATA] = ELFDATA2LSB;
    f.p[0] = (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_offset = offsetof(struct file, bytes), .p_vaddr = LOW + 0x1000,
                          .p_filesz = 64, .p_memsz = 64};
    f.p[1] = (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_offset = offsetof(struct file, bytes), .p_vaddr = LOW + 0x2000,
                          .p_filesz = 8, .p_memsz = 0x3000};
    return f;
}

static const char *parse(const struct file *f, size_t size)
{
    struct component_image image;
    const char *why = "taken";
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, f, size);
    int status = component_image_parse(&image, copy, size, LOW, HIGH, &why);
    assert_int_equal(status, strcmp(why, "taken") == 0 ? 0 : -1);
    free(copy);
    return why;
}

static void a_good_image_is_taken(void **state)
{
    (void)state;
    struct file f = good();
    assert_string_equal(parse(&f, sizeof f), "taken");
}

#define REFUSED(change, clause)                                      \
    do {                                                             \
        struct file f = good();                                      \
        change;                                                      \
        if (!strstr(parse(&f, sizeof f), clause))                    \
            fail_msg("%s: %s", #change, parse(&f, sizeof f));        \
    } while (0)

static void bad_images_are_refused(void **state)
{
    (void)state;
    REFUSED(f.e.e_ident[0] = 0, "not an ELF64");
    REFUSED(f.e.e_ident[EI_CLASS] = ELFCLASS32, "not an ELF64");
    REFUSED(f.e.e_machine = EM_386, "not an x86-64");
    REFUSED(f.e.e_type = ET_DYN, "not an x86-64 executable");
    REFUSED(f.e.e_phoff = UINT64_MAX - 8, "program headers");
    REFUSED(f.e.e_phnum = 65535, "program headers");
    REFUSED(f.e.e_phentsize = 1, "program headers");
    REFUSED(f.p[0].p_offset = UINT64_MAX, "beyond its end");
    REFUSED(f.p[0].p_filesz = UINT64_MAX, "beyond its end");
    REFUSED(f.p[1].p_filesz = 4096, "beyond its end");
    REFUSED(f.p[1].p_vaddr = LOW + 0x2001, "page-aligned");
    REFUSED(f.p[1].p_vaddr = LOW, "outside its address range"); /* descending */
    REFUSED(f.p[1].p_vaddr = LOW + 0x1000, "overlap");
    REFUSED(f.p[1].p_vaddr = HIGH - 0x2000, "outside its address range");
    REFUSED(f.p[1].p_memsz = UINT64_MAX, "outside its address range");
    REFUSED(f.p[1].p_flags = PF_W | PF_X, "writable and executable");
    REFUSED(f.e.e_entry = LOW + 0x2000, "entry point");
    REFUSED(f.e.e_entry = LOW + 0x1040, "entry point");
    REFUSED(f.p[0].p_type = PT_NULL, "entry point");
}

static void truncated_images_are_refused(void **state)
{
    (void)state;
    struct file f = good();
    for (size_t n = 0; n < sizeof f; n++)
        assert_string_not_equal(parse(&f, n), "taken");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_image_is_taken),
        cmocka_unit_test(bad_images_are_refused),
        cmocka_unit_test(truncated_images_are_refused),
    };
    return cmocka_run_group_tests_name("user_image", tests, NULL, NULL);
}
