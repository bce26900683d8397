/* Bytes of one console to time-stamped log lines. */
#include <string.h>
#include "stream.h"

#define ESC 0x1b

void stream_init(struct stream *s, const char *name, FILE *log, stream_line_fn *line_done, void *context)
{
    memset(s, 0, sizeof *s);
    s->name = name;
    s->log = log;
    s->line_done = line_done;
    s->context = context;
}

/* `whole`: a line feed ended it. What follows a cut is logged, but is no line to look for events in. */
static void line_finish(struct stream *s, bool whole)
{
    s->line[s->length] = 0;
    if (s->log != NULL) {
        fprintf(s->log, "[%6llu.%03llu] %s\n", (unsigned long long)(s->line_ms / 1000), (unsigned long long)(s->line_ms % 1000), s->line);
        fflush(s->log);
    }
    s->length = 0;
    if (s->line_done != NULL && !s->cut)
        s->line_done(s->context, s, s->line);
    s->cut = !whole;
}

/* Is this byte text? Terminal sequences (ECMA-48 5.4: ESC [ parameters final) and controls are not, but tab and line feed. */
static int byte_is_text(struct stream *s, uint8_t b)
{
    switch (s->text) {
    case TEXT_ESCAPE:
        s->text = b == '[' ? TEXT_CSI : TEXT_PLAIN;
        return 0;
    case TEXT_CSI:
        if (b >= 0x40 && b <= 0x7e)
            s->text = TEXT_PLAIN;
        return 0;
    case TEXT_PLAIN:
        break;
    }
    if (b == ESC)
        s->text = TEXT_ESCAPE;
    return (b >= ' ' && b != 0x7f) || b == '\t' || b == '\n';
}

void stream_feed(struct stream *s, const uint8_t *bytes, size_t n, uint64_t now_ms)
{
    for (size_t i = 0; i < n; i++) {
        s->past[s->total++ % STREAM_PAST_SIZE] = bytes[i];
        if (!byte_is_text(s, bytes[i]))
            continue;
        if (s->length == 0)
            s->line_ms = now_ms;
        if (bytes[i] == '\n') {
            line_finish(s, true);
            continue;
        }
        s->line[s->length++] = (char)bytes[i];
        if (s->length == STREAM_LINE_MAX)
            line_finish(s, false);
    }
}

void stream_end(struct stream *s)
{
    if (s->length != 0)
        line_finish(s, true);
}

void stream_replay(const struct stream *s, FILE *to)
{
    uint64_t at = s->total > STREAM_PAST_SIZE ? s->total - STREAM_PAST_SIZE : 0;
    if (at != 0)
        while (at < s->total && s->past[at++ % STREAM_PAST_SIZE] != '\n')
            ;
    for (; at < s->total; at++)
        fputc(s->past[at % STREAM_PAST_SIZE], to);
}
