/* What a VM printed lately, and when, for whoever comes later: the last RING_BYTES of its console, with the time at which each line began. Pure. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define RING_BYTES 16384u /* a power of two */
#define RING_STAMPS 256u  /* a power of two: lines that have a time; a line before them is shown without */

struct ring {
    uint64_t end;         /* bytes ever put in */
    uint64_t stamped;     /* stamps ever made */
    int inside_line;      /* the last byte was no newline */
    uint8_t bytes[RING_BYTES];
    struct ring_stamp {
        uint64_t at;      /* position of a line's first byte */
        uint64_t ms;
    } stamps[RING_STAMPS];
};

void ring_put(struct ring *r, const uint8_t *bytes, size_t n, uint64_t ms);

/* A replay goes line by line: `position` says how far it has come, 0 at first; whatever has left the ring meanwhile is left out. */
struct ring_reader {
    uint64_t position, end, stamp;
};
void ring_begin(const struct ring *r, struct ring_reader *reader);
/* The next line or a piece of a long one, time in front, at most `size` bytes (at least 64); 0: that was all. */
size_t ring_next(const struct ring *r, struct ring_reader *reader, uint8_t *to, size_t size);
