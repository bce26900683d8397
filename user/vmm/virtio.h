/* A virtio device on the PCI bus (virtio 1.2, chapter 2 and 4.1; modern only): features, status, queues, configuration, interrupts. */
#pragma once
#include "pci.h"
#include "virtqueue.h"

#define VIRTIO_VENDOR 0x1af4
#define VIRTIO_DEVICE(type) (0x1040 + (type))
enum { VIRTIO_NET = 1, VIRTIO_BLOCK = 2, VIRTIO_CONSOLE = 3, VIRTIO_ENTROPY = 4 };

#define VIRTIO_QUEUES 2u
#define VIRTIO_CONFIG_MAX 64u
#define VIRTIO_NO_VECTOR 0xffffu

/* Features that every device here offers. */
#define VIRTIO_F_INDIRECT (1ull << 28)
#define VIRTIO_F_EVENT_INDEX (1ull << 29)
#define VIRTIO_F_VERSION_1 (1ull << 32)

/* Device status (2.1). */
enum { VIRTIO_ACKNOWLEDGE = 1, VIRTIO_DRIVER = 2, VIRTIO_DRIVER_OK = 4, VIRTIO_FEATURES_OK = 8, VIRTIO_NEEDS_RESET = 64,
       VIRTIO_FAILED = 128 };

struct virtio;
struct virtio_ops {
    void (*notify)(struct virtio *v, unsigned queue); /* requests may be there; also when the driver becomes ready */
    void (*reset)(struct virtio *v);                  /* may be NULL */
};

struct virtio {
    struct pci_function function;
    const struct virtio_ops *ops;
    uint64_t offered, accepted;
    uint32_t offered_select, accepted_select;
    uint16_t config_vector, queue_select;
    uint8_t status, isr;
    uint8_t window; /* offset of the capability that reaches the BAR through configuration space (4.1.4.9) */
    unsigned queue_count;
    struct virtqueue queues[VIRTIO_QUEUES];
    unsigned config_bytes;
    uint8_t config[VIRTIO_CONFIG_MAX]; /* the device's own, read-only for the driver */
};

/* Once, before the guest runs. `class_code`: PCI class and subclass. */
void virtio_add(struct vm *vm, unsigned slot, struct virtio *v, unsigned type, uint16_t class_code, uint64_t features,
                unsigned queues, unsigned config_bytes, const struct virtio_ops *ops);

/* May queue `queue` be served? The driver is ready, the device may reach memory, the queue is not broken. */
bool virtio_ready(const struct virtio *v, unsigned queue);
/* The next request of a queue. A driver that broke the rules is told so (2.1.2, DEVICE_NEEDS_RESET) and served no more. */
bool virtio_pop(struct virtio *v, unsigned queue, uint32_t limit, struct chain *chain);
/* Used buffers were added to a queue: interrupt the driver if it wants that. */
void virtio_completed(struct virtio *v, unsigned queue);
/* The device cannot go on. */
void virtio_fail(struct virtio *v);

static inline struct virtio *virtio_of(struct pci_function *f) { return f->device; }
