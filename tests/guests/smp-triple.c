/* The second CPU triple-faults while the first one runs on: the VM is over. `kernel=N`: instead, CPU N has the kernel of its node die (test
 * hook), and the other one runs on. */
#include "guest.h"

#define APIC 0xfee00000u
#define TRAMPOLINE 0x70000u

extern char cpu_trampoline[], cpu_trampoline_end[];
void cpu_begin(void);
void *volatile cpu_stack;
static uint8_t stack[4096] __attribute__((aligned(16)));
static uint64_t turns; /* of the second CPU */

void cpu_begin(void)
{
    static const struct __attribute__((packed)) { uint16_t limit; uint64_t base; } none = {0, 0};

    uint64_t kernel = 2;

    print("the second CPU runs\n");
    if (guest_option("kernel", &kernel)) {
        if (kernel == 1)
            out8(PORT_HOOK, 2);
        for (;;)
            __atomic_fetch_add(&turns, 1, __ATOMIC_SEQ_CST);
    }
    __asm__ volatile("lidt %0; int3" : : "m"(none));
    for (;;)
        ;
}

static void send(uint32_t command)
{
    *(volatile uint32_t *)(uintptr_t)(APIC + 0x310) = 1u << 24;
    *(volatile uint32_t *)(uintptr_t)(APIC + 0x300) = command;
}

void guest_main(void)
{
    uint64_t kernel = 2;

    memcpy((void *)(uintptr_t)TRAMPOLINE, cpu_trampoline, (size_t)(cpu_trampoline_end - cpu_trampoline));
    *(volatile uint32_t *)(uintptr_t)(APIC + 0xf0) = 0x1ff;
    cpu_stack = stack + sizeof stack;
    send(0x4500);
    for (uint64_t end = rdtsc() + tsc_hz() / 100; (int64_t)(end - rdtsc()) > 0;)
        ;
    send(0x4600 | TRAMPOLINE >> 12);
    if (guest_option("kernel", &kernel) && kernel == 0) {
        while (!__atomic_load_n(&turns, __ATOMIC_SEQ_CST))
            ;
        out8(PORT_HOOK, 2);
    }
    for (uint64_t end = rdtsc() + 20 * tsc_hz(); (int64_t)(end - rdtsc()) > 0;)
        ;
    guest_fail("the VM goes on without its second CPU");
}
