/* Node channels, both ends in one kernel: channel 0 sends into the mailbox that channel 1 receives from. The record of what is here is
 * then the machine's: a thing is in the mailbox or here, and never in two slots. */
#include <string.h>
#include "host_arch.h"

#define SENDER 20
#define RECEIVER 21
#define OTHER 22 /* a second sender, through which nothing may go */
#define TWO_MIB BIT(21)
#define PIECES 4
#define POOL (FRAMES_PADDR + TWO_MIB) /* right behind what host_start() gives: no aligned beginning */
#define FIRST 40 /* slot of the first piece */

static union { struct channel_sent sent; char page[4096]; } sent, sent_to_nobody;
static union { struct channel_taken taken; char page[4096]; } taken, taken_by_nobody;
static word_t pool_here[2], ipi_here[1];

static struct channel channels[3];
static struct movable movables[2];

static struct channel end_of(bool sends)
{
    return (struct channel){.name = "test", .sent = &sent.sent, .taken = &taken.taken, .sends = sends};
}

static int begin(void **state)
{
    (void)state;
    host_start();
    memset(&sent, 0, sizeof sent);
    memset(&taken, 0, sizeof taken);
    kernel.channels = channels;
    kernel.movables = movables;
    kernel.channels[0] = end_of(true);
    kernel.channels[1] = end_of(false);
    kernel.channels[2] = (struct channel){.name = "none", .sent = &sent_to_nobody.sent, .taken = &taken_by_nobody.taken, .sends = true};
    kernel.movables[0] = (struct movable){CHANNEL_MEMORY, 3, POOL, PIECES * TWO_MIB, pool_here};
    kernel.movables[1] = (struct movable){CHANNEL_IPI, 3, 0x5000000007, 0, ipi_here};
    kernel.movable_count = 2;
    assert_true(movable_words(POOL, PIECES * TWO_MIB) <= ARRAY_SIZE(pool_here));
    pool_here[0] = MASK(PIECES) << 1;
    ipi_here[0] = 1;
    for (word_t i = 0; i < 3; i++)
        slot_insert_original(cap_channel(i), slot_of(SENDER + i));
    for (word_t i = 0; i < PIECES; i++)
        slot_insert_original(cap_untyped(POOL + i * TWO_MIB, 21, true, 0), slot_of(FIRST + i));
    return 0;
}

static word_t send(word_t slot) { return CALL(SENDER, ATOLL_CHANNEL_SEND, CAPS(slot)); }
static word_t receive(word_t slot) { return CALL(RECEIVER, ATOLL_CHANNEL_RECEIVE, CAPS(CNODE), slot, 64); }

/* Where the memory is that piece i is of, counted over all slots and the mailbox. */
static unsigned copies_of(word_t paddr)
{
    unsigned n = 0;
    for (word_t i = 0; i < BIT(ROOT_RADIX); i++)
        n += cap_tag(slot_of(i)->cap) == CAP_UNTYPED && untyped_paddr(slot_of(i)->cap) == paddr;
    for (word_t i = kernel.channels[1].count; i < kernel.channels[0].count; i++)
        n += sent.sent.records[i % CHANNEL_RECORDS].value == paddr;
    return n;
}

