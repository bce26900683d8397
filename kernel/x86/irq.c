/* IRQControl: who may receive which interrupt. Kinds: a bare vector (another node's IPI, a doorbell), a pin of an IOAPIC, a message (MSI)
 * of one PCI function, which the IOMMU lets raise that vector and no other. GetMSI in seL4's own form, without a range of
 * requester IDs, gives the vector alone. */
#include "irq.h"
#include <machine.h>
#include "iommu.h"
#include "../core.h"
#include "../state.h"
#include "timer.h"
#include "trap.h"

struct route {
    enum { ROUTE_BARE = 0, ROUTE_PIN, ROUTE_MESSAGE } kind;
    uint8_t ioapic, pin;
    uint8_t unit; /* the IOMMU */
    uint16_t requester;
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

/* Moderated vectors: a batch of them took less than its time, so the rest of that time is others'. */
static ticks_t batch_begin;
static unsigned batch_taken;

static void moderate(void)
{
    ticks_t now = rdtsc(), end = batch_begin + ATOLL_MODERATED_US * kernel.ticks_per_us;
    batch_taken = 0;
    batch_begin = now;
    if (now >= end)
        return;
    lapic_hold(true);
    timer_hold(end);
}

void irq_release(ticks_t now)
{
    batch_begin = now;
    lapic_hold(false);
}

/* EOI comes last: handle_interrupt() masks the pin until the handler's Ack, else a level-triggered one would come again at once. */
void irq_interrupt(word_t vector)
{
    if (vector < vector_of_irq(irq_of_user_vector(ATOLL_MODERATED_VECTORS)) && ++batch_taken == ATOLL_MODERATED_BURST)
        moderate();
    handle_interrupt(vector - SEL4_IRQ_CPU_VECTOR_BASE);
    lapic_end_of_interrupt();
}

void arch_irq_mask(word_t irq, bool masked)
{
    if (routes[irq].kind == ROUTE_PIN)
        ioapic_mask(routes[irq].ioapic, routes[irq].pin, masked);
}

/* ---- messages ---- */

static bool raises_others(word_t unit, word_t requester)
{
    bool others = false;
    for (unsigned i = 0; i < NUM_IRQS && !others; i++)
        others = routes[i].kind == ROUTE_MESSAGE && routes[i].unit == unit && routes[i].requester == requester;
    return others;
}

static void message_block(word_t irq)
{
    struct route r = routes[irq];
    routes[irq] = (struct route){0};
    iommu_message_block(iommu_at(r.unit), vector_of_irq(irq), r.requester, !raises_others(r.unit, r.requester));
}

static unsigned message_of(word_t unit, word_t first, word_t last)
{
    unsigned i = 0;
    while (i < NUM_IRQS && !(routes[i].kind == ROUTE_MESSAGE && routes[i].unit == unit && routes[i].requester >= first &&
                             routes[i].requester <= last))
        i++;
    return i;
}

bool irq_requesters_in_use(word_t unit, word_t first, word_t last) { return message_of(unit, first, last) < NUM_IRQS; }

bool irq_requesters_close_one(word_t unit, word_t first, word_t last)
{
    unsigned irq = message_of(unit, first, last);
    if (irq < NUM_IRQS)
        message_block(irq);
    return irq < NUM_IRQS;
}

status_t arch_irq_message(struct invocation *inv, word_t irq)
{
    if (routes[irq].kind != ROUTE_MESSAGE)
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    struct iommu_message m = iommu_message(iommu_at(routes[irq].unit), vector_of_irq(irq));
    invocation_result(inv, 0, m.address);
    invocation_result(inv, 1, m.data);
    return STATUS_OK;
}

void arch_irq_handler_deleted(word_t irq)
{
    if (routes[irq].kind == ROUTE_PIN)
        ioapic_disconnect(routes[irq].ioapic, routes[irq].pin, vector_of_irq(irq));
    if (routes[irq].kind == ROUTE_MESSAGE)
        message_block(irq);
    routes[irq] = (struct route){0};
    kernel.irq_state[irq] = IRQ_INACTIVE;
}

word_t irq_redirection(word_t irq)
{
    const struct route *r = &routes[irq];
    return r->kind == ROUTE_PIN ? BIT(32) | (word_t)r->ioapic << 40 | (word_t)r->pin << 48 | ioapic_redirection(r->ioapic, r->pin) : 0;
}

/* ---- IRQControl ---- */

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
        if (routes[i].kind == ROUTE_PIN && routes[i].ioapic == ioapic && routes[i].pin == pin)
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

static status_t pin_decode(const struct invocation *inv, struct route *r)
{
    word_t ioapic = invocation_arg(inv, 2), pin = invocation_arg(inv, 3), level = invocation_arg(inv, 4), low = invocation_arg(inv, 5);
    if (ioapic >= ioapic_count())
        return refuse_range(0, ioapic_count() ? ioapic_count() - 1 : 0);
    if (pin >= ioapic_pins(ioapic))
        return refuse_range(0, ioapic_pins(ioapic) - 1);
    if (level > 1 || low > 1)
        return refuse_range(0, 1);
    if (pin_in_use(ioapic, pin))
        return refuse_plain(SEL4_REVOKE_FIRST);
    *r = (struct route){.kind = ROUTE_PIN, .ioapic = (uint8_t)ioapic, .pin = (uint8_t)pin};
    return STATUS_OK;
}

/* Bus, device, function; the handle (word 5) means nothing here. An IOAPIC's requester ID has an interrupt table of its own: node 0's,
 * which knows it; the others see where it leads. */
static status_t message_decode(const struct invocation *inv, struct route *r)
{
    cap_t range = inv->extra[1]->cap;
    word_t bus = invocation_arg(inv, 2), device = invocation_arg(inv, 3), function = invocation_arg(inv, 4);
    if (cap_tag(range) != CAP_REQUESTERS)
        return refuse_capability(2);
    word_t requester = bus << 8 | device << 3 | function, first = requesters_first(range), last = requesters_last(range);
    if (bus > 0xff || device > 31 || function > 7 || requester < first || requester > last)
        return refuse_range(first, last);
    if (ioapic_is_requester(requesters_unit(range), requester) || iommu_message_elsewhere(iommu_at(requesters_unit(range)), requester))
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    *r = (struct route){.kind = ROUTE_MESSAGE, .unit = (uint8_t)requesters_unit(range), .requester = (uint16_t)requester};
    return STATUS_OK;
}

static void connect(word_t irq, const struct route *r, bool level, bool low)
{
    routes[irq] = *r;
    if (r->kind == ROUTE_PIN) {
        ioapic_connect(r->ioapic, r->pin, vector_of_irq(irq), level, low);
        ioapic_mask(r->ioapic, r->pin, false);
    }
    if (r->kind == ROUTE_MESSAGE)
        iommu_message_allow(iommu_at(r->unit), vector_of_irq(irq), r->requester);
}

status_t arch_irq_control_invoke(struct invocation *inv)
{
    bool get = inv->label == SEL4_IRQ_CONTROL_GET, pinned = inv->label == SEL4_IRQ_CONTROL_GET_IOAPIC;
    if (!get && !pinned && inv->label != SEL4_IRQ_CONTROL_GET_MSI)
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    if (inv->length < (get ? 3 : 7) || !inv->extra[0])
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    word_t vector = invocation_arg(inv, get ? 0 : 6), irq = irq_of_user_vector(vector);
    struct route route = {0};
    struct slot *to = NULL;
    status_t s = vector_refused(vector);
    if (s == STATUS_OK && pinned)
        s = pin_decode(inv, &route);
    if (s == STATUS_OK && !get && !pinned && inv->extra[1])
        s = message_decode(inv, &route);
    if (s == STATUS_OK)
        s = target(inv, get ? 1 : 0, &to);
    if (s != STATUS_OK)
        return s;

    connect(irq, &route, pinned && invocation_arg(inv, 4), pinned && invocation_arg(inv, 5));
    kernel.irq_state[irq] = IRQ_SIGNAL;
    slot_insert(cap_irq_handler(irq), inv->slot, to);
    return STATUS_OK;
}
