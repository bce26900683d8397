/* From a dump to a model. The kernel knows its objects by address; names are the description's. So the dump and the promised model are walked
 * side by side, from the threads, which have names on both sides: what stands in the same slot of the same holder is taken to be
 * the same object, once. All else about it (kind, rights, badge, contents, what it holds) is then the kernel's word alone. */
#include "dump.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <atoll/system.h>
#include <sel4/abi.h>
#include "cap.h"

#define PAGE 4096u
#define THREAD_RUNS 1 /* kernel/object.h, enum thread_state */
/* Page table entries: AMD APM vol. 2, 5.3 and 5.4 */
#define PTE_WRITE 2ull
#define PTE_UNCACHED 0x10ull
#define PTE_LARGE 0x80ull
#define PTE_NO_EXECUTE (1ull << 63)
#define PTE_ADDRESS 0x000ffffffffff000ull
#define TCB_OWN_SLOTS 5 /* snapshot.c, write_thread() */
/* A redirection as irq_redirection() gives it */
#define REDIRECTION_THERE (1ull << 32)

struct thing {
    enum capdl_type type, own;
    uint64_t at;
    uint32_t promised; /* object of the promised model, or CAPDL_NONE */
    uint32_t out;
    bool reached;      /* by a thread other than init, or an interrupt */
};

struct edge { uint32_t from, slot, to, rights, span; uint64_t badge, guard, guard_size; bool uncached; };

struct builder {
    const struct dump *d;
    const struct dump_node *n;
    uint32_t node;
    const struct capdl_model *promised;
    const uint8_t *spec;
    size_t spec_size;
    struct capdl_model *m;
    struct thing *things;
    struct edge *edges;
    uint32_t thing_count, edge_count, room;
    bool *taken; /* promised objects that a thing is */
};

/* ---- things ---- */

static uint32_t thing_find(const struct builder *b, enum capdl_type type, uint64_t at)
{
    for (uint32_t i = 0; i < b->thing_count; i++)
        if (b->things[i].at == at && b->things[i].type == type)
            return i;
    return CAPDL_NONE;
}

/* `room` is for all that the lines can name: run out of it, the last one is used again, and the comparison fails. */
static uint32_t thing(struct builder *b, enum capdl_type type, enum capdl_type own, uint64_t at)
{
    uint32_t i = thing_find(b, type, at);
    if (i != CAPDL_NONE)
        return i;
    i = b->thing_count < b->room ? b->thing_count++ : b->room - 1;
    b->things[i] = (struct thing){.type = type, .own = own, .at = at, .promised = CAPDL_NONE, .out = CAPDL_NONE};
    return i;
}

static void promise(struct builder *b, uint32_t i, uint32_t object)
{
    struct thing *t = &b->things[i];
    if (object == CAPDL_NONE || t->promised != CAPDL_NONE || b->taken[object] || b->promised->objects[object].type != t->type ||
        b->promised->objects[object].own != t->own)
        return;
    t->promised = object;
    b->taken[object] = true;
}

static struct edge *edge(struct builder *b, uint32_t from, uint64_t slot, uint32_t to)
{
    uint32_t i = b->edge_count < b->room ? b->edge_count++ : b->room - 1;
    b->edges[i] = (struct edge){.from = from, .slot = (uint32_t)slot, .to = to, .span = 1};
    return &b->edges[i];
}

static bool in_window(const struct dump_node *n, uint64_t paddr) { return paddr >= n->window && paddr - n->window < n->window_size; }

/* ---- the resource map ---- */

static uint64_t memory_bytes(const struct dump_line *map)
{
    return map->w[0] == RESOURCE_MODULE ? (map->w[2] + PAGE - 1) & ~(uint64_t)(PAGE - 1) : map->w[2];
}

static bool is_frame_only(uint64_t kind) { return kind == RESOURCE_MEMORY || kind == RESOURCE_MODULE || kind == RESOURCE_DEVICE; }

/* The entry whose memory `paddr` is in: pages of queues and devices, or memory that goes to a component whole. */
static const struct dump_line *map_entry(const struct dump_node *n, uint64_t paddr, bool shared)
{
    for (uint32_t i = 0; i < n->count; i++) {
        const struct dump_line *l = &n->lines[i];
        if (l->kind == DUMP_MAP && (shared ? l->w[0] == RESOURCE_SHARED || l->w[0] == RESOURCE_DEVICE : is_frame_only(l->w[0])) && paddr >= l->w[1] &&
            paddr - l->w[1] < memory_bytes(l))
            return l;
    }
    return NULL;
}

/* Which node runs on that core? */
static uint64_t node_of(const struct dump *d, uint64_t apic_id)
{
    for (uint32_t i = 0; i < DUMP_MAX_NODES; i++)
        if (d->nodes[i].begun && d->nodes[i].apic_id == apic_id)
            return i;
    return UINT32_MAX;
}

