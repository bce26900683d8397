/* function: every function of kernel/x86/irq.c
 * property: a vector is handed out only if boot allowed it and nobody has it; a pin has one vector, a message is raised by a requester of the range that was shown and is opened for it alone; what is deleted is closed at the hardware before the vector is free; a refusal changes nothing; nothing undefined
 * bound: 224 interrupts, any two of them in any state; all invocations
 * options: --unwind 226
 * seconds: 300
 */
#include "../proof.h"
#include "kernel/core.h"
#include "kernel/state.h"
#include <machine.h>
#include "kernel/x86/irq.c"

struct kernel kernel;
static struct iommu unit;
static struct slot slots[3], target_slot;
static unsigned opened, closed, inserted;
static word_t opened_vector, closed_vector, opened_requester;
#define PINS 24
word_t ioapic_count(void) { return 2; }
word_t ioapic_pins(word_t a) { HOLDS(a < 2, "an IOAPIC that is there"); return PINS; }
bool ioapic_is_requester(word_t u, word_t r) { (void)u, (void)r; return nondet_bool(); }
void ioapic_connect(word_t a, word_t pin, word_t vector, bool level, bool low) { (void)level, (void)low; HOLDS(a < 2 && pin < PINS, "a pin that is there"); opened++; opened_vector = vector; }
void ioapic_disconnect(word_t a, word_t pin, word_t vector) { HOLDS(a < 2 && pin < PINS, "a pin that is there"); closed++; closed_vector = vector; }
void ioapic_mask(word_t a, word_t pin, bool masked) { (void)masked; HOLDS(a < 2 && pin < PINS, "a pin that is there"); }
uint32_t ioapic_redirection(word_t a, word_t pin) { HOLDS(a < 2 && pin < PINS, "a pin that is there"); return nondet_unsigned(); }
struct iommu *iommu_at(word_t n) { HOLDS(n < 256, "a unit's number"); return &unit; }
void iommu_message_allow(struct iommu *u, word_t vector, word_t requester) { (void)u; opened++; opened_vector = vector; opened_requester = requester; }
void iommu_message_block(struct iommu *u, word_t vector, word_t requester, bool last) { (void)u, (void)requester, (void)last; closed++; closed_vector = vector; }
struct iommu_message iommu_message(const struct iommu *u, word_t vector) { (void)u, (void)vector; return (struct iommu_message){nondet_unsigned(), nondet_unsigned()}; }
bool iommu_message_elsewhere(const struct iommu *u, word_t r) { (void)u, (void)r; return nondet_bool(); }
void lapic_end_of_interrupt(void) {}
static bool held;
void lapic_hold(bool on) { held = on; }
void timer_hold(ticks_t until) { HOLDS(held, "what is held back is let go in time"); (void)until; }
void handle_interrupt(word_t irq) { HOLDS(irq < NUM_IRQS, "an interrupt"); }
bool slot_is_empty(const struct slot *s) { return cap_tag(s->cap) == CAP_NULL; }
void slot_insert(cap_t cap, struct slot *from, struct slot *to) { HOLDS(from == &slots[0] && to == &target_slot && slot_is_empty(to), "a child of the control, in an empty slot"); to->cap = cap; inserted++; }
struct lookup cspace_lookup_target(cap_t root, word_t index, word_t depth) { (void)root, (void)index, (void)depth; return nondet_bool() ? (struct lookup){STATUS_OK, &target_slot, 0} : (struct lookup){SEL4_FAILED_LOOKUP, NULL, 0}; }
static word_t args[7];
word_t invocation_arg(const struct invocation *inv, unsigned i) { HOLDS(i < inv->length && i < 7, "a word of the message"); return args[i]; }
void invocation_result(struct invocation *inv, unsigned i, word_t v) { (void)inv, (void)i, (void)v; }
status_t refuse_plain(status_t s) { return s; }
status_t refuse_capability(word_t w) { (void)w; return SEL4_INVALID_CAPABILITY; }
status_t refuse_range(word_t min, word_t max) { (void)min, (void)max; return SEL4_RANGE_ERROR; }

struct route nondet_route(void);
static void any_vector(word_t i)
{
    routes[i] = nondet_route();
    ASSUME(routes[i].kind <= ROUTE_MESSAGE && (routes[i].kind != ROUTE_PIN || (routes[i].ioapic < 2 && routes[i].pin < PINS)));
    allowed[i] = nondet_bool();
    kernel.irq_state[i] = (uint8_t)nondet_below(4);
}

