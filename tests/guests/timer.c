/* Claim: the local APIC timer fires once (one-shot), again and again (periodic) and at a TSC value (deadline, where CPUID offers it),
 * never early against the TSC, and late by little. Option: late, the milliseconds that are still little. */
#include "guest.h"

#define VECTOR 0x50
#define LVT_PERIODIC (1u << 17)
#define LVT_DEADLINE (2u << 17)

static uint64_t hz, late;

static uint64_t milliseconds(uint64_t tsc) { return mul_div(tsc, 1000, hz); }

/* Wait halted until `n` more interrupts came; returns the TSC at the last one. */
static uint64_t wait(uint64_t count)
{
    uint64_t begin = rdtsc();
    while (irq_count[VECTOR] < count) {
        __asm__ volatile("sti; hlt; cli" : : : "memory");
        if (rdtsc() - begin > 20 * hz)
            guest_fail("%lu of %lu interrupts after 20 s", irq_count[VECTOR], count);
    }
    return irq_tsc;
}

static void check(const char *what, uint64_t took, uint64_t wanted)
{
    print("timer: %s took %lu us, asked for %lu us\n", what, mul_div(took, 1000000, hz), mul_div(wanted, 1000000, hz));
    if (took + wanted / 20 < wanted)
        guest_fail("%s came early", what);
    if (took > wanted + late * hz / 1000)
        guest_fail("%s came %lu ms late", what, milliseconds(took - wanted));
}

void guest_main(void)
{
    late = 300;
    guest_option("late", &late);
    apic_init();
    hz = tsc_hz();
    print("timer: TSC %lu Hz, APIC timer %lu Hz\n", hz, apic_timer_hz());

    static const unsigned lengths[] = {1, 10, 100};
    for (unsigned i = 0; i < 3; i++) {
        uint64_t count = irq_count[VECTOR], begin = rdtsc();
        timer_one_shot(VECTOR, lengths[i] * 1000000ull);
        check("one-shot", wait(count + 1) - begin, lengths[i] * hz / 1000);
    }
    timer_stop();

    uint64_t count = irq_count[VECTOR], begin = rdtsc();
    wrmsr(MSR_X2APIC_LVT_TIMER, LVT_PERIODIC | VECTOR);
    wrmsr(MSR_X2APIC_TIMER_COUNT, apic_timer_hz() / 100);
    check("20 periods", wait(count + 20) - begin, hz / 5);
    timer_stop();
    count = irq_count[VECTOR];
    for (begin = rdtsc(); rdtsc() - begin < hz / 20;)
        __asm__ volatile("sti; nop; cli");
    if (irq_count[VECTOR] > count + 1)
        guest_fail("a stopped timer fired %lu times", irq_count[VECTOR] - count);

    if (!(cpuid(1, 0).ecx >> 24 & 1)) {
        print("timer: no TSC-deadline mode offered\n");
        return;
    }
    count = irq_count[VECTOR];
    begin = rdtsc();
    wrmsr(MSR_X2APIC_LVT_TIMER, LVT_DEADLINE | VECTOR);
    __asm__ volatile("mfence"); /* Intel SDM volume 3, 12.5.4.1 */
    wrmsr(MSR_TSC_DEADLINE, begin + hz / 50);
    if (rdmsr(MSR_TSC_DEADLINE) != begin + hz / 50)
        guest_fail("the armed deadline does not read back");
    check("deadline", wait(count + 1) - begin, hz / 50);
    if (rdmsr(MSR_TSC_DEADLINE))
        guest_fail("a past deadline reads 0x%lx", rdmsr(MSR_TSC_DEADLINE));
    begin = rdtsc();
    wrmsr(MSR_TSC_DEADLINE, 1);
    check("deadline in the past", wait(count + 2) - begin, 0);
}
