/* Formatting, framing of the serial line, system lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <atoll/console.h>
#include "lib.h"
#include "mux.h"

static void formats(void **state)
{
    (void)state;
    char t[64];
    text_format(t, sizeof t, "%s|%5s|%-5s|%c", "a", "b", "c", 'd');
    assert_string_equal(t, "a|    b|c    |d");
    text_format(t, sizeof t, "%d %u %x %lu %lx %zu %%", -7, 7u, 0xabu, 1ul << 40, ~0ul, (size_t)3);
    assert_string_equal(t, "-7 7 ab 1099511627776 ffffffffffffffff 3 %");
    text_format(t, sizeof t, "%04x|%4d|%04d|%-4u|%ld", 0x1fu, -5, -5, 9u, INT64_MIN);
    assert_string_equal(t, "001f|  -5|-005|9   |-9223372036854775808");
    memset(t, 'x', sizeof t);
    assert_int_equal(text_format(t, 4, "%s", "longer"), 3);
    assert_string_equal(t, "lon");
    assert_int_equal(t[4], 'x');
    assert_int_equal(text_format(t, 0, "%s", "longer"), 0);
}

static void output_is_framed_and_escaped(void **state)
{
    (void)state;
    struct mux m;
    uint8_t to[MUX_FRAMED(8)];
    mux_init(&m);
    assert_int_equal(mux_frame(&m, 'A', (const uint8_t *)"", 0, to), 0);
    assert_int_equal(mux_frame(&m, 'A', (const uint8_t *)"hi", 2, to), 4);
    assert_memory_equal(to, "\x1d" "Ahi", 4);
    assert_int_equal(mux_frame(&m, 'A', (const uint8_t *)"\x1d" "0", 2, to), 3); /* no switch by a VM's bytes */
    assert_memory_equal(to, "\x1d\x1d" "0", 3);
    assert_int_equal(mux_frame(&m, '0', (const uint8_t *)"\x1d\x1d\x1d\x1d\x1d\x1d\x1d\x1d", 8, to), 18);
}

static void after_a_gap_input_is_nobodys(void **state)
{
    (void)state;
    struct mux m;
    uint8_t byte;
    mux_init(&m);
    mux_input(&m, 0x1d, &byte);
    mux_input(&m, 'A', &byte);
    mux_input(&m, 0x1d, &byte);
    mux_input_lost(&m); /* the letter among it */
    assert_true(mux_input(&m, 'C', &byte));
    assert_int_equal(m.in, 0);
    mux_input(&m, 0x1d, &byte);
    mux_input(&m, 'B', &byte);
    assert_true(mux_input(&m, 'x', &byte));
    assert_int_equal(m.in, 'B');
}

static void input_is_taken_apart(void **state)
{
    (void)state;
    const char in[] = "x\x1d" "Ab\x1d\x1d" "c\x1d" "Bd";
    const char streams[] = "0AAAB", bytes[] = "xb\x1d" "cd";
    struct mux m;
    size_t n = 0;
    mux_init(&m);
    for (size_t i = 0; i < sizeof in - 1; i++) {
        uint8_t byte;
        if (mux_input(&m, (uint8_t)in[i], &byte)) {
            assert_true(n < sizeof bytes - 1);
            assert_int_equal(byte, (uint8_t)bytes[n]);
            assert_int_equal(m.in, streams[n++]);
        }
    }
    assert_int_equal(n, sizeof bytes - 1);
}

static void lines_are_found(void **state)
{
    (void)state;
    static uint8_t wide[SYSTEM_LINE_MAX + 1];
    memset(wide, 'w', sizeof wide);
    assert_int_equal(line_length((const uint8_t *)"ab\ncd\n", 6, false), 3);
    assert_int_equal(line_length((const uint8_t *)"ab", 2, false), 0);
    assert_int_equal(line_length((const uint8_t *)"ab", 2, true), 2);
    assert_int_equal(line_length(wide, 0, true), 0);
    assert_int_equal(line_length(wide, SYSTEM_LINE_MAX - 1, false), 0);
    assert_int_equal(line_length(wide, sizeof wide, false), SYSTEM_LINE_MAX);
}

static const char *shown(uint32_t node, bool events, const char *line)
{
    static char to[SYSTEM_TEXT_MAX + 1];
    size_t n = line_text(to, node, events, (const uint8_t *)line, strlen(line));
    to[n] = '\0';
    return to;
}

static void only_the_manager_speaks_events(void **state)
{
    (void)state;
    assert_string_equal(shown(2, true, "event: vm a started\n"), "event: vm a started\n");
    assert_string_equal(shown(2, false, "event: vm a started\n"), "[node 2] log: event: vm a started\n");
    assert_string_equal(shown(2, true, "bound\r\n"), "[node 2] bound\n");
    assert_string_equal(shown(63, false, "a\033[2Jb\revent: x"), "[node 63] a?[2Jb?event: x\n");
    static uint8_t wide[SYSTEM_LINE_MAX];
    static char to[SYSTEM_TEXT_MAX];
    memset(wide, 0x1d, sizeof wide);
    assert_true(line_text(to, UINT32_MAX, false, wide, sizeof wide) <= SYSTEM_TEXT_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats),          cmocka_unit_test(output_is_framed_and_escaped),
        cmocka_unit_test(input_is_taken_apart),
        cmocka_unit_test(after_a_gap_input_is_nobodys), cmocka_unit_test(lines_are_found),
        cmocka_unit_test(only_the_manager_speaks_events),
    };
    return cmocka_run_group_tests_name("user_text", tests, NULL, NULL);
}
