/* Deadlines. Armed vCPUs form a list by deadline; inserting walks it, so it is as long as the vCPUs that this node's
 * memory was made into: one, in a machine that gives a VM whole cores. */
#include <machine.h>
#include "timer.h"
#include "../core.h"
#include "../state.h"
#include "faults.h"
#include "irq.h"
#include "vcpu.h"

static struct vcpu *armed;
static ticks_t scheduler_deadline = UINT64_MAX;
static ticks_t faults_due;             /* the next look at the IOMMUs' faults; the first is at once */
static ticks_t held_until = UINT64_MAX; /* moderated interrupts wait until then */
static ticks_t programmed = UINT64_MAX; /* what the hardware will fire at */

ticks_t machine_time(void) { return rdtsc(); }

static void program(ticks_t now)
{
    ticks_t deadline = armed && armed->timer_deadline < scheduler_deadline ? armed->timer_deadline : scheduler_deadline;
    deadline = faults_due < deadline ? faults_due : deadline;
    deadline = held_until < deadline ? held_until : deadline;
    if (deadline >= programmed)
        return; /* an interrupt that comes too early costs less than setting the timer on every switch */
    programmed = deadline;
    lapic_timer_set(now, deadline);
}

void machine_set_deadline(ticks_t deadline)
{
    scheduler_deadline = deadline;
    program(rdtsc());
}

void timer_hold(ticks_t until)
{
    held_until = until;
    program(rdtsc());
}

static void disarm(struct vcpu *v)
{
    if (!v->timer_deadline)
        return;
    if (v->timer_next)
        v->timer_next->timer_prev = v->timer_prev;
    if (v->timer_prev)
        v->timer_prev->timer_next = v->timer_next;
    else
        armed = v->timer_next;
    v->timer_next = v->timer_prev = NULL;
    v->timer_deadline = 0;
}

void timer_arm(struct vcpu *v, ticks_t deadline)
{
    disarm(v);
    if (!deadline)
        return;
    struct vcpu *before = NULL, *behind = armed;
    while (behind && behind->timer_deadline <= deadline) {
        before = behind;
        behind = behind->timer_next;
    }
    v->timer_deadline = deadline;
    v->timer_prev = before;
    v->timer_next = behind;
    if (behind)
        behind->timer_prev = v;
    if (before)
        before->timer_next = v;
    else
        armed = v;
    program(rdtsc());
}

void timer_interrupt(void)
{
    lapic_end_of_interrupt();
    programmed = UINT64_MAX;
    ticks_t now = rdtsc();
    while (armed && armed->timer_deadline <= now) {
        struct vcpu *v = armed;
        disarm(v);
        cap_t cap = v->timer_slot.cap;
        if (cap_tag(cap) == CAP_NOTIFICATION)
            notification_signal(object_at(cap_offset48(cap)), cap_badge(cap));
    }
    if (faults_due <= now)
        faults_due = faults_poll(now);
    if (held_until <= now) {
        held_until = UINT64_MAX;
        irq_release(now);
    }
    handle_timer();
    program(rdtsc());
}
