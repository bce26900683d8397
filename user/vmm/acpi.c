#include "acpi.h"
#include "ioapic.h"
#include "lib.h"
#include "pci.h"
static const
#include "dsdt.hex" /* dsdt_aml_code, made by iasl */

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

struct xsdt {
    struct table header;
    uint64_t entries[3];
} PACKED;

struct fadt { /* 5.2.9; members without a name here are zero on hardware-reduced systems */
    struct table header;
    uint32_t facs, dsdt;
    uint8_t reserved0, profile;
    uint8_t unused0[63];
    uint16_t boot_flags;
    uint8_t reserved1;
    uint32_t flags;
    struct address reset_register;
    uint8_t reset_value;
    uint16_t arm_flags;
    uint8_t minor_revision;
    uint64_t x_facs, x_dsdt;
    struct address unused1[8], sleep_control, sleep_status;
    uint64_t hypervisor;
} PACKED;
_Static_assert(sizeof(struct fadt) == 276, "ACPI 6.4, table 5.9");
_Static_assert(__builtin_offsetof(struct fadt, boot_flags) == 109, "ACPI 6.4, table 5.9");
#define FADT_BOOT_NO_VGA 0x4u
#define FADT_BOOT_NO_RTC 0x20u
#define FADT_WBINVD 0x1u
#define FADT_FIXED_POWER_BUTTON_ABSENT 0x10u
#define FADT_FIXED_SLEEP_BUTTON_ABSENT 0x20u
#define FADT_RESET_REGISTER 0x400u
#define FADT_HEADLESS 0x1000u
#define FADT_HARDWARE_REDUCED 0x100000u
#define PROFILE_ENTERPRISE_SERVER 4

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

#define SLEEP_ENABLE 0x20u
#define SLEEP_TYPE_S5 5u /* as in dsdt.dsl */
bool acpi_sleep_is_power_off(uint8_t value) { return value == (SLEEP_ENABLE | SLEEP_TYPE_S5 << 2); }

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

void acpi_write(const struct guest_memory *m, unsigned cpus)
{
    uint64_t at = ACPI_TABLES + 64, dsdt, xsdt_address;
    struct rsdp rsdp = {.revision = 2, .length = sizeof rsdp};
    struct xsdt xsdt;
    struct fadt fadt;
    struct madt madt;
    struct mcfg mcfg;

    dsdt = at;
    memcpy(guest_memory_at(m, at, sizeof dsdt_aml_code), dsdt_aml_code, sizeof dsdt_aml_code);
    at = (at + sizeof dsdt_aml_code + 15) & ~15ull;

    memset(&fadt, 0, sizeof fadt);
    header(&fadt.header, "FACP", sizeof fadt, 6);
    fadt.minor_revision = 4;
    fadt.x_dsdt = dsdt;
    fadt.dsdt = (uint32_t)dsdt;
    fadt.profile = PROFILE_ENTERPRISE_SERVER;
    fadt.boot_flags = FADT_BOOT_NO_VGA | FADT_BOOT_NO_RTC;
    fadt.flags = FADT_WBINVD | FADT_FIXED_POWER_BUTTON_ABSENT | FADT_FIXED_SLEEP_BUTTON_ABSENT | FADT_RESET_REGISTER |
                 FADT_HEADLESS | FADT_HARDWARE_REDUCED;
    fadt.reset_register = (struct address){SPACE_IO, 8, 0, 1, 0xcf9};
    fadt.reset_value = 0x06;
    fadt.sleep_control = (struct address){SPACE_IO, 8, 0, 1, ACPI_SLEEP_CONTROL};
    fadt.sleep_status = (struct address){SPACE_IO, 8, 0, 1, ACPI_SLEEP_STATUS};

    memset(&madt, 0, sizeof madt);
    header(&madt.header, "APIC", (uint32_t)(sizeof madt - (VM_MAX_VCPUS - cpus) * sizeof madt.cpus[0]), 5);
    madt.lapic_address = (uint32_t)LAPIC_MMIO;
    for (unsigned i = 0; i < cpus; i++) {
        madt.cpus[i].length = sizeof madt.cpus[i];
        madt.cpus[i].acpi_id = madt.cpus[i].apic_id = (uint8_t)i;
        madt.cpus[i].flags = 1; /* enabled */
    }
    madt.ioapic.type = 1;
    madt.ioapic.length = sizeof madt.ioapic;
    madt.ioapic.address = (uint32_t)IOAPIC_MMIO;
    madt.nmi.type = 4;
    madt.nmi.length = sizeof madt.nmi;
    madt.nmi.acpi_id = 0xff; /* all CPUs */
    madt.nmi.lint = 1;

    memset(&mcfg, 0, sizeof mcfg);
    header(&mcfg.header, "MCFG", sizeof mcfg, 1);
    mcfg.base = PCI_ECAM; /* of bus 0, the only one */

    header(&xsdt.header, "XSDT", sizeof xsdt, 1);
    xsdt.entries[0] = append(m, &at, &fadt.header);
    xsdt.entries[1] = append(m, &at, &madt.header);
    xsdt.entries[2] = append(m, &at, &mcfg.header);
    xsdt_address = append(m, &at, &xsdt.header);

    memcpy(rsdp.signature, "RSD PTR ", sizeof rsdp.signature);
    memcpy(rsdp.oem_id, "ATOLL ", sizeof rsdp.oem_id);
    rsdp.xsdt = xsdt_address;
    rsdp.checksum = checksum(&rsdp, 20);
    rsdp.extended_checksum = checksum(&rsdp, sizeof rsdp);
    memcpy(guest_memory_at(m, ACPI_TABLES, sizeof rsdp), &rsdp, sizeof rsdp);
}
