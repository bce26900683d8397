/* virtio devices against drivers good and bad: rings that break the rules, that change while they are read, components that answer
 * wrongly. The disk component's own code is on the other side of the queues. */
#include <pthread.h>
#include <atoll/component.h>
#include "mmio.h"
#include "disk.h"
#include "vmm_fixture.h"

#define QUEUE_SIZE 16u
#define SECTORS 4096u
#define RING 0x200000ull /* guest-physical: descriptors, available, used, then data */
#define AVAILABLE (RING + 0x1000)
#define USED (RING + 0x2000)
#define INDIRECT (RING + 0x3000)
#define DATA (RING + 0x10000)

struct side { /* a queue's memory */
    uint8_t bytes[QUEUE_DATA_SIZE + 2 * QUEUE_PAGE];
};
static struct side to_disk, from_disk;
static struct disk disk;
static struct backend backend;
static unsigned signals;
static bool deaf; /* the component does not run */
static struct virtio_block *block;

static void signal(struct backend *b)
{
    (void)b;
    signals++;
    if (deaf)
        return;
    queue_wake(&disk.server.requests);
    assert_true(disk_serve(&disk));
    queue_sleep(&disk.server.requests);
}

static void queue_both(struct side *s, struct queue *producer, struct queue *consumer)
{
    uint8_t *tail = s->bytes + QUEUE_PAGE + QUEUE_DATA_SIZE;

    memset(s, 0, sizeof *s);
    queue_init_producer(producer, s->bytes, tail, QUEUE_DATA_SIZE);
    queue_init_consumer(consumer, s->bytes, tail, QUEUE_DATA_SIZE);
    queue_sleep(consumer);
}

/* -- A driver's small change. ------------------------------------------------------------------------------------------ */

static uint8_t *ram(struct fixture *f, uint64_t at) { return f->vm.memory.base + at; }
static void put(struct fixture *f, uint64_t at, uint64_t value, unsigned bytes) { memcpy(ram(f, at), &value, bytes); }
static uint64_t get(struct fixture *f, uint64_t at, unsigned bytes)
{
    uint64_t value = 0;

    memcpy(&value, ram(f, at), bytes);
    return value;
}

static uint64_t bar_of(struct virtio *v) { return pci_bar_address(&v->function, 0); }
static void common(struct fixture *f, struct virtio *v, unsigned offset, unsigned bytes, uint64_t value)
{
    mmio_write(&f->vm, bar_of(v) + offset, bytes, value);
}
static unsigned status(struct fixture *f, struct virtio *v) { return (unsigned)mmio_read(&f->vm, bar_of(v) + 0x14, 1) & 0xff; }

static void descriptor(struct fixture *f, uint64_t table, unsigned i, uint64_t address, uint32_t bytes, unsigned flags, unsigned next)
{
    put(f, table + 16 * i, address, 8);
    put(f, table + 16 * i + 8, bytes, 4);
    put(f, table + 16 * i + 12, flags, 2);
    put(f, table + 16 * i + 14, next, 2);
}

static void set_queue(struct fixture *f, struct virtio *v, unsigned queue, uint64_t base)
{
    common(f, v, 0x16, 2, queue);
    common(f, v, 0x18, 2, QUEUE_SIZE);
    common(f, v, 0x1a, 2, queue);
    common(f, v, 0x20, 4, base);
    common(f, v, 0x24, 4, 0);
    common(f, v, 0x28, 8, base + 0x1000);
    common(f, v, 0x30, 8, base + 0x2000);
    common(f, v, 0x1c, 2, 1);
}

static void start(struct fixture *f, struct virtio *v, uint64_t features)
{
    mmio_write(&f->vm, PCI_ECAM + (SLOT_BLOCK << 15) + PCI_COMMAND, 2, 0);
    for (unsigned i = 0; i < PCI_SLOTS; i++)
        if (f->vm.pci.slots[i])
            mmio_write(&f->vm, PCI_ECAM + (i << 15) + PCI_COMMAND, 2, PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY);
    common(f, v, 0x14, 1, 0);
    common(f, v, 0x14, 1, 3);
    for (unsigned i = 0; i < 2; i++) {
        common(f, v, 0x08, 4, i);
        common(f, v, 0x0c, 4, features >> 32 * i & 0xffffffff);
    }
    common(f, v, 0x14, 1, 11);
    if (!(status(f, v) & VIRTIO_FEATURES_OK))
        return;
    memset(ram(f, RING), 0, 0x4000);
    set_queue(f, v, 0, RING);
    common(f, v, 0x14, 1, 15);
}

