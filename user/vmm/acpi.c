#include "acpi.h"
#include "ioapic.h"
#include "lib.h"
#include "pci.h"
#include "pm.h"
static const
#include "dsdt.hex" /* dsdt_aml_code, made by iasl */
static const
#include "button.hex" /* button_aml_code */

#define PACKED __attribute__((packed))

struct table { /* ACPI 6.4, 5.2.6 */
    char signature[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem_id[6], oem_table_id[8];
    uint32_t oem_revision;
    char creator_id[4];
    uint32_t creator_revision;
} PACKED;

struct address { /* generic address structure, 5.2.3.2 */
    uint8_t space, width, offset, access;
    uint64_t address;
} PACKED;
#define SPACE_IO 1

struct rsdp { /* 5.2.5.3 */
    char signature[8];
    uint8_t checksum;
    char oem_id[6];
    uint8_t revision;
    uint32_t rsdt, length;
    uint64_t xsdt;
    uint8_t extended_checksum, reserved[3];
} PACKED;

#define ROOT_ENTRIES_MAX 4
struct xsdt {
    struct table header;
    uint64_t entries[ROOT_ENTRIES_MAX];
} PACKED;
struct rsdt {
    struct table header;
    uint32_t entries[ROOT_ENTRIES_MAX];
} PACKED;

struct facs { /* 5.2.10 */
    char signature[4];
    uint32_t length, hardware_signature, waking_vector, global_lock, flags;
    uint64_t x_waking_vector;
    uint8_t version, reserved[31];
} PACKED;
_Static_assert(sizeof(struct facs) == 64, "ACPI 6.4, table 5.13");

struct fadt { /* 5.2.9; members without a name here are zero, and on hardware-reduced systems those of the fixed hardware, too */
    struct table header;
    uint32_t facs, dsdt;
    uint8_t reserved0, profile;
    uint16_t sci;
    uint8_t unused0[8];
    uint32_t pm1a_event, pm1b_event, pm1a_control, pm1b_control, pm2_control, pm_timer, gpe0, gpe1;
    uint8_t pm1_event_bytes, pm1_control_bytes, pm2_control_bytes, pm_timer_bytes;
    uint8_t unused2[4];
    uint16_t c2_latency, c3_latency;
    uint8_t unused3[9];
    uint16_t boot_flags;
    uint8_t reserved1;
    uint32_t flags;
    struct address reset_register;
    uint8_t reset_value;
    uint16_t arm_flags;
    uint8_t minor_revision;
    uint64_t x_facs, x_dsdt;
    struct address x_pm1a_event, x_pm1b_event, x_pm1a_control, x_pm1b_control, x_pm2_control, x_pm_timer, unused1[2], sleep_control,
        sleep_status;
    uint64_t hypervisor;
} PACKED;
_Static_assert(sizeof(struct fadt) == 276, "ACPI 6.4, table 5.9");
_Static_assert(__builtin_offsetof(struct fadt, boot_flags) == 109, "ACPI 6.4, table 5.9");
_Static_assert(__builtin_offsetof(struct fadt, x_pm_timer) == 208, "ACPI 6.4, table 5.9");
#define FADT_BOOT_NO_VGA 0x4u
#define FADT_BOOT_NO_RTC 0x20u
#define FADT_WBINVD 0x1u
#define FADT_FIXED_POWER_BUTTON_ABSENT 0x10u
#define FADT_FIXED_SLEEP_BUTTON_ABSENT 0x20u
#define FADT_RESET_REGISTER 0x400u
#define FADT_HEADLESS 0x1000u
#define FADT_HARDWARE_REDUCED 0x100000u
#define PROFILE_ENTERPRISE_SERVER 4
#define NO_C2 101 /* latencies that say: there is no such state */
#define NO_C3 1001

struct madt { /* 5.2.12 */
    struct table header;
    uint32_t lapic_address, flags;
    struct {
        uint8_t type, length, id, reserved;
        uint32_t address, first_interrupt;
    } PACKED ioapic;
    struct {
        uint8_t type, length, acpi_id;
        uint16_t flags;
        uint8_t lint;
    } PACKED nmi;
    struct {
        uint8_t type, length, bus, source;
        uint32_t interrupt;
        uint16_t flags;
    } PACKED sci; /* of fixed hardware */
    struct {
        uint8_t type, length, acpi_id, apic_id;
        uint32_t flags;
    } PACKED cpus[VM_MAX_VCPUS];
} PACKED;

struct mcfg { /* PCI Firmware Specification 3.2, 4.1.2 */
    struct table header;
    uint64_t reserved, base;
    uint16_t segment;
    uint8_t first_bus, last_bus;
    uint32_t reserved1;
} PACKED;

#define MADT_LEVEL_HIGH 0xdu

static uint8_t checksum(const void *bytes, size_t n)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += ((const uint8_t *)bytes)[i];
    return (uint8_t)-sum;
}

