/* function: every function of kernel/x86/timer.c, lapic.c, ipi.c and trap.c but trap_emergency_report
 * property: the list of armed vCPUs stays in order of their deadlines, linked both ways, each in it once, exactly those with a deadline; the hardware's timer is never set later than the first of them; nothing undefined
 * bound: lists of up to 2 vCPUs and one that is armed or disarmed
 * options: --unwind 9
 */
#include "../proof.h"
#include <machine.h>
#include "kernel/core.h"
#include "kernel/state.h"
#include "kernel/x86/vcpu.h"
static struct notification note;
static void *object_named(word_t offset) { (void)offset; return &note; }
#define object_at object_named
#include "kernel/x86/lapic.c"
#include "kernel/x86/timer.c"
#include "kernel/x86/ipi.c"
#include "kernel/x86/trap.c"

struct kernel kernel;
struct cpu_features cpu;
static struct vcpu a, b, c;
static unsigned length;
static struct vcpu *list[3];

static bool released;
void irq_release(ticks_t now) { (void)now; released = true; lapic_hold(false); }
void notification_signal(struct notification *n, word_t badge) { (void)badge; HOLDS(n == &note, "a timer's notification"); }
void handle_timer(void) {}
static word_t handled;
void handle_vm_fault(word_t va, bool prefetch, word_t fsr) { (void)va, (void)prefetch, (void)fsr; handled = VECTOR_PAGE_FAULT; }
void handle_user_exception(word_t number, word_t code) { (void)code; HOLDS(number < 32, "an exception"); handled = number; }
void irq_interrupt(word_t vector) { HOLDS(vector >= 32, "an interrupt"); handled = vector; }
ticks_t faults_poll(ticks_t now) { (void)now; return nondet_word(); }
void log_printf(const char *f, ...) { (void)f; }
void panic(const char *f, ...) { (void)f; ASSUME(false); for (;;); }
void machine_last_words(void) {}

static bool is_list(void)
{
    struct vcpu *prev = NULL, *at = armed;
    for (unsigned i = 0; i < length; i++) {
        if (at != list[i] || at->timer_prev != prev || !at->timer_deadline || (prev && prev->timer_deadline > at->timer_deadline))
            return false;
        prev = at;
        at = at->timer_next;
    }
    return !at;
}
static void take(struct vcpu *v)
{
    unsigned i = 0;
    while (i < length && list[i] != v)
        i++;
    if (i == length)
        return;
    for (; i + 1 < length; i++)
        list[i] = list[i + 1];
    length--;
}

int main(void)
{
    length = nondet_below(3);
    list[0] = &a, list[1] = &b;
    a.timer_deadline = length > 0 ? nondet_word() : 0;
    b.timer_deadline = length > 1 ? nondet_word() : 0;
    a.timer_next = length > 1 ? &b : NULL;
    b.timer_prev = length > 1 ? &a : NULL;
    armed = length ? &a : NULL;
    a.timer_slot.cap.w0 = nondet_word(), b.timer_slot.cap.w0 = nondet_word(), c.timer_slot.cap.w0 = nondet_word();
    scheduler_deadline = nondet_word(), faults_due = nondet_word(), programmed = nondet_word(), held_until = nondet_word();
    cpu.tsc_deadline = nondet_bool();
    ASSUME(is_list());
    ASSUME((!armed || programmed <= armed->timer_deadline) && programmed <= held_until);

    struct vcpu *v = nondet_bool() ? &a : nondet_bool() ? &b : &c;
    ticks_t deadline = nondet_word();
    switch (nondet_below(8)) {
    case 0:
        timer_arm(v, deadline);
        take(v);
        if (deadline) {
            unsigned at = 0;
            while (at < length && list[at]->timer_deadline <= deadline)
                at++;
            for (unsigned i = length; i > at; i--)
                list[i] = list[i - 1];
            list[at] = v;
            length++;
        }
        HOLDS(v->timer_deadline == deadline, "as asked");
        REACH(length == 3 && list[1] == &c);
        break;
    case 1: {
        unsigned before = length;
        timer_interrupt();
        while (length && !list[0]->timer_deadline)
            take(list[0]);
        REACH(before == 2 && length == 1 && released);
        break;
    }
    case 2: machine_set_deadline(deadline); break;
    case 3: {
        uint64_t tsc = nondet_word(), timer = nondet_word();
        ASSUME(tsc >= 1000000 && timer != 0 && timer <= UINT32_MAX); /* resource_map */
        lapic_init(tsc, timer);
        break;
    }
    case 4: {
        word_t vector = nondet_below(256);
        trap_from_user(vector, nondet_word());
        HOLDS(vector == VECTOR_TIMER || vector == VECTOR_SPURIOUS || handled == vector, "to whoever handles it");
        while (length && !list[0]->timer_deadline)
            take(list[0]);
        break;
    }
    case 5: {
        struct invocation inv = {.cap = {nondet_word(), nondet_word()}};
        ipi_invoke(&inv);
        break;
    }
    case 6: lapic_hold(true); timer_hold(deadline); HOLDS(first_irr < 8, "an interrupt register"); break;
    default: machine_time(); lapic_pending();
    }
    HOLDS(is_list(), "in order, linked both ways");
    HOLDS((!armed || programmed <= armed->timer_deadline) && programmed <= held_until, "the hardware's timer comes in time");
}
