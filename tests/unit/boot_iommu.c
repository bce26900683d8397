/* The IOMMU tables and the rules: tables as firmware writes them, then lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <x86/amdvi.h>
#include <x86/vtd.h>
#include "rules.h"

static struct { uint8_t bytes[70000]; uint32_t size; } t;
static struct iommus units;

static void put(uint8_t *at, uint64_t value, unsigned bytes) { memcpy(at, &value, bytes); }

static void clear(void)
{
    memset(&t, 0, sizeof t);
    t.size = 48;
}

static void append(const uint8_t *bytes, unsigned n)
{
    memcpy(t.bytes + t.size, bytes, n);
    t.size += n;
}
#define APPEND(...) append((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

/* In a heap buffer of the exact size, so that the sanitizer sees each byte read behind it. */
static const char *parse(bool amd, uint32_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, t.bytes, size);
    memset(&units, 0, sizeof units);
    const char *wrong = amd ? ivrs_read(copy, size, &units) : dmar_read(copy, size, &units);
    free(copy);
    return wrong;
}

/* Every cut must be refused, or end at an entry's end. */
static void cut_everywhere(bool amd, const uint32_t *ends, unsigned count)
{
    for (uint32_t size = 0; size < t.size; size++) {
        bool at_end = size == 48;
        for (unsigned i = 0; i < count; i++)
            at_end |= size == ends[i];
        if (at_end)
            assert_null(parse(amd, size));
        else
            assert_non_null(parse(amd, size));
    }
}

/* --- DMAR --- */

static void dmar_good(void)
{
    clear();
    t.bytes[37] = 1;
    /* a unit at 1_fed9_0000 in segment 2: an endpoint behind a bridge, an IOAPIC, a timer */
    APPEND(0, 0, 42, 0, 0, 1, 2, 0, 0, 0, 0xd9, 0xfe, 1, 0, 0, 0,
           1, 10, 0, 0, 0, 5, 0x1c, 0, 0x02, 3,
           3, 8, 0, 0, 9, 0xf0, 0x1f, 0,
           4, 8, 0, 0, 0, 0xf0, 0x0f, 0);
    /* a unit for all the rest of segment 0 */
    APPEND(0, 0, 16, 0, 1, 0, 0, 0, 0, 0, 0xd8, 0xfe, 0, 0, 0, 0);
    /* a reserved region of 00:1d.0 */
    APPEND(1, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0xe0, 0xbd, 0, 0, 0, 0, 0xff, 0xff, 0xe1, 0xbd, 0, 0, 0, 0, 1, 8, 0, 0, 0, 0, 0x1d, 0);
    APPEND(2, 0, 16, 0, 0, 0, 0, 0, 2, 8, 0, 0, 0, 0, 1, 0); /* ATSR */
    APPEND(3, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0xd9, 0xfe, 0, 0, 0, 0, 1, 0, 0, 0); /* RHSA */
}

static void vt_d_tables(void **state)
{
    (void)state;
    dmar_good();
    assert_null(parse(false, t.size));
    assert_true(units.remaps_interrupts && !units.x2apic_opt_out && !units.unknown_in);
    assert_int_equal(units.unit_count, 2);
    assert_true(units.units[0].kind == IOMMU_VT_D && units.units[0].paddr == 0x1fed90000 && units.units[0].segment == 2);
    assert_int_equal(units.units[0].register_bytes, 8192);
    assert_int_equal(units.scope_count, 5);
    const struct iommu_scope *s = units.scopes;
    assert_true(s[0].source == SOURCE_PATH && s[0].path.bus == 5 && s[0].path.hops == 2 && s[0].path.devfn[0] == 0x1c << 3 &&
                s[0].path.devfn[1] == (2 << 3 | 3));
    assert_true(s[1].source == SOURCE_IOAPIC && s[1].id == 9 && s[2].source == SOURCE_HPET);
    assert_true(s[3].source == SOURCE_ALL && s[3].unit == 1);
    assert_true(units.reserved_count == 1 && units.reserved[0].start == 0xbde00000 && units.reserved[0].end == 0xbde20000);
    assert_true(units.reserved[0].scope_count == 1 && s[units.reserved[0].first_scope].unit == IOMMU_NO_UNIT);
    assert_true(units.ats_ports == 1 && units.affinities == 1);
    static const uint32_t ends[] = {90, 106, 138, 154};
    cut_everywhere(false, ends, 4);
}