static void moves_and_says_what(void **state)
{
    (void)state;
    assert_int_equal(receive(60), SEL4_NO_ERROR);
    assert_int_equal(host_mr(0), CHANNEL_NOTHING);
    assert_true(slot_is_empty(slot_of(60)));

    assert_int_equal(send(FIRST), SEL4_NO_ERROR);
    assert_true(slot_is_empty(slot_of(FIRST)));
    assert_int_equal(pool_here[0], MASK(PIECES) << 1 & ~2ull);
    assert_int_equal(sent.sent.records[0].sequence, 1);
    assert_int_equal(taken.taken.taken, 0);

    assert_int_equal(receive(60), SEL4_NO_ERROR);
    assert_int_equal(host_mr(0), CHANNEL_MEMORY);
    assert_int_equal(host_mr(1), POOL);
    assert_int_equal(host_mr(2), 21);
    assert_int_equal(taken.taken.taken, 1);
    cap_t c = slot_of(60)->cap;
    assert_true(cap_tag(c) == CAP_UNTYPED && untyped_frame_only(c) && untyped_paddr(c) == POOL && untyped_size_bits(c) == 21 && untyped_free(c) == 0);
    assert_null(slot_prev(slot_of(60)));
    assert_int_equal(pool_here[0], MASK(PIECES) << 1);

    /* what came is as good as what was there: frames can be made of it, not objects */
    assert_int_equal(CALL(60, SEL4_UNTYPED_RETYPE, CAPS(CNODE), SEL4_ENDPOINT, 0, 0, 0, 61, 1), SEL4_INVALID_ARGUMENT);
    assert_int_equal(CALL(60, SEL4_UNTYPED_RETYPE, CAPS(CNODE), SEL4_X86_LARGE_PAGE, 0, 0, 0, 61, 1), SEL4_NO_ERROR);
    assert_int_equal(send(60), SEL4_REVOKE_FIRST);
    assert_int_equal(CALL(CNODE, SEL4_CNODE_REVOKE, CAPS(0), 60, 64), SEL4_NO_ERROR);
    assert_int_equal(send(60), SEL4_NO_ERROR);
    assert_int_equal(receive(60), SEL4_NO_ERROR);
    assert_int_equal(host_mr(0), CHANNEL_MEMORY);

    /* an IPI */
    slot_insert_original(cap_ipi(7, 0x50), slot_of(62));
    assert_int_equal(send(62), SEL4_NO_ERROR);
    assert_int_equal(receive(63), SEL4_NO_ERROR);
    assert_int_equal(host_mr(0), CHANNEL_IPI);
    assert_int_equal(host_mr(1), 0x5000000007);
    assert_true(slot_of(63)->cap.w0 == cap_ipi(7, 0x50).w0 && slot_of(63)->cap.w1 == cap_ipi(7, 0x50).w1);
}

/* Each refusal changes nothing (CALL compares the whole kernel) and nothing in the mailbox. */
static void refused(word_t error, word_t label)
{
    static const char nothing[4096];
    assert_int_equal(label, error);
    assert_memory_equal(&sent, nothing, 4096);
    assert_memory_equal(&taken, nothing, 4096);
}

