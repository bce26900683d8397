/* A virtio disk: what is written is read back, beyond its end is an error, a read-only one takes no write. Options: `read-only`,
 * `rounds=N` (random places written and read back; 500). */
#include "virtio.h"

#define FEATURE_READ_ONLY (1ull << 5)
#define SECTOR 512u
#define VECTOR 0x51

static struct ring ring;
static uint8_t data[128 * 1024] __attribute__((aligned(4096))), back[128 * 1024] __attribute__((aligned(4096)));

static void fill(uint64_t seed)
{
    for (unsigned i = 0; i < sizeof data / 8; i++)
        ((uint64_t *)(void *)data)[i] = random_next(&seed);
}

static void expect(int got, int wanted, const char *what)
{
    if (got != wanted)
        guest_fail("%s: status %d, not %d", what, got, wanted);
}

static void compare(uint32_t bytes, const char *what)
{
    for (uint32_t i = 0; i < bytes; i++)
        if (data[i] != back[i])
            guest_fail("%s: byte %u is 0x%x, not 0x%x", what, i, back[i], data[i]);
}

void guest_main(void)
{
    struct virtio_guest v;
    uint64_t capacity, random = 42, rounds = 500;
    bool read_only = guest_option("read-only", NULL);

    apic_init();
    if (!virtio_find(&v, VIRTIO_BLOCK, 0))
        guest_fail("no virtio disk");
    if (virtio_start(&v, &ring, 1, ~0ull & ~(1ull << 29), VECTOR) != VIRTIO_STATUS_OK)
        guest_fail("the disk does not start: status 0x%x", virtio_status(&v));
    capacity = *(volatile uint64_t *)(volatile void *)v.config;
    print("virtio-block: %lu sectors\n", capacity);
    guest_option("rounds", &rounds);
    interrupts_on();
    fill(1);
    if (read_only) {
        expect(block_request(&v, BLOCK_READ, 0, back, SECTOR), 0, "read of a read-only disk");
        expect(block_request(&v, BLOCK_WRITE, 0, data, SECTOR), 1, "write to a read-only disk");
        for (unsigned i = 0; i < SECTOR; i++)
            data[i] = back[i];
        expect(block_request(&v, BLOCK_READ, 0, back, SECTOR), 0, "read after it");
        compare(SECTOR, "the first sector after a refused write");
        guest_exit(0);
    }
    expect(block_request(&v, BLOCK_WRITE, 0, data, sizeof data), 0, "write of 128 KiB");
    expect(block_request(&v, BLOCK_FLUSH, 0, NULL, 0), 0, "flush");
    expect(block_request(&v, BLOCK_READ, 0, back, sizeof back), 0, "read of 128 KiB");
    compare(sizeof back, "128 KiB");
    for (uint64_t i = 0; i < rounds; i++) {
        uint32_t bytes = SECTOR * (1 + (uint32_t)(random_next(&random) % 200));
        uint64_t sector = random_next(&random) % (capacity - bytes / SECTOR + 1);

        fill(random_next(&random));
        expect(block_request(&v, BLOCK_WRITE, sector, data, bytes), 0, "random write");
        memset(back, 0, bytes);
        expect(block_request(&v, BLOCK_READ, sector, back, bytes), 0, "random read");
        compare(bytes, "random place");
    }
    expect(block_request(&v, BLOCK_READ, capacity - 1, back, SECTOR), 0, "read of the last sector");
    expect(block_request(&v, BLOCK_READ, capacity, back, SECTOR), 1, "read behind the end");
    expect(block_request(&v, BLOCK_READ, capacity - 1, back, 2 * SECTOR), 1, "read across the end");
    expect(block_request(&v, BLOCK_READ, ~0ull, back, SECTOR), 1, "read at the last number");
    expect(block_request(&v, BLOCK_WRITE, ~0ull - 1, back, 2 * SECTOR), 1, "write at the last number");
    expect(block_request(&v, BLOCK_READ, 0, back, SECTOR - 1), 1, "read of no whole sector");
    expect(block_request(&v, 77, 0, back, SECTOR), 2, "unknown request");
    if (irq_count[VECTOR] < 2 * rounds)
        guest_fail("%lu interrupts only", irq_count[VECTOR]);
    print("virtio-block: done, %lu interrupts\n", irq_count[VECTOR]);
}
