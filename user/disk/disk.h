/* Serves block requests (<atoll/block.h>) on memory. Pure: the queues and the memory are the caller's. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <atoll/queue.h>

struct disk {
    uint8_t *memory;
    uint64_t sectors;
    bool read_only;
    bool dead; /* the client wrote something that is no request: nothing more of it is served until it begins anew */
    struct queue requests, answers;
};

/* Serve all requests that are there. False: the client has just written something that is no request. */
bool disk_serve(struct disk *d);
