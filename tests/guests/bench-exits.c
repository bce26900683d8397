/* Figures, not a claim: TSC ticks of exits, for a machine that counts one tick per instruction (QEMU -icount shift=0). */
#include "guest.h"

#define SAMPLES 64
#define VECTOR 0x50

static uint64_t samples[SAMPLES];

/* The least sample less the cost of an empty measurement, which counting makes exact. */
static void report(const char *name, uint64_t empty)
{
    uint64_t least = ~0ull, most = 0;
    for (unsigned i = 0; i < SAMPLES; i++) {
        if (samples[i] < least)
            least = samples[i];
        if (samples[i] > most)
            most = samples[i];
    }
    print("bench %s %lu\n", name, least - empty);
    print("bench-spread %s %lu\n", name, most - least);
}

#define MEASURE(statement) \
    for (unsigned i = 0; i < SAMPLES; i++) { \
        uint64_t begin = rdtsc(); \
        statement; \
        samples[i] = rdtsc() - begin; \
    }

static uint64_t first_tsc;

void guest_main(void)
{
    first_tsc = rdtsc();
    print("bench guest.first-tsc %lu\n", first_tsc);
    apic_init();
    MEASURE((void)0)
    uint64_t empty = ~0ull;
    for (unsigned i = 0; i < SAMPLES; i++)
        if (samples[i] < empty)
            empty = samples[i];
    MEASURE(cpuid(0x80000000, 0))
    report("exit.cpuid", empty);
    MEASURE(out8(0x80, 0))
    report("exit.port", empty);
    MEASURE(in8(PORT_COM1 + 5))
    report("exit.port.uart", empty);
    MEASURE(rdmsr(MSR_APIC_BASE))
    report("exit.msr", empty);
    MEASURE(__asm__ volatile("vmmcall" : "+a"(first_tsc) : : "memory"))
    report("exit.call", empty);
    MEASURE(wrmsr(MSR_X2APIC_SELF_IPI, VECTOR); interrupts_on(); __asm__ volatile("nop"); interrupts_off())
    report("irq.self", empty);

    /* Set and fire: from the instruction that arms a timer already due to the first instruction of its handler. */
    wrmsr(MSR_X2APIC_LVT_TIMER, VECTOR);
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t count = irq_count[VECTOR], begin = rdtsc();
        wrmsr(MSR_X2APIC_TIMER_COUNT, 1);
        interrupts_on();
        while (irq_count[VECTOR] == count)
            ;
        interrupts_off();
        samples[i] = irq_tsc - begin;
    }
    report("timer.fire", empty);
}
