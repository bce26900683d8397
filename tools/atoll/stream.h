/* One console: its lines, its log file, its recent past. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "screen.h"

#define STREAM_LINE_MAX 4096   /* a longer line is logged in pieces */
#define STREAM_PAST_SIZE 16384 /* what is shown again when a person switches to this console */

struct stream;
typedef void stream_line_fn(void *context, struct stream *s, const char *line);

struct stream {
    const char *name;
    FILE *log;              /* NULL: not kept */
    stream_line_fn *line_done;
    void *context;
    char line[STREAM_LINE_MAX + 1];
    size_t length;
    bool cut;               /* the line goes on one that was too long */
    uint64_t line_ms;       /* when the line's first byte came */
    enum { TEXT_PLAIN, TEXT_ESCAPE, TEXT_CSI } text; /* where a terminal sequence stands; it is kept out of the log */
    struct screen screen;   /* what of its bytes may reach a terminal; the caller's, before stream_feed() */
    uint8_t past[STREAM_PAST_SIZE];
    uint64_t total;         /* bytes ever */
};

void stream_init(struct stream *s, const char *name, FILE *log, stream_line_fn *line_done, void *context);
void stream_feed(struct stream *s, const uint8_t *bytes, size_t n, uint64_t now_ms);
/* The last, unfinished line goes to the log too. */
void stream_end(struct stream *s);
/* Write the recent past, from the start of a line on. */
void stream_replay(const struct stream *s, FILE *to);
