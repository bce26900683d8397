/* The kernel's entries from user level: eleven system calls, faults and interrupts. */
#include "core.h"
#include "state.h"

static void cap_fault(struct tcb *t, word_t cptr, bool receiving)
{
    thread_restart_syscall(t);
    t->fault.type = SEL4_FAULT_CAP;
    t->fault.w[0] = cptr;
    t->fault.w[1] = receiving;
    fault_send(t);
}

static void cap_fault_missing(struct tcb *t, word_t cptr, word_t bits_left)
{
    t->lookup_failure[0] = SEL4_LOOKUP_MISSING;
    t->lookup_failure[1] = bits_left;
    cap_fault(t, cptr, true);
}

static void reply_from_kernel(struct invocation *inv, status_t s)
{
    struct tcb *t = inv->caller;
    word_t length = inv->reply_length;
    if (s != STATUS_OK)
        for (length = 0; length < kernel.refusal.length && message_set_word(t, (unsigned)length, kernel.refusal.message[length]);)
            length++;
    t->context.rdi = 0;
    t->context.rsi = message_info((word_t)s, 0, 0, length);
}

enum { CALL = 1, BLOCKING = 2, DONATE = 4, IPC_ONLY = 8 };

/* The send phase. False: the system call ends here (a fault, or a preemption: it starts again). */
static bool invoke(struct tcb *t, word_t cptr, unsigned how)
{
    struct lookup l = cspace_lookup(t, cptr);
    if (l.status != STATUS_OK) {
        if (how & BLOCKING)
            cap_fault(t, cptr, false);
        return !(how & BLOCKING);
    }
    word_t info = t->context.rsi;
    struct invocation inv = {.slot = l.slot, .cap = l.slot->cap, .label = message_label(info), .length = message_length(info),
                             .blocking = (how & BLOCKING) != 0, .call = (how & CALL) != 0, .donate = (how & DONATE) != 0,
                             .caller = t};
    enum cap_tag tag = cap_tag(inv.cap);
    if ((how & IPC_ONLY) && tag != CAP_ENDPOINT && tag != CAP_NOTIFICATION && tag != CAP_REPLY && tag != CAP_IPI)
        return true; /* the first half of a combined call only sends */
    const word_t *buffer = tcb_ipc_buffer(t, false);
    if (!buffer && inv.length > SEL4_MSG_REGISTERS)
        inv.length = SEL4_MSG_REGISTERS;
    for (unsigned i = 0; buffer && i < message_extra(info); i++) {
        word_t extra = buffer[SEL4_IPC_CAPS_WORD + i];
        l = cspace_lookup(t, extra);
        if (l.status != STATUS_OK) {
            if (how & BLOCKING)
                cap_fault(t, extra, false);
            return !(how & BLOCKING);
        }
        inv.extra[i] = l.slot;
    }
    status_t s = invocation_decode(&inv);
    if (s == STATUS_PREEMPTED) {
        thread_restart_syscall(t);
        return false;
    }
    if (inv.call && s != STATUS_BLOCKED)
        reply_from_kernel(&inv, s);
    return true;
}

/* The receive phase; with_reply: a reply object is named in r12, which an endpoint needs to be called through. */
static void receive(struct tcb *t, bool blocking, bool with_reply)
{
    word_t cptr = t->context.rdi;
    struct lookup l = cspace_lookup(t, cptr);
    if (l.status != STATUS_OK) {
        cap_fault(t, cptr, true);
        return;
    }
    cap_t c = l.slot->cap;
    if (cap_tag(c) == CAP_ENDPOINT && (cap_rights(c) & SEL4_RIGHT_READ)) {
        struct reply *reply = NULL;
        if (with_reply) {
            word_t reply_cptr = t->context.r12;
            struct lookup r = cspace_lookup(t, reply_cptr);
            if (r.status != STATUS_OK) {
                cap_fault(t, reply_cptr, true);
                return;
            }
            if (cap_tag(r.slot->cap) != CAP_REPLY) {
                cap_fault_missing(t, reply_cptr, r.bits_left);
                return;
            }
            reply = object_at(cap_offset48(r.slot->cap));
        }
        endpoint_receive(t, c, reply, blocking);
    } else if (cap_tag(c) == CAP_NOTIFICATION && (cap_rights(c) & SEL4_RIGHT_READ)) {
        struct notification *n = object_at(cap_offset48(c));
        if (n->bound_tcb && n->bound_tcb != t)
            cap_fault_missing(t, cptr, l.bits_left);
        else
            notification_wait(t, n, blocking);
    } else {
        cap_fault_missing(t, cptr, l.bits_left);
    }
}

