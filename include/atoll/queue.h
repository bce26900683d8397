/* The one queue of Atoll: bytes, single producer, single consumer, index-published.
 *
 * Memory is two regions so that each side can be given the other's region read-only: the producer
 * region (one header page, then the data pages) and the consumer page. Indices are free-running
 * 64-bit byte counts; both sides bound-check every index that they read from the peer, so a hostile peer can
 * garble or lose its own stream and nothing else. A full queue never blocks the producer: it
 * drops the new bytes and counts them in `lost`.
 *
 * A producer may start again in memory that its former life left in any state. If that makes no sense, or is not to be gone on with, it begins anew: from
 * index 0, with another number in `beginning`, and writes nothing until the consumer has seen it, has gone to index 0 as well, and says so in
 * its own `beginning`. A consumer that starts again goes on where it was, or behind all that is there.
 */
#pragma once
#include <stdint.h>

#define QUEUE_MAGIC 0x31555551u
#define QUEUE_PAGE 4096u

struct queue_producer {      /* written by the producer only */
    uint32_t magic;          /* QUEUE_MAGIC once the producer is ready */
    uint32_t status;         /* producer's last word: enum queue_status */
    uint64_t head;           /* bytes ever written */
    uint64_t lost;           /* bytes ever dropped */
    uint32_t presses;        /* a VM's console input: how often its power button was pressed; a doorbell follows */
    uint32_t beginning;      /* another number: the producer has begun anew */
    uint64_t reserved[508];  /* the data starts on the next page */
};
_Static_assert(sizeof(struct queue_producer) == QUEUE_PAGE, "one header page");

struct queue_consumer {      /* written by the consumer only */
    uint64_t tail;           /* bytes ever read */
    uint32_t asleep;         /* not 0: ring the doorbell after writing, once for each value: the number of this sleep */
    uint32_t sleeps;         /* the latest sleep's number, for a consumer that starts again: the producer may have rung for it */
    uint32_t beginning;      /* the producer's beginning that `tail` counts from */
    uint32_t reserved[1019];
};
_Static_assert(sizeof(struct queue_consumer) == QUEUE_PAGE, "one page");

enum queue_status {
    QUEUE_OPEN = 0,
    QUEUE_CLOSED = 1, /* the producer ended in order */
    QUEUE_DEAD = 2,   /* the producer crashed; its last words are in the queue */
};

/* One end's private view. `size` (data bytes, a power of two) comes from configuration, never from the peer. */
struct queue {
    volatile struct queue_producer *producer;
    volatile struct queue_consumer *consumer;
    volatile uint8_t *data;
    uint64_t size;
    uint64_t index; /* own index: head for the producer, tail for the consumer */
    uint32_t sleep; /* producer: the sleep that it rang for last; consumer: its latest sleep's number */
    uint32_t beginning;
};

/* Producer: forget all that is there, and have the consumer do so. Ring its doorbell afterwards. */
static inline void queue_begin_anew(struct queue *q)
{
    q->beginning = q->consumer->beginning + 1;
    if (q->beginning == q->producer->beginning) /* a former life's, which the consumer may be seeing just now */
        q->beginning++;
    q->index = 0;
    __atomic_store_n(&q->producer->head, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&q->producer->beginning, q->beginning, __ATOMIC_RELEASE);
}

/* Start an end: a producer whose stream goes on where it was. */
static inline void queue_init_producer(struct queue *q, void *producer, void *consumer, uint64_t size)
{
    q->producer = producer;
    q->consumer = consumer;
    q->data = (volatile uint8_t *)producer + QUEUE_PAGE;
    q->size = size;
    q->index = q->producer->head;
    q->sleep = 0;
    q->beginning = q->producer->beginning;
    q->producer->magic = QUEUE_MAGIC;
    if (q->beginning != q->consumer->beginning || q->index - q->consumer->tail > size)
        queue_begin_anew(q);
}

/* The same for records: where a former life's last one ends nobody knows. A queue that nothing was ever written to is as good as a new one. */
static inline void queue_init_records(struct queue *q, void *producer, void *consumer, uint64_t size)
{
    queue_init_producer(q, producer, consumer, size);
    if (q->index != 0 || q->consumer->tail != 0)
        queue_begin_anew(q);
}

static inline void queue_init_consumer(struct queue *q, void *producer, void *consumer, uint64_t size)
{
    q->producer = producer;
    q->consumer = consumer;
    q->data = (volatile uint8_t *)producer + QUEUE_PAGE;
    q->size = size;
    q->index = q->consumer->tail;
    q->sleep = q->consumer->sleeps;
    q->beginning = __atomic_load_n(&q->producer->beginning, __ATOMIC_ACQUIRE);
    uint64_t head = __atomic_load_n(&q->producer->head, __ATOMIC_ACQUIRE);
    if (q->beginning != q->consumer->beginning || head - q->index > size) { /* no place in this stream: behind all of it */
        q->index = head;
        __atomic_store_n(&q->consumer->tail, head, __ATOMIC_RELEASE);
        __atomic_store_n(&q->consumer->beginning, q->beginning, __ATOMIC_RELEASE);
    }
}

