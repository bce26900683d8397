/* The PCI transport: one BAR with the common configuration, ISR, the device's configuration, doorbells, MSI-X. */
#include "virtio.h"
#include "lib.h"
#include "vm.h"

#define BAR 0u
#define BAR_BYTES 0x8000u
#define COMMON 0x0000u
#define ISR 0x1000u
#define DEVICE 0x2000u
#define NOTIFY 0x3000u
#define NOTIFY_STRIDE 4u
#define REGION 0x1000u
#define MSIX_TABLE 0x4000u
#define MSIX_PBA 0x5000u

#define CAPABILITY_BYTES 16u
enum { CAP_COMMON = 1, CAP_NOTIFY = 2, CAP_ISR = 3, CAP_DEVICE = 4, CAP_PCI = 5 };
#define ISR_QUEUE 1u
#define ISR_CONFIG 2u

/* Common configuration structure (4.1.4.3). */
enum { DEVICE_FEATURE_SELECT = 0x00, DEVICE_FEATURE = 0x04, DRIVER_FEATURE_SELECT = 0x08, DRIVER_FEATURE = 0x0c, CONFIG_VECTOR = 0x10,
       QUEUE_COUNT = 0x12, STATUS = 0x14, GENERATION = 0x15, QUEUE_SELECT = 0x16, QUEUE_SIZE = 0x18, QUEUE_VECTOR = 0x1a,
       QUEUE_ENABLE = 0x1c, QUEUE_NOTIFY = 0x1e, QUEUE_DESCRIPTORS = 0x20, QUEUE_DRIVER = 0x28, QUEUE_DEVICE = 0x30 };

bool virtio_ready(const struct virtio *v, unsigned queue)
{
    return (v->status & (VIRTIO_DRIVER_OK | VIRTIO_NEEDS_RESET)) == VIRTIO_DRIVER_OK && pci_is_master(&v->function) &&
           v->queues[queue].enabled;
}

void virtio_fail(struct virtio *v)
{
    if (v->status & VIRTIO_NEEDS_RESET)
        return;
    v->status |= VIRTIO_NEEDS_RESET;
    if (!(v->status & VIRTIO_DRIVER_OK))
        return;
    v->isr |= ISR_CONFIG;
    if (v->config_vector != VIRTIO_NO_VECTOR)
        pci_msix_raise(&v->function, v->config_vector);
}

bool virtio_pop(struct virtio *v, unsigned queue, uint32_t limit, struct chain *chain)
{
    struct virtqueue *q = &v->queues[queue];

    if (!virtio_ready(v, queue))
        return false;
    if (virtqueue_pop(q, &v->function.vm->memory, limit, chain))
        return true;
    if (q->broken)
        virtio_fail(v);
    return false;
}

void virtio_completed(struct virtio *v, unsigned queue)
{
    struct virtqueue *q = &v->queues[queue];

    if (!virtio_ready(v, queue) || !virtqueue_wants_interrupt(q))
        return;
    v->isr |= ISR_QUEUE;
    if (q->vector != VIRTIO_NO_VECTOR)
        pci_msix_raise(&v->function, q->vector);
}

static void reset(struct virtio *v)
{
    v->accepted = 0;
    v->offered_select = v->accepted_select = 0;
    v->config_vector = VIRTIO_NO_VECTOR;
    v->queue_select = 0;
    v->status = v->isr = 0;
    for (unsigned i = 0; i < VIRTIO_QUEUES; i++)
        virtqueue_reset(&v->queues[i]);
    if (v->ops->reset)
        v->ops->reset(v);
}

static struct virtqueue *selected(struct virtio *v)
{
    return v->queue_select < v->queue_count ? &v->queues[v->queue_select] : NULL;
}

static uint32_t feature_word(uint64_t features, uint32_t select) { return select < 2 ? (uint32_t)(features >> 32 * select) : 0; }

static uint64_t register_read(const struct virtio *v, const struct virtqueue *q, uint32_t offset)
{
    switch (offset) {
    case QUEUE_SIZE: return q->size;
    case QUEUE_VECTOR: return q->vector;
    case QUEUE_ENABLE: return q->enabled;
    case QUEUE_NOTIFY: return v->queue_select;
    case QUEUE_DESCRIPTORS: return q->descriptors;
    case QUEUE_DESCRIPTORS + 4: return q->descriptors >> 32;
    case QUEUE_DRIVER: return q->available;
    case QUEUE_DRIVER + 4: return q->available >> 32;
    case QUEUE_DEVICE: return q->used;
    case QUEUE_DEVICE + 4: return q->used >> 32;
    default: return 0;
    }
}

