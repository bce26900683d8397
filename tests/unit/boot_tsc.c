/* The distance between two time stamp counters: narrowed by messages, judged in a sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "requirements.h"

/* Messages between two cores whose counters differ by `apart`, each way taking a while. */
static struct tsc_distance exchange(int64_t apart, uint64_t start)
{
    struct tsc_distance d = TSC_DISTANCE_UNKNOWN;
    uint64_t now = start;
    for (unsigned i = 0; i < 64; i++) {
        uint64_t before = now, there = 40 + (uint64_t)rand() % 1000, back = 40 + (uint64_t)rand() % 1000;
        tsc_distance_narrow(&d, before, before + there + (uint64_t)apart, before + there + back);
        now += there + back + 10;
    }
    return d;
}

static void one_clock_passes(void **state)
{
    (void)state;
    char reason[256];
    for (unsigned i = 0; i < 200; i++) {
        struct tsc_distance d = exchange(0, i % 2 ? (uint64_t)rand() : UINT64_MAX - 5000); /* over the counter's end, too */
        assert_true(d.low <= 0 && d.high >= 0 && d.high - d.low < 1000);
        assert_true(requirement_tsc(3, &d, reason, sizeof reason));
    }
}

static void two_clocks_are_told_apart(void **state)
{
    (void)state;
    char reason[256];
    for (int64_t apart = 2000; apart < 1ll << 60; apart *= 3) {
        struct tsc_distance ahead = exchange(apart, 1ull << 40), behind = exchange(-apart, 1ull << 40);
        assert_true(ahead.low <= apart && apart <= ahead.high && behind.low <= -apart && -apart <= behind.high);
        assert_false(requirement_tsc(3, &ahead, reason, sizeof reason));
        assert_non_null(strstr(reason, "the core with APIC id 3 is "));
        assert_non_null(strstr(reason, " ticks or more ahead of the boot core's; switch the machine off and on again"));
        assert_false(requirement_tsc(3, &behind, reason, sizeof reason));
        assert_non_null(strstr(reason, "behind the boot core's"));
    }
}

static void nothing_known_passes(void **state)
{
    (void)state;
    char reason[256];
    struct tsc_distance d = TSC_DISTANCE_UNKNOWN;
    assert_true(requirement_tsc(0, &d, reason, sizeof reason));
}

static void tell(void *context, enum verdict v, const char *requirement, const char *sentence)
{
    (void)sentence;
    assert_string_equal(requirement, "one TSC");
    *(enum verdict *)context = v;
}

static void a_linux_knows(void **state)
{
    (void)state;
    enum verdict v = VERDICT_FAIL;
    struct verdicts to = {tell, &v};
    requirements_tsc(TSC_TOGETHER, &to);
    assert_int_equal(v, VERDICT_PASS);
    requirements_tsc(TSC_APART, &to);
    assert_int_equal(v, VERDICT_WARN);
    v = VERDICT_FAIL;
    requirements_tsc(TSC_NOT_COMPARED, &to);
    assert_int_equal(v, VERDICT_WARN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_clock_passes), cmocka_unit_test(two_clocks_are_told_apart), cmocka_unit_test(nothing_known_passes),
        cmocka_unit_test(a_linux_knows),
    };
    return cmocka_run_group_tests_name("boot_tsc", tests, NULL, NULL);
}
