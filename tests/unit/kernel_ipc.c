/* Messages: send, receive, call, reply, capabilities, notifications, faults. Root (priority 255) blocks, the others run. */
#include <string.h>
#include "host_arch.h"

enum { EP = 100, NOTIFICATION, REPLY, BADGED, A = 110, B = 120, C = 130 };

static int start(void **state)
{
    (void)state;
    host_start();
    assert_int_equal(host_retype(SEL4_ENDPOINT, 0, EP, 1), SEL4_NO_ERROR);
    assert_int_equal(host_retype(SEL4_NOTIFICATION, 0, NOTIFICATION, 1), SEL4_NO_ERROR);
    assert_int_equal(host_retype(SEL4_REPLY, 0, REPLY, 1), SEL4_NO_ERROR);
    assert_int_equal(CALL(CNODE, SEL4_CNODE_MINT, CAPS(CNODE), BADGED, 64, EP, 64, SEL4_ALL_RIGHTS, 42), SEL4_NO_ERROR);
    return 0;
}

static void resume(word_t cptr) { assert_int_equal(CALL(cptr, SEL4_TCB_RESUME, CAPS(0)), SEL4_NO_ERROR); }

static void syscall3(int64_t number, word_t cptr, word_t info, word_t reply)
{
    struct context *c = &kernel.current->context;
    c->rdi = cptr;
    c->rsi = info;
    c->r12 = reply;
    host_syscall(number);
}
static void receive(word_t cptr, word_t reply) { syscall3(SEL4_SYS_RECV, cptr, 0, reply); }
static void send(word_t cptr, word_t label, word_t length) { syscall3(SEL4_SYS_SEND, cptr, message_info(label, 0, 0, length), 0); }
static void call(word_t cptr, word_t label, word_t length) { syscall3(SEL4_SYS_CALL, cptr, message_info(label, 0, 0, length), 0); }
static void reply_receive(word_t cptr, word_t length)
{
    syscall3(SEL4_SYS_REPLY_RECV, cptr, message_info(0, 0, 0, length), REPLY);
}

static void a_message_arrives_either_way_round(void **state)
{
    (void)state;
    struct tcb *a = host_thread(A, 100, false);
    resume(A);
    receive(EP, REPLY); /* root first */
    assert_ptr_equal(kernel.current, a);
    assert_int_equal(root->state, THREAD_BLOCKED_ON_RECEIVE);
    for (unsigned i = 0; i < 20; i++)
        host_set_mr(a, i, 1000 + i);
    send(BADGED, 7, 20);
    assert_ptr_equal(kernel.current, root); /* higher priority: runs at once */
    assert_int_equal(root->context.rdi, 42);
    assert_int_equal(root->context.rsi, message_info(7, 0, 0, 20));
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(host_mr(i), 1000 + i);
    assert_int_equal(a->state, THREAD_RUNNING);
    syscall3(SEL4_SYS_NBRECV, EP, 0, REPLY);
    assert_int_equal(root->context.rdi, 0);
    receive(NOTIFICATION, 0); /* away with root: A sends and blocks */
    send(EP, 8, 2);
    assert_ptr_equal(kernel.current, idle_thread());
    assert_int_equal(a->state, THREAD_BLOCKED_ON_SEND);
    notification_signal(notification_of(NOTIFICATION), 3);
    schedule();
    assert_int_equal(root->context.rdi, 3);
    receive(EP, REPLY);
    assert_int_equal(root->context.rsi, message_info(8, 0, 0, 2));
    assert_int_equal(a->state, THREAD_RUNNING);
}

static void without_a_buffer_four_words_travel(void **state)
{
    (void)state;
    struct tcb *a = host_thread(A, 100, false);
    assert_int_equal(CALL(CNODE, SEL4_CNODE_DELETE, CAPS(0), A + 2, 64), SEL4_NO_ERROR);
    assert_int_equal(CALL(A, SEL4_TCB_SET_IPC_BUFFER, CAPS(0), 0), SEL4_TRUNCATED_MESSAGE);
    assert_int_equal(CALL(A, SEL4_TCB_SET_IPC_BUFFER, CAPS(BUFFER), 0), SEL4_NO_ERROR);
    resume(A);
    receive(EP, REPLY);
    send(EP, 0, 100);
    assert_int_equal(root->context.rsi, message_info(0, 0, 0, 4));
    (void)a;
}

