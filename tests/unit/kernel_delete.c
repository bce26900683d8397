/* Revoke and delete: families of copies, containers in containers, loops, all of it preempted at every chance. */
#include "host_arch.h"

static int start(void **state)
{
    (void)state;
    host_start();
    return 0;
}

static word_t finish(word_t cptr, word_t label, word_t slot)
{
    for (unsigned tries = 0; tries < 100000; tries++) {
        word_t e = CALL(cptr, label, CAPS(0), slot, 64);
        if (e != HOST_PREEMPTED)
            return e;
    }
    fail_msg("no end");
    return 0;
}
#define DELETE(slot) finish(CNODE, SEL4_CNODE_DELETE, slot)
#define REVOKE(slot) finish(CNODE, SEL4_CNODE_REVOKE, slot)
#define COPY(root, to, depth, from) CALL(root, SEL4_CNODE_COPY, CAPS(CNODE), to, depth, from, 64, SEL4_ALL_RIGHTS)
#define MINT(to, from, badge) CALL(CNODE, SEL4_CNODE_MINT, CAPS(CNODE), to, 64, from, 64, SEL4_ALL_RIGHTS, badge)

static void nothing_is_left(void)
{
    assert_int_equal(REVOKE(UNTYPED), SEL4_NO_ERROR);
    assert_null(slot_next(slot_of(UNTYPED)));
    host.interrupt_every = 0;
    assert_int_equal(host_retype(SEL4_UNTYPED, 20, FREE, 2), SEL4_NO_ERROR);
}

static void revoking_an_original_takes_the_copies(void **state)
{
    (void)state;
    assert_int_equal(host_retype(SEL4_TCB, 0, 20, 1), SEL4_NO_ERROR);
    assert_int_equal(COPY(CNODE, 21, 64, 20), SEL4_NO_ERROR);
    assert_int_equal(COPY(CNODE, 22, 64, 21), SEL4_NO_ERROR);
    assert_int_equal(REVOKE(21), SEL4_NO_ERROR); /* a copy is no parent */
    assert_false(slot_is_empty(slot_of(22)));
    assert_int_equal(REVOKE(20), SEL4_NO_ERROR);
    assert_true(slot_is_empty(slot_of(21)));
    assert_true(slot_is_empty(slot_of(22)));
    assert_int_equal(cap_tag(slot_of(20)->cap), CAP_TCB);
    nothing_is_left();
}

static void badges_are_families(void **state)
{
    (void)state;
    assert_int_equal(host_retype(SEL4_ENDPOINT, 0, 20, 1), SEL4_NO_ERROR);
    assert_int_equal(MINT(21, 20, 1), SEL4_NO_ERROR);
    assert_int_equal(MINT(22, 20, 2), SEL4_NO_ERROR);
    assert_int_equal(COPY(CNODE, 23, 64, 21), SEL4_NO_ERROR);
    assert_int_equal(COPY(CNODE, 24, 64, 22), SEL4_NO_ERROR);
    assert_int_equal(MINT(25, 20, 1), SEL4_NO_ERROR); /* the same badge, another family */
    assert_int_equal(COPY(CNODE, 26, 64, 25), SEL4_NO_ERROR);
    assert_int_equal(REVOKE(21), SEL4_NO_ERROR);
    assert_true(slot_is_empty(slot_of(23)));
    assert_false(slot_is_empty(slot_of(24)));
    assert_false(slot_is_empty(slot_of(26)));
    assert_int_equal(DELETE(25), SEL4_NO_ERROR);
    assert_int_equal(REVOKE(21), SEL4_NO_ERROR);
    assert_int_equal(REVOKE(20), SEL4_NO_ERROR);
    for (word_t i = 21; i <= 26; i++)
        assert_true(slot_is_empty(slot_of(i)));
    nothing_is_left();
}

