/* DMAR: Intel VT-d specification 4.1, chapter 8. */
#include "bytes.h"
#include "iommu.h"
#include "view.h"

#define ENTRIES 48             /* 8.1: 36 host address width, 37 flags */
#define FLAG_INTERRUPTS 0x1u
#define FLAG_X2APIC_OPT_OUT 0x2u

#define UNIT 0                 /* 8.3 DRHD: 4 flags, 5 size, 6 segment, 8 address, 16 scopes */
#define RESERVED 1             /* 8.4 RMRR: 6 segment, 8 first byte, 16 last byte, 24 scopes */
#define ATS_PORTS 2            /* 8.5 ATSR */
#define AFFINITY 3             /* 8.6 RHSA */
#define NAMES 4                /* 8.7 ANDD: names of ACPI devices that scopes refer to */
#define ATS_CACHE 5            /* 8.8 SATC: integrated devices with address caches */
#define DEVICE_PROPERTY 6      /* 8.9 SIDP */
#define UNIT_ALL 0x1u
#define UNIT_SIZE_MASK 0xfu    /* registers take 2^n pages */

#define SCOPE_HEADER 6         /* 8.3.1: 0 type, 1 length, 4 enumeration id, 5 start bus, 6 path */
#define SCOPE_ENDPOINT 1
#define SCOPE_BRIDGE 2
#define SCOPE_IOAPIC 3
#define SCOPE_HPET 4
#define SCOPE_NAMESPACE 5

#define BAD_LENGTH "the ACPI table of VT-d units (DMAR) has an entry of impossible length"
#define TOO_MANY "the ACPI table of VT-d units (DMAR) lists more than this program can hold"

static void unknown(struct iommus *units, unsigned type)
{
    units->unknown_in = "DMAR";
    units->unknown_type = type;
}

static const char *read_scope(const uint8_t *s, unsigned length, unsigned unit, struct iommus *units)
{
    static const uint8_t sources[] = {[SCOPE_ENDPOINT] = SOURCE_PATH, [SCOPE_BRIDGE] = SOURCE_SUBTREE,
                                      [SCOPE_IOAPIC] = SOURCE_IOAPIC, [SCOPE_HPET] = SOURCE_HPET,
                                      [SCOPE_NAMESPACE] = SOURCE_NAMESPACE};
    unsigned hops = (length - SCOPE_HEADER) / 2;
    if (hops == 0 || length % 2)
        return BAD_LENGTH;
    if (s[0] == 0 || s[0] > SCOPE_NAMESPACE) {
        unknown(units, 0x100u + s[0]);
        return NULL;
    }
    if (hops > IOMMU_MAX_HOPS || units->scope_count == IOMMU_MAX_SCOPES)
        return TOO_MANY;
    struct iommu_scope *scope = &units->scopes[units->scope_count++];
    *scope = (struct iommu_scope){.unit = (uint8_t)unit, .id = s[4], .source = sources[s[0]],
                                  .path = {.bus = s[5], .hops = (uint8_t)hops}};
    for (unsigned i = 0; i < hops; i++) {
        uint8_t device = s[SCOPE_HEADER + 2 * i], function = s[SCOPE_HEADER + 2 * i + 1];
        if (device > 31 || function > 7)
            return "the ACPI table of VT-d units (DMAR) names an impossible PCI device";
        scope->path.devfn[i] = (uint8_t)(device << 3 | function);
    }
    return NULL;
}

static const char *read_scopes(const uint8_t *s, uint32_t size, unsigned unit, struct iommus *units)
{
    while (size) {
        if (size < SCOPE_HEADER || s[1] < SCOPE_HEADER || s[1] > size)
            return BAD_LENGTH;
        const char *wrong = read_scope(s, s[1], unit, units);
        if (wrong)
            return wrong;
        size -= s[1];
        s += s[1];
    }
    return NULL;
}

static const char *read_unit(const uint8_t *e, uint32_t length, struct iommus *units)
{
    if (length < 16)
        return BAD_LENGTH;
    if (units->unit_count == IOMMU_MAX_UNITS || units->scope_count == IOMMU_MAX_SCOPES)
        return TOO_MANY;
    uint64_t paddr = read64(e + 8);
    for (unsigned i = 0; i < units->unit_count; i++)
        if (units->units[i].paddr == paddr)
            return "the ACPI table of VT-d units (DMAR) lists a unit twice";
    unsigned index = units->unit_count++;
    units->units[index] = (struct iommu_unit){.kind = IOMMU_VT_D, .paddr = paddr, .segment = read16(e + 6),
                                              .register_bytes = 4096ull << (e[5] & UNIT_SIZE_MASK)};
    if (e[4] & UNIT_ALL)
        units->scopes[units->scope_count++] = (struct iommu_scope){.unit = (uint8_t)index, .source = SOURCE_ALL, .last = UINT16_MAX};
    return read_scopes(e + 16, length - 16, index, units);
}

static const char *read_reserved(const uint8_t *e, uint32_t length, struct iommus *units)
{
    if (length < 24)
        return BAD_LENGTH;
    if (units->reserved_count == IOMMU_MAX_RESERVED)
        return TOO_MANY;
    uint64_t start = read64(e + 8), last = read64(e + 16);
    if (last < start || last == UINT64_MAX)
        return "the ACPI table of VT-d units (DMAR) has a reversed memory region";
    struct iommu_reserved *r = &units->reserved[units->reserved_count++];
    *r = (struct iommu_reserved){.segment = read16(e + 6), .start = start, .end = last + 1, .first_scope = units->scope_count};
    const char *wrong = read_scopes(e + 24, length - 24, IOMMU_NO_UNIT, units);
    r->scope_count = units->scope_count - r->first_scope;
    return wrong;
}

static const char *read_entry(const uint8_t *e, uint32_t length, struct iommus *units)
{
    switch (read16(e)) {
    case UNIT: return read_unit(e, length, units);
    case RESERVED: return read_reserved(e, length, units);
    case ATS_PORTS: units->ats_ports++; return NULL;
    case AFFINITY: units->affinities++; return NULL;
    case NAMES: case ATS_CACHE: case DEVICE_PROPERTY: return NULL; /* nothing in them changes what is blocked */
    default: unknown(units, read16(e)); return NULL;
    }
}

const char *dmar_read(const uint8_t *table, uint32_t size, struct iommus *units)
{
    if (size < ENTRIES)
        return "the ACPI table of VT-d units (DMAR) is too short";
    units->remaps_interrupts = table[37] & FLAG_INTERRUPTS;
    units->x2apic_opt_out = table[37] & FLAG_X2APIC_OPT_OUT;
    for (uint32_t at = ENTRIES; at < size;) {
        const uint8_t *e = table + at;
        if (size - at < 4 || read16(e + 2) < 4 || read16(e + 2) > size - at)
            return BAD_LENGTH;
        const char *wrong = read_entry(e, read16(e + 2), units);
        if (wrong)
            return wrong;
        at += read16(e + 2);
    }
    return NULL;
}
