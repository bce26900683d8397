#include "virtio.h"

#define VENDOR 0x1af4u
#define COMMAND 0x04
#define BAR0 0x10
#define CAPABILITIES 0x34
#define CAP_MSIX 0x11
#define CAP_VENDOR 0x09
enum { DEVICE_FEATURE_SELECT = 0x00, DEVICE_FEATURE = 0x04, DRIVER_FEATURE_SELECT = 0x08, DRIVER_FEATURE = 0x0c, STATUS = 0x14,
       QUEUE_SELECT = 0x16, QUEUE_SIZE = 0x18, QUEUE_VECTOR = 0x1a, QUEUE_ENABLE = 0x1c, QUEUE_DESCRIPTORS = 0x20, QUEUE_DRIVER = 0x28,
       QUEUE_DEVICE = 0x30 };
#define PATIENCE_S 10u /* a disk may be a device that other VMs use, too */

uint32_t pci_config_read(unsigned slot, unsigned offset)
{
    out32(0xcf8, 0x80000000 | slot << 11 | offset);
    return in32(0xcfc);
}

void pci_config_write(unsigned slot, unsigned offset, uint32_t value)
{
    out32(0xcf8, 0x80000000 | slot << 11 | offset);
    out32(0xcfc, value);
}

static void structures(struct virtio_guest *v)
{
    for (unsigned at = pci_config_read(v->slot, CAPABILITIES) & 0xff; at; at = pci_config_read(v->slot, at) >> 8 & 0xff) {
        uint32_t first = pci_config_read(v->slot, at);
        volatile uint8_t *bar = (volatile uint8_t *)(uintptr_t)(pci_config_read(v->slot, BAR0) & ~0xfu);

        if ((first & 0xff) == CAP_MSIX) {
            v->msix = (volatile uint32_t *)(volatile void *)(bar + (pci_config_read(v->slot, at + 4) & ~7u));
            pci_config_write(v->slot, at, first | 0x80000000);
        }
        if ((first & 0xff) != CAP_VENDOR)
            continue;
        bar += pci_config_read(v->slot, at + 8);
        switch (first >> 24) {
        case 1: v->common = bar; break;
        case 2:
            v->notify = bar;
            v->notify_stride = pci_config_read(v->slot, at + 16);
            break;
        case 4: v->config = bar; break;
        default: break;
        }
    }
}

bool virtio_find(struct virtio_guest *v, unsigned type, unsigned n)
{
    for (unsigned slot = 0; slot < PCI_SLOTS; slot++) {
        if (pci_config_read(slot, 0) != (VENDOR | (0x1040 + type) << 16) || n--)
            continue;
        *v = (struct virtio_guest){.slot = slot};
        pci_config_write(slot, COMMAND, 6);
        structures(v);
        if (!v->common || !v->notify || !v->msix)
            guest_fail("slot %u: structures are missing", slot);
        return true;
    }
    return false;
}

static void put32(struct virtio_guest *v, unsigned offset, uint32_t value) { *(volatile uint32_t *)(volatile void *)(v->common + offset) = value; }
static void put16(struct virtio_guest *v, unsigned offset, uint16_t value) { *(volatile uint16_t *)(volatile void *)(v->common + offset) = value; }
static void put64(struct virtio_guest *v, unsigned offset, const void *value)
{
    put32(v, offset, (uint32_t)(uintptr_t)value);
    put32(v, offset + 4, 0);
}

uint8_t virtio_status(struct virtio_guest *v) { return v->common[STATUS]; }

uint8_t virtio_start(struct virtio_guest *v, struct ring *rings, unsigned queues, uint64_t features, uint8_t vector)
{
    v->common[STATUS] = 0;
    v->common[STATUS] = 3;
    for (unsigned word = 0; word < 2; word++) {
        put32(v, DEVICE_FEATURE_SELECT, word);
        put32(v, DRIVER_FEATURE_SELECT, word);
        put32(v, DRIVER_FEATURE, *(volatile uint32_t *)(volatile void *)(v->common + DEVICE_FEATURE) & (uint32_t)(features >> 32 * word));
    }
    v->common[STATUS] = 11;
    v->events = features >> 29 & 1;
    v->msix[0] = 0xfee00000;
    v->msix[1] = 0;
    v->msix[2] = vector;
    v->msix[3] = 0;
    memset(rings, 0, queues * sizeof *rings);
    for (unsigned q = 0; q < queues; q++) {
        v->rings[q] = &rings[q];
        v->seen[q] = 0;
        put16(v, QUEUE_SELECT, (uint16_t)q);
        put16(v, QUEUE_SIZE, VIRTIO_RING);
        put16(v, QUEUE_VECTOR, vector ? 0 : 0xffff);
        put64(v, QUEUE_DESCRIPTORS, rings[q].descriptors);
        put64(v, QUEUE_DRIVER, &rings[q].available);
        put64(v, QUEUE_DEVICE, &rings[q].used);
        put16(v, QUEUE_ENABLE, 1);
    }
    v->common[STATUS] = VIRTIO_STATUS_OK;
    return virtio_status(v);
}

void virtio_offer(struct virtio_guest *v, unsigned queue, uint16_t head)
{
    struct ring *r = v->rings[queue];

    r->available.entries[r->available.index % VIRTIO_RING] = head;
    __atomic_store_n(&r->available.index, (uint16_t)(r->available.index + 1), __ATOMIC_SEQ_CST);
    *(volatile uint16_t *)(volatile void *)(v->notify + v->notify_stride * queue) = (uint16_t)queue;
}

int64_t virtio_take(struct virtio_guest *v, unsigned queue)
{
    struct ring *r = v->rings[queue];

    uint64_t end = rdtsc() + PATIENCE_S * tsc_hz();

    do
        if (__atomic_load_n(&r->used.index, __ATOMIC_SEQ_CST) != v->seen[queue])
            return r->used.entries[v->seen[queue]++ % VIRTIO_RING].bytes;
    while (rdtsc() < end);
    return -1;
}

int64_t virtio_request(struct virtio_guest *v, unsigned queue, const struct buffer *buffers, unsigned count, unsigned in)
{
    struct descriptor *d = v->rings[queue]->descriptors;

    for (unsigned i = 0; i < count; i++)
        d[i] = (struct descriptor){(uintptr_t)buffers[i].at, buffers[i].bytes,
                                   (uint16_t)((i + 1 < count ? DESCRIPTOR_NEXT : 0) | (i >= count - in ? DESCRIPTOR_WRITE : 0)), (uint16_t)(i + 1)};
    virtio_offer(v, queue, 0);
    return virtio_take(v, queue);
}

int block_request(struct virtio_guest *v, uint32_t type, uint64_t sector, void *data, uint32_t bytes)
{
    static struct { uint32_t type, reserved; uint64_t sector; } header;
    static volatile uint8_t status;
    struct buffer buffers[3] = {{&header, sizeof header}, {data, bytes}, {(void *)(uintptr_t)&status, 1}};

    header.type = type;
    header.sector = sector;
    status = 0xee;
    if (!bytes)
        buffers[1] = buffers[2];
    if (virtio_request(v, 0, buffers, bytes ? 3 : 2, type == BLOCK_READ && bytes ? 2 : 1) < 0)
        return -1;
    return status;
}
