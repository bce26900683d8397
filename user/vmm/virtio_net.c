/* Network device (virtio 1.2, 5.1), without offloads: frames between the driver's buffers and a switch component. The switch enforces
 * addresses and VLANs; nothing here is trusted to. */
#include "virtio_devices.h"
#include "lib.h"
#include "vm.h"

#define CLASS 0x0200
#define LIMIT 0x10000u
#define F_ADDRESS (1ull << 5)
enum { RECEIVE, TRANSMIT };

struct header { /* 5.1.6 */
    uint8_t flags, segmentation;
    uint16_t header_bytes, segment_bytes, checksum_start, checksum_offset, buffers;
};
_Static_assert(sizeof(struct header) == 12, "virtio 1.2, 5.1.6");

static void transmit(struct virtio_net *n)
{
    struct virtio *v = &n->virtio;
    struct queue *out = &n->backend->out;
    bool any = false;

    do {
        while (virtio_pop(v, TRANSMIT, LIMIT, &n->chain)) {
            uint32_t bytes = n->chain.out_bytes - (uint32_t)sizeof(struct header);
            struct ether_record record = {.bytes = (uint16_t)bytes};

            if (n->chain.out_bytes >= sizeof(struct header) + ETHER_HEADER && bytes <= ETHER_MAX &&
                queue_put(out, 0, &record, sizeof record)) {
                chain_read(&n->chain, sizeof(struct header), n->frame, bytes);
                memset(n->frame + bytes, 0, ETHER_RECORD(bytes) - sizeof record - bytes); /* of another frame, perhaps another VM's */
                if (queue_put(out, sizeof record, n->frame, ETHER_RECORD(bytes) - sizeof record)) {
                    queue_publish(out, ETHER_RECORD(bytes));
                    n->backend->sent = true;
                } else {
                    n->dropped++;
                }
            } else {
                n->dropped++;
            }
            virtqueue_push(&v->queues[TRANSMIT], &n->chain, 0);
            any = true;
        }
        backend_kick(n->backend);
    } while (virtio_ready(v, TRANSMIT) && virtqueue_listen(&v->queues[TRANSMIT]));
    if (any)
        virtio_completed(v, TRANSMIT);
}

/* The next frame into a buffer of the driver's. One that is too small gets nothing, and the frame is lost. */
static void deliver(struct virtio_net *n, uint32_t bytes)
{
    const struct header header = {.buffers = 1};
    uint32_t written = 0;

    if (n->chain.in_bytes >= sizeof header + bytes && queue_get(&n->backend->in, sizeof(struct ether_record), n->frame, bytes)) {
        written = chain_write(&n->chain, 0, &header, sizeof header);
        written += chain_write(&n->chain, written, n->frame, bytes);
    }
    virtqueue_push(&n->virtio.queues[RECEIVE], &n->chain, written);
}

/* Frames for which the driver has no buffers wait in the queue; the switch drops what does not fit there. */
void virtio_net_poll(struct virtio_net *n)
{
    struct virtio *v = &n->virtio;
    struct queue *in = &n->backend->in;
    struct ether_record record;
    bool any = false, dry;

    do {
        dry = false;
        queue_wake(in);
        while (queue_get(in, 0, &record, sizeof record)) {
            if (record.bytes < ETHER_HEADER || record.bytes > ETHER_MAX || queue_used(in) < ETHER_RECORD(record.bytes)) {
                virtio_fail(v); /* the switch writes no such record */
                queue_skip(in, queue_used(in));
                break;
            }
            dry = !virtio_pop(v, RECEIVE, LIMIT, &n->chain);
            if (dry)
                break;
            deliver(n, record.bytes);
            queue_skip(in, ETHER_RECORD(record.bytes));
            any = true;
        }
    } while (dry ? virtio_ready(v, RECEIVE) && virtqueue_listen(&v->queues[RECEIVE]) : !queue_used(in) && !queue_sleep(in));
    if (any)
        virtio_completed(v, RECEIVE);
}

static void notify(struct virtio *v, unsigned queue)
{
    if (queue == TRANSMIT)
        transmit((struct virtio_net *)v);
    else
        virtio_net_poll((struct virtio_net *)v);
}

static const struct virtio_ops ops = {.notify = notify};

void virtio_net_add(struct vm *vm, unsigned index, struct virtio_net *n, struct backend *backend, const uint8_t address[ETHER_ADDRESS])
{
    backend->signal(backend); /* what is sent begins anew, if this is not the first life */
    n->backend = backend;
    memcpy(n->virtio.config, address, ETHER_ADDRESS);
    virtio_add(vm, SLOT_NET + index, &n->virtio, VIRTIO_NET, CLASS, F_ADDRESS, 2, 6 + 2, &ops);
}
