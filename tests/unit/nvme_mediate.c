/* Mediation of an admin queue: the allow-list, command by command, and what reaches the controller (tests/unit/nvme_model.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "mediate.h"
#include "nvme_model.h"
#include "registers.h"

#define M nvme_model
#define GIB 0x40000000ull
static const struct mediate_memory memory = {3 * GIB, GIB};
static struct mediate m;
static char why[128];

static int power_on(void **unused)
{
    struct nvme_memory admin = nvme_model_memory(0);
    (void)unused;
    nvme_model_power_on();
    m = (struct mediate){.memory = memory};
    assert_true(mediate_start(&m, &admin, why, sizeof why));
    return 0;
}

static uint16_t judge(uint8_t opcode, uint32_t dword10) { return mediate_judge(&memory, &(struct nvme_command){.opcode = opcode, .dword10 = dword10}); }

/* Every opcode there can be: what is not on the list is an invalid one. */
static void opcodes(void **unused)
{
    static const uint8_t known[] = {0x00, 0x01, 0x02, 0x04, 0x05, 0x06, 0x08, 0x09, 0x0a};
    (void)unused;
    for (unsigned i = 0; i < 256; i++) {
        bool listed = memchr(known, (int)i, sizeof known) != NULL;
        assert_int_equal(judge((uint8_t)i, 0) == NVME_STATUS(0, 1), !listed);
    }
    /* by name: what would reach a neighbour, or the SSD */
    static const uint8_t others[] = {ADMIN_NAMESPACE_MANAGEMENT, ADMIN_NAMESPACE_ATTACHMENT, ADMIN_VIRTUALIZATION, 0x10 /* firmware commit */,
                                     0x11 /* firmware download */, 0x14 /* self-test */, 0x19 /* directive send */, 0x7c /* doorbells in memory */,
                                     0x80 /* format */, 0x81 /* security send */, 0x84 /* sanitize */, 0xc0 /* vendor's */};
    struct mediate_answer a;
    for (unsigned i = 0; i < sizeof others; i++) {
        unsigned executed = M.executed;
        assert_false(mediate_command(&m, &(struct nvme_command){.opcode = others[i], .namespace_id = 2}, &a));
        assert_int_equal(a.status, NVME_STATUS(0, 1));
        assert_int_equal(M.executed, executed); /* the controller never heard of it */
        assert_int_equal(m.refused, i + 1);
        assert_int_equal(m.refused_opcode, others[i]);
    }
}

static void identify_own(void **unused)
{
    static const uint8_t own[] = {0, 1, 2, 3, 5, 6, 7, 8, 0x1c};
    (void)unused;
    for (unsigned cns = 0; cns < 256; cns++)
        assert_int_equal(judge(ADMIN_IDENTIFY, cns) == 0, memchr(own, (int)cns, sizeof own) != NULL);
    assert_int_equal(judge(ADMIN_IDENTIFY, CNS_ALLOCATED), NVME_STATUS(0, 2));
    assert_int_equal(judge(ADMIN_IDENTIFY, CNS_SECONDARY), NVME_STATUS(0, 2));
    assert_int_equal(judge(ADMIN_IDENTIFY, CNS_CONTROLLER | 2u << 16), NVME_STATUS(0, 2)); /* another controller's */
}

static void logs_and_features(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < 256; i++) {
        assert_int_equal(judge(ADMIN_GET_LOG, i) == 0, i == 1 || (i >= 3 && i <= 5));
        assert_int_equal(judge(ADMIN_SET_FEATURES, i) == 0, i == 1 || (i >= 7 && i <= 9) || i == 0x0b);
        assert_int_equal(judge(ADMIN_GET_FEATURES, i) == 0, i == 1 || (i >= 4 && i <= 0x0b));
        assert_int_not_equal(judge(ADMIN_SET_FEATURES, i | 1u << 31), 0); /* saved for later lives */
    }
    assert_int_equal(judge(ADMIN_GET_LOG, 2), NVME_STATUS(1, 9));
}

static uint16_t judge_at(uint8_t opcode, uint64_t at, uint32_t entries, uint32_t dword11)
{
    return mediate_judge(&memory, &(struct nvme_command){.opcode = opcode, .data = {at}, .dword10 = 1 | (entries - 1) << 16, .dword11 = dword11 | 1u << 16});
}