static void vt_d_lies(void **state)
{
    static const struct { uint32_t at; uint8_t value; } lies[] = {
        {50, 0}, {50, 3}, {50, 12},           /* a unit without length, or too short for an address */
        {49 + 16, 0}, {49 + 16, 5}, {49 + 16, 6}, {49 + 16, 9}, {49 + 16, 200}, /* a scope that is empty, odd, or leaves its unit */
        {48 + 16 + 6, 32}, {48 + 16 + 9, 8},  /* device 32, function 8 */
        {106 + 16, 0}, {106 + 2, 20},         /* a region: see below; too short */
    };
    (void)state;
    for (unsigned i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        dmar_good();
        t.bytes[lies[i].at] = lies[i].value;
        if (lies[i].at != 106 + 16)
            assert_non_null(parse(false, t.size));
    }
    dmar_good();
    put(t.bytes + 106 + 16, 0xbddfffff, 8); /* ends before it starts */
    assert_non_null(parse(false, t.size));
    put(t.bytes + 106 + 16, UINT64_MAX, 8);
    assert_non_null(parse(false, t.size));
    dmar_good();
    put(t.bytes + 90 + 8, 0x1fed90000, 8);
    assert_non_null(parse(false, t.size)); /* one unit twice */

    dmar_good();
    APPEND(77, 0, 4, 0);
    assert_null(parse(false, t.size));
    assert_true(units.unknown_in && units.unknown_type == 77);
    dmar_good();
    t.bytes[64] = 6; /* a scope of unknown type */
    assert_null(parse(false, t.size));
    assert_true(units.unknown_in && units.unknown_type == 0x106);
}

static void vt_d_too_many(void **state)
{
    uint8_t unit[16] = {0, 0, 16, 0, 1}, region[24] = {1, 0, 24, 0};
    (void)state;
    clear();
    for (unsigned i = 0; i <= IOMMU_MAX_UNITS; i++) {
        put(unit + 8, 0xfed90000 + i * 0x1000, 8);
        append(unit, 16);
    }
    assert_null(parse(false, t.size - 16));
    assert_non_null(parse(false, t.size));
    clear();
    for (unsigned i = 0; i <= IOMMU_MAX_RESERVED; i++)
        append(region, 24);
    assert_null(parse(false, t.size - 24));
    assert_non_null(parse(false, t.size));
    clear();
    APPEND(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xd9, 0xfe, 0, 0, 0, 0);
    for (unsigned i = 0; i <= IOMMU_MAX_SCOPES; i++)
        APPEND(1, 8, 0, 0, 0, 0, 0, 0);
    put(t.bytes + 50, t.size - 48, 2);
    assert_non_null(parse(false, t.size));
    clear();
    APPEND(0, 0, 16 + 6 + 18, 0, 0, 0, 0, 0, 0, 0, 0xd9, 0xfe, 0, 0, 0, 0, 1, 24, 0, 0, 0, 0,
           0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0); /* nine bridges deep */
    assert_non_null(parse(false, t.size));
}

/* --- IVRS --- */

static void ivrs_good(void)
{
    clear();
    APPEND(0x10, 0x0b, 28, 0, 2, 0, 0x40, 0, 0, 0, 0xd8, 0xfe, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0);
    APPEND(0x11, 0x0b, 100, 0, 2, 0, 0x40, 0, 0, 0, 0xd8, 0xfe, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
           0xd7, 0x29, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
           3, 8, 0, 0, 4, 0xff, 0, 0,             /* range 00:01.0 to 00:1f.7 */
           2, 0, 1, 0xd7,                         /* 01:00.0, with interrupts that pass */
           66, 1, 2, 0, 0, 9, 3, 0,               /* 02:00.1 appears as 03:01.1 */
           67, 0, 4, 0, 0, 0, 5, 0, 4, 7, 4, 0,   /* range 04:00.0 to 04:00.7 appears as 05:00.0 */
           72, 0, 0, 0xd7, 9, 0xa0, 0, 1,         /* IOAPIC 9 is 00:14.0 */
           72, 0, 0, 0, 0, 0xa0, 0, 2,            /* HPET */
           0, 0, 0, 0, 70, 1, 6, 0, 0, 0, 0, 0);  /* padding; extended select */
    APPEND(0x22, 0x07, 32, 0, 0x10, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xe0, 0xbd, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0);
    APPEND(0x20, 0x08, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0);
}

