/* Claim: HLT with interrupts off stops this VM, with that reason. */
#include "guest.h"

void guest_main(void)
{
    print("hlt-no-irq: now\n");
    __asm__ volatile("cli; hlt");
    guest_fail("HLT with interrupts off came back");
}
