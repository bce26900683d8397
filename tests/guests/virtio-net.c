/* Frames through a switch. One role per guest: `ping` sends 500 frames to `echo` and compares what comes back; `listen` is in another VLAN and
 * must hear nothing; `spoof` sends as somebody else and with tags, which nobody may hear. Addresses are 02:00:00:00:00:NN, NN of the
 * other end in peer=NN. */
#include "virtio.h"

#define FRAMES 500u
#define VECTOR 0x52
#define TIMER 0xf0
#define BUFFERS 16u
#define HEADER 12u
#define TYPE_DATA 0x88b5 /* IEEE 802, local experiment 1 */
#define TYPE_END 0x88b6  /* and 2 */
#define MARK 0x57
#define MARK_FALSE 0x5f

struct frame {
    uint8_t header[HEADER];
    uint8_t to[6], from[6], type[2], body[1504];
} __attribute__((packed, aligned(16)));

static struct ring rings[2];
static struct frame in[BUFFERS], out;
static struct virtio_guest net;
static uint64_t deadline;

static void give(uint16_t i)
{
    rings[0].descriptors[i] = (struct descriptor){(uintptr_t)&in[i], sizeof in[i], DESCRIPTOR_WRITE, 0};
    virtio_offer(&net, 0, i);
}

/* The next frame's buffer, or -1 after the deadline. */
static int receive(uint32_t *bytes)
{
    while (rdtsc() < deadline) {
        if (__atomic_load_n(&rings[0].used.index, __ATOMIC_SEQ_CST) != net.seen[0]) {
            unsigned at = net.seen[0]++ % VIRTIO_RING;

            *bytes = rings[0].used.entries[at].bytes - HEADER;
            return (int)rings[0].used.entries[at].head;
        }
        timer_one_shot(TIMER, 100000000);
        interrupts_off();
        if (__atomic_load_n(&rings[0].used.index, __ATOMIC_SEQ_CST) == net.seen[0])
            __asm__ volatile("sti; hlt" : : : "memory");
        interrupts_on();
    }
    return -1;
}

static void transmit(uint32_t bytes)
{
    struct buffer b = {&out, HEADER + bytes};

    if (virtio_request(&net, 1, &b, 1, 0) < 0)
        guest_fail("the device does not give a frame back");
}

static void address(uint8_t to[6], uint8_t last)
{
    memset(to, last == 0xff ? 0xff : 0, 6);
    to[0] = last == 0xff ? 0xff : 2;
    to[5] = last;
}

static void prepare(uint8_t to, uint16_t type, uint8_t mark, uint32_t number)
{
    memset(&out, 0, sizeof out);
    address(out.to, to);
    for (unsigned i = 0; i < 6; i++)
        out.from[i] = net.config[i];
    out.type[0] = (uint8_t)(type >> 8);
    out.type[1] = (uint8_t)type;
    out.body[0] = mark;
    for (unsigned i = 1; i < 1500; i++)
        out.body[i] = (uint8_t)(number * 31 + i);
}

static void ping(uint8_t peer)
{
    uint32_t bytes;

    for (uint32_t n = 0; n < FRAMES; n++) {
        uint32_t length = 14 + 2 + n * 7 % 1498;
        int i;

        prepare(n % 50 ? peer : 0xff, TYPE_DATA, MARK, n);
        transmit(length);
        i = receive(&bytes);
        if (i < 0)
            guest_fail("frame %u did not come back", n);
        if (bytes != length || in[i].from[5] != peer || in[i].to[5] != net.config[5])
            guest_fail("frame %u came back with %u bytes from %x", n, bytes, in[i].from[5]);
        for (uint32_t k = 0; k < length - 14; k++)
            if (in[i].body[k] != out.body[k])
                guest_fail("frame %u came back changed at byte %u", n, k);
        give((uint16_t)i);
    }
    prepare(peer, TYPE_END, MARK, 0);
    transmit(60);
    print("virtio-net: %u frames there and back\n", FRAMES);
}

static void echo(void)
{
    uint32_t bytes, count = 0;

    for (;;) {
        int i = receive(&bytes);

        if (i < 0)
            guest_fail("no end after %u frames", count);
        if (in[i].body[0] != MARK)
            guest_fail("a frame that nobody may send: mark 0x%x", in[i].body[0]);
        if (in[i].type[1] == (TYPE_END & 0xff))
            break;
        memcpy(&out, &in[i], HEADER + bytes);
        memset(out.header, 0, HEADER);
        memcpy(out.to, in[i].from, 6);
        for (unsigned k = 0; k < 6; k++)
            out.from[k] = net.config[k];
        give((uint16_t)i);
        transmit(bytes);
        count++;
    }
    print("virtio-net: %u frames echoed\n", count);
}

static void listen(void)
{
    uint32_t bytes;

    if (receive(&bytes) >= 0)
        guest_fail("a frame of another VLAN: %u bytes", bytes);
}

static void spoof(uint8_t peer)
{
    for (unsigned i = 0; i < 500; i++) {
        prepare(0xff, i % 2 ? 0x8100 : TYPE_DATA, MARK_FALSE, i);
        if (i % 2 == 0)
            address(out.from, peer);
        transmit(60 + i);
    }
}

void guest_main(void)
{
    uint64_t peer = 0, seconds = 60;

    apic_init();
    guest_option("peer", &peer);
    guest_option("seconds", &seconds);
    deadline = rdtsc() + seconds * tsc_hz();
    if (!virtio_find(&net, VIRTIO_NET, 0) || virtio_start(&net, rings, 2, ~0ull & ~(1ull << 29), VECTOR) != VIRTIO_STATUS_OK)
        guest_fail("no network device that starts");
    for (uint16_t i = 0; i < BUFFERS; i++)
        give(i);
    if (guest_option("ping", NULL))
        ping((uint8_t)peer);
    else if (guest_option("echo", NULL))
        echo();
    else if (guest_option("spoof", NULL))
        spoof((uint8_t)peer);
    else
        listen();
}
