/* Claim: the death of one kernel instance (test hook) ends its own VM and no other. */
#include "guest.h"

void guest_main(void)
{
    print("crash-kernel: now\n");
    out8(PORT_HOOK, 2);
    guest_fail("the kernel is still there, or test-hooks is not set for this VM");
}
