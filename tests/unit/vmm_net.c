/* The switch's rules, and the network device in front of it. */
#include "mmio.h"
#include "switch.h"
#include "vmm_fixture.h"

#define PORTS 5u
static struct switch_state state;
static struct queue inward[PORTS], outward[PORTS]; /* the ports' ends: what they send, what they get */
static struct side {
    uint8_t bytes[QUEUE_DATA_SIZE + 2 * QUEUE_PAGE];
} sides[2 * PORTS];

static void queue_both(struct side *s, struct queue *producer, struct queue *consumer)
{
    uint8_t *tail = s->bytes + QUEUE_PAGE + QUEUE_DATA_SIZE;

    memset(s, 0, sizeof *s);
    queue_init_producer(producer, s->bytes, tail, QUEUE_DATA_SIZE);
    queue_init_consumer(consumer, s->bytes, tail, QUEUE_DATA_SIZE);
}

static const uint8_t addresses[PORTS][6] = {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}, {2, 0, 0, 0, 0, 3}, {2, 0, 0, 0, 0, 4}, {2, 0, 0, 0, 0, 5}};
static const uint16_t vlans[PORTS] = {0, 0, 7, 7, 7};

static int set_up(void **unused)
{
    (void)unused;
    memset(&state, 0, sizeof state);
    state.port_count = PORTS;
    for (unsigned p = 0; p < PORTS; p++) {
        memcpy(state.ports[p].address, addresses[p], 6);
        state.ports[p].vlan = vlans[p];
        queue_both(&sides[2 * p], &inward[p], &state.from[p]);
        queue_both(&sides[2 * p + 1], &state.to[p], &outward[p]);
    }
    return 0;
}

static void send(unsigned port, const uint8_t *to, const uint8_t *from, uint16_t type, uint32_t bytes)
{
    uint8_t buffer[ETHER_RECORD_MAX] = {0};
    struct ether_record r = {.bytes = (uint16_t)bytes};

    memcpy(buffer, &r, sizeof r);
    memcpy(buffer + 8, to, 6);
    memcpy(buffer + 14, from, 6);
    buffer[20] = (uint8_t)(type >> 8);
    buffer[21] = (uint8_t)type;
    buffer[8 + bytes - 1] = 0xaa;
    assert_true(queue_put(&inward[port], 0, buffer, ETHER_RECORD(bytes)));
    queue_publish(&inward[port], ETHER_RECORD(bytes));
}

/* Ports that got the frame, as bits; their queues are emptied. */
static unsigned arrives(unsigned from)
{
    unsigned got = 0;
    uint64_t rung[2];

    assert_true(switch_turn(&state, from, rung));
    for (unsigned p = 0; p < PORTS; p++)
        if (queue_used(&outward[p])) {
            got |= 1u << p;
            queue_skip(&outward[p], queue_used(&outward[p]));
        }
    assert_int_equal(rung[0], got);
    return got;
}

static const uint8_t everybody[6] = {255, 255, 255, 255, 255, 255}, group[6] = {1, 0, 0x5e, 0, 0, 1}, stranger[6] = {2, 0, 0, 0, 0, 99};

static void frames_stay_in_their_vlan(void **unused)
{
    (void)unused;
    send(0, addresses[1], addresses[0], 0x800, 60);
    assert_int_equal(arrives(0), 1 << 1);
    send(0, addresses[2], addresses[0], 0x800, 60); /* another VLAN's */
    assert_int_equal(arrives(0), 0);
    send(2, everybody, addresses[2], 0x806, 60);
    assert_int_equal(arrives(2), 1 << 3 | 1 << 4);
    send(0, group, addresses[0], 0x800, ETHER_MAX);
    assert_int_equal(arrives(0), 1 << 1);
    send(3, stranger, addresses[3], 0x800, ETHER_HEADER);
    assert_int_equal(arrives(3), 0);
    send(3, addresses[3], addresses[3], 0x800, 60); /* to itself */
    assert_int_equal(arrives(3), 0);
    assert_true(state.counters[0].nowhere == 1 && state.counters[3].nowhere == 2 && state.counters[0].forwarded == 2);
}

