/* The VF lease: every step from every state, a failure of each step, late commands, the PF driver's loss at each point. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "lease.h"

struct fake {
    char log[256]; /* one letter per step done, 'B' for block */
    int fail;      /* the step that fails; -1: none */
};

static enum lease_outcome fake_step(void *context, enum lease_step step, uint64_t number, char *why, size_t size)
{
    struct fake *f = context;
    assert_true(number != 0);
    strcat(f->log, (const char *[]){"q", "r", "v", "p", "g", "?"}[step]);
    if ((int)step == f->fail) {
        snprintf(why, size, "step %d says no", (int)step);
        return LEASE_STEP_FAILED;
    }
    return LEASE_STEP_DONE;
}

static void fake_block(void *context) { strcat(((struct fake *)context)->log, "B"); }

static struct lease_hardware hardware(struct fake *f) { return (struct lease_hardware){fake_step, fake_block, f}; }

/* From each state exactly these steps lead on; all others do nothing at all. */
static void every_step_from_every_state(void **unused)
{
    (void)unused;
    static const int to[LEASE_STATES][LEASE_STEPS] = {
        [LEASE_FREE] = {LEASE_QUIESCED, -1, -1, -1, -1, -1},
        [LEASE_QUIESCED] = {-1, LEASE_RESET, -1, -1, -1, -1},
        [LEASE_RESET] = {-1, -1, LEASE_VERIFIED, -1, -1, -1},
        [LEASE_VERIFIED] = {-1, -1, -1, LEASE_PROGRAMMED, -1, LEASE_FREE},
        [LEASE_PROGRAMMED] = {-1, -1, -1, -1, LEASE_LEASED, -1},
        [LEASE_LEASED] = {LEASE_QUIESCED, -1, -1, -1, -1, -1},
        [LEASE_QUARANTINED] = {-1, -1, -1, -1, -1, -1},
        [LEASE_BLOCKED] = {LEASE_QUIESCED, -1, -1, -1, -1, -1},
    };
    for (int state = 0; state < LEASE_STATES; state++)
        for (int step = 0; step < LEASE_STEPS; step++) {
            struct fake f = {.fail = -1};
            struct lease_hardware hw = hardware(&f);
            struct lease l = {.state = state, .number = 7};
            enum lease_result r = lease_step(&l, &hw, 7, step);
            assert_int_equal(r, to[state][step] < 0 ? LEASE_OUT_OF_TURN : LEASE_DONE);
            assert_int_equal(l.state, to[state][step] < 0 ? state : to[state][step]);
            assert_int_equal(strlen(f.log), to[state][step] < 0 || step == LEASE_GIVE_BACK ? 0 : 1);
        }
}

static void take_and_end(void **unused)
{
    (void)unused;
    struct fake f = {.fail = -1};
    struct lease_hardware hw = hardware(&f);
    struct lease l = {0};
    for (uint64_t n = 1; n <= 3; n++) {
        f.log[0] = 0;
        assert_int_equal(lease_take(&l, &hw), n);
        assert_int_equal(l.state, LEASE_LEASED);
        assert_string_equal(f.log, "qrvpg");
        assert_int_equal(lease_take(&l, &hw), 0); /* it is somebody's */
        assert_string_equal(f.log, "qrvpg");
        assert_int_equal(lease_end(&l, &hw, n), LEASE_DONE);
        assert_int_equal(l.state, LEASE_FREE);
        assert_string_equal(f.log, "qrvpgqrv");
        assert_int_equal(lease_end(&l, &hw, n), LEASE_OUT_OF_TURN); /* twice */
        assert_string_equal(f.log, "qrvpgqrv");
    }
}