static void untyped_copies_do_not_share_memory(void **state)
{
    (void)state;
    assert_int_equal(host_retype(SEL4_UNTYPED, 16, 20, 1), SEL4_NO_ERROR);
    assert_int_equal(COPY(CNODE, 21, 64, 20), SEL4_NO_ERROR);
    assert_int_equal(CALL(20, SEL4_UNTYPED_RETYPE, CAPS(CNODE), SEL4_TCB, 0, 0, 0, 30, 1), SEL4_NOT_ENOUGH_MEMORY);
    assert_int_equal(CALL(21, SEL4_UNTYPED_RETYPE, CAPS(CNODE), SEL4_TCB, 0, 0, 0, 30, 1), SEL4_NO_ERROR);
    assert_int_equal(COPY(CNODE, 22, 64, 21), SEL4_REVOKE_FIRST);
    nothing_is_left();
}

/* CNode 20 holds 21's last capability, that holds 22's, ... */
static void nested_cnodes(unsigned depth, unsigned every)
{
    for (unsigned i = 0; i < depth; i++)
        assert_int_equal(host_retype(SEL4_CNODE, 2, 20 + i, 1), SEL4_NO_ERROR);
    assert_int_equal(host_retype(SEL4_TCB, 0, 400, 1), SEL4_NO_ERROR);
    for (unsigned i = depth - 1; i > 0; i--) {
        cap_t c = slot_of(20 + i - 1)->cap;
        slot_move(slot_of(20 + i)->cap, slot_of(20 + i), (struct slot *)object_at(cnode_offset(c)) + i % 4);
        assert_int_equal(COPY(CNODE, 20 + i, 64, 400), SEL4_NO_ERROR);
        c = slot_of(20 + i - 1)->cap;
        slot_move(slot_of(20 + i)->cap, slot_of(20 + i), (struct slot *)object_at(cnode_offset(c)) + (i + 1) % 4);
    }
    host.interrupt_every = every;
}

static void containers_in_containers(void **state)
{
    (void)state;
    for (unsigned every = 0; every < 3; every++) {
        host_start();
        nested_cnodes(300, every);
        assert_int_equal(DELETE(20), SEL4_NO_ERROR);
        assert_true(slot_is_empty(slot_of(20)));
        /* all that the CNodes held is gone: the thread's capability is the last one */
        assert_true(slot_is_final(slot_of(400)));
        nothing_is_left();
    }
}

static void containers_revoked_in_the_middle_of_their_deletion(void **state)
{
    (void)state;
    for (unsigned calls = 1; calls < 12; calls++) {
        host_start();
        nested_cnodes(300, 1);
        for (unsigned i = 0; i < calls; i++)
            CALL(CNODE, SEL4_CNODE_DELETE, CAPS(0), 20, 64);
        nothing_is_left(); /* by the memory, not by the slot */
        assert_true(slot_is_empty(slot_of(20)));
        assert_int_equal(DELETE(20), SEL4_NO_ERROR);
    }
}

static void a_cnode_that_holds_itself(void **state)
{
    (void)state;
    for (word_t at = 0; at < 4; at++) {
        assert_int_equal(host_retype(SEL4_CNODE, 2, 20, 1), SEL4_NO_ERROR);
        struct slot *inside = (struct slot *)object_at(cnode_offset(slot_of(20)->cap)) + at;
        slot_move(slot_of(20)->cap, slot_of(20), inside);
        nothing_is_left();
        assert_int_equal(REVOKE(UNTYPED), SEL4_NO_ERROR);
    }
}

static void two_cnodes_that_hold_each_other(void **state)
{
    (void)state;
    for (word_t k = 0; k < 16; k++)
        for (unsigned every = 0; every < 2; every++) {
            host_start();
            assert_int_equal(host_retype(SEL4_CNODE, 2, 20, 2), SEL4_NO_ERROR);
            host.interrupt_every = every;
            struct slot *in_a = (struct slot *)object_at(cnode_offset(slot_of(20)->cap)) + k % 4;
            struct slot *in_b = (struct slot *)object_at(cnode_offset(slot_of(21)->cap)) + k / 4;
            slot_move(slot_of(21)->cap, slot_of(21), in_a);
            slot_move(slot_of(20)->cap, slot_of(20), in_b);
            nothing_is_left();
        }
}

