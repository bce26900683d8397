/* function: slot_take, object_finalise
 * property: the object is finalised just once and told whether this was the last capability to it; the last one to a CNode or thread becomes a zombie that has all its slots to do, alone in its ring; anything else leaves an empty slot; with the last interrupt handler its notification goes, and is finalised likewise
 * bound: all capabilities
 * options: --unwind 8
 */
#include "../proof.h"
#include "kernel/core.h"

#define OWN_NUMBER 77u
static struct slot slot;
static struct tcb thread; /* any object's place */
static word_t named;
static void *object_named(word_t offset)
{
    named = offset;
    return &thread;
}
static word_t offset_of(const void *p)
{
    if (p == &slot)
        return OWN_NUMBER << SEL4_SLOT_BITS;
    HOLDS(p == (void *)&thread || p == &thread.cspace, "a slot of the object");
    return p == &thread.cspace ? named + offsetof(struct tcb, cspace) : named;
}
static struct {
    struct slot irq_slots[1];
    word_t work_units;
} small_kernel;
static bool slot_cleared, irq_cleared;
static void clear_contract(struct slot *s)
{
    s->cap = cap_null();
    *(s == &slot ? &slot_cleared : &irq_cleared) = true;
}
static void swap_contract(cap_t cap_a, struct slot *a, cap_t cap_b, struct slot *b) { (void)cap_a, (void)a, (void)cap_b, (void)b; }
#define kernel small_kernel
#define object_at object_named
#define object_offset offset_of
#define slot_clear clear_contract
#define slot_swap swap_contract
#include "kernel/delete.c"
#undef kernel

struct kernel kernel;
static cap_t cap, notification;
static bool final, notification_final;
static unsigned finalised, notification_finalised;
static void is_of(cap_t c, bool last)
{
    if (cap_tag(c) == CAP_NOTIFICATION && cap_tag(cap) == CAP_IRQ_HANDLER) {
        HOLDS(last == notification_final, "told whether it was the last");
        notification_finalised++;
    } else {
        HOLDS(cap_tag(c) == cap_tag(cap) && last == final, "the object of this capability, told whether it was the last");
        finalised++;
    }
}
static void finalise(enum cap_tag tag, const void *object)
{
    cap_t c = tag == CAP_NOTIFICATION && cap_tag(cap) == CAP_IRQ_HANDLER ? notification : cap;
    HOLDS(object == &thread && named == cap_offset48(c), "the object that the capability names");
    is_of(cap_make(tag, 0, 0), true);
}
void log_printf(const char *f, ...) { (void)f; }
bool arch_cap_wind_down(cap_t c) { (void)c; return true; }
bool endpoint_cancel_one(struct endpoint *e) { (void)e; return false; }
bool notification_cancel_one(struct notification *n) { (void)n; return false; }
cap_t cap_mask_rights(cap_t c, word_t rights) { (void)rights; return c; }
void notification_finalise(struct notification *n) { finalise(CAP_NOTIFICATION, n); }
void reply_finalise(struct reply *r) { finalise(CAP_REPLY, r); }
void sched_context_finalise(struct sched_context *sc) { finalise(CAP_SC, sc); }
void thread_finalise(struct tcb *t) { finalise(CAP_TCB, t); }
void arch_irq_handler_deleted(word_t irq)
{
    HOLDS(irq == cap_irq(cap) && final, "with the last handler");
    finalised++;
}
bool arch_owns(enum cap_tag t)
{
    return t == CAP_FRAME || t == CAP_PT || t == CAP_PD || t == CAP_PDPT || t == CAP_PML4 || t == CAP_ASID_POOL || t == CAP_IO_PORT || t == CAP_VCPU ||
           t == CAP_IO_SPACE || t == CAP_IO_TABLE || t == CAP_REQUESTERS || t == CAP_IPI;
}
void arch_cap_finalise(cap_t c, bool last)
{
    HOLDS(c.w0 == cap.w0 && c.w1 == cap.w1, "this capability");
    is_of(c, last);
}
bool slot_is_final(const struct slot *s) { return s == &slot ? final : notification_final; }
bool slot_is_empty(const struct slot *s) { return cap_tag(s->cap) == CAP_NULL; }
bool slot_has_children(const struct slot *s) { (void)s; return nondet_bool(); }
bool machine_interrupt_pending(void) { return nondet_bool(); }

int main(void)
{
    cap = slot.cap = (cap_t){nondet_word(), nondet_word()};
    enum cap_tag tag = cap_tag(cap);
    ASSUME(tag != CAP_ZOMBIE); /* taken by zombie_step only */
    ASSUME(tag != CAP_IRQ_HANDLER || cap_irq(cap) == 0);
    ASSUME(tag != CAP_CNODE || (cnode_radix(cap) >= 1 && cnode_radix(cap) <= CNODE_MAX_RADIX && cnode_offset(cap) < BIT(37)));
    ASSUME(tag != CAP_TCB || cap_offset48(cap) <= BIT(37) - BIT(SEL4_TCB_BITS));
    ASSUME(((tag == CAP_CNODE ? cnode_offset(cap) : cap_offset48(cap)) & MASK(SEL4_SLOT_BITS)) == 0 || (tag != CAP_CNODE && tag != CAP_TCB));
    final = nondet_bool();
    notification_final = nondet_bool();
    notification = nondet_bool() ? cap_notification(nondet_word(), nondet_word(), nondet_word()) : cap_null();
    small_kernel.irq_slots[0].cap = notification;
    bool had_notification = cap_tag(notification) != CAP_NULL, container = final && (tag == CAP_CNODE || tag == CAP_TCB);

    bool empty = slot_take(&slot);

    HOLDS(empty == !container && empty == (cap_tag(slot.cap) == CAP_NULL), "empty, or a zombie");
    HOLDS(slot_cleared == (empty && tag != CAP_NULL), "out of its list if it is empty, in it if it is a zombie");
    if (container) {
        word_t first = tag == CAP_CNODE ? cnode_offset(cap) : cap_offset48(cap) + offsetof(struct tcb, cspace);
        HOLDS(cap_tag(slot.cap) == CAP_ZOMBIE && zombie_first(slot.cap) == first >> SEL4_SLOT_BITS, "a zombie of this container");
        HOLDS(zombie_count(slot.cap) == (tag == CAP_CNODE ? BIT(cnode_radix(cap)) : 5), "has all its slots to do");
        HOLDS(zombie_next(slot.cap) == OWN_NUMBER && zombie_prev(slot.cap) == OWN_NUMBER && !zombie_self_hosted(slot.cap), "in a ring of its own");
    }
    bool tells = arch_owns(tag) || (final && (tag == CAP_NOTIFICATION || tag == CAP_REPLY || tag == CAP_SC || tag == CAP_TCB ||
                                              tag == CAP_IRQ_HANDLER));
    HOLDS(finalised == tells, "the object is told, once");
    bool last_handler = tag == CAP_IRQ_HANDLER && final;
    HOLDS(irq_cleared == (last_handler && had_notification), "the interrupt's notification goes with the last handler");
    HOLDS(notification_finalised == (last_handler && had_notification && notification_final), "and is told if it was the last");
    REACH(container && tag == CAP_TCB);
    REACH(container && tag == CAP_CNODE && cnode_radix(cap) == CNODE_MAX_RADIX);
    REACH(notification_finalised == 1);
    REACH(tag == CAP_FRAME && !final);
}
