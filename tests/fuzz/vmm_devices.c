/* Fuzzing what a guest can do to its devices: PCI configuration, BARs, virtio rings in memory that it changes at will, console, serial port,
 * and what components answer. The input is a list of actions; each run starts from reset. */
#include <atoll/component.h>
#include "mmio.h"
#include "port.h"
#include "vmm_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RAM 0x200000u    /* 2 MiB: what is behind it is not there */
#define RINGS 0x10000u   /* rings and buffers of all devices: cleared for each run */
#define ACTIONS 400u

static struct fixture *f;
static struct side {
    uint8_t bytes[QUEUE_DATA_SIZE + 2 * QUEUE_PAGE];
} sides[4];
static struct backend backends[2];
static struct queue peers[4]; /* the components' ends: 0, 2 consume; 1, 3 produce */

static void no_signal(struct backend *b) { (void)b; }
static unsigned random_bytes(void *to, unsigned bytes)
{
    memset(to, 0x5a, bytes);
    return bytes;
}

static void queue_both(struct side *s, struct queue *producer, struct queue *consumer)
{
    uint8_t *tail = s->bytes + QUEUE_PAGE + QUEUE_DATA_SIZE;

    memset(s->bytes, 0, QUEUE_PAGE);
    memset(tail, 0, QUEUE_PAGE);
    queue_init_producer(producer, s->bytes, tail, QUEUE_DATA_SIZE);
    queue_init_consumer(consumer, s->bytes, tail, QUEUE_DATA_SIZE);
}

static void console_read(struct vm *vm) { virtio_console_receive(&vm->virtio_console, "typed", 5); }

static void set_up(void)
{
    static const uint8_t address[6] = {2};
    void *state;

    if (!f) {
        fixture_new(&state);
        f = state;
        f->vm.memory.bytes = RAM;
        f->vm.console_read = console_read;
    }
    memset(&f->vm.disks, 0, sizeof f->vm.disks);
    memset(&f->vm.nets, 0, sizeof f->vm.nets);
    memset(f->vm.memory.base, 0, RINGS);
    pci_init(&f->vm);
    for (unsigned i = 0; i < 2; i++) {
        queue_both(&sides[2 * i], &backends[i].out, &peers[2 * i]);
        queue_both(&sides[2 * i + 1], &peers[2 * i + 1], &backends[i].in);
        backends[i].signal = no_signal;
    }
    virtio_entropy_add(&f->vm, &f->vm.virtio_entropy, random_bytes);
    virtio_console_add(&f->vm, &f->vm.virtio_console);
    virtio_block_add(&f->vm, 0, &f->vm.disks[0], &backends[0], &(struct block_size){1000, 512, 0});
    virtio_net_add(&f->vm, 0, &f->vm.nets[0], &backends[1], address);
    lapic_reset(&f->vm.lapic, 0);
    ioapic_reset(&f->vm.ioapic);
    uart_reset(&f->vm.uart);
    pci_reset(&f->vm);
    f->output_bytes = 0;
}

static struct virtio *device(unsigned n)
{
    struct virtio *const all[] = {&f->vm.virtio_entropy.virtio, &f->vm.virtio_console.virtio, &f->vm.disks[0].virtio, &f->vm.nets[0].virtio};

    return all[n % 4];
}

/* A driver's whole start-up, so that runs get behind it. */
static void start(unsigned n)
{
    struct virtio *v = device(n);
    uint32_t bar;

    for (unsigned slot = 0; slot < PCI_SLOTS; slot++)
        if (f->vm.pci.slots[slot] == &v->function)
            mmio_write(&f->vm, PCI_ECAM + (slot << 15) + PCI_COMMAND, 2, 6);
    bar = pci_bar_address(&v->function, 0);
    mmio_write(&f->vm, bar + 0x14, 1, 0);
    mmio_write(&f->vm, bar + 0x14, 1, 3);
    mmio_write(&f->vm, bar + 0x0c, 4, n & 4 ? 3u << 28 : 0);
    mmio_write(&f->vm, bar + 0x08, 4, 1);
    mmio_write(&f->vm, bar + 0x0c, 4, 1);
    mmio_write(&f->vm, bar + 0x14, 1, 11);
    for (unsigned q = 0; q < v->queue_count; q++) {
        uint32_t ring = 0x1000 * (2 * (n % 4) + q);

        mmio_write(&f->vm, bar + 0x16, 2, q);
        mmio_write(&f->vm, bar + 0x18, 2, 8);
        mmio_write(&f->vm, bar + 0x20, 8, ring);
        mmio_write(&f->vm, bar + 0x28, 8, ring + 0x100);
        mmio_write(&f->vm, bar + 0x30, 8, ring + 0x200);
        mmio_write(&f->vm, bar + 0x1c, 2, 1);
    }
    mmio_write(&f->vm, bar + 0x14, 1, 15);
}

