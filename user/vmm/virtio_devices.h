/* The virtio devices of a virtual machine: console, entropy, block, network (virtio 1.2, chapter 5). */
#pragma once
#include <atoll/block.h>
#include <atoll/component.h>
#include <atoll/ether.h>
#include <atoll/queue.h>
#include "virtio.h"

/* Slots on the bus. */
#define SLOT_CONSOLE 1u
#define SLOT_ENTROPY 2u
#define SLOT_BLOCK 3u
#define SLOT_NET 7u
_Static_assert(SLOT_BLOCK + VM_MAX_DISKS <= SLOT_NET, "slots of disks");

/* A component on the other side: what it is sent, what it sends, and how to wake it. */
struct backend {
    struct queue out, in;
    void (*signal)(struct backend *b);
    uint32_t capability; /* for signal() */
    bool sent;           /* something since the last kick */
};

/* Wake the component if it sleeps and something was sent. */
static inline void backend_kick(struct backend *b)
{
    if (b->sent && queue_needs_doorbell(&b->out))
        b->signal(b);
    b->sent = false;
}

struct virtio_entropy {
    struct virtio virtio;
    unsigned (*random)(void *to, unsigned bytes); /* how many bytes it gave */
    struct chain chain;
};
void virtio_entropy_add(struct vm *vm, struct virtio_entropy *e, unsigned (*random)(void *to, unsigned bytes));

struct virtio_console {
    struct virtio virtio;
    struct chain chain;
};
void virtio_console_add(struct vm *vm, struct virtio_console *c);
/* Is a driver there that reads? Then input goes here instead of to the UART. */
bool virtio_console_reads(const struct virtio_console *c);
/* Returns the bytes taken: fewer than offered when the driver has no buffers. vm->console_read is called when it has some again. */
uint32_t virtio_console_receive(struct virtio_console *c, const void *bytes, uint32_t n);

struct virtio_block {
    struct virtio virtio;
    struct backend *backend;
    uint64_t sectors;
    bool read_only, failed;
    struct block_slot { /* a request that the driver waits for */
        bool busy, abandoned; /* abandoned: the driver reset the device meanwhile */
        uint32_t type;
        uint64_t sector;
        uint32_t bytes, done, piece; /* of its data: all, finished, on the way */
        struct chain chain;
    } slots[BLOCK_OUTSTANDING];
};
/* What disk is it? To be called until the component has answered: 0 not yet, 1 `*size` is the answer, -1 there is no disk. `*asked`: false at first. */
int block_size_ask(struct backend *b, bool *asked, struct block_size *size);
void virtio_block_add(struct vm *vm, unsigned index, struct virtio_block *b, struct backend *backend, const struct block_size *size);
void virtio_block_poll(struct virtio_block *b); /* the component may have answered */

struct virtio_net {
    struct virtio virtio;
    struct backend *backend;
    struct chain chain;
    uint64_t dropped; /* frames of the driver that no switch would take, or had no room for */
    uint8_t frame[ETHER_RECORD_MAX];
};
void virtio_net_add(struct vm *vm, unsigned index, struct virtio_net *n, struct backend *backend, const uint8_t address[ETHER_ADDRESS]);
void virtio_net_poll(struct virtio_net *n);