#define FEATURES (VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT)

static void offer(struct fixture *f, struct virtio *v, unsigned head)
{
    uint64_t index = get(f, AVAILABLE + 2, 2);

    put(f, AVAILABLE + 4 + 2 * (index % QUEUE_SIZE), head, 2);
    put(f, AVAILABLE + 2, index + 1, 2);
    mmio_write(&f->vm, bar_of(v) + 0x3000, 2, 0);
}

static int with_disk(void **state)
{
    struct fixture *f;
    struct queue *unused = NULL;

    (void)unused;
    fixture_new(state);
    f = *state;
    disk = (struct disk){.memory = malloc(SECTORS * 512), .server.size = {SECTORS, 512, 0}};
    assert_non_null(disk.memory);
    for (unsigned i = 0; i < SECTORS * 512; i++)
        disk.memory[i] = (uint8_t)(i / 512 * 7 + i);
    queue_both(&to_disk, &backend.out, &disk.server.requests);
    queue_both(&from_disk, &disk.server.answers, &backend.in);
    backend.signal = signal;
    deaf = false;
    block = &f->vm.disks[0];
    virtio_block_add(&f->vm, 0, block, &backend, &disk.server.size);
    signals = 0;
    pci_reset(&f->vm);
    f->vm.lapic.spurious |= 0x100;
    start(f, &block->virtio, FEATURES);
    assert_int_equal(status(f, &block->virtio), 15);
    return 0;
}

static int without_disk(void **state)
{
    free(disk.memory);
    return fixture_free(state);
}

/* Header at DATA, data behind it, status at DATA + 0x8000. */
static void request(struct fixture *f, uint32_t type, uint64_t sector, uint32_t bytes)
{
    put(f, DATA, type, 8);
    put(f, DATA + 8, sector, 8);
    put(f, DATA + 0x80000, 0xee, 1);
    descriptor(f, RING, 0, DATA, 16, 1, 1);
    descriptor(f, RING, 1, DATA + 0x100, bytes, type == 0 ? 3 : 1, 2);
    descriptor(f, RING, 2, DATA + 0x80000, 1, 2, 0);
}

static unsigned outcome(struct fixture *f) { return (unsigned)get(f, DATA + 0x80000, 1); }

static void reads_and_writes(void **state)
{
    struct fixture *f = *state;

    request(f, 0, 5, 100 * 512);
    offer(f, &block->virtio, 0);
    assert_int_equal(outcome(f), 0);
    assert_int_equal(get(f, USED + 2, 2), 1);
    assert_int_equal(get(f, USED + 8, 4), 100 * 512 + 1);
    assert_memory_equal(ram(f, DATA + 0x100), disk.memory + 5 * 512, 100 * 512);
    memset(ram(f, DATA + 0x100), 0x5a, 64 * 512);
    request(f, 1, SECTORS - 64, 64 * 512);
    offer(f, &block->virtio, 0);
    assert_int_equal(outcome(f), 0);
    assert_int_equal(get(f, USED + 16, 4), 1);
    for (unsigned i = 0; i < 64 * 512; i++)
        assert_int_equal(disk.memory[(SECTORS - 64) * 512 + i], 0x5a);
    request(f, 1, SECTORS - 63, 64 * 512);
    offer(f, &block->virtio, 0);
    assert_int_equal(outcome(f), 1);
    assert_int_equal(status(f, &block->virtio), 15);
}

/* Any split of header, data and status into buffers is the same request (2.7.4.2). */
static void framing_is_the_drivers(void **state)
{
    struct fixture *f = *state;

    request(f, 0, 9, 1024);
    descriptor(f, INDIRECT, 0, DATA, 3, 1, 1);
    descriptor(f, INDIRECT, 1, DATA + 3, 0, 1, 2);
    descriptor(f, INDIRECT, 2, DATA + 3, 13, 1, 3);
    descriptor(f, INDIRECT, 3, DATA + 0x100, 700, 3, 4);
    descriptor(f, INDIRECT, 4, DATA + 0x100 + 700, 325, 2, 0);
    descriptor(f, RING, 4, INDIRECT, 5 * 16, 4, 0);
    offer(f, &block->virtio, 4);
    assert_int_equal(get(f, USED + 4, 4), 4);
    assert_memory_equal(ram(f, DATA + 0x100), disk.memory + 9 * 512, 1024);
    assert_int_equal(get(f, DATA + 0x100 + 1024, 1), 0);
}

