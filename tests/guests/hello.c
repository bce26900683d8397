/* Claim: a guest runs in long mode, prints, and ends with a status. */
#include "guest.h"

void guest_main(void)
{
    uint64_t status = 0;
    print("hello from a test guest, RAM to 0x%lx\n", guest_ram_end);
    guest_option("status", &status);
    guest_exit((uint32_t)status);
}