static void calls_lend_the_scheduling_context(void **state)
{
    (void)state;
    struct tcb *server = host_thread(B, 120, true), *client = host_thread(A, 100, false);
    struct sched_context *sc = client->sc;
    sched_context_donate(root->sc, root); /* (no change) */
    /* start the server on a context that it gives up: it waits, passive */
    assert_int_equal(host_retype(SEL4_SCHED_CONTEXT, 8, C, 1), SEL4_NO_ERROR);
    assert_int_equal(CALL(SCHED_CONTROL, SEL4_SCHED_CONTROL_CONFIGURE_FLAGS, CAPS(C), 1000, 1000, 0, 0, 0), SEL4_NO_ERROR);
    assert_int_equal(CALL(C, SEL4_SCHED_CONTEXT_BIND, CAPS(B)), SEL4_NO_ERROR);
    resume(B);
    receive(NOTIFICATION, 0);
    assert_ptr_equal(kernel.current, server);
    receive(EP, REPLY);
    notification_signal(notification_of(NOTIFICATION), 1);
    schedule();
    assert_int_equal(CALL(C, SEL4_SCHED_CONTEXT_UNBIND_OBJECT, CAPS(B)), SEL4_NO_ERROR);
    assert_null(server->sc);
    resume(A);
    receive(NOTIFICATION, 0);
    assert_ptr_equal(kernel.current, client);
    host_set_mr(client, 0, 5);
    call(BADGED, 1, 1);
    assert_ptr_equal(kernel.current, server);
    assert_ptr_equal(server->sc, sc);
    assert_null(client->sc);
    assert_int_equal(client->state, THREAD_BLOCKED_ON_REPLY);
    assert_int_equal(server->context.r10, 5);
    host_set_mr(server, 0, 6);
    reply_receive(EP, 1);
    assert_ptr_equal(kernel.current, client);
    assert_ptr_equal(client->sc, sc);
    assert_null(server->sc);
    assert_int_equal(client->context.r10, 6);
    assert_int_equal(server->state, THREAD_BLOCKED_ON_RECEIVE);
    /* deleting the reply object returns the context, and stops the caller where it called */
    call(BADGED, 1, 1);
    assert_ptr_equal(kernel.current, server);
    word_t pc = client->context.rip;
    (void)slot_delete(slot_of(REPLY));
    schedule();
    invariants_check();
    assert_ptr_equal(client->sc, sc);
    assert_int_equal(client->state, THREAD_INACTIVE);
    assert_int_equal(client->context.rip, pc - 2);
    assert_ptr_equal(kernel.current, idle_thread());
}

static void a_lost_caller_leaves_the_context_with_the_server(void **state)
{
    (void)state;
    struct tcb *server = host_thread(B, 120, true), *client = host_thread(A, 100, false);
    server->context.rip = 0x1000;
    /* the server waits: its context is taken away afterwards, as above but from inside */
    assert_int_equal(CALL(SC, SEL4_SCHED_CONTEXT_UNBIND, CAPS(0)), SEL4_ILLEGAL_OPERATION);
    server->state = THREAD_RUNNING;
    struct lookup l = cspace_lookup(server, REPLY);
    endpoint_receive(server, slot_of(EP)->cap, object_at(cap_offset48(l.slot->cap)), true);
    resume(A);
    receive(NOTIFICATION, 0);
    struct sched_context *sc = client->sc;
    call(EP, 0, 0);
    assert_ptr_equal(kernel.current, server);
    notification_signal(notification_of(NOTIFICATION), 1);
    schedule();
    assert_int_equal(CALL(A, SEL4_TCB_SUSPEND, CAPS(0)), SEL4_NO_ERROR);
    assert_ptr_equal(server->sc, sc);
    assert_int_equal(client->state, THREAD_INACTIVE);
    receive(NOTIFICATION, 0);
    assert_ptr_equal(kernel.current, server);
    reply_receive(EP, 0); /* nobody to answer */
    assert_ptr_equal(kernel.current, idle_thread());
    assert_ptr_equal(server->sc, sc);
}

