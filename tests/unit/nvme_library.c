/* The NVMe library against a model of a controller: bring-up, data, and that a controller which says what cannot be is not believed. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "nvme.h"
#include "nvme_model.h"
#include "registers.h"

#define M nvme_model
#define DATA 16u /* page of the arena */

static struct nvme n;
static struct nvme_queue q;
static char why[200];

static int power_on(void **unused)
{
    (void)unused;
    nvme_model_power_on();
    return 0;
}

static void start(void)
{
    struct nvme_memory admin = nvme_model_memory(0), io = nvme_model_memory(NVME_ADMIN_PAGES);
    assert_true(nvme_start(&n, &admin, why, sizeof why));
    assert_true(nvme_queue_create(&n, &q, 1, 0, &io, why, sizeof why));
}

static void comes_up(void **unused)
{
    (void)unused;
    memset(M.memory, 0xff, sizeof M.memory); /* completions of a life before are not taken for new ones */
    start();
    assert_int_equal(M.aqa, (NVME_ENTRIES_MAX - 1) << 16 | (NVME_ENTRIES_MAX - 1));
    assert_int_equal(M.asq, NVME_MODEL_DEVICE);
    assert_int_equal(M.acq, NVME_MODEL_DEVICE + NVME_PAGE);
    assert_int_equal(M.cc, 1 | 6 << 16 | 4 << 20);
    assert_true(n.write_cache);
    assert_int_equal(n.transfer_max, NVME_TRANSFER_MAX);
    struct nvme_namespace ns;
    assert_true(nvme_namespace(&n, 1, &ns, why, sizeof why));
    assert_int_equal(ns.blocks, NVME_MODEL_BLOCKS);
    assert_int_equal(ns.block_bits, 9);
    assert_false(nvme_namespace(&n, 2, &ns, why, sizeof why)); /* another's */
    assert_non_null(strstr(why, "not attached"));
    assert_true(nvme_stop(&n, why, sizeof why));
    assert_int_equal(M.cc & 1, 0);
    assert_false(nvme_admin(&n, &(struct nvme_command){.opcode = ADMIN_GET_LOG}, NULL, why, sizeof why));
    start(); /* once more, and from a controller that is on: */
    start();
    assert_int_equal(M.out_of_memory, 0);
}

static void is_refused(enum nvme_model_flaw flaw, const char *sentence)
{
    struct nvme_memory admin = nvme_model_memory(0);

    nvme_model_power_on();
    if (flaw == FLAW_NEVER_IDLE)
        start();
    M.flaw = flaw;
    assert_false(nvme_start(&n, &admin, why, sizeof why));
    assert_non_null(strstr(why, sentence));
    assert_true(M.delayed_us < 40000000);
    if (flaw != FLAW_NEVER_READY)
        return;
    nvme_model_power_on();
    M.cap |= 0xffull << 24; /* CAP.TO: it asks for more than two minutes */
    M.flaw = flaw;
    assert_false(nvme_start(&n, &admin, why, sizeof why));
    assert_true(M.delayed_us <= 30100000);
}

static void does_not_come_up(void **unused)
{
    (void)unused;
    is_refused(FLAW_NEVER_READY, "does not become ready");
    is_refused(FLAW_NEVER_IDLE, "does not become idle");
    is_refused(FLAW_FATAL, "fatal status");
    is_refused(FLAW_ABSENT, "do not answer");
    is_refused(FLAW_SILENT, "no completion in time");
    is_refused(FLAW_WRONG_ID, "belongs to no command");
}

static void capabilities_refused(void **unused)
{
    struct nvme_memory admin = nvme_model_memory(0);
    (void)unused;
    M.cap &= ~(1ull << 37);
    assert_false(nvme_start(&n, &admin, why, sizeof why));
    assert_non_null(strstr(why, "CAP.CSS"));
    nvme_model_power_on();
    M.cap |= 1ull << 48;
    assert_false(nvme_start(&n, &admin, why, sizeof why));
    assert_non_null(strstr(why, "CAP.MPSMIN"));
    nvme_model_power_on();
    M.cap &= ~0xffffull;
    assert_false(nvme_start(&n, &admin, why, sizeof why));
    assert_non_null(strstr(why, "CAP.MQES"));
    nvme_model_power_on();
    M.cap |= 10ull << 32; /* doorbells on other pages, where other things are mapped */
    assert_false(nvme_start(&n, &admin, why, sizeof why));
    assert_non_null(strstr(why, "CAP.DSTRD"));
    nvme_model_power_on();
    start();
    assert_false(nvme_queue_create(&n, &q, NVME_QUEUES_MAX, 0, &admin, why, sizeof why));
    assert_false(nvme_queue_create(&n, &q, 0, 0, &admin, why, sizeof why));
    nvme_model_power_on();
    M.cap = (M.cap & ~0xffffull) | 3; /* four entries: smaller rings, the same work */
    start();
    assert_int_equal(q.entries, 4);
    for (unsigned i = 0; i < 20; i++)
        assert_true(nvme_execute(&n, &q, &(struct nvme_command){.namespace_id = 1}, 0, 0, why, sizeof why));
    assert_int_equal(M.flushes, 20);
}

