/* A driver that breaks every rule of the ring, against each device that is there: the device says that it needs a reset or fails the
 * request, reaches nothing that is no RAM of the guest's, and works again after a reset. */
#include "virtio.h"

static struct ring rings[2];
static struct descriptor inner[VIRTIO_RING];
static uint8_t page[4096] __attribute__((aligned(4096)));
static volatile uint8_t status;
static struct { uint32_t type, reserved; uint64_t sector; } header;

typedef void spoil(struct descriptor *d, struct ring *r);

/* Each begins with a good three-part request in descriptors 0 to 2: 16 bytes out, 4096 in, 1 in. */
static void loop_of_one(struct descriptor *d, struct ring *r) { (void)r; d[0].next = 0; }
static void loop_of_two(struct descriptor *d, struct ring *r) { (void)r; d[1].flags |= DESCRIPTOR_NEXT; d[1].next = 0; }
static void loop_at_the_end(struct descriptor *d, struct ring *r) { (void)r; d[2].flags |= DESCRIPTOR_NEXT; d[2].next = 2; }
static void next_outside(struct descriptor *d, struct ring *r) { (void)r; d[1].next = VIRTIO_RING; }
static void next_far_outside(struct descriptor *d, struct ring *r) { (void)r; d[1].next = 0xffff; }
static void behind_ram(struct descriptor *d, struct ring *r) { (void)r; d[1].address = guest_ram_end; }
static void across_the_end(struct descriptor *d, struct ring *r) { (void)r; d[1].address = guest_ram_end - 4095; }
static void the_last_address(struct descriptor *d, struct ring *r) { (void)r; d[1].address = ~0ull - 10; }
static void at_the_apic(struct descriptor *d, struct ring *r) { (void)r; d[1].address = 0xfee00000; }
static void at_its_own_registers(struct descriptor *d, struct ring *r) { (void)r; d[1].address = 0xc0000000; }
static void endless(struct descriptor *d, struct ring *r) { (void)r; d[1].bytes = 0xffffffff; d[1].address = 0; }
static void whole_ram_often(struct descriptor *d, struct ring *r)
{
    (void)r;
    for (unsigned i = 1; i < VIRTIO_RING; i++)
        d[i] = (struct descriptor){0x100000, (uint32_t)(guest_ram_end - 0x100000), DESCRIPTOR_WRITE | (i + 1 < VIRTIO_RING ? DESCRIPTOR_NEXT : 0),
                                   (uint16_t)(i + 1)};
}
static void read_after_write(struct descriptor *d, struct ring *r) { (void)r; d[2].flags = 0; }
static void indirect_empty(struct descriptor *d, struct ring *r) { (void)r; d[1] = (struct descriptor){(uintptr_t)inner, 0, DESCRIPTOR_INDIRECT, 0}; }
static void indirect_odd(struct descriptor *d, struct ring *r) { (void)r; d[1] = (struct descriptor){(uintptr_t)inner, 17, DESCRIPTOR_INDIRECT, 0}; }
static void indirect_outside(struct descriptor *d, struct ring *r) { (void)r; d[1] = (struct descriptor){guest_ram_end, 64, DESCRIPTOR_INDIRECT, 0}; }
static void indirect_huge(struct descriptor *d, struct ring *r) { (void)r; d[1] = (struct descriptor){0, 0x1000000, DESCRIPTOR_INDIRECT, 0}; }
static void indirect_and_next(struct descriptor *d, struct ring *r) { (void)r; d[1] = (struct descriptor){(uintptr_t)inner, 64, DESCRIPTOR_INDIRECT | DESCRIPTOR_NEXT, 2}; }
static void indirect_in_indirect(struct descriptor *d, struct ring *r)
{
    (void)r;
    inner[0] = (struct descriptor){(uintptr_t)inner, 64, DESCRIPTOR_INDIRECT, 0};
    d[1] = (struct descriptor){(uintptr_t)inner, 64, DESCRIPTOR_INDIRECT, 0};
}
static void indirect_loop(struct descriptor *d, struct ring *r)
{
    (void)r;
    inner[0] = (struct descriptor){(uintptr_t)page, 16, DESCRIPTOR_NEXT, 1};
    inner[1] = (struct descriptor){(uintptr_t)page, 16, DESCRIPTOR_NEXT, 0};
    d[1] = (struct descriptor){(uintptr_t)inner, 64, DESCRIPTOR_INDIRECT, 0};
}
static void head_outside(struct descriptor *d, struct ring *r) { (void)d; r->available.entries[0] = 0xffff; }
static void index_jumps(struct descriptor *d, struct ring *r) { (void)d; r->available.index = 0x8000; }
static void index_falls(struct descriptor *d, struct ring *r) { (void)d; r->available.index = 0xffff; }
static void no_status(struct descriptor *d, struct ring *r) { (void)r; d[0].flags = 0; }
/* These break no rule of the ring: what the device writes lands in the driver's own structures. */
static void onto_descriptors(struct descriptor *d, struct ring *r) { (void)r; d[1].address = (uintptr_t)d & ~0xfffull; }
static void onto_rings(struct descriptor *d, struct ring *r) { d[1].address = (uintptr_t)&r->available; d[1].bytes = 512; }
static void onto_itself(struct descriptor *d, struct ring *r) { (void)r; d[1].address = (uintptr_t)&header & ~15ull; d[1].bytes = 512; d[0].address = d[1].address; }
static void onto_code(struct descriptor *d, struct ring *r) { (void)r; d[1].bytes = 0; }