int main(void)
{
    word_t ghost = nondet_below(NUM_IRQS), other = nondet_below(NUM_IRQS);
    any_vector(ghost), any_vector(other);
    ASSUME(ghost != other && (routes[ghost].kind != ROUTE_PIN || routes[other].kind != ROUTE_PIN || routes[ghost].pin != routes[other].pin || routes[ghost].ioapic != routes[other].ioapic));
    for (unsigned i = 0; i < 7; i++)
        args[i] = nondet_word();
    for (unsigned i = 0; i < 3; i++)
        slots[i].cap = (cap_t){nondet_word(), nondet_word()};
    target_slot.cap.w0 = nondet_word();
    uint8_t state = kernel.irq_state[ghost], may = allowed[ghost];
    struct route was = routes[ghost];
    bool was_pin = was.kind == ROUTE_PIN;

    switch (nondet_below(5)) {
    case 0: {
        struct invocation inv = {.slot = &slots[0], .cap = slots[0].cap, .label = nondet_word(), .length = nondet_below(121), .extra = {nondet_bool() ? &slots[1] : NULL}};
        inv.extra[1] = inv.extra[0] && nondet_bool() ? &slots[2] : NULL;
        status_t s = arch_irq_control_invoke(&inv);
        HOLDS(s == STATUS_OK || (!opened && !inserted && kernel.irq_state[ghost] == state && routes[ghost].kind == was.kind), "a refusal changes nothing");
        if (s == STATUS_OK) {
            word_t irq = cap_irq(target_slot.cap);
            HOLDS(inserted == 1 && cap_tag(target_slot.cap) == CAP_IRQ_HANDLER && irq < NUM_IRQS && kernel.irq_state[irq] == IRQ_SIGNAL, "a handler of its own");
            HOLDS(irq != ghost || (may && state == IRQ_INACTIVE), "allowed, and nobody's");
            HOLDS(irq == ghost || (kernel.irq_state[ghost] == state && routes[ghost].kind == was.kind), "no other vector is touched");
            HOLDS(!opened || opened_vector == irq + 0x20, "opened for this vector alone");
            HOLDS(routes[irq].kind != ROUTE_MESSAGE || (cap_tag(slots[2].cap) == CAP_REQUESTERS && opened_requester >= requesters_first(slots[2].cap) && opened_requester <= requesters_last(slots[2].cap)), "raised by a requester of the range");
            HOLDS(routes[ghost].kind != ROUTE_PIN || routes[other].kind != ROUTE_PIN || routes[ghost].pin != routes[other].pin || routes[ghost].ioapic != routes[other].ioapic, "a pin has one vector");
            REACH(routes[irq].kind == ROUTE_MESSAGE);
            REACH(routes[irq].kind == ROUTE_PIN);
            REACH(routes[irq].kind == ROUTE_BARE);
        }
        break;
    }
    case 1:
        arch_irq_handler_deleted(ghost);
        HOLDS(kernel.irq_state[ghost] == IRQ_INACTIVE && routes[ghost].kind == ROUTE_BARE, "free again");
        HOLDS(closed == (was.kind != ROUTE_BARE) && (!closed || closed_vector == ghost + 0x20), "closed at the hardware");
        REACH(was_pin);
        break;
    case 2: {
        word_t u = nondet_below(256), first = nondet_below(65536), last = nondet_below(65536);
        bool of_it = was.kind == ROUTE_MESSAGE && was.unit == u && was.requester >= first && was.requester <= last;
        HOLDS(!of_it || irq_requesters_in_use(u, first, last), "a message of theirs is noticed");
        bool closes = irq_requesters_close_one(u, first, last);
        HOLDS(!of_it || closes, "and closed, one by one");
        HOLDS(!closes || closed == 1, "at the hardware");
        REACH(of_it);
        break;
    }
    case 3: {
        word_t first = nondet_word(), last = nondet_word();
        bool ok = irq_allow(first, last);
        HOLDS(!ok || (first >= 0x30 && last <= 0x9b), "vectors for devices");
        HOLDS(allowed[ghost] == (may || (ok && ghost + 0x20 >= first && ghost + 0x20 <= last)), "just these");
        REACH(ok && last == 0x9b);
        break;
    }
    default: {
        struct invocation inv = {.length = nondet_below(121)};
        batch_taken = nondet_unsigned(), batch_begin = nondet_word(), kernel.ticks_per_us = nondet_below(10000);
        arch_irq_mask(ghost, nondet_bool());
        arch_irq_message(&inv, ghost);
        irq_interrupt(0x20 + ghost);
        REACH(held);
        irq_release(nondet_word());
        HOLDS(!held, "let go");
        HOLDS((irq_redirection(ghost) != 0) == was_pin, "a pin has a redirection entry");
    }
    }
}
