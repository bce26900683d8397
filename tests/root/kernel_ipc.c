/* Messages, capabilities in messages, lent scheduling contexts, notifications. */
#include "kernel.h"

static volatile uint64_t log_of[16], logged;
static void note(uint64_t value) { log_of[logged++ % 16] = value; }

static cptr_t endpoint, reply, notification;

/* ---- endpoints ---- */

static void sender(uint64_t cptr)
{
    struct sel4_message m = {.info = sel4_info(3, 0, 2), .mr = {cptr, 22}};
    sel4_send(cptr, m);
    note(cptr);
}

static void caller(uint64_t cptr)
{
    struct sel4_message m = {.info = sel4_info(4, 0, 1), .mr = {cptr}};
    sel4_call(cptr, &m);
    note(sel4_info_label(m.info) << 32 | m.mr[0]);
}

/* Sends 120 words and whatever capabilities the test put into its buffer. */
static void long_sender(uint64_t cptr)
{
    struct sel4_message m = {.info = sel4_info(9, 3, SEL4_MSG_MAX_LENGTH), .mr = {0, 1, 2, 3}};
    sel4_send(cptr, m);
}

static void receiver(uint64_t cptr)
{
    struct sel4_message m = {0};
    sel4_recv(cptr, 0, &m);
    note(m.mr[0]);
}

static void capabilities(void)
{
    cptr_t frame = make(SEL4_X86_4K_PAGE, 0), badged = mint(endpoint, SEL4_ALL_RIGHTS, 77), place = next_slot++;
    struct thread *t = thread_make(long_sender, endpoint, 90, 0);
    struct sel4_message m = {0};
    for (unsigned i = 0; i < SEL4_MSG_MAX_LENGTH; i++)
        t->buffer->msg[i] = i;
    t->buffer->caps_or_badges[0] = badged;
    t->buffer->caps_or_badges[1] = frame;
    t->buffer->caps_or_badges[2] = frame;
    sel4_ipc_buffer->receive_cnode = ROOT;
    sel4_ipc_buffer->receive_index = place;
    sel4_ipc_buffer->receive_depth = DEPTH;
    thread_start(t);
    sel4_recv(endpoint, reply, &m);
    int words = 1;
    for (unsigned i = SEL4_MSG_REGISTERS; i < SEL4_MSG_MAX_LENGTH; i++)
        words &= sel4_ipc_buffer->msg[i] == i;
    claim(words && sel4_info_length(m.info) == SEL4_MSG_MAX_LENGTH, "120 words arrive");
    claim((m.info >> SEL4_MSG_EXTRA_SHIFT & 3) == 2, "two capabilities arrive, as there is one receive slot");
    claim((m.info >> SEL4_MSG_UNWRAPPED_SHIFT & 7) == 1 && sel4_ipc_buffer->caps_or_badges[0] == 77, "one to the endpoint itself arrives as its badge");
    uint64_t a = 0, b = 1;
    page_get_address(frame, &a);
    page_get_address(place, &b);
    claim(a == b, "the other one is in the receive slot");
    threads_end();

    /* without the right to grant nothing travels but the words */
    drop(place);
    cptr_t no_grant = mint(endpoint, SEL4_RIGHT_WRITE, 0);
    t = thread_make(long_sender, no_grant, 90, 0);
    t->buffer->caps_or_badges[0] = t->buffer->caps_or_badges[1] = t->buffer->caps_or_badges[2] = frame;
    thread_start(t);
    sel4_recv(endpoint, reply, &m);
    claim((m.info >> SEL4_MSG_EXTRA_SHIFT & 3) == 0 && page_get_address(place, &b) == SEL4_INVALID_CAPABILITY, "without the grant right no capability arrives");
    threads_end();
    drop(frame), drop(badged), drop(no_grant);
}

