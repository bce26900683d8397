/* The local APIC in x2APIC mode (APM vol 2, 16.11): registers are MSRs 0x800 + offset / 16.
 * The current-count register, 0x839, is never read: QEMU aborts on it in its counting mode. */
#include <machine.h>
#include "cpu.h"
#include "irq.h"
#include "trap.h"

#define X2APIC_TPR 0x808
#define X2APIC_EOI 0x80b
#define X2APIC_SPURIOUS 0x80f
#define X2APIC_ISR 0x810 /* in service: eight registers of 32 vectors */
#define X2APIC_IRR 0x820 /* eight registers of 32 vectors */
#define X2APIC_ICR 0x830
#define X2APIC_LVT_TIMER 0x832
#define X2APIC_LVT_THERMAL 0x833
#define X2APIC_LVT_COUNTER 0x834
#define X2APIC_LVT_LINT0 0x835
#define X2APIC_LVT_LINT1 0x836
#define X2APIC_LVT_ERROR 0x837
#define X2APIC_INITIAL_COUNT 0x838
#define X2APIC_DIVIDE 0x83e
#define SPURIOUS_ENABLE BIT(8)
#define LVT_MASKED BIT(16)
#define LVT_NMI 0x400
#define LVT_TSC_DEADLINE (2u << 17)
#define DIVIDE_BY_1 0xb
#define FIRST_IRR 1 /* vectors below 32 are exceptions */
#define MODERATED_END (SEL4_IRQ_CPU_VECTOR_BASE + SEL4_IRQ_USER_MIN + ATOLL_MODERATED_VECTORS)
_Static_assert(MODERATED_END % 32 == 0, "whole registers, and whole priority classes of 16 vectors");

static uint32_t first_irr = FIRST_IRR; /* of those that are not held back */
static uint64_t count_per_tick; /* timer counts per TSC tick, 32.32 fixed point */

void lapic_init(uint64_t tsc_hz, uint64_t timer_hz)
{
    static const uint32_t unused[] = {X2APIC_LVT_THERMAL, X2APIC_LVT_COUNTER, X2APIC_LVT_LINT0, X2APIC_LVT_ERROR};
    for (unsigned i = 0; i < ARRAY_SIZE(unused); i++)
        wrmsr(unused[i], LVT_MASKED);
    wrmsr(X2APIC_LVT_LINT1, LVT_NMI); /* where the chipset reports hardware errors (MultiProcessor Specification 3.6.2.2) */
    wrmsr(X2APIC_TPR, 0);
    wrmsr(X2APIC_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
    wrmsr(X2APIC_DIVIDE, DIVIDE_BY_1);
    wrmsr(X2APIC_LVT_TIMER, VECTOR_TIMER | (cpu.tsc_deadline ? LVT_TSC_DEADLINE : 0));
    count_per_tick = (timer_hz << 32) / tsc_hz; /* the map's check: timer_hz fits 32 bits */
}

void lapic_end_of_interrupt(void) { wrmsr(X2APIC_EOI, 0); }

/* The APIC's own spurious interrupt is not in service and has no end (APM vol 2, 16.4.7). A message with its vector is: without an end
 * nothing would come any more. Interrupt remapping lets no device send it; QEMU's VT-d passes a write of the old format on. */
void lapic_spurious(void)
{
    if (rdmsr(X2APIC_ISR + VECTOR_SPURIOUS / 32) >> VECTOR_SPURIOUS % 32 & 1)
        lapic_end_of_interrupt();
}

/* Fixed delivery, physical destination. WRMSR to x2APIC registers isn't serialising (APM vol 2, 16.11.2): the fence makes what was
 * written before the IPI visible to its target. */
void lapic_send(uint32_t apic_id, word_t vector)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    wrmsr(X2APIC_ICR, (uint64_t)apic_id << 32 | vector);
}

bool lapic_pending(void)
{
    for (uint32_t i = first_irr; i < 8; i++)
        if (rdmsr(X2APIC_IRR + i) != 0)
            return true;
    return false;
}

/* A vector cannot be masked here, but a priority class and all below it can (APM vol 2, 16.6.4). */
void lapic_hold(bool held)
{
    wrmsr(X2APIC_TPR, held ? MODERATED_END - 16 : 0);
    first_irr = held ? MODERATED_END / 32 : FIRST_IRR;
}

/* One shot. A deadline in the past fires at once; one beyond the counter's range fires early, and whoever asked finds that out. */
void lapic_timer_set(ticks_t now, ticks_t deadline)
{
    if (cpu.tsc_deadline) {
        wrmsr(MSR_TSC_DEADLINE, deadline ? deadline : 1); /* 0 would disarm */
        return;
    }
    uint64_t ticks = deadline > now ? deadline - now : 0;
    if (ticks > UINT32_MAX)
        ticks = UINT32_MAX;
    uint64_t count = (uint64_t)((unsigned __int128)ticks * count_per_tick >> 32) + 1;
    wrmsr(X2APIC_INITIAL_COUNT, count < UINT32_MAX ? count : UINT32_MAX);
}
