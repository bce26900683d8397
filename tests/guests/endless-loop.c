/* Claim: a guest that never gives up its core, interrupts off, costs nobody else anything. Option: seconds (0: for ever). */
#include "guest.h"

void guest_main(void)
{
    uint64_t seconds = 5, turns = 0;
    guest_option("seconds", &seconds);
    print("endless-loop: begin\n");
    uint64_t begin = rdtsc(), length = seconds * tsc_hz();
    while (!seconds || rdtsc() - begin < length)
        turns++;
    print("endless-loop: %lu turns in %lu s\n", turns, seconds);
}