static const struct {
    const char *name;
    spoil *spoil;
    bool refused; /* the device must need a reset afterwards, whatever it is */
} ways[] = {
    {"loop of one", loop_of_one, true}, {"loop of two", loop_of_two, true}, {"loop at the end", loop_at_the_end, true},
    {"next outside", next_outside, true}, {"next far outside", next_far_outside, true}, {"behind RAM", behind_ram, true},
    {"across the end of RAM", across_the_end, true}, {"last address", the_last_address, true}, {"at the APIC", at_the_apic, true},
    {"at its own registers", at_its_own_registers, true}, {"endless", endless, true}, {"all RAM, often", whole_ram_often, true},
    {"readable after writable", read_after_write, true}, {"indirect, empty", indirect_empty, true}, {"indirect, odd", indirect_odd, true},
    {"indirect, outside", indirect_outside, true}, {"indirect, huge", indirect_huge, true},
    {"indirect and next", indirect_and_next, true}, {"indirect in indirect", indirect_in_indirect, true},
    {"indirect loop", indirect_loop, true}, {"head outside", head_outside, true}, {"index jumps", index_jumps, true},
    {"index falls", index_falls, true}, {"no status", no_status, false}, {"onto the descriptors", onto_descriptors, false},
    {"onto the rings", onto_rings, false}, {"onto its own header", onto_itself, false}, {"nothing at all", onto_code, false},
};

static void good_request(struct virtio_guest *v, unsigned type, unsigned queue)
{
    struct descriptor *d = v->rings[queue]->descriptors;

    (void)type;
    header.type = 0; /* a read, for a disk */
    header.sector = 0;
    status = 0xee;
    d[0] = (struct descriptor){(uintptr_t)&header, 16, DESCRIPTOR_NEXT, 1};
    d[1] = (struct descriptor){(uintptr_t)page, 4096, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE, 2};
    d[2] = (struct descriptor){(uintptr_t)&status, 1, DESCRIPTOR_WRITE, 0};
}

