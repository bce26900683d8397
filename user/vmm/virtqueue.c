#include "virtqueue.h"
#include "lib.h"

/* Descriptor (2.7.5). */
#define DESCRIPTOR_BYTES 16u
#define FLAG_NEXT 1u
#define FLAG_WRITE 2u
#define FLAG_INDIRECT 4u
struct descriptor {
    uint64_t address;
    uint32_t bytes;
    uint16_t flags, next;
};

/* Rings (2.7.6, 2.7.8): flags, index, entries, event index. */
#define RING_FLAGS 0u
#define RING_INDEX 2u
#define RING_ENTRIES 4u
#define USED_ENTRY 8u
#define NO_INTERRUPT 1u

static uint16_t read16(const uint8_t *at) { return __atomic_load_n((const uint16_t *)(const void *)at, __ATOMIC_ACQUIRE); }
static void write16(uint8_t *at, uint16_t value) { __atomic_store_n((uint16_t *)(void *)at, value, __ATOMIC_RELEASE); }

void virtqueue_reset(struct virtqueue *q)
{
    *q = (struct virtqueue){.size = VIRTQUEUE_MAX, .vector = 0xffff};
}

bool virtqueue_enable(struct virtqueue *q, const struct guest_memory *m, bool event_index)
{
    unsigned n = q->size;

    if (!n || n > VIRTQUEUE_MAX || (n & (n - 1)) || q->descriptors % 16 || q->available % 2 || q->used % 4)
        return false;
    q->descriptor_ring = guest_memory_at(m, q->descriptors, DESCRIPTOR_BYTES * n);
    q->available_ring = guest_memory_at(m, q->available, RING_ENTRIES + 2 * n + 2);
    q->used_ring = guest_memory_at(m, q->used, RING_ENTRIES + USED_ENTRY * n + 2);
    if (!q->descriptor_ring || !q->available_ring || !q->used_ring)
        return false;
    q->event_index = event_index;
    q->enabled = true;
    return true;
}

static bool refuse(struct virtqueue *q)
{
    q->broken = true;
    return false;
}

/* A descriptor, read once: what the guest writes into it later is not seen. */
static struct descriptor read_descriptor(const uint8_t *table, unsigned index)
{
    const volatile uint64_t *from = (const volatile uint64_t *)(const void *)(table + DESCRIPTOR_BYTES * index);
    uint64_t words[2] = {from[0], from[1]};

    return (struct descriptor){words[0], (uint32_t)words[1], (uint16_t)(words[1] >> 32), (uint16_t)(words[1] >> 48)};
}

/* Put one buffer into the chain. Readable ones come first (2.7.4.2). */
static bool add(struct chain *c, const struct guest_memory *m, const struct descriptor *d, uint32_t limit)
{
    bool in = d->flags & FLAG_WRITE;
    uint32_t *total = in ? &c->in_bytes : &c->out_bytes;
    uint8_t *at;

    if (!d->bytes)
        return true;
    at = guest_memory_at(m, d->address, d->bytes);
    if (!at || (!in && c->ins) || c->outs + c->ins == VIRTQUEUE_MAX || d->bytes > limit || *total > limit - d->bytes)
        return false;
    c->segments[c->outs + c->ins] = (struct segment){at, d->bytes};
    *total += d->bytes;
    if (in)
        c->ins++;
    else
        c->outs++;
    return true;
}