static void failures_quarantine(void **unused)
{
    (void)unused;
    static const char *const names[] = {"quiesce", "reset", "verify the reset", "program", "bind"};
    for (int fail = 0; fail <= LEASE_GRANT; fail++) {
        struct fake f = {.fail = fail};
        struct lease_hardware hw = hardware(&f);
        struct lease l = {0};
        char want[100], log[16] = "qrvpg";
        assert_int_equal(lease_take(&l, &hw), 0);
        assert_int_equal(l.state, LEASE_QUARANTINED);
        snprintf(want, sizeof want, "cannot %s: step %d says no", names[fail], fail);
        assert_string_equal(l.reason, want);
        strcpy(log + fail + 1, "B"); /* blocked at once, and no further step */
        assert_string_equal(f.log, log);
        assert_int_equal(lease_take(&l, &hw), 0); /* it stays there */
        assert_int_equal(lease_end(&l, &hw, 1), LEASE_OUT_OF_TURN);
        assert_string_equal(f.log, log);
    }
    for (int fail = 0; fail <= LEASE_VERIFY; fail++) { /* on the way back */
        struct fake f = {.fail = -1};
        struct lease_hardware hw = hardware(&f);
        struct lease l = {0};
        assert_int_equal(lease_take(&l, &hw), 1);
        f.fail = fail;
        assert_int_equal(lease_end(&l, &hw, 1), LEASE_FAILED);
        assert_int_equal(l.state, LEASE_QUARANTINED);
        assert_int_equal(f.log[strlen(f.log) - 1], 'B');
    }
}

static void late_commands_do_nothing(void **unused)
{
    (void)unused;
    struct fake f = {.fail = -1};
    struct lease_hardware hw = hardware(&f);
    struct lease l = {0};
    lease_take(&l, &hw);
    lease_end(&l, &hw, 1);
    lease_take(&l, &hw);
    f.log[0] = 0;
    for (int step = 0; step < LEASE_STEPS; step++)
        assert_int_equal(lease_step(&l, &hw, 1, step), LEASE_STALE);
    assert_int_equal(lease_end(&l, &hw, 1), LEASE_STALE);
    assert_int_equal(lease_end(&l, &hw, 3), LEASE_STALE);
    assert_string_equal(f.log, "");
    assert_int_equal(l.state, LEASE_LEASED);
    assert_int_equal(l.number, 2);
}

/* The PF driver is removed in the middle: the steps that need it fail from then on, wherever the lease was; DMA is blocked. When it is there again, or
 * was only slow, the next lease begins from the beginning, and goes through every step. */
static enum lease_outcome fake_without_pf(void *context, enum lease_step step, uint64_t number, char *why, size_t size)
{
    struct fake *f = context;
    enum lease_outcome outcome = fake_step(context, step, number, why, size);
    if (f->fail == 100 && (step == LEASE_QUIESCE || step == LEASE_PROGRAM)) {
        snprintf(why, size, "the PF driver of nic0 does not answer");
        return LEASE_STEP_UNANSWERED;
    }
    return outcome;
}

static void pf_driver_gone(void **unused)
{
    (void)unused;
    static const char *const reason[LEASE_QUARANTINED] = {
        [LEASE_FREE] = "quiesce", [LEASE_QUIESCED] = "program", [LEASE_RESET] = "program", [LEASE_VERIFIED] = "program",
        [LEASE_PROGRAMMED] = "quiesce", [LEASE_LEASED] = "quiesce"};
    static const enum lease_step next[LEASE_QUARANTINED] = {LEASE_QUIESCE, LEASE_DO_RESET, LEASE_VERIFY, LEASE_PROGRAM, LEASE_GRANT, LEASE_QUIESCE};
    for (int state = 0; state < LEASE_QUARANTINED; state++) {
        struct fake f = {.fail = 100};
        struct lease_hardware hw = {fake_without_pf, fake_block, &f};
        struct lease l = {.state = state, .number = 1};
        char want[100];
        for (unsigned i = 0; i < 8 && l.state != LEASE_BLOCKED; i++)
            lease_step(&l, &hw, 1, next[l.state]);
        snprintf(want, sizeof want, "cannot %s: the PF driver of nic0 does not answer", reason[state]);
        assert_string_equal(l.reason, want);
        assert_int_equal(f.log[strlen(f.log) - 1], 'B');
        assert_int_equal(lease_end(&l, &hw, 1), LEASE_OUT_OF_TURN); /* it is nobody's */
        assert_int_equal(lease_take(&l, &hw), 0);
        assert_int_equal(l.state, LEASE_BLOCKED);
        f.fail = -1;
        f.log[0] = 0;
        assert_int_equal(lease_take(&l, &hw), 3); /* the number of the attempt is used up */
        assert_string_equal(f.log, "qrvpg");
        assert_int_equal(l.state, LEASE_LEASED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_step_from_every_state), cmocka_unit_test(take_and_end), cmocka_unit_test(failures_quarantine),
        cmocka_unit_test(late_commands_do_nothing), cmocka_unit_test(pf_driver_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
