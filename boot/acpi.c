#include "acpi.h"
#include "bytes.h"

#define HEADER_SIZE 36 /* 5.2.6 */
#define TABLE_MAX_SIZE (16u << 20)

static bool checksum_good(const uint8_t *bytes, uint64_t size)
{
    uint8_t sum = 0;
    for (uint64_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    return sum == 0;
}

/* --- root pointer, 5.2.5 --- */

#define RSDP_SIZE_1 20
#define RSDP_SIZE_2 36

static const uint8_t *rsdp_at(const struct memory_view *memory, uint64_t paddr)
{
    const uint8_t *p = view_at(memory, paddr, RSDP_SIZE_1);
    if (!p || memcmp(p, "RSD PTR ", 8) != 0 || !checksum_good(p, RSDP_SIZE_1))
        return NULL;
    if (p[15] < 2)
        return p;
    p = view_at(memory, paddr, RSDP_SIZE_2);
    return p && checksum_good(p, RSDP_SIZE_2) ? p : NULL;
}

static bool search(const struct memory_view *memory, uint64_t start, uint64_t end, uint64_t *rsdp)
{
    for (uint64_t at = start; at < end; at += 16)
        if (rsdp_at(memory, at)) {
            *rsdp = at;
            return true;
        }
    return false;
}

bool acpi_find_rsdp(const struct memory_view *memory, uint64_t *rsdp)
{
    const uint8_t *segment = view_at(memory, 0x40e, 2); /* the extended BIOS data area's segment */
    uint64_t ebda = segment ? (uint64_t)read16(segment) << 4 : 0;
    if (ebda >= 0x80000 && ebda < 0xa0000 && search(memory, ebda, ebda + 1024, rsdp))
        return true;
    return search(memory, 0xe0000, 0x100000, rsdp);
}

/* --- table of tables, 5.2.7 and 5.2.8 --- */

static const uint8_t *table_at(const struct memory_view *memory, uint64_t paddr, uint32_t *size)
{
    const uint8_t *header = view_at(memory, paddr, HEADER_SIZE);
    if (!header)
        return NULL;
    *size = read32(header + 4);
    if (*size < HEADER_SIZE || *size > TABLE_MAX_SIZE || !view_at(memory, paddr, *size))
        return NULL;
    return checksum_good(header, *size) ? header : NULL;
}

const char *acpi_read_tables(const struct memory_view *memory, uint64_t rsdp, struct acpi_tables *tables)
{
    tables->rsdp = rsdp;
    tables->count = tables->damaged = 0;
    const uint8_t *pointer = rsdp_at(memory, rsdp);
    if (!pointer)
        return "the ACPI root pointer is damaged";
    bool extended = pointer[15] >= 2 && read64(pointer + 24) != 0;
    unsigned width = extended ? 8 : 4;
    uint32_t size;
    const uint8_t *root = table_at(memory, extended ? read64(pointer + 24) : read32(pointer + 16), &size);
    if (!root || memcmp(root, extended ? "XSDT" : "RSDT", 4) != 0)
        return "the ACPI root table is damaged";
    for (uint32_t at = HEADER_SIZE; at + width <= size; at += width) {
        uint64_t paddr = extended ? read64(root + at) : read32(root + at);
        struct acpi_table *t = &tables->tables[tables->count];
        if (tables->count == ACPI_MAX_TABLES)
            return "the ACPI root table lists more tables than this program can hold";
        t->bytes = table_at(memory, paddr, &t->size);
        if (!t->bytes) {
            tables->damaged++;
            continue;
        }
        t->paddr = paddr;
        for (unsigned i = 0; i < 4; i++) /* printable, as it goes to the terminal */
            t->signature[i] = t->bytes[i] > ' ' && t->bytes[i] < 0x7f ? (char)t->bytes[i] : '?';
        t->signature[4] = '\0';
        tables->count++;
    }
    return NULL;
}

const struct acpi_table *acpi_table(const struct acpi_tables *tables, const char *signature)
{
    for (unsigned i = 0; i < tables->count; i++)
        if (memcmp(tables->tables[i].signature, signature, 4) == 0)
            return &tables->tables[i];
    return NULL;
}

/* --- MADT, 5.2.12 --- */

#define MADT_ENTRIES 44
#define MADT_LOCAL_APIC 0    /* 5.2.12.2: 3 id, 4 flags */
#define MADT_IOAPIC 1        /* 5.2.12.3: 2 id, 4 address, 8 first GSI */
#define MADT_OVERRIDE 2      /* 5.2.12.5: 2 bus, 3 source, 4 GSI, 8 flags */
#define MADT_LOCAL_X2APIC 9  /* 5.2.12.12: 4 id, 8 flags */
#define MADT_CPU_ENABLED 1u

static void add_core(struct acpi_madt *madt, uint32_t id, uint32_t flags)
{
    if (!(flags & MADT_CPU_ENABLED))
        return;
    for (unsigned i = 0; i < madt->core_count; i++) /* some firmware lists a processor in both forms */
        if (madt->cores[i] == id)
            return;
    if (madt->core_count == ACPI_MAX_CORES)
        madt->cores_ignored++;
    else
        madt->cores[madt->core_count++] = id;
}

const char *acpi_read_madt(const uint8_t *table, uint32_t size, struct acpi_madt *madt)
{
    madt->core_count = madt->cores_ignored = madt->ioapic_count = madt->override_count = 0;
    if (size < MADT_ENTRIES)
        return "the ACPI processor table (MADT) is too short";
    for (uint32_t at = MADT_ENTRIES; at < size;) {
        const uint8_t *e = table + at;
        if (size - at < 2 || e[1] < 2 || e[1] > size - at)
            return "the ACPI processor table (MADT) has an entry of impossible length";
        if (e[0] == MADT_LOCAL_APIC && e[1] >= 8) {
            if (e[3] != 0xff)
                add_core(madt, e[3], read32(e + 4));
        } else if (e[0] == MADT_LOCAL_X2APIC && e[1] >= 16) {
            if (read32(e + 4) != UINT32_MAX)
                add_core(madt, read32(e + 4), read32(e + 8));
        } else if (e[0] == MADT_IOAPIC && e[1] >= 12) {
            if (madt->ioapic_count == ACPI_MAX_IOAPICS)
                return "the ACPI processor table (MADT) lists too many IOAPICs";
            madt->ioapics[madt->ioapic_count++] =
                (struct acpi_ioapic){.id = e[2], .paddr = read32(e + 4), .gsi_base = read32(e + 8)};
        } else if (e[0] == MADT_OVERRIDE && e[1] >= 10) {
            if (madt->override_count == ACPI_MAX_OVERRIDES)
                return "the ACPI processor table (MADT) lists too many interrupt overrides";
            madt->overrides[madt->override_count++] =
                (struct acpi_override){.irq = e[3], .gsi = read32(e + 4), .flags = read16(e + 8)};
        }
        at += e[1];
    }
    return madt->core_count ? NULL : "the ACPI processor table (MADT) lists no enabled processor";
}

/* --- MCFG: PCI Firmware Specification 3.3, section 4.1.2 --- */

#define MCFG_ENTRIES 44
#define MCFG_ENTRY_SIZE 16

const char *acpi_read_mcfg(const uint8_t *table, uint32_t size, struct acpi_mcfg *mcfg)
{
    mcfg->count = 0;
    if (size < MCFG_ENTRIES || (size - MCFG_ENTRIES) % MCFG_ENTRY_SIZE)
        return "the ACPI table of PCI segments (MCFG) has an impossible length";
    for (uint32_t at = MCFG_ENTRIES; at < size; at += MCFG_ENTRY_SIZE) {
        const uint8_t *e = table + at;
        if (mcfg->count == ACPI_MAX_SEGMENTS)
            return "the ACPI table of PCI segments (MCFG) lists too many segments";
        if (e[11] < e[10])
            return "the ACPI table of PCI segments (MCFG) has a reversed bus range";
        mcfg->segments[mcfg->count++] =
            (struct acpi_segment){.base = read64(e), .segment = read16(e + 8), .first_bus = e[10], .last_bus = e[11]};
    }
    return NULL;
}

uint64_t mcfg_page(const struct acpi_mcfg *mcfg, uint16_t segment, uint16_t id)
{
    for (unsigned i = 0; i < mcfg->count; i++) {
        const struct acpi_segment *s = &mcfg->segments[i];
        if (s->segment == segment && id >> 8 >= s->first_bus && id >> 8 <= s->last_bus)
            return s->base + (uint64_t)id * 4096;
    }
    return 0;
}

/* --- timers --- */

/* IA-PC HPET specification 1.0a, section 3.2.4: a generic address (space, width, offset, size, address) at 40 */
uint64_t acpi_read_hpet(const uint8_t *table, uint32_t size)
{
    return size >= 56 && table[40] == 0 ? read64(table + 44) : 0;
}

/* FADT, 5.2.9: PM_TMR_BLK at 76, PM_TMR_LEN at 91 */
uint16_t acpi_read_pm_timer(const uint8_t *table, uint32_t size)
{
    return size >= 92 && table[91] == 4 && read32(table + 76) <= UINT16_MAX ? (uint16_t)read32(table + 76) : 0;
}