static void refuses_what_may_not_move(void **state)
{
    (void)state;
    refused(SEL4_INVALID_CAPABILITY, send(UNTYPED));      /* memory of this kernel */
    refused(SEL4_INVALID_CAPABILITY, send(FRAMES));       /* frame-only, but not for this channel */
    refused(SEL4_INVALID_CAPABILITY, send(CNODE));
    refused(SEL4_INVALID_CAPABILITY, send(SENDER));
    refused(SEL4_INVALID_CAPABILITY, send(100));          /* an empty slot */
    refused(SEL4_INVALID_CAPABILITY, CALL(OTHER, ATOLL_CHANNEL_SEND, CAPS(FIRST)));
    refused(SEL4_TRUNCATED_MESSAGE, CALL(SENDER, ATOLL_CHANNEL_SEND, CAPS(0)));
    refused(SEL4_ILLEGAL_OPERATION, CALL(SENDER, ATOLL_CHANNEL_RECEIVE, CAPS(CNODE), 60, 64));
    refused(SEL4_ILLEGAL_OPERATION, CALL(RECEIVER, ATOLL_CHANNEL_SEND, CAPS(FIRST)));
    refused(SEL4_ILLEGAL_OPERATION, CALL(SENDER, 1, CAPS(FIRST)));
    refused(SEL4_TRUNCATED_MESSAGE, CALL(RECEIVER, ATOLL_CHANNEL_RECEIVE, CAPS(CNODE), 60));
    refused(SEL4_TRUNCATED_MESSAGE, CALL(RECEIVER, ATOLL_CHANNEL_RECEIVE, CAPS(0), 60, 64));
    refused(SEL4_DELETE_FIRST, receive(FIRST));
    refused(SEL4_RANGE_ERROR, CALL(RECEIVER, ATOLL_CHANNEL_RECEIVE, CAPS(CNODE), 60, 65));

    /* a frame made of it: a mapping may exist */
    assert_int_equal(CALL(FIRST, SEL4_UNTYPED_RETYPE, CAPS(CNODE), SEL4_X86_4K_PAGE, 0, 0, 0, 60, 1), SEL4_NO_ERROR);
    refused(SEL4_REVOKE_FIRST, send(FIRST));
    refused(SEL4_INVALID_CAPABILITY, send(60));
    assert_int_equal(CALL(CNODE, SEL4_CNODE_REVOKE, CAPS(0), FIRST, 64), SEL4_NO_ERROR);
    /* a copy: which of both? */
    assert_int_equal(CALL(CNODE, SEL4_CNODE_COPY, CAPS(CNODE), 60, 64, FIRST, 64, SEL4_ALL_RIGHTS), SEL4_NO_ERROR);
    refused(SEL4_REVOKE_FIRST, send(FIRST));
    refused(SEL4_ILLEGAL_OPERATION, send(60));
    assert_int_equal(CALL(CNODE, SEL4_CNODE_DELETE, CAPS(0), 60, 64), SEL4_NO_ERROR);
    /* a part: what it is part of could hand it out again */
    assert_int_equal(CALL(FIRST, SEL4_UNTYPED_RETYPE, CAPS(CNODE), SEL4_UNTYPED, 21, 0, 0, 60, 1), SEL4_NO_ERROR);
    refused(SEL4_ILLEGAL_OPERATION, send(60));
    /* without its parent it is a whole */
    assert_int_equal(CALL(CNODE, SEL4_CNODE_DELETE, CAPS(0), FIRST, 64), SEL4_NO_ERROR);
    assert_int_equal(send(60), SEL4_NO_ERROR);

    /* copies of an IPI, of which the original is gone */
    begin(NULL);
    slot_insert_original(cap_ipi(7, 0x50), slot_of(62));
    assert_int_equal(CALL(CNODE, SEL4_CNODE_COPY, CAPS(CNODE), 63, 64, 62, 64, SEL4_ALL_RIGHTS), SEL4_NO_ERROR);
    assert_int_equal(CALL(CNODE, SEL4_CNODE_COPY, CAPS(CNODE), 64, 64, 62, 64, SEL4_ALL_RIGHTS), SEL4_NO_ERROR);
    refused(SEL4_REVOKE_FIRST, send(62));
    assert_int_equal(CALL(CNODE, SEL4_CNODE_DELETE, CAPS(0), 62, 64), SEL4_NO_ERROR);
    refused(SEL4_REVOKE_FIRST, send(64));
    refused(SEL4_REVOKE_FIRST, send(63));
    assert_int_equal(CALL(CNODE, SEL4_CNODE_DELETE, CAPS(0), 63, 64), SEL4_NO_ERROR);
    host.in_use = true;
    refused(SEL4_DELETE_FIRST, send(64));
    host.in_use = false;
    assert_int_equal(send(64), SEL4_NO_ERROR);
}

static void sizes(void **state)
{
    (void)state;
    kernel.movables[0] = (struct movable){CHANNEL_MEMORY, 3, 0, BIT(40), pool_here};
    slot_insert_original(cap_untyped(POOL, 20, true, 0), slot_of(60));
    slot_insert_original(cap_untyped(BIT(31), 31, true, 0), slot_of(61));
    refused(SEL4_RANGE_ERROR, send(60));
    assert_true(host_mr(0) == CHANNEL_UNIT_BITS && host_mr(1) == CHANNEL_MAX_BITS);
    refused(SEL4_RANGE_ERROR, send(61));

    /* 1 GiB: whole words of the record */
    static word_t large[16];
    memset(large, 0xff, sizeof large);
    kernel.movables[0] = (struct movable){CHANNEL_MEMORY, 3, BIT(30), BIT(31), large};
    slot_insert_original(cap_untyped(BIT(31), 30, true, 0), slot_of(62));
    assert_int_equal(send(62), SEL4_NO_ERROR);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(large[i], i < 8 ? ~0ull : 0);
    assert_int_equal(receive(63), SEL4_NO_ERROR);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(large[i], ~0ull);
}

