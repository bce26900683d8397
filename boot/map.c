#include "bytes.h"
#include "load.h"
#include "text.h"

#define PAGE 4096ull

static struct resource_entry *add(struct resource_map *map, uint32_t kind, struct range memory, const char *name)
{
    struct resource_entry *e = &map->entries[map->entry_count++];
    e->kind = kind;
    e->paddr = memory.start;
    e->size = memory.end - memory.start;
    text_format(e->name, sizeof e->name, "%s", name);
    return e;
}

static void add_request(const struct launch *l, unsigned i, struct resource_map *map)
{
    const struct system_request *r = &l->plan->system->requests[i];
    struct resource_entry *e = add(map, r->kind, l->plan->memory[i], r->name);
    e->arg0 = r->arg0;
    e->arg1 = r->arg1;
    if (r->kind == RESOURCE_IPI || r->kind == RESOURCE_LOG) /* a node's number becomes its core's id */
        e->arg0 = l->apic_ids[r->arg0];
    if (r->kind == RESOURCE_MODULE)
        e->size = l->input->modules[l->plan->module[i]].size;
}

static void add_control_node(const struct launch *l, struct resource_map *map)
{
    char name[RESOURCE_NAME_MAX];
    for (unsigned i = 0; i < l->madt->ioapic_count; i++) {
        text_format(name, sizeof name, "ioapic.%u", i);
        uint64_t paddr = l->madt->ioapics[i].paddr;
        struct resource_entry *e = add(map, RESOURCE_IOAPIC, (struct range){paddr, paddr + PAGE}, name);
        e->arg0 = l->madt->ioapics[i].gsi_base;
        e->arg1 = l->ioapic_pins[i];
    }
    for (unsigned i = 0; i < l->plan->rest_count; i++) {
        const struct plan_rest *rest = &l->plan->rest[i];
        text_format(name, sizeof name, rest->ram ? "rest.ram.%u" : "rest.device.%u", i);
        add(map, rest->ram ? RESOURCE_MEMORY : RESOURCE_DEVICE, rest->range, name);
    }
}

void map_write(const struct launch *l, unsigned node)
{
    const struct plan_node *n = &l->plan->nodes[node];
    const struct system_header *system = l->plan->system;
    struct resource_map *map = (struct resource_map *)n->map;
    *map = (struct resource_map){
        .magic = RESOURCE_MAP_MAGIC,
        .version = RESOURCE_MAP_VERSION,
        .node = node,
        .node_count = system->node_count,
        .apic_id = l->apic_ids[node],
        .tsc_hz = l->clock.tsc_hz,
        .apic_timer_hz = l->clock.apic_timer_hz,
        .private_paddr = n->private.start,
        .private_size = n->private.end - n->private.start,
        .window_paddr = n->window.start,
        .window_size = n->window.end - n->window.start,
        .image_paddr = n->image,
        .image_size = l->kernel->highest - l->kernel->lowest,
        .kernel_pml4_paddr = load_pml4(n),
        .pml4_window_entry = ((const uint64_t *)load_pml4(n))[KERNEL_WINDOW_VA >> 39 & 511],
        .pml4_image_entry = ((const uint64_t *)load_pml4(n))[KERNEL_IMAGE_VA >> 39 & 511],
        .rsdp_paddr = l->rsdp,
        .boot_tsc = l->boot_tsc,
        .phys_limit = l->phys_limit,
    };
    uint64_t init_end = n->window.start + (l->init->highest - l->init->lowest);
    struct resource_entry *init = add(map, RESOURCE_ROOT_IMAGE, (struct range){n->window.start, init_end}, "init");
    init->arg0 = l->init->lowest;
    init->arg1 = l->init->entry;
    add(map, RESOURCE_PRIVATE, (struct range){init_end, n->window.end}, "private");
    for (unsigned i = 0; i < system->request_count; i++)
        if (system->requests[i].node == node && system->requests[i].kind != RESOURCE_PRIVATE)
            add_request(l, i, map);
    if (node == 0)
        add_control_node(l, map);
    map->bytes = (uint32_t)(sizeof *map + map->entry_count * sizeof map->entries[0]);
}
