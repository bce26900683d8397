/* The queue between untrusting peers: bytes in order, drops counted, and a peer that lies about its index garbles its own
 * stream at most. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <atoll/queue.h>

#define SIZE 64u

static struct {
    struct queue_producer producer;
    uint8_t data[SIZE];
    uint8_t guard[64];
} memory;
static struct queue_consumer consumer_page;
static struct queue in, out;

static int fresh(void **state)
{
    (void)state;
    memset(&memory, 0, sizeof memory);
    memset(&consumer_page, 0, sizeof consumer_page);
    memset(memory.guard, 0xa5, sizeof memory.guard);
    queue_init_producer(&in, &memory.producer, &consumer_page, SIZE);
    queue_init_consumer(&out, &memory.producer, &consumer_page, SIZE);
    return 0;
}

static int guard_untouched(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof memory.guard; i++)
        if (memory.guard[i] != 0xa5)
            return -1;
    return 0;
}

static void bytes_arrive_in_order(void **state)
{
    (void)state;
    uint8_t next_in = 0, next_out = 0, bytes[SIZE];
    srand(1);
    for (int round = 0; round < 5000; round++) {
        uint64_t n = (uint64_t)rand() % SIZE, room = queue_space(&in);
        for (uint64_t i = 0; i < n; i++)
            bytes[i] = (uint8_t)(next_in + i);
        uint64_t written = queue_write(&in, bytes, n);
        assert_true(written == (n < room ? n : room));
        next_in = (uint8_t)(next_in + written);
        n = queue_read(&out, bytes, (uint64_t)rand() % SIZE);
        for (uint64_t i = 0; i < n; i++)
            assert_int_equal(bytes[i], next_out++);
    }
}

static void what_does_not_fit_is_counted(void **state)
{
    (void)state;
    uint8_t bytes[SIZE + 10] = {0};
    assert_int_equal(queue_write(&in, bytes, sizeof bytes), SIZE);
    assert_int_equal(memory.producer.lost, 10);
    assert_int_equal(queue_write(&in, bytes, 1), 0);
    assert_int_equal(memory.producer.lost, 11);
    assert_int_equal(queue_space(&in), 0);
    assert_int_equal(queue_used(&out), SIZE);
}

static void peeking_consumes_nothing(void **state)
{
    (void)state;
    uint8_t bytes[8];
    queue_write(&in, "abc", 3);
    assert_int_equal(queue_peek(&out, bytes, sizeof bytes), 3);
    assert_int_equal(queue_used(&out), 3);
    queue_skip(&out, 2);
    assert_int_equal(queue_read(&out, bytes, sizeof bytes), 1);
    assert_int_equal(bytes[0], 'c');
    assert_int_equal(consumer_page.tail, 3);
}

static void a_lying_producer_yields_nothing(void **state)
{
    (void)state;
    static const uint64_t heads[] = {SIZE + 1, UINT64_MAX, 1ull << 63, 1ull << 32};
    uint8_t bytes[2 * SIZE];
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        memory.producer.head = heads[i];
        assert_int_equal(queue_used(&out), 0);
        assert_int_equal(queue_read(&out, bytes, sizeof bytes), 0);
        assert_int_equal(queue_sleep(&out), 1); /* nor does it keep the reader awake */
    }
    memory.producer.head = SIZE; /* the most it can claim: its own bytes, and no byte more */
    assert_int_equal(queue_read(&out, bytes, sizeof bytes), SIZE);
}

static void a_lying_consumer_gets_nothing_written(void **state)
{
    (void)state;
    static const uint64_t tails[] = {1, SIZE, UINT64_MAX - SIZE, 1ull << 63};
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        consumer_page.tail = tails[i]; /* more read than was written, or far behind */
        assert_int_equal(queue_space(&in), 0);
        assert_int_equal(queue_write(&in, "x", 1), 0);
    }
    consumer_page.tail = 0;
    assert_int_equal(queue_write(&in, "x", 1), 1);
}

static void the_doorbell_is_not_missed(void **state)
{
    (void)state;
    uint8_t byte;
    assert_false(queue_needs_doorbell(&in));
    assert_int_equal(queue_sleep(&out), 1);
    queue_write(&in, "x", 1);
    assert_true(queue_needs_doorbell(&in));
    assert_false(queue_needs_doorbell(&in)); /* one bell per sleep */
    assert_int_equal(queue_sleep(&out), 0); /* data is there: no sleep, and no bell wanted */
    assert_false(queue_needs_doorbell(&in));
    assert_int_equal(queue_read(&out, &byte, 1), 1);
    /* A bell that came after its byte was read: the next sleep, at the same place, gets a bell of its own. */
    assert_int_equal(queue_sleep(&out), 1);
    queue_write(&in, "y", 1);
    assert_int_equal(queue_read(&out, &byte, 1), 1);
    assert_true(queue_needs_doorbell(&in));
    assert_int_equal(queue_sleep(&out), 1);
    queue_write(&in, "z", 1);
    assert_true(queue_needs_doorbell(&in));
}

static void a_restarted_end_goes_on(void **state)
{
    (void)state;
    uint8_t bytes[4];
    queue_write(&in, "ab", 2);
    queue_read(&out, bytes, 1);
    queue_init_producer(&in, &memory.producer, &consumer_page, SIZE);
    queue_init_consumer(&out, &memory.producer, &consumer_page, SIZE);
    queue_write(&in, "c", 1);
    assert_int_equal(queue_read(&out, bytes, 4), 2);
    assert_memory_equal(bytes, "bc", 2);
}