/* X in N, where N's last capability is in the CNode that X names: the root of a deletion lies in what it deletes. */
static void the_root_of_a_deletion_inside_of_it(void **state)
{
    (void)state;
    for (word_t k = 0; k < 64; k++) {
        host_start();
        assert_int_equal(host_retype(SEL4_CNODE, 2, 20, 3), SEL4_NO_ERROR); /* Z, N, Y */
        struct slot *in_n = (struct slot *)object_at(cnode_offset(slot_of(21)->cap)) + k % 4;
        struct slot *in_z = (struct slot *)object_at(cnode_offset(slot_of(20)->cap)) + k / 4 % 4;
        struct slot *in_y = (struct slot *)object_at(cnode_offset(slot_of(22)->cap)) + k / 16;
        slot_move(slot_of(20)->cap, slot_of(20), in_n); /* Z's capability lies in N ... */
        slot_insert(slot_of(21)->cap, slot_of(21), in_y);
        slot_move(slot_of(21)->cap, slot_of(21), in_z); /* ... and N's in Z and in Y */
        /* delete Z by way of N, stopped at once and after some steps; then Y, and with it the last way to N */
        host.interrupt_every = 1;
        kernel.work_units = WORK_UNITS_PER_CHECK;
        (void)slot_delete(in_n);
        for (unsigned i = 0; i < k % 5; i++) {
            kernel.work_units = WORK_UNITS_PER_CHECK;
            if (cap_tag(in_n->cap) == CAP_ZOMBIE)
                (void)slot_delete(in_n);
        }
        assert_int_equal(DELETE(22), SEL4_NO_ERROR);
        nothing_is_left();
    }
}

static void deleting_a_thread_empties_its_slots(void **state)
{
    (void)state;
    struct tcb *t = host_thread(20, 100, false);
    assert_int_equal(CALL(20, SEL4_TCB_RESUME, CAPS(0)), SEL4_NO_ERROR);
    assert_true(t->in_ready_queue);
    assert_int_equal(DELETE(20), SEL4_NO_ERROR);
    assert_null(kernel.ready_head[100]);
    assert_ptr_equal(kernel.all_threads, root);
    assert_true(slot_is_empty(&t->cspace));
    assert_null(sc_of(21)->tcb);
    nothing_is_left();
}

static void an_irq_handler_goes_with_its_notification(void **state)
{
    (void)state;
    assert_int_equal(host_retype(SEL4_NOTIFICATION, 0, 20, 1), SEL4_NO_ERROR);
    assert_int_equal(CALL(IRQ_CONTROL, SEL4_IRQ_CONTROL_GET, CAPS(CNODE), 33, 21, 64), SEL4_NO_ERROR);
    assert_int_equal(CALL(IRQ_CONTROL, SEL4_IRQ_CONTROL_GET, CAPS(CNODE), 33, 22, 64), SEL4_REVOKE_FIRST);
    assert_int_equal(MINT(22, 20, 0x10), SEL4_NO_ERROR);
    assert_int_equal(CALL(21, SEL4_IRQ_HANDLER_SET_NOTIFICATION, CAPS(TCB)), SEL4_INVALID_CAPABILITY);
    assert_int_equal(CALL(21, SEL4_IRQ_HANDLER_SET_NOTIFICATION, CAPS(22)), SEL4_NO_ERROR);
    handle_interrupt(33);
    assert_int_equal(host.masked_irq, 33);
    assert_int_equal(notification_of(20)->word, 0x10);
    assert_int_equal(CALL(21, SEL4_IRQ_HANDLER_ACK, CAPS(0)), SEL4_NO_ERROR);
    assert_int_equal(host.masked_irq, 0);
    assert_int_equal(DELETE(21), SEL4_NO_ERROR);
    assert_true(slot_is_empty(&kernel.irq_slots[33]));
    assert_int_equal(kernel.irq_state[33], IRQ_INACTIVE);
    assert_int_equal(CALL(IRQ_CONTROL, SEL4_IRQ_CONTROL_GET, CAPS(CNODE), 33, 21, 64), SEL4_NO_ERROR);
    assert_int_equal(CALL(21, SEL4_IRQ_HANDLER_SET_NOTIFICATION, CAPS(20)), SEL4_NO_ERROR);
    nothing_is_left();
    assert_true(slot_is_empty(&kernel.irq_slots[33]));
}

/* Replacing a thread's CSpace deletes the old one, which may hold the last capability to the caller, whose CSpace may hold the last one
 * to the thread: then nothing may be put into what is left of that thread. */