static void amd_vi_tables(void **state)
{
    (void)state;
    ivrs_good();
    assert_null(parse(true, t.size));
    assert_true(units.unit_count == 1 && units.units[0].kind == IOMMU_AMD_VI && units.units[0].paddr == 0xfed80000);
    assert_true(units.units[0].block == 0x11 && units.units[0].requester == 2 && units.units[0].register_bytes == 0x4000);
    const struct iommu_scope *s = units.scopes;
    assert_int_equal(units.scope_count, 9); /* none of the 10h block */
    assert_true(s[0].source == SOURCE_RANGE && s[0].first == 8 && s[0].last == 255);
    assert_true(s[1].first == 0x100 && s[1].settings == 0xd7);
    assert_true(s[2].first == 0x201 && s[2].alias == 0x309);
    assert_true(s[3].first == 0x400 && s[3].last == 0x407 && s[3].alias == 0x500);
    assert_true(s[4].source == SOURCE_IOAPIC && s[4].id == 9 && s[4].first == 0xa0 && s[5].source == SOURCE_HPET);
    assert_int_equal(s[6].first, 0x601);
    assert_int_equal(units.reserved_count, 2);
    assert_true(units.reserved[0].start == 0xbde00000 && units.reserved[0].end == 0xbde20000);
    assert_true(s[units.reserved[0].first_scope].first == 0x10 && s[units.reserved[0].first_scope].last == 0x20);
    assert_int_equal(s[units.reserved[1].first_scope].last, 0xffff);
    static const uint32_t ends[] = {76, 176, 208};
    cut_everywhere(true, ends, 3);
}

static void amd_vi_lies(void **state)
{
    static const struct { uint32_t at; uint8_t value; } lies[] = {
        {50, 0}, {50, 3}, {50, 20}, {50, 27},      /* block lengths */
        {76 + 2, 39}, {76 + 2, 90},                /* features missing; an entry cut off */
        {76 + 40 + 4, 0}, {76 + 40 + 4, 2},        /* a range without an end */
        {76 + 40, 0},                              /* an end without a start */
        {76 + 40 + 5, 7}, {76 + 40 + 6, 0},        /* see below */
        {176 + 2, 31}, {176 + 26, 0}, {176 + 6, 0x0f}, /* regions: short, empty, reversed */
    };
    (void)state;
    for (unsigned i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        ivrs_good();
        t.bytes[lies[i].at] = lies[i].value;
        if (lies[i].at != 76 + 40 + 6)
            assert_non_null(parse(true, t.size));
    }
    ivrs_good();
    t.bytes[48] = 0x11;
    t.bytes[50] = 28;
    assert_non_null(parse(true, t.size)); /* 11h is longer */
    ivrs_good();
    put(t.bytes + 176 + 16, UINT64_MAX - 5, 8);
    assert_non_null(parse(true, t.size));

    ivrs_good();
    APPEND(0x33, 0, 4, 0);
    assert_null(parse(true, t.size));
    assert_true(units.unknown_in && units.unknown_type == 0x33);
    ivrs_good();
    t.bytes[76 + 40 + 8] = 9; /* an entry of unknown type */
    assert_null(parse(true, t.size));
    assert_int_equal(units.unknown_type, 0x109);
    ivrs_good();
    t.bytes[76 + 40 + 39] = 3; /* a special device of unknown kind */
    assert_null(parse(true, t.size));
    assert_non_null(units.unknown_in);
}

