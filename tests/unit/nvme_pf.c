/* The SSD's PF driver against a model: a virtual function gets its queues, vectors and namespace, nobody else has that, all is taken away again, and an
 * SSD that does not do what it says is noticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "nvme_model.h"
#include "pf.h"

#define M nvme_model

static struct ssd_config config;
static struct ssd ssd;
static char why[VF_REASON_MAX];

static bool start(void)
{
    struct nvme_memory memory = nvme_model_memory(0);
    return ssd_start(&ssd, &config, &memory, why, sizeof why);
}

static int power_on(void **unused)
{
    (void)unused;
    nvme_model_power_on();
    config = (struct ssd_config){.magic = SSD_CONFIG_MAGIC, .name = "ssd0", .vf_count = 3,
                                 .vfs = {{1, 2, 2, 1}, {0, 0, 0, 0}, {1, 3, 2, 1}}};
    return 0;
}

static uint32_t request(unsigned vf, uint64_t lease, uint32_t command)
{
    struct vf_request r = {1, lease, command};
    struct vf_answer a;
    ssd_request(&ssd, vf, &r, &a);
    assert_int_equal(a.lease, lease);
    memcpy(why, a.reason, sizeof why);
    return a.status;
}

static void is_off(unsigned controller)
{
    assert_false(M.secondaries[controller].online);
    assert_int_equal(M.secondaries[controller].queues, 0);
    assert_int_equal(M.secondaries[controller].vectors, 0);
    for (unsigned ns = 1; ns <= NVME_MODEL_NAMESPACES; ns++)
        assert_false(M.attached[ns] >> controller & 1);
}

static void starts_with_all_off(void **unused)
{
    (void)unused;
    M.attached[2] = 1 << 1 | 1 << 2; /* a former system's */
    M.attached[4] = 1 << 3;
    for (unsigned i = 1; i <= 3; i++)
        M.secondaries[i] = (__typeof__(M.secondaries[0])){true, 2, 1};
    assert_true(start());
    for (unsigned i = 1; i <= 3; i++)
        is_off(i);
    assert_int_equal(M.attached[1], 1); /* the primary's own stays */
    assert_int_equal(M.out_of_memory, 0);
}

static void gives_and_takes(void **unused)
{
    (void)unused;
    assert_true(start());
    assert_int_equal(request(0, 1, VF_QUIESCE), VF_DONE);
    M.attached[2] = 1 | 1 << 4; /* whoever had it */
    assert_int_equal(request(0, 1, VF_PROGRAM), VF_DONE);
    assert_true(M.secondaries[1].online);
    assert_int_equal(M.secondaries[1].queues, 2);
    assert_int_equal(M.secondaries[1].vectors, 1);
    assert_int_equal(M.attached[2], 1 << 1);
    assert_int_equal(M.attached[3], 0);
    assert_int_equal(request(2, 1, VF_PROGRAM), VF_DONE);
    assert_int_equal(M.attached[3], 1 << 3);
    assert_int_equal(M.attached[2], 1 << 1);
    assert_int_equal(request(0, 1, VF_QUIESCE), VF_DONE);
    is_off(1);
    assert_true(M.secondaries[3].online); /* its neighbour goes on */
    assert_int_equal(M.attached[3], 1 << 3);
    M.attached[4] |= 1 << 1; /* also another one that it came by */
    assert_int_equal(request(0, 2, VF_PROGRAM), VF_DONE);
    assert_int_equal(M.attached[4], 0);
    assert_int_equal(M.attached[2], 1 << 1);
    assert_int_equal(M.out_of_memory, 0);
}

static void refuses_the_past_and_the_unknown(void **unused)
{
    (void)unused;
    assert_true(start());
    assert_int_equal(request(0, 5, VF_PROGRAM), VF_DONE);
    unsigned executed = M.executed;
    assert_int_equal(request(0, 4, VF_QUIESCE), VF_STALE);
    assert_int_equal(request(0, 5, VF_PROGRAM), VF_STALE);
    assert_int_equal(request(1, 6, VF_PROGRAM), VF_UNKNOWN); /* nobody's */
    assert_int_equal(request(3, 6, VF_PROGRAM), VF_UNKNOWN);
    assert_int_equal(request(VF_MAX, 6, VF_PROGRAM), VF_UNKNOWN);
    assert_int_equal(request(0, 6, 3), VF_UNKNOWN);
    assert_int_equal(M.executed, executed);
    assert_int_equal(M.attached[2], 1 << 1);
}