static void a_thread_that_goes_with_its_old_cspace(void **state)
{
    (void)state;
    enum { CALLER = 20, THREAD = 24, OLD = 25, OWN = 26, OWN_WITH_GUARD = 27, NEW = 28 };
    struct tcb *caller = host_thread(CALLER, 255, false);
    assert_int_equal(host_retype(SEL4_TCB, 0, THREAD, 1), SEL4_NO_ERROR);
    struct tcb *thread = tcb_of(THREAD);
    assert_int_equal(host_retype(SEL4_CNODE, 2, OLD, 2), SEL4_NO_ERROR);
    assert_int_equal(host_retype(SEL4_CNODE, 2, NEW, 1), SEL4_NO_ERROR);
    assert_int_equal(CALL(THREAD, SEL4_TCB_SET_SPACE, CAPS(0, OLD, VSPACE), 62, 0), SEL4_NO_ERROR);
    /* The caller's own CSpace: slot 1 the thread, slot 2 root's CNode, which stays. */
    word_t guard = 64 - ROOT_RADIX - 2;
    assert_int_equal(MINT(OWN_WITH_GUARD, OWN, guard), SEL4_NO_ERROR);
    assert_int_equal(CALL(OWN_WITH_GUARD, SEL4_CNODE_MINT, CAPS(CNODE), 2, guard + 2, CNODE, 64, SEL4_ALL_RIGHTS, 0), SEL4_NO_ERROR);
    assert_int_equal(CALL(CALLER, SEL4_TCB_SET_SPACE, CAPS(0, OWN_WITH_GUARD, VSPACE), 0, 0), SEL4_NO_ERROR);
    assert_int_equal(CALL(CALLER, SEL4_TCB_RESUME, CAPS(0)), SEL4_NO_ERROR);
    /* Each only by the next: OLD in the thread, the caller in OLD, the caller's CSpace in the caller, the thread in that. */
    assert_int_equal(CALL(OLD, SEL4_CNODE_MOVE, CAPS(CNODE), 1, 2, CALLER, 64), SEL4_NO_ERROR);
    assert_int_equal(CALL(OWN_WITH_GUARD, SEL4_CNODE_MOVE, CAPS(CNODE), 1, guard + 2, THREAD, 64), SEL4_NO_ERROR);
    assert_int_equal(DELETE(OLD), SEL4_NO_ERROR);
    assert_int_equal(DELETE(OWN), SEL4_NO_ERROR);
    assert_int_equal(DELETE(OWN_WITH_GUARD), SEL4_NO_ERROR);
    host_syscall(SEL4_SYS_YIELD);
    assert_ptr_equal(kernel.current, caller);
    word_t in_root = 2ull << ROOT_RADIX;
    CALL(1ull << ROOT_RADIX, SEL4_TCB_SET_SPACE, CAPS(3ull << ROOT_RADIX, in_root | NEW, in_root | VSPACE), 0, 0);
    assert_ptr_equal(kernel.current, root);
    assert_true(slot_is_empty(&thread->cspace));
    assert_true(slot_is_empty(&thread->vspace));
    nothing_is_left();
}

/* ---- many threads at one object ---- */

enum { CROWD = 3 * WORK_UNITS_PER_CHECK, CROWD_TCBS = 200 };

static unsigned waiting(void)
{
    unsigned n = 0;
    for (word_t i = 0; i < CROWD; i++)
        n += tcb_of(CROWD_TCBS + i)->state != THREAD_RUNNING;
    return n;
}

static void crowd_at(word_t slot)
{
    assert_int_equal(host_retype(SEL4_TCB, 0, CROWD_TCBS, CROWD), SEL4_NO_ERROR);
    for (word_t i = 0; i < CROWD; i++) {
        struct tcb *t = tcb_of(CROWD_TCBS + i);
        if (cap_tag(slot_of(slot)->cap) == CAP_NOTIFICATION)
            notification_wait(t, notification_of(slot), true);
        else
            endpoint_send(t, object_at(cap_offset48(slot_of(slot)->cap)), i % 2 ? 7 : 8, SEL4_ALL_RIGHTS, true, false, false);
    }
    assert_int_equal(waiting(), CROWD);
    host.interrupt_every = 1;
}

