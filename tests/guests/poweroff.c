/* Claim: a guest powers itself off as ACPI says (ACPI 6.4, sections 4.8.3.2, 4.8.3.7 and 7.4.2). */
#include "guest.h"

#define FADT_DSDT 40
#define FADT_PM1A_CONTROL 64
#define FADT_FLAGS 112
#define FADT_SLEEP_CONTROL 244 /* generic address structure: the address is 4 bytes in */
#define FADT_HARDWARE_REDUCED (1u << 20)

static uint32_t read32(const uint8_t *p) { return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24; }

/* The first element of the DSDT's _S5_ package: NameOp '_S5_' PackageOp length count element. */
static unsigned sleep_type(const uint8_t *dsdt)
{
    uint32_t length = read32(dsdt + 4);
    for (uint32_t i = 36; i + 12 < length; i++)
        if (dsdt[i] == '_' && dsdt[i + 1] == 'S' && dsdt[i + 2] == '5' && dsdt[i + 3] == '_' && dsdt[i + 4] == 0x12) {
            const uint8_t *p = dsdt + i + 5;
            p += (*p >> 6) + 2; /* PkgLength, element count */
            return *p == 0x0a ? p[1] : *p == 1; /* BytePrefix, OneOp or ZeroOp */
        }
    guest_fail("no _S5_ in the DSDT");
}

void guest_main(void)
{
    const uint8_t *fadt = acpi_table("FACP");
    if (!fadt)
        guest_fail("no FADT");
    unsigned type = sleep_type((const uint8_t *)(uintptr_t)read32(fadt + FADT_DSDT));
    print("poweroff: now, sleep type %u\n", type);
    if (read32(fadt + FADT_FLAGS) & FADT_HARDWARE_REDUCED)
        out8((uint16_t)read32(fadt + FADT_SLEEP_CONTROL + 4), (uint8_t)(1u << 5 | type << 2));
    else
        out16((uint16_t)read32(fadt + FADT_PM1A_CONTROL), (uint16_t)(1u << 13 | type << 10));
    /* A machine may take its time: QEMU's goes off when its main loop comes round. */
    for (uint64_t begin = rdtsc(); rdtsc() - begin < tsc_hz();)
        ;
    guest_fail("power-off came back");
}