static void fails(enum nvme_model_flaw flaw, uint32_t command, const char *reason)
{
    power_on(NULL);
    assert_true(start());
    assert_int_equal(request(0, 1, VF_PROGRAM), VF_DONE);
    if (command == VF_PROGRAM)
        assert_int_equal(request(0, 1, VF_QUIESCE), VF_DONE);
    M.flaw = flaw;
    assert_int_equal(request(0, 2, command), VF_FAILED);
    assert_non_null(strstr(why, reason));
}

static void notices_what_was_not_done(void **unused)
{
    (void)unused;
    fails(FLAW_STAYS_ATTACHED, VF_QUIESCE, "namespace 2 reads back as attached to it as well");
    fails(FLAW_STAYS_ONLINE, VF_QUIESCE, "0x1c is refused");
    fails(FLAW_KEEPS_QUEUES, VF_QUIESCE, "reads back as controller 1, offline, 2 queues, 0 vectors");
    fails(FLAW_ATTACHES_NOT, VF_PROGRAM, "namespace 2 reads back as not its own alone");
    is_off(1); /* nothing is left half done */
    fails(FLAW_ATTACHES_ALL, VF_PROGRAM, "namespace 2 reads back as not its own alone");
    fails(FLAW_LONG_LIST, VF_QUIESCE, "controllers of namespace 1 is too long");
    fails(FLAW_SILENT, VF_PROGRAM, "no completion in time");
    power_on(NULL); /* somebody else keeps the namespace */
    assert_true(start());
    M.attached[2] = 1 << 2;
    M.flaw = FLAW_STAYS_ATTACHED;
    assert_int_equal(request(0, 1, VF_PROGRAM), VF_FAILED);
    assert_non_null(strstr(why, "stays attached"));
}

static void does_not_start(const char *reason)
{
    assert_false(start());
    assert_non_null(strstr(why, reason));
    power_on(NULL);
}

static void refuses_what_is_not_there(void **unused)
{
    (void)unused;
    config.vfs[0].namespace_id = NVME_MODEL_NAMESPACES + 1;
    does_not_start("no namespace 5");
    config.vfs[2].namespace_id = 2;
    does_not_start("both to have namespace 2");
    config.vfs[0].queues = 3;
    does_not_start("2 to 2 and 1 to 1");
    config.vfs[0].vectors = 0;
    does_not_start("2 to 2 and 1 to 1");
    config.vf_count = NVME_MODEL_SECONDARIES + 1;
    does_not_start("no controller of virtual function 4");
    config.vf_count = VF_MAX + 1;
    does_not_start("are possible");
}

/* What the SSD has told is kept in memory that it cannot write. */
static void lists_do_not_change_later(void **unused)
{
    (void)unused;
    assert_true(start());
    assert_int_equal(request(0, 1, VF_PROGRAM), VF_DONE);
    memset(M.memory, 0xff, sizeof M.memory);
    assert_ptr_not_equal(ssd.nvme.told, ssd.nvme.data);
    assert_int_equal(ssd.nvme.told[0], 0); /* of the last namespace: attached to nobody */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(starts_with_all_off, power_on), cmocka_unit_test_setup(gives_and_takes, power_on),
        cmocka_unit_test_setup(refuses_the_past_and_the_unknown, power_on), cmocka_unit_test_setup(notices_what_was_not_done, power_on),
        cmocka_unit_test_setup(refuses_what_is_not_there, power_on), cmocka_unit_test_setup(lists_do_not_change_later, power_on),
    };
    return cmocka_run_group_tests_name("nvme_pf", tests, NULL, NULL);
}