/* An alignment that was asked for holds, or else the one that there is. */
static uint64_t alignment(const struct builder *b, const char *name, uint64_t paddr)
{
    uint32_t object = capdl_find(b->promised, name, CAPDL_SCALAR);
    const struct capdl_param *p = object == CAPDL_NONE ? NULL : capdl_param(b->promised, object, CAPDL_KEY_ALIGN);
    return p && p->value && paddr % p->value == 0 ? p->value : paddr & -paddr;
}

/* What boot adds on its own, for the kernel: no spec asks for it. */
static bool is_boots(uint64_t kind)
{
    return kind == RESOURCE_ROOT_IMAGE || kind == RESOURCE_IOAPIC || kind == RESOURCE_IOMMU || kind == RESOURCE_IOMMU_TABLES;
}

/* Boot lists all memory of a PCI function that was asked for; what no component uses is no promise's. */
static bool function_unused(const struct builder *b, const struct dump_line *l)
{
    uint32_t object = l->w[0] == RESOURCE_DEVICE ? capdl_find(b->promised, l->name, CAPDL_SCALAR) : CAPDL_NONE;
    return l->w[0] == RESOURCE_DEVICE && (object == CAPDL_NONE || !capdl_param(b->promised, object, CAPDL_KEY_SIZE));
}

static int resources(struct builder *b, struct complaint *why)
{
    struct system_header *h = calloc(1, sizeof *h + ((size_t)b->n->count + 1) * sizeof h->requests[0]);
    if (!h)
        return -1;
    for (uint32_t i = 0; i < b->n->count; i++) {
        const struct dump_line *l = &b->n->lines[i];
        if (l->kind != DUMP_MAP || is_boots(l->w[0]) || function_unused(b, l))
            continue;
        struct system_request *r = &h->requests[h->request_count++];
        *r = (struct system_request){.kind = (uint32_t)l->w[0], .node = b->node, .size = l->w[2], .arg0 = l->w[3], .arg1 = l->w[4]};
        snprintf(r->name, sizeof r->name, "%.*s", (int)sizeof r->name - 1, l->name);
        if (r->kind == RESOURCE_PRIVATE) { /* the map has what init may use of it, under a name of its own */
            r->size = b->n->private_size;
            snprintf(r->name, sizeof r->name, "node.%" PRIu32 ".private", b->node);
        }
        if (r->kind == RESOURCE_IPI || r->kind == RESOURCE_LOG)
            r->arg0 = node_of(b->d, r->arg0);
        char own[RESOURCE_NAME_MAX + 8];
        snprintf(own, sizeof own, "%s@kernel", r->name);
        r->align = alignment(b, r->kind == RESOURCE_PRIVATE ? own : r->name, r->kind == RESOURCE_PRIVATE ? b->n->private_paddr : l->w[1]);
        if (r->kind == RESOURCE_DEVICE) { /* how long a function's registers are, nobody knows before boot: as much as is used */
            r->size = capdl_param(b->promised, capdl_find(b->promised, l->name, CAPDL_SCALAR), CAPDL_KEY_SIZE)->value;
            r->align = 4096;
        }
    }
    int status = capdl_resources_add(b->m, h, b->node, b->d->file, why);
    free(h);
    return status;
}

/* ---- capabilities ---- */

static uint32_t rights_of(uint64_t rights)
{
    return (rights & SEL4_RIGHT_READ ? CAPDL_READ : 0) | (rights & SEL4_RIGHT_WRITE ? CAPDL_WRITE : 0) |
           (rights & SEL4_RIGHT_GRANT ? CAPDL_GRANT : 0) | (rights & SEL4_RIGHT_GRANT_REPLY ? CAPDL_GRANT_REPLY : 0);
}

static uint32_t frame_thing(struct builder *b, uint64_t paddr)
{
    uint32_t i = thing(b, CAPDL_FRAME, CAPDL_NOTHING, paddr);
    const struct dump_line *map = in_window(b->n, paddr) ? NULL : map_entry(b->n, paddr, true);
    if (map)
        promise(b, i, capdl_find(b->promised, map->name, (uint32_t)((paddr - map->w[1]) / PAGE)));
    return i;
}

static uint32_t untyped_thing(struct builder *b, cap_t cap)
{
    const struct dump_line *map = untyped_frame_only(cap) && untyped_free(cap) == 0 ? map_entry(b->n, untyped_paddr(cap), false) : NULL;
    uint32_t i = thing(b, CAPDL_UT, CAPDL_NOTHING, map ? map->w[1] : untyped_paddr(cap));
    uint32_t object = map ? capdl_find(b->promised, map->name, CAPDL_SCALAR) : CAPDL_NONE;
    if (object != CAPDL_NONE && b->promised->objects[object].type == CAPDL_UT)
        b->things[i].own = b->promised->objects[object].own;
    promise(b, i, object);
    return i;
}