static void capabilities_travel_with_grant_only(void **state)
{
    (void)state;
    struct tcb *a = host_thread(A, 100, false);
    resume(A);
    root->ipc_buffer_words[SEL4_IPC_RECEIVE_CNODE_WORD] = CNODE;
    root->ipc_buffer_words[SEL4_IPC_RECEIVE_INDEX_WORD] = 200;
    root->ipc_buffer_words[SEL4_IPC_RECEIVE_DEPTH_WORD] = 64;
    receive(EP, REPLY);
    a->ipc_buffer_words[SEL4_IPC_CAPS_WORD] = BADGED; /* the endpoint itself: unwrapped */
    a->ipc_buffer_words[SEL4_IPC_CAPS_WORD + 1] = NOTIFICATION;
    a->ipc_buffer_words[SEL4_IPC_CAPS_WORD + 2] = TCB; /* no second slot to put it */
    syscall3(SEL4_SYS_SEND, EP, message_info(0, 0, 3, 0), 0);
    assert_ptr_equal(kernel.current, root);
    assert_int_equal(root->context.rsi, message_info(0, 1, 2, 0));
    assert_int_equal(root->ipc_buffer_words[SEL4_IPC_CAPS_WORD], 42);
    assert_int_equal(cap_tag(slot_of(200)->cap), CAP_NOTIFICATION);
    assert_int_equal(CALL(CNODE, SEL4_CNODE_DELETE, CAPS(0), 200, 64), SEL4_NO_ERROR);
    assert_int_equal(CALL(CNODE, SEL4_CNODE_COPY, CAPS(CNODE), 140, 64, EP, 64, SEL4_RIGHT_WRITE | SEL4_RIGHT_GRANT_REPLY), SEL4_NO_ERROR);
    receive(EP, REPLY);
    syscall3(SEL4_SYS_SEND, 140, message_info(0, 0, 3, 0), 0);
    assert_int_equal(root->context.rsi, message_info(0, 0, 0, 0));
    assert_true(slot_is_empty(slot_of(200)));
}

static void rights_are_kept(void **state)
{
    (void)state;
    assert_int_equal(CALL(CNODE, SEL4_CNODE_COPY, CAPS(CNODE), 140, 64, EP, 64, SEL4_RIGHT_READ), SEL4_NO_ERROR);
    assert_int_equal(CALL(140, 0, CAPS(0)), SEL4_INVALID_CAPABILITY);
    assert_int_equal(CALL(CNODE, SEL4_CNODE_CANCEL_BADGED_SENDS, CAPS(0), 140, 64), SEL4_ILLEGAL_OPERATION);
    assert_int_equal(CALL(CNODE, SEL4_CNODE_COPY, CAPS(CNODE), 141, 64, EP, 64, SEL4_RIGHT_WRITE), SEL4_NO_ERROR);
    syscall3(SEL4_SYS_NBRECV, 141, 0, REPLY); /* no right to receive: a capability fault, and no handler */
    assert_int_equal(root->state, THREAD_INACTIVE);
    assert_non_null(strstr(host.log, "no fault handler"));
}

static void receivers_and_senders_queue_by_priority(void **state)
{
    (void)state;
    struct tcb *a = host_thread(A, 10, false), *b = host_thread(B, 20, false), *c = host_thread(C, 20, false);
    word_t order[] = {A, C, B}; /* each goes before its equals */
    for (unsigned i = 0; i < 3; i++)
        resume(order[i]);
    receive(NOTIFICATION, 0);
    assert_ptr_equal(kernel.current, b);
    send(EP, 1, 0);
    assert_ptr_equal(kernel.current, c);
    send(EP, 2, 0);
    assert_ptr_equal(kernel.current, a);
    send(EP, 3, 0);
    notification_signal(notification_of(NOTIFICATION), 1);
    schedule();
    assert_int_equal(CALL(C, SEL4_TCB_SET_PRIORITY, CAPS(TCB), 5), SEL4_NO_ERROR);
    word_t labels[] = {1, 3, 2};
    for (unsigned i = 0; i < 3; i++) {
        receive(EP, REPLY);
        assert_int_equal(message_label(root->context.rsi), labels[i]);
    }
}