/* kernel.current and its rdx. */
void syscall_dispatch(struct tcb *t, int64_t number)
{
    if (number == SEL4_SYS_CALL)
        fastpath_call(t);
    else if (number == SEL4_SYS_REPLY_RECV)
        fastpath_reply_recv(t);
    else if (number == SEL4_SYS_SEND || number == SEL4_SYS_NBSEND)
        fastpath_send(t, number);
    else
        syscall_general(t, number);
}

void handle_syscall(int64_t number) { syscall_dispatch(kernel.current, number); }

void syscall_general(struct tcb *t, int64_t number)
{
    switch (number) {
    case SEL4_SYS_CALL: invoke(t, t->context.rdi, CALL | BLOCKING | DONATE); break;
    case SEL4_SYS_REPLY_RECV:
        if (invoke(t, t->context.r12, DONATE | IPC_ONLY))
            receive(t, true, true);
        break;
    case SEL4_SYS_NBSEND_RECV:
        if (invoke(t, t->context.r13, DONATE | IPC_ONLY))
            receive(t, true, true);
        break;
    case SEL4_SYS_NBSEND_WAIT:
        if (invoke(t, t->context.r12, DONATE | IPC_ONLY))
            receive(t, true, false);
        break;
    case SEL4_SYS_SEND: invoke(t, t->context.rdi, BLOCKING); break;
    case SEL4_SYS_NBSEND: invoke(t, t->context.rdi, 0); break;
    case SEL4_SYS_RECV: receive(t, true, true); break;
    case SEL4_SYS_NBRECV: receive(t, false, true); break;
    case SEL4_SYS_WAIT: receive(t, true, false); break;
    case SEL4_SYS_NBWAIT: receive(t, false, false); break;
    case SEL4_SYS_YIELD: yield_current(); break;
    case SEL4_SYS_SET_TLS_BASE:
        t->context.fs_base = arch_sanitise_register(18, t->context.rdi);
        arch_tls_base_changed(t);
        return; /* nothing to schedule */
    default:
        if (debug_syscall(number))
            break;
        thread_restart_syscall(t);
        t->fault.type = SEL4_FAULT_UNKNOWN_SYSCALL;
        t->fault.w[0] = (word_t)number;
        fault_send(t);
    }
    schedule();
}

void handle_interrupt(word_t irq)
{
    struct slot *s = &kernel.irq_slots[irq];
    arch_irq_mask(irq, true); /* until IRQHandler_Ack */
    if (kernel.irq_state[irq] == IRQ_SIGNAL && cap_tag(s->cap) == CAP_NOTIFICATION && (cap_rights(s->cap) & SEL4_RIGHT_WRITE))
        notification_signal(object_at(cap_offset48(s->cap)), cap_badge(s->cap));
    schedule();
}

void handle_user_exception(word_t number, word_t code)
{
    struct tcb *t = kernel.current;
    t->fault.type = SEL4_FAULT_USER_EXCEPTION;
    t->fault.w[0] = number;
    t->fault.w[1] = code;
    fault_send(t);
    schedule();
}

void handle_vm_fault(word_t vaddr, bool prefetch, word_t fsr)
{
    struct tcb *t = kernel.current;
    t->fault.type = SEL4_FAULT_VM;
    t->fault.w[0] = vaddr;
    t->fault.w[1] = prefetch;
    t->fault.w[2] = fsr;
    fault_send(t);
    schedule();
}

void handle_vcpu_fault(void)
{
    struct tcb *t = kernel.current;
    t->fault.type = ATOLL_FAULT_VCPU;
    fastpath_vcpu_fault(t);
}

void vcpu_fault_general(struct tcb *t)
{
    fault_send(t);
    schedule();
}
