/* Claim: a guest may overwrite all of its RAM, the tables that it was given included, and hurts nobody else. */
#include "guest.h"

static void scribble(uint64_t from, uint64_t to)
{
    for (uint64_t at = from; at + 8 <= to; at += 8)
        *(volatile uint64_t *)at = 0xa5a5a5a55a5a5a5aull ^ at;
    print("own-tables: overwrote 0x%lx to 0x%lx\n", from, to);
}

void guest_main(void)
{
    const uint8_t *madt = acpi_table("APIC");
    print("own-tables: RSDP at 0x%lx, MADT at 0x%lx\n", (uint64_t)acpi_rsdp(), (uint64_t)madt);
    if (madt)
        scribble((uint64_t)madt, (uint64_t)madt + 44);
    scribble(0, 0xa0000);
    scribble(0xe0000, 0x100000);
    if (!guest_plain && acpi_rsdp())
        guest_fail("the RSDP survived");
    uint64_t end = guest_ram_end > 0xc0000000 ? 0xc0000000 : guest_ram_end;
    scribble(((uint64_t)guest_image_end + 0xfff) & ~0xfffull, end);
    struct cpuid still = cpuid(0, 0);
    print("own-tables: CPUID still answers, leaves to 0x%x\n", still.eax);
}
