/* Figures, as bench-exits: accesses to device registers, and reads of 4 KiB from a virtio disk that interrupts when it is done. */
#include "virtio.h"

#define SAMPLES 64
#define VECTOR 0x51
#define SECTORS_4K 8

static struct ring ring;
static struct virtio_guest disk;
static uint8_t data[4096] __attribute__((aligned(4096)));
static uint64_t samples[SAMPLES];

static uint64_t least(void)
{
    uint64_t value = ~0ull;

    for (unsigned i = 0; i < SAMPLES; i++)
        if (samples[i] < value)
            value = samples[i];
    return value;
}

#define MEASURE(statement) \
    for (unsigned i = 0; i < SAMPLES; i++) { \
        uint64_t begin = rdtsc(); \
        statement; \
        samples[i] = rdtsc() - begin; \
    }

void guest_main(void)
{
    static volatile uint32_t *const ioapic = (volatile uint32_t *)0xfec00000;
    static struct { uint32_t type, reserved; uint64_t sector; } header;
    static volatile uint8_t status;
    struct descriptor *d = ring.descriptors;
    uint64_t empty, before, requests = 1000;

    apic_init();
    if (!virtio_find(&disk, VIRTIO_BLOCK, 0) || virtio_start(&disk, &ring, 1, ~0ull, VECTOR) != VIRTIO_STATUS_OK)
        guest_fail("no disk that starts");
    MEASURE((void)0)
    empty = least();
    MEASURE((void)ioapic[0])
    print("bench exit.mmio.ioapic %lu\n", least() - empty);
    MEASURE((void)disk.common[0x14])
    print("bench exit.mmio %lu\n", least() - empty);
    MEASURE(*(volatile uint16_t *)(volatile void *)disk.notify = 0)
    print("bench exit.mmio.notify %lu\n", least() - empty);
    MEASURE((void)in32(0xcfc))
    print("bench exit.pci %lu\n", least() - empty);

    d[0] = (struct descriptor){(uintptr_t)&header, sizeof header, DESCRIPTOR_NEXT, 1};
    d[1] = (struct descriptor){(uintptr_t)data, sizeof data, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE, 2};
    d[2] = (struct descriptor){(uintptr_t)&status, 1, DESCRIPTOR_WRITE, 0};
    interrupts_on();
    before = irq_count[VECTOR];
    for (uint64_t i = 0; i < requests; i++) { /* one at a time, as a program that waits for each */
        uint64_t count = irq_count[VECTOR], begin = rdtsc();

        header.sector = i * SECTORS_4K % 1024;
        ring.available.used_event = disk.seen[0]++;
        virtio_offer(&disk, 0, 0);
        while (__atomic_load_n(&irq_count[VECTOR], __ATOMIC_SEQ_CST) == count)
            ;
        samples[i % SAMPLES] = irq_tsc - begin;
    }
    /* QEMU 10 delivers an injected interrupt once more when its count of instructions for this turn ends right behind VMRUN (CAVEATS.md). */
    if (irq_count[VECTOR] - before < requests || irq_count[VECTOR] - before > requests + 2 || status)
        guest_fail("%lu interrupts for %lu reads", irq_count[VECTOR] - before, requests);
    print("bench blk.read4k %lu\n", least() - empty);
    print("bench blk.requests %lu\n", requests);
}