void group_ipc(void)
{
    endpoint = make(SEL4_ENDPOINT, 0);
    reply = make(SEL4_REPLY, 0);
    struct sel4_message m = {0};
    cptr_t badged = mint(endpoint, SEL4_ALL_RIGHTS, 42);
    logged = 0;
    thread_start(thread_make(sender, badged, 90, 0));
    sel4_recv(endpoint, reply, &m);
    claim(m.badge == 42 && m.info == sel4_info(3, 0, 2) && m.mr[0] == badged && m.mr[1] == 22, "a message arrives with badge, label, length and words");
    threads_end();

    /* the sender first; the higher priority first, equals in order */
    cptr_t by_badge[4];
    logged = 0;
    for (unsigned i = 0; i < 4; i++)
        thread_start(thread_make(sender, by_badge[i] = mint(endpoint, SEL4_ALL_RIGHTS, i + 1), i == 2 ? 121 : 120, 0));
    uint64_t order = 0;
    for (unsigned i = 0; i < 4; i++) {
        sel4_recv(endpoint, reply, &m);
        order = order << 4 | m.badge;
    }
    claim(order == 0x3124, "waiting senders are served by priority, equals in order");
    threads_end();

    /* CancelBadgedSends */
    for (unsigned i = 0; i < 4; i++)
        thread_start(thread_make(sender, by_badge[i], 120, 0));
    logged = 0;
    drop(by_badge[2]); /* so that it cannot send again */
    REFUSED(SEL4_ILLEGAL_OPERATION, ROOT, SEL4_CNODE_CANCEL_BADGED_SENDS, CAPS(), WORDS(reply, DEPTH), "only on endpoints");
    by_badge[2] = mint(endpoint, SEL4_ALL_RIGHTS, 3);
    claim_error(invoke(ROOT, SEL4_CNODE_CANCEL_BADGED_SENDS, CAPS(), WORDS(by_badge[2], DEPTH)), SEL4_NO_ERROR, "CancelBadgedSends");
    claim(logged == 1, "the one with that badge goes on");
    for (unsigned i = order = 0; i < 3; i++) {
        sel4_recv(endpoint, reply, &m);
        order = order << 4 | m.badge;
    }
    claim(order == 0x124, "the others still wait");
    threads_end();

    /* Call, Reply, ReplyRecv */
    logged = 0;
    thread_start(thread_make(caller, badged, 120, 0));
    sel4_recv(endpoint, reply, &m);
    m = (struct sel4_message){.info = sel4_info(7, 0, 1), .mr = {99}};
    sel4_send(reply, m);
    claim(logged == 1 && log_of[0] == (7ull << 32 | 99), "a caller gets its answer");
    sel4_send(reply, m);
    claim(logged == 1, "a second answer goes nowhere");
    threads_end();
    cptr_t no_reply = mint(endpoint, SEL4_RIGHT_WRITE, 0);
    thread_start(thread_make(caller, no_reply, 120, 0));
    sel4_recv(endpoint, reply, &m);
    sel4_send(reply, m);
    claim(logged == 1, "without a grant or grant-reply right there is no answer to a call");
    threads_end();

    /* non-blocking */
    m.badge = 5;
    sel4_nbrecv(endpoint, reply, &m);
    claim(m.badge == 0, "NBRecv with nobody there returns badge 0");
    logged = 0;
    m.info = sel4_info(0, 0, 1);
    sel4_nbsend(endpoint, m);
    sel4_nbrecv(endpoint, reply, &m);
    claim(m.badge == 0, "NBSend with nobody there sends nothing");

    /* rights */
    cptr_t write_only = mint(endpoint, SEL4_RIGHT_WRITE, 0), read_only = mint(endpoint, SEL4_RIGHT_READ, 0);
    m.info = 0;
    sel4_call(read_only, &m);
    claim(sel4_info_label(m.info) == SEL4_INVALID_CAPABILITY, "Call needs the write right");
    cptr_t faults = make(SEL4_ENDPOINT, 0);
    thread_start(thread_make(receiver, write_only, 120, faults));
    sel4_recv(faults, reply, &m);
    claim(sel4_info_label(m.info) == SEL4_FAULT_CAP, "Recv needs the read right");
    threads_end();
    capabilities();
    drop(faults), drop(endpoint), drop(reply);
}

/* ---- scheduling contexts along calls ---- */

static volatile int served;
static cptr_t server_reply, front, back, back_reply;

static void serve(uint64_t from)
{
    struct sel4_message m = {0};
    sel4_recv(from, server_reply, &m);
    for (;;) {
        served++;
        m = (struct sel4_message){.info = sel4_info(0, 0, 1), .mr = {m.mr[0] + 1}};
        sel4_reply_recv(from, server_reply, &m);
    }
}

/* Calls the server behind it before it answers. */
static void relay(uint64_t unused)
{
    (void)unused;
    struct sel4_message m = {0};
    sel4_recv(front, back_reply, &m);
    for (;;) {
        m.info = sel4_info(0, 0, 1);
        sel4_call(back, &m);
        m.info = sel4_info(0, 0, 1);
        sel4_reply_recv(front, back_reply, &m);
    }
}

static void silent(uint64_t from)
{
    struct sel4_message m = {0};
    sel4_recv(from, server_reply, &m);
    served++;
    sel4_wait(notification);
}

