/* Framing: see <atoll/console.h>. */
#include "mux.h"
#include "lib.h"
#include <atoll/console.h>

void mux_init(struct mux *m) { *m = (struct mux){.in = CONSOLE_STREAM_SYSTEM}; }

size_t mux_frame(struct mux *m, char stream, const uint8_t *bytes, size_t n, uint8_t *to)
{
    size_t at = 0;

    if (n == 0)
        return 0;
    if (m->out != stream) {
        to[at++] = CONSOLE_SWITCH;
        to[at++] = (uint8_t)stream;
        m->out = stream;
    }
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == CONSOLE_SWITCH)
            to[at++] = CONSOLE_SWITCH;
        to[at++] = bytes[i];
    }
    return at;
}

bool mux_input(struct mux *m, uint8_t received, uint8_t *byte)
{
    if (m->switching) {
        m->switching = false;
        if (received != CONSOLE_SWITCH) {
            m->in = (char)received;
            return false;
        }
    } else if (received == CONSOLE_SWITCH) {
        m->switching = true;
        return false;
    }
    *byte = received;
    return true;
}

void mux_input_lost(struct mux *m)
{
    m->in = 0;
    m->switching = false;
}

size_t line_length(const uint8_t *bytes, size_t n, bool last)
{
    for (size_t i = 0; i < n && i < SYSTEM_LINE_MAX; i++)
        if (bytes[i] == '\n')
            return i + 1;
    if (n >= SYSTEM_LINE_MAX)
        return SYSTEM_LINE_MAX;
    return last ? n : 0;
}

size_t line_text(char *to, uint32_t node, bool events, const uint8_t *line, size_t n)
{
    const size_t prefix = sizeof CONSOLE_EVENT_PREFIX - 1;
    bool event = n >= prefix && memcmp(line, CONSOLE_EVENT_PREFIX, prefix) == 0;
    size_t at = 0;

    if (!event || !events)
        at = text_format(to, SYSTEM_TEXT_MAX, event ? "[node %u] log: " : "[node %u] ", node);
    while (n && (line[n - 1] == '\n' || line[n - 1] == '\r'))
        n--;
    for (size_t i = 0; i < n; i++)
        to[at++] = (line[i] >= ' ' && line[i] <= '~') || line[i] == '\t' ? (char)line[i] : '?';
    to[at++] = '\n';
    return at;
}
