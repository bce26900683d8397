/* A person's terminal: one console shown at a time, a key prefix to switch. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <termios.h>
#include "stream.h"

#define TERMINAL_PREFIX 0x01 /* Ctrl-A */

typedef void terminal_send_fn(void *context, size_t stream, const uint8_t *bytes, size_t n);

struct terminal {
    struct stream *streams; /* 0 system, i + 1 VM i */
    size_t count;
    size_t shown;
    bool active, prefix, leave;
    bool chosen;            /* the person has switched: don't switch by ourselves any more */
    bool at_line_start;
    terminal_send_fn *send;
    void *context;
};

/* Raw mode until terminal_close(), also when the process exits. -1: standard input and output are no terminal. */
int terminal_open(struct terminal *t, struct stream *streams, size_t count, terminal_send_fn *send, void *context);
void terminal_close(struct terminal *t);
void terminal_output(struct terminal *t, size_t stream, const uint8_t *bytes, size_t n);
void terminal_input(struct terminal *t, const uint8_t *bytes, size_t n);
void terminal_show(struct terminal *t, size_t stream);
/* One line of atoll's own, whatever is shown. */
void terminal_notice(struct terminal *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