/* Several names may stand for one IPI: the promised one if it is among them. */
static uint32_t ipi_thing(struct builder *b, cap_t cap)
{
    uint32_t i = thing(b, CAPDL_NOTIFICATION, CAPDL_IPI, ipi_apic_id(cap) | ipi_vector(cap) << 32 | 1ull << 63);
    for (uint32_t k = 0; k < b->n->count; k++) {
        const struct dump_line *l = &b->n->lines[k];
        if (l->kind == DUMP_MAP && l->w[0] == RESOURCE_IPI && l->w[3] == ipi_apic_id(cap) && l->w[4] == ipi_vector(cap))
            promise(b, i, capdl_find(b->promised, l->name, CAPDL_SCALAR));
    }
    return i;
}

/* Ranges of the map by their bounds: the unit is the first of them. */
static uint32_t requesters_thing(struct builder *b, cap_t cap)
{
    uint64_t bounds = requesters_first(cap) | requesters_last(cap) << 16;
    uint32_t i = thing(b, CAPDL_UT, CAPDL_REQUESTERS, bounds | requesters_unit(cap) << 32 | 1ull << 62);
    for (uint32_t k = 0; k < b->n->count; k++) {
        const struct dump_line *l = &b->n->lines[k];
        if (l->kind == DUMP_MAP && l->w[0] == RESOURCE_REQUESTERS && l->w[3] == requesters_unit(cap) && l->w[4] == bounds)
            promise(b, i, capdl_find(b->promised, l->name, CAPDL_SCALAR));
    }
    return i;
}

static uint32_t thing_of(struct builder *b, cap_t cap)
{
    switch (cap_tag(cap)) {
    case CAP_FRAME: return frame_thing(b, frame_paddr(cap));
    case CAP_UNTYPED: return untyped_thing(b, cap);
    case CAP_IPI: return ipi_thing(b, cap);
    case CAP_ENDPOINT: return thing(b, CAPDL_EP, CAPDL_NOTHING, cap_offset48(cap));
    case CAP_NOTIFICATION: return thing(b, CAPDL_NOTIFICATION, CAPDL_NOTHING, cap_offset48(cap));
    case CAP_REPLY: return thing(b, CAPDL_RTREPLY, CAPDL_NOTHING, cap_offset48(cap));
    case CAP_TCB: return thing(b, CAPDL_TCB, CAPDL_NOTHING, cap_offset48(cap));
    case CAP_SC: return thing(b, CAPDL_SC, CAPDL_NOTHING, cap_offset48(cap));
    case CAP_VCPU: return thing(b, CAPDL_VCPU, CAPDL_NOTHING, cap_offset48(cap));
    case CAP_CNODE: return thing(b, CAPDL_CNODE, CAPDL_NOTHING, cnode_offset(cap));
    case CAP_PML4: return thing(b, CAPDL_PML4, CAPDL_NOTHING, table_offset(cap));
    case CAP_PDPT: return thing(b, CAPDL_PDPT, CAPDL_NOTHING, table_offset(cap));
    case CAP_PD: return thing(b, CAPDL_PD, CAPDL_NOTHING, table_offset(cap));
    case CAP_PT: return thing(b, CAPDL_PT, CAPDL_NOTHING, table_offset(cap));
    case CAP_NPML4: return thing(b, CAPDL_PML4, CAPDL_NESTED_PML4, table_offset(cap));
    case CAP_NPDPT: return thing(b, CAPDL_PDPT, CAPDL_NESTED_PDPT, table_offset(cap));
    case CAP_NPD: return thing(b, CAPDL_PD, CAPDL_NESTED_PD, table_offset(cap));
    case CAP_NPT: return thing(b, CAPDL_PT, CAPDL_NESTED_PT, table_offset(cap));
    case CAP_IO_SPACE: return thing(b, CAPDL_PML4, CAPDL_IO_SPACE, table_offset(cap));
    case CAP_REQUESTERS: return requesters_thing(b, cap);
    case CAP_IO_PORT: return thing(b, CAPDL_IO_PORTS, CAPDL_NOTHING, io_port_first(cap) | io_port_last(cap) << 32);
    case CAP_IRQ_HANDLER: return thing_find(b, CAPDL_IOAPIC_IRQ, cap_irq(cap)) != CAPDL_NONE ? thing_find(b, CAPDL_IOAPIC_IRQ, cap_irq(cap))
                                                                                              : thing(b, CAPDL_IRQ, CAPDL_NOTHING, cap_irq(cap));
    default: return thing(b, CAPDL_CONTROL, CAPDL_NOTHING, (uint64_t)cap_tag(cap) << 56 | (cap.w1 & MASK(56))); /* nothing that a spec gives away */
    }
}

