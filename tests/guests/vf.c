/* A virtual function of the 82576 driven by hand: its mailbox, both rings, its messages, and its reset.
 *
 * Claims: the PF says the same address in each life; what is asked for beyond it is refused; frames go out and answers come in by DMA and
 * MSI-X; a function level reset leaves nothing on. attack: it is made to reach for memory that is not the guest's, by buffers and by rings; then, for
 * storm=SECONDS, without a pause; `messages`: at interrupt addresses as well. Nothing of that may arrive, which the case looks at, and it works
 * afterwards. Options: arp=N round trips to QEMU's own network (10.0.2.2), of which lost=M may be; flr=N resets; life: a word from the console decides
 * between a further life (again), the VMM's crash and the end. */
#include "virtio.h"

#define SLOT 16
#define VF_ID 0x10ca8086u
#define BAR0 0x10
#define BAR3 0x1c
#define COMMAND_MEMORY_MASTER 6u
/* The VF's registers: 82576 datasheet, 8.2.1 and 9.7 */
#define CTRL 0x0
#define CTRL_RESET (1u << 26)
#define VMBMEM 0x800
#define V2PMAILBOX 0xc40
#define V2P_REQUEST 1u
#define V2P_ACKNOWLEDGE 2u
#define V2P_VF_USES 4u
#define PF_SAYS_CONTROL 0x100u
#define V2P_MESSAGE 0x10u
#define EIMS 0x1524
#define EIAC 0x152c
#define IVAR0 0x1700
#define RX 0x2800
#define TX 0x3800
#define RING_LOW 0x0
#define RING_HIGH 0x4
#define RING_LENGTH 0x8
#define RING_SPLIT 0xc
#define RING_TAIL 0x18
#define RING_CONTROL 0x28
#define QUEUE_ENABLE (1u << 25)
#define ONE_BUFFER (1u << 25 | 2) /* SRRCTL: advanced descriptors, 2 KiB buffers */
#define DESCRIPTORS 16u
#define ACK 0x80000000u
#define NACK 0x40000000u
#define VECTOR 0x51

struct pair { uint64_t address, more; };
static volatile struct pair rx[DESCRIPTORS] __attribute__((aligned(128))), tx[DESCRIPTORS] __attribute__((aligned(128)));
static uint8_t buffers[DESCRIPTORS][2048] __attribute__((aligned(2048))), frame[64] __attribute__((aligned(64)));
static unsigned rx_next, tx_next;
static volatile uint8_t *bar0, *bar3;
static uint8_t mac[6];

static uint32_t read32(unsigned offset) { return *(volatile uint32_t *)(bar0 + offset); }
static void write32(unsigned offset, uint32_t value) { *(volatile uint32_t *)(bar0 + offset) = value; }

static unsigned capability(unsigned id)
{
    unsigned at = pci_config_read(SLOT, 0x34) & 0xfc;
    while (at && (pci_config_read(SLOT, at) & 0xff) != id)
        at = pci_config_read(SLOT, at) >> 8 & 0xfc;
    return at;
}

static void function_open(void)
{
    if (pci_config_read(SLOT, 0) != VF_ID)
        guest_fail("slot %u holds 0x%x, no VF", SLOT, pci_config_read(SLOT, 0));
    if (pci_config_read(SLOT, 0x3c) >> 8 & 0xff)
        guest_fail("it has an interrupt pin");
    pci_config_write(SLOT, 4, COMMAND_MEMORY_MASTER);
    bar0 = (volatile uint8_t *)(uintptr_t)(pci_config_read(SLOT, BAR0) & ~0xfu);
    bar3 = (volatile uint8_t *)(uintptr_t)(pci_config_read(SLOT, BAR3) & ~0xfu);
}

