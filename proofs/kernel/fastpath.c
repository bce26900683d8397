/* function: every function of kernel/fastpath.c
 * property: nothing undefined, in whatever state; a scheduling context goes from one thread to the other, to be found by both; no word behind the message's length is copied; who runs is the one to whom it went; what does not fit is left, unchanged, to the general path
 * bound: 2 threads
 * with: proofs/kernel/world.c
 * replace: endpoint_head:world_head endpoint_state:world_state endpoint_set_head:world_set_head endpoint_pop:world_pop endpoint_has:world_has notification_note:world_note reply_below:world_reply_below
 * options: --unwind 5
 * seconds: 300
 */
#include "world.h"
void *const world_queue = &ep;
const unsigned world_threads = 2;
static bool general, switched, signalled;
void syscall_general(struct tcb *t, int64_t number) { (void)number; HOLDS(t == &ta, "the caller"); general = true; }
void vcpu_fault_general(struct tcb *t) { HOLDS(t == &ta, "the caller"); general = true; }
void arch_switch_to(struct tcb *t) { HOLDS(t == kernel.current && t->state == THREAD_RUNNING, "who runs now"); switched = true; }
static bool woken;
bool world_note(struct notification *n, word_t badge) { (void)badge; HOLDS(n == &nt, "a notification"); return signalled = nondet_bool(); }
void notification_wake(struct notification *n, word_t badge) { (void)badge; HOLDS(n == &nt && !signalled, "once"); signalled = woken = true; }
static bool scheduled;
void schedule(void) { scheduled = true; }
void arch_vcpu_tell(struct tcb *t, struct tcb *to) { HOLDS(t != to, "two threads"); arch_switch_to(to); }
void arch_vcpu_resume(struct tcb *replier, struct tcb *t) { HOLDS(t != replier && t->vcpu, "two threads"); arch_switch_to(t); }
#include "kernel/fastpath.c"

int main(void)
{
    world_any();
    struct tcb *t = &ta;
    kernel.current = t;
    t->state = THREAD_RUNNING;
    /* Who waits at the endpoint is another thread, with a reply object of its own that is in no stack. */
    ASSUME(ep_head != t && tb.state != THREAD_RUNNING && (!tb.reply || tb.state == THREAD_BLOCKED_ON_REPLY || (!tb.reply->next && !tb.reply->prev)));
    ASSUME(tb.fault.type != ATOLL_FAULT_VCPU || tb.vcpu);
    ASSUME((ep_state == ENDPOINT_RECEIVING) == (tb.state == THREAD_BLOCKED_ON_RECEIVE));
    struct sched_context *sc = t->sc;
    word_t r10 = tb.context.r10, r8 = tb.context.r8, r15 = tb.context.r15, info = t->context.rsi;
    switch (nondet_below(4)) {
    case 0:
        fastpath_call(t);
        if (!general) {
            HOLDS(switched && kernel.current == &tb && tb.sc == sc && sc->tcb == &tb && !t->sc && t->state == THREAD_BLOCKED_ON_REPLY, "the receiver runs on the caller's context");
            HOLDS(sc->reply == t->reply && t->reply->tcb == t && world_reply_sc(t->reply) == sc, "which will come back");
            HOLDS((message_length(info) > 0 || tb.context.r10 == r10) && (message_length(info) > 1 || tb.context.r8 == r8) && (message_length(info) > 3 || tb.context.r15 == r15), "no word behind the length");
            REACH(message_length(info) == 4);
        }
        break;
    case 1:
        fastpath_reply_recv(t);
        if (!general) {
            HOLDS(switched && kernel.current == &tb && tb.sc == sc && sc->tcb == &tb && !t->sc && t->state == THREAD_BLOCKED_ON_RECEIVE, "the caller has its context again");
            HOLDS(ep_head == t && ep.tail == t && ep_state == ENDPOINT_RECEIVING, "and the server waits");
            REACH(tb.context.rdi == 0);
        }
        break;
    case 2:
        fastpath_send(t, SEL4_SYS_SEND);
        HOLDS(signalled != general, "signalled, or left to the general path");
        HOLDS(!woken || scheduled, "who was woken may run");
        REACH(woken);
        REACH(signalled);
        break;
    default:
        ASSUME(t->vcpu);
        fastpath_vcpu_fault(t);
        HOLDS(general || (switched && kernel.current == &tb && tb.sc == sc), "the VMM runs");
        REACH(!general);
    }
    HOLDS(!general || (t->sc == sc && kernel.current == t && t->state == THREAD_RUNNING), "nothing was changed before");
}
