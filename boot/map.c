#include <atoll/iommu.h>
#include "bytes.h"
#include "channels.h"
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

/* A request names a segment, the map the unit: several units may share a segment, and each function is under one of them alone, so the
 * range is given on each. */
static void add_requesters(const struct launch *l, const struct system_request *r, struct resource_map *map)
{
    char name[RESOURCE_NAME_MAX];
    for (unsigned i = 0; i < l->units.count; i++) {
        if (l->units.units[i].segment != r->arg0)
            continue;
        text_format(name, sizeof name, "%s.%u", r->name, i);
        struct resource_entry *e = add(map, RESOURCE_REQUESTERS, (struct range){0, 0}, name);
        e->arg0 = i;
        e->arg1 = r->arg1;
    }
}

static void add_units(const struct launch *l, unsigned node, struct resource_map *map)
{
    char name[RESOURCE_NAME_MAX];
    for (unsigned i = 0; i < l->units.count; i++) {
        const struct device_unit *u = &l->units.units[i];
        text_format(name, sizeof name, "iommu.%u", i);
        struct resource_entry *e = add(map, RESOURCE_IOMMU, (struct range){u->paddr, u->paddr + u->register_bytes}, name);
        e->arg0 = u->kind;
        e->arg1 = u->segment;
        uint64_t size = iommu_block_size(l->plan->system->node_count);
        text_format(name, sizeof name, "iommu.%u.tables", i);
        e = add(map, RESOURCE_IOMMU_TABLES, (struct range){u->block, u->block + size}, name);
        iommu_node_domains(u->kind, u->domain_bits, l->plan->system->node_count, node, &e->arg0, &e->arg1);
    }
}

static const struct function_binding *binding(const struct launch *l, uint64_t request)
{
    unsigned i = 0;
    while (l->functions->bound[i].request != request) /* there is one: functions_bind() */
        i++;
    return &l->functions->bound[i];
}

static void add_function(const struct launch *l, unsigned request, struct resource_map *map)
{
    char name[RESOURCE_NAME_MAX];
    const char *own = l->plan->system->requests[request].name;
    const struct function_binding *f = binding(l, request);
    text_format(name, sizeof name, "%s.config", own);
    add(map, RESOURCE_DEVICE, (struct range){f->config, f->config + PAGE}, name);
    for (unsigned k = 0; k < PCI_BARS; k++) {
        if (f->bars[k].end == 0)
            continue;
        text_format(name, sizeof name, "%s.bar%u", own, k);
        add(map, RESOURCE_DEVICE, f->bars[k], name);
    }
    text_format(name, sizeof name, "%s.requester", own);
    struct resource_entry *e = add(map, RESOURCE_REQUESTERS, (struct range){0, 0}, name);
    e->arg0 = f->unit;
    e->arg1 = f->id | (uint64_t)f->id << 16;
}

static void add_request(const struct launch *l, unsigned i, struct resource_map *map)
{
    const struct system_request *r = &l->plan->system->requests[i];
    if (r->kind == RESOURCE_REQUESTERS)
        return add_requesters(l, r, map);
    if (r->kind == SYSTEM_FUNCTION || r->kind == SYSTEM_VF)
        return add_function(l, i, map);
    if (r->kind == SYSTEM_REGISTERS) {
        uint64_t start = binding(l, r->arg0)->bars[r->arg1].start;
        add(map, RESOURCE_DEVICE, (struct range){start, start + r->size}, r->name);
        return;
    }
    struct resource_entry *e = add(map, r->kind, l->plan->memory[i], r->name);
    e->arg0 = r->arg0;
    e->arg1 = r->arg1;
    if (r->kind == RESOURCE_IPI || r->kind == RESOURCE_LOG) /* a node's number becomes its core's id */
        e->arg0 = l->apic_ids[r->arg0];
    if (r->kind == RESOURCE_MODULE)
        e->size = l->input->modules[l->plan->module[i]].size;
}

/* Behind it all: what may be moved to or from this node. */
static void add_movable(const struct launch *l, unsigned item, unsigned node, struct resource_map *map)
{
    const struct system_request *r = &l->plan->system->requests[item];
    unsigned first = map->entry_count;
    if (r->kind == RESOURCE_REQUESTERS)
        add_requesters(l, r, map);
    else
        add_request(l, item, map);
    for (unsigned i = first; i < map->entry_count; i++) {
        struct resource_entry *e = &map->entries[i];
        if (r->kind == RESOURCE_REQUESTERS)
            e->arg1 |= e->arg0 << 32; /* as in a channel's record, <atoll/channel.h> */
        else if (r->kind == RESOURCE_IPI)
            e->arg1 = e->arg1 << 32 | e->arg0;
        e->kind = RESOURCE_MOVABLE;
        e->flags = r->kind;
        e->arg0 = channels_carry(l->plan->system, item, node);
    }
}

static void add_control_node(const struct launch *l, struct resource_map *map)
{
    char name[RESOURCE_NAME_MAX];
    for (unsigned i = 0; i < l->madt->ioapic_count; i++) {
        text_format(name, sizeof name, "ioapic.%u", i);
        uint64_t paddr = l->madt->ioapics[i].paddr;
        struct resource_entry *e = add(map, RESOURCE_IOAPIC, (struct range){paddr, paddr + PAGE}, name);
        e->flags = l->units.ioapic_flags[i];
        e->arg0 = l->madt->ioapics[i].gsi_base;
        e->arg1 = l->ioapic_pins[i];
    }
    for (unsigned i = 0; i < l->plan->rest_count; i++) {
        const struct plan_rest *rest = &l->plan->rest[i];
        text_format(name, sizeof name, rest->ram ? "rest.ram.%u" : "rest.device.%u", i);
        add(map, rest->ram ? RESOURCE_MEMORY : RESOURCE_DEVICE, rest->range, name);
    }
    for (unsigned i = 0; i < l->units.count && (l->plan->system->flags & SYSTEM_FLAG_REST); i++) {
        text_format(name, sizeof name, "rest.requesters.%u", i);
        struct resource_entry *e = add(map, RESOURCE_REQUESTERS, (struct range){0, 0}, name);
        e->arg0 = i;
        e->arg1 = 0xffff0000; /* all of them */
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
        .wall_clock = l->clock.wall,
        .phys_limit = l->phys_limit,
    };
    uint64_t init_end = n->window.start + (l->init->highest - l->init->lowest);
    struct resource_entry *init = add(map, RESOURCE_ROOT_IMAGE, (struct range){n->window.start, init_end}, "init");
    init->arg0 = l->init->lowest;
    init->arg1 = l->init->entry;
    add(map, RESOURCE_PRIVATE, (struct range){init_end, n->window.end}, "private");
    for (unsigned i = 0; i < system->request_count; i++)
        if (system->requests[i].node == node && system->requests[i].kind != RESOURCE_PRIVATE && system->requests[i].kind != RESOURCE_MOVABLE)
            add_request(l, i, map);
    for (unsigned i = 0; i < system->request_count; i++)
        if (channels_carry(system, i, node))
            add_movable(l, i, node, map);
    if (load_uses_iommus(l, node))
        add_units(l, node, map);
    if (node == 0)
        add_control_node(l, map);
    map->bytes = (uint32_t)(sizeof *map + map->entry_count * sizeof map->entries[0]);
}