static uint64_t common_read(struct virtio *v, uint32_t offset)
{
    const struct virtqueue *q = selected(v);

    switch (offset) {
    case DEVICE_FEATURE_SELECT: return v->offered_select;
    case DEVICE_FEATURE: return feature_word(v->offered, v->offered_select);
    case DRIVER_FEATURE_SELECT: return v->accepted_select;
    case DRIVER_FEATURE: return feature_word(v->accepted, v->accepted_select);
    case CONFIG_VECTOR: return v->config_vector;
    case QUEUE_COUNT: return v->queue_count;
    case STATUS: return v->status;
    case QUEUE_SELECT: return v->queue_select;
    case GENERATION: return 0; /* the configuration never changes */
    default: return q ? register_read(v, q, offset) : 0;
    }
}

static uint16_t vector_checked(const struct virtio *v, uint64_t vector)
{
    return vector < v->function.msix.count ? (uint16_t)vector : VIRTIO_NO_VECTOR;
}

static void set_half(uint64_t *to, bool high, uint64_t value)
{
    *to = high ? (uint32_t)*to | (value & 0xffffffff) << 32 : (*to & ~0xffffffffull) | (value & 0xffffffff);
}

/* What describes a queue is fixed once it is enabled. */
static void register_write(struct virtio *v, struct virtqueue *q, uint32_t offset, uint64_t value)
{
    if (offset == QUEUE_VECTOR)
        q->vector = vector_checked(v, value & 0xffff);
    if (q->enabled)
        return;
    switch (offset) {
    case QUEUE_SIZE: q->size = (uint16_t)value; break;
    case QUEUE_ENABLE:
        if ((value & 1) && !virtqueue_enable(q, &v->function.vm->memory, v->accepted & VIRTIO_F_EVENT_INDEX))
            virtio_fail(v);
        break;
    case QUEUE_DESCRIPTORS: case QUEUE_DESCRIPTORS + 4: set_half(&q->descriptors, offset & 4, value); break;
    case QUEUE_DRIVER: case QUEUE_DRIVER + 4: set_half(&q->available, offset & 4, value); break;
    case QUEUE_DEVICE: case QUEUE_DEVICE + 4: set_half(&q->used, offset & 4, value); break;
    default: break;
    }
}

/* Features are taken as a whole or not at all (3.1.1, step 6). */
static void set_status(struct virtio *v, uint8_t value)
{
    uint8_t before = v->status;

    if (!value) {
        reset(v);
        return;
    }
    if ((value & VIRTIO_FEATURES_OK) && ((v->accepted & ~v->offered) || !(v->accepted & VIRTIO_F_VERSION_1)))
        value &= (uint8_t)~VIRTIO_FEATURES_OK;
    if (!(value & VIRTIO_FEATURES_OK))
        value &= (uint8_t)~VIRTIO_DRIVER_OK;
    v->status = value | (before & VIRTIO_NEEDS_RESET);
    if (v->status & ~before & VIRTIO_DRIVER_OK)
        for (unsigned i = 0; i < v->queue_count; i++)
            v->ops->notify(v, i);
}

static void common_write(struct virtio *v, uint32_t offset, uint64_t value)
{
    struct virtqueue *q = selected(v);

    switch (offset) {
    case DEVICE_FEATURE_SELECT: v->offered_select = (uint32_t)value; break;
    case DRIVER_FEATURE_SELECT: v->accepted_select = (uint32_t)value; break;
    case DRIVER_FEATURE:
        if (!(v->status & VIRTIO_FEATURES_OK) && v->accepted_select < 2)
            set_half(&v->accepted, v->accepted_select, value);
        break;
    case CONFIG_VECTOR: v->config_vector = vector_checked(v, value & 0xffff); break;
    case STATUS: set_status(v, (uint8_t)value); break;
    case QUEUE_SELECT: v->queue_select = (uint16_t)value; break;
    default:
        if (q)
            register_write(v, q, offset, value);
    }
}

static uint64_t bar_read(struct pci_function *f, unsigned bar, uint32_t offset, unsigned bytes)
{
    struct virtio *v = virtio_of(f);
    uint32_t at = offset % REGION;
    uint64_t value = 0;

    (void)bar;
    switch (offset - at) {
    case COMMON:
        return common_read(v, at) | (bytes == 8 ? common_read(v, at + 4) << 32 : 0);
    case ISR:
        value = v->isr;
        v->isr = 0;
        return value;
    case DEVICE:
        if (at < v->config_bytes)
            memcpy(&value, v->config + at, bytes < v->config_bytes - at ? bytes : v->config_bytes - at);
        return value;
    default:
        return 0;
    }
}

