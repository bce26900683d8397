/* Scheduling contexts: budgets, periods, the release queue, time-outs, yields. One microsecond is 1000 ticks. */
#include "host_arch.h"

enum { EP = 100, NOTIFICATION, REPLY, A = 110, B = 120 };
#define US 1000ull

static int start(void **state)
{
    (void)state;
    host_start();
    assert_int_equal(host_retype(SEL4_ENDPOINT, 0, EP, 1), SEL4_NO_ERROR);
    assert_int_equal(host_retype(SEL4_NOTIFICATION, 0, NOTIFICATION, 1), SEL4_NO_ERROR);
    assert_int_equal(host_retype(SEL4_REPLY, 0, REPLY, 1), SEL4_NO_ERROR);
    return 0;
}

static word_t configure(word_t sc, word_t budget, word_t period, word_t extra, word_t badge, word_t flags)
{
    return CALL(SCHED_CONTROL, SEL4_SCHED_CONTROL_CONFIGURE_FLAGS, CAPS(sc), budget, period, extra, badge, flags);
}
static void resume(word_t cptr) { assert_int_equal(CALL(cptr, SEL4_TCB_RESUME, CAPS(0)), SEL4_NO_ERROR); }
static void root_waits(word_t cptr)
{
    root->context.rdi = cptr;
    root->context.r12 = REPLY;
    host_syscall(cptr == EP ? SEL4_SYS_RECV : SEL4_SYS_WAIT);
}
static void root_wakes(void)
{
    notification_signal(notification_of(NOTIFICATION), 1);
    schedule();
    invariants_check();
    assert_ptr_equal(kernel.current, root);
}

static void parameters_have_limits(void **state)
{
    (void)state;
    host_thread(A, 100, false);
    assert_int_equal(configure(A + 1, SEL4_MIN_BUDGET_US, SEL4_MIN_BUDGET_US, 0, 0, 0), SEL4_NO_ERROR);
    assert_int_equal(configure(A + 1, 19, 1000, 0, 0, 0), SEL4_RANGE_ERROR);
    assert_int_equal(configure(A + 1, 20, 0, 0, 0, 0), SEL4_RANGE_ERROR);
    assert_int_equal(configure(A + 1, 20, 19, 0, 0, 0), SEL4_RANGE_ERROR);
    assert_int_equal(configure(A + 1, 200, 100, 0, 0, 0), SEL4_RANGE_ERROR);
    assert_int_equal(configure(A + 1, ~0ull, ~0ull, 0, 0, 0), SEL4_RANGE_ERROR);
    assert_int_equal(configure(A + 1, 100, 200, 9, 0, 0), SEL4_RANGE_ERROR); /* 256 bytes hold 8 extra */
    assert_int_equal(configure(A + 1, 100, 200, 8, 0, 0), SEL4_NO_ERROR);
    assert_int_equal(configure(A, 100, 200, 0, 0, 0), SEL4_INVALID_CAPABILITY);
    assert_int_equal(CALL(SCHED_CONTROL, SEL4_SCHED_CONTROL_CONFIGURE_FLAGS, CAPS(A + 1), 1, 2, 3, 4), SEL4_TRUNCATED_MESSAGE);
    assert_int_equal(CALL(SCHED_CONTROL, 0, CAPS(0)), SEL4_ILLEGAL_OPERATION);
}

