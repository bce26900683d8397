/* Formatting, framing of the serial line, system lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <atoll/console.h>
#include "command.h"
#include "ring.h"
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

static enum command type(struct command_line *c, const char *line, uint32_t *vm)
{
    static const char vms[2][32] = {"alpha", "beta"};
    enum command command = COMMAND_NONE;

    for (; *line; line++)
        command = command_input(c, (uint8_t)*line, vms, 2, vm);
    return command;
}

static void typed_commands(void **state)
{
    struct command_line c = {0};
    uint32_t vm = 9;

    (void)state;
    assert_int_equal(type(&c, "power beta", &vm), COMMAND_NONE);
    assert_int_equal(type(&c, "\r", &vm), COMMAND_POWER);
    assert_int_equal(vm, 1);
    assert_int_equal(type(&c, "\n", &vm), COMMAND_NONE);
    assert_int_equal(type(&c, "replay  alphax\x7f \r", &vm), COMMAND_REPLAY);
    assert_int_equal(vm, 0);
    assert_int_equal(type(&c, "power gamma\r", &vm), COMMAND_UNKNOWN);
    assert_string_equal(c.word, "gamma");
    assert_int_equal(type(&c, "power\r", &vm), COMMAND_UNKNOWN);
    assert_int_equal(type(&c, "halt\x1b alpha\r", &vm), COMMAND_UNKNOWN);
    assert_string_equal(c.word, "halt?");
    for (unsigned i = 0; i < 3 * COMMAND_LINE_MAX; i++)
        assert_int_equal(type(&c, "p", &vm), COMMAND_NONE);
    assert_int_equal(type(&c, "\b\b\r", &vm), COMMAND_UNKNOWN);
    assert_int_equal(type(&c, "power alpha\r", &vm), COMMAND_POWER);
}

static void rings_replay(void **state)
{
    static struct ring r;
    struct ring_reader reader;
    uint8_t out[100];
    char line[64];
    unsigned lines = 0, first = 0;
    size_t n;

    (void)state;
    ring_begin(&r, &reader);
    assert_int_equal(ring_next(&r, &reader, out, sizeof out), 0);
    ring_put(&r, (const uint8_t *)"one\nt", 5, 1002);
    ring_put(&r, (const uint8_t *)"wo\n", 3, 7000);
    ring_begin(&r, &reader);
    n = ring_next(&r, &reader, out, sizeof out);
    assert_int_equal(n, 15 + 2);
    assert_memory_equal(out, "[     1.002] one\n", n);
    n = ring_next(&r, &reader, out, sizeof out);
    assert_memory_equal(out, "[     1.002] two\n", n);
    assert_int_equal(ring_next(&r, &reader, out, sizeof out), 0);
    for (unsigned i = 0; i < 5000; i++) /* far more than it holds: the last ones stay, whole, the latest with their times */
        ring_put(&r, (const uint8_t *)line, (size_t)snprintf(line, sizeof line, "line %u of many, and some more text in it\n", i), i);
    ring_begin(&r, &reader);
    while ((n = ring_next(&r, &reader, out, sizeof out)) != 0) {
        unsigned number;
        const char *text = memchr(out, 'l', n);

        out[n - 1] = '\0';
        assert_non_null(text);
        assert_int_equal(sscanf(text, "line %u of many", &number), 1);
        if (lines++ == 0)
            first = number;
        assert_int_equal(number, first + lines - 1);
        assert_true(out[0] == '[' || number < 5000 - RING_STAMPS);
    }
    assert_int_equal(first + lines, 5000);
    assert_in_range(lines, RING_BYTES / 45, RING_BYTES / 40);
    ring_begin(&r, &reader); /* overtaken in the middle of a replay: what is gone is left out */
    ring_next(&r, &reader, out, sizeof out);
    for (unsigned i = 0; i < RING_BYTES; i++)
        ring_put(&r, (const uint8_t *)"x", 1, 1);
    assert_int_equal(ring_next(&r, &reader, out, sizeof out), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats),          cmocka_unit_test(output_is_framed_and_escaped),
        cmocka_unit_test(input_is_taken_apart),
        cmocka_unit_test(after_a_gap_input_is_nobodys), cmocka_unit_test(lines_are_found),
        cmocka_unit_test(only_the_manager_speaks_events),
        cmocka_unit_test(typed_commands),
        cmocka_unit_test(rings_replay),
    };
    return cmocka_run_group_tests_name("user_text", tests, NULL, NULL);
}