static void a_sleeping_component_is_rung_once(void **state)
{
    struct fixture *f = *state;

    deaf = true;
    request(f, 0, 1, 512);
    offer(f, &block->virtio, 0);
    assert_int_equal(signals, 1);
    assert_int_equal(outcome(f), 0xee);
    common(f, &block->virtio, 0x14, 1, 0); /* the driver gives up: what comes late goes nowhere */
    deaf = false;
    assert_true(disk_serve(&disk));
    virtio_block_poll(block);
    assert_int_equal(outcome(f), 0xee);
    assert_int_equal(get(f, USED + 2, 2), 0);
    start(f, &block->virtio, FEATURES);
    queue_sleep(&disk.server.requests);
    request(f, 0, 1, 512);
    offer(f, &block->virtio, 0);
    assert_int_equal(outcome(f), 0);
}

static void a_lying_component_fails_the_device(void **state)
{
    const struct block_answer lies[] = {{0, 9, 0, 0}, {0, 1, 512, 0}, {0, 0, 1024, 0}, {1, 0, 512, 0}, {0, 0, 512, 0}, {0, 0, 0xfffffe00, 0}};
    struct fixture *f = *state;

    for (unsigned i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        without_disk(state);
        with_disk(state);
        f = *state;
        deaf = true;
        request(f, 0, 1, 512);
        offer(f, &block->virtio, 0);
        queue_write(&disk.server.answers, &lies[i], sizeof lies[i]);
        if (lies[i].bytes == 1024) /* a whole record, for another request */
            queue_write(&disk.server.answers, disk.memory, lies[i].bytes);
        virtio_block_poll(block);
        assert_int_equal(status(f, &block->virtio), 15 | VIRTIO_NEEDS_RESET);
        assert_int_equal(get(f, USED + 2, 2), 0);
    }
}

static void size_ask(struct block_size *size, int answer)
{
    bool asked = false;

    assert_int_equal(block_size_ask(&backend, &asked, size), answer);
    assert_true(asked);
}

/* A former life of the VMM wrote what is no request: the disk gives up, and serves the next life. */
static void a_spoiled_disk_serves_the_next_life(void **state)
{
    const struct block_request lies[] = {{.operation = BLOCK_WRITE, .bytes = 512}, {.operation = BLOCK_WRITE, .bytes = ~0u}};
    struct fixture *f = *state;
    struct block_size size;

    for (unsigned i = 0; i < 2 * sizeof lies / sizeof lies[0]; i++) {
        queue_write(&backend.out, &lies[i / 2], i % 2 ? sizeof lies[0] : 3);
        assert_false(disk_serve(&disk));
        assert_true(disk.server.dead);
        queue_write(&backend.out, lies, sizeof lies);
        assert_true(disk_serve(&disk)); /* not looked at */
        memset(block, 0, sizeof *block);
        queue_init_records(&backend.out, to_disk.bytes, to_disk.bytes + QUEUE_PAGE + QUEUE_DATA_SIZE, QUEUE_DATA_SIZE);
        pci_init(&f->vm);
        size_ask(&size, 1);
        virtio_block_add(&f->vm, 0, block, &backend, &size);
        assert_false(disk.server.dead);
        pci_reset(&f->vm);
        start(f, &block->virtio, FEATURES);
        request(f, 0, 100 + i, 512);
        offer(f, &block->virtio, 0);
        assert_int_equal(outcome(f), 0);
        assert_memory_equal(ram(f, DATA + 0x100), disk.memory + (100 + i) * 512, 512);
    }
}

/* The VMM ended between a request and its answer, and starts again in its zeroed memory: before the component has seen the request, and
 * after. The new life's first request gets its own sector. */