static void binding_has_rules(void **state)
{
    (void)state;
    host_thread(A, 100, false);
    host_thread(B, 100, true);
    assert_int_equal(CALL(A + 1, SEL4_SCHED_CONTEXT_BIND, CAPS(B)), SEL4_ILLEGAL_OPERATION);
    assert_int_equal(CALL(A + 1, SEL4_SCHED_CONTEXT_BIND, CAPS(CNODE)), SEL4_INVALID_CAPABILITY);
    assert_int_equal(CALL(A + 1, SEL4_SCHED_CONTEXT_UNBIND_OBJECT, CAPS(B)), SEL4_ILLEGAL_OPERATION);
    assert_int_equal(CALL(A + 1, SEL4_SCHED_CONTEXT_UNBIND_OBJECT, CAPS(EP)), SEL4_INVALID_CAPABILITY);
    assert_int_equal(CALL(SC, SEL4_SCHED_CONTEXT_UNBIND_OBJECT, CAPS(TCB)), SEL4_ILLEGAL_OPERATION);
    assert_int_equal(CALL(A + 1, SEL4_SCHED_CONTEXT_UNBIND_OBJECT, CAPS(A)), SEL4_NO_ERROR);
    assert_int_equal(CALL(A + 1, SEL4_SCHED_CONTEXT_BIND, CAPS(B)), SEL4_NO_ERROR);
    assert_int_equal(CALL(A + 1, SEL4_SCHED_CONTEXT_BIND, CAPS(NOTIFICATION)), SEL4_NO_ERROR); /* may be lent as well */
    assert_int_equal(CALL(A + 1, SEL4_SCHED_CONTEXT_BIND, CAPS(NOTIFICATION)), SEL4_ILLEGAL_OPERATION);
    assert_int_equal(CALL(A + 1, SEL4_SCHED_CONTEXT_BIND, CAPS(A)), SEL4_ILLEGAL_OPERATION);
    assert_int_equal(CALL(A + 1, SEL4_SCHED_CONTEXT_UNBIND_OBJECT, CAPS(NOTIFICATION)), SEL4_NO_ERROR);
    assert_int_equal(CALL(A + 1, SEL4_SCHED_CONTEXT_UNBIND_OBJECT, CAPS(NOTIFICATION)), SEL4_ILLEGAL_OPERATION);
    resume(A); /* runnable, but nothing to run on */
    root_waits(NOTIFICATION);
    assert_ptr_equal(kernel.current, idle_thread());
    root_wakes();
    assert_int_equal(CALL(A + 1, SEL4_SCHED_CONTEXT_UNBIND, CAPS(0)), SEL4_NO_ERROR);
    assert_int_equal(CALL(A + 1, SEL4_SCHED_CONTEXT_BIND, CAPS(A)), SEL4_NO_ERROR);
    root_waits(NOTIFICATION);
    assert_ptr_equal(kernel.current, tcb_of(A));
}

static void round_robin(void **state)
{
    (void)state;
    struct tcb *a = host_thread(A, 100, false), *b = host_thread(B, 100, false);
    resume(B);
    resume(A);
    root_waits(NOTIFICATION);
    assert_ptr_equal(kernel.current, a);
    assert_int_equal(host.deadline, host.time + 5000 * US);
    host_advance(4000 * US);
    assert_ptr_equal(kernel.current, a);
    host_advance(1000 * US);
    assert_ptr_equal(kernel.current, b);
    host_advance(5000 * US);
    assert_ptr_equal(kernel.current, a);
    host_advance(1000 * US);
    host_syscall(SEL4_SYS_YIELD);
    assert_ptr_equal(kernel.current, b);
    host_syscall(SEL4_SYS_YIELD);
    assert_ptr_equal(kernel.current, a);
    assert_int_equal(host.deadline, host.time + 5000 * US); /* a whole slice again */
    /* preempted by root for a moment, it goes on where it was */
    host_advance(1000 * US);
    root_wakes();
    host_advance(100 * US);
    root_waits(NOTIFICATION);
    assert_ptr_equal(kernel.current, a);
    assert_int_equal(host.deadline, host.time + 4000 * US);
    root_wakes();
    assert_int_equal(CALL(A + 1, SEL4_SCHED_CONTEXT_CONSUMED, CAPS(0)), SEL4_NO_ERROR);
    assert_int_equal(host_mr(0), 5000 + 1000 + 1000);
    assert_int_equal(CALL(A + 1, SEL4_SCHED_CONTEXT_CONSUMED, CAPS(0)), SEL4_NO_ERROR);
    assert_int_equal(host_mr(0), 0);
}

static void a_set_priority_puts_a_thread_in_front(void **state)
{
    (void)state;
    struct tcb *a = host_thread(A, 100, false), *b = host_thread(B, 100, false);
    resume(A);
    resume(B);
    assert_int_equal(CALL(A, SEL4_TCB_SET_PRIORITY, CAPS(TCB), 10), SEL4_NO_ERROR);
    assert_int_equal(CALL(B, SEL4_TCB_SET_PRIORITY, CAPS(TCB), 10), SEL4_NO_ERROR);
    root_waits(NOTIFICATION);
    assert_ptr_equal(kernel.current, b);
    root_wakes();
    assert_int_equal(CALL(TCB, SEL4_TCB_SET_PRIORITY, CAPS(TCB), 20), SEL4_NO_ERROR);
    assert_ptr_equal(kernel.current, root);
    assert_int_equal(CALL(A, SEL4_TCB_SET_MC_PRIORITY, CAPS(TCB), 30), SEL4_NO_ERROR);
    root->context.rdi = A; /* above the own one: A runs at once */
    root->context.rsi = message_info(SEL4_TCB_SET_PRIORITY, 0, 1, 1);
    root->ipc_buffer_words[SEL4_IPC_CAPS_WORD] = TCB;
    *message_register(&root->context, 0) = 30;
    host_syscall(SEL4_SYS_CALL);
    assert_ptr_equal(kernel.current, a);
}

