/* Invocations: from a capability and a message to the operation, and the details of a refusal. */
#include "core.h"
#include "state.h"

word_t invocation_arg(const struct invocation *inv, unsigned i) { return message_word(inv->caller, i); }

void invocation_result(struct invocation *inv, unsigned i, word_t value)
{
    if (inv->call && message_set_word(inv->caller, i, value) && inv->reply_length <= i)
        inv->reply_length = i + 1;
}

void refuse(word_t w0, word_t w1)
{
    kernel.refusal.message[0] = w0;
    kernel.refusal.message[1] = w1;
    kernel.refusal.length = 2;
}

status_t refuse_plain(status_t s)
{
    kernel.refusal.length = 0;
    return s;
}

status_t refuse_argument(word_t which)
{
    refuse(which, 0);
    kernel.refusal.length = 1;
    return SEL4_INVALID_ARGUMENT;
}

status_t refuse_capability(word_t which)
{
    refuse(which, 0);
    kernel.refusal.length = 1;
    return SEL4_INVALID_CAPABILITY;
}

status_t refuse_range(word_t min, word_t max)
{
    refuse(min, max);
    return SEL4_RANGE_ERROR;
}

status_t refuse_lookup(bool source)
{
    kernel.refusal.message[0] = source;
    for (unsigned i = 0; i < 4; i++)
        kernel.refusal.message[i + 1] = kernel.current->lookup_failure[i];
    kernel.refusal.length = 5;
    return SEL4_FAILED_LOOKUP;
}

status_t invocation_decode(struct invocation *inv)
{
    cap_t c = inv->cap;
    kernel.refusal.length = 0;
    switch (cap_tag(c)) {
    case CAP_ENDPOINT:
        if (!(cap_rights(c) & SEL4_RIGHT_WRITE))
            return refuse_capability(0);
        endpoint_send(inv->caller, object_at(cap_offset48(c)), cap_badge(c), cap_rights(c), inv->blocking, inv->call, inv->donate);
        return STATUS_BLOCKED;
    case CAP_NOTIFICATION:
        if (!(cap_rights(c) & SEL4_RIGHT_WRITE))
            return refuse_capability(0);
        notification_signal(object_at(cap_offset48(c)), cap_badge(c));
        return STATUS_OK;
    case CAP_REPLY:
        reply_send(inv->caller, object_at(cap_offset48(c)), (cap_rights(c) & SEL4_RIGHT_GRANT) != 0);
        return STATUS_OK;
    case CAP_TCB: return tcb_invoke(inv);
    case CAP_CNODE: return cnode_invoke(inv);
    case CAP_UNTYPED: return untyped_invoke(inv);
    case CAP_SC: return sched_context_invoke(inv);
    case CAP_SCHED_CONTROL: return sched_control_invoke(inv);
    case CAP_IRQ_CONTROL: return irq_control_invoke(inv);
    case CAP_IRQ_HANDLER: return irq_handler_invoke(inv);
    case CAP_DOMAIN: return domain_invoke(inv);
    case CAP_CHANNEL: return channel_invoke(inv);
    default: return arch_owns(cap_tag(c)) ? arch_invoke(inv) : refuse_capability(0);
    }
}
