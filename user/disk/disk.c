#include "disk.h"

bool disk_serve(struct disk *d)
{
    struct block_request r;
    enum block_next next;

    while ((next = block_next(&d->server, &r)) == BLOCK_WORK) {
        uint8_t *at = d->memory + r.sector * BLOCK_SECTOR;

        if (r.operation == BLOCK_WRITE)
            block_data(&d->server, &r, at);
        block_skip(&d->server, &r);
        block_answer(&d->server, &r, BLOCK_DONE, at); /* a flush: memory, nothing is on its way anywhere */
    }
    return next == BLOCK_NOTHING;
}
