/* Serves block requests (<atoll/block.h>) on memory. Pure: the queues and the memory are the caller's. */
#pragma once
#include "block.h"

struct disk {
    uint8_t *memory;
    struct block_server server;
};

/* Serve all requests that are there. False: the client has just written something that is no request. */
bool disk_serve(struct disk *d);