static struct edge *cap_edge(struct builder *b, uint32_t from, uint64_t slot, cap_t cap)
{
    struct edge *e = edge(b, from, slot, thing_of(b, cap));
    switch (cap_tag(cap)) {
    case CAP_ENDPOINT: case CAP_NOTIFICATION:
        e->rights = rights_of(cap_rights(cap));
        e->badge = cap_badge(cap);
        break;
    case CAP_IPI: e->rights = CAPDL_WRITE; break;
    case CAP_FRAME: e->rights = (frame_rights(cap) >= FRAME_READ ? CAPDL_READ : 0) | (frame_rights(cap) == FRAME_READ_WRITE ? CAPDL_WRITE : 0); break;
    case CAP_CNODE:
        e->guard = cnode_guard(cap);
        e->guard_size = cnode_guard_size(cap);
        break;
    default: break;
    }
    return e;
}

/* Memory of one resource in pieces, in slots and addresses that follow each other, is one capability of the model if it is all of it. */
struct pieces { uint32_t edge, slot; uint64_t next, end; };

static void piece(struct builder *b, struct pieces *p, const struct dump_line *l, uint32_t holder)
{
    cap_t cap = {l->w[2], l->w[3]};
    uint64_t paddr = untyped_paddr(cap), bytes = BIT(untyped_size_bits(cap));
    struct edge *e = p->edge == CAPDL_NONE ? NULL : &b->edges[p->edge];
    if (e && e->from == holder && e->slot + e->span == l->w[1] && p->next == paddr && paddr < p->end) {
        e->span++;
        p->next += bytes;
        return;
    }
    const struct dump_line *map = map_entry(b->n, paddr, false);
    e = cap_edge(b, holder, l->w[1], cap);
    *p = (struct pieces){.edge = (uint32_t)(e - b->edges), .next = paddr + bytes, .end = map ? map->w[1] + memory_bytes(map) : 0};
    if (!map || map->w[1] != paddr)
        e->to = thing(b, CAPDL_UT, CAPDL_NOTHING, paddr | 1); /* not its beginning */
}

static void pieces_end(struct builder *b, struct pieces *p)
{
    if (p->edge != CAPDL_NONE && p->next != p->end)
        b->edges[p->edge].to = thing(b, CAPDL_UT, CAPDL_NOTHING, b->things[b->edges[p->edge].to].at | 1); /* not all of it */
    p->edge = CAPDL_NONE;
}

static void caps(struct builder *b)
{
    static const uint8_t tcb_slots[TCB_OWN_SLOTS] = {CAPDL_TCB_CSPACE, CAPDL_TCB_VSPACE, CAPDL_TCB_IPC_BUFFER, CAPDL_TCB_FAULT_EP, 7};
    struct pieces p = {.edge = CAPDL_NONE};
    for (uint32_t i = 0; i < b->n->count; i++) {
        const struct dump_line *l = &b->n->lines[i];
        cap_t cap = {l->w[2], l->w[3]};
        if (l->kind != DUMP_CAP)
            continue;
        uint32_t tcb = thing_find(b, CAPDL_TCB, l->w[0]);
        uint32_t holder = tcb != CAPDL_NONE ? tcb : thing(b, CAPDL_CNODE, CAPDL_NOTHING, l->w[0]);
        bool memory = cap_tag(cap) == CAP_UNTYPED && untyped_frame_only(cap);
        if (!memory || p.edge == CAPDL_NONE || p.next >= p.end || b->edges[p.edge].slot + b->edges[p.edge].span != l->w[1])
            pieces_end(b, &p);
        if (memory)
            piece(b, &p, l, holder);
        else
            cap_edge(b, holder, tcb != CAPDL_NONE && l->w[1] < TCB_OWN_SLOTS ? tcb_slots[l->w[1]] : l->w[1], cap);
    }
    pieces_end(b, &p);
}

/* ---- threads, interrupts, page tables ---- */

static void pointer(struct builder *b, uint32_t tcb, uint32_t slot, enum capdl_type type, uint64_t at, uint32_t rights)
{
    if (at != DUMP_NONE)
        edge(b, tcb, slot, thing(b, type, CAPDL_NOTHING, at))->rights = rights;
}

static void threads(struct builder *b)
{
    for (uint32_t i = 0; i < b->n->count; i++) {
        const struct dump_line *l = &b->n->lines[i];
        if (l->kind != DUMP_TCB)
            continue;
        uint32_t tcb = thing(b, CAPDL_TCB, CAPDL_NOTHING, l->w[0]);
        promise(b, tcb, capdl_find(b->promised, l->name, CAPDL_SCALAR));
        b->things[tcb].reached = strcmp(l->name, "init") != 0;
        pointer(b, tcb, CAPDL_TCB_SC, CAPDL_SC, l->w[10], 0);
        pointer(b, tcb, CAPDL_TCB_NOTIFICATION, CAPDL_NOTIFICATION, l->w[11], CAPDL_READ | CAPDL_WRITE);
        pointer(b, tcb, CAPDL_TCB_VCPU, CAPDL_VCPU, l->w[12], 0);
    }
}

