/* The hostile guest that exits as often as it can on its first CPU, while its second, if there is one, sleeps and is woken by nothing but an
 * IPI now and then: CPUID, ports, registers in memory, IPIs, HLT with an interrupt that waits, console output, page table switches. Option: count. */
#include "guest.h"

#define ICR 0x830
#define ICR_INIT 0x4500u
#define ICR_START 0x4600u
#define TRAMPOLINE 0x70000u

void cpu_begin(void);
extern char cpu_trampoline[], cpu_trampoline_end[];
void trap_init(void);
void *volatile cpu_stack;
static uint8_t second_stack[8192] __attribute__((aligned(16)));
static volatile uint64_t woken;

static void take(uint64_t vector)
{
    (void)vector;
    if (rdmsr(MSR_X2APIC_ID))
        woken++;
    wrmsr(MSR_X2APIC_EOI, 0);
}

void cpu_begin(void)
{
    trap_init();
    wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | 0xc00);
    wrmsr(MSR_X2APIC_SPURIOUS, 0x1ff);
    for (;;)
        __asm__ volatile("sti; hlt" : : : "memory");
}

void guest_main(void)
{
    uint64_t count = 100000;

    guest_option("count", &count);
    apic_init();
    irq_hook = take;
    memcpy((void *)(uintptr_t)TRAMPOLINE, cpu_trampoline, (size_t)(cpu_trampoline_end - cpu_trampoline));
    cpu_stack = second_stack + sizeof second_stack;
    wrmsr(ICR, 1ull << 32 | ICR_INIT);
    wrmsr(ICR, 1ull << 32 | ICR_START | TRAMPOLINE >> 12);
    for (uint64_t i = 0; i < count; i++) {
        cpuid(0, 0);
        out8(0x80, 0);
        (void)*(volatile uint32_t *)(uintptr_t)0xe0000000u;
        wrmsr(MSR_X2APIC_SELF_IPI, 0x60);
        __asm__ volatile("sti; hlt; cli" : : : "memory");
        if (i % 16 == 0)
            wrmsr(ICR, 1ull << 32 | 0x61);
        if (i % 1000 == 0)
            print("hammer: %lu\n", i);
    }
    print("hammer: done; the other CPU was woken %lu times\n", woken);
}
