#include "serve.h"
#include "lib.h"

/* A controller that cannot be believed, or does not answer: what is under way fails, and so does all that comes. It may still write to
 * its buffers, so they are not used again before its next reset, which is the node manager's. */
static void give_up(struct nvme_disk *d, const char *why)
{
    d->failed = why;
    d->server.size.sectors = 0;
    for (unsigned i = 0; i < BLOCK_OUTSTANDING; i++) {
        if (d->slots[i].busy)
            block_answer(&d->server, &d->slots[i].request, BLOCK_REFUSED, NULL);
        d->slots[i].busy = false;
    }
}

static uint8_t *data_of(const struct nvme_disk *d, const struct nvme_disk_slot_state *s)
{
    return d->data + (size_t)(s - d->slots) * BLOCK_PIECE;
}

static bool finish_one(struct nvme_disk *d)
{
    struct nvme_completion c;
    struct nvme_disk_slot_state *s = d->slots;

    switch (d->failed ? NVME_NOTHING : nvme_poll(d->nvme, d->queue, &c)) {
    case NVME_NOTHING: return false;
    case NVME_BROKEN: give_up(d, "the controller completed a command that it was not given"); return true;
    case NVME_DONE: break;
    }
    while (s < d->slots + BLOCK_OUTSTANDING && !(s->busy && s->id == c.id))
        s++;
    if (s == d->slots + BLOCK_OUTSTANDING)
        return true; /* cannot be: all commands of this queue are in slots */
    s->busy = false;
    block_answer(&d->server, &s->request, nvme_status(&c) ? BLOCK_REFUSED : BLOCK_DONE, data_of(d, s));
    return true;
}

static struct nvme_command command_of(const struct nvme_disk *d, const struct block_request *r)
{
    uint64_t block = r->sector * BLOCK_SECTOR >> d->block_bits;
    uint16_t blocks = (uint16_t)(r->bytes >> d->block_bits);

    return r->operation == BLOCK_READ    ? nvme_command_read(d->namespace_id, block, blocks)
           : r->operation == BLOCK_WRITE ? nvme_command_write(d->namespace_id, block, blocks)
                                         : nvme_command_flush(d->namespace_id);
}

static struct nvme_disk_slot_state *free_slot(struct nvme_disk *d)
{
    for (unsigned i = 0; i < BLOCK_OUTSTANDING; i++)
        if (!d->slots[i].busy)
            return &d->slots[i];
    return NULL;
}

/* A request that can be carried out, into a free slot. */
static void begin(struct nvme_disk *d, struct nvme_disk_slot_state *s, const struct block_request *r, uint64_t now)
{
    struct nvme_command c = command_of(d, r);

    s->request = *r;
    s->since = now;
    if (r->operation == BLOCK_WRITE)
        block_data(&d->server, r, data_of(d, s));
    block_skip(&d->server, r);
    if (r->operation != BLOCK_FLUSH && r->bytes == 0) {
        block_answer(&d->server, r, BLOCK_DONE, NULL);
        return;
    }
    s->busy = nvme_submit(d->nvme, d->queue, &c, d->data_device + (uint64_t)(s - d->slots) * BLOCK_PIECE, r->bytes, &s->id);
    if (!s->busy)
        block_answer(&d->server, r, BLOCK_REFUSED, NULL);
}

bool nvme_disk_full(const struct nvme_disk *d)
{
    for (unsigned i = 0; i < BLOCK_OUTSTANDING; i++)
        if (!d->slots[i].busy)
            return false;
    return true;
}

bool nvme_disk_serve(struct nvme_disk *d, uint64_t now)
{
    enum block_next next = BLOCK_NOTHING;
    struct nvme_disk_slot_state *s;
    struct block_request r;
    bool moved;

    do {
        moved = false;
        while (finish_one(d))
            moved = true;
        while ((s = free_slot(d)) && (next = block_next(&d->server, &r)) == BLOCK_WORK) {
            begin(d, s, &r, now);
            moved = true;
        }
    } while (moved && next != BLOCK_RUBBISH);
    return next != BLOCK_RUBBISH;
}

uint64_t nvme_disk_watch(struct nvme_disk *d, uint64_t now)
{
    uint64_t due = 0;

    for (unsigned i = 0; i < BLOCK_OUTSTANDING; i++) {
        const struct nvme_disk_slot_state *s = &d->slots[i];

        if (!s->busy)
            continue;
        if (now - s->since >= d->timeout) {
            give_up(d, "the controller does not complete a command in time");
            return 0;
        }
        if (!due || s->since + d->timeout < due)
            due = s->since + d->timeout;
    }
    return due;
}
