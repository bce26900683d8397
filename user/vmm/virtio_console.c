/* Console device with one port (virtio 1.2, 5.3): the same stream as the serial port's, in buffers instead of bytes. */
#include "virtio_devices.h"
#include "vm.h"

#define CLASS 0x0780
#define LIMIT 0x10000u
enum { RECEIVE, TRANSMIT };

static void transmit(struct virtio_console *c)
{
    struct virtio *v = &c->virtio;
    struct uart *to = &v->function.vm->uart;
    bool any = false;

    do {
        while (virtio_pop(v, TRANSMIT, LIMIT, &c->chain)) {
            uint8_t bytes[256];
            uint32_t n;

            for (uint32_t at = 0; (n = chain_read(&c->chain, at, bytes, sizeof bytes)); at += n)
                for (uint32_t i = 0; i < n; i++)
                    to->send(to->context, bytes[i]);
            virtqueue_push(&v->queues[TRANSMIT], &c->chain, 0);
            any = true;
        }
    } while (virtio_ready(v, TRANSMIT) && virtqueue_listen(&v->queues[TRANSMIT]));
    if (any)
        virtio_completed(v, TRANSMIT);
}

static void notify(struct virtio *v, unsigned queue)
{
    if (queue == TRANSMIT)
        transmit((struct virtio_console *)v);
    else
        v->function.vm->console_read(v->function.vm);
}

bool virtio_console_reads(const struct virtio_console *c) { return virtio_ready(&c->virtio, RECEIVE); }

uint32_t virtio_console_receive(struct virtio_console *c, const void *bytes, uint32_t n)
{
    struct virtio *v = &c->virtio;
    uint32_t done = 0;

    while (done < n && virtio_pop(v, RECEIVE, LIMIT, &c->chain)) {
        uint32_t written = chain_write(&c->chain, 0, (const uint8_t *)bytes + done, n - done);

        virtqueue_push(&v->queues[RECEIVE], &c->chain, written);
        done += written;
    }
    if (done)
        virtio_completed(v, RECEIVE);
    if (virtio_ready(v, RECEIVE))
        virtqueue_listen(&v->queues[RECEIVE]);
    return done;
}

static const struct virtio_ops ops = {.notify = notify};

void virtio_console_add(struct vm *vm, struct virtio_console *c)
{
    virtio_add(vm, SLOT_CONSOLE, &c->virtio, VIRTIO_CONSOLE, CLASS, 0, 2, 0, &ops);
}
