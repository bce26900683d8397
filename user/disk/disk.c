#include "disk.h"
#include <atoll/block.h>

/* Does the request stay on the disk? The client is not trusted. */
static bool possible(const struct disk *d, const struct block_request *r)
{
    uint64_t count = r->bytes / BLOCK_SECTOR;

    if (r->operation == BLOCK_FLUSH) /* memory: nothing is on its way anywhere */
        return r->bytes == 0;
    return (r->operation == BLOCK_READ || (r->operation == BLOCK_WRITE && !d->read_only)) && r->bytes % BLOCK_SECTOR == 0 &&
           r->bytes <= BLOCK_PIECE && r->sector <= d->sectors && count <= d->sectors - r->sector;
}

static bool give_up(struct disk *d)
{
    d->dead = true;
    queue_skip(&d->requests, queue_used(&d->requests)); /* so that nobody takes the queue for a new one */
    return false;
}

bool disk_serve(struct disk *d)
{
    struct block_request r;

    if (queue_began_anew(&d->requests))
        d->dead = false;
    while (!d->dead && queue_used(&d->requests)) {
        struct block_answer a = {0};
        uint32_t data;
        bool good;

        if (!queue_get(&d->requests, 0, &r, sizeof r))
            return give_up(d);
        data = r.operation == BLOCK_WRITE ? r.bytes : 0;
        if (queue_used(&d->requests) < sizeof r + (uint64_t)data) /* a client writes its requests whole */
            return give_up(d);
        good = possible(d, &r);
        if (good && r.operation == BLOCK_WRITE)
            queue_get(&d->requests, sizeof r, d->memory + r.sector * BLOCK_SECTOR, r.bytes);
        a.tag = r.tag;
        a.status = good ? BLOCK_DONE : BLOCK_REFUSED;
        a.bytes = good && r.operation == BLOCK_READ ? r.bytes : 0;
        queue_skip(&d->requests, sizeof r + data);
        if (queue_space(&d->answers) < sizeof a + a.bytes) /* more on the way than agreed: its loss */
            continue;
        queue_put(&d->answers, 0, &a, sizeof a);
        queue_put(&d->answers, sizeof a, d->memory + r.sector * BLOCK_SECTOR, a.bytes);
        queue_publish(&d->answers, sizeof a + a.bytes);
    }
    return true;
}