static void data_moves(void **unused)
{
    struct nvme_memory data = nvme_model_memory(DATA);
    uint8_t pattern[NVME_TRANSFER_MAX];
    struct nvme_command c;

    (void)unused;
    start();
    for (unsigned pages = 1; pages <= NVME_TRANSFER_MAX / NVME_PAGE; pages++) { /* one address, two, a list */
        uint32_t bytes = pages * NVME_PAGE;
        memset(M.disk, 0, sizeof M.disk);
        for (unsigned i = 0; i < bytes; i++)
            pattern[i] = (uint8_t)(i * 7 + i / NVME_PAGE + pages);
        memcpy(data.at, pattern, bytes);
        unsigned blocks = bytes / 512, first = NVME_MODEL_BLOCKS - blocks;
        c = nvme_command_write(1, first, (uint16_t)blocks);
        assert_true(nvme_execute(&n, &q, &c, data.device, bytes, why, sizeof why));
        assert_memory_equal(M.disk + 512 * first, pattern, bytes);
        memset(data.at, 0, bytes);
        c = nvme_command_read(1, first, (uint16_t)blocks);
        assert_true(nvme_execute(&n, &q, &c, data.device, bytes, why, sizeof why));
        assert_memory_equal(data.at, pattern, bytes);
    }
    c = nvme_command_flush(1);
    assert_true(nvme_execute(&n, &q, &c, 0, 0, why, sizeof why));
    assert_int_equal(M.flushes, 1);
    c = nvme_command_read(1, NVME_MODEL_BLOCKS, 1); /* beyond the end: its status, and it goes on */
    assert_false(nvme_execute(&n, &q, &c, data.device, 512, why, sizeof why));
    assert_non_null(strstr(why, "status 0x80"));
    c = nvme_command_read(1, 0, 1);
    assert_true(nvme_execute(&n, &q, &c, data.device, 512, why, sizeof why));
    for (unsigned i = 0; i < 3 * NVME_ENTRIES_MAX; i++) /* around the rings */
        assert_true(nvme_execute(&n, &q, &c, data.device, 512, why, sizeof why));
    assert_int_equal(M.out_of_memory, 0);
}

static void rings_fill(void **unused)
{
    struct nvme_command c = nvme_command_flush(1);
    struct nvme_completion done;
    uint64_t seen = 0;
    uint16_t id;

    (void)unused;
    start();
    for (unsigned i = 0; i < NVME_ENTRIES_MAX - 1; i++) {
        assert_true(nvme_submit(&n, &q, &c, 0, 0, &id));
        assert_false(seen >> id & 1);
        seen |= 1ull << id;
    }
    assert_false(nvme_submit(&n, &q, &c, 0, 0, &id)); /* full */
    for (unsigned i = 0; i < NVME_ENTRIES_MAX - 1; i++) {
        assert_int_equal(nvme_poll(&n, &q, &done), NVME_DONE);
        assert_true(seen >> done.id & 1);
        seen &= ~(1ull << done.id);
    }
    assert_int_equal(nvme_poll(&n, &q, &done), NVME_NOTHING);
    assert_true(nvme_submit(&n, &q, &c, 0, 0, &id));
    assert_false(nvme_submit(&n, &q, &c, NVME_MODEL_DEVICE + 512, 512, &id)); /* not at a page's start */
    assert_false(nvme_submit(&n, &q, &c, NVME_MODEL_DEVICE, NVME_TRANSFER_MAX + 1, &id));
}