/* A message and the first three words of its answer. */
static uint32_t ask(uint32_t w0, uint32_t w1, uint32_t w2, uint32_t answer[3])
{
    uint64_t begin = rdtsc(), hz = tsc_hz();
    do {
        if (rdtsc() - begin > 5 * hz)
            guest_fail("the mailbox stays taken");
        write32(V2PMAILBOX, V2P_VF_USES);
    } while (!(read32(V2PMAILBOX) & V2P_VF_USES));
    write32(VMBMEM, w0);
    write32(VMBMEM + 4, w1);
    write32(VMBMEM + 8, w2);
    write32(V2PMAILBOX, V2P_REQUEST);
    do {
        while (!(read32(V2PMAILBOX) & V2P_MESSAGE))
            if (rdtsc() - begin > 5 * hz)
                guest_fail("no answer to message 0x%x", w0);
        for (unsigned i = 0; i < 3; i++)
            answer[i] = read32(VMBMEM + 4 * i);
        write32(V2PMAILBOX, V2P_ACKNOWLEDGE);
    } while ((answer[0] & 0xffff) == PF_SAYS_CONTROL); /* the link changed */
    return answer[0];
}

static void driver_start(void)
{
    uint32_t answer[3];
    write32(CTRL, CTRL_RESET);
    if (ask(1, 0, 0, answer) != (1 | ACK))
        guest_fail("reset is answered by 0x%x", answer[0]);
    memcpy(mac, &answer[1], 6);
}

/* What is not the guest's to choose. */
static void refused(void)
{
    uint32_t answer[3];
    if (!(ask(2, 0x00000002, 0x9999, answer) & NACK))
        guest_fail("an address of its own is granted: 0x%x", answer[0]);
    if (!(ask(4 | 1 << 16, 7, 0, answer) & NACK))
        guest_fail("a VLAN of its own is granted: 0x%x", answer[0]);
    if (!(ask(6, ~0u, 0, answer) & NACK))
        guest_fail("promiscuous mode is granted: 0x%x", answer[0]);
    driver_start(); /* and nothing came of it */
}

static void message_open(void)
{
    volatile uint32_t *entry = (volatile uint32_t *)(bar3 + 16); /* vector 1 */
    unsigned msix = capability(0x11);
    if (!msix || (pci_config_read(SLOT, msix) >> 16 & 0x7ff) != 2 || (pci_config_read(SLOT, msix + 4) & 7) != 3)
        guest_fail("no MSI-X capability with three vectors in BAR 3");
    entry[0] = 0xfee00000;
    entry[1] = 0;
    entry[2] = VECTOR;
    entry[3] = 0;
    pci_config_write(SLOT, msix, pci_config_read(SLOT, msix) | 0x80000000u);
}

static void rings_start(void)
{
    for (unsigned i = 0; i < DESCRIPTORS; i++)
        rx[i] = (struct pair){(uintptr_t)buffers[i], 0};
    rx_next = tx_next = 0;
    write32(RX + RING_LOW, (uint32_t)(uintptr_t)rx);
    write32(RX + RING_HIGH, 0);
    write32(RX + RING_LENGTH, sizeof rx);
    write32(RX + RING_SPLIT, ONE_BUFFER);
    write32(TX + RING_LOW, (uint32_t)(uintptr_t)tx);
    write32(TX + RING_HIGH, 0);
    write32(TX + RING_LENGTH, sizeof tx);
    write32(RX + 0x10, 0);
    write32(TX + 0x10, 0);
    write32(RX + RING_TAIL, 0);
    write32(TX + RING_TAIL, 0);
    write32(RX + RING_CONTROL, QUEUE_ENABLE);
    write32(TX + RING_CONTROL, QUEUE_ENABLE);
    write32(RX + RING_TAIL, DESCRIPTORS - 1);
    write32(IVAR0, 0x81); /* received frames: vector 1 */
    write32(EIAC, 7);
    write32(EIMS, 2);
}

static void transmit(unsigned bytes)
{
    volatile struct pair *d = &tx[tx_next];
    d->address = (uintptr_t)frame;
    d->more = bytes | 3u << 20 | 1u << 24 | 1u << 25 | 1u << 27 | 1u << 29 | (uint64_t)bytes << 46;
    tx_next = (tx_next + 1) % DESCRIPTORS;
    write32(TX + RING_TAIL, tx_next);
    for (uint64_t begin = rdtsc(); !(d->more >> 32 & 1);) /* done: written back by DMA */
        if (rdtsc() - begin > 5 * tsc_hz())
            guest_fail("a frame was not sent");
}

