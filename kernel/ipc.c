/* What travels with a message: words, capabilities, the badge. */
#include "core.h"
#include "state.h"

word_t message_word(struct tcb *t, unsigned i)
{
    if (i < SEL4_MSG_REGISTERS)
        return *message_register(&t->context, i);
    const word_t *buffer = tcb_ipc_buffer(t, false);
    return buffer ? buffer[SEL4_IPC_MSG_WORD + i] : 0;
}

bool message_set_word(struct tcb *t, unsigned i, word_t value)
{
    if (i < SEL4_MSG_REGISTERS) {
        *message_register(&t->context, i) = value;
        return true;
    }
    word_t *buffer = tcb_ipc_buffer(t, true);
    if (!buffer)
        return false;
    buffer[SEL4_IPC_MSG_WORD + i] = value;
    return true;
}

/* The empty slot that the receiver named in its IPC buffer, or NULL. */
static struct slot *receive_slot(struct tcb *receiver, const word_t *buffer)
{
    struct lookup l = cspace_lookup(receiver, buffer[SEL4_IPC_RECEIVE_CNODE_WORD]);
    if (l.status != STATUS_OK)
        return NULL;
    l = cspace_lookup_target(l.slot->cap, buffer[SEL4_IPC_RECEIVE_INDEX_WORD], buffer[SEL4_IPC_RECEIVE_DEPTH_WORD]);
    return l.status == STATUS_OK && slot_is_empty(l.slot) ? l.slot : NULL;
}

/* Capabilities to the very endpoint of the message arrive as their badge ("unwrapped"); one other is put into the receive
 * slot; the first that can't be passed on ends it. Returns the message info's two capability fields. */
static word_t transfer_caps(struct tcb *sender, struct tcb *receiver, struct endpoint *e, word_t count)
{
    word_t *from = tcb_ipc_buffer(sender, false), *to = tcb_ipc_buffer(receiver, true);
    word_t unwrapped = 0, i = 0;
    if (!from || !to)
        return 0;
    bool slot_used = false;
    for (; i < count; i++) {
        struct lookup l = cspace_lookup(sender, from[SEL4_IPC_CAPS_WORD + i]);
        if (l.status != STATUS_OK)
            break;
        cap_t cap = l.slot->cap;
        if (cap_tag(cap) == CAP_ENDPOINT && e && cap_offset48(cap) == object_offset(e)) {
            to[SEL4_IPC_CAPS_WORD + i] = cap_badge(cap);
            unwrapped |= BIT(i);
            continue;
        }
        struct slot *place = slot_used ? NULL : receive_slot(receiver, to);
        if (!place || cap_derive(l.slot, cap, &cap) != STATUS_OK || cap_tag(cap) == CAP_NULL)
            break;
        slot_insert(cap, l.slot, place);
        slot_used = true;
    }
    return message_info(0, unwrapped, i, 0);
}

static word_t copy_words(struct tcb *sender, struct tcb *receiver, word_t length)
{
    for (unsigned i = 0; i < SEL4_MSG_REGISTERS && i < length; i++)
        *message_register(&receiver->context, i) = *message_register(&sender->context, i);
    if (length <= SEL4_MSG_REGISTERS)
        return length;
    const word_t *from = tcb_ipc_buffer(sender, false);
    word_t *to = tcb_ipc_buffer(receiver, true);
    if (!from || !to)
        return SEL4_MSG_REGISTERS;
    for (word_t i = SEL4_MSG_REGISTERS; i < length; i++)
        to[SEL4_IPC_MSG_WORD + i] = from[SEL4_IPC_MSG_WORD + i];
    return length;
}

void ipc_transfer(struct tcb *sender, struct tcb *receiver, struct endpoint *e, word_t badge, bool grant)
{
    word_t info;
    if (sender->fault.type != SEL4_FAULT_NULL) {
        word_t length = fault_message(sender, receiver);
        info = message_info(sender->fault.type, 0, 0, length);
    } else {
        word_t sent = sender->context.rsi;
        word_t length = copy_words(sender, receiver, message_length(sent));
        info = message_info(message_label(sent), 0, 0, length);
        if (grant && message_extra(sent) != 0)
            info |= transfer_caps(sender, receiver, e, message_extra(sent));
    }
    receiver->context.rsi = info;
    receiver->context.rdi = badge;
}

void ipc_cancel(struct tcb *t)
{
    word_t pc = thread_restart_pc(t);
    t->fault.type = SEL4_FAULT_NULL; /* also that of a thread which a fault nobody can answer has stopped */
    switch (t->state) {
    case THREAD_BLOCKED_ON_SEND: endpoint_remove(t); break;
    case THREAD_BLOCKED_ON_RECEIVE:
        endpoint_remove(t);
        if (t->reply)
            reply_unlink(t->reply);
        break;
    case THREAD_BLOCKED_ON_NOTIFICATION: notification_remove(t); break;
    case THREAD_BLOCKED_ON_REPLY: reply_cut(t->reply); break;
    default: return;
    }
    if (pc != t->context.rip) {
        t->context.rip = pc;
        t->context.cause = 0;
    }
    thread_set_state(t, THREAD_INACTIVE);
}
