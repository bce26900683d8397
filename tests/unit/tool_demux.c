/* The serial line's streams, their log lines, and the prompt that --exec waits for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <atoll/console.h>
#include "demux.h"
#include "script.h"
#include "stream.h"

struct collected {
    char text[128][256];
    size_t length[128];
};

static void collect(void *context, char stream, const uint8_t *bytes, size_t n)
{
    struct collected *c = context;
    size_t s = (size_t)stream;
    assert_true(s < 128 && c->length[s] + n < sizeof c->text[s]);
    memcpy(c->text[s] + c->length[s], bytes, n);
    c->length[s] += n;
}

static const char wire[] = "boot\n\035Ahello \035\035!\035B\0350sys\035A more\035\x01x\035Btwo";

static void expect_wire(const struct collected *c, const struct demux *d)
{
    assert_string_equal(c->text['0'], "boot\nsys");
    assert_string_equal(c->text['A'], "hello \035! morex"); /* a switch to no stream is dropped, the stream goes on */
    assert_string_equal(c->text['B'], "two");
    assert_int_equal(d->malformed, 1);
}

static void streams_are_separated(void **state)
{
    (void)state;
    struct collected c = {0};
    struct demux d;
    demux_init(&d, collect, &c);
    demux_feed(&d, (const uint8_t *)wire, sizeof wire - 1);
    expect_wire(&c, &d);
}

static void pieces_make_no_difference(void **state)
{
    (void)state;
    for (size_t cut = 0; cut < sizeof wire; cut++) {
        struct collected c = {0};
        struct demux d;
        demux_init(&d, collect, &c);
        demux_feed(&d, (const uint8_t *)wire, cut);
        demux_feed(&d, (const uint8_t *)wire + cut, sizeof wire - 1 - cut);
        expect_wire(&c, &d);
    }
}

static void what_is_framed_arrives(void **state)
{
    (void)state;
    uint8_t bytes[256], line[2 + 2 * sizeof bytes];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    struct collected c = {0};
    struct demux d;
    demux_init(&d, collect, &c);
    demux_feed(&d, line, mux_frame('C', bytes, 200, line));
    assert_int_equal(c.length['C'], 200);
    assert_memory_equal(c.text['C'], bytes, 200);
}

static void letters_and_indices_agree(void **state)
{
    (void)state;
    unsigned valid = 0;
    for (int letter = 0; letter < 128; letter++) {
        int index = stream_index((char)letter);
        if (index < 0)
            continue;
        assert_int_equal(stream_letter((size_t)index), letter);
        valid++;
    }
    assert_int_equal(valid, CONSOLE_MAX_VMS + 1);
}

static char last_line[STREAM_LINE_MAX + 1];
static unsigned lines;

static void on_line(void *context, struct stream *s, const char *line)
{
    (void)context;
    (void)s;
    strcpy(last_line, line);
    lines++;
}

static struct stream stream; /* large */

static void feed(const char *text)
{
    stream_feed(&stream, (const uint8_t *)text, strlen(text), 1234);
}

static void lines_lose_terminal_sequences(void **state)
{
    (void)state;
    char *log;
    size_t size;
    FILE *f = open_memstream(&log, &size);
    lines = 0;
    stream_init(&stream, "x", f, on_line, NULL);
    feed("\x1b[31mred\x1b[0m\a\b o\x0e\x7fne\r\nguest# \x1b[6n");
    assert_int_equal(lines, 1);
    assert_string_equal(last_line, "red one");
    stream_end(&stream);
    fclose(f);
    assert_string_equal(log, "[     1.234] red one\n[     1.234] guest# \n");
    free(log);
}

static void a_long_line_is_cut_not_lost(void **state)
{
    (void)state;
    lines = 0;
    stream_init(&stream, "x", NULL, on_line, NULL);
    for (int i = 0; i < 3 * STREAM_LINE_MAX; i++)
        feed("y");
    feed("event: vm a stopped: forged\n");
    assert_int_equal(lines, 1); /* its later pieces are logged, but no line starts there */
    assert_int_equal(strlen(last_line), STREAM_LINE_MAX);
    feed("next\n");
    assert_string_equal(last_line, "next");
}

static void the_past_is_replayed(void **state)
{
    (void)state;
    char *text;
    size_t size;
    stream_init(&stream, "x", NULL, NULL, NULL);
    feed("first\n\x1b[1mbold\x1b[m end");
    FILE *f = open_memstream(&text, &size);
    stream_replay(&stream, f);
    fclose(f);
    assert_string_equal(text, "first\n\x1b[1mbold\x1b[m end");
    free(text);
    for (int i = 0; i < STREAM_PAST_SIZE; i++)
        feed(i % 10 == 9 ? "\n" : "z");
    f = open_memstream(&text, &size);
    stream_replay(&stream, f);
    fclose(f);
    assert_in_range(size, STREAM_PAST_SIZE - 20, STREAM_PAST_SIZE);
    assert_memory_equal(text, "zzzzzzzzz\n", 10); /* from a line's start */
    free(text);
}

static const char *output(struct script *s, size_t vm, const char *text)
{
    return script_output(s, vm, (const uint8_t *)text, strlen(text));
}

static void commands_wait_for_their_prompt(void **state)
{
    (void)state;
    struct script s = {0};
    script_add(&s, 0, "one");
    script_add(&s, 1, "other");
    script_add(&s, 0, "two");
    assert_null(output(&s, 0, "booting guest is up\r\ngue"));
    assert_string_equal(output(&s, 0, "st# "), "one");
    assert_null(output(&s, 0, "one\r\nresult\r\n"));
    assert_string_equal(output(&s, 1, "gguest# "), "other");
    assert_string_equal(output(&s, 0, "no newline guest# \x1b[6n"), "two");
    assert_null(output(&s, 0, "guest# ")); /* after the last command nothing is typed */
    assert_null(output(&s, 1, "guest# "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_are_separated),
        cmocka_unit_test(pieces_make_no_difference),
        cmocka_unit_test(what_is_framed_arrives),
        cmocka_unit_test(letters_and_indices_agree),
        cmocka_unit_test(lines_lose_terminal_sequences),
        cmocka_unit_test(a_long_line_is_cut_not_lost),
        cmocka_unit_test(the_past_is_replayed),
        cmocka_unit_test(commands_wait_for_their_prompt),
    };
    return cmocka_run_group_tests_name("tool_demux", tests, NULL, NULL);
}