static void header(struct table *t, const char *signature, uint32_t length, uint8_t revision)
{
    *t = (struct table){.length = length, .revision = revision, .oem_revision = 1, .creator_revision = 1};
    memcpy(t->signature, signature, sizeof t->signature);
    memcpy(t->oem_id, "ATOLL ", sizeof t->oem_id);
    memcpy(t->oem_table_id, "ATOLLVM ", sizeof t->oem_table_id);
    memcpy(t->creator_id, "ATOL", sizeof t->creator_id);
}

/* Append a table; returns its address and moves on. */
static uint64_t append(const struct guest_memory *m, uint64_t *at, struct table *t)
{
    uint64_t here = *at;

    t->checksum = 0;
    t->checksum = checksum(t, t->length);
    memcpy(guest_memory_at(m, here, t->length), t, t->length);
    *at = (here + t->length + 15) & ~15ull;
    return here;
}

static uint64_t append_bytes(const struct guest_memory *m, uint64_t *at, const void *bytes, uint32_t length)
{
    uint64_t here = *at;

    memcpy(guest_memory_at(m, here, length), bytes, length);
    *at = (here + length + 15) & ~15ull;
    return here;
}

/* ACPI 6.4, 4.8: what PM1, the PM timer and the SCI are. No GPE block, no C2 or C3, no legacy mode to leave (SMI_CMD 0). */
static void fadt_fixed_hardware(struct fadt *f, uint64_t facs)
{
    f->facs = (uint32_t)facs;
    f->x_facs = facs;
    f->sci = PM_SCI;
    f->pm1a_event = PM_EVENT;
    f->pm1_event_bytes = PM_EVENT_BYTES;
    f->pm1a_control = PM_CONTROL;
    f->pm1_control_bytes = PM_CONTROL_BYTES;
    f->pm_timer = PM_TIMER;
    f->pm_timer_bytes = PM_TIMER_BYTES;
    f->x_pm1a_event = (struct address){SPACE_IO, 8 * PM_EVENT_BYTES, 0, 2, PM_EVENT};
    f->x_pm1a_control = (struct address){SPACE_IO, 8 * PM_CONTROL_BYTES, 0, 2, PM_CONTROL};
    f->x_pm_timer = (struct address){SPACE_IO, 8 * PM_TIMER_BYTES, 0, 3, PM_TIMER};
    f->c2_latency = NO_C2;
    f->c3_latency = NO_C3;
    f->boot_flags = FADT_BOOT_NO_VGA;
    f->flags = FADT_WBINVD | FADT_FIXED_SLEEP_BUTTON_ABSENT | FADT_RESET_REGISTER | FADT_HEADLESS;
}

static void fadt_fill(struct fadt *f, uint64_t dsdt)
{
    memset(f, 0, sizeof *f);
    header(&f->header, "FACP", sizeof *f, 6);
    f->minor_revision = 4;
    f->x_dsdt = dsdt;
    f->dsdt = (uint32_t)dsdt;
    f->profile = PROFILE_ENTERPRISE_SERVER;
    f->boot_flags = FADT_BOOT_NO_VGA | FADT_BOOT_NO_RTC;
    f->flags = FADT_WBINVD | FADT_FIXED_POWER_BUTTON_ABSENT | FADT_FIXED_SLEEP_BUTTON_ABSENT | FADT_RESET_REGISTER | FADT_HEADLESS |
               FADT_HARDWARE_REDUCED;
    f->reset_register = (struct address){SPACE_IO, 8, 0, 1, 0xcf9};
    f->reset_value = 0x06;
    f->sleep_control = (struct address){SPACE_IO, 8, 0, 1, PM_SLEEP_CONTROL};
    f->sleep_status = (struct address){SPACE_IO, 8, 0, 1, PM_SLEEP_STATUS};
}