/* The next received frame, waiting at most `ms`; its length, or 0. */
static unsigned receive(const uint8_t **bytes, unsigned ms)
{
    volatile struct pair *d = &rx[rx_next];
    for (uint64_t begin = rdtsc(); !(d->more & 1);)
        if (rdtsc() - begin > ms * (tsc_hz() / 1000))
            return 0;
    unsigned length = d->more >> 32 & 0xffff;
    *bytes = buffers[rx_next];
    return length;
}

static void receive_next(void)
{
    rx[rx_next] = (struct pair){(uintptr_t)buffers[rx_next], 0};
    write32(RX + RING_TAIL, rx_next);
    rx_next = (rx_next + 1) % DESCRIPTORS;
}

/* Who has 10.0.2.2? */
static void question(void)
{
    static const uint8_t rest[] = {8, 6, 0, 1, 8, 0, 6, 4, 0, 1};
    memset(frame, 0, sizeof frame);
    memset(frame, 0xff, 6);
    memcpy(frame + 6, mac, 6);
    memcpy(frame + 12, rest, sizeof rest);
    memcpy(frame + 22, mac, 6);
    memcpy(frame + 28, (const uint8_t[]){10, 0, 2, 15}, 4);
    memcpy(frame + 38, (const uint8_t[]){10, 0, 2, 2}, 4);
}

/* One question, its answer. */
static bool arp(void)
{
    const uint8_t *got;
    question();
    transmit(60);
    while (receive(&got, 2000)) {
        bool answer = got[12] == 8 && got[13] == 6 && got[21] == 2 && got[31] == 2 && got[28] == 10;
        for (unsigned i = 0; i < 6; i++)
            answer = answer && got[i] == mac[i];
        receive_next();
        if (answer)
            return true;
    }
    return false;
}

static void traffic(uint64_t rounds)
{
    uint64_t lost = 0, allowed = 0, before = irq_count[VECTOR], begin;
    for (begin = rdtsc(); rdtsc() - begin < 5 * tsc_hz() && !arp();) /* the link comes up half a second after the PF driver */
        ;
    begin = rdtsc();
    for (uint64_t i = 0; i < rounds; i++)
        lost += !arp();
    print("vf: %lu round trips, %lu lost, %lu ms\n", rounds, lost, (rdtsc() - begin) / (tsc_hz() / 1000));
    guest_option("lost", &allowed);
    if (lost > allowed)
        guest_fail("%lu of %lu were lost", lost, rounds);
    if (rounds && irq_count[VECTOR] == before)
        guest_fail("no message came");
}

static void function_resets(uint64_t rounds)
{
    uint8_t first[6];
    unsigned express = capability(0x10);
    memcpy(first, mac, 6);
    if (!express || !(pci_config_read(SLOT, express + 4) >> 28 & 1))
        guest_fail("it offers no function level reset");
    uint64_t begin = rdtsc();
    for (uint64_t i = 0; i < rounds; i++) {
        pci_config_write(SLOT, express + 8, 0x8000);
        if (pci_config_read(SLOT, 4) & COMMAND_MEMORY_MASTER || pci_config_read(SLOT, express + 8) & 0x8000)
            guest_fail("round %lu: the reset left command 0x%x", i, pci_config_read(SLOT, 4));
        pci_config_write(SLOT, 4, COMMAND_MEMORY_MASTER);
        if ((read32(RX + RING_CONTROL) | read32(TX + RING_CONTROL)) & QUEUE_ENABLE)
            guest_fail("round %lu: a queue is still on", i);
        driver_start();
        for (unsigned k = 0; k < 6; k++)
            if (mac[k] != first[k])
                guest_fail("round %lu: another address", i);
    }
    print("vf: %lu function level resets, %lu ms\n", rounds, (rdtsc() - begin) / (tsc_hz() / 1000));
}

/* The answer to a question goes to `address`, and a frame is taken from there. What the device says of it does not matter. */
static void reach_for(uint64_t address)
{
    const uint8_t *got;

    rings_start();
    for (unsigned i = 0; i < DESCRIPTORS; i++)
        rx[i] = (struct pair){address + (i % 2 ? 2048 : 0), 0};
    question();
    transmit(60);
    receive(&got, 3);
    tx[tx_next] = (struct pair){address, 60 | 3u << 20 | 1u << 24 | 1u << 25 | 1u << 27 | 1u << 29 | 60ull << 46};
    tx_next = (tx_next + 1) % DESCRIPTORS;
    write32(TX + RING_TAIL, tx_next);
}