static void notifications(void **state)
{
    (void)state;
    struct notification *n = notification_of(NOTIFICATION);
    assert_int_equal(CALL(CNODE, SEL4_CNODE_MINT, CAPS(CNODE), 140, 64, NOTIFICATION, 64, SEL4_ALL_RIGHTS, 4), SEL4_NO_ERROR);
    send(140, 0, 0);
    send(NOTIFICATION, 0, 0);
    assert_int_equal(n->state, NOTIFICATION_ACTIVE);
    syscall3(SEL4_SYS_WAIT, NOTIFICATION, 0, 0);
    assert_int_equal(root->context.rdi, 4);
    syscall3(SEL4_SYS_NBWAIT, NOTIFICATION, 0, 0);
    assert_int_equal(root->context.rdi, 0);
    /* bound: a receive on an endpoint gets the signal */
    assert_int_equal(CALL(TCB, SEL4_TCB_BIND_NOTIFICATION, CAPS(NOTIFICATION)), SEL4_NO_ERROR);
    assert_int_equal(CALL(TCB, SEL4_TCB_BIND_NOTIFICATION, CAPS(NOTIFICATION)), SEL4_ILLEGAL_OPERATION);
    struct tcb *a = host_thread(A, 10, false);
    assert_int_equal(CALL(A, SEL4_TCB_BIND_NOTIFICATION, CAPS(NOTIFICATION)), SEL4_ILLEGAL_OPERATION);
    resume(A);
    receive(EP, REPLY);
    assert_ptr_equal(kernel.current, a);
    send(140, 0, 0);
    assert_ptr_equal(kernel.current, root);
    assert_int_equal(root->context.rdi, 4);
    assert_null(root->reply);
    send(140, 0, 0);
    receive(EP, REPLY); /* already there */
    assert_ptr_equal(kernel.current, root);
    assert_int_equal(CALL(TCB, SEL4_TCB_UNBIND_NOTIFICATION, CAPS(0)), SEL4_NO_ERROR);
    assert_null(n->bound_tcb);
}

static void a_notification_lends_its_context(void **state)
{
    (void)state;
    struct tcb *a = host_thread(A, 100, true);
    assert_int_equal(host_retype(SEL4_SCHED_CONTEXT, 8, C, 1), SEL4_NO_ERROR);
    assert_int_equal(CALL(SCHED_CONTROL, SEL4_SCHED_CONTROL_CONFIGURE_FLAGS, CAPS(C), 1000, 1000, 0, 0, 0), SEL4_NO_ERROR);
    assert_int_equal(CALL(C, SEL4_SCHED_CONTEXT_BIND, CAPS(NOTIFICATION)), SEL4_NO_ERROR);
    a->state = THREAD_RUNNING;
    notification_wait(a, notification_of(NOTIFICATION), true);
    send(NOTIFICATION, 0, 0);
    assert_ptr_equal(a->sc, sc_of(C));
    receive(EP, REPLY);
    assert_ptr_equal(kernel.current, a);
    syscall3(SEL4_SYS_WAIT, NOTIFICATION, 0, 0);
    assert_null(a->sc); /* given back before blocking */
    assert_null(sc_of(C)->tcb);
    assert_ptr_equal(kernel.current, idle_thread());
}

/* Signalled first, bound then: a thread that waits already would sleep on for ever. */
static void binding_delivers_what_came_before(void **state)
{
    (void)state;
    struct notification *n = notification_of(NOTIFICATION);
    struct tcb *a = host_thread(A, 10, false);
    assert_int_equal(CALL(CNODE, SEL4_CNODE_MINT, CAPS(CNODE), 140, 64, NOTIFICATION, 64, SEL4_ALL_RIGHTS, 4), SEL4_NO_ERROR);
    resume(A);
    syscall3(SEL4_SYS_WAIT, NOTIFICATION, 0, 0); /* root sleeps, A runs */
    assert_ptr_equal(kernel.current, a);
    receive(EP, REPLY);
    notification_signal(n, 1); /* root again */
    schedule();
    assert_ptr_equal(kernel.current, root);
    assert_int_equal(a->state, THREAD_BLOCKED_ON_RECEIVE);
    send(140, 0, 0);
    assert_int_equal(n->state, NOTIFICATION_ACTIVE);
    assert_int_equal(CALL(A, SEL4_TCB_BIND_NOTIFICATION, CAPS(NOTIFICATION)), SEL4_NO_ERROR);
    assert_int_equal(a->state, THREAD_RUNNING);
    assert_int_equal(a->context.rdi, 4);
    assert_int_equal(n->state, NOTIFICATION_IDLE);
}

