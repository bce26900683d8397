/* A small virtio driver for the test guests (virtio 1.2, 4.1 and 2.7): polling or MSI-X, and rings that a test may spoil. */
#pragma once
#include "guest.h"

#define PCI_SLOTS 32u
#define PCI_ECAM 0xe0000000u /* as Atoll's MCFG says; virtio_open checks */

uint32_t pci_config_read(unsigned slot, unsigned offset); /* by ports */
void pci_config_write(unsigned slot, unsigned offset, uint32_t value);

enum { VIRTIO_NET = 1, VIRTIO_BLOCK = 2, VIRTIO_CONSOLE = 3, VIRTIO_ENTROPY = 4 };
enum { VIRTIO_STATUS_OK = 15, VIRTIO_NEEDS_RESET = 64 };
#define VIRTIO_RING 64u

struct descriptor {
    uint64_t address;
    uint32_t bytes;
    uint16_t flags, next;
};
enum { DESCRIPTOR_NEXT = 1, DESCRIPTOR_WRITE = 2, DESCRIPTOR_INDIRECT = 4 };

struct ring { /* one queue; page-aligned, in guest RAM */
    struct descriptor descriptors[VIRTIO_RING];
    struct {
        uint16_t flags, index, entries[VIRTIO_RING], used_event;
    } available;
    struct {
        uint16_t flags, index;
        struct {
            uint32_t head, bytes;
        } entries[VIRTIO_RING];
        uint16_t available_event;
    } used __attribute__((aligned(8)));
} __attribute__((aligned(4096)));

struct virtio_guest {
    unsigned slot;
    volatile uint8_t *common, *notify, *config;
    uint32_t notify_stride;
    volatile uint32_t *msix;
    struct ring *rings[2];
    uint16_t seen[2]; /* used entries taken */
    bool events;      /* VIRTIO_F_EVENT_IDX */
};

/* The n-th device of a type; false: there is none. */
bool virtio_find(struct virtio_guest *v, unsigned type, unsigned n);
/* Reset it, take its features (of these only), set up `queues` rings, and go. Vector 0: no interrupts. Returns the status. */
uint8_t virtio_start(struct virtio_guest *v, struct ring *rings, unsigned queues, uint64_t features, uint8_t vector);
uint8_t virtio_status(struct virtio_guest *v);
void virtio_offer(struct virtio_guest *v, unsigned queue, uint16_t head); /* make a chain available and notify */
/* Wait (bounded) for one used entry; its length, or -1. */
int64_t virtio_take(struct virtio_guest *v, unsigned queue);
/* One request of up to three buffers; the last `in` of them are for the device to write. */
struct buffer { void *at; uint32_t bytes; };
int64_t virtio_request(struct virtio_guest *v, unsigned queue, const struct buffer *buffers, unsigned count, unsigned in);

/* Block requests: status byte, or -1 when no answer came. */
enum { BLOCK_READ = 0, BLOCK_WRITE = 1, BLOCK_FLUSH = 4 };
int block_request(struct virtio_guest *v, uint32_t type, uint64_t sector, void *data, uint32_t bytes);
