/* IRQControl: who may receive which interrupt. Kinds: a bare vector (another node's IPI, a doorbell), a pin of an IOAPIC, an MSI
 * (the vector only: the remapping entry comes with the IOMMU). */
#include "irq.h"
#include "../core.h"
#include "../state.h"
#include "trap.h"

struct route {
    bool pinned; /* comes through an IOAPIC */
    uint8_t ioapic, pin;
};
static struct route routes[NUM_IRQS];
static uint8_t allowed[NUM_IRQS];

bool irq_allow(word_t first, word_t last)
{
    word_t low = vector_of_irq(SEL4_IRQ_USER_MIN), high = vector_of_irq(irq_of_user_vector(SEL4_MAX_USER_VECTOR));
    if (first > last || first < low || last > high)
        return false;
    for (word_t v = first; v <= last; v++)
        allowed[v - SEL4_IRQ_CPU_VECTOR_BASE] = 1;
    return true;
}

/* EOI comes last: handle_interrupt() masks the pin until the handler's Ack, else a level-triggered one would come again at once. */
void irq_interrupt(word_t vector)
{
    handle_interrupt(vector - SEL4_IRQ_CPU_VECTOR_BASE);
    lapic_end_of_interrupt();
}

void arch_irq_mask(word_t irq, bool masked)
{
    if (routes[irq].pinned)
        ioapic_mask(routes[irq].ioapic, routes[irq].pin, masked);
}

void arch_irq_handler_deleted(word_t irq)
{
    if (routes[irq].pinned)
        ioapic_disconnect(routes[irq].ioapic, routes[irq].pin, vector_of_irq(irq));
    routes[irq].pinned = false;
    kernel.irq_state[irq] = IRQ_INACTIVE;
}

static status_t vector_refused(word_t user_vector)
{
    if (user_vector > SEL4_MAX_USER_VECTOR)
        return refuse_range(0, SEL4_MAX_USER_VECTOR);
    word_t irq = irq_of_user_vector(user_vector);
    if (!allowed[irq])
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    return kernel.irq_state[irq] == IRQ_INACTIVE ? STATUS_OK : refuse_plain(SEL4_REVOKE_FIRST);
}

static bool pin_in_use(word_t ioapic, word_t pin)
{
    for (unsigned i = 0; i < NUM_IRQS; i++)
        if (routes[i].pinned && routes[i].ioapic == ioapic && routes[i].pin == pin)
            return true;
    return false;
}

/* Where the new handler goes: index and depth are the first two words for GetIOAPIC and GetMSI, the last two for Get. */
static status_t target(struct invocation *inv, unsigned first_word, struct slot **to)
{
    struct lookup l =
        cspace_lookup_target(inv->extra[0]->cap, invocation_arg(inv, first_word), invocation_arg(inv, first_word + 1));
    if (l.status != STATUS_OK)
        return l.status;
    if (!slot_is_empty(l.slot))
        return refuse_plain(SEL4_DELETE_FIRST);
    *to = l.slot;
    return STATUS_OK;
}

status_t arch_irq_control_invoke(struct invocation *inv)
{
    bool get = inv->label == SEL4_IRQ_CONTROL_GET, pinned = inv->label == SEL4_IRQ_CONTROL_GET_IOAPIC;
    if (!get && !pinned && inv->label != SEL4_IRQ_CONTROL_GET_MSI)
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    if (inv->length < (get ? 3 : 7) || !inv->extra[0])
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    word_t vector = invocation_arg(inv, get ? 0 : 6);
    word_t ioapic = 0, pin = 0, level = 0, low = 0;
    status_t s = vector_refused(vector);
    if (s != STATUS_OK)
        return s;
    if (pinned) {
        ioapic = invocation_arg(inv, 2), pin = invocation_arg(inv, 3);
        level = invocation_arg(inv, 4), low = invocation_arg(inv, 5);
        if (ioapic >= ioapic_count())
            return refuse_range(0, ioapic_count() ? ioapic_count() - 1 : 0);
        if (pin >= ioapic_pins(ioapic))
            return refuse_range(0, ioapic_pins(ioapic) - 1);
        if (level > 1 || low > 1)
            return refuse_range(0, 1);
        if (pin_in_use(ioapic, pin))
            return refuse_plain(SEL4_REVOKE_FIRST);
    }
    struct slot *to = NULL;
    s = target(inv, get ? 1 : 0, &to);
    if (s != STATUS_OK)
        return s;

    word_t irq = irq_of_user_vector(vector);
    if (pinned) {
        ioapic_connect(ioapic, pin, vector_of_irq(irq), level, low);
        ioapic_mask(ioapic, pin, false);
        routes[irq] = (struct route){true, (uint8_t)ioapic, (uint8_t)pin};
    }
    kernel.irq_state[irq] = IRQ_SIGNAL;
    slot_insert(cap_irq_handler(irq), inv->slot, to);
    return STATUS_OK;
}
