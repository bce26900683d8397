/* function: every function of kernel/invocation.c, irq.c, domain.c and debug.c
 * property: nothing undefined, for every capability, label and message; a message is sent or signalled only with the right to write; a refusal's words are no more than there is room for; a thread's name ends
 * bound: 2 threads; all invocations
 * with: proofs/kernel/world.c
 * options: --unwind 34
 * seconds: 300
 */
#include "world.h"
void *const world_queue = &ep;
const unsigned world_threads = 2;
static word_t invoked_rights;
void endpoint_send(struct tcb *t, struct endpoint *e, word_t badge, word_t rights, bool blocking, bool call, bool donate)
{
    (void)t, (void)badge, (void)blocking, (void)call, (void)donate;
    HOLDS(e == &ep && (rights & SEL4_RIGHT_WRITE) && rights == invoked_rights, "with the capability's own rights, the one to write among them");
}
void notification_signal(struct notification *n, word_t badge) { (void)badge; HOLDS(n == &nt && (invoked_rights & SEL4_RIGHT_WRITE), "with the right to write"); }
void reply_send(struct tcb *t, struct reply *r, bool grant) { (void)t; HOLDS((r == &ra || r == &rb) && grant == ((invoked_rights & SEL4_RIGHT_GRANT) != 0), "to a reply object"); }
#define INVOKE(name) status_t name(struct invocation *inv) { (void)inv; return nondet_int(); }
INVOKE(untyped_invoke) INVOKE(cnode_invoke) INVOKE(tcb_invoke) INVOKE(sched_context_invoke) INVOKE(sched_control_invoke) INVOKE(channel_invoke)
INVOKE(arch_invoke) INVOKE(arch_irq_control_invoke)
status_t slot_delete(struct slot *s) { s->cap = cap_null(); return nondet_bool() ? STATUS_OK : STATUS_PREEMPTED; }
void slot_insert(cap_t cap, struct slot *from, struct slot *to) { (void)from; HOLDS(cap_tag(cap) == CAP_NOTIFICATION && cap_tag(to->cap) == CAP_NULL, "a notification, into an empty slot"); }
#include "kernel/invocation.c"
#include "kernel/irq.c"
#include "kernel/domain.c"
#include "kernel/debug.c"

int main(void)
{
    world_any();
    kernel.all_threads = NULL;
    cap_t cap = any_cap();
    struct invocation inv = any_invocation(cap_tag(cap));
    invoked_rights = cap_rights(inv.cap);
    if (nondet_bool()) {
        status_t s = invocation_decode(&inv);
        HOLDS(kernel.refusal.length <= 6, "as many words as there is room for");
        REACH(s == STATUS_BLOCKED && cap_tag(inv.cap) == CAP_ENDPOINT);
        REACH(s == STATUS_OK && cap_tag(inv.cap) == CAP_IRQ_HANDLER);
        REACH(s == SEL4_INVALID_CAPABILITY && cap_tag(inv.cap) == CAP_NULL);
        REACH(s == STATUS_OK && cap_tag(inv.cap) == CAP_DOMAIN);
        invocation_result(&inv, nondet_below(SEL4_MSG_MAX_LENGTH), nondet_word());
        refuse_lookup(nondet_bool());
        refuse_range(nondet_word(), nondet_word());
        HOLDS(kernel.refusal.length == 2, "its two ends");
    } else {
        int number = nondet_int();
        ASSUME(number != SEL4_SYS_DEBUG_HALT);
        bool known = debug_syscall(number);
        HOLDS(ta.name[31] == 0 && tb.name[31] == 0, "names that end");
        REACH(known && number == SEL4_SYS_DEBUG_NAME_THREAD && ta.name[0] == '?');
    }
}