/* The ring itself lies there: descriptors are read, and written back. */
static void ring_at(uint64_t address)
{
    const uint8_t *got;

    rings_start();
    write32(RX + RING_CONTROL, 0);
    write32(RX + RING_LOW, (uint32_t)address);
    write32(RX + RING_HIGH, (uint32_t)(address >> 32));
    write32(RX + RING_TAIL, 0);
    write32(RX + RING_CONTROL, QUEUE_ENABLE);
    write32(RX + RING_TAIL, DESCRIPTORS - 1);
    question();
    transmit(60);
    receive(&got, 3);
}

static void attack(uint64_t storm)
{
    static const struct { uint64_t first, end, step; } ranges[] = {
        {0, 0, 1},                             /* from the end of RAM on: the IOMMU's tables, kernels */
        {8ull << 20, 2048ull << 20, 2ull << 20}, /* all RAM of the server */
        {0x80000000, 0x100000000, 32ull << 20},  /* registers of devices, configuration space */
        {0xfed80000, 0xfed94000, 0x1000},        /* those of IOMMUs */
        {0xfee00000, 0xfef00000, 0x1000},        /* interrupts: the frame's first bytes, its own address, are a vector */
        {1ull << 32, 1ull << 39, 13ull << 30},   /* beyond all */
    };
    uint64_t places = 0, hits;

    while (!arp())
        ;
    for (unsigned i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        if (ranges[i].first == 0xfee00000 && !guest_option("messages", NULL))
            continue;
        uint64_t first = i ? ranges[i].first : guest_ram_end, end = i ? ranges[i].end : 8ull << 20, step = i ? ranges[i].step : 0x8000;

        for (uint64_t at = first; at < end; at += step, places++) {
            reach_for(at);
            if (places % 8 == 0)
                ring_at(at);
        }
    }
    print("vf: attacked %lu places\n", places);
    rings_start();
    for (uint64_t begin = rdtsc(); rdtsc() - begin < storm * tsc_hz();) {
        tx[tx_next] = (struct pair){2040ull << 20, 60 | 3u << 20 | 1u << 24 | 1u << 25 | 1u << 27 | 1u << 29 | 60ull << 46};
        tx_next = (tx_next + 1) % DESCRIPTORS;
        write32(TX + RING_TAIL, tx_next);
    }
    driver_start();
    rings_start();
    for (hits = 0; hits < 100 && !arp(); hits++)
        ;
    if (hits == 100)
        guest_fail("it does not work any more");
    print("vf: works after the attack\n");
}

/* A word from the console: live once more, crash the VMM, or end. */
static char word_of_console(void)
{
    char word[16] = {0};
    print("vf: alive\nguest# ");
    for (unsigned n = 0; n < sizeof word - 1; n++) {
        while (!(in8(PORT_COM1 + 5) & 1))
            ;
        word[n] = (char)in8(PORT_COM1);
        if (word[n] == '\n' || word[n] == '\r')
            break;
    }
    print("\n");
    return word[0];
}

void guest_main(void)
{
    uint64_t rounds = 0;
    apic_init();
    __asm__ volatile("sti");
    function_open();
    driver_start();
    print("vf: address %02x:%02x:%02x:%02x:%02x:%02x\n", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
    refused();
    if (guest_option("flr", &rounds))
        function_resets(rounds);
    if (guest_option("arp", &rounds)) {
        message_open();
        rings_start();
        traffic(rounds);
    }
    if (guest_option("attack", NULL)) {
        rounds = 0;
        guest_option("storm", &rounds);
        rings_start();
        attack(rounds);
    }
    char word = guest_option("life", &rounds) ? word_of_console() : 'e';
    if (word == 'c')
        out8(PORT_HOOK, 1);
    if (word != 'a')
        return;
    out8(0xcf9, 6);
    for (uint64_t begin = rdtsc(); rdtsc() - begin < tsc_hz();)
        ;
    guest_fail("the reset did not come");
}
