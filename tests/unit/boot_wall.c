/* The time of day out of the clock's registers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "wall.h"

static void known_times(void **state)
{
    static const struct { struct wall_registers r; uint64_t seconds; } cases[] = {
        {{0x00, 0x00, 0x00, 0x01, 0x01, 0x70, 0x19, 0x02}, 3155760000}, /* century 19 is none: 2070 */
        {{0x00, 0x00, 0x00, 0x01, 0x01, 0x00, 0x20, 0x02}, 946684800},
        {{0x59, 0x59, 0x23, 0x29, 0x02, 0x24, 0x20, 0x02}, 1709251199},
        {{59, 59, 23, 31, 12, 25, 20, 0x06}, 1767225599}, /* binary */
        {{0x05, 0x04, 0x83, 0x23, 0x11, 0x26, 0x20, 0x00}, 1795446245}, /* 3 p.m. of 12 hours */
        {{0x00, 0x00, 0x12, 0x23, 0x11, 0x26, 0x00, 0x00}, 1795392000}, /* midnight of 12 hours, no century */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(wall_seconds(&cases[i].r), cases[i].seconds);
}

static void impossible_times(void **state)
{
    static const struct wall_registers bad[] = {
        {0}, {.mode = 2}, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {0x60, 0, 0, 1, 1, 0x26, 0x20, 2}, {0, 0x60, 0, 1, 1, 0x26, 0x20, 2},
        {0, 0, 0x24, 1, 1, 0x26, 0x20, 2}, {0, 0, 0, 0x29, 2, 0x26, 0x20, 2}, {0, 0, 0, 1, 0x13, 0x26, 0x20, 2}, {0, 0, 0x13, 1, 1, 0x26, 0x20, 0},
        {0, 0, 0, 0x31, 4, 0x26, 0x20, 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(wall_seconds(&bad[i]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_times), cmocka_unit_test(impossible_times)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