static void a_former_lifes_answers_go_nowhere(void **state)
{
    struct fixture *f = *state;
    struct block_size size;

    for (unsigned answered = 0; answered < 2; answered++) {
        deaf = true;
        request(f, 0, 7 + answered, 512);
        offer(f, &block->virtio, 0);
        deaf = false;
        if (answered)
            assert_true(disk_serve(&disk));
        assert_true(queue_used(answered ? &backend.in : &disk.server.requests));
        memset(block, 0, sizeof *block);
        queue_init_producer(&backend.out, to_disk.bytes, to_disk.bytes + QUEUE_PAGE + QUEUE_DATA_SIZE, QUEUE_DATA_SIZE);
        queue_init_consumer(&backend.in, from_disk.bytes, from_disk.bytes + QUEUE_PAGE + QUEUE_DATA_SIZE, QUEUE_DATA_SIZE);
        pci_init(&f->vm);
        size_ask(&size, 1);
        assert_int_equal(size.sectors, SECTORS);
        virtio_block_add(&f->vm, 0, block, &backend, &size);
        pci_reset(&f->vm);
        start(f, &block->virtio, FEATURES);
        request(f, 0, 100, 512);
        offer(f, &block->virtio, 0);
        assert_int_equal(status(f, &block->virtio), 15);
        assert_int_equal(outcome(f), 0);
        assert_memory_equal(ram(f, DATA + 0x100), disk.memory + 100 * 512, 512);
    }
}

/* The size of a disk is asked for; what says something else is no disk. */
static void a_disks_size_is_asked_for(void **state)
{
    static const struct block_size bad[] = {{0, 512, 0}, {8, 0, 0}, {8, 256, 0}, {8, 768, 0}, {8, 8192, 0}, {UINT64_MAX / 512 + 1, 512, 0}};
    struct block_size size = {0};

    (void)state;
    disk.server.size = (struct block_size){64, 4096, 1};
    size_ask(&size, 1);
    assert_int_equal(size.sectors, 64);
    assert_int_equal(size.block_bytes, 4096);
    assert_int_equal(size.read_only, 1);
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        deaf = true;
        size_ask(&size, 0);
        struct block_answer a = {.tag = BLOCK_SIZE_TAG, .bytes = sizeof bad[i]};
        queue_write(&disk.server.answers, &a, sizeof a);
        queue_write(&disk.server.answers, &bad[i], sizeof bad[i]);
        assert_int_equal(block_size_ask(&backend, &(bool){true}, &size), -1);
    }
    const struct block_answer other = {.tag = 1, .bytes = sizeof size}; /* a former life's, of whatever length */
    queue_write(&disk.server.answers, &other, sizeof other);
    queue_write(&disk.server.answers, &(struct block_size){8, 512, 0}, sizeof size);
    assert_int_equal(block_size_ask(&backend, &(bool){true}, &size), 0);
    const struct block_answer cut = {.tag = BLOCK_SIZE_TAG, .bytes = BLOCK_PIECE};
    queue_write(&disk.server.answers, &cut, sizeof cut);
    assert_int_equal(block_size_ask(&backend, &(bool){true}, &size), -1);
    deaf = false;
    disk.server.size = (struct block_size){SECTORS, 512, 0};
}

/* Blocks of 4096 bytes: whole ones only. */
static void parts_of_blocks_are_refused(void **state)
{
    static const struct { uint64_t sector; uint32_t bytes, status; } tries[] = {
        {8, 4096, BLOCK_DONE}, {4, 4096, BLOCK_REFUSED}, {8, 512, BLOCK_REFUSED}, {0, 12288, BLOCK_DONE}, {8, 12288 + 4096, BLOCK_REFUSED}};
    struct block_answer a;

    (void)state;
    disk.server.size.block_bytes = 4096;
    for (unsigned i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        struct block_request r = {.operation = BLOCK_READ, .tag = i, .sector = tries[i].sector, .bytes = tries[i].bytes};
        queue_write(&backend.out, &r, sizeof r);
        assert_true(disk_serve(&disk));
        assert_true(queue_get(&backend.in, 0, &a, sizeof a));
        assert_int_equal(a.status, tries[i].status);
        assert_int_equal(a.bytes, tries[i].status == BLOCK_DONE ? tries[i].bytes : 0);
        queue_skip(&backend.in, sizeof a + a.bytes);
    }
}

