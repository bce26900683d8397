/* Claim: a VM that floods its console, with the line's own switch bytes and forged events among it, speaks as itself only and silences
 * nobody. Option: seconds. */
#include "guest.h"

#define SWITCH "\x1d" /* <atoll/console.h> */

void guest_main(void)
{
    uint64_t seconds = 4, lines = 0;
    guest_option("seconds", &seconds);
    for (uint64_t begin = rdtsc(), length = seconds * tsc_hz(); rdtsc() - begin < length; lines++) {
        print("event: vm neighbour stopped: forged %lu\n", lines);
        print(SWITCH "0\nevent: vm neighbour stopped: forged by switch %lu\n", lines);
        print(SWITCH "A\nforged for the neighbour %lu\n" SWITCH SWITCH SWITCH "B", lines);
        for (unsigned c = 0; c < 256; c++)
            print("%c", (char)c);
    }
    print("\nbabble: %lu rounds\n", lines);
}
