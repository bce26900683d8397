/* IVRS: AMD I/O Virtualization Technology (IOMMU) Specification 3.09 (48882), section 5.2.
 *
 * A unit may be described by blocks of several types; a later type tells all that an earlier one does. The highest one that is known
 * counts, the others are checked and left. */
#include "bytes.h"
#include "iommu.h"
#include "view.h"

#define ENTRIES 48
#define UNIT_10 0x10           /* 5.2.2.1: 1 flags, 2 length, 4 requester, 8 address, 16 segment, 24 entries */
#define UNIT_11 0x11           /* 5.2.2.2: the same with 16 more bytes of features, 40 entries */
#define UNIT_40 0x40           /* 5.2.2.3: as 11h; alone allowed to hold ACPI devices */
#define MEMORY_ALL 0x20        /* 5.2.2.4 IVMD: 4 requester, 6 last of a range, 8 segment, 16 address, 24 length */
#define MEMORY_ONE 0x21
#define MEMORY_RANGE 0x22
#define MEMORY_SIZE 32

/* Device entries, 5.2.2.1: the type's two upper bits give the size. */
#define ENTRY_PAD 0
#define ENTRY_ALL 1
#define ENTRY_SELECT 2
#define ENTRY_START 3
#define ENTRY_END 4
#define ENTRY_ALIAS_SELECT 66
#define ENTRY_ALIAS_START 67
#define ENTRY_EXTENDED_SELECT 70
#define ENTRY_EXTENDED_START 71
#define ENTRY_SPECIAL 72
#define ENTRY_ACPI 240
#define SPECIAL_IOAPIC 1
#define SPECIAL_HPET 2

#define REGISTERS_BYTES 0x4000ull      /* 3.4: 16 KiB ... */
#define REGISTERS_BYTES_LARGE 0x80000ull /* ... 512 KiB where performance counters are implemented (EFR PCSup) */
#define EFR_PERFORMANCE (1ull << 9)

#define BAD_LENGTH "the ACPI table of AMD-Vi units (IVRS) has an entry of impossible length"
#define BAD_RANGE "the ACPI table of AMD-Vi units (IVRS) has a range of devices without an end"
#define TOO_MANY "the ACPI table of AMD-Vi units (IVRS) lists more than this program can hold"

static void unknown(struct iommus *units, unsigned type)
{
    units->unknown_in = "IVRS";
    units->unknown_type = type;
}

/* --- device entries --- */

static uint32_t entry_size(const uint8_t *e, uint32_t left)
{
    if (e[0] == ENTRY_ACPI)
        return left >= 22 ? 22u + e[21] : 0;
    return e[0] < 64 ? 4 : e[0] < 128 ? 8 : e[0] < 192 ? 16 : 32;
}

static const char *add_scope(struct iommu_scope scope, struct iommus *units)
{
    if (units->scope_count == IOMMU_MAX_SCOPES)
        return TOO_MANY;
    units->scopes[units->scope_count++] = scope;
    return NULL;
}

static const char *read_device(const uint8_t *e, unsigned unit, struct iommu_scope *open, bool *is_open, struct iommus *units)
{
    uint16_t id = read16(e + 1);
    struct iommu_scope s = {.unit = (uint8_t)unit, .source = SOURCE_RANGE, .settings = e[3], .first = id, .last = id, .alias = id};
    if (*is_open && e[0] != ENTRY_END && e[0] != ENTRY_PAD)
        return BAD_RANGE;
    switch (e[0]) {
    case ENTRY_PAD: return NULL;
    case ENTRY_ALL:
        s.first = s.alias = 0;
        s.last = UINT16_MAX;
        return add_scope(s, units);
    case ENTRY_ALIAS_SELECT: s.alias = read16(e + 5); return add_scope(s, units);
    case ENTRY_SELECT: case ENTRY_EXTENDED_SELECT: return add_scope(s, units);
    case ENTRY_START: case ENTRY_EXTENDED_START: case ENTRY_ALIAS_START:
        if (e[0] == ENTRY_ALIAS_START)
            s.alias = read16(e + 5);
        *open = s;
        *is_open = true;
        return NULL;
    case ENTRY_END:
        if (!*is_open || id < open->first)
            return BAD_RANGE;
        *is_open = false;
        open->last = id;
        return add_scope(*open, units);
    case ENTRY_SPECIAL:
        s.first = s.last = s.alias = read16(e + 5);
        s.id = e[4];
        s.source = e[7] == SPECIAL_IOAPIC ? SOURCE_IOAPIC : SOURCE_HPET;
        if (e[7] != SPECIAL_IOAPIC && e[7] != SPECIAL_HPET) {
            unknown(units, 0x100u * ENTRY_SPECIAL + e[7]);
            return NULL;
        }
        return add_scope(s, units);
    case ENTRY_ACPI: s.source = SOURCE_NAMESPACE; return add_scope(s, units);
    default: unknown(units, 0x100u + e[0]); return NULL;
    }
}