static void interrupts(struct builder *b)
{
    for (uint32_t i = 0; i < b->n->count; i++) {
        const struct dump_line *l = &b->n->lines[i];
        if (l->kind != DUMP_IRQ)
            continue;
        uint32_t irq = thing(b, CAPDL_IRQ, CAPDL_NOTHING, l->w[0]);
        if (l->w[1] & REDIRECTION_THERE)
            b->things[irq].type = CAPDL_IOAPIC_IRQ;
        b->things[irq].reached = true;
        cap_edge(b, irq, 0, (cap_t){l->w[2], l->w[3]});
    }
}

static void entries(struct builder *b)
{
    static const enum capdl_type levels[4] = {CAPDL_PT, CAPDL_PD, CAPDL_PDPT, CAPDL_PML4};
    static const enum capdl_type nested[4] = {CAPDL_NESTED_PT, CAPDL_NESTED_PD, CAPDL_NESTED_PDPT, CAPDL_NESTED_PML4};
    for (uint32_t i = 0; i < b->n->count; i++) {
        const struct dump_line *l = &b->n->lines[i];
        if (l->kind != DUMP_PTE || l->w[1] > 3 || l->w[2] > 511 || l->w[3] > 512 - l->w[2])
            continue;
        unsigned level = (unsigned)l->w[1];
        uint64_t entry = l->w[4];
        uint32_t table = thing(b, levels[level], CAPDL_NOTHING, l->w[0]); /* known: its parent's line came before */
        bool is_nested = b->things[table].own != CAPDL_NOTHING;
        if (level == 3 || (level > 0 && !(entry & PTE_LARGE))) {
            edge(b, table, l->w[2], thing(b, levels[level - 1], is_nested ? nested[level - 1] : CAPDL_NOTHING, (entry & PTE_ADDRESS) - b->n->window));
            continue;
        }
        for (uint64_t k = 0; k < l->w[3]; k++) {
            struct edge *e = edge(b, table, l->w[2] + k, frame_thing(b, ((entry & PTE_ADDRESS) & ~MASK(12 + 9 * level)) + (k << (12 + 9 * level))));
            e->rights = CAPDL_READ | (entry & PTE_WRITE ? CAPDL_WRITE : 0) | (entry & PTE_NO_EXECUTE ? 0 : CAPDL_GRANT);
            e->uncached = (entry & PTE_UNCACHED) != 0;
        }
    }
}

/* ---- names ---- */

static const struct capdl_cap *promised_cap(const struct capdl_model *m, uint32_t holder, uint32_t slot)
{
    uint32_t count, first = capdl_caps_of(m, holder, &count);
    for (uint32_t i = 0; i < count; i++)
        if (m->caps[first + i].slot == slot)
            return &m->caps[first + i];
    return NULL;
}

static void names(struct builder *b)
{
    for (bool more = true; more;) {
        more = false;
        for (uint32_t i = 0; i < b->edge_count; i++) {
            const struct edge *e = &b->edges[i];
            struct thing *from = &b->things[e->from], *to = &b->things[e->to];
            if (from->reached && !to->reached)
                more = to->reached = true;
            if (!from->reached || from->promised == CAPDL_NONE || to->promised != CAPDL_NONE)
                continue;
            const struct capdl_cap *c = promised_cap(b->promised, from->promised, e->slot);
            if (c)
                promise(b, e->to, c->object);
            more = more || to->promised != CAPDL_NONE;
        }
    }
}

static bool is_ipi(const struct builder *b, const char *name, uint64_t at)
{
    for (uint32_t i = 0; i < b->n->count; i++) {
        const struct dump_line *l = &b->n->lines[i];
        if (l->kind == DUMP_MAP && l->w[0] == RESOURCE_IPI && strcmp(l->name, name) == 0)
            return (l->w[3] | l->w[4] << 32 | 1ull << 63) == at;
    }
    return false;
}

/* Two entries of the map may be one vector of one node: their capabilities are alike, and the slot's promised name is as good as the other. */
static void name_ipis(struct builder *b)
{
    for (uint32_t i = 0; i < b->edge_count; i++) {
        struct edge *e = &b->edges[i];
        const struct thing *to = &b->things[e->to];
        if (to->own != CAPDL_IPI || b->things[e->from].promised == CAPDL_NONE)
            continue;
        const struct capdl_cap *c = promised_cap(b->promised, b->things[e->from].promised, e->slot);
        if (!c || c->object == to->promised || !is_ipi(b, b->promised->objects[c->object].name, to->at))
            continue;
        uint64_t at = to->at | (uint64_t)(c->object + 1) << 40;
        e->to = thing(b, CAPDL_NOTIFICATION, CAPDL_IPI, at);
        b->things[e->to].reached = b->things[e->from].reached;
        promise(b, e->to, c->object);
    }
}

/* ---- what comes out ---- */

static const struct dump_line *line_of(const struct dump_node *n, enum dump_kind kind, uint64_t at)
{
    for (uint32_t i = 0; i < n->count; i++)
        if (n->lines[i].kind == kind && n->lines[i].w[0] == at)
            return &n->lines[i];
    return NULL;
}