/* Nobody receives: an error when the mailbox is full; and when room is made, all arrives in order, once. */
static void fills_and_empties(void **state)
{
    (void)state;
    static word_t here[4];
    memset(here, 0xff, sizeof here);
    kernel.movables[0] = (struct movable){CHANNEL_MEMORY, 3, 0x200000000, BIT(28), here};
    for (unsigned round = 0, sent_count = 0; round < 3; round++) {
        word_t error = SEL4_NO_ERROR;
        unsigned n = 0;
        for (;; n++) {
            slot_insert_original(cap_untyped(0x200000000 + n % 128 * TWO_MIB, 21, true, 0), slot_of(70));
            error = send(70);
            if (error)
                break;
        }
        assert_int_equal(error, SEL4_NOT_ENOUGH_MEMORY);
        assert_int_equal(n, CHANNEL_RECORDS);
        assert_int_equal(CALL(CNODE, SEL4_CNODE_DELETE, CAPS(0), 70, 64), SEL4_NO_ERROR);
        sent_count += n;
        for (n = 0; n < CHANNEL_RECORDS; n++) {
            assert_int_equal(receive(71), SEL4_NO_ERROR);
            assert_int_equal(untyped_paddr(slot_of(71)->cap), 0x200000000 + n * TWO_MIB);
            assert_int_equal(CALL(CNODE, SEL4_CNODE_DELETE, CAPS(0), 71, 64), SEL4_NO_ERROR);
        }
        assert_int_equal(receive(71), SEL4_NO_ERROR);
        assert_int_equal(host_mr(0), CHANNEL_NOTHING);
        assert_int_equal(taken.taken.taken, sent_count);
    }
    /* a peer that says it has taken more, or less, than it can have */
    static const uint64_t lies[] = {~0ull, 385, 384 - 128, 0};
    for (unsigned i = 0; i < ARRAY_SIZE(lies); i++) {
        taken.taken.taken = lies[i];
        slot_insert_original(cap_untyped(0x200000000, 21, true, 0), slot_of(70));
        assert_int_equal(send(70), SEL4_NOT_ENOUGH_MEMORY);
        assert_int_equal(CALL(CNODE, SEL4_CNODE_DELETE, CAPS(0), 70, 64), SEL4_NO_ERROR);
    }
}