static void false_senders_are_refused(void **unused)
{
    static const uint16_t tags[] = {0x8100, 0x88a8, 0x9100};

    (void)unused;
    send(0, everybody, addresses[1], 0x800, 60);
    assert_int_equal(arrives(0), 0);
    send(0, everybody, stranger, 0x800, 60);
    assert_int_equal(arrives(0), 0);
    assert_int_equal(state.counters[0].spoofed, 2);
    for (unsigned i = 0; i < 3; i++) {
        send(0, everybody, addresses[0], tags[i], 60);
        assert_int_equal(arrives(0), 0);
    }
    assert_int_equal(state.counters[0].tagged, 3);
    send(0, everybody, addresses[0], 0x800, 60);
    assert_int_equal(arrives(0), 1 << 1);
}

static void a_full_receiver_stops_nobody(void **unused)
{
    uint64_t rung[2];

    (void)unused;
    for (unsigned i = 0; i < 200; i++) {
        send(2, everybody, addresses[2], 0x800, 1514);
        assert_true(switch_turn(&state, 2, rung));
        queue_skip(&outward[4], queue_used(&outward[4])); /* port 4 reads, port 3 does not */
        assert_true(rung[0] & 1 << 4);
    }
    assert_true(state.counters[3].full > 100 && queue_space(&state.to[3]) < ETHER_RECORD(1514));
}

static void what_is_no_frame_closes_the_port(void **unused)
{
    static const struct ether_record bad[] = {{.bytes = 0}, {.bytes = 13}, {.bytes = 1519}, {.bytes = 0xffff}, {.bytes = 60}};
    uint64_t rung[2];

    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) { /* the last one: a header whose frame is not there */
        set_up(unused);
        queue_write(&inward[0], &bad[i], sizeof bad[i]);
        assert_true(switch_turn(&state, 0, rung));
        assert_true(state.dead[0]);
        send(0, everybody, addresses[0], 0x800, 60);
        assert_false(switch_turn(&state, 0, rung));
    }
    queue_init_records(&inward[0], sides[0].bytes, sides[0].bytes + QUEUE_PAGE + QUEUE_DATA_SIZE, QUEUE_DATA_SIZE); /* its VMM starts again */
    assert_true(switch_turn(&state, 0, rung));
    assert_false(state.dead[0]);
    send(0, everybody, addresses[0], 0x800, 60);
    assert_int_equal(arrives(0), 1 << 1);
    queue_write(&inward[0], &bad[0], sizeof bad[0]);
    switch_turn(&state, 0, rung);
    assert_true(state.dead[0]);
    send(1, everybody, addresses[1], 0x800, 60); /* the others go on, without it */
    assert_int_equal(arrives(1), 0);
    send(3, everybody, addresses[3], 0x800, 60);
    assert_int_equal(arrives(3), 1 << 2 | 1 << 4);
}

/* -- The device. --------------------------------------------------------------------------------------------------------- */

#define RECEIVE_RING 0x200000ull
#define TRANSMIT_RING 0x210000ull
#define DATA 0x220000ull
static struct backend backend;
static void no_signal(struct backend *b) { (void)b; }

static void put(struct fixture *f, uint64_t at, uint64_t value, unsigned bytes) { memcpy(f->vm.memory.base + at, &value, bytes); }

static int with_device(void **s)
{
    struct fixture *f;
    struct virtio *v;
    uint64_t bar;

    set_up(s);
    fixture_new(s);
    f = *s;
    v = &f->vm.nets[0].virtio;
    backend = (struct backend){.out = inward[0], .in = outward[0], .signal = no_signal};
    virtio_net_add(&f->vm, 0, &f->vm.nets[0], &backend, addresses[0]);
    pci_reset(&f->vm);
    mmio_write(&f->vm, PCI_ECAM + (SLOT_NET << 15) + PCI_COMMAND, 2, PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY);
    bar = pci_bar_address(&v->function, 0);
    mmio_write(&f->vm, bar + 0x14, 1, 3);
    mmio_write(&f->vm, bar + 0x08, 4, 1);
    mmio_write(&f->vm, bar + 0x0c, 4, 1);
    mmio_write(&f->vm, bar + 0x14, 1, 11);
    for (unsigned q = 0; q < 2; q++) {
        uint64_t ring = q ? TRANSMIT_RING : RECEIVE_RING;

        mmio_write(&f->vm, bar + 0x16, 2, q);
        mmio_write(&f->vm, bar + 0x18, 2, 16);
        mmio_write(&f->vm, bar + 0x20, 8, ring);
        mmio_write(&f->vm, bar + 0x28, 8, ring + 0x1000);
        mmio_write(&f->vm, bar + 0x30, 8, ring + 0x2000);
        mmio_write(&f->vm, bar + 0x1c, 2, 1);
    }
    mmio_write(&f->vm, bar + 0x14, 1, 15);
    return 0;
}