struct input {
    const uint8_t *data;
    size_t left;
};

static uint64_t take(struct input *in, unsigned bytes)
{
    uint64_t value = 0;

    for (; bytes && in->left; bytes--, in->left--)
        value = value << 8 | *in->data++;
    return value;
}

static void act(struct input *in)
{
    unsigned what = (unsigned)take(in, 1), n = what >> 4;
    struct virtio *v = device(n);
    uint8_t bytes[600];

    switch (what & 15) {
    case 0: start(n); break;
    case 1: { /* a good chain offered: fuzzed descriptors around it make it bad */
        uint32_t ring = 0x1000 * (2 * (n % 4) + (n >> 2) % v->queue_count);
        uint16_t index;

        memcpy(&index, f->vm.memory.base + ring + 0x102, 2);
        f->vm.memory.base[ring + 0x104 + 2 * (index % 8)] = (uint8_t)take(in, 1);
        index++;
        memcpy(f->vm.memory.base + ring + 0x102, &index, 2);
        mmio_write(&f->vm, pci_bar_address(&v->function, 0) + 0x3000 + 4 * ((n >> 2) % v->queue_count), 2, 0);
        break;
    }
    case 2: { /* a descriptor */
        uint32_t ring = 0x1000 * (2 * (n % 4) + (n >> 2) % v->queue_count), i = (uint32_t)take(in, 1) % 8;
        uint64_t words[2] = {take(in, 3), take(in, 1) | take(in, 2) << 8};

        words[1] = (words[1] & 0xffff) | take(in, 1) % 8 << 32 | take(in, 1) % 9 << 48;
        memcpy(f->vm.memory.base + ring + 16 * i, words, 16);
        break;
    }
    case 3: f->vm.memory.base[take(in, 2)] = (uint8_t)take(in, 1); break;
    case 4: mmio_write(&f->vm, PCI_ECAM + (take(in, 1) << 15) % PCI_ECAM_SIZE + take(in, 1), 1 + n % 8, take(in, 4)); break;
    case 5: mmio_read(&f->vm, PCI_ECAM + take(in, 3) % PCI_ECAM_SIZE, 1 + n % 8); break;
    case 6: mmio_write(&f->vm, pci_bar_address(&v->function, 0) + take(in, 2), 1 + (n >> 1) % 8, take(in, 4)); break;
    case 7: mmio_read(&f->vm, pci_bar_address(&v->function, 0) + take(in, 2), 1 + (n >> 1) % 8); break;
    case 8: mmio_write(&f->vm, pci_bar_address(&v->function, 0) + take(in, 1) % 0x40, 1u << n % 4, take(in, 8)); break;
    case 9: port_write(&f->vm, (uint16_t)(0xcf8 + take(in, 1) % 8), 1u << n % 3, (uint32_t)take(in, 4)); break;
    case 10: port_read(&f->vm, (uint16_t)(0xcf8 + take(in, 1) % 8), 1u << n % 3); break;
    case 11: port_write(&f->vm, (uint16_t)(0x3f8 + n % 8), 1, (uint32_t)take(in, 1)); port_read(&f->vm, (uint16_t)(0x3f8 + n % 8), 1); break;
    case 12: /* a component answers, or lies */
        for (unsigned i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)i;
        for (unsigned i = 0; i < 16; i++)
            bytes[i] = (uint8_t)take(in, 1);
        queue_write(&peers[n & 1 ? 3 : 1], bytes, 16 + take(in, 2) % (sizeof bytes - 16));
        break;
    case 13: virtio_block_poll(&f->vm.disks[0]); virtio_net_poll(&f->vm.nets[0]); console_read(&f->vm); break;
    case 14: pci_msix_raise(&v->function, n % 4); lapic_tick(&f->vm.lapic, take(in, 4)); break;
    default: queue_skip(&peers[n & 2], queue_used(&peers[n & 2])); break;
    }
    f->vm.next = VM_RESUME;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};

    set_up();
    for (unsigned i = 0; in.left && i < ACTIONS; i++)
        act(&in);
    for (unsigned slot = 0; slot < PCI_SLOTS; slot++) { /* nothing but writable bits ever changed */
        const struct pci_function *p = f->vm.pci.slots[slot];

        for (unsigned i = 0; p && i < PCI_CONFIG_BYTES / 4; i++)
            if ((p->config[i] ^ p->at_reset[i]) & ~p->writable[i])
                abort();
    }
    return 0;
}
