/* ACPI tables as a guest finds them (ACPI 6.4 sections 5.2.5 to 5.2.8). */
#include "guest.h"

static bool equal(const void *a, const char *b, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (((const char *)a)[i] != b[i])
            return false;
    return true;
}

static uint64_t read_le(const uint8_t *p, unsigned bytes)
{
    uint64_t v = 0;
    while (bytes)
        v = v << 8 | p[--bytes];
    return v;
}

void *acpi_rsdp(void)
{
    for (uint64_t at = 0xe0000; at < 0x100000; at += 16)
        if (equal((void *)at, "RSD PTR ", 8))
            return (void *)at;
    return NULL;
}

const void *acpi_table(const char signature[4])
{
    const uint8_t *rsdp = acpi_rsdp();
    if (!rsdp)
        return NULL;
    unsigned width = rsdp[15] >= 2 && read_le(rsdp + 24, 8) ? 8 : 4;
    const uint8_t *root = (const uint8_t *)(uintptr_t)(width == 8 ? read_le(rsdp + 24, 8) : read_le(rsdp + 16, 4));
    uint64_t length = read_le(root + 4, 4);
    for (uint64_t at = 36; at + width <= length; at += width) {
        const uint8_t *table = (const uint8_t *)(uintptr_t)read_le(root + at, width);
        if (equal(table, signature, 4))
            return table;
    }
    return NULL;
}