static const char *read_devices(const uint8_t *e, uint32_t size, unsigned unit, struct iommus *units)
{
    struct iommu_scope open = {0};
    bool is_open = false;
    while (size) {
        uint32_t length = entry_size(e, size);
        if (length == 0 || length > size)
            return BAD_LENGTH;
        const char *wrong = read_device(e, unit, &open, &is_open, units);
        if (wrong)
            return wrong;
        size -= length;
        e += length;
    }
    return is_open ? BAD_RANGE : NULL;
}

/* --- blocks --- */

static bool is_unit(uint8_t type) { return type == UNIT_10 || type == UNIT_11 || type == UNIT_40; }

static const char *read_unit(const uint8_t *e, uint32_t length, struct iommus *units)
{
    uint32_t header = e[0] == UNIT_10 ? 24 : 40;
    if (length < header)
        return BAD_LENGTH;
    uint64_t paddr = read64(e + 8), features = e[0] == UNIT_10 ? 0 : read64(e + 24);
    unsigned index = 0;
    while (index < units->unit_count && units->units[index].paddr != paddr)
        index++;
    if (index == IOMMU_MAX_UNITS)
        return TOO_MANY;
    bool known = index < units->unit_count;
    if (known && units->units[index].block == e[0])
        return "the ACPI table of AMD-Vi units (IVRS) lists a unit twice";
    if (known && units->units[index].block > e[0])
        return NULL;
    if (known) { /* the scopes of the lower type go */
        unsigned kept = 0;
        for (unsigned i = 0; i < units->scope_count; i++)
            if (units->scopes[i].unit != index)
                units->scopes[kept++] = units->scopes[i];
        units->scope_count = kept;
    } else {
        units->unit_count++;
    }
    units->units[index] = (struct iommu_unit){
        .kind = IOMMU_AMD_VI, .paddr = paddr, .segment = read16(e + 16), .requester = read16(e + 4), .flags = e[1], .block = e[0],
        .register_bytes = features & EFR_PERFORMANCE ? REGISTERS_BYTES_LARGE : REGISTERS_BYTES};
    return read_devices(e + header, length - header, index, units);
}

static const char *read_memory(const uint8_t *e, uint32_t length, struct iommus *units)
{
    if (length < MEMORY_SIZE)
        return BAD_LENGTH;
    if (units->reserved_count == IOMMU_MAX_RESERVED)
        return TOO_MANY;
    uint64_t start = read64(e + 16), bytes = read64(e + 24);
    uint16_t first = read16(e + 4), last = e[0] == MEMORY_RANGE ? read16(e + 6) : first;
    if (bytes == 0 || start + bytes < start || last < first)
        return "the ACPI table of AMD-Vi units (IVRS) has an impossible memory region";
    if (e[0] == MEMORY_ALL) {
        first = 0;
        last = UINT16_MAX;
    }
    units->reserved[units->reserved_count++] = (struct iommu_reserved){
        .segment = read16(e + 8), .start = start, .end = start + bytes, .first_scope = units->scope_count, .scope_count = 1};
    return add_scope((struct iommu_scope){.unit = IOMMU_NO_UNIT, .source = SOURCE_RANGE, .first = first, .last = last, .alias = first},
                     units);
}

static const char *read_blocks(const uint8_t *table, uint32_t size, bool of_units, struct iommus *units)
{
    for (uint32_t at = ENTRIES; at < size;) {
        const uint8_t *e = table + at;
        if (size - at < 4 || read16(e + 2) < 4 || read16(e + 2) > size - at)
            return BAD_LENGTH;
        uint32_t length = read16(e + 2);
        bool memory = e[0] == MEMORY_ALL || e[0] == MEMORY_ONE || e[0] == MEMORY_RANGE;
        const char *wrong = NULL;
        if (of_units && is_unit(e[0]))
            wrong = read_unit(e, length, units);
        else if (!of_units && memory)
            wrong = read_memory(e, length, units);
        else if (!is_unit(e[0]) && !memory)
            unknown(units, e[0]);
        if (wrong)
            return wrong;
        at += length;
    }
    return NULL;
}

const char *ivrs_read(const uint8_t *table, uint32_t size, struct iommus *units)
{
    if (size < ENTRIES)
        return "the ACPI table of AMD-Vi units (IVRS) is too short";
    units->remaps_interrupts = true;
    const char *wrong = read_blocks(table, size, true, units);
    return wrong ? wrong : read_blocks(table, size, false, units);
}
