/* What a guest can do to the terminal of the person who looks at its console. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "screen.h"

/* In one piece, and byte by byte: the same must pass. */
static void passes(const char *in, size_t n, const char *expected)
{
    uint8_t whole[SCREEN_ROOM(256)] = {0}, pieces[SCREEN_ROOM(256)] = {0};
    struct screen a = {0}, b = {0};
    size_t used = 0;
    assert_true(n <= 256);
    size_t size = screen_filter(&a, (const uint8_t *)in, n, whole);
    for (size_t i = 0; i < n; i++)
        used += screen_filter(&b, (const uint8_t *)in + i, 1, pieces + used);
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(whole, expected, size);
    assert_int_equal(used, size);
    assert_memory_equal(pieces, expected, size);
}
#define PASSES(in, expected) passes(in, sizeof(in) - 1, expected)
#define SAME(in) PASSES(in, in)

static void text_colours_and_cursor_pass(void **state)
{
    (void)state;
    SAME("plain\ttext\r\n\b\a ~");
    SAME("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80\n");
    SAME("\x1b[31;1mred\x1b[m \x1b[38;2;1;2;3m\x1b[2J\x1b[H\x1b[10;20Hx\x1b[K\x1b[3;20r\x1b[?25l\x1b[?25h");
    SAME("\x1b" "7\x1b" "8\x1bM");
}

static void nothing_that_the_terminal_answers(void **state)
{
    (void)state;
    PASSES("a\x1b[6nb\x1b[5nc\x1b[cd\x1b[>ce\x1b[=cf\x1b[21tg\x1bZh\x05i\x1b[?6nj\x1b[xk", "abcdefghijk");
    PASSES("a\x1b]10;?\x07" "b\x1b]11;?\x1b\\c\x1bP$qm\x1b\\d\x1bP+q544e\x1b\\e\x1b[?1$pf\x1b[>qg", "abcdefg");
}

static void nothing_that_outlives_the_console(void **state)
{
    (void)state;
    PASSES("a\x1b]0;title\x07" "b\x1b]52;c;Y3VybA==\x07" "c\x1b^x\x1b\\d\x1b_x\x1b\\e\x1bXx\x1b\\f", "abcdef");
    PASSES("a\x1b[?1000hb\x1b[?1049hc\x1b[?2004hd\x1b[4he\x1b[20hf\x1b[4ig\x1b" "ch\x1b[!pi\x1b=j\x1b(0k\x0el\x0fm\x1b[?25;1000hn", "abcdefghijklmn");
}

static void eight_bit_controls_are_dropped(void **state)
{
    (void)state;
    PASSES("a\x9b" "6nb\x9d" "0;x\x07", "a6nb0;x\a");
    PASSES("a\xc2\x9b" "6n\xe0\x82\x9b" "6n\xf0\x80\x82\x9b" "6n\xc0\x9b" "6n", "a6n6n6n6n");
    PASSES("cut \xe2\x82\nshort \xe2\x82X\x80\xff.", "cut \nshort X.");
}

static void nothing_hides_in_a_broken_sequence(void **state)
{
    (void)state;
    PASSES("\x1b[3\x1b[6n1m", "1m");
    PASSES("\x1b[31\nm", "\nm");
    PASSES("\x1b]0;\x1b[6n.\x1b]0;x\x1b\x1b[6n.", "..");
    PASSES("\x1b]0;no end\nnext line", "\nnext line");
    PASSES("\x1b[6\x18n \x1b]x\x1ay", "n y");
    PASSES("\x1b[1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1mx", "x"); /* too long */
}

static void any_bytes_in_any_pieces(void **state)
{
    (void)state;
    struct screen s = {0};
    srand(1);
    for (unsigned round = 0; round < 20000; round++) {
        static const uint8_t likely[] = {0x1b, '[', ']', '?', '6', 'n', ';', 'm', 0xc2, 0x9b, 0xf0, 0x07, '\\', '\n'};
        uint8_t in[64], *out = malloc(SCREEN_ROOM(sizeof in));
        size_t n = (size_t)rand() % sizeof in;
        for (size_t i = 0; i < n; i++)
            in[i] = rand() % 4 ? likely[(size_t)rand() % sizeof likely] : (uint8_t)rand();
        size_t used = screen_filter(&s, in, n, out);
        assert_true(used <= SCREEN_ROOM(n));
        for (size_t i = 0; i + 3 < used; i++)
            assert_memory_not_equal(out + i, "\x1b[6n", 4);
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_colours_and_cursor_pass),
        cmocka_unit_test(nothing_that_the_terminal_answers),
        cmocka_unit_test(nothing_that_outlives_the_console),
        cmocka_unit_test(eight_bit_controls_are_dropped),
        cmocka_unit_test(nothing_hides_in_a_broken_sequence),
        cmocka_unit_test(any_bytes_in_any_pieces),
    };
    return cmocka_run_group_tests_name("tool_screen", tests, NULL, NULL);
}