static void features_are_checked(void **state)
{
    struct fixture *f = *state;

    start(f, &block->virtio, VIRTIO_F_INDIRECT); /* not version 1 */
    assert_int_equal(status(f, &block->virtio), 3);
    start(f, &block->virtio, FEATURES | 1ull << 40);
    assert_int_equal(status(f, &block->virtio), 3);
    start(f, &block->virtio, FEATURES);
    assert_int_equal(status(f, &block->virtio), 15);
    common(f, &block->virtio, 0x0c, 4, 0); /* too late */
    assert_int_equal(block->virtio.accepted, FEATURES);
}

static void queues_are_checked(void **state)
{
    static const struct { uint64_t size, descriptors, available, used; } bad[] = {
        {0, RING, AVAILABLE, USED}, {3, RING, AVAILABLE, USED}, {256, RING, AVAILABLE, USED}, {0xffff, RING, AVAILABLE, USED},
        {16, RING + 8, AVAILABLE, USED}, {16, RING, AVAILABLE + 1, USED}, {16, RING, AVAILABLE, USED + 2},
        {16, FIXTURE_MEMORY, AVAILABLE, USED}, {16, FIXTURE_MEMORY - 240, AVAILABLE, USED}, {16, RING, FIXTURE_MEMORY - 36, USED},
        {16, RING, AVAILABLE, FIXTURE_MEMORY - 132}, {16, ~15ull, AVAILABLE, USED}, {16, RING, ~1ull, USED}, {16, RING, AVAILABLE, 0xfee00000}};
    struct fixture *f = *state;
    struct virtio *v = &block->virtio;

    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        common(f, v, 0x14, 1, 0);
        common(f, v, 0x14, 1, 3);
        common(f, v, 0x08, 4, 1);
        common(f, v, 0x0c, 4, 1);
        common(f, v, 0x14, 1, 11);
        common(f, v, 0x16, 2, 0);
        common(f, v, 0x18, 2, bad[i].size);
        common(f, v, 0x20, 8, bad[i].descriptors);
        common(f, v, 0x28, 8, bad[i].available);
        common(f, v, 0x30, 8, bad[i].used);
        common(f, v, 0x1c, 2, 1);
        assert_int_equal(mmio_read(&f->vm, bar_of(v) + 0x1c, 2) & 0xffff, 0);
        assert_true(status(f, v) & VIRTIO_NEEDS_RESET);
    }
    common(f, v, 0x16, 2, 7); /* no such queue */
    common(f, v, 0x1c, 2, 1);
    assert_int_equal(mmio_read(&f->vm, bar_of(v) + 0x18, 2) & 0xffff, 0);
}

/* Each of these needs a reset, and nothing is answered: the good request's first descriptor, or another word, is replaced. */
static void spoiled_rings_are_refused(void **state)
{
    static const struct { uint64_t place, value; unsigned bytes; } spoils[] = {
        {RING + 14, 0, 2},                                    /* a loop */
        {RING + 16 + 14, QUEUE_SIZE, 2},                      /* next: the first that is not there, and the last */
        {RING + 16 + 14, 0xffff, 2},
        {AVAILABLE + 4, QUEUE_SIZE, 2},                       /* a head that is not there */
        {AVAILABLE + 4, 0xffff, 2},
        {AVAILABLE + 2, QUEUE_SIZE + 1, 2},                   /* more requests than the queue holds */
        {AVAILABLE + 2, 0xffff, 2},
        {RING + 16, FIXTURE_MEMORY, 8},                       /* behind RAM, across its end, nowhere */
        {RING + 16, FIXTURE_MEMORY - 511, 8},
        {RING + 16, ~0ull - 100, 8},
        {RING + 16 + 8, 0xffffffff, 4},                       /* too long */
        {RING + 32 + 12, 0, 2},                               /* readable behind writable */
    };
    struct fixture *f = *state;

    for (unsigned i = 0; i < sizeof spoils / sizeof spoils[0]; i++) {
        start(f, &block->virtio, FEATURES);
        request(f, 0, 1, 512);
        put(f, AVAILABLE + 4, 0, 2);
        put(f, AVAILABLE + 2, 1, 2);
        put(f, spoils[i].place, spoils[i].value, spoils[i].bytes);
        mmio_write(&f->vm, bar_of(&block->virtio) + 0x3000, 2, 0);
        if (status(f, &block->virtio) != (15 | VIRTIO_NEEDS_RESET) || get(f, USED + 2, 2))
            fail_msg("spoiled ring %u is served", i);
    }
    static const struct { uint64_t address; uint32_t bytes; unsigned flags; } tables[] = {
        {INDIRECT, 0, 4}, {INDIRECT, 17, 4}, {INDIRECT + 8, 64, 4}, {FIXTURE_MEMORY, 64, 4}, {INDIRECT, 16 * 129, 4}, {INDIRECT, 64, 5}};
    for (unsigned i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        start(f, &block->virtio, FEATURES);
        descriptor(f, RING, 0, tables[i].address, tables[i].bytes, tables[i].flags, 1);
        offer(f, &block->virtio, 0);
        if (status(f, &block->virtio) != (15 | VIRTIO_NEEDS_RESET))
            fail_msg("indirect table %u is read", i);
    }
}

