/* Claim: the death of a VMM (test hook) ends its own VM and no other. */
#include "guest.h"

void guest_main(void)
{
    print("crash-vmm: now\n");
    out8(PORT_HOOK, 1);
    guest_fail("the VMM is still there, or test-hooks is not set for this VM");
}
