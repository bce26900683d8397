#include "block.h"

static uint64_t data_bytes(const struct block_request *r) { return r->operation == BLOCK_WRITE ? r->bytes : 0; }

/* Does the request stay on the disk? The client is not trusted. */
static bool possible(const struct block_size *d, const struct block_request *r)
{
    uint64_t count = r->bytes / BLOCK_SECTOR, whole = d->block_bytes / BLOCK_SECTOR;

    if (r->operation == BLOCK_FLUSH)
        return r->bytes == 0 && d->sectors;
    return (r->operation == BLOCK_READ || (r->operation == BLOCK_WRITE && !d->read_only)) && r->bytes % BLOCK_SECTOR == 0 &&
           r->bytes <= BLOCK_PIECE && r->sector <= d->sectors && count <= d->sectors - r->sector && (r->sector | count) % whole == 0;
}

static enum block_next give_up(struct block_server *s)
{
    s->dead = true;
    queue_skip(&s->requests, queue_used(&s->requests)); /* so that nobody takes the queue for a new one */
    return BLOCK_RUBBISH;
}

enum block_next block_next(struct block_server *s, struct block_request *r)
{
    if (queue_began_anew(&s->requests))
        s->dead = false;
    while (!s->dead && queue_used(&s->requests)) {
        if (!queue_get(&s->requests, 0, r, sizeof *r) || queue_used(&s->requests) < sizeof *r + data_bytes(r))
            return give_up(s); /* a client writes its requests whole */
        if (possible(&s->size, r))
            return BLOCK_WORK;
        block_skip(s, r);
        block_answer(s, r, r->operation == BLOCK_SIZE ? BLOCK_DONE : BLOCK_REFUSED, &s->size);
    }
    return BLOCK_NOTHING;
}

void block_data(const struct block_server *s, const struct block_request *r, void *to)
{
    queue_get(&s->requests, sizeof *r, to, r->bytes);
}

void block_skip(struct block_server *s, const struct block_request *r) { queue_skip(&s->requests, sizeof *r + data_bytes(r)); }

void block_answer(struct block_server *s, const struct block_request *r, enum block_status status, const void *data)
{
    struct block_answer a = {.status = status, .tag = r->tag};

    if (status == BLOCK_DONE && r->operation == BLOCK_READ)
        a.bytes = r->bytes;
    if (status == BLOCK_DONE && r->operation == BLOCK_SIZE)
        a.bytes = sizeof(struct block_size);
    if (queue_space(&s->answers) < sizeof a + a.bytes)
        return;
    queue_put(&s->answers, 0, &a, sizeof a);
    if (a.bytes)
        queue_put(&s->answers, sizeof a, data, a.bytes);
    queue_publish(&s->answers, sizeof a + a.bytes);
}
