/* Block device (virtio 1.2, 5.2). Each of the driver's requests goes to the component in pieces, one on the way at a time. */
#include "virtio_devices.h"
#include "lib.h"
#include "vm.h"

#define CLASS 0x0180
#define LIMIT 0x400000u /* bytes of one request */
#define SEGMENTS (VIRTQUEUE_MAX - 2)

#define F_SEGMENTS (1ull << 2)
#define F_READ_ONLY (1ull << 5)
#define F_BLOCK_SIZE (1ull << 6)
#define F_FLUSH (1ull << 9)
enum { TYPE_READ = 0, TYPE_WRITE = 1, TYPE_FLUSH = 4, TYPE_ID = 8 };
enum { STATUS_OK = 0, STATUS_ERROR = 1, STATUS_UNSUPPORTED = 2 };
#define ID_BYTES 20u

struct header { /* 5.2.6 */
    uint32_t type, reserved;
    uint64_t sector;
};

struct config { /* 5.2.4, as far as the features reach */
    uint64_t capacity;
    uint32_t size_max, seg_max;
    uint16_t cylinders;
    uint8_t heads, sectors;
    uint32_t block_size;
};

static void finish(struct virtio_block *b, struct block_slot *s, uint8_t status, uint32_t written)
{
    chain_write(&s->chain, s->chain.in_bytes - 1, &status, 1); /* its last byte, wherever the data ends */
    virtqueue_push(&b->virtio.queues[0], &s->chain, written + 1);
    s->busy = false;
}

/* The next piece of a request to the component. There is room: see <atoll/block.h>. */
static void send_piece(struct virtio_block *b, struct block_slot *s)
{
    uint32_t left = s->bytes - s->done;
    struct block_request r = {.tag = (uint32_t)(s - b->slots), .sector = s->sector + s->done / BLOCK_SECTOR,
                              .bytes = left < BLOCK_PIECE ? left : BLOCK_PIECE};
    uint64_t at = sizeof r;

    r.operation = s->type == TYPE_READ ? BLOCK_READ : s->type == TYPE_WRITE ? BLOCK_WRITE : BLOCK_FLUSH;
    s->piece = r.bytes;
    queue_put(&b->backend->out, 0, &r, sizeof r);
    for (uint32_t done = 0; s->type == TYPE_WRITE && done < r.bytes;) {
        struct segment g = chain_piece(&s->chain, false, (uint32_t)sizeof(struct header) + s->done + done, r.bytes - done);

        queue_put(&b->backend->out, at, g.at, g.bytes);
        at += g.bytes;
        done += g.bytes;
    }
    queue_publish(&b->backend->out, at);
    b->backend->sent = true;
}

/* Begin a request that was popped into a free slot. */
static void begin(struct virtio_block *b, struct block_slot *s)
{
    struct header h;
    uint32_t got = chain_read(&s->chain, 0, &h, sizeof h);
    uint64_t count;

    if (got < sizeof h || !s->chain.in_bytes) { /* nowhere to put a status */
        virtio_fail(&b->virtio);
        return;
    }
    s->type = h.type;
    s->sector = h.sector;
    s->done = 0;
    s->bytes = h.type == TYPE_READ ? s->chain.in_bytes - 1 : h.type == TYPE_WRITE ? s->chain.out_bytes - (uint32_t)sizeof h : 0;
    count = s->bytes / BLOCK_SECTOR;
    if (h.type == TYPE_ID) {
        static const char id[ID_BYTES] = "atoll";

        if (s->chain.in_bytes - 1 < ID_BYTES)
            finish(b, s, STATUS_ERROR, 0);
        else
            finish(b, s, STATUS_OK, chain_write(&s->chain, 0, id, ID_BYTES));
    } else if (h.type != TYPE_READ && h.type != TYPE_WRITE && h.type != TYPE_FLUSH) {
        finish(b, s, STATUS_UNSUPPORTED, 0);
    } else if (h.type != TYPE_FLUSH && (!count || s->bytes % BLOCK_SECTOR || h.sector >= b->sectors || count > b->sectors - h.sector ||
                                        (h.type == TYPE_WRITE && b->read_only))) {
        finish(b, s, STATUS_ERROR, 0);
    } else {
        s->busy = true;
        send_piece(b, s);
    }
}

