/* function: every function of kernel/syscall.c
 * property: nothing undefined, in whatever state, for every system call, exception, fault and interrupt; an operation gets a length that the sender's message has and capabilities that are there; a refusal's words are no more than fit
 * bound: 2 threads; all system calls
 * with: proofs/kernel/world.c
 * options: --unwind 8
 * seconds: 300
 */
#include "world.h"
void *const world_queue = &ep;
const unsigned world_threads = 2;
static bool invoked;
status_t invocation_decode(struct invocation *inv)
{
    HOLDS(inv->length <= SEL4_MSG_MAX_LENGTH, "no longer than a message can be");
    HOLDS(inv->length <= SEL4_MSG_REGISTERS || tcb_ipc_buffer(inv->caller, false), "words that the sender has");
    HOLDS(inv->cap.w0 == inv->slot->cap.w0, "the capability in the slot");
    for (unsigned i = 0; i + 1 < SEL4_MSG_MAX_EXTRA_CAPS; i++)
        HOLDS(inv->extra[i] || !inv->extra[i + 1], "capabilities without a gap");
    invoked = true;
    inv->reply_length = nondet_below(SEL4_MSG_MAX_LENGTH + 1);
    kernel.refusal.length = nondet_below(7);
    return nondet_int();
}
static bool faulted, received;
void fault_send(struct tcb *t) { HOLDS(t->fault.type != SEL4_FAULT_NULL, "it has a fault"); faulted = true; }
void endpoint_receive(struct tcb *t, cap_t cap, struct reply *r, bool blocking)
{
    (void)t, (void)blocking;
    HOLDS(cap_tag(cap) == CAP_ENDPOINT && (cap_rights(cap) & SEL4_RIGHT_READ), "one that may be received from");
    HOLDS(!r || r == &ra || r == &rb, "a reply object, or none");
    received = true;
}
void notification_wait(struct tcb *t, struct notification *n, bool blocking) { (void)blocking; HOLDS(n == &nt && (!n->bound_tcb || n->bound_tcb == t), "nobody else's"); received = true; }
void notification_signal(struct notification *n, word_t badge) { (void)badge; HOLDS(n == &nt, "a notification"); }
void schedule(void) {}
void yield_current(void) {}
bool debug_syscall(int64_t n) { (void)n; return nondet_bool(); }
#include "kernel/syscall.c"

int main(void)
{
    world_any();
    struct tcb *t = kernel.current;
    int64_t number = nondet_int();
    switch (nondet_below(6)) {
    case 0:
        handle_syscall(number);
        break;
    case 1:
        syscall_general(t, number);
        REACH(number == SEL4_SYS_CALL && invoked && !faulted);
        REACH(number == SEL4_SYS_REPLY_RECV && invoked && received);
        REACH(number == SEL4_SYS_NBSEND_RECV && faulted);
        REACH(number == -1000 && faulted);
        break;
    case 2: {
        word_t irq = nondet_below(NUM_IRQS);
        kernel.irq_slots[irq].cap = any_cap();
        kernel.irq_state[irq] = (uint8_t)nondet_below(4);
        handle_interrupt(irq);
        break;
    }
    case 3: handle_user_exception(nondet_below(32), nondet_word()); break;
    case 4: handle_vm_fault(nondet_word(), nondet_bool(), nondet_word()); break;
    default:
        handle_vcpu_fault();
        t->fault.type = ATOLL_FAULT_VCPU;
        vcpu_fault_general(t);
    }
}