/* Used buffers are told by an index, an interrupt is asked for by another: none is lost over the wrap at 65536. */
static void event_indices_wrap(void **state)
{
    struct fixture *f = *state;
    struct virtio *v = &block->virtio;
    unsigned told = 0;

    start(f, v, FEATURES | VIRTIO_F_EVENT_INDEX);
    mmio_write(&f->vm, PCI_ECAM + (SLOT_BLOCK << 15) + v->function.msix.capability, 4, 0x80000000);
    mmio_write(&f->vm, bar_of(v) + 0x4000, 8, 0xfee00000);
    mmio_write(&f->vm, bar_of(v) + 0x4008, 8, 0x41);
    request(f, 0, 0, 512);
    for (unsigned i = 0; i < 70000; i++) {
        bool wanted = i % 3 == 0;

        put(f, AVAILABLE + 4 + 2 * QUEUE_SIZE, wanted ? (uint16_t)i : (uint16_t)(i + 5000), 2);
        offer(f, v, 0);
        assert_int_equal(get(f, USED + 2, 2), (uint16_t)(i + 1));
        assert_int_equal(get(f, USED + 4 + 8 * QUEUE_SIZE, 2), (uint16_t)(i + 1)); /* it wants to hear of the next */
        if (lapic_candidate(&f->vm.lapic) == 0x41) {
            lapic_accept(&f->vm.lapic, 0x41);
            memset(f->vm.lapic.isr, 0, sizeof f->vm.lapic.isr);
            f->vm.lapic.isr_words = 0;
            told++;
            assert_true(wanted || i == 0);
        } else {
            assert_false(wanted);
        }
    }
    assert_int_equal(told, (70000 + 2) / 3);
}

/* -- A ring that changes while it is read. -------------------------------------------------------------------------------- */

static int stop_changing;

/* Another vCPU writes descriptors, good ones and bad ones, as fast as it can. */
static void *change(void *argument)
{
    struct fixture *f = argument;
    uint64_t seed = 99;

    while (!__atomic_load_n(&stop_changing, __ATOMIC_SEQ_CST)) {
        volatile uint64_t *word;

        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        word = (volatile uint64_t *)(void *)ram(f, RING + (seed >> 40) % 6 * 8);
        *word = seed & 1 ? DATA + (seed >> 8 & 0xffff) : seed >> 3;
        word = (volatile uint64_t *)(void *)ram(f, RING + 16 * ((seed >> 33) % 3) + 8);
        *word = seed & 2 ? 512 | (seed >> 20 & 3) << 32 | 1ull << 48 : seed;
    }
    return NULL;
}

static void rings_that_change_while_read(void **state)
{
    struct fixture *f = *state;
    pthread_t other;
    unsigned served = 0, broken = 0;

    __atomic_store_n(&stop_changing, 0, __ATOMIC_SEQ_CST);
    assert_int_equal(pthread_create(&other, NULL, change, f), 0);
    for (unsigned i = 0; i < 20000 || (i < 1000000 && (served < 100 || broken < 100)); i++) {
        request(f, 0, 0, 4096);
        offer(f, &block->virtio, 0);
        served += get(f, USED + 2, 2) != 0;
        if (status(f, &block->virtio) & VIRTIO_NEEDS_RESET) {
            broken++;
            start(f, &block->virtio, FEATURES);
        }
    }
    __atomic_store_n(&stop_changing, 1, __ATOMIC_SEQ_CST);
    pthread_join(other, NULL);
    if (served < 100 || broken < 100) /* both sides of the race have to be seen */
        fail_msg("%u requests served, %u rings broken", served, broken);
}