/* One answer of the component, which publishes each as a whole. False: there is none. */
static bool take_answer(struct virtio_block *b)
{
    struct queue *in = &b->backend->in;
    struct block_answer a;
    struct block_slot *s;
    bool read;

    if (!queue_used(in))
        return false;
    if (!queue_get(in, 0, &a, sizeof a))
        a.tag = BLOCK_OUTSTANDING;
    s = a.tag < BLOCK_OUTSTANDING && b->slots[a.tag].busy ? &b->slots[a.tag] : NULL;
    read = s && s->type == TYPE_READ && a.status == BLOCK_DONE;
    if (!s || a.bytes != (read ? s->piece : 0) || queue_used(in) < sizeof a + a.bytes) { /* that is no answer to anything */
        b->failed = true;
        return false;
    }
    for (uint32_t done = 0; done < a.bytes && !s->abandoned;) {
        struct segment g = chain_piece(&s->chain, true, s->done + done, a.bytes - done);

        queue_get(in, sizeof a + done, g.at, g.bytes);
        done += g.bytes;
    }
    queue_skip(in, sizeof a + a.bytes);
    s->done += s->piece;
    if (s->abandoned)
        s->busy = s->abandoned = false;
    else if (a.status != BLOCK_DONE)
        finish(b, s, STATUS_ERROR, 0);
    else if (s->done < s->bytes)
        send_piece(b, s);
    else
        finish(b, s, STATUS_OK, s->type == TYPE_READ ? s->bytes : 0);
    return true;
}

static struct block_slot *free_slot(struct virtio_block *b)
{
    for (unsigned i = 0; i < BLOCK_OUTSTANDING; i++)
        if (!b->slots[i].busy)
            return &b->slots[i];
    return NULL;
}

/* Answers in, requests out, until neither moves. A component of this node has answered when the kick returns. */
void virtio_block_poll(struct virtio_block *b)
{
    struct virtio *v = &b->virtio;
    struct queue *in = &b->backend->in;
    bool any = false, moved;

    do {
        struct block_slot *s;

        moved = false;
        queue_wake(in);
        while (!b->failed && take_answer(b))
            moved = any = true;
        while (!b->failed && (s = free_slot(b)) && virtio_pop(v, 0, LIMIT, &s->chain)) {
            begin(b, s);
            moved = any = true;
        }
        backend_kick(b->backend);
        if (!moved)
            moved = !b->failed && (!queue_sleep(in) || (free_slot(b) && virtio_ready(v, 0) && virtqueue_listen(&v->queues[0])));
    } while (moved);
    if (b->failed)
        virtio_fail(v);
    if (any)
        virtio_completed(v, 0);
}

static void notify(struct virtio *v, unsigned queue)
{
    (void)queue;
    virtio_block_poll((struct virtio_block *)v);
}

/* What is on the way keeps its slot until it is answered, and then goes nowhere: the driver took its memory back. */
static void reset(struct virtio *v)
{
    struct virtio_block *b = (struct virtio_block *)v;

    for (unsigned i = 0; i < BLOCK_OUTSTANDING; i++)
        b->slots[i].abandoned = b->slots[i].busy;
}

static const struct virtio_ops ops = {.notify = notify, .reset = reset};

static bool size_request(struct backend *b)
{
    const struct block_request r = {.operation = BLOCK_SIZE, .tag = BLOCK_SIZE_TAG};

    b->signal(b); /* it may not have seen yet that this queue began anew: then there is no room */
    if (!queue_put(&b->out, 0, &r, sizeof r))
        return false;
    queue_publish(&b->out, sizeof r);
    b->signal(b);
    return true;
}

/* Whatever else is there answers a former life of this VMM, which now nobody waits for: it goes nowhere. */
int block_size_ask(struct backend *b, bool *asked, struct block_size *size)
{
    struct block_answer a;

    if (!*asked)
        *asked = size_request(b);
    while (queue_used(&b->in)) {
        if (!queue_get(&b->in, 0, &a, sizeof a) || a.bytes > BLOCK_PIECE || queue_used(&b->in) < sizeof a + a.bytes)
            return -1;
        bool good = a.tag == BLOCK_SIZE_TAG && a.status == BLOCK_DONE && a.bytes == sizeof *size && queue_get(&b->in, sizeof a, size, sizeof *size);
        queue_skip(&b->in, sizeof a + a.bytes);
        if (good) /* it is the VM's own disk component, but a stranger here */
            return size->sectors && size->sectors <= UINT64_MAX / BLOCK_SECTOR && size->block_bytes >= BLOCK_SECTOR && size->block_bytes <= 4096 &&
                   !(size->block_bytes & (size->block_bytes - 1)) ? 1 : -1;
    }
    return 0;
}

void virtio_block_add(struct vm *vm, unsigned index, struct virtio_block *b, struct backend *backend, const struct block_size *size)
{
    struct config c = {.capacity = size->sectors, .seg_max = SEGMENTS, .block_size = size->block_bytes};

    b->backend = backend;
    b->sectors = size->sectors;
    b->read_only = size->read_only;
    memcpy(b->virtio.config, &c, sizeof c);
    virtio_add(vm, SLOT_BLOCK + index, &b->virtio, VIRTIO_BLOCK, CLASS, F_SEGMENTS | F_BLOCK_SIZE | F_FLUSH | (b->read_only ? F_READ_ONLY : 0),
               1, sizeof c, &ops);
}
