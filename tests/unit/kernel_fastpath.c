/* The fast path does what the general path does: each step is done both ways from the same state, and all memory compared. */
#include <stdlib.h>
#include <string.h>
#include "host_arch.h"

enum { EP = 100, NOTIFICATION, REPLY, BADGED, A = 110, B = 120 };

static bool enabled;
static unsigned left; /* how often the fast path left it to the general one */
void __real_fastpath_call(struct tcb *);
void __real_fastpath_reply_recv(struct tcb *);
void __real_fastpath_send(struct tcb *, int64_t);
void __real_fastpath_vcpu_fault(struct tcb *);
void __real_syscall_general(struct tcb *, int64_t);
void __real_vcpu_fault_general(struct tcb *);
void __wrap_fastpath_call(struct tcb *);
void __wrap_fastpath_reply_recv(struct tcb *);
void __wrap_fastpath_send(struct tcb *, int64_t);
void __wrap_fastpath_vcpu_fault(struct tcb *);
void __wrap_syscall_general(struct tcb *, int64_t);
void __wrap_vcpu_fault_general(struct tcb *);
void __wrap_syscall_general(struct tcb *t, int64_t number)
{
    left++;
    __real_syscall_general(t, number);
}
void __wrap_vcpu_fault_general(struct tcb *t)
{
    left++;
    __real_vcpu_fault_general(t);
}
void __wrap_fastpath_call(struct tcb *t)
{
    enabled ? __real_fastpath_call(t) : __real_syscall_general(t, SEL4_SYS_CALL);
}
void __wrap_fastpath_reply_recv(struct tcb *t)
{
    enabled ? __real_fastpath_reply_recv(t) : __real_syscall_general(t, SEL4_SYS_REPLY_RECV);
}
void __wrap_fastpath_send(struct tcb *t, int64_t number)
{
    enabled ? __real_fastpath_send(t, number) : __real_syscall_general(t, number);
}
void __wrap_fastpath_vcpu_fault(struct tcb *t) { enabled ? __real_fastpath_vcpu_fault(t) : __real_vcpu_fault_general(t); }

struct state {
    struct kernel kernel;
    struct tcb idle;
    char *window;
};
static struct state save(void)
{
    struct state s = {kernel, *idle_thread(), malloc(WINDOW_BYTES)};
    memcpy(s.window, object_at(0), WINDOW_BYTES);
    return s;
}
static void restore(const struct state *s)
{
    kernel = s->kernel;
    *idle_thread() = s->idle;
    memcpy(object_at(0), s->window, WINDOW_BYTES);
}
/* Fields without meaning while their thread isn't blocked that way, and the scheduler's notes. */
static void normalise(void)
{
    for (struct tcb *t = kernel.all_threads; t; t = t->all_link.next) {
        if (t->state != THREAD_BLOCKED_ON_SEND && t->state != THREAD_BLOCKED_ON_RECEIVE)
            t->blocked_on = NULL;
        if (t->state != THREAD_BLOCKED_ON_SEND && t->state != THREAD_BLOCKED_ON_RECEIVE && t->state != THREAD_BLOCKED_ON_NOTIFICATION)
            t->ipc_link = (struct queue_link){NULL, NULL};
        if (!t->in_ready_queue)
            t->ready_link = (struct queue_link){NULL, NULL};
        memset(t->lookup_failure, 0, sizeof t->lookup_failure);
    }
    kernel.refusal.length = 0;
    memset(&kernel.refusal, 0, sizeof kernel.refusal);
    kernel.now = kernel.consumed = 0;
}

/* Runs `step` both ways; leaves the state after it. */
static void both_ways(void (*step)(void), bool expect_fast)
{
    struct state before = save();
    enabled = false;
    step();
    invariants_check();
    normalise();
    struct state general = save();
    restore(&before);
    enabled = true;
    left = 0;
    step();
    invariants_check();
    assert_int_equal(left, !expect_fast);
    struct state kept = save();
    normalise();
    struct state fast = save();
    for (size_t i = 0; i < WINDOW_BYTES; i++)
        if (general.window[i] != fast.window[i])
            fail_msg("the window differs at 0x%zx", i);
    assert_memory_equal(&general.kernel, &fast.kernel, sizeof kernel);
    restore(&kept);
    free(before.window);
    free(general.window);
    free(fast.window);
    free(kept.window);
}

static struct tcb *client, *server;

static void setup(word_t client_priority, word_t server_priority)
{
    enabled = false;
    host_start();
    assert_int_equal(host_retype(SEL4_ENDPOINT, 0, EP, 1), SEL4_NO_ERROR);
    assert_int_equal(host_retype(SEL4_NOTIFICATION, 0, NOTIFICATION, 1), SEL4_NO_ERROR);
    assert_int_equal(host_retype(SEL4_REPLY, 0, REPLY, 1), SEL4_NO_ERROR);
    assert_int_equal(CALL(CNODE, SEL4_CNODE_MINT, CAPS(CNODE), BADGED, 64, EP, 64, SEL4_ALL_RIGHTS, 42), SEL4_NO_ERROR);
    server = host_thread(B, server_priority, true);
    client = host_thread(A, client_priority, false);
    assert_int_equal(CALL(A, SEL4_TCB_SET_SPACE, CAPS(BADGED, CNODE, VSPACE), 0, 0), SEL4_NO_ERROR);
    endpoint_receive(server, slot_of(EP)->cap, object_at(cap_offset48(slot_of(REPLY)->cap)), true);
    assert_int_equal(CALL(A, SEL4_TCB_RESUME, CAPS(0)), SEL4_NO_ERROR);
    root->context.rdi = NOTIFICATION;
    host_syscall(SEL4_SYS_WAIT);
    assert_ptr_equal(kernel.current, client);
}

