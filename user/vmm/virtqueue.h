/* Split virtqueue, the device's side (virtio 1.2, 2.7). The ring and all that it names lie in guest memory and are the guest's to
 * change at any time: each index, descriptor and address is read once into a private copy and checked there. What breaks a rule
 * makes the queue broken; nothing of it is used any more until the driver resets the device. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "guest_memory.h"

#define VIRTQUEUE_MAX 128u /* descriptors; a power of two */

struct segment { /* a piece of guest RAM */
    uint8_t *at;
    uint32_t bytes;
};

/* One request: what the device may read, then what it may write. */
struct chain {
    uint16_t head;
    uint16_t outs, ins;          /* segments, in this order */
    uint32_t out_bytes, in_bytes;
    struct segment segments[VIRTQUEUE_MAX];
};

struct virtqueue {
    /* The driver's choices; they take effect by virtqueue_enable(). */
    uint16_t size, vector;
    uint64_t descriptors, available, used;
    bool enabled, broken;
    bool event_index; /* VIRTIO_F_EVENT_IDX was negotiated */
    uint16_t next_available, next_used, signalled;
    bool signalled_valid;
    /* The rings, in this address space; valid while enabled. */
    const uint8_t *descriptor_ring;
    uint8_t *available_ring, *used_ring;
};

void virtqueue_reset(struct virtqueue *q);
/* False: a size, alignment or address that is not possible. */
bool virtqueue_enable(struct virtqueue *q, const struct guest_memory *m, bool event_index);

/* The next request, into `chain`. False: there is none, or the queue is broken (see q->broken). `limit`: bytes in either
 * direction that this device takes. */
bool virtqueue_pop(struct virtqueue *q, const struct guest_memory *m, uint32_t limit, struct chain *chain);
/* Give a request back; `written` bytes of it were filled. */
void virtqueue_push(struct virtqueue *q, const struct chain *chain, uint32_t written);
/* After pushes: does the driver want an interrupt? */
bool virtqueue_wants_interrupt(struct virtqueue *q);
/* Ask for a notification at the next request. True: requests came meanwhile. */
bool virtqueue_listen(struct virtqueue *q);

/* Copy from what the device may read, or into what it may write, from byte `offset` on. Returns the bytes copied. */
uint32_t chain_read(const struct chain *c, uint32_t offset, void *to, uint32_t bytes);
uint32_t chain_write(const struct chain *c, uint32_t offset, const void *from, uint32_t bytes);
/* The contiguous piece of the readable (or writable) part at `offset`, at most `bytes` long; bytes 0: its end. */
struct segment chain_piece(const struct chain *c, bool in, uint32_t offset, uint32_t bytes);
