/* The multiboot reader: the structures in a buffer that stands for physical memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "multiboot.h"

#define BASE 0x9000u
#define SIZE 0x8000u
#define INFO (BASE + 0x100)
#define MAP (BASE + 0x200)
#define MODULES (BASE + 0x800)
#define STRINGS (BASE + 0x2000)

static uint8_t *memory; /* heap: the sanitizer sees every byte read beyond it */
static struct boot_input input;
static char reason[160];

static void put32(uint32_t at, uint32_t value) { memcpy(memory + (at - BASE), &value, 4); }
static void put64(uint32_t at, uint64_t value) { memcpy(memory + (at - BASE), &value, 8); }
static void put_string(uint32_t at, const char *s) { memcpy(memory + (at - BASE), s, strlen(s) + 1); }

static uint32_t map_length;
static void map_entry(uint64_t start, uint64_t size, uint32_t type)
{
    put32(MAP + map_length, 20);
    put64(MAP + map_length + 4, start);
    put64(MAP + map_length + 12, size);
    put32(MAP + map_length + 20, type);
    map_length += 24;
    put32(INFO + 44, map_length);
}

static uint32_t module_count;
static void module_entry(uint32_t start, uint32_t end, const char *string)
{
    uint32_t at = MODULES + module_count * 16, text = STRINGS + module_count * 128;
    put32(at, start);
    put32(at + 4, end);
    put32(at + 8, text);
    put_string(text, string);
    put32(INFO + 20, ++module_count);
}

static int begin(void **state)
{
    (void)state;
    memory = calloc(1, SIZE);
    map_length = module_count = 0;
    put32(INFO, 1u << 3 | 1u << 6);
    put32(INFO + 24, MODULES);
    put32(INFO + 48, MAP);
    return 0;
}

static int end(void **state)
{
    (void)state;
    free(memory);
    return 0;
}

static const char *read_it(void)
{
    struct memory_view view = {memory, BASE, SIZE};
    return multiboot_read(&view, INFO, &input, reason, sizeof reason);
}

static void usual(void **state)
{
    (void)state;
    map_entry(0, 0x9fc00, 1);
    map_entry(0x9fc00, 0x400, 2);
    map_entry(0x100000, 0x7fee0000, 1);
    module_entry(0xa000, 0xa123, "dir/system system");
    module_entry(0xb000, 0xb000, "  a file\tvm.alpha.kernel  ");
    assert_null(read_it());
    assert_int_equal(input.ram.count, 2);
    assert_int_equal(input.ram.r[0].end, 0x9f000);
    assert_int_equal(input.ram.r[1].end, 0x7ffe0000);
    assert_int_equal(input.module_count, 2);
    assert_ptr_equal(input_module(&input, "system"), &input.modules[0]);
    assert_int_equal(input.modules[0].size, 0x123);
    assert_string_equal(input.modules[1].name, "vm.alpha.kernel");
    assert_null(input_module(&input, "kernel"));
}

static void reserved_wins_over_usable(void **state)
{
    (void)state;
    map_entry(0x500800, 0x100, 2); /* listed before what it cuts */
    map_entry(0x100000, 0x800000, 1);
    map_entry(0x200000, 0x10000, 1); /* named twice */
    map_entry(0x700000, 0x1000, 4);
    map_entry(UINT64_MAX - 0xfff, UINT64_MAX, 1);
    map_entry(UINT64_MAX - 0x1000, 0x1000, 2);
    assert_null(read_it());
    assert_int_equal(input.ram.count, 3);
    assert_int_equal(input.ram.r[0].end, 0x500000);
    assert_int_equal(input.ram.r[1].start, 0x501000);
    assert_int_equal(input.ram.r[1].end, 0x700000);
    assert_int_equal(input.ram.r[2].start, 0x701000);
    assert_int_equal(input.ram.r[2].end, 0x900000);
}

static void no_memory(void **state)
{
    (void)state;
    map_entry(0x100000, 0x1000000, 2);
    assert_non_null(read_it());
    put32(INFO, 1u << 3);
    assert_non_null(read_it());
}

static void lying_memory_map(void **state)
{
    (void)state;
    map_entry(0x100000, 0x1000000, 1);
    put32(INFO + 44, 23); /* ends inside the entry */
    assert_non_null(read_it());
    put32(INFO + 44, 24);
    for (unsigned size = 0; size < 20; size++) {
        put32(MAP, size);
        assert_non_null(read_it());
    }
    put32(MAP, 0xfffffffc); /* would step backwards */
    assert_non_null(read_it());
    put32(MAP, 20);
    assert_null(read_it());
    put32(INFO + 44, SIZE);
    assert_non_null(read_it());
    put32(INFO + 44, UINT32_MAX);
    assert_non_null(read_it());
    put32(INFO + 44, 24);
    put32(INFO + 48, 0x10);
    assert_non_null(read_it());
}