static void copy_fills(struct builder *b, const struct thing *t)
{
    const struct capdl_object *o = &b->promised->objects[t->promised];
    for (uint32_t i = 0; i < o->params[CAPDL_STANDARD].count; i++) {
        const struct capdl_param *p = &b->promised->params[o->params[CAPDL_STANDARD].first + i];
        if (p->key == CAPDL_KEY_FILL)
            capdl_param_add(b->m, t->out, CAPDL_KEY_FILL, 0, b->promised->texts + p->text);
    }
}

/* The page as promised: zeroes, and bytes of the spec. The same sum as the kernel's. */
static uint64_t promised_sum(const struct builder *b, uint32_t object)
{
    uint64_t words[PAGE / 8] = {0}, sum = 0xcbf29ce484222325ull;
    const struct capdl_object *o = &b->promised->objects[object];
    for (uint32_t i = 0; i < o->params[CAPDL_STANDARD].count; i++) {
        const struct capdl_param *p = &b->promised->params[o->params[CAPDL_STANDARD].first + i];
        uint32_t offset;
        uint64_t length, from;
        if (p->key == CAPDL_KEY_FILL &&
            sscanf(b->promised->texts + p->text, "%" SCNu32 " %" SCNu64 " CDL_FrameFill_FileData \"%*[^\"]\" %" SCNu64, &offset, &length, &from) == 3 &&
            offset <= PAGE && length <= PAGE - offset && from <= b->spec_size && length <= b->spec_size - from)
            memcpy((uint8_t *)words + offset, b->spec + from, length);
    }
    for (unsigned i = 0; i < PAGE / 8; i++)
        sum = (sum ^ words[i]) * 0x100000001b3ull;
    return sum;
}

static void frame_params(struct builder *b, const struct thing *t)
{
    const struct dump_line *page = line_of(b->n, DUMP_PAGE, t->at);
    capdl_param_add(b->m, t->out, CAPDL_KEY_PAGE_BITS, 12, NULL);
    if (!in_window(b->n, t->at) || t->promised == CAPDL_NONE)
        return;
    if (page && page->w[1] == promised_sum(b, t->promised))
        copy_fills(b, t);
    else
        capdl_param_add(b->m, t->out, CAPDL_KEY_FILL, 0, page ? "other contents" : "contents not seen");
}

static void tcb_params(struct builder *b, const struct thing *t)
{
    const struct dump_line *l = line_of(b->n, DUMP_TCB, t->at);
    if (!l) /* a capability to a thread that is none of the kernel's */
        return;
    const struct { enum capdl_key key; uint64_t value; } params[] = {
        {CAPDL_KEY_ADDR, l->w[9]}, {CAPDL_KEY_IP, l->w[6]}, {CAPDL_KEY_SP, l->w[7]}, {CAPDL_KEY_PRIO, l->w[2]}, {CAPDL_KEY_MAX_PRIO, l->w[3]},
        {CAPDL_KEY_AFFINITY, 0}, {CAPDL_KEY_RESUME, l->w[1] == THREAD_RUNS}, {CAPDL_KEY_FPU_DISABLED, l->w[4]}, {CAPDL_KEY_DOM, l->w[5]},
        {CAPDL_KEY_INIT, l->w[8]},
    };
    for (size_t i = 0; i < sizeof params / sizeof params[0]; i++)
        capdl_param_add(b->m, t->out, params[i].key, params[i].value, NULL);
}

/* The kernel knows a context's size by its capabilities only. Where no thread holds one, the promised size stands; all that it means is room for refills. */
static void sc_params(struct builder *b, const struct thing *t)
{
    const struct dump_line *l = line_of(b->n, DUMP_SC, t->at);
    const struct capdl_param *bits = t->promised == CAPDL_NONE ? NULL : capdl_param(b->promised, t->promised, CAPDL_KEY_BITS);
    uint64_t size = bits ? bits->value : 0;
    for (uint32_t i = 0; i < b->n->count; i++) {
        cap_t cap = {b->n->lines[i].w[2], b->n->lines[i].w[3]};
        if (b->n->lines[i].kind == DUMP_CAP && cap_tag(cap) == CAP_SC && cap_offset48(cap) == t->at)
            size = sc_cap_size_bits(cap);
    }
    capdl_param_add(b->m, t->out, CAPDL_KEY_BITS, size, NULL);
    if (!l)
        return;
    capdl_param_add(b->m, t->out, CAPDL_KEY_PERIOD, l->w[2], NULL);
    capdl_param_add(b->m, t->out, CAPDL_KEY_BUDGET, l->w[1], NULL);
    capdl_param_add(b->m, t->out, CAPDL_KEY_DATA, 0, NULL);
}

