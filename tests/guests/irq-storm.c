/* Claim: interrupts sent as fast as a guest can are all taken by that guest, and by nobody else. Option: seconds. */
#include "guest.h"

#define VECTOR_IPI 0x40
#define VECTOR_TIMER 0x41
#define LVT_PERIODIC (1u << 17)

void guest_main(void)
{
    uint64_t seconds = 3, sent = 0;
    guest_option("seconds", &seconds);
    apic_init();
    uint64_t count = guest_plain ? apic_timer_hz() / 10000 : 100; /* plain QEMU drowns in a shorter period */
    uint64_t end = rdtsc() + seconds * tsc_hz();
    wrmsr(MSR_X2APIC_LVT_TIMER, LVT_PERIODIC | VECTOR_TIMER);
    wrmsr(MSR_X2APIC_TIMER_COUNT, count);
    interrupts_on();
    while ((int64_t)(end - rdtsc()) > 0) {
        wrmsr(MSR_X2APIC_SELF_IPI, VECTOR_IPI);
        __asm__ volatile("nop");
        if (irq_count[VECTOR_IPI] != ++sent)
            guest_fail("self-IPI %lu: %lu taken", sent, irq_count[VECTOR_IPI]);
    }
    interrupts_off();
    timer_stop();
    print("irq-storm: %lu self-IPIs, %lu timer interrupts in %lu s\n", sent, irq_count[VECTOR_TIMER], seconds);
    if (!irq_count[VECTOR_TIMER])
        guest_fail("the periodic timer never fired");
}