static unsigned after_garbage(void)
{
    uint8_t bytes[4];
    unsigned looks = queue_began_anew(&out) != 0;
    assert_int_equal(queue_used(&out), 0);
    assert_int_equal(queue_write(&in, "new", 3), 3);
    assert_int_equal(queue_read(&out, bytes, 4), 3);
    assert_memory_equal(bytes, "new", 3);
    assert_false(queue_began_anew(&out));
    return looks;
}

/* A producer starts again behind a former life that left anything there. */
static void a_spoiled_producer_begins_anew(void **state)
{
    (void)state;
    static const struct { uint64_t head; uint32_t magic, beginning; } spoiled[] = {
        {UINT64_MAX, 0, 0}, {SIZE + 100, QUEUE_MAGIC, 0}, {0, 0, 0}, {5, 0, 1}, {0, 0, UINT32_MAX}, {1ull << 63, 1, 0x80000000u}, {0, 0, 2},
        {1, 0, 1}};
    for (size_t i = 0; i < sizeof spoiled / sizeof spoiled[0]; i++)
        for (unsigned seen = 0; seen < 2; seen++) { /* has the consumer looked before? */
            uint8_t byte;
            fresh(state);
            queue_write(&in, "xyz", 3);
            queue_read(&out, &byte, 1);
            memory.producer.head = spoiled[i].head;
            memory.producer.magic = spoiled[i].magic;
            memory.producer.beginning = spoiled[i].beginning;
            if (seen)
                queue_began_anew(&out);
            if (seen && i % 2 && queue_used(&out))
                queue_skip(&out, 1);
            /* Both at 0, and agreed: as good as a new one. */
            bool new = !spoiled[i].head && !consumer_page.tail && spoiled[i].beginning == consumer_page.beginning;
            queue_init_records(&in, &memory.producer, &consumer_page, SIZE);
            assert_int_equal(queue_space(&in), new ? SIZE : 0); /* 0: until the consumer has seen it */
            assert_int_equal(queue_used(&out), 0);
            assert_int_equal(after_garbage(), !new);
        }
    fresh(state); /* a stream goes on if it can, and begins anew if not */
    queue_write(&in, "xyz", 3);
    queue_init_producer(&in, &memory.producer, &consumer_page, SIZE);
    assert_int_equal(queue_used(&out), 3);
    memory.producer.head = SIZE + 100;
    queue_init_producer(&in, &memory.producer, &consumer_page, SIZE);
    assert_int_equal(after_garbage(), 1);
}

/* Records: a new queue needs no consumer to be there first; one that died between its beginning and the consumer's look begins once more. */
static void records_begin(void **state)
{
    (void)state;
    queue_init_records(&in, &memory.producer, &consumer_page, SIZE);
    assert_int_equal(queue_space(&in), SIZE);
    assert_int_equal(after_garbage(), 0);
    for (unsigned life = 0; life < 5; life++) {
        queue_init_records(&in, &memory.producer, &consumer_page, SIZE);
        assert_int_equal(queue_space(&in), 0);
        assert_int_equal(queue_sleep(&out), 0); /* it may not sleep over this */
    }
    assert_int_equal(after_garbage(), 1);
}

/* A consumer starts again behind a former life that left anything in its page: nothing is there, and what comes from now on arrives. */
static void a_spoiled_consumer_goes_behind_all(void **state)
{
    (void)state;
    static const struct { uint64_t tail; uint32_t beginning; } spoiled[] = {
        {UINT64_MAX - SIZE, 0}, {4, 0}, {1ull << 63, 7}, {0, 7}, {SIZE + 100, UINT32_MAX}};
    for (size_t i = 0; i < sizeof spoiled / sizeof spoiled[0]; i++) {
        fresh(state);
        queue_write(&in, "xyz", 3);
        consumer_page.tail = spoiled[i].tail;
        consumer_page.beginning = spoiled[i].beginning;
        queue_init_consumer(&out, &memory.producer, &consumer_page, SIZE);
        assert_int_equal(after_garbage(), 0);
    }
}

/* A consumer that starts again while it is awake counts on: a number that the producer rang for before would get no bell. */
static void a_restarted_consumer_is_rung(void **state)
{
    (void)state;
    uint8_t byte;
    for (unsigned life = 0; life < 4; life++) {
        for (unsigned i = 0; i <= life; i++) {
            assert_int_equal(queue_sleep(&out), 1);
            queue_write(&in, "x", 1);
            if (!queue_needs_doorbell(&in))
                fail_msg("life %u: no bell for sleep %u", life, i);
            queue_wake(&out);
            assert_int_equal(queue_read(&out, &byte, 1), 1);
        }
        queue_init_consumer(&out, &memory.producer, &consumer_page, SIZE);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, guard_untouched)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bytes_arrive_in_order),
        TEST(what_does_not_fit_is_counted),
        TEST(peeking_consumes_nothing),
        TEST(a_lying_producer_yields_nothing),
        TEST(a_lying_consumer_gets_nothing_written),
        TEST(the_doorbell_is_not_missed),
        TEST(a_restarted_end_goes_on),
        TEST(a_restarted_consumer_is_rung),
        TEST(a_spoiled_producer_begins_anew),
        TEST(records_begin),
        TEST(a_spoiled_consumer_goes_behind_all),
    };
    return cmocka_run_group_tests_name("user_queue", tests, NULL, NULL);
}