/* Size of a CNode or untyped, from any capability to it. */
static void bits_param(struct builder *b, const struct thing *t)
{
    for (uint32_t i = 0; i < b->n->count; i++) {
        const struct dump_line *l = &b->n->lines[i];
        cap_t cap = {l->w[2], l->w[3]};
        if (l->kind != DUMP_CAP)
            continue;
        if (t->type == CAPDL_CNODE && cap_tag(cap) == CAP_CNODE && cnode_offset(cap) == t->at) {
            capdl_param_add(b->m, t->out, CAPDL_KEY_BITS, cnode_radix(cap), NULL);
            return;
        }
        if (t->type == CAPDL_UT && cap_tag(cap) == CAP_UNTYPED && untyped_paddr(cap) == t->at) {
            capdl_param_add(b->m, t->out, CAPDL_KEY_BITS, untyped_size_bits(cap), NULL);
            return;
        }
    }
}

static void irq_params(struct builder *b, const struct thing *t)
{
    const struct dump_line *l = line_of(b->n, DUMP_IRQ, t->at);
    capdl_irq_add(b->m, (uint32_t)t->at, t->out);
    if (t->type != CAPDL_IOAPIC_IRQ || !l)
        return;
    capdl_param_add(b->m, t->out, CAPDL_KEY_IOAPIC_NUM, l->w[1] >> 40 & 0xff, NULL);
    capdl_param_add(b->m, t->out, CAPDL_KEY_IOAPIC_PIN, l->w[1] >> 48 & 0xff, NULL);
    capdl_param_add(b->m, t->out, CAPDL_KEY_IOAPIC_LEVEL, l->w[1] >> 15 & 1, NULL);    /* 82093AA data sheet, 3.2.4 */
    capdl_param_add(b->m, t->out, CAPDL_KEY_IOAPIC_POLARITY, l->w[1] >> 13 & 1, NULL);
}

static void params(struct builder *b, const struct thing *t)
{
    switch (t->type) {
    case CAPDL_FRAME: frame_params(b, t); break;
    case CAPDL_TCB: tcb_params(b, t); break;
    case CAPDL_SC: sc_params(b, t); break;
    case CAPDL_CNODE: case CAPDL_UT: bits_param(b, t); break;
    case CAPDL_IRQ: case CAPDL_IOAPIC_IRQ: irq_params(b, t); break;
    case CAPDL_IO_PORTS: capdl_param_add(b->m, t->out, CAPDL_KEY_PORTS, t->at, NULL); break;
    default: break;
    }
}

/* As the specs have it: whoever uses one page names them all. */
static void shared_pages(struct builder *b, const char *name)
{
    uint32_t resource = capdl_find(b->m, name, CAPDL_SCALAR);
    const struct capdl_param *size = resource == CAPDL_NONE ? NULL : capdl_param(b->m, resource, CAPDL_KEY_SIZE);
    for (uint64_t page = 0, pages = size ? size->value / PAGE : 0; page < pages && !b->m->full; page++)
        if (capdl_find(b->m, name, (uint32_t)page) == CAPDL_NONE) {
            uint32_t object = capdl_add(b->m, name, (uint32_t)page);
            if (object == CAPDL_NONE)
                return;
            b->m->objects[object].type = CAPDL_FRAME;
            capdl_param_add(b->m, object, CAPDL_KEY_PAGE_BITS, 12, NULL);
        }
}

static void thing_out(struct builder *b, struct thing *t)
{
    const struct capdl_object *o = t->promised == CAPDL_NONE ? NULL : &b->promised->objects[t->promised];
    char unknown[CAPDL_NAME_MAX];
    if (t->type == CAPDL_FRAME && o && o->index != CAPDL_SCALAR)
        shared_pages(b, o->name);
    snprintf(unknown, sizeof unknown, "unknown.%s.%" PRIx64, t->type == CAPDL_CONTROL ? "control" : capdl_type_names[t->type], t->at);
    const char *name = o ? o->name : unknown;
    uint32_t index = o ? o->index : CAPDL_SCALAR;
    t->out = capdl_find(b->m, name, index);
    bool there = t->out != CAPDL_NONE;
    if (!there)
        t->out = capdl_add(b->m, name, index);
    if (t->out == CAPDL_NONE)
        return;
    b->m->objects[t->out].type = t->type;
    b->m->objects[t->out].own = t->own;
    if (!there)
        params(b, t);
}

static void caps_out(struct builder *b)
{
    for (uint32_t i = 0; i < b->edge_count; i++) {
        const struct edge *e = &b->edges[i];
        const struct thing *from = &b->things[e->from], *to = &b->things[e->to];
        if (!from->reached)
            continue;
        struct capdl_cap *c = capdl_cap_add(b->m, from->out, e->slot, to->out);
        const struct capdl_cap *p = from->promised == CAPDL_NONE ? NULL : promised_cap(b->promised, from->promised, e->slot);
        c->rights = e->rights;
        c->badge = e->badge;
        c->guard = e->guard;
        c->guard_size = e->guard_size;
        c->uncached = e->uncached;
        c->span = p && e->span <= p->span && p->object == to->promised ? p->span : e->span; /* so many slots at most */
    }
}

