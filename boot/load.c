#include <atoll/channel.h>
#include <atoll/iommu.h>
#include "bytes.h"
#include "channels.h"
#include "load.h"
#include "machine.h"
#include "tables.h"

#define PAGE 4096ull

extern uint64_t boot_pml4[512];
void memory_zero(uint64_t paddr, uint64_t bytes); /* zero.S */

uint64_t load_pml4(const struct plan_node *n)
{
    return n->tables.start;
}

static uint64_t handover_pml4(const struct plan_node *n)
{
    return n->tables.start + PAGE;
}

static void copy_module(const struct launch *l, unsigned request)
{
    const struct range *to = &l->plan->memory[request];
    const struct module *m = &l->input->modules[l->plan->module[request]];
    uint64_t whole = m->size & ~(PAGE - 1);
    memcpy((void *)to->start, (const void *)m->paddr, whole);
    if (to->end - to->start > whole)
        memory_zero(to->start + whole, to->end - to->start - whole);
    memcpy((void *)(to->start + whole), (const void *)(m->paddr + whole), m->size - whole);
}

static void map_image(struct table_stock *stock, uint64_t pml4, const struct elf_image *kernel, uint64_t image)
{
    for (unsigned i = 0; i < kernel->count; i++) {
        const struct elf_segment *s = &kernel->segments[i];
        uint64_t flags = s->flags & ELF_EXECUTE ? PAGE_TEXT : s->flags & ELF_WRITE ? PAGE_READ_WRITE : PAGE_READ_ONLY;
        table_map(stock, pml4, s->vaddr, image + (s->vaddr - kernel->lowest), (s->size + PAGE - 1) & ~(PAGE - 1), flags);
    }
}

static bool needs_iommu(uint32_t kind) { return kind == RESOURCE_REQUESTERS || kind == SYSTEM_FUNCTION || kind == SYSTEM_VF; }

bool load_uses_iommus(const struct launch *l, unsigned node)
{
    bool uses = node == 0;
    for (unsigned i = 0; i < l->plan->system->request_count; i++)
        uses |= needs_iommu(l->plan->system->requests[i].kind) &&
                (l->plan->system->requests[i].node == node || channels_carry(l->plan->system, i, node));
    return uses && l->units.count != 0;
}

/* Of a unit's block: what this node may write, <atoll/iommu.h>. */
static void map_unit(struct table_stock *stock, uint64_t pml4, const struct device_unit *u, uint64_t va, unsigned node,
                     unsigned nodes)
{
    uint64_t block = va + KERNEL_IOMMU_BLOCK, own_page = IOMMU_INTERRUPTS + node * PAGE;
    table_map(stock, pml4, va, u->paddr, u->register_bytes, PAGE_UNCACHED);
    table_map(stock, pml4, block + IOMMU_DEVICES, u->block + IOMMU_DEVICES,
              u->kind == IOMMU_KIND_VTD ? IOMMU_CONTEXTS_SIZE : IOMMU_DEVICES_SIZE, PAGE_READ_WRITE);
    table_map(stock, pml4, block + IOMMU_QUEUE, u->block + IOMMU_QUEUE, IOMMU_QUEUE_SIZE, PAGE_READ_WRITE);
    table_map(stock, pml4, block + IOMMU_STATUS, u->block + IOMMU_STATUS, IOMMU_STATUS_SIZE, PAGE_READ_WRITE);
    if (node == 0)
        table_map(stock, pml4, block + IOMMU_EVENTS, u->block + IOMMU_EVENTS, PAGE, PAGE_READ_WRITE);
    table_map(stock, pml4, block + IOMMU_OWNERS, u->block + IOMMU_OWNERS, IOMMU_OWNERS_SIZE, PAGE_READ_WRITE);
    table_map(stock, pml4, block + own_page, u->block + own_page, PAGE, PAGE_READ_WRITE);
    uint64_t faults = iommu_faults(nodes) + (node == 0 ? 0 : node * PAGE);
    table_map(stock, pml4, block + faults, u->block + faults, node == 0 ? nodes * PAGE : PAGE, PAGE_READ_WRITE);
}

