/* function: fault_message, fault_reply, put_words, put_registers, take_registers
 * property: a fault's message has the length that the manual gives for its kind and never more than the receiver can take; nothing but that thread's registers and fault travels; what a handler answers with goes only to registers, each sanitised, no more of them than the message has words
 * bound: all faults and messages, with or without a buffer
 * options: --unwind 21
 */
#include "../proof.h"
#include "kernel/core.h"
#include "kernel/state.h"
#include "kernel/fault.c"

struct kernel kernel;
static struct tcb faulter, handler;
static struct sched_context sc;
static word_t buffer[128];
static bool has_buffer;
static unsigned highest, writes, sanitised;
static word_t context_words[20];

word_t message_word(struct tcb *t, unsigned i) { HOLDS(t == &handler && i < 120, "a word of the answer"); return nondet_word(); }
bool message_set_word(struct tcb *t, unsigned i, word_t value)
{
    (void)value;
    HOLDS(t == &handler && i < 120, "a word of the handler's message");
    if (i >= 4 && !has_buffer)
        return false;
    HOLDS(i == writes, "one behind the other");
    writes++;
    return true;
}
word_t *arch_context_word(struct context *c, unsigned i)
{
    HOLDS(c == &faulter.context && i < SEL4_CONTEXT_WORDS, "a register of the thread that faults");
    return &context_words[i];
}
word_t arch_sanitise_register(unsigned i, word_t v) { (void)i; sanitised++; return v; }
word_t arch_vcpu_fault_message(struct tcb *from, struct tcb *to) { (void)from, (void)to; writes = nondet_below(121); return writes; }
static bool vcpu_told;
void arch_vcpu_fault_reply(struct tcb *replier, struct tcb *t) { (void)t, (void)replier; vcpu_told = true; }
word_t sched_context_take_consumed(struct sched_context *s) { HOLDS(s == &sc, "its own context's"); return 0; }
void thread_set_state(struct tcb *t, enum thread_state s) { t->state = s; }
void endpoint_send(struct tcb *t, struct endpoint *e, word_t badge, word_t rights, bool blocking, bool call, bool donate) { (void)t, (void)e, (void)badge, (void)rights, (void)blocking, (void)call, (void)donate; }
void log_printf(const char *f, ...) { (void)f; }

int main(void)
{
    has_buffer = nondet_bool();
    faulter.fault.type = nondet_below(9);
    word_t type = faulter.fault.type;
    ASSUME(type != SEL4_FAULT_NULL);
    faulter.lookup_failure[0] = nondet_below(5);
    faulter.sc = nondet_bool() ? &sc : NULL;
    handler.context.rsi = nondet_word();
    handler.ipc_buffer.cap = has_buffer ? cap_frame(0, FRAME_4K, FRAME_READ_WRITE, false) : cap_null();
    handler.ipc_buffer_words = buffer;
    faulter.context.cause = -1ull;

    if (nondet_bool()) {
        word_t length = fault_message(&faulter, &handler), kind = faulter.lookup_failure[0];
        word_t full = type == SEL4_FAULT_CAP ? (kind == SEL4_LOOKUP_INVALID_ROOT ? 4 : kind == SEL4_LOOKUP_MISSING ? 5 : kind == SEL4_LOOKUP_DEPTH_MISMATCH ? 6 : 7)
                      : type == SEL4_FAULT_UNKNOWN_SYSCALL ? 19 : type == SEL4_FAULT_USER_EXCEPTION ? 5 : type == SEL4_FAULT_VM ? 4
                      : type == SEL4_FAULT_TIMEOUT ? 2 : writes;
        HOLDS(length == writes, "the length says what was written");
        HOLDS(length == full || (!has_buffer && length == 4), "all of it, or what registers hold");
        REACH(length == 19);
        REACH(type == SEL4_FAULT_CAP && length == 7);
        REACH(type == SEL4_FAULT_UNKNOWN_SYSCALL && length == 4);
    } else {
        word_t length = handler.context.rsi & 127, label = handler.context.rsi >> 12;
        bool run = fault_reply(&faulter, &handler);
        unsigned most = type == SEL4_FAULT_UNKNOWN_SYSCALL ? 18 : type == SEL4_FAULT_USER_EXCEPTION ? 3 : type == SEL4_FAULT_TIMEOUT ? 19 : 0;
        if (length > 4 && !has_buffer)
            length = 4;
        HOLDS(sanitised == (length < most ? length : most), "registers of the answer, each sanitised");
        HOLDS(!sanitised || faulter.context.cause == 0, "which then all count");
        bool with_label = type == SEL4_FAULT_UNKNOWN_SYSCALL || type == SEL4_FAULT_USER_EXCEPTION || type == SEL4_FAULT_TIMEOUT;
        HOLDS(run == (!with_label || label == 0), "it runs on unless the answer says no");
        REACH(sanitised == 19);
        REACH(vcpu_told);
        REACH(!run);
    }
}
