/* Local APIC in x2APIC mode (Intel SDM volume 3, chapter 12; AMD APM volume 2, chapter 16) and time. */
#include "guest.h"

#define APIC_BASE_X2APIC 0xc00
#define SPURIOUS_ENABLE 0x100
#define LVT_MASKED 0x10000
#define DIVIDE_BY_1 0xb
#define TIMER_WAKE 0xf0

void apic_init(void)
{
    out8(0x21, 0xff);
    out8(0xa1, 0xff);
    if (!(cpuid(1, 0).ecx & 1u << 21))
        guest_fail("CPUID offers no x2APIC");
    wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_X2APIC);
    apic_on = true;
    wrmsr(MSR_X2APIC_SPURIOUS, SPURIOUS_ENABLE | 0xff);
    wrmsr(MSR_X2APIC_TIMER_DIVIDE, DIVIDE_BY_1);
    timer_stop();
}

/* The PIT's channel 2 against the TSC, for machines that do not tell: 10 ms at 1193182 Hz. */
static uint64_t tsc_hz_by_pit(void)
{
    out8(0x61, (in8(0x61) & 0xfc) | 1);
    out8(0x43, 0xb0);
    out8(0x42, 11932 & 0xff);
    out8(0x42, 11932 >> 8);
    uint64_t begin = rdtsc();
    for (uint64_t i = 0; !(in8(0x61) & 0x20); i++)
        if (i > 100000000)
            guest_fail("no clock: CPUID does not tell the TSC rate and the PIT does not count");
    return (rdtsc() - begin) * 100;
}

/* Leaf 0x40000010: kHz of the TSC and of the APIC timer (VMware's and KVM's convention). */
static struct cpuid clocks(void)
{
    static struct cpuid none;
    return cpuid(1, 0).ecx >> 31 && cpuid(0x40000000, 0).eax >= 0x40000010 ? cpuid(0x40000010, 0) : none;
}

uint64_t tsc_hz(void)
{
    static uint64_t hz;
    if (!hz)
        hz = clocks().eax * 1000ull;
    if (!hz)
        hz = tsc_hz_by_pit();
    return hz;
}

/* Told, or measured: a one-shot count of ten million against the TSC. */
uint64_t apic_timer_hz(void)
{
    static uint64_t hz;
    if (!hz)
        hz = clocks().ebx * 1000ull;
    if (!hz) {
        uint64_t before = irq_count[TIMER_WAKE], begin = rdtsc();
        wrmsr(MSR_X2APIC_LVT_TIMER, TIMER_WAKE);
        wrmsr(MSR_X2APIC_TIMER_COUNT, 10000000);
        interrupts_on();
        while (irq_count[TIMER_WAKE] == before)
            ;
        interrupts_off();
        hz = mul_div(10000000, tsc_hz(), irq_tsc - begin);
    }
    return hz;
}

void timer_one_shot(uint8_t vector, uint64_t nanoseconds)
{
    uint64_t count = mul_div(nanoseconds, apic_timer_hz(), 1000000000);
    wrmsr(MSR_X2APIC_LVT_TIMER, vector);
    wrmsr(MSR_X2APIC_TIMER_COUNT, count ? count > 0xffffffff ? 0xffffffff : count : 1);
}

void timer_stop(void)
{
    wrmsr(MSR_X2APIC_LVT_TIMER, LVT_MASKED);
    wrmsr(MSR_X2APIC_TIMER_COUNT, 0);
}

void idle_until(uint64_t tsc)
{
    for (;;) {
        interrupts_off();
        uint64_t now = rdtsc();
        if ((int64_t)(tsc - now) <= 0)
            return;
        uint64_t left = mul_div(tsc - now, 1000000000, tsc_hz());
        timer_one_shot(TIMER_WAKE, left > 1000000000 ? 1000000000 : left);
        __asm__ volatile("sti; hlt" : : : "memory");
    }
}
