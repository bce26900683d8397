/* Faults as messages (manual, "Faults"): what a handler is told, and what its answer does. */
#include "core.h"
#include "state.h"

static bool handler_usable(cap_t c)
{
    return cap_tag(c) == CAP_ENDPOINT && (cap_rights(c) & SEL4_RIGHT_WRITE) &&
           (cap_rights(c) & (SEL4_RIGHT_GRANT | SEL4_RIGHT_GRANT_REPLY));
}

bool fault_has_timeout_handler(const struct tcb *t) { return handler_usable(t->timeout_handler.cap); }

void fault_send(struct tcb *t)
{
    cap_t c = t->fault_handler.cap;
    if (!handler_usable(c)) {
        log_printf("thread %s: fault %lu at %lx (%lx %lx) and no fault handler: stopped\n", t->name[0] ? t->name : "?",
                   t->fault.type, t->context.rip, t->fault.w[0], t->fault.w[1]);
        t->fault.type = SEL4_FAULT_NULL;
        thread_set_state(t, THREAD_INACTIVE);
        return;
    }
    endpoint_send(t, object_at(cap_offset48(c)), cap_badge(c), cap_rights(c), true, false, t->sc != NULL);
}

bool fault_timeout(struct tcb *t)
{
    cap_t c = t->timeout_handler.cap;
    if (!handler_usable(c))
        return false;
    t->fault.type = SEL4_FAULT_TIMEOUT;
    t->fault.w[0] = t->sc->badge;
    /* The budget is gone, so it isn't lent to the handler. */
    endpoint_send(t, object_at(cap_offset48(c)), cap_badge(c), cap_rights(c), true, false, false);
    return true;
}

/* Register lists as indices of seL4_UserContext: rip 0, rsp 1, rflags 2, rax 3 ... r15 17, fs_base 18. */
static const uint8_t unknown_syscall_registers[] = {3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 0, 1, 2};
static const uint8_t exception_registers[] = {0, 1, 2};
static const uint8_t timeout_registers[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18};

static word_t put_words(struct tcb *to, unsigned at, const word_t *words, unsigned count)
{
    unsigned i = 0;
    while (i < count && message_set_word(to, at + i, words[i]))
        i++;
    return at + i;
}

static word_t put_registers(struct tcb *to, struct tcb *from, const uint8_t *list, unsigned count)
{
    unsigned i = 0;
    while (i < count && message_set_word(to, i, *arch_context_word(&from->context, list[i])))
        i++;
    return i;
}

static void take_registers(struct tcb *t, struct tcb *replier, const uint8_t *list, unsigned count)
{
    word_t length = message_length(replier->context.rsi);
    if (length > SEL4_MSG_REGISTERS && !tcb_ipc_buffer(replier, false))
        length = SEL4_MSG_REGISTERS;
    for (unsigned i = 0; i < count && i < length; i++)
        *arch_context_word(&t->context, list[i]) = arch_sanitise_register(list[i], message_word(replier, i));
    if (length != 0)
        t->context.cause = 0; /* all registers count now: return by IRET */
}

word_t fault_message(struct tcb *t, struct tcb *to)
{
    const struct fault *f = &t->fault;
    const word_t *l = t->lookup_failure;
    word_t ip = t->context.rip, n;
    switch (f->type) {
    case SEL4_FAULT_CAP: {
        word_t words[] = {ip, f->w[0], f->w[1], l[0], l[1], l[2], l[3]};
        unsigned count = l[0] == SEL4_LOOKUP_INVALID_ROOT ? 4 : l[0] == SEL4_LOOKUP_MISSING ? 5
                         : l[0] == SEL4_LOOKUP_DEPTH_MISMATCH                              ? 6
                                                                                           : 7;
        return put_words(to, 0, words, count);
    }
    case SEL4_FAULT_UNKNOWN_SYSCALL:
        n = put_registers(to, t, unknown_syscall_registers, ARRAY_SIZE(unknown_syscall_registers));
        return n == ARRAY_SIZE(unknown_syscall_registers) ? put_words(to, (unsigned)n, f->w, 1) : n;
    case SEL4_FAULT_USER_EXCEPTION:
        put_registers(to, t, exception_registers, ARRAY_SIZE(exception_registers));
        return put_words(to, ARRAY_SIZE(exception_registers), f->w, 2);
    case SEL4_FAULT_VM: {
        word_t words[] = {ip, f->w[0], f->w[1], f->w[2]};
        return put_words(to, 0, words, ARRAY_SIZE(words));
    }
    case SEL4_FAULT_TIMEOUT: {
        word_t words[] = {f->w[0], t->sc ? sched_context_take_consumed(t->sc) : 0};
        return put_words(to, 0, words, ARRAY_SIZE(words));
    }
    default: return arch_vcpu_fault_message(t, to);
    }
}

bool fault_reply(struct tcb *t, struct tcb *replier)
{
    word_t info = replier->context.rsi, label = message_label(info);
    switch (t->fault.type) {
    case SEL4_FAULT_CAP:
    case SEL4_FAULT_VM: return true;
    case SEL4_FAULT_UNKNOWN_SYSCALL:
        take_registers(t, replier, unknown_syscall_registers, ARRAY_SIZE(unknown_syscall_registers));
        return label == 0;
    case SEL4_FAULT_USER_EXCEPTION:
        take_registers(t, replier, exception_registers, ARRAY_SIZE(exception_registers));
        return label == 0;
    case SEL4_FAULT_TIMEOUT:
        take_registers(t, replier, timeout_registers, ARRAY_SIZE(timeout_registers));
        return label == 0;
    default: arch_vcpu_fault_reply(replier, t); return true;
    }
}
