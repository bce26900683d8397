/* Text formatting: against the C library, and cut to size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "text.h"

#define SAME(...)                                                                                                                \
    do {                                                                                                                         \
        char ours[256], theirs[256];                                                                                             \
        int n = snprintf(theirs, sizeof theirs, __VA_ARGS__);                                                                    \
        assert_int_equal(text_format(ours, sizeof ours, __VA_ARGS__), n);                                                        \
        assert_string_equal(ours, theirs);                                                                                       \
    } while (0)

static void as_the_c_library(void **state)
{
    (void)state;
    SAME("plain");
    SAME("%s and %s", "one", "");
    SAME("%c%c %%", 'a', 'z');
    SAME("%u %u %u", 0u, 7u, UINT32_MAX);
    SAME("0x%x 0x%lx 0x%lx", 0xdeadbeefu, 0ul, UINT64_MAX);
    SAME("%lu %lu", 0ul, UINT64_MAX);
}

static void cut_to_size(void **state)
{
    (void)state;
    for (size_t size = 1; size < 12; size++) {
        char *to = malloc(size); /* the sanitizer sees a byte too many */
        assert_int_equal(text_format(to, size, "%s%lu", "abcd", 123456ul), size - 1 < 10 ? size - 1 : 10);
        assert_memory_equal(to, "abcd123456", strlen(to));
        free(to);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_the_c_library), cmocka_unit_test(cut_to_size)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
