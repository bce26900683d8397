/* One serial line, many streams: both directions of <atoll/console.h>. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A run of bytes of one stream; `stream` is the letter, always a valid one. */
typedef void demux_fn(void *context, char stream, const uint8_t *bytes, size_t n);

struct demux {
    char stream;       /* whose bytes arrive now */
    bool switching;    /* the last byte was CONSOLE_SWITCH */
    unsigned malformed; /* switches to no stream: dropped */
    demux_fn *emit;
    void *context;
};

void demux_init(struct demux *d, demux_fn *emit, void *context);
void demux_feed(struct demux *d, const uint8_t *bytes, size_t n);

/* Stream letters and indices: 0 is the system stream, i + 1 is VM i. -1: no stream has this letter. */
int stream_index(char letter);
char stream_letter(size_t index);

/* The bytes to send so that `n` bytes reach `stream`: switch, then the escaped bytes. `out` holds at least 2 + 2n. */
size_t mux_frame(char stream, const uint8_t *bytes, size_t n, uint8_t *out);