static void too_many_pieces(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 60; i++)
        map_entry(0x100000 + i * 0x2000ull, 0x1000, 1);
    assert_null(read_it());
    free(memory);
    begin(NULL);
    put32(INFO, 1u << 6); /* no modules: the map may run over their place */
    for (unsigned i = 0; i <= RANGES_MAX; i++)
        map_entry(0x100000 + i * 0x2000ull, 0x1000, 1);
    assert_non_null(read_it());
}

static void lying_modules(void **state)
{
    (void)state;
    map_entry(0x100000, 0x1000000, 1);
    module_entry(0xa000, 0xb000, "f system");
    assert_null(read_it());
    put32(INFO + 20, INPUT_MAX_MODULES + 1);
    assert_non_null(read_it());
    put32(INFO + 20, UINT32_MAX);
    assert_non_null(read_it());
    put32(INFO + 20, 1);
    put32(INFO + 24, BASE + SIZE - 15);
    assert_non_null(read_it());
    put32(INFO + 24, MODULES);
    put32(MODULES + 4, 0x9fff); /* ends before it starts */
    assert_non_null(read_it());
    put32(MODULES + 4, BASE + SIZE + 1);
    assert_non_null(read_it());
    put32(MODULES + 4, BASE + SIZE);
    assert_null(read_it());
    put32(MODULES + 8, BASE + SIZE); /* its string */
    assert_non_null(read_it());
    put32(MODULES + 8, BASE + SIZE - 4);
    memset(memory + SIZE - 4, 'x', 4); /* never ends */
    assert_non_null(read_it());
}

static void module_names(void **state)
{
    char name[200] = "file ";
    (void)state;
    map_entry(0x100000, 0x1000000, 1);
    memset(name + 5, 'n', RESOURCE_NAME_MAX - 1);
    module_entry(0xa000, 0xb000, name);
    assert_null(read_it());
    assert_int_equal(strlen(input.modules[0].name), RESOURCE_NAME_MAX - 1);
    memset(name + 5, 'n', RESOURCE_NAME_MAX);
    put_string(STRINGS, name);
    assert_non_null(read_it());
    put_string(STRINGS, "   ");
    assert_non_null(read_it());
    put_string(STRINGS, "");
    assert_non_null(read_it());
    put_string(STRINGS, "kernel");
    assert_null(read_it());
    module_entry(0xa000, 0xb000, "other kernel"); /* twice the same name */
    assert_non_null(read_it());
}

static void information_outside_memory(void **state)
{
    struct memory_view view = {memory, BASE, SIZE};
    (void)state;
    map_entry(0x100000, 0x1000000, 1);
    assert_non_null(multiboot_read(&view, BASE + SIZE - 51, &input, reason, sizeof reason));
    assert_non_null(multiboot_read(&view, 0, &input, reason, sizeof reason));
    assert_non_null(multiboot_read(&view, UINT32_MAX, &input, reason, sizeof reason));
}

static void random_damage(void **state)
{
    uint32_t seed = 3;
    (void)state;
    for (unsigned round = 0; round < 5000; round++) {
        free(memory);
        begin(NULL);
        map_entry(0, 0x9fc00, 1);
        map_entry(0x100000, 0x7fee0000, 1);
        module_entry(0xa000, 0xa123, "dir/system system");
        module_entry(0xb000, 0xb000, "file kernel");
        for (unsigned n = 0; n < 1 + round % 5; n++) {
            seed = seed * 1664525u + 1013904223u;
            memory[(seed >> 8) % 0xa00] = (uint8_t)(seed >> 24);
        }
        read_it();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(usual, begin, end),
        cmocka_unit_test_setup_teardown(reserved_wins_over_usable, begin, end),
        cmocka_unit_test_setup_teardown(no_memory, begin, end),
        cmocka_unit_test_setup_teardown(lying_memory_map, begin, end),
        cmocka_unit_test_setup_teardown(too_many_pieces, begin, end),
        cmocka_unit_test_setup_teardown(lying_modules, begin, end),
        cmocka_unit_test_setup_teardown(module_names, begin, end),
        cmocka_unit_test_setup_teardown(information_outside_memory, begin, end),
        cmocka_unit_test_setup_teardown(random_damage, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
