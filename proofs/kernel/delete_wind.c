/* function: slot_wind_down
 * property: only the object behind a last capability is wound down, one step at a time; a capability to an endpoint or notification has lost its rights before its threads are released, so that nobody joins them; the answer says whether anything is left; with a last interrupt handler goes its notification
 * bound: all capabilities
 * options: --unwind 4
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
static unsigned steps;
static bool more, without_rights;
bool arch_cap_wind_down(cap_t c)
{
    HOLDS(c.w0 == cap.w0 && c.w1 == cap.w1 && final, "of a last capability");
    steps++;
    return !more;
}
static bool step(const void *object)
{
    cap_t c = cap_tag(cap) == CAP_IRQ_HANDLER ? notification : cap;
    HOLDS(object == &thread && named == cap_offset48(c), "the object that the capability names");
    HOLDS(cap_tag(cap) == CAP_IRQ_HANDLER ? final && notification_final : final, "of a last capability");
    without_rights = cap_rights(cap_tag(cap) == CAP_IRQ_HANDLER ? small_kernel.irq_slots[0].cap : slot.cap) == 0;
    HOLDS(without_rights, "the rights are gone before");
    steps++;
    return more;
}
bool endpoint_cancel_one(struct endpoint *e) { return step(e); }
bool notification_cancel_one(struct notification *n) { return step(n); }
cap_t cap_mask_rights(cap_t c, word_t rights) { return (cap_t){cap_set(c.w0, cap_rights(c) & rights, 55, 4), c.w1}; }
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
    ASSUME(tag != CAP_ZOMBIE && (tag != CAP_IRQ_HANDLER || cap_irq(cap) == 0));
    final = nondet_bool();
    notification_final = nondet_bool();
    more = nondet_bool();
    notification = nondet_bool() ? cap_notification(nondet_word(), nondet_word(), nondet_word()) : cap_null();
    small_kernel.irq_slots[0].cap = notification;

    bool done = slot_wind_down(&slot);

    HOLDS(steps <= 1, "one step at a time");
    HOLDS(done == !(steps && more), "done if nothing is left");
    HOLDS(!final || !(tag == CAP_ENDPOINT || tag == CAP_NOTIFICATION || arch_owns(tag)) || steps == 1, "no last capability is passed over");
    HOLDS(cap_tag(slot.cap) == tag && slot.cap.w1 == cap.w1 && (slot.cap.w0 == cap.w0 || (final && (tag == CAP_ENDPOINT || tag == CAP_NOTIFICATION))),
          "only a last capability's rights change");
    REACH(tag == CAP_ENDPOINT && !done);
    REACH(tag == CAP_IRQ_HANDLER && steps == 1);
    REACH(arch_owns(tag) && done && steps);
}