static void acpi_device(void **state)
{
    (void)state;
    clear();
    APPEND(0x40, 0, 67, 0, 2, 0, 0x40, 0, 0, 0, 0xd8, 0xfe, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
           0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
           240, 0xa5, 0, 0x40, 'A', 'M', 'D', 'I', '0', '0', '2', '0', 0, 0, 0, 0, 0, 0, 0, 0, 2, 5, 1, 2, 3, 4, 5);
    assert_null(parse(true, t.size));
    assert_true(units.scope_count == 1 && units.scopes[0].source == SOURCE_NAMESPACE && units.scopes[0].first == 0xa5);
    assert_int_equal(units.units[0].register_bytes, 0x80000); /* has performance counters */
    t.bytes[48 + 40 + 21] = 6; /* a name longer than the block */
    assert_non_null(parse(true, t.size));
}

static void random_tables(void **state)
{
    uint32_t seed = 7;
    (void)state;
    for (unsigned round = 0; round < 60000; round++) {
        round % 2 ? ivrs_good() : dmar_good();
        for (unsigned n = seed >> 28; n > 0; n--) {
            seed = seed * 1664525u + 1013904223u;
            t.bytes[48 + (seed >> 8) % (t.size - 48)] = (uint8_t)(seed >> 24);
        }
        seed = seed * 1664525u + 1013904223u;
        parse(round % 2, t.size - (seed >> 20) % (t.size - 48));
    }
}

/* --- the rules --- */

static struct pci pci;
static struct acpi_madt madt;
static struct acpi_mcfg mcfg;
static struct iommu_facts facts[IOMMU_MAX_UNITS];
static char reason[256];

static bool passes(void)
{
    struct rules_input in = {&units, facts, &mcfg, &madt, &pci};
    return rules_check(&in, reason, sizeof reason);
}

static void refuses(const char *part)
{
    assert_false(passes());
    assert_non_null(strstr(reason, part));
}

/* A unit for 02:00.0 and what is behind the port 00:01.0 (bus 1), and one for all the rest. */
static void vtd_machine(void)
{
    memset(&units, 0, sizeof units);
    memset(&pci, 0, sizeof pci);
    memset(&madt, 0, sizeof madt);
    units.remaps_interrupts = true;
    units.unit_count = 2;
    for (unsigned i = 0; i < 2; i++) {
        units.units[i] = (struct iommu_unit){.kind = IOMMU_VT_D, .paddr = 0xfed90000 + i * 0x1000};
        facts[i] = (struct iommu_facts){.capability = VTD_CAP_LEVELS_4 | 6,
                                        .extended = VTD_ECAP_QUEUE | VTD_ECAP_INTERRUPTS | VTD_ECAP_X2APIC};
    }
    units.scope_count = 3;
    units.scopes[0] = (struct iommu_scope){.unit = 0, .source = SOURCE_SUBTREE, .path = {.bus = 0, .hops = 1, .devfn = {1 << 3}}};
    units.scopes[1] = (struct iommu_scope){.unit = 1, .source = SOURCE_ALL};
    units.scopes[2] = (struct iommu_scope){.unit = 1, .source = SOURCE_IOAPIC, .id = 4, .path = {.bus = 0xf0, .hops = 1, .devfn = {0xf8}}};
    pci.count = 4;
    pci.functions[0] = (struct pci_function){.id = 0, .class = 0x060000};
    pci.functions[1] = (struct pci_function){.id = 8, .class = 0x060400, .bridge = true, .secondary = 1, .subordinate = 2};
    pci.functions[2] = (struct pci_function){.id = 0x100, .class = 0x020000};
    pci.functions[3] = (struct pci_function){.id = 0x300, .class = 0x010802};
    madt.ioapic_count = 1;
    madt.ioapics[0] = (struct acpi_ioapic){.id = 4};
    mcfg.count = 1;
}

