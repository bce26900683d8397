/* Serves block requests (<atoll/block.h>) on memory. Pure: the queues and the memory are the caller's. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <atoll/queue.h>

struct disk {
    uint8_t *memory;
    uint64_t sectors;
    bool read_only;
    struct queue requests, answers;
};

/* Serve all requests that are there. False: the client wrote something that is no request; nothing more of it is served. */
bool disk_serve(struct disk *d);