/* Whatever the other kernel writes: nothing arrives that is not a thing for this channel, aligned and not here. */
static void hostile_records(void **state)
{
    (void)state;
    static const struct { word_t kind, value, size_bits; } wrong[] = {
        {0, 0, 0}, {4, POOL, 21}, {CHANNEL_MEMORY | BIT(32), POOL, 21}, {CHANNEL_MEMORY, POOL, 21}, {CHANNEL_MEMORY, POOL, 20},
        {CHANNEL_MEMORY, POOL, 22}, {CHANNEL_MEMORY, POOL, 0}, {CHANNEL_MEMORY, POOL, 64 + 21}, {CHANNEL_MEMORY, POOL + 4096, 21},
        {CHANNEL_MEMORY, POOL - TWO_MIB, 21}, {CHANNEL_MEMORY, POOL + PIECES * TWO_MIB, 21}, {CHANNEL_MEMORY, POOL, 30}, {CHANNEL_MEMORY, 0, 63},
        {CHANNEL_MEMORY, WINDOW_PADDR, 21}, {CHANNEL_MEMORY, ~0ull << 21, 21}, {CHANNEL_MEMORY, POOL + TWO_MIB, 22}, {CHANNEL_IPI, 0x5000000007, 0},
        {CHANNEL_IPI, 0x5000000008, 0}, {CHANNEL_IPI, 0x5000000007, 21}, {CHANNEL_REQUESTERS, 0x01000100, 0}};
    pool_here[0] &= ~BIT(1 + 2); /* the third piece is not here: it alone, and only it, may come */
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        sent.sent.records[0] = (struct channel_record){1, wrong[i].kind, wrong[i].value, wrong[i].size_bits};
        assert_int_equal(receive(60), SEL4_INVALID_CAPABILITY);
        assert_int_equal(taken.taken.taken, 0);
        assert_true(slot_is_empty(slot_of(60)));
    }
    host.log[host.log_length] = 0;
    assert_non_null(strstr(host.log, "channel test: record 1 (kind 0, 0x0, size 0) is nothing that may come here"));
    assert_ptr_equal(strstr(strstr(host.log, "channel test") + 1, "channel test"), NULL); /* once */
    static const uint64_t sequences[] = {0, 2, ~0ull, 129, 1ull << 32 | 1};
    for (unsigned i = 0; i < ARRAY_SIZE(sequences); i++) {
        sent.sent.records[0] = (struct channel_record){sequences[i], CHANNEL_MEMORY, POOL + 2 * TWO_MIB, 21};
        assert_int_equal(receive(60), SEL4_NO_ERROR);
        assert_int_equal(host_mr(0), CHANNEL_NOTHING);
    }
    slot_clear(slot_of(FIRST + 2));
    sent.sent.records[0].sequence = 1;
    assert_int_equal(receive(60), SEL4_NO_ERROR);
    assert_int_equal(host_mr(0), CHANNEL_MEMORY);
    assert_int_equal(copies_of(POOL + 2 * TWO_MIB), 1);
}

/* Many moves at random: every piece is in one place at any time, and the record says which. */
static void nothing_is_lost_or_doubled(void **state)
{
    (void)state;
    uint64_t random = 88172645463325252ull;
    for (unsigned step = 0; step < 4000; step++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        word_t slot = FIRST + random % 6;
        word_t error = random >> 32 & 1 ? send(slot) : receive(slot);
        assert_true(error == SEL4_NO_ERROR || error == SEL4_INVALID_CAPABILITY || error == SEL4_DELETE_FIRST);
        for (word_t i = 0; i < PIECES; i++) {
            assert_int_equal(copies_of(POOL + i * TWO_MIB), 1);
            bool in_mailbox = true;
            for (word_t s = FIRST; s < FIRST + 6; s++)
                in_mailbox &= untyped_paddr(slot_of(s)->cap) != POOL + i * TWO_MIB;
            assert_int_equal(pool_here[0] >> (i + 1) & 1, !in_mailbox);
        }
    }
    assert_true(taken.taken.taken > 500);
}

static void lost_memory_is_told(void **state)
{
    (void)state;
    assert_int_equal(CALL(CNODE, SEL4_CNODE_COPY, CAPS(CNODE), 60, 64, FIRST, 64, SEL4_ALL_RIGHTS), SEL4_NO_ERROR);
    assert_int_equal(CALL(CNODE, SEL4_CNODE_DELETE, CAPS(0), 60, 64), SEL4_NO_ERROR);
    assert_int_equal(host.log_length, 0);
    assert_int_equal(CALL(CNODE, SEL4_CNODE_DELETE, CAPS(0), FIRST, 64), SEL4_NO_ERROR);
    host.log[host.log_length] = 0;
    assert_string_equal(host.log, "memory [0x100200000-0x100400000): its last capability is deleted; nobody has it until the machine starts again\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(moves_and_says_what, begin),       cmocka_unit_test_setup(refuses_what_may_not_move, begin),
        cmocka_unit_test_setup(sizes, begin),                     cmocka_unit_test_setup(fills_and_empties, begin),
        cmocka_unit_test_setup(hostile_records, begin),           cmocka_unit_test_setup(nothing_is_lost_or_doubled, begin),
        cmocka_unit_test_setup(lost_memory_is_told, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
