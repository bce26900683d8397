/* Entropy device (virtio 1.2, 5.4): each request is filled with what the CPU's generator gives, up to a bound. */
#include "virtio_devices.h"

#define CLASS 0x00ff
#define BYTES_MAX 256u /* per request: the device may return fewer bytes than there is room for */
#define LIMIT 0x100000u

static void notify(struct virtio *v, unsigned queue)
{
    struct virtio_entropy *e = (struct virtio_entropy *)v;
    uint8_t bytes[BYTES_MAX];
    bool any = false;

    do {
        while (virtio_pop(v, queue, LIMIT, &e->chain)) {
            unsigned wanted = e->chain.in_bytes < BYTES_MAX ? e->chain.in_bytes : BYTES_MAX;

            virtqueue_push(&v->queues[queue], &e->chain, chain_write(&e->chain, 0, bytes, e->random(bytes, wanted)));
            any = true;
        }
    } while (virtio_ready(v, queue) && virtqueue_listen(&v->queues[queue]));
    if (any)
        virtio_completed(v, queue);
}

static const struct virtio_ops ops = {.notify = notify};

void virtio_entropy_add(struct vm *vm, struct virtio_entropy *e, unsigned (*random)(void *to, unsigned bytes))
{
    e->random = random;
    virtio_add(vm, SLOT_ENTROPY, &e->virtio, VIRTIO_ENTROPY, CLASS, 0, 1, 0, &ops);
}
