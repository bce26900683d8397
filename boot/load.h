/* One node's part of the machine made ready, on that node's own core, so that all nodes do it at the same time. */
#pragma once
#include <stdint.h>
#include "acpi.h"
#include "clock.h"
#include "devices.h"
#include "elf.h"
#include "input.h"
#include "plan.h"

/* All that was found and decided; not changed any more once the first node is loaded. */
struct launch {
    const struct boot_input *input;
    const struct plan *plan;
    const struct elf_image *kernel, *init;
    const uint8_t *kernel_file, *init_file;
    const struct acpi_madt *madt;
    const uint32_t *ioapic_pins; /* per IOAPIC of the MADT */
    const uint32_t *apic_ids;    /* per node */
    struct device_units units;   /* IOMMUs */
    const struct functions *functions; /* PCI functions by name */
    struct clock clock;
    uint64_t rsdp, boot_tsc, phys_limit;
};

/* Where node `n`'s kernel keeps its top page table: the first page of its tables. */
uint64_t load_pml4(const struct plan_node *n);

/* Clear what several nodes share: before the first of them runs. */
void load_shared(const struct launch *launch);

/* Clear the memory of this node, copy kernel, init and modules, write page tables and resource map. */
void load_node(const struct launch *launch, unsigned node);

/* Leave boot for the node's kernel. */
__attribute__((noreturn)) void load_enter(const struct launch *launch, unsigned node);

/* Whether the node's kernel uses the IOMMUs: it owns requester IDs, or the IOAPICs. */
bool load_uses_iommus(const struct launch *launch, unsigned node);

/* map.c: the resource map of a node, written at its planned place. */
void map_write(const struct launch *launch, unsigned node);