static void responsibilities(void **state)
{
    uint16_t id;
    (void)state;
    vtd_machine();
    assert_int_equal(rules_unit_of(&units, &pci, 0, 8), 0);
    assert_int_equal(rules_unit_of(&units, &pci, 0, 0x100), 0);
    assert_int_equal(rules_unit_of(&units, &pci, 0, 0x2ff), 0); /* a virtual function that is not there yet */
    assert_int_equal(rules_unit_of(&units, &pci, 0, 0x300), 1);
    assert_int_equal(rules_unit_of(&units, &pci, 1, 0x300), IOMMU_NO_UNIT);
    assert_true(rules_requester(&units, &pci, rules_ioapic(&units, 4), &id));
    assert_int_equal(id, 0xf0f8);
    assert_null(rules_ioapic(&units, 5));
    units.scopes[0].source = SOURCE_PATH;
    units.scopes[0].path = (struct iommu_path){.bus = 0, .hops = 2, .devfn = {8, 0}};
    assert_int_equal(rules_unit_of(&units, &pci, 0, 0x100), 0);
    assert_int_equal(rules_unit_of(&units, &pci, 0, 8), 1);
    units.scopes[0].path.devfn[0] = 16; /* no such bridge */
    assert_int_equal(rules_unit_of(&units, &pci, 0, 0x100), 1);
}

static void every_rule(void **state)
{
    (void)state;
    vtd_machine();
    assert_true(passes());
    units.unit_count = 0;
    refuses("no IOMMU");
    vtd_machine();
    units.unknown_in = "DMAR", units.unknown_type = 0x4d;
    refuses("DMAR has an entry of unknown type 0x4d");
    vtd_machine();
    units.remaps_interrupts = false;
    refuses("interrupt remapping");
    vtd_machine();
    units.x2apic_opt_out = true;
    refuses("x2APIC");
    vtd_machine();
    mcfg.count = 0;
    refuses("MCFG");
    vtd_machine();
    facts[1].capability = UINT64_MAX;
    refuses("0xfed91000 does not answer");
    vtd_machine();
    facts[0].extended &= ~VTD_ECAP_QUEUE;
    refuses("0xfed90000 has no queued invalidation");
    vtd_machine();
    facts[0].extended &= ~VTD_ECAP_INTERRUPTS;
    refuses("0xfed90000 has no interrupt remapping");
    vtd_machine();
    facts[0].extended &= ~VTD_ECAP_X2APIC;
    refuses("x2APIC destinations");
    vtd_machine();
    facts[0].capability &= ~VTD_CAP_LEVELS_4;
    refuses("48-bit");
    vtd_machine();
    madt.ioapics[0].id = 5;
    refuses("IOAPIC with id 5");
    vtd_machine();
    units.scopes[2].path = (struct iommu_path){.bus = 0, .hops = 2, .devfn = {0x10, 0}};
    refuses("IOAPIC with id 4");
    vtd_machine();
    units.scopes[1].source = SOURCE_HPET;
    refuses("PCI device 03:00.0");
}

static void amd_rules(void **state)
{
    const uint64_t all = AMDVI_FEATURE_X2APIC | AMDVI_FEATURE_WIDE_ENTRIES | AMDVI_FEATURE_INVALIDATE_ALL;
    (void)state;
    vtd_machine();
    units.unit_count = 1;
    units.units[0].kind = IOMMU_AMD_VI;
    facts[0] = (struct iommu_facts){.features = all};
    units.scope_count = 2;
    units.scopes[0] = (struct iommu_scope){.source = SOURCE_RANGE, .first = 8, .last = 0xffff};
    units.scopes[1] = (struct iommu_scope){.source = SOURCE_IOAPIC, .id = 4, .first = 0xa0};
    assert_true(passes());
    units.scopes[0].first = 9;
    refuses("PCI device 00:01.0");
    units.scopes[0].first = 8;
    facts[0].features = all & ~AMDVI_FEATURE_X2APIC;
    refuses("x2APIC destinations");
    facts[0].features = all & ~AMDVI_FEATURE_WIDE_ENTRIES;
    refuses("x2APIC destinations");
    facts[0].features = all & ~AMDVI_FEATURE_INVALIDATE_ALL;
    refuses("by one command");
    facts[0].features = UINT64_MAX;
    refuses("does not answer");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vt_d_tables), cmocka_unit_test(vt_d_lies), cmocka_unit_test(vt_d_too_many),
        cmocka_unit_test(amd_vi_tables), cmocka_unit_test(amd_vi_lies), cmocka_unit_test(acpi_device),
        cmocka_unit_test(random_tables), cmocka_unit_test(responsibilities), cmocka_unit_test(every_rule),
        cmocka_unit_test(amd_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