/* Consumer, before it looks for bytes: has the producer begun anew? Then nothing is there, and what was known of it is of the past. */
static inline int queue_began_anew(struct queue *q)
{
    uint32_t beginning = __atomic_load_n(&q->producer->beginning, __ATOMIC_ACQUIRE);
    if (beginning == q->beginning)
        return 0;
    q->beginning = beginning;
    q->index = 0;
    __atomic_store_n(&q->consumer->tail, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&q->consumer->beginning, beginning, __ATOMIC_RELEASE);
    return 1;
}

/* Bytes that the producer may write now. A tail outside (head - size, head] is a peer's lie, one of another beginning is not ours: nothing. */
static inline uint64_t queue_space(const struct queue *q)
{
    if (__atomic_load_n(&q->consumer->beginning, __ATOMIC_ACQUIRE) != q->beginning)
        return 0;
    uint64_t used = q->index - __atomic_load_n(&q->consumer->tail, __ATOMIC_ACQUIRE);
    return used > q->size ? 0 : q->size - used;
}

/* Bytes that the consumer may read now. An impossible head reads as empty. */
static inline uint64_t queue_used(const struct queue *q)
{
    uint64_t used = __atomic_load_n(&q->producer->head, __ATOMIC_ACQUIRE) - q->index;
    return used > q->size ? 0 : used;
}

/* Write up to `n` bytes; what does not fit is dropped and counted. Returns the bytes written. */
static inline uint64_t queue_write(struct queue *q, const void *bytes, uint64_t n)
{
    const uint8_t *from = bytes;
    uint64_t room = queue_space(q);
    uint64_t take = n < room ? n : room;
    for (uint64_t i = 0; i < take; i++)
        q->data[(q->index + i) & (q->size - 1)] = from[i];
    q->index += take;
    __atomic_store_n(&q->producer->head, q->index, __ATOMIC_RELEASE);
    if (take < n)
        q->producer->lost += n - take;
    return take;
}

/* Copy up to `n` bytes without consuming them. Returns the bytes copied. */
static inline uint64_t queue_peek(const struct queue *q, void *bytes, uint64_t n)
{
    uint8_t *to = bytes;
    uint64_t used = queue_used(q);
    uint64_t take = n < used ? n : used;
    for (uint64_t i = 0; i < take; i++)
        to[i] = q->data[(q->index + i) & (q->size - 1)];
    return take;
}

/* Consume `n` bytes that were peeked at. */
static inline void queue_skip(struct queue *q, uint64_t n)
{
    q->index += n;
    __atomic_store_n(&q->consumer->tail, q->index, __ATOMIC_RELEASE);
}

/* Read up to `n` bytes. Returns the bytes read. */
static inline uint64_t queue_read(struct queue *q, void *bytes, uint64_t n)
{
    uint64_t take = queue_peek(q, bytes, n);
    queue_skip(q, take);
    return take;
}

/* Records, without a copy in between: place bytes behind the head and publish them together, or look at unread bytes and skip them
 * together. `offset` counts from the own index. Returns 0, with nothing done, unless all of it fits (or all of it is there). */
static inline int queue_put(struct queue *q, uint64_t offset, const void *bytes, uint64_t n)
{
    uint64_t room = queue_space(q), at = (q->index + offset) & (q->size - 1), first = n < q->size - at ? n : q->size - at;
    if (offset > room || n > room - offset)
        return 0;
    __builtin_memcpy((uint8_t *)q->data + at, bytes, first);
    __builtin_memcpy((uint8_t *)q->data, (const uint8_t *)bytes + first, n - first);
    return 1;
}

static inline void queue_publish(struct queue *q, uint64_t n)
{
    q->index += n;
    __atomic_store_n(&q->producer->head, q->index, __ATOMIC_RELEASE);
}

static inline int queue_get(const struct queue *q, uint64_t offset, void *bytes, uint64_t n)
{
    uint64_t used = queue_used(q), at = (q->index + offset) & (q->size - 1), first = n < q->size - at ? n : q->size - at;
    if (offset > used || n > used - offset)
        return 0;
    __builtin_memcpy(bytes, (const uint8_t *)q->data + at, first);
    __builtin_memcpy((uint8_t *)bytes + first, (const uint8_t *)q->data, n - first);
    return 1;
}

/* After a write: must the doorbell be rung? Pairs with queue_sleep: the fences order
 * "publish head, read asleep" against "set asleep, read head". */
static inline int queue_needs_doorbell(struct queue *q)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    uint32_t sleep = q->consumer->asleep;
    if (sleep == 0 || sleep == q->sleep)
        return 0;
    q->sleep = sleep;
    return 1;
}

static inline void queue_wake(struct queue *q) { q->consumer->asleep = 0; }

/* Before the consumer blocks: returns 1 when it may sleep, 0 when data arrived meanwhile, or the producer began anew. */
static inline int queue_sleep(struct queue *q)
{
    if (++q->sleep == 0)
        q->sleep = 1;
    q->consumer->sleeps = q->sleep;
    q->consumer->asleep = q->sleep;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (queue_used(q) == 0 && q->producer->beginning == q->beginning)
        return 1;
    queue_wake(q);
    return 0;
}