static void lies(enum nvme_model_flaw flaw)
{
    struct nvme_command c = nvme_command_flush(1);
    struct nvme_completion done;
    uint16_t id;

    nvme_model_power_on();
    start();
    assert_true(nvme_execute(&n, &q, &c, 0, 0, why, sizeof why));
    M.flaw = flaw;
    assert_true(nvme_submit(&n, &q, &c, 0, 0, &id));
    if (flaw == FLAW_TWICE)
        assert_int_equal(nvme_poll(&n, &q, &done), NVME_DONE);
    assert_int_equal(nvme_poll(&n, &q, &done), NVME_BROKEN);
    M.flaw = FLAW_NONE;
    assert_int_equal(nvme_poll(&n, &q, &done), NVME_BROKEN); /* for good */
    assert_false(nvme_submit(&n, &q, &c, 0, 0, &id));
    assert_false(nvme_identify(&n, CNS_CONTROLLER, 0, 0, why, sizeof why));
    assert_non_null(strstr(why, "not believed"));
    start(); /* but for a new start */
    assert_true(nvme_execute(&n, &q, &c, 0, 0, why, sizeof why));
}

static void liars_are_not_believed(void **unused)
{
    (void)unused;
    lies(FLAW_WRONG_ID);
    lies(FLAW_WRONG_QUEUE);
    lies(FLAW_HEAD_BEYOND);
    lies(FLAW_HEAD_AHEAD);
    lies(FLAW_TWICE);
}

/* The controller may read an entry between any two instructions. This looks at it after each: whenever the entry has an opcode that means something, all the
 * rest is of that command. */
static struct nvme_command seen_whole, *watched;
static unsigned looks, torn, meaningful;

static void look(int number)
{
    struct nvme_command now;
    signal(number, look); /* it is forgotten each time */
    memcpy(&now, watched, sizeof now);
    looks++;
    if (now.opcode == 0x7f)
        return;
    meaningful++;
    torn += now.namespace_id != seen_whole.namespace_id || now.dword10 != seen_whole.dword10 || now.dword11 != seen_whole.dword11 ||
            now.dword12 != seen_whole.dword12;
}

static void step_through(bool on)
{
    if (on)
        __asm__ volatile("sub $128, %%rsp; pushfq; orq $0x100, (%%rsp); popfq; add $128, %%rsp" ::: "memory", "cc");
    else
        __asm__ volatile("sub $128, %%rsp; pushfq; andq $~0x100, (%%rsp); popfq; add $128, %%rsp" ::: "memory", "cc");
}

static void entries_are_whole(void **unused)
{
    struct nvme_command c = {.opcode = ADMIN_DELETE_SUBMISSION, .namespace_id = 0x11111111, .dword10 = 0x22222222, .dword11 = 0x33333333, .dword12 = 0x44444444};
    (void)unused;
    start();
    signal(SIGTRAP, look);
    for (unsigned i = 0; i < NVME_ENTRIES_MAX + 2; i++) { /* around the ring: over entries of before */
        watched = (struct nvme_command *)(uintptr_t)&n.admin.commands[n.admin.tail];
        c.dword10++;
        c.dword12 += 3;
        c.opcode = i % 2 ? ADMIN_GET_FEATURES : ADMIN_DELETE_SUBMISSION;
        seen_whole = c;
        step_through(true);
        nvme_admin(&n, &c, NULL, why, sizeof why);
        step_through(false);
        assert_int_equal(watched->opcode, 0x7f); /* nor is it read again later */
        assert_int_equal(watched->dword10, 0);
    }
    signal(SIGTRAP, SIG_DFL);
    assert_true(looks > 1000 && meaningful > 100);
    assert_int_equal(torn, 0);
}

static void silence_ends(void **unused)
{
    struct nvme_command c = nvme_command_flush(1);
    struct nvme_memory admin = nvme_model_memory(0);
    (void)unused;
    start();
    M.flaw = FLAW_SILENT;
    assert_false(nvme_execute(&n, &q, &c, 0, 0, why, sizeof why));
    assert_non_null(strstr(why, "no completion in time"));
    assert_true(M.delayed_us <= n.timeout_ms * 1000ull + 1000);
    M.flaw = FLAW_NONE;
    assert_false(nvme_execute(&n, &q, &c, 0, 0, why, sizeof why)); /* memory may still be written for the lost one */
    assert_true(nvme_start(&n, &admin, why, sizeof why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(comes_up, power_on),         cmocka_unit_test_setup(does_not_come_up, power_on),
        cmocka_unit_test_setup(capabilities_refused, power_on), cmocka_unit_test_setup(data_moves, power_on),
        cmocka_unit_test_setup(rings_fill, power_on),       cmocka_unit_test_setup(liars_are_not_believed, power_on),
        cmocka_unit_test_setup(silence_ends, power_on),     cmocka_unit_test_setup(entries_are_whole, power_on),
    };
    return cmocka_run_group_tests_name("nvme_library", tests, NULL, NULL);
}