/* The deletion stops where an interrupt waits; what is left of the capability serves nobody; in the end all are released. */
static void a_crowd_is_released_in_steps(void **state)
{
    (void)state;
    static const word_t types[] = {SEL4_ENDPOINT, SEL4_NOTIFICATION};
    for (unsigned i = 0; i < 2; i++) {
        host_start();
        assert_int_equal(host_retype(types[i], 0, 20, 1), SEL4_NO_ERROR);
        crowd_at(20);
        assert_int_equal(CALL(CNODE, SEL4_CNODE_DELETE, CAPS(0), 20, 64), HOST_PREEMPTED);
        assert_in_range(waiting(), CROWD - WORK_UNITS_PER_CHECK, CROWD - 1);
        assert_int_equal(CALL(20, 0, CAPS(0)), SEL4_INVALID_CAPABILITY);
        assert_int_equal(DELETE(20), SEL4_NO_ERROR);
        assert_true(slot_is_empty(slot_of(20)));
        assert_int_equal(waiting(), 0);
        nothing_is_left();
    }
}

/* The same inside a container that goes, and when a copy is left nobody is released. */
static void a_crowd_inside_a_container(void **state)
{
    (void)state;
    assert_int_equal(host_retype(SEL4_ENDPOINT, 0, 20, 1), SEL4_NO_ERROR);
    assert_int_equal(host_retype(SEL4_CNODE, 2, 21, 1), SEL4_NO_ERROR);
    assert_int_equal(COPY(21, 1, 2, 20), SEL4_NO_ERROR);
    crowd_at(20);
    assert_int_equal(DELETE(20), SEL4_NO_ERROR);
    assert_int_equal(waiting(), CROWD);
    assert_int_equal(CALL(CNODE, SEL4_CNODE_DELETE, CAPS(0), 21, 64), HOST_PREEMPTED);
    assert_int_equal(DELETE(21), SEL4_NO_ERROR);
    assert_int_equal(waiting(), 0);
    nothing_is_left();
}

static void one_badge_is_cancelled_in_steps(void **state)
{
    (void)state;
    assert_int_equal(host_retype(SEL4_ENDPOINT, 0, 20, 1), SEL4_NO_ERROR);
    assert_int_equal(MINT(21, 20, 7), SEL4_NO_ERROR);
    crowd_at(20);
    assert_int_equal(CALL(CNODE, SEL4_CNODE_CANCEL_BADGED_SENDS, CAPS(0), 21, 64), HOST_PREEMPTED);
    assert_in_range(waiting(), CROWD / 2 + 1, CROWD - 1);
    assert_int_equal(finish(CNODE, SEL4_CNODE_CANCEL_BADGED_SENDS, 21), SEL4_NO_ERROR);
    assert_int_equal(waiting(), CROWD / 2);
    for (word_t i = 0; i < CROWD; i += 2)
        assert_int_equal(tcb_of(CROWD_TCBS + i)->state, THREAD_BLOCKED_ON_SEND);
    nothing_is_left();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(revoking_an_original_takes_the_copies, start),
        cmocka_unit_test_setup(badges_are_families, start),
        cmocka_unit_test_setup(untyped_copies_do_not_share_memory, start),
        cmocka_unit_test_setup(containers_in_containers, start),
        cmocka_unit_test_setup(containers_revoked_in_the_middle_of_their_deletion, start),
        cmocka_unit_test_setup(a_cnode_that_holds_itself, start),
        cmocka_unit_test_setup(two_cnodes_that_hold_each_other, start),
        cmocka_unit_test_setup(the_root_of_a_deletion_inside_of_it, start),
        cmocka_unit_test_setup(deleting_a_thread_empties_its_slots, start),
        cmocka_unit_test_setup(a_thread_that_goes_with_its_old_cspace, start),
        cmocka_unit_test_setup(an_irq_handler_goes_with_its_notification, start),
        cmocka_unit_test_setup(a_crowd_is_released_in_steps, start),
        cmocka_unit_test_setup(a_crowd_inside_a_container, start),
        cmocka_unit_test_setup(one_badge_is_cancelled_in_steps, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