static void a_context_is_lent_back_to_its_notification(void **state)
{
    (void)state;
    struct tcb *a = host_thread(A, 100, false);
    assert_int_equal(CALL(A + 1, SEL4_SCHED_CONTEXT_BIND, CAPS(NOTIFICATION)), SEL4_NO_ERROR);
    resume(A);
    root_waits(EP);
    assert_ptr_equal(kernel.current, a);
    a->context.rdi = NOTIFICATION;
    host_syscall(SEL4_SYS_WAIT);
    assert_null(a->sc);
    assert_null(sc_of(A + 1)->tcb);
    notification_signal(notification_of(NOTIFICATION), 1);
    schedule();
    assert_ptr_equal(kernel.current, a);
    assert_ptr_equal(a->sc, sc_of(A + 1));
}

/* The order among equals that seL4's tests rely on: who is woken comes before those that wait for their turn. */
static void a_woken_thread_goes_first(void **state)
{
    (void)state;
    struct tcb *a = host_thread(A, 100, false), *b = host_thread(B, 100, false);
    resume(A);
    root_waits(NOTIFICATION);
    assert_ptr_equal(kernel.current, a);
    a->context.rdi = EP;
    a->context.r12 = REPLY;
    host_syscall(SEL4_SYS_RECV);
    root_wakes();
    resume(B);
    endpoint_send(root, object_at(cap_offset48(slot_of(EP)->cap)), 0, SEL4_ALL_RIGHTS, false, false, false);
    schedule();
    assert_ptr_equal(kernel.current, root);
    root_waits(NOTIFICATION);
    assert_ptr_equal(kernel.current, a);
    a->context.rdi = EP;
    host_syscall(SEL4_SYS_RECV);
    assert_ptr_equal(kernel.current, b);
    /* but not before who runs */
    endpoint_send(b, object_at(cap_offset48(slot_of(EP)->cap)), 0, SEL4_ALL_RIGHTS, false, false, false);
    schedule();
    assert_ptr_equal(kernel.current, b);
}

static void a_budget_is_a_budget(void **state)
{
    (void)state;
    struct tcb *a = host_thread(A, 100, false);
    assert_int_equal(configure(A + 1, 1000, 10000, 0, 0, 0), SEL4_NO_ERROR);
    resume(A);
    root_waits(NOTIFICATION);
    ticks_t begin = host.time;
    for (unsigned i = 0; i < 20; i++) {
        assert_ptr_equal(kernel.current, a);
        assert_int_equal(host.deadline, begin + 1000 * US);
        host_advance(1000 * US);
        assert_ptr_equal(kernel.current, idle_thread());
        assert_true(a->in_release_queue);
        assert_int_equal(host.deadline, begin + 10000 * US);
        host_advance(9000 * US);
        begin += 10000 * US;
    }
    /* stopping and starting is no way around it */
    host_advance(500 * US);
    root_wakes();
    assert_int_equal(CALL(A, SEL4_TCB_SUSPEND, CAPS(0)), SEL4_NO_ERROR);
    resume(A);
    root_waits(NOTIFICATION);
    assert_int_equal(host.deadline, host.time + 500 * US);
    host_advance(500 * US);
    assert_ptr_equal(kernel.current, idle_thread());
    root_wakes();
    assert_int_equal(CALL(A, SEL4_TCB_SUSPEND, CAPS(0)), SEL4_NO_ERROR);
    resume(A);
    root_waits(NOTIFICATION);
    assert_ptr_equal(kernel.current, idle_thread());
}

static void overruns_are_paid_back(void **state)
{
    (void)state;
    struct tcb *a = host_thread(A, 100, false);
    assert_int_equal(configure(A + 1, 1000, 10000, 8, 0, SEL4_SCHED_CONTEXT_SPORADIC), SEL4_NO_ERROR);
    resume(A);
    root_waits(NOTIFICATION);
    ticks_t begin = host.time;
    host_advance(1000000ull * 1000 * US); /* the machine stood still: a thousand seconds, a million budgets */
    assert_ptr_equal(kernel.current, idle_thread());
    assert_true(sched_context_refill(a->sc, 0)->time >= begin + 1000000ull * 10000 * US);
}

