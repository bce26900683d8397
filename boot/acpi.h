/* ACPI tables, read through a memory_view: bounded, checked, nothing executed. Compiles for the host.
 * Section numbers: ACPI Specification 6.5 unless another document is named. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "ranges.h"
#include "view.h"

#define ACPI_MAX_TABLES 64
#define ACPI_MAX_CORES 1024
#define ACPI_MAX_IOAPICS 8
#define ACPI_MAX_OVERRIDES 32
#define ACPI_MAX_SEGMENTS 16

struct acpi_table {
    char signature[5];
    uint64_t paddr;
    const uint8_t *bytes; /* the whole table, checksum verified */
    uint32_t size;
};

struct acpi_tables {
    uint64_t rsdp;
    unsigned count;
    struct acpi_table tables[ACPI_MAX_TABLES];
    unsigned damaged; /* tables that were left out: outside memory, lying length, bad checksum */
};

struct acpi_ioapic { uint32_t id, gsi_base; uint64_t paddr; };
struct acpi_override { uint8_t irq; uint32_t gsi; uint16_t flags; };

struct acpi_madt {
    unsigned core_count;
    uint32_t cores[ACPI_MAX_CORES]; /* x2APIC ids of the enabled processors, in the table's order, each once */
    unsigned cores_ignored;         /* beyond ACPI_MAX_CORES */
    unsigned ioapic_count;
    struct acpi_ioapic ioapics[ACPI_MAX_IOAPICS];
    unsigned override_count;
    struct acpi_override overrides[ACPI_MAX_OVERRIDES];
};

struct acpi_segment { uint64_t base; uint16_t segment; uint8_t first_bus, last_bus; };
struct acpi_mcfg {
    unsigned count;
    struct acpi_segment segments[ACPI_MAX_SEGMENTS];
};

/* Where the root pointer is: searched for in the BIOS areas (5.2.5.1). False: not there. */
bool acpi_find_rsdp(const struct memory_view *memory, uint64_t *rsdp);

/* The readers return NULL or a sentence. */
const char *acpi_read_tables(const struct memory_view *memory, uint64_t rsdp, struct acpi_tables *tables);
const struct acpi_table *acpi_table(const struct acpi_tables *tables, const char *signature); /* NULL: none */
const char *acpi_read_madt(const uint8_t *table, uint32_t size, struct acpi_madt *madt);
const char *acpi_read_mcfg(const uint8_t *table, uint32_t size, struct acpi_mcfg *mcfg);
/* A function's page of configuration space (PCI Express 7.2.2); 0: no segment has its bus. */
uint64_t mcfg_page(const struct acpi_mcfg *, uint16_t segment, uint16_t id);
/* 0: none that is usable. */
uint64_t acpi_read_hpet(const uint8_t *table, uint32_t size); /* physical address of its registers */
uint16_t acpi_read_pm_timer(const uint8_t *table, uint32_t size); /* its I/O port, from the FADT */
