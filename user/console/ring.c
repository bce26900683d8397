#include "ring.h"
#include "lib.h"

#define TIME_MAX 32 /* "[" seconds "." milliseconds "] " */

void ring_put(struct ring *r, const uint8_t *bytes, size_t n, uint64_t ms)
{
    for (size_t i = 0; i < n; i++) {
        if (!r->inside_line)
            r->stamps[r->stamped++ % RING_STAMPS] = (struct ring_stamp){r->end, ms};
        r->inside_line = bytes[i] != '\n';
        r->bytes[r->end++ % RING_BYTES] = bytes[i];
    }
}

static uint64_t oldest(const struct ring *r) { return r->end > RING_BYTES ? r->end - RING_BYTES : 0; }
static uint64_t oldest_stamp(const struct ring *r) { return r->stamped > RING_STAMPS ? r->stamped - RING_STAMPS : 0; }

void ring_begin(const struct ring *r, struct ring_reader *reader)
{
    *reader = (struct ring_reader){oldest(r), r->end, oldest_stamp(r)};
    if (reader->position) /* in the middle of a line */
        while (reader->position < r->end && r->bytes[reader->position++ % RING_BYTES] != '\n')
            ;
}

size_t ring_next(const struct ring *r, struct ring_reader *reader, uint8_t *to, size_t size)
{
    size_t at = 0;

    if (reader->position < oldest(r))
        reader->position = oldest(r);
    if (reader->stamp < oldest_stamp(r))
        reader->stamp = oldest_stamp(r);
    if (reader->position >= reader->end)
        return 0;
    while (reader->stamp < r->stamped && r->stamps[reader->stamp % RING_STAMPS].at < reader->position)
        reader->stamp++;
    if (reader->stamp < r->stamped && r->stamps[reader->stamp % RING_STAMPS].at == reader->position) {
        uint64_t ms = r->stamps[reader->stamp % RING_STAMPS].ms;

        at = text_format((char *)to, TIME_MAX, "[%6lu.%03lu] ", ms / 1000, ms % 1000);
    }
    while (at < size && reader->position < reader->end) {
        to[at] = r->bytes[reader->position++ % RING_BYTES];
        if (to[at++] == '\n')
            break;
    }
    return at;
}