static void queues_in_memory(void **unused)
{
    (void)unused;
    for (unsigned k = 0; k < 2; k++) {
        uint8_t opcode = k ? ADMIN_CREATE_SUBMISSION : ADMIN_CREATE_COMPLETION;
        uint32_t bytes = (k ? 64 : 16) * 256;
        assert_int_equal(judge_at(opcode, 0x1000, 256, 1), 0);
        assert_int_equal(judge_at(opcode, 3 * GIB - bytes, 256, 1), 0);
        assert_int_not_equal(judge_at(opcode, 3 * GIB - bytes + 4096, 512, 1), 0); /* into the hole, where admin queues are */
        assert_int_not_equal(judge_at(opcode, 3 * GIB, 256, 1), 0);
        assert_int_equal(judge_at(opcode, 4 * GIB, 256, 1), 0);
        assert_int_equal(judge_at(opcode, 5 * GIB - bytes, 256, 1), 0);
        assert_int_not_equal(judge_at(opcode, 5 * GIB - 4096, 512, 1), 0);
        assert_int_not_equal(judge_at(opcode, ~0ull & ~4095ull, 65536, 1), 0); /* around the end */
        assert_int_not_equal(judge_at(opcode, 0x1000, 256, 0), 0); /* in pieces */
        assert_int_not_equal(judge_at(opcode, 0x1040, 256, 1), 0);
    }
    struct nvme_command zero = {.opcode = ADMIN_CREATE_SUBMISSION, .data = {0x1000}, .dword10 = 1, .dword11 = 1};
    assert_int_equal(mediate_judge(&memory, &zero), NVME_STATUS(1, 0)); /* completions to the admin queue */
    zero.dword11 |= 1u << 16;
    assert_int_equal(mediate_judge(&memory, &zero), 0);
    for (unsigned opcode = ADMIN_DELETE_SUBMISSION; opcode <= ADMIN_CREATE_COMPLETION; opcode++) {
        zero.opcode = (uint8_t)opcode;
        zero.dword10 = 0; /* the admin queue itself */
        if (opcode != 2 && opcode != 3)
            assert_int_equal(mediate_judge(&memory, &zero), NVME_STATUS(1, 1));
    }
    assert_int_not_equal(mediate_judge(&memory, &(struct nvme_command){.opcode = ADMIN_IDENTIFY, .flags = 0x40}), 0); /* scatter lists */
    assert_int_not_equal(mediate_judge(&memory, &(struct nvme_command){.opcode = ADMIN_IDENTIFY, .flags = 1}), 0);    /* fused */
}

static void passes_on(void **unused)
{
    struct nvme_memory page = nvme_model_memory(10);
    struct mediate_answer a;
    (void)unused;
    struct nvme_command c = {.opcode = ADMIN_IDENTIFY, .id = 0x7777, .dword10 = CNS_CONTROLLER, .data = {page.device}};
    memset(page.at, 0xff, NVME_PAGE);
    assert_true(mediate_command(&m, &c, &a));
    assert_int_equal(a.status, 0);
    assert_int_equal(((uint8_t *)page.at)[CONTROLLER_COMMAND_SIZES], 0x66); /* straight to the guest's memory */
    c = (struct nvme_command){.opcode = ADMIN_DELETE_SUBMISSION, .dword10 = 9};
    assert_true(mediate_command(&m, &c, &a));
    assert_int_equal(a.status, 0x101); /* the controller's own refusal */
    unsigned executed = M.executed;
    c = (struct nvme_command){.opcode = ADMIN_ABORT, .dword10 = 5u << 16};
    assert_true(mediate_command(&m, &c, &a));
    assert_int_equal(a.status, 0);
    assert_int_equal(a.result, 1);
    assert_int_equal(M.executed, executed); /* commands of the real admin queue are not the guest's to abort */
    assert_int_equal(m.passed, 3);
    assert_int_equal(m.refused, 0);
}

/* Somebody who has the doorbells rings the admin queue's: nothing but entries without effect is there, and mediation ends until a new start. */
static void a_stranger_rings(void **unused)
{
    struct mediate_answer a;
    struct nvme_memory admin = nvme_model_memory(0);
    struct nvme_command c = {.opcode = ADMIN_GET_FEATURES, .dword10 = 7};
    (void)unused;
    assert_true(mediate_command(&m, &c, &a));
    unsigned executed = M.executed;
    nvme_write(NVME_DOORBELLS, 0); /* all around the ring, over what has been there */
    assert_int_equal(M.executed, executed + NVME_ENTRIES_MAX - 2);
    assert_int_equal(M.last_opcode, 0x7f);
    assert_true(mediate_command(&m, &c, &a));
    assert_int_equal(a.status, NVME_STATUS(0, 6));
    assert_true(mediate_command(&m, &c, &a));
    assert_int_equal(a.status, NVME_STATUS(0, 6));
    assert_int_equal(M.attached[1], 1);
    assert_true(mediate_start(&m, &admin, why, sizeof why));
    assert_true(mediate_command(&m, &c, &a));
    assert_int_equal(a.status, 0);
}

static void on_and_off(void **unused)
{
    struct mediate_answer a;
    struct nvme_command c = {.opcode = ADMIN_GET_FEATURES, .dword10 = 7};
    (void)unused;
    assert_int_equal(m.capabilities, M.cap);
    assert_true(mediate_stop(&m, why, sizeof why));
    assert_int_equal(M.cc & 1, 0);
    assert_true(mediate_command(&m, &c, &a));
    assert_int_equal(a.status, NVME_STATUS(0, 6));
    M.cap |= 1ull << 57 | 1ull << 56 | 1ull << 36 | 4ull << 52; /* controller memory buffer, persistent memory, subsystem reset, large pages: not told */
    power_on(NULL);
    M.cap |= 1ull << 57 | 1ull << 56 | 1ull << 36 | 4ull << 52;
    assert_true(mediate_stop(&m, why, sizeof why));
    assert_int_equal(m.capabilities, M.cap & ~(1ull << 57 | 1ull << 56 | 1ull << 36 | 4ull << 52));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(opcodes, power_on),       cmocka_unit_test_setup(identify_own, power_on),
        cmocka_unit_test_setup(logs_and_features, power_on), cmocka_unit_test_setup(queues_in_memory, power_on),
        cmocka_unit_test_setup(passes_on, power_on),     cmocka_unit_test_setup(a_stranger_rings, power_on),
        cmocka_unit_test_setup(on_and_off, power_on),
    };
    return cmocka_run_group_tests_name("nvme_mediate", tests, NULL, NULL);
}
