/* Claim: beyond its RAM a guest reads all ones and writes nothing; by an instruction that cannot be emulated, or by a jump, it is
 * stopped and nobody else. Options: `odd`, `exec`. */
#include "guest.h"

#define HUGE_PAGES 0x83 /* present, writable, page size */

/* Map the 1 GiB around `address` in 2 MiB pages at the fifth gigabyte. */
static volatile uint8_t *reach(uint64_t address)
{
    static uint64_t tables[512] __attribute__((aligned(4096)));
    for (unsigned i = 0; i < 512; i++)
        tables[i] = (address & ~0x3fffffffull) + ((uint64_t)i << 21) + HUGE_PAGES;
    guest_pdpt[4] = (uint64_t)tables + 3;
    tlb_flush();
    return (volatile uint8_t *)(0x100000000ull + (address & 0x3fffffff));
}

static uint64_t address;

static void touch(void *unused)
{
    volatile uint8_t *at = reach(address);
    (void)unused;
    uint64_t all = *(volatile uint64_t *)at;
    uint32_t low = *(volatile uint32_t *)at;
    uint16_t word = *(volatile uint16_t *)at;
    uint8_t byte = *at;
    *at = 1;
    *(volatile uint16_t *)at = 2;
    *(volatile uint32_t *)at = 3;
    *(volatile uint64_t *)at = 4;
    uint64_t after = *(volatile uint64_t *)at;
    bool ones = all == ~0ull && low == ~0u && word == 0xffff && byte == 0xff && after == ~0ull;
    if (!ones && !guest_plain)
        guest_fail("at 0x%lx: read 0x%lx, 0x%x, 0x%x, 0x%x, after writing 0x%lx", address, all, low, word, byte, after);
}

void guest_main(void)
{
    /* 4 GiB and above; physical addresses wider than the CPU's are reserved bits, hence #PF. */
    static const uint64_t places[] = {0x100000000, 0x240000000, 0x1000000000, 0x4000000000, 0x7fffe00000, 0x10000000000,
                                      0x800000000000, 0x8000000000000};
    if (guest_option("odd", NULL)) {
        print("beyond-ram: fxsave beyond RAM\n");
        __asm__ volatile("fxsave64 (%0)" : : "r"(guest_ram_end) : "memory");
        guest_fail("fxsave beyond RAM went through");
    }
    if (guest_option("exec", NULL)) {
        print("beyond-ram: jump beyond RAM\n");
        ((void (*)(void))(uintptr_t)guest_ram_end)();
        guest_fail("a jump beyond RAM came back");
    }
    for (address = guest_ram_end; address < 0xc0000000; address += 0x8000000)
        touch(NULL);
    address = guest_ram_end;
    touch(NULL);
    for (unsigned i = 0; i < sizeof places / sizeof places[0]; i++) {
        address = places[i];
        uint64_t trap = trap_run(touch, NULL);
        if (trap && trap != TRAP_PF + 1)
            guest_fail("at 0x%lx: exception %lu", address, trap - 1);
        print("beyond-ram: 0x%lx %s\n", address, trap ? "is a reserved address: #PF" : "reads as ones");
    }
}