static void sporadic_refills_split_and_join(void **state)
{
    (void)state;
    struct tcb *a = host_thread(A, 100, false);
    assert_int_equal(configure(A + 1, 1000, 10000, 8, 0, SEL4_SCHED_CONTEXT_SPORADIC), SEL4_NO_ERROR);
    resume(A);
    uint64_t random = 1;
    for (unsigned i = 0; i < 2000; i++) {
        root_waits(NOTIFICATION);
        random = random * 6364136223846793005ull + 1442695040888963407ull;
        host_advance((random >> 33) % (1500 * US));
        if (kernel.current != root)
            root_wakes();
        random = random * 6364136223846793005ull + 1442695040888963407ull;
        host.time += (random >> 33) % (2000 * US);
        if (random & 1) {
            assert_int_equal(CALL(A, SEL4_TCB_SUSPEND, CAPS(0)), SEL4_NO_ERROR);
            resume(A);
        }
        if (random & 2)
            assert_int_equal(configure(A + 1, 500 + (random >> 40) % 500, 10000, (random >> 50) % 9, 0, (random >> 2) & 1),
                             SEL4_NO_ERROR);
        if (kernel.current != root) /* its own slice ended meanwhile */
            host_advance(0);
    }
    (void)a;
}

static void a_timeout_goes_to_its_handler(void **state)
{
    (void)state;
    struct tcb *a = host_thread(A, 100, false);
    assert_int_equal(configure(A + 1, 1000, 10000, 0, 99, 0), SEL4_NO_ERROR);
    assert_int_equal(CALL(A, SEL4_TCB_SET_TIMEOUT_ENDPOINT, CAPS(EP)), SEL4_NO_ERROR);
    resume(A);
    root_waits(EP);
    assert_ptr_equal(kernel.current, a);
    host_advance(1000 * US);
    assert_ptr_equal(kernel.current, root);
    assert_int_equal(root->context.rsi, message_info(SEL4_FAULT_TIMEOUT, 0, 0, 2));
    assert_int_equal(host_mr(0), 99);
    assert_int_equal(host_mr(1), 1000);
    assert_int_equal(a->state, THREAD_BLOCKED_ON_REPLY);
    /* more budget, and an answer: it runs */
    assert_int_equal(configure(A + 1, 2000, 10000, 0, 99, 0), SEL4_NO_ERROR);
    root->context.rsi = 0;
    root->context.rdi = EP;
    root->context.r12 = REPLY;
    host_syscall(SEL4_SYS_REPLY_RECV);
    assert_ptr_equal(kernel.current, a);
}

static void yield_to(void **state)
{
    (void)state;
    struct tcb *a = host_thread(A, 255, false), *b = host_thread(B, 255, false);
    assert_int_equal(CALL(SC, SEL4_SCHED_CONTEXT_YIELD_TO, CAPS(0)), SEL4_ILLEGAL_OPERATION);
    assert_int_equal(CALL(A + 1, SEL4_SCHED_CONTEXT_YIELD_TO, CAPS(0)), SEL4_NO_ERROR); /* doesn't run: at once */
    resume(A);
    resume(B);
    root->context.rdi = B + 1;
    root->context.rsi = message_info(SEL4_SCHED_CONTEXT_YIELD_TO, 0, 0, 0);
    host_syscall(SEL4_SYS_CALL);
    assert_ptr_equal(kernel.current, b); /* before A, which came first */
    host_advance(700 * US);
    b->context.rdi = NOTIFICATION;
    host_syscall(SEL4_SYS_WAIT);
    assert_ptr_equal(kernel.current, root); /* at the head, too */
    assert_int_equal(root->context.rsi, message_info(0, 0, 0, 1));
    assert_int_equal(host_mr(0), 700);
    assert_null(root->yield_to);
    (void)a;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(parameters_have_limits, start),
        cmocka_unit_test_setup(binding_has_rules, start),
        cmocka_unit_test_setup(round_robin, start),
        cmocka_unit_test_setup(a_set_priority_puts_a_thread_in_front, start),
        cmocka_unit_test_setup(a_context_is_lent_back_to_its_notification, start),
        cmocka_unit_test_setup(a_woken_thread_goes_first, start),
        cmocka_unit_test_setup(a_budget_is_a_budget, start),
        cmocka_unit_test_setup(overruns_are_paid_back, start),
        cmocka_unit_test_setup(sporadic_refills_split_and_join, start),
        cmocka_unit_test_setup(a_timeout_goes_to_its_handler, start),
        cmocka_unit_test_setup(yield_to, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
