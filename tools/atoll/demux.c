/* The serial line's streams. */
#include <atoll/console.h>
#include "demux.h"

int stream_index(char letter)
{
    if (letter == CONSOLE_STREAM_SYSTEM)
        return 0;
    int vm = letter - CONSOLE_STREAM_FIRST_VM;
    return vm >= 0 && vm < CONSOLE_MAX_VMS ? vm + 1 : -1;
}

char stream_letter(size_t index)
{
    return index == 0 ? CONSOLE_STREAM_SYSTEM : (char)(CONSOLE_STREAM_FIRST_VM + (int)index - 1);
}

void demux_init(struct demux *d, demux_fn *emit, void *context)
{
    *d = (struct demux){.stream = CONSOLE_STREAM_SYSTEM, .emit = emit, .context = context};
}

void demux_feed(struct demux *d, const uint8_t *bytes, size_t n)
{
    size_t start = 0; /* of the run that is not yet given on */
    for (size_t i = 0; i < n; i++) {
        if (d->switching) {
            d->switching = false;
            start = i + 1;
            if (bytes[i] == CONSOLE_SWITCH)
                start = i; /* sent twice: the second is data */
            else if (stream_index((char)bytes[i]) >= 0)
                d->stream = (char)bytes[i];
            else
                d->malformed++;
        } else if (bytes[i] == CONSOLE_SWITCH) {
            if (i > start)
                d->emit(d->context, d->stream, bytes + start, i - start);
            d->switching = true;
            start = i + 1;
        }
    }
    if (n > start)
        d->emit(d->context, d->stream, bytes + start, n - start);
}

size_t mux_frame(char stream, const uint8_t *bytes, size_t n, uint8_t *out)
{
    size_t used = 0;
    out[used++] = CONSOLE_SWITCH;
    out[used++] = (uint8_t)stream;
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == CONSOLE_SWITCH)
            out[used++] = CONSOLE_SWITCH;
        out[used++] = bytes[i];
    }
    return used;
}
