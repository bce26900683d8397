/* The ACPI readers: a small set of tables as a firmware would write them, then lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "acpi.h"

#define SIZE 0x100000u /* the first MiB */
#define RSDP 0xf5a20u
#define ROOT 0xf6000u
#define FIRST 0xf7000u

static uint8_t *memory;
static struct acpi_tables tables;
static struct acpi_madt madt;
static struct acpi_mcfg mcfg;

static int begin(void **state)
{
    (void)state;
    memory = calloc(1, SIZE);
    return 0;
}

static int end(void **state)
{
    (void)state;
    free(memory);
    return 0;
}

static struct memory_view view(void) { return (struct memory_view){memory, 0, SIZE}; }

static void put(uint8_t *at, uint64_t value, unsigned bytes)
{
    memcpy(at, &value, bytes);
}

static void fix_sum(uint8_t *at, size_t size, size_t sum_at)
{
    uint8_t sum = 0;
    at[sum_at] = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + at[i]);
    at[sum_at] = (uint8_t)-sum;
}

static void table(uint32_t paddr, const char *signature, uint32_t size)
{
    memcpy(memory + paddr, signature, 4);
    put(memory + paddr + 4, size, 4);
    fix_sum(memory + paddr, size, 9);
}

static void rsdp(uint32_t at, unsigned revision, uint64_t rsdt, uint64_t xsdt)
{
    memcpy(memory + at, "RSD PTR ", 8);
    memory[at + 15] = (uint8_t)revision;
    put(memory + at + 16, rsdt, 4);
    put(memory + at + 20, 36, 4);
    put(memory + at + 24, xsdt, 8);
    fix_sum(memory + at, 20, 8);
    if (revision >= 2)
        fix_sum(memory + at, 36, 32);
}

static const char *read_tables(void)
{
    struct memory_view v = view();
    uint64_t at;
    assert_true(acpi_find_rsdp(&v, &at));
    return acpi_read_tables(&v, at, &tables);
}

static void both_revisions(void **state)
{
    (void)state;
    table(FIRST, "APIC", 44);
    put(memory + ROOT + 36, FIRST, 4);
    table(ROOT, "RSDT", 40);
    rsdp(RSDP, 0, ROOT, 0);
    assert_null(read_tables());
    assert_int_equal(tables.count, 1);
    assert_int_equal(acpi_table(&tables, "APIC")->paddr, FIRST);
    assert_null(acpi_table(&tables, "DMAR"));
    memset(memory + ROOT, 0, 64);
    put(memory + ROOT + 36, FIRST, 8);
    table(ROOT, "XSDT", 44);
    rsdp(RSDP, 2, 0x10, ROOT);
    assert_null(read_tables());
    assert_int_equal(tables.count, 1);
}

static void root_pointer_in_the_ebda(void **state)
{
    struct memory_view v = view();
    uint64_t at;
    (void)state;
    assert_false(acpi_find_rsdp(&v, &at));
    put(memory + 0x40e, 0x9fc0, 2);
    rsdp(0x9fc00 + 16, 0, ROOT, 0);
    assert_true(acpi_find_rsdp(&v, &at));
    assert_int_equal(at, 0x9fc10);
    memory[0x9fc10 + 8]++; /* checksum */
    assert_false(acpi_find_rsdp(&v, &at));
    memcpy(memory + SIZE - 16, "RSD PTR ", 8); /* cut off by the end of memory */
    assert_false(acpi_find_rsdp(&v, &at));
}

static void damaged_root(void **state)
{
    (void)state;
    put(memory + ROOT + 36, FIRST, 4);
    table(ROOT, "RSDT", 40);
    rsdp(RSDP, 0, ROOT, 0);
    memory[ROOT + 9]++;
    assert_non_null(read_tables());
    table(ROOT, "XSDT", 40); /* the wrong kind */
    assert_non_null(read_tables());
    for (uint32_t size = 0; size < 36; size++) {
        table(ROOT, "RSDT", 40);
        put(memory + ROOT + 4, size, 4);
        assert_non_null(read_tables());
    }
    rsdp(RSDP, 0, SIZE - 20, 0);
    assert_non_null(read_tables());
    rsdp(RSDP, 2, ROOT, UINT64_MAX - 10);
    assert_non_null(read_tables());
}

