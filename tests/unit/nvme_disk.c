/* The disk component on an NVMe function: block requests of a VMM on one side, a model of a controller on the other, either of which may lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <atoll/component.h>
#include "../../user/nvme_disk/serve.h"
#include "nvme_model.h"

#define M nvme_model
#define DATA_PAGE (NVME_ADMIN_PAGES + NVME_QUEUE_PAGES)
#define TIMEOUT 1000u

static uint8_t to_disk[QUEUE_DATA_SIZE + 2 * QUEUE_PAGE], from_disk[QUEUE_DATA_SIZE + 2 * QUEUE_PAGE];
static struct queue requests, answers; /* the VMM's ends */
static struct nvme nvme;
static struct nvme_queue io_queue;
static struct nvme_disk disk;
static char why[200];

static void queue_both(uint8_t *bytes, struct queue *producer, struct queue *consumer)
{
    memset(bytes, 0, sizeof to_disk);
    queue_init_producer(producer, bytes, bytes + QUEUE_PAGE + QUEUE_DATA_SIZE, QUEUE_DATA_SIZE);
    queue_init_consumer(consumer, bytes, bytes + QUEUE_PAGE + QUEUE_DATA_SIZE, QUEUE_DATA_SIZE);
}

static int power_on(void **unused)
{
    struct nvme_memory admin = nvme_model_memory(0), io = nvme_model_memory(NVME_ADMIN_PAGES), data = nvme_model_memory(DATA_PAGE);
    struct nvme_namespace ns;

    (void)unused;
    nvme_model_power_on();
    for (unsigned i = 0; i < sizeof M.disk; i++)
        M.disk[i] = (uint8_t)(i / 512 + 3 * i);
    assert_true(nvme_start(&nvme, &admin, why, sizeof why));
    assert_true(nvme_queue_create(&nvme, &io_queue, 1, 0, &io, why, sizeof why));
    assert_true(nvme_namespace(&nvme, 1, &ns, why, sizeof why));
    disk = (struct nvme_disk){.nvme = &nvme, .queue = &io_queue, .namespace_id = 1, .block_bits = ns.block_bits, .data = data.at,
                              .data_device = data.device, .timeout = TIMEOUT, .server.size = {ns.blocks, 1u << ns.block_bits, 0}};
    queue_both(to_disk, &requests, &disk.server.requests);
    queue_both(from_disk, &disk.server.answers, &answers);
    return 0;
}

static void ask(uint32_t operation, uint32_t tag, uint64_t sector, uint32_t bytes, const void *data)
{
    struct block_request r = {operation, tag, sector, bytes, 0};

    assert_int_equal(queue_write(&requests, &r, sizeof r), sizeof r);
    if (operation == BLOCK_WRITE)
        assert_int_equal(queue_write(&requests, data, bytes), bytes);
}

/* The next answer, its data to `to`. */
static struct block_answer answer(void *to)
{
    struct block_answer a;

    assert_int_equal(queue_read(&answers, &a, sizeof a), sizeof a);
    assert_true(a.bytes <= BLOCK_PIECE);
    assert_int_equal(queue_read(&answers, to, a.bytes), a.bytes);
    return a;
}

static void reads_writes_flushes(void **unused)
{
    uint8_t data[BLOCK_PIECE], got[BLOCK_PIECE];
    struct block_size size;

    (void)unused;
    ask(BLOCK_SIZE, 77, 0, 0, NULL);
    assert_true(nvme_disk_serve(&disk, 0));
    assert_int_equal(answer(&size).tag, 77);
    assert_int_equal(size.sectors, NVME_MODEL_BLOCKS);
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 5 + i / 4096);
    for (uint32_t bytes = 512; bytes <= BLOCK_PIECE; bytes += 512) { /* one page, two, a list */
        ask(BLOCK_WRITE, 1, NVME_MODEL_BLOCKS - bytes / 512, bytes, data);
        ask(BLOCK_FLUSH, 2, 0, 0, NULL);
        assert_true(nvme_disk_serve(&disk, 0));
        assert_int_equal(answer(got).status, BLOCK_DONE);
        assert_int_equal(answer(got).status, BLOCK_DONE);
        assert_memory_equal(M.disk + sizeof M.disk - bytes, data, bytes);
        ask(BLOCK_READ, 3, NVME_MODEL_BLOCKS - bytes / 512, bytes, NULL);
        assert_true(nvme_disk_serve(&disk, 0));
        memset(got, 0, sizeof got);
        struct block_answer a = answer(got);
        assert_int_equal(a.tag, 3);
        assert_int_equal(a.bytes, bytes);
        assert_memory_equal(got, data, bytes);
    }
    assert_int_equal(M.flushes, BLOCK_PIECE / 512); /* each reached the device */
    assert_int_equal(M.out_of_memory, 0);
}