/* Follow a table from `index`; a loop ends as more descriptors than the table has. Indirect tables do not nest (2.7.5.3.1). */
static bool follow(struct chain *c, const struct guest_memory *m, const uint8_t *table, unsigned entries, unsigned index, bool indirect,
                   uint32_t limit)
{
    for (unsigned seen = 0; seen < entries; seen++) {
        struct descriptor d;

        if (index >= entries)
            return false;
        d = read_descriptor(table, index);
        if (d.flags & FLAG_INDIRECT) {
            unsigned n = d.bytes / DESCRIPTOR_BYTES;
            const uint8_t *inner = guest_memory_at(m, d.address, d.bytes);

            if (indirect || (d.flags & FLAG_NEXT) || !inner || !n || n > VIRTQUEUE_MAX || d.bytes % DESCRIPTOR_BYTES || d.address % 16)
                return false;
            return follow(c, m, inner, n, 0, true, limit);
        }
        if (!add(c, m, &d, limit))
            return false;
        if (!(d.flags & FLAG_NEXT))
            return true;
        index = d.next;
    }
    return false;
}

bool virtqueue_pop(struct virtqueue *q, const struct guest_memory *m, uint32_t limit, struct chain *c)
{
    uint16_t waiting;

    if (!q->enabled || q->broken)
        return false;
    waiting = (uint16_t)(read16(q->available_ring + RING_INDEX) - q->next_available);
    if (!waiting)
        return false;
    if (waiting > q->size)
        return refuse(q);
    c->head = read16(q->available_ring + RING_ENTRIES + 2 * (q->next_available & (q->size - 1)));
    c->outs = c->ins = 0;
    c->out_bytes = c->in_bytes = 0;
    if (!follow(c, m, q->descriptor_ring, q->size, c->head, false, limit))
        return refuse(q);
    q->next_available++;
    return true;
}

void virtqueue_push(struct virtqueue *q, const struct chain *c, uint32_t written)
{
    uint8_t *entry = q->used_ring + RING_ENTRIES + USED_ENTRY * (q->next_used & (q->size - 1));
    const uint32_t values[2] = {c->head, written};

    memcpy(entry, values, sizeof values);
    write16(q->used_ring + RING_INDEX, ++q->next_used);
}

/* 2.7.7: by flag, or by the index that the driver wants to hear of. */
bool virtqueue_wants_interrupt(struct virtqueue *q)
{
    uint16_t wanted, before = q->signalled;
    bool known = q->signalled_valid;

    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!q->event_index)
        return !(read16(q->available_ring + RING_FLAGS) & NO_INTERRUPT);
    wanted = read16(q->available_ring + RING_ENTRIES + 2 * q->size);
    q->signalled = q->next_used;
    q->signalled_valid = true;
    return !known || (uint16_t)(q->next_used - wanted - 1) < (uint16_t)(q->next_used - before);
}

bool virtqueue_listen(struct virtqueue *q)
{
    if (!q->enabled || q->broken)
        return false;
    if (q->event_index) {
        write16(q->used_ring + RING_ENTRIES + USED_ENTRY * q->size, q->next_available);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    }
    return read16(q->available_ring + RING_INDEX) != q->next_available;
}

struct segment chain_piece(const struct chain *c, bool in, uint32_t offset, uint32_t bytes)
{
    const struct segment *s = in ? &c->segments[c->outs] : c->segments;

    for (unsigned n = in ? c->ins : c->outs; n; n--, s++) {
        if (offset < s->bytes)
            return (struct segment){s->at + offset, s->bytes - offset < bytes ? s->bytes - offset : bytes};
        offset -= s->bytes;
    }
    return (struct segment){NULL, 0};
}

uint32_t chain_read(const struct chain *c, uint32_t offset, void *to, uint32_t bytes)
{
    uint32_t done = 0;

    for (;;) {
        struct segment s = chain_piece(c, false, offset + done, bytes - done);

        if (!s.bytes)
            return done;
        memcpy((uint8_t *)to + done, s.at, s.bytes);
        done += s.bytes;
    }
}

uint32_t chain_write(const struct chain *c, uint32_t offset, const void *from, uint32_t bytes)
{
    uint32_t done = 0;

    for (;;) {
        struct segment s = chain_piece(c, true, offset + done, bytes - done);

        if (!s.bytes)
            return done;
        memcpy(s.at, (const uint8_t *)from + done, s.bytes);
        done += s.bytes;
    }
}
