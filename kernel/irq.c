/* Interrupts as capabilities: IRQControl (the machine side knows its kinds) and IRQHandler. */
#include "core.h"
#include "state.h"

status_t irq_control_invoke(struct invocation *inv)
{
    return arch_irq_control_invoke(inv);
}

status_t irq_handler_invoke(struct invocation *inv)
{
    word_t irq = cap_irq(inv->cap);
    struct slot *slot = &kernel.irq_slots[irq];
    switch (inv->label) {
    case SEL4_IRQ_HANDLER_ACK: arch_irq_mask(irq, false); return STATUS_OK;
    case SEL4_IRQ_HANDLER_SET_NOTIFICATION: {
        if (!inv->extra[0])
            return refuse_plain(SEL4_TRUNCATED_MESSAGE);
        cap_t c = inv->extra[0]->cap;
        if (cap_tag(c) != CAP_NOTIFICATION || !(cap_rights(c) & SEL4_RIGHT_WRITE))
            return refuse_capability(0);
        /* The slot held a notification, and not its last capability if the new one is to the same: the new one's slot stays. */
        status_t s = slot_delete(slot);
        if (s == STATUS_OK)
            slot_insert(c, inv->extra[0], slot);
        return s;
    }
    case SEL4_IRQ_HANDLER_CLEAR: return slot_delete(slot);
    case ATOLL_IRQ_HANDLER_MESSAGE: return arch_irq_message(inv, irq);
    default: return refuse_plain(SEL4_ILLEGAL_OPERATION);
    }
}
