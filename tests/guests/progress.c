/* The neighbour: counts on every 100 ms, checks that its memory keeps what it wrote, and says the longest time that it stood still.
 * Options: seconds, megabytes. */
#include "guest.h"

void guest_main(void)
{
    uint64_t seconds = 10, megabytes = 4, longest = 0;
    guest_option("seconds", &seconds);
    guest_option("megabytes", &megabytes);
    apic_init();
    uint64_t hz = tsc_hz(), begin = rdtsc(), before = begin;
    volatile uint64_t *memory = (volatile uint64_t *)0x1000000;
    uint64_t words = megabytes << 17;
    if ((uint64_t)(memory + words) > guest_ram_end)
        guest_fail("RAM ends at 0x%lx", guest_ram_end);
    for (uint64_t i = 0; i < words; i++)
        memory[i] = i * 0x9e3779b97f4a7c15ull;
    for (uint64_t tick = 1; tick <= seconds * 10; tick++) {
        idle_until(begin + mul_div(tick, hz, 10));
        uint64_t now = rdtsc();
        if (now - before > longest)
            longest = now - before;
        before = now;
        for (uint64_t i = tick % 64; i < words; i += 64)
            if (memory[i] != i * 0x9e3779b97f4a7c15ull)
                guest_fail("memory at 0x%lx changed to 0x%lx", (uint64_t)(memory + i), memory[i]);
        if (tick % 5 == 0)
            print("progress %lu\n", tick);
    }
    print("progress: done, longest gap %lu ms\n", mul_div(longest, 1000, hz));
}