static void faults_are_messages_and_replies_go_on(void **state)
{
    (void)state;
    struct tcb *a = host_thread(A, 100, false);
    assert_int_equal(CALL(A, SEL4_TCB_SET_SPACE, CAPS(BADGED, CNODE, VSPACE), 0, 0), SEL4_NO_ERROR);
    resume(A);
    receive(EP, REPLY);
    a->context.cause = 14;
    handle_vm_fault(0xdead000, false, 6);
    invariants_check();
    assert_ptr_equal(kernel.current, root);
    assert_int_equal(root->context.rdi, 42);
    assert_int_equal(root->context.rsi, message_info(SEL4_FAULT_VM, 0, 0, 4));
    assert_int_equal(host_mr(0), a->context.rip);
    assert_int_equal(host_mr(1), 0xdead000);
    assert_int_equal(host_mr(3), 6);
    assert_int_equal(a->state, THREAD_BLOCKED_ON_REPLY);
    reply_receive(EP, 0);
    assert_ptr_equal(kernel.current, a);
    /* an unknown system call: 19 words; the answer moves the thread past it and sets rax */
    word_t pc = a->context.rip;
    a->context.rax = 9;
    host_syscall(0xc1);
    assert_int_equal(root->context.rsi, message_info(SEL4_FAULT_UNKNOWN_SYSCALL, 0, 0, 19));
    assert_int_equal(host_mr(0), 9);
    assert_int_equal(host_mr(15), pc);
    assert_int_equal(host_mr(18), 0xc1);
    host_set_mr(root, 0, 10);
    host_set_mr(root, 15, pc + 2);
    reply_receive(EP, 18);
    assert_ptr_equal(kernel.current, a);
    assert_int_equal(a->context.rip, pc + 2);
    assert_int_equal(a->context.rax, 10);
    /* an exception, answered with a label: the thread stays stopped */
    a->context.cause = 6;
    handle_user_exception(6, 0);
    assert_int_equal(root->context.rsi, message_info(SEL4_FAULT_USER_EXCEPTION, 0, 0, 5));
    assert_int_equal(host_mr(3), 6);
    syscall3(SEL4_SYS_REPLY_RECV, EP, message_info(1, 0, 0, 0), REPLY);
    assert_int_equal(a->state, THREAD_INACTIVE);
    assert_ptr_equal(kernel.current, idle_thread());
}

static void a_capability_fault_names_the_lookup(void **state)
{
    (void)state;
    struct tcb *a = host_thread(A, 100, false);
    assert_int_equal(CALL(A, SEL4_TCB_SET_SPACE, CAPS(BADGED, CNODE, VSPACE), 0, 0), SEL4_NO_ERROR);
    resume(A);
    receive(EP, REPLY);
    word_t pc = a->context.rip;
    call(1ull << 40, 0, 0); /* the guard does not fit */
    assert_ptr_equal(kernel.current, root);
    assert_int_equal(root->context.rsi, message_info(SEL4_FAULT_CAP, 0, 0, 7));
    assert_int_equal(host_mr(0), pc); /* of the system call: done again after the answer */
    assert_int_equal(host_mr(1), 1ull << 40);
    assert_int_equal(host_mr(2), 0);
    assert_int_equal(host_mr(3), SEL4_LOOKUP_GUARD_MISMATCH);
    assert_int_equal(host_mr(6), 64 - ROOT_RADIX);
    reply_receive(EP, 0);
    assert_ptr_equal(kernel.current, a);
    assert_int_equal(a->context.rip, pc);
    receive(500, 0); /* an empty slot */
    assert_int_equal(root->context.rsi, message_info(SEL4_FAULT_CAP, 0, 0, 5));
    assert_int_equal(host_mr(2), 1);
    assert_int_equal(host_mr(3), SEL4_LOOKUP_MISSING);
}