static void damaged_tables_are_left_out(void **state)
{
    (void)state;
    put(memory + ROOT + 36, FIRST, 4);
    put(memory + ROOT + 40, 0xfffffff0, 4);     /* outside memory */
    put(memory + ROOT + 44, FIRST + 0x100, 4);  /* lying length */
    put(memory + ROOT + 48, FIRST + 0x200, 4);  /* bad checksum */
    put(memory + ROOT + 52, ROOT, 4);           /* the root table itself: a loop, harmless as nothing recurses */
    table(ROOT, "RSDT", 56);
    table(FIRST, "A\33[m", 44); /* terminal control bytes */
    table(FIRST + 0x100, "LIES", 44);
    put(memory + FIRST + 0x104, UINT32_MAX, 4);
    table(FIRST + 0x200, "BADS", 44);
    memory[FIRST + 0x220]++;
    rsdp(RSDP, 0, ROOT, 0);
    assert_null(read_tables());
    assert_int_equal(tables.damaged, 3);
    assert_int_equal(tables.count, 2);
    assert_string_equal(tables.tables[0].signature, "A?[m");
}

static void too_many_tables(void **state)
{
    (void)state;
    for (unsigned i = 0; i <= ACPI_MAX_TABLES; i++)
        put(memory + ROOT + 36 + 4 * i, FIRST, 4);
    table(FIRST, "SSDT", 40);
    table(ROOT, "RSDT", 36 + 4 * (ACPI_MAX_TABLES + 1));
    rsdp(RSDP, 0, ROOT, 0);
    assert_non_null(read_tables());
}

/* --- single tables, in heap buffers of their exact size --- */

struct buffer { uint8_t bytes[70000]; uint32_t size; };
static struct buffer b;

static void clear(uint32_t header)
{
    memset(&b, 0, sizeof b);
    b.size = header;
}

static void append(const uint8_t *bytes, unsigned n)
{
    memcpy(b.bytes + b.size, bytes, n);
    b.size += n;
}

enum which { MADT, MCFG, HPET, FADT };
static const char *parse(enum which which, uint32_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    const char *wrong = NULL;
    memcpy(copy, b.bytes, size);
    switch (which) {
    case MADT: wrong = acpi_read_madt(copy, size, &madt); break;
    case MCFG: wrong = acpi_read_mcfg(copy, size, &mcfg); break;
    case HPET: wrong = acpi_read_hpet(copy, size) ? NULL : "no"; break;
    case FADT: wrong = acpi_read_pm_timer(copy, size) ? NULL : "no"; break;
    }
    free(copy);
    return wrong;
}

static void local_apic(uint8_t id, uint32_t flags)
{
    append((uint8_t[]){0, 8, id, id, (uint8_t)flags, 0, 0, 0}, 8);
}

static void x2apic(uint32_t id, uint32_t flags)
{
    uint8_t e[16] = {9, 16};
    put(e + 4, id, 4);
    put(e + 8, flags, 4);
    append(e, 16);
}

static void processors(void **state)
{
    (void)state;
    clear(44);
    local_apic(4, 1);
    local_apic(2, 0);    /* disabled */
    local_apic(3, 2);    /* could be plugged in later */
    local_apic(0xff, 1); /* "no such processor" */
    x2apic(0x12345, 1);
    x2apic(4, 1);        /* the first one again */
    append((uint8_t[]){1, 12, 7, 0, 0, 0, 0xc0, 0xfe, 24, 0, 0, 0}, 12);
    append((uint8_t[]){2, 10, 0, 0, 2, 0, 0, 0, 5, 0}, 10);
    append((uint8_t[]){77, 3, 1}, 3); /* unknown: skipped */
    append((uint8_t[]){0, 2}, 2);     /* known, but too short: skipped */
    assert_null(parse(MADT, b.size));
    assert_int_equal(madt.core_count, 2);
    assert_int_equal(madt.cores[0], 4);
    assert_int_equal(madt.cores[1], 0x12345);
    assert_true(madt.ioapic_count == 1 && madt.ioapics[0].paddr == 0xfec00000 && madt.ioapics[0].gsi_base == 24);
    assert_true(madt.override_count == 1 && madt.overrides[0].gsi == 2 && madt.overrides[0].flags == 5);
    assert_non_null(parse(MADT, 43));
    assert_non_null(parse(MADT, 44)); /* no processor */
    assert_non_null(parse(MADT, b.size - 1));
    b.bytes[45] = 0; /* entry of length 0: must not loop */
    assert_non_null(parse(MADT, b.size));
    b.bytes[45] = 1;
    assert_non_null(parse(MADT, b.size));
    b.bytes[45] = 0xff;
    assert_non_null(parse(MADT, b.size));
}

