/* From boot's hand-over to the first instruction of init. Reads top to bottom in kernel_main(): check the map, set up the
 * processor, make init's objects, turn the map's entries into capabilities, write the boot information. */
#include <machine.h>
#include "../core.h"
#include "../state.h"
#include "boot_objects.h"
#include "cpu.h"
#include "iommu.h"
#include "ioport.h"
#include "irq.h"
#include "log.h"
#include "paging.h"
#include "resources.h"
#include "trap.h"
#include "vcpu.h"

#define COM1 0x3f8

static paddr_t image_paddr;

/* The kernel's image is linked at KERNEL_IMAGE_VA and lies in one piece. */
static paddr_t paddr_of_image(const void *p) { return image_paddr + ((word_t)p - KERNEL_IMAGE_VA); }

/* Before anything is checked: the kernel must be able to say what is wrong with the map. */
static void log_init(const struct resource_map *m)
{
    if (m->magic != RESOURCE_MAP_MAGIC || m->entry_count > RESOURCE_MAP_MAX_ENTRIES)
        return log_to_uart(COM1);
    const struct resource_entry *uart = NULL, *log = NULL;
    for (unsigned i = 0; i < m->entry_count; i++) {
        uart = m->entries[i].kind == RESOURCE_UART ? &m->entries[i] : uart;
        log = m->entries[i].kind == RESOURCE_LOG ? &m->entries[i] : log;
    }
    if (uart)
        log_to_uart((uint16_t)uart->arg0);
    if (log && log->size > BIT(SEL4_PAGE_BITS) && log->arg1 <= 0xff)
        log_to_queue(log->size - BIT(SEL4_PAGE_BITS), (uint32_t)log->arg0, log->arg1);
}

static void check_map(const struct resource_map *m)
{
    int entry;
    const char *wrong = resource_map_check(m, &entry);
    if (wrong && entry >= 0)
        panic("resource map refused: entry %d (%s): %s", entry, m->entries[entry].name, wrong);
    if (wrong)
        panic("resource map refused: %s", wrong);
}

/* Entries that become no capability but settle what may be handed out later. */
static void apply_entries(const struct resource_map *m)
{
    word_t ioapics = 0;
    for (unsigned i = 0; i < m->entry_count; i++) {
        const struct resource_entry *e = &m->entries[i];
        if (e->kind == RESOURCE_IOPORT && !ioport_allow(e->arg0, e->arg1))
            panic("resource map refused: entry %u (%s): too many I/O port ranges", i, e->name);
        if (e->kind == RESOURCE_VECTORS && !irq_allow(e->arg0, e->arg1))
            panic("resource map refused: entry %u (%s): vectors outside 0x30..0x9b", i, e->name);
        if (e->kind == RESOURCE_IOMMU && !iommu_add(m, i, (char *)KERNEL_IOMMU_VA))
            panic("resource map refused: entry %u (%s): an IOMMU without its tables, or one too many", i, e->name);
        if (e->kind == RESOURCE_IOMMU)
            irq_allow(IOMMU_FAULT_VECTOR, IOMMU_FAULT_VECTOR);
        if (e->kind == RESOURCE_IOAPIC &&
            !ioapic_add((volatile uint32_t *)(KERNEL_IOAPIC_VA + BIT(SEL4_PAGE_BITS) * ioapics++), e->arg1, m->apic_id, e->flags))
            panic("resource map refused: entry %u (%s): too many IOAPICs, or an APIC id above 255", i, e->name);
    }
}

static void state_init(const struct resource_map *m)
{
    kernel.window = (char *)KERNEL_WINDOW_VA;
    kernel.window_size = m->window_size;
    kernel.window_paddr = m->window_paddr;
    kernel.ticks_per_us = m->tsc_hz / 1000000;
    kernel.min_budget = kernel.ticks_per_us * SEL4_MIN_BUDGET_US;
    image_paddr = m->image_paddr;
    resources_remember(m);
    vspace_init(m->kernel_pml4_paddr, m->pml4_window_entry, m->pml4_image_entry);
}

void kernel_main(const void *map, ticks_t start)
{
    const struct resource_map *m = map;
    log_init(m);
    check_map(m);
    state_init(m);
    cpu_init();
    lapic_init(m->tsc_hz, m->apic_timer_hz);
    apply_entries(m);
    bool guests = guest_hardware_init(paddr_of_image);
    scheduler_init();
    init_create(m, start);
    log_printf("kernel ready %lu us after boot's first instruction, %lu KiB of private memory%s\n",
               (unsigned long)((start - m->boot_tsc) / kernel.ticks_per_us), (unsigned long)(m->private_size >> 10),
               guests ? "" : ", no hardware virtualisation");
    tcb_make_runnable_first(init_thread());
}
