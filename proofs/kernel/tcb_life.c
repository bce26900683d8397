/* function: the functions of kernel/tcb.c but invocations
 * property: nothing undefined, in whatever state; who is suspended is in no queue and waits for nothing; who goes is bound to nothing and in no list
 * bound: 2 threads, 2 contexts; all links between them
 * with: proofs/kernel/world.c
 * options: --unwind 5
 */
#include "world.h"
void *const world_queue = &ep;
const unsigned world_threads = 2;
/* The one that waits is out of its queue (ipc.c). */
void ipc_cancel(struct tcb *t)
{
    t->fault.type = SEL4_FAULT_NULL;
    if (t->reply)
        t->reply->tcb = NULL;
    t->reply = NULL;
    if (t->state >= THREAD_BLOCKED_ON_RECEIVE)
        t->state = THREAD_INACTIVE;
}
#include "kernel/tcb.c"

int main(void)
{
    world_any();
    struct tcb *t = &ta;
    word_t pc = t->context.rip;
    switch (nondet_below(7)) {
    case 0: {
        word_t back = thread_restart_pc(t);
        HOLDS(back == pc || back == pc - 2, "where it is, or at its system call again");
        break;
    }
    case 1: {
        bool by_syscall = (int64_t)t->context.cause < 0;
        thread_restart_syscall(t);
        HOLDS(t->context.rip == (by_syscall ? pc - 2 : pc), "the system call again");
        break;
    }
    case 2:
        thread_suspend(t);
        HOLDS(t->state == THREAD_INACTIVE && !t->in_ready_queue && !t->in_release_queue && !t->yield_to, "it waits for nothing");
        break;
    case 3:
        thread_resume(t);
        HOLDS(t->state == THREAD_RUNNING, "it may run");
        break;
    case 4:
        thread_finalise(t);
        HOLDS(!t->sc && !t->bound_notification && !t->vcpu && nt.bound_tcb != t, "bound to nothing");
        HOLDS(kernel.all_threads != t || t->all_link.prev, "not the first of all");
        break;
    case 5: {
        uint8_t priority = (uint8_t)nondet_word();
        ASSUME(t->state != THREAD_BLOCKED_ON_NOTIFICATION);
        set_priority(t, priority);
        HOLDS(t->priority == priority, "as set");
        REACH(t->state == THREAD_RUNNING && kernel.reschedule);
        break;
    }
    default: {
        struct tcb *authority = &tb;
        word_t priority = nondet_word();
        status_t s = check_priority(cap_tcb(AT_TB), priority);
        HOLDS((s == STATUS_OK) == (priority <= authority->mcp), "no more than the authority's");
        cap_t c = any_cap();
        s = check_fault_handler(c, 1);
        HOLDS(s != STATUS_OK || cap_tag(c) == CAP_NULL || (cap_tag(c) == CAP_ENDPOINT && (cap_rights(c) & SEL4_RIGHT_WRITE)), "none, or one that can be told");
        REACH(s == STATUS_OK && cap_tag(c) == CAP_ENDPOINT);
    }
    }
}
