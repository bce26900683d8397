/* Claim: a triple fault stops this VM, with that reason, and no other. */
#include "guest.h"

void guest_main(void)
{
    static const struct __attribute__((packed)) { uint16_t limit; uint64_t base; } none;
    print("triple-fault: now\n");
    __asm__ volatile("lidt %0; ud2" : : "m"(none));
    guest_fail("still alive");
}