/* Who belongs to whom is the annex's statement about threads, not the kernel's: it is taken over. */
static void parties_out(struct builder *b)
{
    for (uint32_t i = 0; i < b->promised->object_count; i++) {
        const struct capdl_object *o = &b->promised->objects[i];
        if (o->own != CAPDL_VM && o->own != CAPDL_TRUSTED)
            continue;
        uint32_t party = capdl_add(b->m, o->name, CAPDL_SCALAR), count, first = capdl_caps_of(b->promised, i, &count);
        if (party == CAPDL_NONE)
            return;
        b->m->objects[party].own = o->own;
        for (uint32_t k = 0; k < count; k++) {
            const struct capdl_object *member = &b->promised->objects[b->promised->caps[first + k].object];
            capdl_cap_add(b->m, party, b->promised->caps[first + k].slot, capdl_find(b->m, member->name, member->index));
        }
    }
}

/* ---- init ---- */

/* Its thread, its CNode, its memory: all that it may still hold. */
static void init_check(const struct builder *b, char *text, size_t size)
{
    const struct dump_line *self = NULL;
    uint64_t cnode = DUMP_NONE, root = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < b->n->count; i++)
        if (b->n->lines[i].kind == DUMP_TCB && strcmp(b->n->lines[i].name, "init") == 0)
            self = &b->n->lines[i];
    if (!self) {
        snprintf(text, size, "init is not among the threads, so this dump is not its");
        return;
    }
    for (uint32_t i = 0; i < b->n->count; i++) {
        const struct dump_line *l = &b->n->lines[i];
        cap_t cap = {l->w[2], l->w[3]};
        if (l->kind == DUMP_CAP && l->w[0] == self->w[0] && l->w[1] == 0)
            cnode = cnode_offset(cap);
        if (l->kind == DUMP_CAP && l->w[0] == self->w[0] && l->w[1] == 1)
            root = cap.w0;
    }
    for (uint32_t i = 0; i < b->n->count && !text[0]; i++) {
        const struct dump_line *l = &b->n->lines[i];
        cap_t cap = {l->w[2], l->w[3]};
        bool own = false;
        if (l->kind != DUMP_CAP || l->w[0] != cnode)
            continue;
        switch (cap_tag(cap)) {
        case CAP_TCB: own = cap_offset48(cap) == self->w[0]; break;
        case CAP_SC: own = cap_offset48(cap) == self->w[10]; break;
        case CAP_CNODE: own = cnode_offset(cap) == cnode; break;
        case CAP_PML4: own = cap.w0 == root; break;
        case CAP_PT: case CAP_PD: case CAP_PDPT: own = table_mapped(cap) && table_asid(cap) == table_asid((cap_t){root, 0}); break;
        case CAP_FRAME: own = frame_mapped(cap) == FRAME_IN_PML4 && frame_asid(cap) == table_asid((cap_t){root, 0}) && !frame_only(cap); break;
        default: break;
        }
        if (!own)
            snprintf(text, size, "init still holds a capability of kind %u in slot %" PRIu64, cap_tag(cap), l->w[1]);
    }
}

struct capdl_model *dump_model(const struct dump *d, uint32_t node, const struct capdl_model *promised, const uint8_t *spec, size_t spec_size,
                               char *init, size_t init_size, struct complaint *why)
{
    struct builder b = {.d = d, .n = &d->nodes[node], .node = node, .promised = promised, .spec = spec, .spec_size = spec_size, .m = capdl_new()};
    uint32_t room = 16;
    for (uint32_t i = 0; i < b.n->count; i++) /* a line names at most five objects; a run of entries as many as it has */
        room += 5 + (b.n->lines[i].kind == DUMP_PTE && b.n->lines[i].w[3] <= 512 ? (uint32_t)b.n->lines[i].w[3] : 0);
    b.room = room;
    b.things = calloc(room, sizeof *b.things);
    b.edges = calloc(room, sizeof *b.edges);
    b.taken = calloc(promised->object_count + 1, sizeof *b.taken);
    int status = b.m && b.things && b.edges && b.taken ? 0 : -1;
    if (status != 0)
        snprintf(why->text, sizeof why->text, "%s: not enough memory", d->file);
    if (status == 0)
        status = resources(&b, why);
    if (status == 0) {
        threads(&b);
        interrupts(&b);
        caps(&b);
        entries(&b);
        names(&b);
        name_ipis(&b);
        for (uint32_t i = 0; i < b.thing_count; i++)
            if (b.things[i].reached)
                thing_out(&b, &b.things[i]);
        caps_out(&b);
        parties_out(&b);
        init_check(&b, init, init_size);
        uint32_t twice = capdl_sort(b.m);
        if (twice != CAPDL_NONE || b.m->full) {
            snprintf(why->text, sizeof why->text, "%s: the dump of node %" PRIu32 " is too large, or fills one slot twice", d->file, node);
            status = -1;
        }
    }
    free(b.things);
    free(b.edges);
    free(b.taken);
    if (status == 0)
        return b.m;
    capdl_free(b.m);
    return NULL;
}