static void bar_write(struct pci_function *f, unsigned bar, uint32_t offset, unsigned bytes, uint64_t value)
{
    struct virtio *v = virtio_of(f);
    uint32_t at = offset % REGION;

    (void)bar;
    if (offset - at == NOTIFY) {
        if (at / NOTIFY_STRIDE < v->queue_count && virtio_ready(v, at / NOTIFY_STRIDE))
            v->ops->notify(v, at / NOTIFY_STRIDE);
    } else if (offset - at == COMMON) {
        common_write(v, at, value);
        if (bytes == 8)
            common_write(v, at + 4, value >> 32);
    }
}

/* -- The window in configuration space. ------------------------------------------------------------------------------- */

/* What it points to: bar, offset, length. False: nowhere. */
static bool window_target(const struct virtio *v, uint32_t *offset, unsigned *bytes)
{
    const uint32_t *cap = &v->function.config[v->window / 4];

    *offset = cap[2];
    *bytes = cap[3];
    return (cap[1] & 0xff) == BAR && (*bytes == 1 || *bytes == 2 || *bytes == 4) && *offset % *bytes == 0 &&
           *offset <= BAR_BYTES - *bytes && !pci_msix_covers(&v->function, BAR, *offset);
}

static void config_reading(struct pci_function *f, unsigned offset)
{
    struct virtio *v = virtio_of(f);
    uint32_t at;
    unsigned bytes;

    if (offset == v->window + CAPABILITY_BYTES && window_target(v, &at, &bytes))
        f->config[offset / 4] = (uint32_t)bar_read(f, BAR, at, bytes);
}

static void config_written(struct pci_function *f, unsigned offset, uint32_t mask)
{
    struct virtio *v = virtio_of(f);
    uint32_t at;
    unsigned bytes;

    if (offset == v->window + CAPABILITY_BYTES && (mask & 0xff) && window_target(v, &at, &bytes))
        bar_write(f, BAR, at, bytes, f->config[offset / 4] & (bytes == 4 ? ~0u : (1u << 8 * bytes) - 1));
}

static void function_reset(struct pci_function *f) { reset(virtio_of(f)); }

static const struct pci_ops ops = {.bar_read = bar_read, .bar_write = bar_write, .config_reading = config_reading,
                                   .config_written = config_written, .reset = function_reset};

/* A vendor capability that says where a structure is (4.1.4). Returns its offset. */
static unsigned structure(struct pci_function *f, unsigned type, uint32_t offset, uint32_t bytes, unsigned extra)
{
    unsigned at = pci_capability_add(f, PCI_CAP_VENDOR, CAPABILITY_BYTES + extra);

    f->config[at / 4] |= (CAPABILITY_BYTES + extra) << 16 | type << 24;
    f->config[at / 4 + 1] = BAR;
    f->config[at / 4 + 2] = offset;
    f->config[at / 4 + 3] = bytes;
    return at;
}

void virtio_add(struct vm *vm, unsigned slot, struct virtio *v, unsigned type, uint16_t class_code, uint64_t features,
                unsigned queues, unsigned config_bytes, const struct virtio_ops *device_ops)
{
    struct pci_function *f = &v->function;
    unsigned at;

    v->ops = device_ops;
    v->offered = features | VIRTIO_F_INDIRECT | VIRTIO_F_EVENT_INDEX | VIRTIO_F_VERSION_1;
    v->queue_count = queues;
    v->config_bytes = config_bytes;
    pci_function_init(f, VIRTIO_VENDOR, (uint16_t)VIRTIO_DEVICE(type), (uint32_t)class_code << 16 | 1, VIRTIO_VENDOR,
                      (uint16_t)VIRTIO_DEVICE(type));
    pci_bar_add(f, BAR, BAR_BYTES);
    structure(f, CAP_COMMON, COMMON, QUEUE_DEVICE + 8, 0);
    structure(f, CAP_ISR, ISR, 1, 0);
    if (config_bytes)
        structure(f, CAP_DEVICE, DEVICE, config_bytes, 0);
    at = structure(f, CAP_NOTIFY, NOTIFY, NOTIFY_STRIDE * queues, 4);
    f->config[(at + CAPABILITY_BYTES) / 4] = NOTIFY_STRIDE;
    at = structure(f, CAP_PCI, 0, 0, 4);
    v->window = (uint8_t)at;
    f->writable[at / 4 + 1] = 0xff;
    f->writable[at / 4 + 2] = f->writable[at / 4 + 3] = f->writable[at / 4 + 4] = ~0u;
    pci_msix_add(f, BAR, MSIX_TABLE, MSIX_PBA, queues + 1);
    pci_add(vm, slot, f, &ops, v);
    reset(v);
}
