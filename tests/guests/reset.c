/* Claim: a reset starts the VM again with fresh RAM; the TSC, which belongs to the machine, goes on. The guest resets itself until it has
 * lived for a second, by the three ways of a PC in turn; it knows the turn from the TSC alone. */
#include "guest.h"

static uint64_t in_ram;

void guest_main(void)
{
    uint64_t hz = tsc_hz(), begin = rdtsc(), turn = begin / (hz / 4) % 3;
    if (in_ram)
        guest_fail("RAM survived the reset");
    in_ram = 1;
    *(volatile uint64_t *)(guest_ram_end - 8) += 1;
    if (*(volatile uint64_t *)(guest_ram_end - 8) != 1)
        guest_fail("RAM survived the reset");
    print("reset: start at %lu ms\n", mul_div(begin, 1000, hz));
    if (begin > 2 * hz && !guest_plain)
        return;
    while (rdtsc() - begin < hz / 4)
        ;
    print("reset: now by %s\n", turn == 0 ? "port 0xcf9" : turn == 1 ? "the keyboard controller" : "port 0x92");
    if (turn == 0)
        out8(0xcf9, 6);
    else if (turn == 1)
        out8(0x64, 0xfe);
    else
        out8(0x92, 1);
    for (uint64_t wait = rdtsc(); rdtsc() - wait < hz;)
        ;
    guest_fail("the reset did not come");
}