static void a_vcpu_fault_is_a_message_as_any(void **state)
{
    (void)state;
    struct tcb *a = host_thread(A, 100, false);
    assert_int_equal(CALL(A, SEL4_TCB_SET_SPACE, CAPS(BADGED, CNODE, VSPACE), 0, 0), SEL4_NO_ERROR);
    resume(A);
    receive(EP, REPLY);
    a->context.cause = 1;
    a->fault.w[0] = 77;
    handle_vcpu_fault();
    invariants_check();
    assert_int_equal(root->context.rsi, message_info(ATOLL_FAULT_VCPU, 0, 0, 1));
    assert_int_equal(host_mr(0), 77);
    syscall3(SEL4_SYS_REPLY_RECV, EP, message_info(0x2001, 0, 0, 4), REPLY);
    assert_ptr_equal(kernel.current, a);
    assert_int_equal(a->fault.w[1], 0x2001);
    assert_int_equal(a->fault.w[2], 4);
}

/* A fault that was taken without a reply object stops the thread. Once resumed, what it sends is its own message again. */
static void a_fault_without_an_answer_is_over_with_resume(void **state)
{
    (void)state;
    struct tcb *a = host_thread(A, 100, false);
    assert_int_equal(CALL(A, SEL4_TCB_SET_SPACE, CAPS(BADGED, CNODE, VSPACE), 0, 0), SEL4_NO_ERROR);
    resume(A);
    syscall3(SEL4_SYS_WAIT, EP, 0, 0);
    assert_ptr_equal(kernel.current, a);
    a->context.cause = 1;
    handle_vcpu_fault();
    assert_int_equal(root->context.rsi, message_info(ATOLL_FAULT_VCPU, 0, 0, 1));
    assert_int_equal(a->state, THREAD_INACTIVE);
    resume(A);
    syscall3(SEL4_SYS_WAIT, EP, 0, 0);
    assert_ptr_equal(kernel.current, a);
    send(EP, 5, 0);
    assert_ptr_equal(kernel.current, root);
    assert_int_equal(root->context.rsi, message_info(5, 0, 0, 0));
    assert_int_equal(a->state, THREAD_RUNNING);
}

static void cancel_badged_sends(void **state)
{
    (void)state;
    struct tcb *a = host_thread(A, 10, false), *b = host_thread(B, 20, false);
    resume(A);
    resume(B);
    receive(NOTIFICATION, 0);
    word_t pc = b->context.rip;
    send(BADGED, 1, 0);
    send(EP, 2, 0);
    notification_signal(notification_of(NOTIFICATION), 1);
    schedule();
    assert_int_equal(CALL(CNODE, SEL4_CNODE_CANCEL_BADGED_SENDS, CAPS(0), BADGED, 64), SEL4_NO_ERROR);
    assert_int_equal(b->state, THREAD_RUNNING); /* its system call starts again */
    assert_int_equal(b->context.rip, pc);
    assert_int_equal(a->state, THREAD_BLOCKED_ON_SEND);
    /* the endpoint goes: the rest starts again as well */
    assert_int_equal(CALL(CNODE, SEL4_CNODE_REVOKE, CAPS(0), EP, 64), SEL4_NO_ERROR);
    assert_int_equal(a->state, THREAD_BLOCKED_ON_SEND);
    assert_int_equal(CALL(CNODE, SEL4_CNODE_DELETE, CAPS(0), EP, 64), SEL4_NO_ERROR);
    assert_int_equal(a->state, THREAD_RUNNING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_message_arrives_either_way_round, start),
        cmocka_unit_test_setup(without_a_buffer_four_words_travel, start),
        cmocka_unit_test_setup(calls_lend_the_scheduling_context, start),
        cmocka_unit_test_setup(a_lost_caller_leaves_the_context_with_the_server, start),
        cmocka_unit_test_setup(capabilities_travel_with_grant_only, start),
        cmocka_unit_test_setup(rights_are_kept, start),
        cmocka_unit_test_setup(receivers_and_senders_queue_by_priority, start),
        cmocka_unit_test_setup(notifications, start),
        cmocka_unit_test_setup(binding_delivers_what_came_before, start),
        cmocka_unit_test_setup(a_notification_lends_its_context, start),
        cmocka_unit_test_setup(faults_are_messages_and_replies_go_on, start),
        cmocka_unit_test_setup(a_capability_fault_names_the_lookup, start),
        cmocka_unit_test_setup(a_vcpu_fault_is_a_message_as_any, start),
        cmocka_unit_test_setup(a_fault_without_an_answer_is_over_with_resume, start),
        cmocka_unit_test_setup(cancel_badged_sends, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
