/* Priorities, scheduling contexts, timeouts, interrupts, preemption. */
#include "kernel.h"

static volatile uint64_t order, runs[4], stop;

static void mark(uint64_t which) { order = order << 4 | which; }
static void spin(uint64_t which)
{
    while (!stop)
        runs[which]++;
}

static void wait_us(uint64_t us)
{
    for (uint64_t end = now() + us * ticks_per_us; now() < end;)
        ;
}

void group_scheduling(void)
{
    order = 0;
    struct thread *low = thread_make(mark, 1, 90, 0), *high = thread_make(mark, 2, 110, 0), *equal = thread_make(mark, 3, 100, 0);
    thread_start(low), thread_start(equal);
    claim(order == 0, "threads of the same or a lower priority wait");
    thread_start(high);
    claim(order == 2, "one of a higher priority runs at once");
    sel4_yield();
    claim(order == 0x23, "Yield lets one of the same priority run, none of a lower");
    own_priority(80);
    claim(order == 0x231, "lowering one's own priority lets the others run");
    own_priority(100);
    threads_end();

    order = 0;
    struct thread *t = thread_make(mark, 4, 90, 0);
    thread_start(t);
    must(tcb_set_priority(t->tcb, SEL4_CAP_INIT_TCB, 101), "set priority");
    claim(order == 4, "raised above the own priority a thread runs at once");
    threads_end();

    stop = runs[0] = runs[1] = 0;
    own_priority(110);
    for (unsigned i = 0; i < 2; i++)
        thread_start(thread_make(spin, i, 105, 0));
    cptr_t never = make(SEL4_NOTIFICATION, 0);
    must(sched_control_configure(info->schedcontrol.start, SEL4_CAP_INIT_SC, 1000, 50000, 0, 0, 0), "configure");
    for (uint64_t end = now() + 150000 * ticks_per_us; now() < end;)
        sel4_yield(); /* away until the next period */
    must(sched_control_configure(info->schedcontrol.start, SEL4_CAP_INIT_SC, 5000, 5000, 0, 0, 0), "configure");
    claim(runs[0] && runs[1] && runs[0] < runs[1] * 3 / 2 && runs[1] < runs[0] * 3 / 2, "equals share the processor in turns");
    stop = 1;
    own_priority(100);
    threads_end();
    drop(never);
}

/* ---- scheduling contexts ---- */

static void used(uint64_t us) { wait_us(us); }

