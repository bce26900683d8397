/* The UEFI entry's readers of untrusted bytes: the memory map and the list of modules. And the letters on the framebuffer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "efi_input.h"
#include "framebuffer.h"

#define DESCRIPTOR 48 /* larger than the structure, as firmware has it */
#define RUNTIME (1ull << 63)

static uint8_t map[64 * DESCRIPTOR];
static uint64_t map_size;
static struct ranges ram;

static void put(uint8_t *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static void piece(uint32_t type, uint64_t start, uint64_t pages, uint64_t attributes)
{
    uint8_t *d = map + map_size;
    put(d, type, 4);
    put(d + 8, start, 8);
    put(d + 24, pages, 8);
    put(d + 32, attributes, 8);
    map_size += DESCRIPTOR;
}

static int clear(void **state)
{
    (void)state;
    map_size = 0;
    return 0;
}

static void ram_is_what_boot_services_leave(void **state)
{
    (void)state;
    piece(7, 0x1000, 0x9f, 0xf);           /* conventional */
    piece(4, 0x100000, 0x100, 0xf);        /* boot services data */
    piece(2, 0x200000, 0x10, 0xf);         /* loader data */
    piece(5, 0x210000, 0x10, RUNTIME);     /* runtime services */
    piece(9, 0x220000, 0x10, 0xf);         /* ACPI tables */
    piece(10, 0x230000, 0x10, 0xf);        /* ACPI NVS */
    piece(3, 0x240000, 0x10, 0xf);         /* boot services code */
    piece(7, 0x250000, 0x10, RUNTIME);     /* contradicts itself */
    piece(11, 0xe0000000, 0x100, RUNTIME); /* MMIO */
    assert_null(efi_read_memory_map(map, map_size, DESCRIPTOR, &ram));
    assert_int_equal(ram.count, 3);
    assert_true(ranges_contain(&ram, 0x1000, 0xa0000));
    assert_true(ranges_contain(&ram, 0x100000, 0x210000));
    assert_true(ranges_contain(&ram, 0x240000, 0x250000));
}

static void what_is_also_something_else_is_no_ram(void **state)
{
    (void)state;
    piece(0, 0x300000, 0x100, 0);
    piece(7, 0x200000, 0x1000, 0xf);
    assert_null(efi_read_memory_map(map, map_size, DESCRIPTOR, &ram));
    assert_false(ranges_overlap(&ram, 0x300000, 0x400000));
    assert_true(ranges_contain(&ram, 0x400000, 0x1200000));
}

static void impossible_maps(void **state)
{
    (void)state;
    assert_non_null(efi_read_memory_map(map, 0, DESCRIPTOR, &ram));
    piece(7, 0x1000, 1, 0);
    assert_non_null(efi_read_memory_map(map, map_size - 1, DESCRIPTOR, &ram));
    assert_non_null(efi_read_memory_map(map, map_size, 32, &ram));
    assert_non_null(efi_read_memory_map(map, map_size, 0, &ram));
    piece(7, 0x1800, 1, 0); /* not a page's address */
    assert_non_null(efi_read_memory_map(map, map_size, DESCRIPTOR, &ram));
    map_size = DESCRIPTOR;
    piece(7, 0x10000, UINT64_MAX / 4096, 0);
    assert_non_null(efi_read_memory_map(map, map_size, DESCRIPTOR, &ram));
    map_size = DESCRIPTOR;
    piece(7, UINT64_MAX - 4095, 1, 0);
    assert_non_null(efi_read_memory_map(map, map_size, DESCRIPTOR, &ram));
}

static const char *next(const char *list, size_t *at, struct efi_module *m)
{
    return efi_next_module((const uint8_t *)list, strlen(list), at, m);
}

static void a_list(void **state)
{
    (void)state;
    struct efi_module m;
    size_t at = 0;
    const char *list = "system 6096 system\nvm.b.kernel 8247232 vm.a.kernel\n";
    assert_null(next(list, &at, &m));
    assert_string_equal(m.name, "system");
    assert_int_equal(m.size, 6096);
    assert_null(next(list, &at, &m));
    assert_string_equal(m.name, "vm.b.kernel");
    assert_string_equal(m.file, "vm.a.kernel");
    assert_null(next(list, &at, &m));
    assert_string_equal(m.name, "");
}

static void damaged_lists(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\n", " ", "a", "a 1", "a 1 ", "a 1 f", "a 1 f ", "a x f\n", "a -1 f\n", "a 1  f\n", "a  1 f\n", " a 1 f\n", "a 1 \n", "a 1 f g\n",
        "a 1 f\r\n", "a\t1 f\n", "a 99999999999999999999 f\n", "a 999999999999999999 f\n", "a 1 \x80\n",
        "0123456789012345678901234567890123456789012345678 1 f\n",
        "a 1 01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\n",
    };
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct efi_module m;
        size_t at = 0;
        if (!next(bad[i], &at, &m))
            fail_msg("taken: \"%s\"", bad[i]);
    }
}

/* A font for the host: a letter's dots are its code in every line. */
extern const uint8_t font[95][16];
const uint8_t font[95][16] = {['A' - ' '] = {'A', 'A'}, ['z' - ' '] = {[15] = 'z'}};

static unsigned dots(const uint32_t *line, unsigned at)
{
    unsigned value = 0;
    for (unsigned x = 0; x < 8; x++)
        value = value << 1 | (line[at + x] != 0);
    return value;
}

static void letters_and_lines(void **state)
{
    (void)state;
    enum { WIDTH = 32, PITCH = 40, HEIGHT = 40 };
    uint32_t *pixels = malloc(PITCH * HEIGHT * 4); /* its end is watched by the sanitizer */
    framebuffer_put('A');                          /* none yet */
    framebuffer_init(pixels, PITCH * HEIGHT - 1, WIDTH, HEIGHT, PITCH); /* lies about its size: not used */
    framebuffer_init(pixels, PITCH * HEIGHT, WIDTH, HEIGHT, WIDTH - 1);
    framebuffer_put('A');
    framebuffer_init(pixels, PITCH * HEIGHT, WIDTH, HEIGHT, PITCH);
    for (const char *c = "A\x01z\nAAAAz"; *c; c++)
        framebuffer_put(*c);
    assert_int_equal(dots(pixels, 0), 'A'); /* two lines of text fit: the first has moved out, the second up */
    assert_int_equal(dots(pixels + PITCH, 24), 'A');
    assert_int_equal(dots(pixels + 15 * PITCH, 8), 0);
    assert_int_equal(dots(pixels + 31 * PITCH, 0), 'z');
    assert_int_equal(dots(pixels + 31 * PITCH, 8), 0);
    free(pixels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(ram_is_what_boot_services_leave, clear), cmocka_unit_test_setup(what_is_also_something_else_is_no_ram, clear),
        cmocka_unit_test_setup(impossible_maps, clear), cmocka_unit_test(a_list), cmocka_unit_test(damaged_lists),
        cmocka_unit_test(letters_and_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
