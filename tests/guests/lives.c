/* A guest with many lives: in each it drives what devices it has, then takes a word from its console: `ring` (then it goes on) and `spoil` (what its hostile VMM then
 * does: tests/system/hostile_vmm.c), `crash`, or `end`. Disks: sectors written and read back. Two ports of one switch: frames from one to the other. */
#include "virtio.h"

#define SECTOR 512u
#define HEADER 12u
#define FRAME 600u
#define ROUNDS 50u

static struct ring disk_ring, rings[2][2];
static uint8_t data[4 * SECTOR] __attribute__((aligned(4096))), back[4 * SECTOR] __attribute__((aligned(4096)));
static uint8_t in[HEADER + 1514] __attribute__((aligned(16))), out[HEADER + 1514] __attribute__((aligned(16)));

static void fill(uint8_t *at, unsigned bytes, uint64_t seed)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)random_next(&seed);
}

static bool same(const uint8_t *a, const uint8_t *b, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

static void disk(unsigned n)
{
    struct virtio_guest v;
    uint64_t random = rdtsc() | 1;

    if (!virtio_find(&v, VIRTIO_BLOCK, n))
        return;
    if (virtio_start(&v, &disk_ring, 1, ~0ull & ~(1ull << 29), 0) != VIRTIO_STATUS_OK)
        guest_fail("disk %u does not start", n);
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t sector = random_next(&random) % (*(volatile uint64_t *)(volatile void *)v.config - 4);

        fill(data, sizeof data, random_next(&random) | 1);
        if (block_request(&v, BLOCK_WRITE, sector, data, sizeof data) || block_request(&v, BLOCK_READ, sector, back, sizeof back))
            guest_fail("disk %u: round %u fails", n, i);
        if (!same(data, back, sizeof data))
            guest_fail("disk %u: round %u reads something else", n, i);
    }
    print("lives: disk %u works\n", n);
}

/* Frames are lost when the switch has not seen yet that the port begins anew: each is sent until it comes, a hundred times at most. */
static bool arrives(struct virtio_guest *from, struct virtio_guest *to)
{
    struct buffer b = {out, HEADER + FRAME};

    rings[to == from + 1][0].descriptors[0] = (struct descriptor){(uintptr_t)in, sizeof in, DESCRIPTOR_WRITE, 0};
    virtio_offer(to, 0, 0);
    for (unsigned i = 0; i < 100; i++) {
        if (virtio_request(from, 1, &b, 1, 0) < 0)
            guest_fail("a frame is not given back");
        for (uint64_t begin = rdtsc(); rdtsc() - begin < tsc_hz() / 20;)
            if (__atomic_load_n(&to->rings[0]->used.index, __ATOMIC_SEQ_CST) != to->seen[0])
                return virtio_take(to, 0) == HEADER + FRAME;
    }
    return false;
}

static void ports(void)
{
    struct virtio_guest v[2];

    if (!virtio_find(&v[0], VIRTIO_NET, 0) || !virtio_find(&v[1], VIRTIO_NET, 1))
        return;
    for (unsigned i = 0; i < 2; i++)
        if (virtio_start(&v[i], rings[i], 2, ~0ull & ~(1ull << 29), 0) != VIRTIO_STATUS_OK)
            guest_fail("port %u does not start", i);
    for (unsigned i = 0; i < 2 * ROUNDS; i++) {
        struct virtio_guest *from = &v[i % 2], *to = &v[1 - i % 2];

        memset(out, 0, HEADER);
        fill(out + HEADER, FRAME, rdtsc() | 1);
        memcpy(out + HEADER, (const void *)(uintptr_t)to->config, 6);
        memcpy(out + HEADER + 6, (const void *)(uintptr_t)from->config, 6);
        memcpy(out + HEADER + 12, "\x88\xb5", 2);
        do {
            if (!arrives(from, to))
                guest_fail("frame %u does not arrive", i);
        } while (in[HEADER + 6] == out[HEADER + 6] && !same(in + HEADER, out + HEADER, FRAME) && i > 0); /* an earlier one, sent twice */
    }
    print("lives: ports work\n");
}

static char word_of_console(void)
{
    char first = 0;

    print("lives: alive\nguest# ");
    for (char c = 0; c != '\n' && c != '\r';) {
        while (!(in8(PORT_COM1 + 5) & 1))
            ;
        c = (char)in8(PORT_COM1);
        first = first ? first : c;
    }
    print("\n");
    return first;
}

void guest_main(void)
{
    apic_init();
    disk(0);
    disk(1);
    ports();
    switch (word_of_console()) {
    case 'c': out8(PORT_HOOK, 1); break;
    case 'r': out8(PORT_HOOK, 3); break;
    case 's': out8(PORT_HOOK, 4); break;
    default: break;
    }
}