/* The kernel's own tables: image, map, window, log, channels, IOAPICs, IOMMUs; nothing else. */
static void write_tables(const struct launch *l, unsigned node)
{
    const struct plan_node *n = &l->plan->nodes[node];
    const struct system_header *system = l->plan->system;
    struct table_stock stock = {n->tables.start, n->tables.end};
    uint64_t pml4 = table_new(&stock), handover = table_new(&stock), log_end = KERNEL_LOG_VA;

    map_image(&stock, pml4, l->kernel, n->image);
    table_map(&stock, pml4, KERNEL_MAP_VA, n->map, RESOURCE_MAP_MAX_BYTES, PAGE_READ_ONLY);
    table_map(&stock, pml4, KERNEL_WINDOW_VA, n->window.start, n->window.end - n->window.start, PAGE_READ_WRITE);
    for (unsigned kind = RESOURCE_LOG; kind <= RESOURCE_LOG_TAIL; kind++)
        for (unsigned i = 0; i < system->request_count; i++)
            if (system->requests[i].node == node && system->requests[i].kind == kind) {
                const struct range *log = &l->plan->memory[i];
                table_map(&stock, pml4, log_end, log->start, log->end - log->start,
                          kind == RESOURCE_LOG ? PAGE_READ_WRITE : PAGE_READ_ONLY);
                log_end += log->end - log->start;
            }
    uint64_t channel = KERNEL_CHANNEL_VA;
    for (unsigned i = 0; i < system->request_count; i++)
        if (system->requests[i].node == node && system->requests[i].kind == RESOURCE_CHANNEL) {
            bool sends = system->requests[i].arg0;
            uint64_t paddr = l->plan->memory[i].start;
            table_map(&stock, pml4, channel, paddr, CHANNEL_PAGE, sends ? PAGE_READ_WRITE : PAGE_READ_ONLY);
            table_map(&stock, pml4, channel + CHANNEL_PAGE, paddr + CHANNEL_PAGE, CHANNEL_PAGE, sends ? PAGE_READ_ONLY : PAGE_READ_WRITE);
            channel += CHANNEL_BYTES;
        }
    for (unsigned i = 0; node == 0 && i < l->madt->ioapic_count; i++)
        table_map(&stock, pml4, KERNEL_IOAPIC_VA + i * PAGE, l->madt->ioapics[i].paddr, PAGE, PAGE_UNCACHED);
    for (unsigned i = 0; i < l->units.count && load_uses_iommus(l, node); i++)
        map_unit(&stock, pml4, &l->units.units[i], KERNEL_IOMMU_VA + i * KERNEL_IOMMU_STRIDE, node, system->node_count);

    /* For the jump: boot's identity map and this kernel's image side by side. */
    memcpy((void *)handover, boot_pml4, PAGE / 2);
    ((uint64_t *)handover)[KERNEL_IMAGE_VA >> 39 & 511] = ((uint64_t *)pml4)[KERNEL_IMAGE_VA >> 39 & 511];
}

/* Twice for what two nodes hold: nobody uses it yet. */
void load_shared(const struct launch *l)
{
    for (unsigned i = 0; i < l->plan->system->request_count; i++) {
        uint32_t kind = l->plan->system->requests[i].kind;
        if (kind == RESOURCE_SHARED || kind == RESOURCE_LOG || kind == RESOURCE_LOG_TAIL || kind == RESOURCE_CHANNEL)
            memory_zero(l->plan->memory[i].start, l->plan->memory[i].end - l->plan->memory[i].start);
    }
}

void load_node(const struct launch *l, unsigned node)
{
    const struct plan_node *n = &l->plan->nodes[node];
    memory_zero(n->private.start, n->stack - n->private.start); /* not the stack that we stand on */
    memory_zero(n->stack + PLAN_STACK_SIZE, n->private.end - (n->stack + PLAN_STACK_SIZE));
    elf_copy(l->kernel_file, l->kernel, (uint8_t *)n->image);
    elf_copy(l->init_file, l->init, (uint8_t *)n->window.start);
    for (unsigned i = 0; i < l->plan->system->request_count; i++) {
        const struct system_request *r = &l->plan->system->requests[i];
        if (r->node != node)
            continue;
        if (r->kind == RESOURCE_MEMORY && plan_is_first(l->plan, i)) /* else the first holder's core does: whoever starts the VM */
            memory_zero(l->plan->memory[i].start, l->plan->memory[i].end - l->plan->memory[i].start);
        else if (r->kind == RESOURCE_MODULE)
            copy_module(l, i);
    }
    for (unsigned i = 0; node == 0 && i < l->plan->rest_count; i++)
        if (l->plan->rest[i].ram)
            memory_zero(l->plan->rest[i].range.start, l->plan->rest[i].range.end - l->plan->rest[i].range.start);
    write_tables(l, node);
    map_write(l, node);
}

void load_enter(const struct launch *l, unsigned node)
{
    const struct plan_node *n = &l->plan->nodes[node];
    cr3_write(handover_pml4(n));
    __asm__ volatile("jmp *%0" : : "r"(l->kernel->entry), "D"(KERNEL_MAP_VA), "S"(load_pml4(n)) : "memory");
    __builtin_unreachable();
}