static word_t length;
static void call(void)
{
    struct context *c = &kernel.current->context;
    c->rdi = BADGED;
    c->rsi = message_info(3, 0, 0, length);
    c->r10 = 10, c->r8 = 8, c->r9 = 9, c->r15 = 15;
    host_syscall(SEL4_SYS_CALL);
}
static void reply_recv(void)
{
    struct context *c = &kernel.current->context;
    c->rdi = EP;
    c->rsi = message_info(0, 0, 0, length);
    c->r12 = REPLY;
    c->r10 = 110, c->r8 = 108, c->r9 = 109, c->r15 = 115;
    host_syscall(SEL4_SYS_REPLY_RECV);
}
static void vcpu_fault(void)
{
    kernel.current->context.cause = 1;
    handle_vcpu_fault();
}

static void call_and_reply(void **state)
{
    (void)state;
    for (length = 0; length < 8; length++) {
        setup(100, 120);
        both_ways(call, length <= 4);
        assert_ptr_equal(kernel.current, server);
        both_ways(reply_recv, length <= 4);
    }
}

static void same_priority(void **state)
{
    (void)state;
    for (length = 0; length < 8; length++) {
        setup(100, 100);
        for (unsigned i = 0; i < 3; i++) {
            both_ways(call, length <= 4);
            both_ways(reply_recv, length <= 4);
            assert_ptr_equal(kernel.current, client);
        }
    }
}

static void exits_of_a_virtual_cpu(void **state)
{
    (void)state;
    setup(100, 120);
    length = 20;
    for (unsigned i = 0; i < 3; i++) {
        both_ways(vcpu_fault, true);
        assert_ptr_equal(kernel.current, server);
        both_ways(reply_recv, true);
        assert_ptr_equal(kernel.current, client);
    }
}

static void what_does_not_fit_goes_the_general_way(void **state)
{
    (void)state;
    length = 0;
    setup(100, 120);
    assert_int_equal(CALL(A, 0, CAPS(0)), SEL4_ILLEGAL_OPERATION); /* the client itself: not an endpoint */
    both_ways(call, true);
    server->bound_notification = notification_of(NOTIFICATION);
    notification_of(NOTIFICATION)->bound_tcb = server;
    notification_signal(notification_of(NOTIFICATION), 0); /* wakes root, which waits */
    schedule();
    assert_ptr_equal(kernel.current, root);
    notification_signal(notification_of(NOTIFICATION), 8);
    root->context.rdi = EP; /* (root waits elsewhere) */
    root->context.r12 = 0;
    root->state = THREAD_INACTIVE;
    schedule();
    assert_ptr_equal(kernel.current, server);
    both_ways(reply_recv, false); /* a signal is there: it comes first */
    assert_int_equal(server->context.rdi, 8);
}

static word_t send_to, send_extra;
static void send(void)
{
    struct context *c = &kernel.current->context;
    c->rdi = send_to;
    c->rsi = message_info(0, 0, send_extra, 1);
    host_syscall(SEL4_SYS_SEND);
}

static void signals(void **state)
{
    (void)state;
    setup(100, 120);
    send_to = NOTIFICATION;
    both_ways(send, true); /* root waits there, and is above the client */
    assert_ptr_equal(kernel.current, root);
    both_ways(send, true);
    both_ways(send, true);
    assert_int_equal(notification_of(NOTIFICATION)->state, NOTIFICATION_ACTIVE);
    root->context.rdi = NOTIFICATION;
    host_syscall(SEL4_SYS_WAIT);
    assert_ptr_equal(kernel.current, root);
    /* a waiter below the sender, one that lacks a scheduling context, and one that is bound */
    struct tcb *low = host_thread(FREE, 10, false);
    low->state = THREAD_RUNNING;
    notification_wait(low, notification_of(NOTIFICATION), true);
    both_ways(send, true);
    assert_ptr_equal(kernel.current, root);
    assert_true(low->in_ready_queue);
    server->bound_notification = notification_of(NOTIFICATION);
    notification_of(NOTIFICATION)->bound_tcb = server;
    both_ways(send, true);
    assert_int_equal(server->state, THREAD_RUNNING);
    send_extra = 1; /* has to be looked up */
    both_ways(send, false);
    send_extra = 0;
    send_to = REPLY;
    both_ways(send, false);
    send_to = 900; /* empty */
    both_ways(send, false);
    send_to = 1ull << 60; /* nowhere */
    both_ways(send, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(call_and_reply),
        cmocka_unit_test(same_priority),
        cmocka_unit_test(exits_of_a_virtual_cpu),
        cmocka_unit_test(signals),
        cmocka_unit_test(what_does_not_fit_goes_the_general_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