/* The device still works: a good request is answered. */
static void still_works(struct virtio_guest *v, unsigned type, unsigned queue, const char *after)
{
    if (virtio_start(v, rings, type == VIRTIO_NET || type == VIRTIO_CONSOLE ? 2 : 1, ~0ull & ~(1ull << 29), 0) != VIRTIO_STATUS_OK)
        guest_fail("device type %u does not start after '%s'", type, after);
    good_request(v, type, queue);
    virtio_offer(v, queue, 0);
    if (virtio_take(v, queue) < 0)
        guest_fail("device type %u answers no more after '%s'", type, after);
    if (type == VIRTIO_BLOCK && status != 0)
        guest_fail("the disk fails a read after '%s'", after);
}

static void torment(unsigned type, unsigned queue)
{
    struct virtio_guest v;

    if (!virtio_find(&v, type, 0))
        return;
    for (unsigned i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        still_works(&v, type, queue, i ? ways[i - 1].name : "the start");
        virtio_start(&v, rings, type == VIRTIO_NET || type == VIRTIO_CONSOLE ? 2 : 1, ~0ull & ~(1ull << 29), 0);
        good_request(&v, type, queue);
        rings[queue].available.entries[0] = 0;
        rings[queue].available.index = 1;
        ways[i].spoil(rings[queue].descriptors, &rings[queue]);
        *(volatile uint16_t *)(volatile void *)(v.notify + v.notify_stride * queue) = 0;
        if (ways[i].refused && !(virtio_status(&v) & VIRTIO_NEEDS_RESET))
            guest_fail("device type %u accepts '%s'", type, ways[i].name);
        if (ways[i].refused && rings[queue].used.index)
            guest_fail("device type %u answers '%s'", type, ways[i].name);
    }
    print("virtio-hostile: device type %u, %u ways\n", type, (unsigned)(sizeof ways / sizeof ways[0]));
}

/* Registers of the transport at random, configuration space with its window included. */
static void hit_registers(unsigned type, uint64_t *random)
{
    struct virtio_guest v;

    if (!virtio_find(&v, type, 0))
        return;
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t r = random_next(random);
        volatile uint8_t *at = v.common + (r & 1 ? r >> 8 & 0x3f : r >> 8 & 0x7fff);

        switch (r >> 32 & 7) {
        case 0: *at = (uint8_t)(r >> 40); break;
        case 1: *(volatile uint16_t *)(volatile void *)at = (uint16_t)(r >> 40); break;
        case 2: *(volatile uint32_t *)(volatile void *)at = (uint32_t)random_next(random); break;
        case 3: (void)*(volatile uint64_t *)(volatile void *)at; break;
        case 4: *(volatile uint32_t *)(volatile void *)((uintptr_t)at & ~3ull) = (uint32_t)(r >> 40 & 0xff); break;
        case 5: pci_config_write(v.slot, 0x40 + (r >> 40 & 0xbc), (uint32_t)random_next(random)); break;
        case 6: (void)pci_config_read(v.slot, r >> 40 & 0xfc); break;
        default: (void)*at;
        }
        if (i % 100 == 0) { /* back to where things can happen */
            pci_config_write(v.slot, 0x10, (uint32_t)(uintptr_t)v.common);
            pci_config_write(v.slot, 0x04, 6);
        }
    }
    pci_config_write(v.slot, 0x10, (uint32_t)(uintptr_t)v.common);
    pci_config_write(v.slot, 0x04, 6);
}

void guest_main(void)
{
    static const struct { unsigned type, queue; } targets[] = {{VIRTIO_ENTROPY, 0}, {VIRTIO_BLOCK, 0}, {VIRTIO_CONSOLE, 1}, {VIRTIO_NET, 1}};
    uint64_t random = 7;

    guest_option("seed", &random);
    for (unsigned i = 0; i < sizeof targets / sizeof targets[0]; i++)
        torment(targets[i].type, targets[i].queue);
    for (unsigned i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        struct virtio_guest v;

        hit_registers(targets[i].type, &random);
        if (virtio_find(&v, targets[i].type, 0))
            still_works(&v, targets[i].type, targets[i].queue, "random register writes");
    }
    print("virtio-hostile: done\n");
}
