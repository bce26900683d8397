/* function: ipc_transfer, copy_words, message_word, message_set_word, tcb_ipc_buffer
 * property: the words of the message arrive, no others change, in registers and buffers; label, length and badge arrive; a thread without a buffer sends and gets what registers hold
 * bound: messages of any length; any buffers, with or without
 * options: --unwind 130
 * replace: transfer_caps:caps_contract
 */
#include "../proof.h"
#include "kernel/core.h"
#include "kernel/state.h"
#include "kernel/ipc.c"

struct kernel kernel;
static struct tcb sender, receiver;
static word_t from_words[128], to_words[128], before[128];
static bool granted;
word_t caps_contract(struct tcb *s, struct tcb *r, struct endpoint *e, word_t count)
{
    (void)e;
    HOLDS(s == &sender && r == &receiver && count <= 3, "the capabilities of this message");
    granted = true;
    return message_info(0, nondet_below(8), nondet_below(4), 0);
}
static word_t fault_length;
word_t fault_message(struct tcb *f, struct tcb *to) { (void)f, (void)to; return fault_length; }
struct lookup cspace_lookup(struct tcb *t, word_t cptr) { (void)t, (void)cptr; return (struct lookup){SEL4_FAILED_LOOKUP, NULL, 0}; }
struct lookup cspace_lookup_target(cap_t root, word_t index, word_t depth) { (void)root, (void)index, (void)depth; return (struct lookup){SEL4_FAILED_LOOKUP, NULL, 0}; }
void slot_insert(cap_t cap, struct slot *parent, struct slot *to) { (void)cap, (void)parent, (void)to; }
bool slot_is_empty(const struct slot *s) { return cap_tag(s->cap) == CAP_NULL; }
status_t cap_derive(struct slot *from, cap_t cap, cap_t *derived) { (void)from; *derived = cap; return STATUS_OK; }
void endpoint_remove(struct tcb *t) { (void)t; }
void notification_remove(struct tcb *t) { (void)t; }
void reply_unlink(struct reply *r) { (void)r; }
void reply_cut(struct reply *r) { (void)r; }
void thread_set_state(struct tcb *t, enum thread_state s) { t->state = s; }
word_t thread_restart_pc(const struct tcb *t) { return t->context.rip; }

static word_t registers_of(const struct tcb *t, unsigned i)
{
    return i == 0 ? t->context.r10 : i == 1 ? t->context.r8 : i == 2 ? t->context.r9 : t->context.r15;
}

int main(void)
{
    unsigned i = nondet_below(120);
    sender.ipc_buffer.cap = (cap_t){nondet_word(), 0};
    receiver.ipc_buffer.cap = (cap_t){nondet_word(), 0};
    sender.ipc_buffer_words = from_words;
    receiver.ipc_buffer_words = to_words;
    bool buffer_from = cap_tag(sender.ipc_buffer.cap) == CAP_FRAME && frame_rights(sender.ipc_buffer.cap) >= FRAME_READ;
    bool buffer_to = cap_tag(receiver.ipc_buffer.cap) == CAP_FRAME && frame_rights(receiver.ipc_buffer.cap) == FRAME_READ_WRITE;
    __CPROVER_havoc_object(from_words);
    for (unsigned w = 0; w < 128; w++)
        to_words[w] = before[w] = w;
    sender.context.r10 = nondet_word();
    sender.context.r8 = nondet_word();
    sender.context.r9 = nondet_word();
    sender.context.r15 = nondet_word();
    sender.context.rsi = nondet_word();
    receiver.context.r10 = 1, receiver.context.r8 = 2, receiver.context.r9 = 3, receiver.context.r15 = 4;
    sender.fault.type = nondet_bool() ? SEL4_FAULT_NULL : nondet_below(8);
    fault_length = nondet_below(121);
    word_t badge = nondet_word(), info = sender.context.rsi, length = info & 127, extra = info >> 7 & 3;
    bool grant = nondet_bool(), fault = sender.fault.type != SEL4_FAULT_NULL;
    if (length > 120)
        length = 120;
    if (length > 4 && !(buffer_from && buffer_to))
        length = 4;

    ipc_transfer(&sender, &receiver, NULL, badge, grant);

    word_t got = receiver.context.rsi;
    HOLDS(receiver.context.rdi == badge, "the badge arrives");
    HOLDS(got >> 12 == (fault ? sender.fault.type : info >> 12), "and the label, or the kind of fault");
    HOLDS((got & 127) == (fault ? fault_length : length), "and the length");
    HOLDS(granted == (!fault && grant && extra != 0), "capabilities only with the right to grant them");
    HOLDS(granted || (got >> 7 & 31) == 0, "and nothing is said of them without");
    if (!fault) {
        if (i < 4) {
            HOLDS(registers_of(&receiver, i) == (i < length ? registers_of(&sender, i) : i + 1), "register words of the message arrive, others stay");
            HOLDS(to_words[1 + i] == before[1 + i], "the buffer's first words stay");
        } else {
            HOLDS(to_words[1 + i] == (i < length ? from_words[1 + i] : before[1 + i]), "buffer words of the message arrive, others stay");
        }
        HOLDS(to_words[0] == 0 && to_words[121 + i % 7] == before[121 + i % 7], "nothing beside the message changes");
    }
    REACH(!fault && length == 120);
    REACH(!fault && (info & 127) == 127 && length == 4);
    REACH(granted);
    REACH(fault);
}