void group_donation(void)
{
    front = make(SEL4_ENDPOINT, 0), back = make(SEL4_ENDPOINT, 0), notification = make(SEL4_NOTIFICATION, 0);
    server_reply = make(SEL4_REPLY, 0), back_reply = make(SEL4_REPLY, 0);
    served = 0;
    struct thread *server = thread_passive(serve, back, 120);
    struct sel4_message m = {.info = sel4_info(0, 0, 1), .mr = {5}};
    sel4_call(back, &m);
    claim(served == 1 && m.mr[0] == 6, "a passive server runs on its caller's scheduling context and gives it back");
    struct thread *middle = thread_passive(relay, 0, 120);
    m = (struct sel4_message){.info = sel4_info(0, 0, 1), .mr = {7}};
    sel4_call(front, &m);
    claim(served == 2 && m.mr[0] == 8, "along two calls, and back");
    (void)middle;
    m = (struct sel4_message){.info = sel4_info(0, 0, 1)};
    sel4_send(back, m);
    claim(served == 2, "Send lends nothing: the server has the message, and no time");
    claim_error(sched_context_bind(server->sc, server->tcb), SEL4_NO_ERROR, "bound to a context of its own");
    claim(served == 3, "it goes on");
    threads_end();

    /* the answer never comes: deleting the reply object gives the context back to the caller, which stays stopped */
    served = logged = 0;
    server = thread_passive(silent, back, 120);
    struct thread *client = thread_make(caller, back, 110, 0);
    thread_start(client);
    claim(served == 1 && logged == 0, "a caller whose server is silent waits");
    claim_error(sched_context_bind(client->sc, client->tcb), SEL4_ILLEGAL_OPERATION, "its scheduling context is with the server");
    drop(server_reply);
    server_reply = make(SEL4_REPLY, 0);
    claim_error(sched_context_bind(server->sc, server->tcb), SEL4_NO_ERROR, "without the reply object the server has no context any more");
    must(tcb_resume(client->tcb), "resume");
    threads_end();

    cptr_t six = mint(notification, SEL4_ALL_RIGHTS, 6);
    sel4_signal(six);
    m = (struct sel4_message){.info = 0};
    sel4_nbsend_recv(front, notification, 0, &m);
    claim(m.badge == 6, "NBSendRecv with nobody to send to receives all the same");
    sel4_signal(six);
    m = (struct sel4_message){.info = 0};
    sel4_syscall(SEL4_SYS_NBSEND_WAIT, notification, &m, front, 0);
    claim(m.badge == 6, "and NBSendWait");
    drop(front), drop(back), drop(notification), drop(server_reply), drop(back_reply);
}

/* ---- notifications ---- */

static void waiter(uint64_t cptr) { note(sel4_wait(cptr)); }

static void bound_receiver(uint64_t unused)
{
    (void)unused;
    struct sel4_message m = {0};
    for (;;) {
        sel4_recv(endpoint, reply, &m);
        note(m.badge);
    }
}

void group_notifications(void)
{
    notification = make(SEL4_NOTIFICATION, 0), endpoint = make(SEL4_ENDPOINT, 0), reply = make(SEL4_REPLY, 0);
    cptr_t one = mint(notification, SEL4_RIGHT_WRITE, 1), two = mint(notification, SEL4_RIGHT_WRITE, 2), other = make(SEL4_NOTIFICATION, 0);
    claim(sel4_poll(notification) == 0, "nothing signalled: NBWait returns 0");
    sel4_signal(one);
    sel4_signal(two);
    claim(sel4_wait(notification) == 3, "signals add up by OR");
    claim(sel4_poll(notification) == 0, "and are taken at once");
    logged = 0;
    thread_start(thread_make(waiter, notification, 120, 0));
    thread_start(thread_make(waiter, notification, 121, 0));
    sel4_signal(two);
    claim(logged == 1 && log_of[0] == 2, "one signal wakes one waiter");
    sel4_signal(one);
    claim(logged == 2 && log_of[1] == 1, "the next one another");
    threads_end();

    struct thread *t = thread_make(bound_receiver, 0, 120, 0);
    REFUSED(SEL4_ILLEGAL_OPERATION, t->tcb, SEL4_TCB_UNBIND_NOTIFICATION, CAPS(), WORDS(), "unbinding what is not bound: illegal operation");
    REFUSED(SEL4_INVALID_CAPABILITY, t->tcb, SEL4_TCB_BIND_NOTIFICATION, CAPS(one), WORDS(), "binding needs the read right");
    must(tcb_bind_notification(t->tcb, notification), "bind");
    REFUSED(SEL4_ILLEGAL_OPERATION, t->tcb, SEL4_TCB_BIND_NOTIFICATION, CAPS(other), WORDS(), "a thread has one notification");
    REFUSED(SEL4_ILLEGAL_OPERATION, SEL4_CAP_INIT_TCB, SEL4_TCB_BIND_NOTIFICATION, CAPS(notification), WORDS(), "a notification has one thread");
    logged = 0;
    thread_start(t);
    sel4_signal(two);
    claim(logged == 1 && log_of[0] == 2, "a signal reaches the bound thread at its endpoint");
    struct sel4_message m = {0};
    sel4_nbsend(mint(endpoint, SEL4_ALL_RIGHTS, 9), m);
    claim(logged == 2 && log_of[1] == 9, "and so do messages");
    must(invoke(t->tcb, SEL4_TCB_UNBIND_NOTIFICATION, CAPS(), WORDS()), "unbind");
    sel4_signal(one);
    claim(logged == 2 && sel4_poll(notification) == 1, "unbound, the signal stays");
    must(tcb_bind_notification(t->tcb, notification), "bind again");
    must(cnode_revoke(ROOT, notification, DEPTH), "revoke");
    drop(notification);
    notification = make(SEL4_NOTIFICATION, 0);
    claim_error(tcb_bind_notification(t->tcb, notification), SEL4_NO_ERROR, "deleting the notification unbinds it");
    threads_end();
    drop(notification), drop(endpoint), drop(reply), drop(other);
}
