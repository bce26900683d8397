/* Range sets: against a plain model, one flag per page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "ranges.h"

#define PAGES 64

static uint32_t seed = 1;
static uint32_t next_random(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

static void check_model(const struct ranges *set, const unsigned char *model)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < set->count; i++) {
        assert_true(set->r[i].start < set->r[i].end);
        if (i)
            assert_true(set->r[i - 1].end < set->r[i].start); /* sorted, not touching */
    }
    for (unsigned p = 0; p < PAGES; p++) {
        total += model[p];
        assert_int_equal(ranges_contain(set, p, p + 1), model[p]);
        assert_int_equal(ranges_overlap(set, p, p + 1), model[p]);
    }
    assert_int_equal(ranges_total(set), total);
}

static void random_operations(void **state)
{
    static struct ranges set;
    unsigned char model[PAGES] = {0};
    (void)state;
    set.count = 0;
    for (unsigned step = 0; step < 20000; step++) {
        uint64_t a = next_random() % (PAGES + 1), b = next_random() % (PAGES + 1), start;
        switch (next_random() % 3) {
        case 0:
            assert_true(ranges_add(&set, a, b));
            if (a < b)
                memset(model + a, 1, b - a);
            break;
        case 1:
            assert_true(ranges_remove(&set, a, b));
            if (a < b)
                memset(model + a, 0, b - a);
            break;
        default: {
            uint64_t size = 1 + next_random() % 8, align = 1u << next_random() % 4, expected = UINT64_MAX;
            for (uint64_t at = 0; at + size <= PAGES && expected == UINT64_MAX; at += align)
                if (memchr(model + at, 0, size) == NULL)
                    expected = at;
            bool took = ranges_take(&set, size, align, &start);
            assert_int_equal(took, expected != UINT64_MAX);
            if (took) {
                assert_int_equal(start, expected);
                memset(model + start, 0, size);
            }
        }
        }
        check_model(&set, model);
    }
}

static void full_set_refuses_and_keeps(void **state)
{
    static struct ranges set, before;
    (void)state;
    set.count = 0;
    for (unsigned i = 0; i < RANGES_MAX; i++)
        assert_true(ranges_add(&set, i * 10, i * 10 + 5));
    before = set;
    assert_false(ranges_add(&set, 8, 9));
    assert_false(ranges_remove(&set, 11, 12)); /* would split one into two */
    assert_memory_equal(&set, &before, sizeof set);
    assert_true(ranges_add(&set, 5, 10)); /* joins two into one */
    assert_int_equal(set.count, RANGES_MAX - 1);
}

static void edges_of_the_address_space(void **state)
{
    static struct ranges set;
    uint64_t start;
    (void)state;
    set.count = 0;
    assert_true(ranges_add(&set, UINT64_MAX - 4096, UINT64_MAX));
    assert_false(ranges_take(&set, 4096, 1ull << 63, &start));
    assert_false(ranges_take(&set, UINT64_MAX, 1, &start));
    assert_int_equal(ranges_largest(&set, 1ull << 63).end, 0);
    assert_true(ranges_remove(&set, 0, UINT64_MAX));
    assert_int_equal(set.count, 0);
}

static void largest_is_aligned(void **state)
{
    static struct ranges set;
    (void)state;
    set.count = 0;
    assert_true(ranges_add(&set, 0x1000, 0x5000));
    assert_true(ranges_add(&set, 0x101000, 0x4ff000));
    struct range r = ranges_largest(&set, 0x100000);
    assert_int_equal(r.start, 0x200000);
    assert_int_equal(r.end, 0x400000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations),
        cmocka_unit_test(full_set_refuses_and_keeps),
        cmocka_unit_test(edges_of_the_address_space),
        cmocka_unit_test(largest_is_aligned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
