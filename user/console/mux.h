/* The serial line's framing (<atoll/console.h>) and the form of system lines. Pure. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYSTEM_LINE_MAX 1536 /* bytes of one line; longer ones are cut in several */

struct mux {
    char out;       /* stream of the bytes written last; 0: none was named yet */
    char in;        /* stream of the bytes to come */
    bool switching; /* the last input byte was CONSOLE_SWITCH */
};
void mux_init(struct mux *m);

/* Frame `n` bytes of a stream into `to`, which has room for MUX_FRAMED(n). Returns the bytes to send. */
#define MUX_FRAMED(n) (2 * (n) + 2)
size_t mux_frame(struct mux *m, char stream, const uint8_t *bytes, size_t n, uint8_t *to);

/* One input byte. True: `*byte` belongs to stream m->in. */
bool mux_input(struct mux *m, uint8_t received, uint8_t *byte);

/* Input was lost, perhaps a switch: what comes is nobody's until the next one, as it may have been typed for another VM. */
void mux_input_lost(struct mux *m);

/* The first line in `n` peeked bytes: its length with the newline; 0: not complete yet. SYSTEM_LINE_MAX bytes without a newline
 * are a line, and so is whatever is left when `last` is set. */
size_t line_length(const uint8_t *bytes, size_t n, bool last);

/* That line as the system stream shows it, in `to` of SYSTEM_TEXT_MAX bytes: prefixed with its node, control characters made
 * harmless. Only an events queue's lines may be events. Returns the length, newline included. */
#define SYSTEM_TEXT_MAX (SYSTEM_LINE_MAX + 32)
size_t line_text(char *to, uint32_t node, bool events, const uint8_t *line, size_t n);