void group_contexts(void)
{
    cptr_t sc = make(SEL4_SCHED_CONTEXT, SEL4_MIN_SCHED_CONTEXT_BITS), control = info->schedcontrol.start;
    static const struct {
        uint64_t budget, period, refills;
        error_t error;
        const char *what;
    } configurations[] = {
        {20, 20, 0, SEL4_NO_ERROR, "20 microseconds are the least budget"},
        {19, 20, 0, SEL4_RANGE_ERROR, "19 are too little"},
        {0, 20, 0, SEL4_RANGE_ERROR, "none, too"},
        {100, 50, 0, SEL4_RANGE_ERROR, "more budget than period: range error"},
        {100, 1ull << 60, 0, SEL4_RANGE_ERROR, "a period of ages: range error"},
        {100, 1000, 1, SEL4_RANGE_ERROR, "more refills than it has room for: range error"},
        {100, 1000, 0, SEL4_NO_ERROR, "no extra ones"},
    };
    for (unsigned i = 0; i < sizeof configurations / sizeof configurations[0]; i++)
        claim_error(sched_control_configure(control, sc, configurations[i].budget, configurations[i].period, configurations[i].refills, 0, 0),
                    configurations[i].error, configurations[i].what);
    cptr_t larger = make(SEL4_SCHED_CONTEXT, 8);
    claim_error(sched_control_configure(control, larger, 100, 1000, 8, 0, 0), SEL4_NO_ERROR, "a larger one takes eight extra refills");
    claim_error(sched_control_configure(control, larger, 100, 1000, 9, 0, 0), SEL4_RANGE_ERROR, "but not nine");
    REFUSED(SEL4_INVALID_CAPABILITY, control, SEL4_SCHED_CONTROL_CONFIGURE_FLAGS, CAPS(ROOT), WORDS(100, 100, 0, 0, 0), "something else than a context: invalid capability");
    REFUSED(SEL4_INVALID_CAPABILITY, sc, SEL4_SCHED_CONTEXT_BIND, CAPS(ROOT), WORDS(), "bind to something else than a thread: invalid capability");
    struct thread *t = thread_make(used, 300, 90, 0);
    REFUSED(SEL4_ILLEGAL_OPERATION, sc, SEL4_SCHED_CONTEXT_BIND, CAPS(t->tcb), WORDS(), "a thread has one context: illegal operation");
    REFUSED(SEL4_ILLEGAL_OPERATION, sc, SEL4_SCHED_CONTEXT_UNBIND_OBJECT, CAPS(t->tcb), WORDS(), "unbinding another's: illegal operation");
    REFUSED(SEL4_ILLEGAL_OPERATION, SEL4_CAP_INIT_SC, SEL4_SCHED_CONTEXT_UNBIND, CAPS(), WORDS(), "unbinding one's own: illegal operation");
    REFUSED(SEL4_NO_ERROR, t->sc, SEL4_SCHED_CONTEXT_UNBIND_OBJECT, CAPS(t->tcb), WORDS(), "unbind the right one");
    thread_start(t);
    own_priority(80);
    own_priority(100);
    claim_error(sched_context_bind(t->sc, t->tcb), SEL4_NO_ERROR, "a thread without a context does not run, and can be bound to one");
    REFUSED(SEL4_ILLEGAL_OPERATION, SEL4_CAP_INIT_SC, SEL4_SCHED_CONTEXT_YIELD_TO, CAPS(), WORDS(), "YieldTo oneself: illegal operation");
    REFUSED(SEL4_ILLEGAL_OPERATION, sc, SEL4_SCHED_CONTEXT_YIELD_TO, CAPS(), WORDS(), "YieldTo nobody: illegal operation");
    must(tcb_set_priority(t->tcb, SEL4_CAP_INIT_TCB, 100), "set priority");
    REFUSED(SEL4_NO_ERROR, t->sc, SEL4_SCHED_CONTEXT_YIELD_TO, CAPS(), WORDS(), "YieldTo");
    claim(answer.mr[0] >= 290 && answer.mr[0] < 1000, "tells what the other has used when the caller is back: 300 microseconds");
    REFUSED(SEL4_NO_ERROR, t->sc, SEL4_SCHED_CONTEXT_CONSUMED, CAPS(), WORDS(), "Consumed");
    claim(answer.mr[0] < 50, "tells what was used since");
    threads_end();

    /* a notification lends its context */
    cptr_t notification = make(SEL4_NOTIFICATION, 0);
    claim_error(sched_context_bind(sc, notification), SEL4_NO_ERROR, "a context can be bound to a notification");
    claim_error(sched_context_bind(larger, notification), SEL4_ILLEGAL_OPERATION, "to one that has none: illegal operation");
    REFUSED(SEL4_NO_ERROR, sc, SEL4_SCHED_CONTEXT_UNBIND_OBJECT, CAPS(notification), WORDS(), "and unbound");
    drop(notification), drop(larger), drop(sc);

    /* budgets */
    stop = runs[0] = 0;
    t = thread_make(spin, 0, 120, 0);
    must(sched_control_configure(control, t->sc, 2000, 10000, 0, 0, 0), "configure");
    uint64_t begin = now();
    thread_start(t);
    uint64_t first = now() - begin;
    wait_us(50000);
    stop = 1;
    REFUSED(SEL4_NO_ERROR, t->sc, SEL4_SCHED_CONTEXT_CONSUMED, CAPS(), WORDS(), "Consumed");
    claim(first >= 1900 * ticks_per_us && first < 4000 * ticks_per_us, "a thread of higher priority runs for its budget, and then no more");
    claim(answer.mr[0] >= 8000 && answer.mr[0] <= 14000, "2 of each 10 milliseconds in 50");
    threads_end();
}

/* ---- timeouts ---- */

void group_timeouts(void)
{
    cptr_t endpoint = make(SEL4_ENDPOINT, 0), reply = make(SEL4_REPLY, 0);
    struct sel4_message m = {0};
    stop = 0;
    struct thread *t = thread_make(spin, 1, 90, 0);
    must(sched_control_configure(info->schedcontrol.start, t->sc, 1000, 50000, 0, 0x99, 0), "configure");
    REFUSED(SEL4_INVALID_CAPABILITY, t->tcb, SEL4_TCB_SET_TIMEOUT_ENDPOINT, CAPS(reply), WORDS(), "a timeout handler that is no endpoint: invalid capability");
    REFUSED(SEL4_NO_ERROR, t->tcb, SEL4_TCB_SET_TIMEOUT_ENDPOINT, CAPS(endpoint), WORDS(), "set one");
    thread_start(t);
    sel4_recv(endpoint, reply, &m);
    claim(sel4_info_label(m.info) == SEL4_FAULT_TIMEOUT && m.mr[0] == 0x99, "a used-up budget is a timeout fault with the context's badge");
    claim(m.mr[1] >= 950 && m.mr[1] < 2000, "and the time that was consumed: a millisecond");
    must(sched_control_configure(info->schedcontrol.start, t->sc, 1000, 50000, 0, 0x98, 0), "configure");
    m = (struct sel4_message){.info = 0};
    sel4_reply_recv(endpoint, reply, &m);
    claim(sel4_info_label(m.info) == SEL4_FAULT_TIMEOUT && m.mr[0] == 0x98, "with a new budget and the reply it runs on, until the next");
    stop = 1;
    threads_end();
    drop(endpoint), drop(reply);
}

/* ---- interrupts: the programmable interval timer's, by the first IOAPIC ---- */

#define PIT_DATA 0x40
#define PIT_COMMAND 0x43
#define PIT_ONE_SHOT 0x30
#define PIT_PIN 2u
#define PIT_VECTOR 20u