static void offer(struct fixture *f, unsigned queue, uint64_t address, uint32_t bytes)
{
    uint64_t ring = queue ? TRANSMIT_RING : RECEIVE_RING;
    uint16_t index;

    memcpy(&index, f->vm.memory.base + ring + 0x1002, 2);
    put(f, ring + 16 * (index % 16), address, 8);
    put(f, ring + 16 * (index % 16) + 8, bytes | (queue ? 0 : 2ull << 32), 8);
    put(f, ring + 0x1004 + 2 * (index % 16), index % 16, 2);
    put(f, ring + 0x1002, index + 1, 2);
    mmio_write(&f->vm, pci_bar_address(&f->vm.nets[0].virtio.function, 0) + 0x3000 + 4 * queue, 2, queue);
}

static void frames_go_out_and_come_in(void **s)
{
    struct fixture *f = *s;
    uint64_t rung[2];

    memcpy(f->vm.memory.base + DATA + 12, addresses[1], 6);
    memcpy(f->vm.memory.base + DATA + 18, addresses[0], 6);
    offer(f, 1, DATA, 12 + 60);
    assert_true(switch_turn(&state, 0, rung));
    assert_int_equal(rung[0], 1 << 1);
    offer(f, 1, DATA, 12 + 13);             /* shorter than a header */
    offer(f, 1, DATA, 12 + ETHER_MAX + 1);  /* longer than a frame */
    offer(f, 1, DATA, 5);
    assert_false(switch_turn(&state, 0, rung));
    assert_int_equal(f->vm.nets[0].dropped, 3);
    assert_int_equal(f->vm.memory.base[TRANSMIT_RING + 0x2002], 4); /* all given back */

    send(1, addresses[0], addresses[1], 0x1234, 100);
    assert_true(switch_turn(&state, 1, rung));
    virtio_net_poll(&f->vm.nets[0]); /* no buffer: it waits */
    offer(f, 0, DATA + 0x1000, 64);  /* too small: the frame is lost, the buffer comes back empty */
    assert_int_equal(f->vm.memory.base[RECEIVE_RING + 0x2008], 0);
    send(1, addresses[0], addresses[1], 0x1234, 100);
    assert_true(switch_turn(&state, 1, rung));
    offer(f, 0, DATA + 0x2000, 2000);
    assert_int_equal(f->vm.memory.base[RECEIVE_RING + 0x2010], 112);
    assert_memory_equal(f->vm.memory.base + DATA + 0x2000 + 12 + 6, addresses[1], 6);
    assert_int_equal(f->vm.memory.base[DATA + 0x2000 + 12 + 99], 0xaa);
    assert_int_equal(f->vm.memory.base[DATA + 0x2000 + 10], 1); /* one buffer */
}

/* What pads a record is nothing of the frame that was in the buffer before, which may have been for this VM alone. */
static void padding_tells_nothing(void **s)
{
    static const uint8_t nothing[7];
    struct fixture *f = *s;
    uint64_t rung[2];

    memcpy(f->vm.memory.base + DATA + 12, addresses[1], 6);
    memcpy(f->vm.memory.base + DATA + 18, addresses[0], 6);
    for (uint32_t bytes = 57; bytes < 65; bytes++) {
        uint8_t record[ETHER_RECORD_MAX];

        memset(f->vm.nets[0].frame, 0x5a, sizeof f->vm.nets[0].frame);
        offer(f, 1, DATA, 12 + bytes);
        assert_true(switch_turn(&state, 0, rung));
        assert_true(queue_get(&outward[1], 0, record, ETHER_RECORD(bytes)));
        queue_skip(&outward[1], ETHER_RECORD(bytes));
        assert_memory_equal(record + 8 + bytes, nothing, ETHER_RECORD(bytes) - 8 - bytes);
    }
}

#define T(name) cmocka_unit_test_setup(name, set_up)
int main(void)
{
    const struct CMUnitTest tests[] = {T(frames_stay_in_their_vlan), T(false_senders_are_refused), T(a_full_receiver_stops_nobody),
                                       T(what_is_no_frame_closes_the_port),
                                       cmocka_unit_test_setup_teardown(frames_go_out_and_come_in, with_device, fixture_free),
                                       cmocka_unit_test_setup_teardown(padding_tells_nothing, with_device, fixture_free)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