static void too_many_processors(void **state)
{
    (void)state;
    clear(44);
    for (uint32_t i = 0; i < ACPI_MAX_CORES + 5; i++)
        x2apic(i, 1);
    assert_null(parse(MADT, b.size));
    assert_int_equal(madt.core_count, ACPI_MAX_CORES);
    assert_int_equal(madt.cores_ignored, 5);
    clear(44);
    local_apic(0, 1);
    for (unsigned i = 0; i <= ACPI_MAX_IOAPICS; i++)
        append((uint8_t[]){1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0}, 12);
    assert_non_null(parse(MADT, b.size));
    clear(44);
    local_apic(0, 1);
    for (unsigned i = 0; i <= ACPI_MAX_OVERRIDES; i++)
        append((uint8_t[]){2, 10, 0, 0, 2, 0, 0, 0, 5, 0}, 10);
    assert_non_null(parse(MADT, b.size));
}

static void pci_segments(void **state)
{
    uint8_t e[16] = {0};
    (void)state;
    put(e, 0xb0000000, 8);
    e[10] = 3, e[11] = 200;
    clear(44);
    append(e, 16);
    assert_null(parse(MCFG, b.size));
    assert_true(mcfg.count == 1 && mcfg.segments[0].base == 0xb0000000 && mcfg.segments[0].last_bus == 200);
    assert_non_null(parse(MCFG, 40));
    assert_non_null(parse(MCFG, b.size - 1));
    b.bytes[44 + 11] = 2; /* reversed */
    assert_non_null(parse(MCFG, b.size));
    clear(44);
    for (unsigned i = 0; i <= ACPI_MAX_SEGMENTS; i++)
        append(e, 16);
    assert_non_null(parse(MCFG, b.size));
}

static void timers(void **state)
{
    (void)state;
    clear(56);
    put(b.bytes + 44, 0xfed00000, 8);
    assert_null(parse(HPET, 56));
    assert_non_null(parse(HPET, 55));
    b.bytes[40] = 1; /* in I/O space */
    assert_non_null(parse(HPET, 56));
    clear(244);
    put(b.bytes + 76, 0x608, 4);
    b.bytes[91] = 4;
    assert_null(parse(FADT, 244));
    assert_non_null(parse(FADT, 91));
    put(b.bytes + 76, 0x10608, 4);
    assert_non_null(parse(FADT, 244));
    b.bytes[91] = 0;
    assert_non_null(parse(FADT, 244));
}

static void random_tables(void **state)
{
    uint32_t seed = 11;
    (void)state;
    for (unsigned round = 0; round < 60000; round++) {
        clear(0);
        for (unsigned i = 0; i < 160; i++) {
            seed = seed * 1664525u + 1013904223u;
            b.bytes[i] = seed >> 30 ? (uint8_t)(seed >> 28) : (uint8_t)(seed >> 20); /* small numbers more often */
        }
        parse((enum which)(round % 4), seed >> 8 & 127);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_revisions, begin, end),
        cmocka_unit_test_setup_teardown(root_pointer_in_the_ebda, begin, end),
        cmocka_unit_test_setup_teardown(damaged_root, begin, end),
        cmocka_unit_test_setup_teardown(damaged_tables_are_left_out, begin, end),
        cmocka_unit_test_setup_teardown(too_many_tables, begin, end),
        cmocka_unit_test(processors),
        cmocka_unit_test(too_many_processors),
        cmocka_unit_test(pci_segments),
        cmocka_unit_test(timers),
        cmocka_unit_test(random_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
