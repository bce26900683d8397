/* A disk that outlives the guest: each life finds what the one before it wrote, which ended in another way each time: by resetting itself, by the
 * end of its VMM (test hook), by power-off with an error. The first sector counts lives. */
#include "virtio.h"

#define SECTOR 512u
#define VECTOR 0x51
#define PATTERN_AT 64u /* sector */
enum { LIFE_FIRST, LIFE_AFTER_RESET, LIFE_AFTER_CRASH, LIFE_AFTER_ERROR };

static struct ring ring;
static uint8_t sector[SECTOR] __attribute__((aligned(512)));
static uint8_t data[64 * 1024] __attribute__((aligned(4096))), back[64 * 1024] __attribute__((aligned(4096)));

static void fill(uint64_t seed)
{
    for (unsigned i = 0; i < sizeof data / 8; i++)
        ((uint64_t *)(void *)data)[i] = random_next(&seed);
}

static void must(int status, const char *what)
{
    if (status != 0)
        guest_fail("%s: status %d", what, status);
}

void guest_main(void)
{
    struct virtio_guest v;

    apic_init();
    if (!virtio_find(&v, VIRTIO_BLOCK, 0) || virtio_start(&v, &ring, 1, ~0ull & ~(1ull << 29), VECTOR) != VIRTIO_STATUS_OK)
        guest_fail("no virtio disk that starts");
    interrupts_on();
    must(block_request(&v, BLOCK_READ, 0, sector, SECTOR), "read of the first sector");
    unsigned life = sector[0];
    if (life) {
        fill(life);
        must(block_request(&v, BLOCK_READ, PATTERN_AT, back, sizeof back), "read of what the former life wrote");
        for (unsigned i = 0; i < sizeof data; i++)
            if (data[i] != back[i])
                guest_fail("life %u: byte %u is 0x%x, not 0x%x", life, i, back[i], data[i]);
    }
    print("disk-lives: %u lives before this one\n", life);
    if (life == LIFE_AFTER_ERROR)
        guest_exit(0);
    fill(++sector[0]);
    must(block_request(&v, BLOCK_WRITE, PATTERN_AT, data, sizeof data), "write");
    must(block_request(&v, BLOCK_WRITE, 0, sector, SECTOR), "write of the first sector");
    must(block_request(&v, BLOCK_FLUSH, 0, NULL, 0), "flush");
    if (life == LIFE_AFTER_CRASH)
        guest_exit(1);
    out8(life == LIFE_FIRST ? 0xcf9 : PORT_HOOK, life == LIFE_FIRST ? 6 : 1);
    for (uint64_t begin = rdtsc(); rdtsc() - begin < tsc_hz();)
        ;
    guest_fail("life %u did not end", life);
}