static void pit_start(cptr_t ports, unsigned count)
{
    must(ioport_out8(ports, PIT_COMMAND, PIT_ONE_SHOT), "out");
    must(ioport_out8(ports, PIT_DATA, count & 0xff), "out");
    must(ioport_out8(ports, PIT_DATA, (uint8_t)(count >> 8)), "out");
}

static uint64_t poll_for(cptr_t notification, uint64_t us)
{
    uint64_t badge = 0;
    for (uint64_t end = now() + us * ticks_per_us; !badge && now() < end;)
        badge = sel4_poll(notification);
    return badge;
}

void group_interrupts(void)
{
    cptr_t ports = next_slot++, handler = next_slot++, other = next_slot++, notification = make(SEL4_NOTIFICATION, 0);
    cptr_t badged = mint(notification, SEL4_ALL_RIGHTS, 8), control = SEL4_CAP_IRQ_CONTROL;
    must(ioport_control_issue(SEL4_CAP_IOPORT_CONTROL, PIT_DATA, PIT_COMMAND, ROOT, ports, DEPTH), "ports");
    claim_error(irq_control_get_ioapic(control, ROOT, handler, DEPTH, 99, PIT_PIN, 0, 0, PIT_VECTOR), SEL4_RANGE_ERROR, "an IOAPIC that is not there: range error");
    claim_error(irq_control_get_ioapic(control, ROOT, handler, DEPTH, 0, 9999, 0, 0, PIT_VECTOR), SEL4_RANGE_ERROR, "a pin that is not there: range error");
    claim_error(irq_control_get_ioapic(control, ROOT, handler, DEPTH, 0, PIT_PIN, 2, 0, PIT_VECTOR), SEL4_RANGE_ERROR, "a trigger mode of 2: range error");
    claim_error(irq_control_get_ioapic(control, ROOT, handler, DEPTH, 0, PIT_PIN, 0, 0, 108), SEL4_RANGE_ERROR, "a vector beyond 107: range error");
    claim_error(irq_control_get_ioapic(control, ROOT, notification, DEPTH, 0, PIT_PIN, 0, 0, PIT_VECTOR), SEL4_DELETE_FIRST, "into a slot in use: delete first");
    claim_error(irq_control_get_ioapic(control, ROOT, handler, DEPTH, 0, PIT_PIN, 0, 0, PIT_VECTOR), SEL4_NO_ERROR, "a handler");
    claim_error(irq_control_get_ioapic(control, ROOT, other, DEPTH, 0, PIT_PIN, 0, 0, PIT_VECTOR), SEL4_REVOKE_FIRST, "for the same vector: revoke first");
    claim_error(irq_handler_set_notification(handler, control), SEL4_INVALID_CAPABILITY, "a notification that is none: invalid capability");
    claim_error(irq_handler_set_notification(handler, badged), SEL4_NO_ERROR, "a notification for it");
    pit_start(ports, 2000);
    claim(poll_for(notification, 100000) == 8, "the interrupt signals the notification with its badge");
    pit_start(ports, 2000);
    claim(poll_for(notification, 20000) == 0, "and comes again only after Ack");
    claim_error(irq_handler_ack(handler), SEL4_NO_ERROR, "Ack");
    pit_start(ports, 2000);
    claim(poll_for(notification, 100000) == 8, "there it is");
    must(irq_handler_ack(handler), "ack");
    REFUSED(SEL4_NO_ERROR, handler, SEL4_IRQ_HANDLER_CLEAR, CAPS(), WORDS(), "Clear");
    pit_start(ports, 2000);
    claim(poll_for(notification, 20000) == 0, "cleared, it signals nobody");
    drop(handler);
    claim_error(irq_control_get_ioapic(control, ROOT, handler, DEPTH, 0, PIT_PIN, 0, 0, PIT_VECTOR), SEL4_NO_ERROR, "deleted, its vector is free again");
    drop(handler), drop(ports), drop(badged), drop(notification);
}

/* ---- preemption ---- */

static volatile uint64_t ticked;
static void tick(uint64_t unused)
{
    (void)unused;
    for (;;) {
        ticked++;
        sel4_yield();
    }
}

void group_preemption(void)
{
    cptr_t endpoint = make(SEL4_ENDPOINT, 0), first = next_slot;
    for (unsigned i = 0; i < 6000; i++)
        must(cnode_copy(ROOT, first + i, DEPTH, ROOT, endpoint, DEPTH, SEL4_ALL_RIGHTS), "copy");
    next_slot += 6001;
    struct thread *t = thread_make(tick, 0, 120, 0);
    must(sched_control_configure(info->schedcontrol.start, t->sc, 20, 100, 0, 0, 0), "configure");
    thread_start(t);
    uint64_t before = ticked;
    must(cnode_revoke(ROOT, endpoint, DEPTH), "revoke");
    claim(ticked - before >= 2, "a long Revoke is interrupted by a thread of higher priority, more than once");
    claim(cnode_copy(ROOT, first + 6000, DEPTH, ROOT, first + 5999, DEPTH, SEL4_ALL_RIGHTS) == SEL4_FAILED_LOOKUP, "and comes to its end");
    threads_end();
    drop(endpoint);
}
