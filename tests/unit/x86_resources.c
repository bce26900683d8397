/* The resource map's check: each contradiction is refused, and no bytes make it read outside the map. */
#include <string.h>
#include "kernel/x86/resources.h"
#include "x86_host.h"

static const char *check(struct resource_map *m)
{
    int entry;
    return resource_map_check(m, &entry);
}

static struct resource_entry *entry(struct resource_map *m, uint32_t kind)
{
    for (unsigned i = 0; i < m->entry_count; i++)
        if (m->entries[i].kind == kind)
            return &m->entries[i];
    return NULL;
}

/* Each row spoils one word of a sound map: 8-byte field at `offset` of the header, or of the first entry of a kind. */
static void refuses_each_contradiction(void **state)
{
    (void)state;
    static const struct {
        uint32_t kind;
        size_t offset;
        uint64_t value;
    } rows[] = {
        {0, offsetof(struct resource_map, magic), 1},
        {0, offsetof(struct resource_map, tsc_hz), 0},
        {0, offsetof(struct resource_map, apic_timer_hz), 0},
        {0, offsetof(struct resource_map, apic_timer_hz), 1ull << 33},
        {0, offsetof(struct resource_map, phys_limit), 0},
        {0, offsetof(struct resource_map, phys_limit), 3},
        {0, offsetof(struct resource_map, private_paddr), 0x123},
        {0, offsetof(struct resource_map, private_size), ~0xfffull},
        {0, offsetof(struct resource_map, window_paddr), WINDOW_PADDR + 4096},
        {0, offsetof(struct resource_map, window_size), 0},
        {0, offsetof(struct resource_map, window_size), WINDOW_BYTES * 2},
        {0, offsetof(struct resource_map, image_paddr), WINDOW_PADDR},
        {0, offsetof(struct resource_map, kernel_pml4_paddr), WINDOW_PADDR},
        {0, offsetof(struct resource_map, kernel_pml4_paddr), 0},
        {RESOURCE_ROOT_IMAGE, offsetof(struct resource_entry, arg0), 0},
        {RESOURCE_ROOT_IMAGE, offsetof(struct resource_entry, arg0), 1ull << 47},
        {RESOURCE_ROOT_IMAGE, offsetof(struct resource_entry, arg1), IMAGE_VA + IMAGE_BYTES},
        {RESOURCE_ROOT_IMAGE, offsetof(struct resource_entry, size), 0},
        {RESOURCE_PRIVATE, offsetof(struct resource_entry, paddr), WINDOW_PADDR},
        {RESOURCE_PRIVATE, offsetof(struct resource_entry, paddr), GUEST_PADDR},
        {RESOURCE_PRIVATE, offsetof(struct resource_entry, size), 4097},
        {RESOURCE_MEMORY, offsetof(struct resource_entry, paddr), WINDOW_PADDR},
        {RESOURCE_MEMORY, offsetof(struct resource_entry, paddr), WINDOW_PADDR - 4096},
        {RESOURCE_MEMORY, offsetof(struct resource_entry, paddr), 1ull << 39},
        {RESOURCE_MEMORY, offsetof(struct resource_entry, size), ~0xfffull},
        {RESOURCE_MEMORY, offsetof(struct resource_entry, size), 8ull << 20},
        {RESOURCE_MODULE, offsetof(struct resource_entry, size), 0},
        {RESOURCE_MODULE, offsetof(struct resource_entry, size), ~0ull},
        {RESOURCE_IPI, offsetof(struct resource_entry, arg0), 1ull << 32},
        {RESOURCE_IPI, offsetof(struct resource_entry, arg1), 0x2f},
        {RESOURCE_IOPORT, offsetof(struct resource_entry, arg1), 0x10000},
        {RESOURCE_IOPORT, offsetof(struct resource_entry, arg0), 0x400},
        {RESOURCE_IOAPIC, offsetof(struct resource_entry, arg1), 0},
        {RESOURCE_IPI, offsetof(struct resource_entry, kind), 99},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct resource_map *m = host_map();
        assert_null(check(m));
        char *base = rows[i].kind ? (char *)entry(m, rows[i].kind) : (char *)m;
        memcpy(base + rows[i].offset, &rows[i].value, rows[i].offset ? 8 : 4);
        if (!rows[i].kind && !rows[i].offset)
            m->magic = rows[i].value;
        if (!check(m))
            fail_msg("row %u was not refused", i);
        free(m);
    }
}

static void refuses_doubles(void **state)
{
    (void)state;
    struct resource_map *m = host_map();
    memcpy(entry(m, RESOURCE_IPI)->name, "ram", 4);
    assert_string_equal(check(m), "a name that another entry has, too");
    free(m);
    m = host_map();
    entry(m, RESOURCE_MODULE)->paddr = GUEST_PADDR;
    assert_string_equal(check(m), "memory that another entry has, too");
    free(m);
    m = host_map();
    memset(entry(m, RESOURCE_IPI)->name, 'x', RESOURCE_NAME_MAX);
    assert_string_equal(check(m), "a name without an end");
    m->bytes++;
    assert_string_equal(check(m), "its size does not fit its number of entries");
    free(m);
}

/* Any bytes at all: the check ends, and what it lets through has its memory in its place. */
static void survives_noise(void **state)
{
    (void)state;
    uint64_t random = 88172645463325252ull;
    for (unsigned round = 0; round < 20000; round++) {
        struct resource_map *m = host_map();
        size_t bytes = m->bytes;
        const struct resource_entry *memory = entry(m, RESOURCE_MEMORY);
        for (unsigned i = 0; i < 1 + round % 4; i++) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            ((uint8_t *)m)[random % bytes] = (uint8_t)(random >> 32);
        }
        if (!check(m) && memory->kind == RESOURCE_MEMORY)
            assert_false(memory->paddr < m->private_paddr + m->private_size &&
                         m->private_paddr < memory->paddr + memory->size);
        free(m);
    }
}

static void pieces_are_aligned_and_cover(void **state)
{
    (void)state;
    uint64_t at = 0x5000, end = 0x1234000;
    while (at < end) {
        unsigned bits = resource_piece_bits(at, end, SEL4_MAX_UNTYPED_BITS);
        assert_true(bits >= 12 && at % (1ull << bits) == 0);
        at += 1ull << bits;
    }
    assert_int_equal(at, end);
    assert_int_equal(resource_piece_bits(0, 1ull << 60, SEL4_MAX_UNTYPED_BITS), SEL4_MAX_UNTYPED_BITS);
    assert_int_equal(resource_piece_bits(0, 1ull << 60, CHANNEL_MAX_BITS), CHANNEL_MAX_BITS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_each_contradiction),
        cmocka_unit_test(refuses_doubles),
        cmocka_unit_test(survives_noise),
        cmocka_unit_test(pieces_are_aligned_and_cover),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