/* What the controller never hears of. */
static void impossible_requests(void **unused)
{
    static const struct { uint32_t operation; uint64_t sector; uint32_t bytes; } bad[] = {
        {BLOCK_READ, NVME_MODEL_BLOCKS, 512}, {BLOCK_READ, ~0ull, 512}, {BLOCK_READ, 0, 513}, {BLOCK_READ, 0, BLOCK_PIECE + 512},
        {BLOCK_READ, NVME_MODEL_BLOCKS - 1, 1024}, {BLOCK_FLUSH, 0, 512}, {99, 0, 512}, {0, 0, 0}};
    uint8_t got[BLOCK_PIECE];
    unsigned before = M.executed;

    (void)unused;
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ask(bad[i].operation, i, bad[i].sector, bad[i].bytes, NULL);
        assert_true(nvme_disk_serve(&disk, 0));
        struct block_answer a = answer(got);
        assert_int_equal(a.status, BLOCK_REFUSED);
        assert_int_equal(a.tag, i);
    }
    disk.server.size.read_only = 1;
    ask(BLOCK_WRITE, 9, 0, 512, M.disk);
    assert_true(nvme_disk_serve(&disk, 0));
    assert_int_equal(answer(got).status, BLOCK_REFUSED);
    assert_int_equal(M.executed, before);
    ask(BLOCK_READ, 10, 3, 0, NULL); /* nothing, which is possible */
    assert_true(nvme_disk_serve(&disk, 0));
    assert_int_equal(answer(got).status, BLOCK_DONE);
    assert_int_equal(M.executed, before);
}

static void rubbish_ends_it(void **unused)
{
    (void)unused;
    assert_int_equal(queue_write(&requests, "x", 1), 1);
    assert_false(nvme_disk_serve(&disk, 0));
    power_on(NULL);
    struct block_request r = {BLOCK_WRITE, 0, 0, 512, 0}; /* and no data */
    queue_write(&requests, &r, sizeof r);
    assert_false(nvme_disk_serve(&disk, 0));
}

/* As many commands at a time as a client may have; one that has more waits for its own. */
static void many_at_a_time(void **unused)
{
    uint8_t got[BLOCK_PIECE];

    (void)unused;
    M.flaw = FLAW_SILENT; /* commands stay under way */
    for (unsigned i = 0; i < BLOCK_OUTSTANDING + 2; i++)
        ask(BLOCK_READ, i, i, 512, NULL);
    assert_true(nvme_disk_serve(&disk, 5));
    assert_true(nvme_disk_full(&disk));
    assert_int_equal(queue_used(&answers), 0);
    assert_int_equal(nvme_disk_watch(&disk, 6), 5 + TIMEOUT);
    M.flaw = FLAW_NONE;
    nvme_write(0x1000 + 2 * 4, io_queue.tail); /* the model works on */
    assert_true(nvme_disk_serve(&disk, 7));
    for (unsigned i = 0; i < BLOCK_OUTSTANDING + 2; i++) {
        struct block_answer a = answer(got);
        assert_int_equal(a.tag, i);
        assert_memory_equal(got, M.disk + 512 * i, 512);
    }
    assert_int_equal(nvme_disk_watch(&disk, 8), 0);
}

/* The device says no: an error of that request, and it goes on. */
static void errors_of_the_device(void **unused)
{
    uint8_t got[BLOCK_PIECE];

    (void)unused;
    disk.server.size.sectors = NVME_MODEL_BLOCKS + 8; /* the namespace shrank */
    ask(BLOCK_READ, 1, NVME_MODEL_BLOCKS, 512, NULL);
    ask(BLOCK_READ, 2, 1, 512, NULL);
    assert_true(nvme_disk_serve(&disk, 0));
    assert_int_equal(answer(got).status, BLOCK_REFUSED);
    assert_int_equal(answer(got).status, BLOCK_DONE);
    assert_memory_equal(got, M.disk + 512, 512);
    assert_null(disk.failed);
}

static void nothing_more(unsigned answers_due)
{
    uint8_t got[BLOCK_PIECE];

    assert_non_null(disk.failed);
    for (unsigned i = 0; i < answers_due; i++)
        assert_int_equal(answer(got).status, BLOCK_REFUSED);
    M.flaw = FLAW_NONE;
    ask(BLOCK_READ, 5, 0, 512, NULL);
    ask(BLOCK_FLUSH, 6, 0, 0, NULL);
    assert_true(nvme_disk_serve(&disk, 0));
    assert_int_equal(answer(got).status, BLOCK_REFUSED);
    assert_int_equal(answer(got).status, BLOCK_REFUSED);
    assert_int_equal(queue_used(&answers), 0);
}

/* A controller that answers what it was not asked, or not at all: every request fails, none waits for ever. */
static void lies_and_silence(void **unused)
{
    static const enum nvme_model_flaw flaws[] = {FLAW_WRONG_ID, FLAW_WRONG_QUEUE, FLAW_HEAD_BEYOND, FLAW_HEAD_AHEAD};

    (void)unused;
    for (unsigned i = 0; i < sizeof flaws / sizeof flaws[0]; i++) {
        power_on(NULL);
        M.flaw = flaws[i];
        ask(BLOCK_READ, 0, 0, 512, NULL);
        assert_true(nvme_disk_serve(&disk, 0));
        nothing_more(1);
    }
    power_on(NULL);
    M.flaw = FLAW_SILENT;
    ask(BLOCK_READ, 0, 0, 512, NULL);
    assert_true(nvme_disk_serve(&disk, 10));
    assert_int_equal(nvme_disk_watch(&disk, 10 + TIMEOUT - 1), 10 + TIMEOUT);
    assert_null(disk.failed);
    assert_int_equal(nvme_disk_watch(&disk, 10 + TIMEOUT), 0);
    nothing_more(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(reads_writes_flushes, power_on), cmocka_unit_test_setup(impossible_requests, power_on),
        cmocka_unit_test_setup(rubbish_ends_it, power_on),      cmocka_unit_test_setup(many_at_a_time, power_on),
        cmocka_unit_test_setup(errors_of_the_device, power_on), cmocka_unit_test_setup(lies_and_silence, power_on),
    };
    return cmocka_run_group_tests_name("nvme_disk", tests, NULL, NULL);
}