/* -- Entropy, console. ------------------------------------------------------------------------------------------------------- */

static unsigned count_up(void *to, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        ((uint8_t *)to)[i] = (uint8_t)(i + 1);
    return bytes;
}

static void entropy_fills_what_it_may(void **state)
{
    struct fixture *f = *state;
    struct virtio *v = &f->vm.virtio_entropy.virtio;

    virtio_entropy_add(&f->vm, &f->vm.virtio_entropy, count_up);
    pci_reset(&f->vm);
    start(f, v, FEATURES);
    put(f, DATA + 64, 0x77, 1);
    descriptor(f, RING, 0, DATA, 64, 2, 0);
    offer(f, v, 0);
    assert_int_equal(get(f, USED + 8, 4), 64);
    assert_int_equal(get(f, DATA + 63, 1), 64);
    assert_int_equal(get(f, DATA + 64, 1), 0x77);
    descriptor(f, RING, 0, DATA, 4096, 2, 0);
    offer(f, v, 0);
    assert_int_equal(get(f, USED + 16, 4), 256);
    descriptor(f, RING, 0, DATA, 64, 0, 0); /* readable: nothing to fill */
    offer(f, v, 0);
    assert_int_equal(get(f, USED + 24, 4), 0);
}

static void console_prints_and_reads(void **state)
{
    struct fixture *f = *state;
    struct virtio_console *c = &f->vm.virtio_console;

    virtio_console_add(&f->vm, c);
    pci_reset(&f->vm);
    assert_false(virtio_console_reads(c));
    start(f, &c->virtio, FEATURES);
    assert_true(virtio_console_reads(c));
    assert_int_equal(virtio_console_receive(c, "abc", 3), 0); /* no buffer yet */
    descriptor(f, RING, 0, DATA, 2, 2, 0);
    descriptor(f, RING, 1, DATA + 16, 2, 2, 0);
    offer(f, &c->virtio, 0);
    offer(f, &c->virtio, 1);
    assert_int_equal(virtio_console_receive(c, "abcde", 5), 4);
    assert_memory_equal(ram(f, DATA), "ab", 2);
    assert_memory_equal(ram(f, DATA + 16), "cd", 2);
    assert_int_equal(get(f, USED + 8, 4), 2);

    common(f, &c->virtio, 0x14, 1, 0);
    common(f, &c->virtio, 0x14, 1, 3);
    common(f, &c->virtio, 0x08, 4, 1);
    common(f, &c->virtio, 0x0c, 4, 1);
    common(f, &c->virtio, 0x14, 1, 11);
    memset(ram(f, RING), 0, 0x4000);
    set_queue(f, &c->virtio, 1, RING);
    common(f, &c->virtio, 0x14, 1, 15);
    memcpy(ram(f, DATA), "hello", 5);
    descriptor(f, RING, 0, DATA, 5, 0, 0);
    put(f, AVAILABLE + 2, 1, 2);
    mmio_write(&f->vm, bar_of(&c->virtio) + 0x3004, 2, 1);
    assert_string_equal(f->output, "hello");
}

#define T(name) cmocka_unit_test_setup_teardown(name, with_disk, without_disk)
int main(void)
{
    const struct CMUnitTest tests[] = {T(reads_and_writes), T(framing_is_the_drivers), T(a_sleeping_component_is_rung_once),
                                       T(a_lying_component_fails_the_device), T(a_former_lifes_answers_go_nowhere), T(features_are_checked), T(a_disks_size_is_asked_for),
                                       T(parts_of_blocks_are_refused),
                                       T(a_spoiled_disk_serves_the_next_life),
                                       T(queues_are_checked), T(spoiled_rings_are_refused),
                                       T(event_indices_wrap), T(rings_that_change_while_read), T(entropy_fills_what_it_may),
                                       T(console_prints_and_reads)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