/* The CPUs come last, so that the table ends behind those that there are. Without fixed hardware there is no SCI: its entry says nothing that
 * is not so already. */
static void madt_fill(struct madt *t, unsigned cpus, bool fixed_hardware)
{
    memset(t, 0, sizeof *t);
    header(&t->header, "APIC", (uint32_t)(sizeof *t - (VM_MAX_VCPUS - cpus) * sizeof t->cpus[0]), 5);
    t->lapic_address = (uint32_t)LAPIC_MMIO;
    for (unsigned i = 0; i < cpus; i++) {
        t->cpus[i].length = sizeof t->cpus[i];
        t->cpus[i].acpi_id = t->cpus[i].apic_id = (uint8_t)i;
        t->cpus[i].flags = 1; /* enabled */
    }
    t->ioapic.type = 1;
    t->ioapic.length = sizeof t->ioapic;
    t->ioapic.address = (uint32_t)IOAPIC_MMIO;
    t->nmi.type = 4;
    t->nmi.length = sizeof t->nmi;
    t->nmi.acpi_id = 0xff; /* all CPUs */
    t->nmi.lint = 1;
    t->sci.type = 2; /* interrupt source override */
    t->sci.length = sizeof t->sci;
    t->sci.source = PM_SCI;
    t->sci.interrupt = PM_SCI;
    t->sci.flags = fixed_hardware ? MADT_LEVEL_HIGH : 0; /* 0: as the bus has it */
}

void acpi_write(const struct guest_memory *m, unsigned cpus, bool fixed_hardware)
{
    uint64_t at = ACPI_TABLES + 64, dsdt, entries[ROOT_ENTRIES_MAX];
    struct rsdp rsdp = {.revision = 2, .length = sizeof rsdp};
    struct facs facs = {.signature = {'F', 'A', 'C', 'S'}, .length = sizeof facs, .version = 2};
    uint32_t n = 0;
    struct rsdt rsdt;
    struct xsdt xsdt;
    struct fadt fadt;
    struct madt madt;
    struct mcfg mcfg;

    dsdt = append_bytes(m, &at, dsdt_aml_code, sizeof dsdt_aml_code);
    fadt_fill(&fadt, dsdt);
    if (fixed_hardware) {
        at = (at + 63) & ~63ull; /* 5.2.10 */
        fadt_fixed_hardware(&fadt, append_bytes(m, &at, &facs, sizeof facs));
    }
    madt_fill(&madt, cpus, fixed_hardware);
    memset(&mcfg, 0, sizeof mcfg);
    header(&mcfg.header, "MCFG", sizeof mcfg, 1);
    mcfg.base = PCI_ECAM; /* of bus 0, the only one */

    entries[n++] = append(m, &at, &fadt.header);
    entries[n++] = append(m, &at, &madt.header);
    entries[n++] = append(m, &at, &mcfg.header);
    if (!fixed_hardware)
        entries[n++] = append_bytes(m, &at, button_aml_code, sizeof button_aml_code);

    header(&xsdt.header, "XSDT", (uint32_t)(sizeof xsdt.header + n * sizeof xsdt.entries[0]), 1);
    header(&rsdt.header, "RSDT", (uint32_t)(sizeof rsdt.header + n * sizeof rsdt.entries[0]), 1);
    for (uint32_t i = 0; i < n; i++) {
        xsdt.entries[i] = entries[i];
        rsdt.entries[i] = (uint32_t)entries[i];
    }
    rsdp.xsdt = append(m, &at, &xsdt.header);
    rsdp.rsdt = (uint32_t)append(m, &at, &rsdt.header);

    memcpy(rsdp.signature, "RSD PTR ", sizeof rsdp.signature);
    memcpy(rsdp.oem_id, "ATOLL ", sizeof rsdp.oem_id);
    rsdp.checksum = checksum(&rsdp, 20);
    rsdp.extended_checksum = checksum(&rsdp, sizeof rsdp);
    memcpy(guest_memory_at(m, ACPI_TABLES, sizeof rsdp), &rsdp, sizeof rsdp);
}
