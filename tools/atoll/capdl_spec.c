/* A node's binary spec (<atoll/spec.h>) and the system request, which boot and init work from, as a CapDL model. */
#include "capdl.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <atoll/component.h>
#include <atoll/system.h>
#include <sel4/abi.h>
#include "spec_check.h"

struct conversion {
    struct capdl_model *m;
    const struct spec_view *v;
    const struct system_header *request;
    const char *file;
    uint32_t *objects; /* spec object -> model object */
    uint32_t node;
    struct complaint *why;
    bool failed;
    struct { uint32_t root, table; enum capdl_type type; uint64_t base; } *tables; /* page tables mapped so far */
    uint32_t table_count;
};

static void fail(struct conversion *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void fail(struct conversion *c, const char *format, ...)
{
    char what[512];
    va_list arguments;
    if (c->failed)
        return;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    snprintf(c->why->text, sizeof c->why->text, "%s: %s", c->file, what);
    c->failed = true;
}

static uint32_t object_add(struct conversion *c, const char *name, uint32_t index, enum capdl_type type)
{
    if (!capdl_name_valid(name)) {
        fail(c, "'%s' is no name that CapDL can write", name);
        return CAPDL_NONE;
    }
    if (capdl_find(c->m, name, index) != CAPDL_NONE) {
        fail(c, "two objects are called '%s'", name);
        return CAPDL_NONE;
    }
    uint32_t object = capdl_add(c->m, name, index);
    if (object != CAPDL_NONE)
        c->m->objects[object].type = type;
    return object;
}

/* ---- the resource map ---- */

static const struct { enum capdl_type own; bool capability; } kinds[] = {
    [RESOURCE_PRIVATE] = {CAPDL_PRIVATE, false}, [RESOURCE_MEMORY] = {CAPDL_MEMORY, true}, [RESOURCE_MODULE] = {CAPDL_MODULE, true},
    [RESOURCE_SHARED] = {CAPDL_SHARED, true},    [RESOURCE_LOG] = {CAPDL_LOG, false},      [RESOURCE_LOG_TAIL] = {CAPDL_LOG_TAIL, false},
    [RESOURCE_UART] = {CAPDL_UART, false},       [RESOURCE_IOPORT] = {CAPDL_PORTS, false}, [RESOURCE_VECTORS] = {CAPDL_VECTORS, false},
    [RESOURCE_IPI] = {CAPDL_IPI, true},          [RESOURCE_DEVICE] = {CAPDL_DEVICE, true}, [RESOURCE_TEXT] = {CAPDL_TEXT, false},
    [RESOURCE_REQUESTERS] = {CAPDL_REQUESTERS, true},
    [RESOURCE_CHANNEL] = {CAPDL_CHANNEL, true},  [RESOURCE_MOVABLE] = {CAPDL_MOVABLE, false},
};

static void resource_params(struct conversion *c, uint32_t object, const struct system_request *r)
{
    const struct { enum capdl_key key; uint64_t value; } params[] = {
        {CAPDL_KEY_SIZE, r->size}, {CAPDL_KEY_ALIGN, r->align}, {CAPDL_KEY_WRITE, r->arg0}, {CAPDL_KEY_NODE, r->arg0},
        {CAPDL_KEY_VECTOR, r->arg1}, {CAPDL_KEY_FIRST, r->arg0}, {CAPDL_KEY_LAST, r->arg1},
    };
    for (size_t i = 0; i < sizeof params / sizeof params[0]; i++)
        if (capdl_keys[params[i].key].types >> c->m->objects[object].own & 1)
            capdl_param_add(c->m, object, params[i].key,
                            params[i].key == CAPDL_KEY_WRITE ? params[i].value != 0 : params[i].value, NULL);
    uint64_t holders = r->kind == RESOURCE_MEMORY ? r->arg0 : r->kind == RESOURCE_SHARED ? r->arg1 : 0;
    if (holders > 1) /* nodes; what else is the same on several nodes is a queue's, with two ends */
        capdl_param_add(c->m, object, CAPDL_KEY_HOLDERS, holders, NULL);
}

static void resource_add(struct conversion *c, const struct system_request *r)
{
    char name[CAPDL_NAME_MAX];
    uint32_t object;

    if (!memchr(r->name, 0, sizeof r->name) || r->kind >= sizeof kinds / sizeof kinds[0] || !kinds[r->kind].own) {
        fail(c, "the system request has an entry of unknown kind, or a name without an end");
        return;
    }
    /* What only the node's kernel or init uses may bear the name of a capability's resource (node 0's own log does). */
    snprintf(name, sizeof name, "%s%s", r->name, kinds[r->kind].capability ? "" : "@kernel");
    object = object_add(c, name, CAPDL_SCALAR, CAPDL_NOTHING);
    if (object == CAPDL_NONE)
        return;
    c->m->objects[object].own = kinds[r->kind].own;
    resource_params(c, object, r);
}

/* What another node has of a function's registers. */
static void registers_add(struct conversion *c, const struct system_request *r)
{
    uint32_t object = object_add(c, r->name, CAPDL_SCALAR, CAPDL_NOTHING);

    if (object == CAPDL_NONE)
        return;
    c->m->objects[object].own = CAPDL_DEVICE;
    capdl_param_add(c->m, object, CAPDL_KEY_SIZE, r->size, NULL);
    capdl_param_add(c->m, object, CAPDL_KEY_ALIGN, 4096, NULL);
}

static bool function_entry(const char *suffix, bool page)
{
    return page ? strcmp(suffix, "config") == 0 || strncmp(suffix, "bar", 3) == 0 : strcmp(suffix, "requester") == 0;
}

/* A PCI function is asked for by name alone; boot makes entries of its configuration space, registers and requester ID. Those that this
 * spec uses appear, as long as they are used. */
static void function_add(struct conversion *c, const struct system_request *r)
{
    size_t length = strlen(r->name);
    for (uint32_t i = 0; i < c->v->header->object_count && !c->failed; i++) {
        const struct spec_object *o = &c->v->objects[i];
        bool page = o->kind == SPEC_OBJECT_SHARED;
        if ((!page && o->kind != SPEC_OBJECT_NAMED) || strncmp(o->resource, r->name, length) != 0 || o->resource[length] != '.' ||
            capdl_find(c->m, o->resource, CAPDL_SCALAR) != CAPDL_NONE || !function_entry(o->resource + length + 1, page))
            continue;
        uint32_t object = object_add(c, o->resource, CAPDL_SCALAR, CAPDL_NOTHING);
        uint64_t pages = 0;
        for (uint32_t k = i; k < c->v->header->object_count; k++)
            if (strcmp(c->v->objects[k].resource, o->resource) == 0 && c->v->objects[k].page >= pages)
                pages = c->v->objects[k].page + 1ull;
        if (object == CAPDL_NONE)
            return;
        c->m->objects[object].own = page ? CAPDL_DEVICE : CAPDL_REQUESTERS;
        if (!page)
            continue;
        capdl_param_add(c->m, object, CAPDL_KEY_SIZE, pages * 4096, NULL);
        capdl_param_add(c->m, object, CAPDL_KEY_ALIGN, 4096, NULL);
    }
}

static void resources_add(struct conversion *c)
{
    uint32_t self = object_add(c, "node@kernel", CAPDL_SCALAR, CAPDL_NOTHING);
    if (self == CAPDL_NONE)
        return;
    c->m->objects[self].own = CAPDL_NODE;
    capdl_param_add(c->m, self, CAPDL_KEY_NODE, c->node, NULL);
    for (uint32_t i = 0; i < c->request->request_count && !c->failed; i++)
        if (c->request->requests[i].node == c->node && (c->request->requests[i].kind == SYSTEM_FUNCTION || c->request->requests[i].kind == SYSTEM_VF))
            function_add(c, &c->request->requests[i]);
        else if (c->request->requests[i].node == c->node && c->request->requests[i].kind == SYSTEM_REGISTERS)
            registers_add(c, &c->request->requests[i]);
        else if (c->request->requests[i].node == c->node)
            resource_add(c, &c->request->requests[i]);
}

int capdl_resources_add(struct capdl_model *m, const void *request, uint32_t node, const char *file, struct complaint *why)
{
    struct conversion c = {.m = m, .request = request, .file = file, .node = node, .why = why};
    resources_add(&c);
    return c.failed || m->full ? -1 : 0;
}

/* ---- objects ---- */

static enum capdl_type standard_type(const struct spec_object *o, enum capdl_type *own)
{
    *own = CAPDL_NOTHING;
    if (o->kind == SPEC_OBJECT_UNTYPED)
        return CAPDL_UT;
    if (o->kind == SPEC_OBJECT_IOPORTS)
        return CAPDL_IO_PORTS;
    switch (o->type) {
    case SEL4_TCB: return CAPDL_TCB;
    case SEL4_ENDPOINT: return CAPDL_EP;
    case SEL4_NOTIFICATION: return CAPDL_NOTIFICATION;
    case SEL4_CNODE: return CAPDL_CNODE;
    case SEL4_SCHED_CONTEXT: return CAPDL_SC;
    case SEL4_REPLY: return CAPDL_RTREPLY;
    case SEL4_X86_PML4: return CAPDL_PML4;
    case SEL4_X86_PDPT: return CAPDL_PDPT;
    case SEL4_X86_PAGE_DIRECTORY: return CAPDL_PD;
    case SEL4_X86_PAGE_TABLE: return CAPDL_PT;
    case SEL4_X86_4K_PAGE: return CAPDL_FRAME;
    case ATOLL_VCPU: return CAPDL_VCPU;
    case ATOLL_IO_SPACE: *own = CAPDL_IO_SPACE; return CAPDL_PML4;
    case ATOLL_NESTED_PML4: *own = CAPDL_NESTED_PML4; return CAPDL_PML4;
    case ATOLL_NESTED_PDPT: *own = CAPDL_NESTED_PDPT; return CAPDL_PDPT;
    case ATOLL_NESTED_PD: *own = CAPDL_NESTED_PD; return CAPDL_PD;
    case ATOLL_NESTED_PT: *own = CAPDL_NESTED_PT; return CAPDL_PT;
    default: return CAPDL_NOTHING; /* not one that spec_check() accepts */
    }
}

static bool made_here(const struct spec_object *o) { return o->kind != SPEC_OBJECT_NAMED && o->kind != SPEC_OBJECT_SHARED; }

/* Names in a spec may repeat: such objects get numbers, in the spec's order. */
static void numbered_name(const struct conversion *c, uint32_t i, char *name, size_t size)
{
    const struct spec_object *o = c->v->objects;
    uint32_t before = 0, after = 0;
    for (uint32_t k = 0; k < c->v->header->object_count; k++)
        if (k != i && made_here(&o[k]) && strcmp(o[k].name, o[i].name) == 0)
            *(k < i ? &before : &after) += 1;
    if (before + after)
        snprintf(name, size, "%s.%" PRIu32, o[i].name, before);
    else
        snprintf(name, size, "%s", o[i].name);
}

static uint32_t named_object(struct conversion *c, const struct spec_object *o)
{
    uint32_t object = capdl_find(c->m, o->resource, CAPDL_SCALAR);
    if (object == CAPDL_NONE) {
        fail(c, "the resource map of node %" PRIu32 " will have no '%s'", c->node, o->resource);
        return CAPDL_NONE;
    }
    struct capdl_object *x = &c->m->objects[object];
    if (x->own == CAPDL_IPI || x->own == CAPDL_CHANNEL)
        x->type = CAPDL_NOTIFICATION;
    else if (x->own == CAPDL_MEMORY || x->own == CAPDL_MODULE || x->own == CAPDL_DEVICE || x->own == CAPDL_REQUESTERS)
        x->type = CAPDL_UT; /* requester IDs are what the standard has nothing for: something that is handed on and divided */
    else
        fail(c, "'%s' gives no capability by its name", o->resource);
    return object;
}

/* Pages of shared memory: an array of frames, as long as the resource. */
static uint32_t shared_object(struct conversion *c, const struct spec_object *o)
{
    uint32_t resource = capdl_find(c->m, o->resource, CAPDL_SCALAR);
    const struct capdl_param *size = resource == CAPDL_NONE || (c->m->objects[resource].own != CAPDL_SHARED && c->m->objects[resource].own != CAPDL_DEVICE)
                                         ? NULL : capdl_param(c->m, resource, CAPDL_KEY_SIZE);
    if (!size || o->page >= size->value / 4096) {
        fail(c, "the resource map of node %" PRIu32 " will have no page %" PRIu32 " of '%s'", c->node, o->page, o->resource);
        return CAPDL_NONE;
    }
    for (uint64_t page = 0, pages = size->value / 4096; page < pages && !c->failed && !c->m->full; page++)
        if (capdl_find(c->m, o->resource, (uint32_t)page) == CAPDL_NONE)
            capdl_param_add(c->m, object_add(c, o->resource, (uint32_t)page, CAPDL_FRAME), CAPDL_KEY_PAGE_BITS, 12, NULL);
        else
            break; /* an earlier one of its pages made them all */
    return capdl_find(c->m, o->resource, o->page);
}

static void object_params(struct conversion *c, uint32_t i, uint32_t object)
{
    const struct spec_object *o = &c->v->objects[i];
    enum capdl_type type = c->m->objects[object].type;

    if (type == CAPDL_CNODE || type == CAPDL_SC || type == CAPDL_UT)
        capdl_param_add(c->m, object, CAPDL_KEY_BITS, o->size_bits, NULL);
    if (type == CAPDL_FRAME)
        capdl_param_add(c->m, object, CAPDL_KEY_PAGE_BITS, 12, NULL);
    if (type == CAPDL_IO_PORTS)
        capdl_param_add(c->m, object, CAPDL_KEY_PORTS, (o->page & 0xffff) | (uint64_t)(o->page >> 16) << 32, NULL);
}

static void irq_object(struct conversion *c, uint32_t i, uint32_t object)
{
    const struct spec_irq *q = c->v->irqs;
    while (q->object != i)
        q++; /* spec_check(): there is exactly one */
    capdl_irq_add(c->m, q->vector + SEL4_IRQ_USER_MIN, object);
    c->m->objects[object].type = q->ioapic_pin == SPEC_NONE ? CAPDL_IRQ : CAPDL_IOAPIC_IRQ;
    if (q->ioapic_pin == SPEC_NONE)
        return;
    capdl_param_add(c->m, object, CAPDL_KEY_IOAPIC_NUM, 0, NULL);
    capdl_param_add(c->m, object, CAPDL_KEY_IOAPIC_PIN, q->ioapic_pin, NULL);
    capdl_param_add(c->m, object, CAPDL_KEY_IOAPIC_LEVEL, q->level, NULL);
    capdl_param_add(c->m, object, CAPDL_KEY_IOAPIC_POLARITY, q->polarity, NULL);
}

static void objects_add(struct conversion *c)
{
    for (uint32_t i = 0; i < c->v->header->object_count && !c->failed; i++) {
        const struct spec_object *o = &c->v->objects[i];
        char name[sizeof o->name + 12];
        enum capdl_type own;

        if (o->kind == SPEC_OBJECT_NAMED) {
            c->objects[i] = named_object(c, o);
        } else if (o->kind == SPEC_OBJECT_SHARED) {
            c->objects[i] = shared_object(c, o);
        } else {
            numbered_name(c, i, name, sizeof name);
            c->objects[i] = object_add(c, name, CAPDL_SCALAR, standard_type(o, &own));
            if (c->objects[i] == CAPDL_NONE)
                return;
            c->m->objects[c->objects[i]].own = own;
            if (o->kind == SPEC_OBJECT_IRQ)
                irq_object(c, i, c->objects[i]);
            else
                object_params(c, i, c->objects[i]);
        }
    }
}

/* Contents name bytes of the spec's file. */
static void fills_add(struct conversion *c)
{
    for (uint32_t i = 0; i < c->v->header->fill_count; i++) {
        const struct spec_fill *f = &c->v->fills[i];
        const char *name = strrchr(c->file, '/');
        char text[CAPDL_NAME_MAX + 128];
        snprintf(text, sizeof text, "%" PRIu32 " %" PRIu64 " CDL_FrameFill_FileData \"%.64s\" %" PRIu64, f->offset, f->length,
                 name ? name + 1 : c->file, c->v->header->data + f->data);
        capdl_param_add(c->m, c->objects[f->frame], CAPDL_KEY_FILL, 0, text);
    }
}

/* ---- capabilities ---- */

static uint32_t rights_of(uint32_t rights)
{
    return (rights & SEL4_RIGHT_READ ? CAPDL_READ : 0) | (rights & SEL4_RIGHT_WRITE ? CAPDL_WRITE : 0) |
           (rights & SEL4_RIGHT_GRANT ? CAPDL_GRANT : 0) | (rights & SEL4_RIGHT_GRANT_REPLY ? CAPDL_GRANT_REPLY : 0);
}

static void guard_set(struct capdl_cap *c, uint64_t word) /* a CNode capability's data word: guard above its 6-bit size */
{
    c->guard_size = word & 63;
    c->guard = word >> 6;
}

static void caps_add(struct conversion *c)
{
    for (uint32_t i = 0; i < c->v->header->cap_count; i++) {
        const struct spec_cap *a = &c->v->caps[i];
        uint32_t object = c->objects[a->object];
        const struct capdl_object *o = &c->m->objects[object];
        struct capdl_cap *cap = capdl_cap_add(c->m, c->objects[a->cnode], a->slot, object);
        bool message = o->type == CAPDL_EP || (o->type == CAPDL_NOTIFICATION && o->own != CAPDL_IPI && o->own != CAPDL_CHANNEL);

        cap->span = a->span;
        if (o->own == CAPDL_IPI)
            cap->rights = CAPDL_WRITE; /* all that such a capability can do */
        else if (o->own == CAPDL_CHANNEL) /* one end sends, the other one receives */
            cap->rights = capdl_param(c->m, object, CAPDL_KEY_WRITE)->value ? CAPDL_WRITE : CAPDL_READ;
        else if (message || o->type == CAPDL_FRAME)
            cap->rights = rights_of(a->rights);
        if (message)
            cap->badge = a->badge;
        if (o->type == CAPDL_CNODE)
            guard_set(cap, a->badge);
    }
}

/* The table of `type` mapped at `base` under a root; the PML4 is its own. */
static uint32_t table_at(const struct conversion *c, uint32_t root, enum capdl_type type, uint64_t base)
{
    if (type == CAPDL_PML4)
        return root;
    for (uint32_t i = 0; i < c->table_count; i++)
        if (c->tables[i].root == root && c->tables[i].type == type && c->tables[i].base == base)
            return c->tables[i].table;
    return CAPDL_NONE;
}

static void mappings_add(struct conversion *c)
{
    /* Who holds what, and where its slot's number stands in the address. */
    static const struct { enum capdl_type holder; unsigned shift; } places[CAPDL_TYPES] = {
        [CAPDL_PDPT] = {CAPDL_PML4, 39}, [CAPDL_PD] = {CAPDL_PDPT, 30}, [CAPDL_PT] = {CAPDL_PD, 21}, [CAPDL_FRAME] = {CAPDL_PT, 12}};

    for (uint32_t i = 0; i < c->v->header->mapping_count && !c->failed; i++) {
        const struct spec_mapping *a = &c->v->mappings[i];
        uint32_t root = c->objects[a->vspace], object = c->objects[a->object];
        enum capdl_type type = c->m->objects[object].type;
        unsigned shift = places[type].shift;
        uint32_t holder = table_at(c, root, places[type].holder, a->vaddr >> (shift + 9) << (shift + 9));

        if (holder == CAPDL_NONE) {
            fail(c, "mapping %" PRIu32 ": no table is there for address 0x%" PRIx64, i, a->vaddr);
            return;
        }
        struct capdl_cap *cap = capdl_cap_add(c->m, holder, a->vaddr >> shift & 511, object);
        if (type == CAPDL_FRAME) {
            cap->rights = rights_of(a->rights) | (a->executable ? CAPDL_GRANT : 0);
            cap->uncached = a->uncached;
            continue;
        }
        c->tables[c->table_count].root = root;
        c->tables[c->table_count].table = object;
        c->tables[c->table_count].type = type;
        c->tables[c->table_count++].base = a->vaddr;
    }
}

static void tcb_slot(struct conversion *c, uint32_t tcb, enum capdl_tcb_slot slot, uint32_t object, uint32_t rights, uint64_t badge)
{
    struct capdl_cap *cap;
    if (object == SPEC_NONE)
        return;
    cap = capdl_cap_add(c->m, tcb, slot, c->objects[object]);
    cap->rights = rights;
    cap->badge = badge;
}

static void thread_add(struct conversion *c, const struct spec_thread *t)
{
    uint32_t tcb = c->objects[t->tcb];
    const struct { enum capdl_key key; uint64_t value; } params[] = {
        {CAPDL_KEY_ADDR, t->ipc_vaddr}, {CAPDL_KEY_IP, t->ip}, {CAPDL_KEY_SP, t->sp}, {CAPDL_KEY_PRIO, t->priority},
        {CAPDL_KEY_MAX_PRIO, t->mcp}, {CAPDL_KEY_AFFINITY, 0}, {CAPDL_KEY_RESUME, t->resume},
        {CAPDL_KEY_FPU_DISABLED, t->flags & SEL4_TCB_FLAG_FPU_DISABLED},
        {CAPDL_KEY_DOM, 0}, {CAPDL_KEY_INIT, t->argument},
    };
    for (size_t i = 0; i < sizeof params / sizeof params[0]; i++)
        capdl_param_add(c->m, tcb, params[i].key, params[i].value, NULL);
    struct capdl_cap *cspace = capdl_cap_add(c->m, tcb, CAPDL_TCB_CSPACE, c->objects[t->cnode]);
    guard_set(cspace, t->cnode_guard);
    tcb_slot(c, tcb, CAPDL_TCB_VSPACE, t->vspace, 0, 0);
    tcb_slot(c, tcb, CAPDL_TCB_IPC_BUFFER, t->ipc_frame, CAPDL_READ | CAPDL_WRITE, 0);
    tcb_slot(c, tcb, CAPDL_TCB_FAULT_EP, t->fault_ep, CAPDL_WRITE | CAPDL_GRANT_REPLY, t->fault_badge);
    tcb_slot(c, tcb, CAPDL_TCB_SC, t->sc, 0, 0);
    tcb_slot(c, tcb, CAPDL_TCB_NOTIFICATION, t->notification, CAPDL_READ | CAPDL_WRITE, 0);
    tcb_slot(c, tcb, CAPDL_TCB_VCPU, t->vcpu, 0, 0);
    if (t->sc == SPEC_NONE)
        return;
    uint32_t sc = c->objects[t->sc];
    if (capdl_param(c->m, sc, CAPDL_KEY_PERIOD)) {
        fail(c, "two threads run on the scheduling context '%s'", c->m->objects[sc].name);
        return;
    }
    capdl_param_add(c->m, sc, CAPDL_KEY_PERIOD, t->period_us, NULL);
    capdl_param_add(c->m, sc, CAPDL_KEY_BUDGET, t->budget_us, NULL);
    capdl_param_add(c->m, sc, CAPDL_KEY_DATA, 0, NULL);
}

static void interrupts_add(struct conversion *c)
{
    for (uint32_t i = 0; i < c->v->header->irq_count; i++) {
        const struct spec_irq *q = &c->v->irqs[i];
        struct capdl_cap *cap = capdl_cap_add(c->m, c->objects[q->object], 0, c->objects[q->notification]);
        cap->rights = CAPDL_WRITE;
        cap->badge = q->badge;
    }
}

/* ---- parties: which threads are trusted, which belong to the node's VM ---- */

/* Components by the name before ".tcb". Whatever else runs is the VM's, if the node has one. */
static bool is_trusted(const char *component)
{
    return strcmp(component, "manager") == 0 || strcmp(component, "console") == 0 || strncmp(component, "pf-", 3) == 0 ||
           strncmp(component, "switch-", 7) == 0 || strncmp(component, "nvme-", 5) == 0;
}

static void component_of(const char *tcb, char *component, size_t size)
{
    snprintf(component, size, "%.*s", (int)strcspn(tcb, "."), tcb);
}

/* The VM's name stands in its configuration frame. */
static bool vm_name(const struct conversion *c, char *name)
{
    for (uint32_t i = 0; i < c->v->header->fill_count; i++) {
        const struct spec_fill *f = &c->v->fills[i];
        struct vm_config config; /* a copy: bytes in a spec are not aligned */
        if (f->offset != 0 || f->length != sizeof config)
            continue;
        memcpy(&config, c->v->data + f->data, sizeof config);
        if (config.magic == VM_CONFIG_MAGIC && memchr(config.name, 0, sizeof config.name)) {
            snprintf(name, CAPDL_NAME_MAX, "vm.%s", config.name);
            return true;
        }
    }
    return false;
}

/* Memory that the node manager holds by name: it binds it to the node's VM. */
static void vm_memory(struct conversion *c, uint32_t vm, uint32_t slot, uint32_t cnode)
{
    for (uint32_t i = 0; i < c->v->header->cap_count; i++) {
        const struct spec_cap *a = &c->v->caps[i];
        if (a->cnode == cnode && c->v->objects[a->object].kind == SPEC_OBJECT_NAMED &&
            c->m->objects[c->objects[a->object]].type == CAPDL_UT)
            capdl_cap_add(c->m, vm, slot++, c->objects[a->object]);
    }
}

static void parties_add(struct conversion *c)
{
    char component[SPEC_NAME_MAX], name[CAPDL_NAME_MAX];
    uint32_t vm = CAPDL_NONE, members = 0, memory_of = CAPDL_NONE;

    if (vm_name(c, name)) {
        vm = object_add(c, name, CAPDL_SCALAR, CAPDL_NOTHING);
        if (vm == CAPDL_NONE)
            return;
        c->m->objects[vm].own = CAPDL_VM;
    }
    for (uint32_t i = 0; i < c->v->header->thread_count && !c->failed; i++) {
        const struct spec_thread *t = &c->v->threads[i];
        component_of(c->v->objects[t->tcb].name, component, sizeof component);
        if (is_trusted(component)) {
            uint32_t party = object_add(c, component, CAPDL_SCALAR, CAPDL_NOTHING);
            if (party == CAPDL_NONE)
                return;
            c->m->objects[party].own = CAPDL_TRUSTED;
            capdl_cap_add(c->m, party, 0, c->objects[t->tcb]);
            if (strcmp(component, "manager") == 0)
                memory_of = t->cnode;
        } else if (vm != CAPDL_NONE) {
            capdl_cap_add(c->m, vm, members++, c->objects[t->tcb]);
        }
    }
    if (vm != CAPDL_NONE && memory_of != CAPDL_NONE)
        vm_memory(c, vm, members, memory_of);
}

/* ---- the whole ---- */

static bool request_good(const void *bytes, size_t size)
{
    const struct system_header *h = bytes;
    return size >= sizeof *h && h->magic == SYSTEM_MAGIC && h->request_count <= SYSTEM_MAX_REQUESTS &&
           h->node_count <= SYSTEM_MAX_NODES && size >= sizeof *h + h->request_count * sizeof h->requests[0];
}

static void convert(struct conversion *c)
{
    void (*const steps[])(struct conversion *) = {resources_add, objects_add,    fills_add,     caps_add,
                                                  mappings_add,  interrupts_add, parties_add};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && !c->failed && !c->m->full; i++)
        steps[i](c);
    for (uint32_t i = 0; i < c->v->header->thread_count && !c->failed && !c->m->full; i++)
        thread_add(c, &c->v->threads[i]);
    uint32_t twice = c->failed ? CAPDL_NONE : capdl_sort(c->m);
    if (twice != CAPDL_NONE)
        fail(c, "slot %" PRIu32 " of '%s' is filled twice", c->m->caps[twice].slot, c->m->objects[c->m->caps[twice].holder].name);
    if (c->m->full)
        fail(c, "the spec is too large");
}

struct capdl_model *capdl_from_spec(const void *spec, size_t spec_size, const void *request, size_t request_size, uint32_t node,
                                    const char *file, struct complaint *why)
{
    struct spec_view view;
    struct conversion c = {.v = &view, .request = request, .file = file, .node = node, .why = why};
    char text[160];

    if (!request_good(request, request_size)) {
        snprintf(why->text, sizeof why->text, "%s: the system request beside it is none, or cut off", file);
        return NULL;
    }
    if (spec_check(spec, spec_size, node, &view, text, sizeof text) != 0) {
        snprintf(why->text, sizeof why->text, "%s: %s", file, text);
        return NULL;
    }
    c.m = capdl_new();
    c.objects = calloc(view.header->object_count + 1, sizeof *c.objects);
    c.tables = calloc(view.header->mapping_count + 1, sizeof *c.tables);
    if (c.m && c.objects && c.tables)
        convert(&c);
    else
        fail(&c, "not enough memory");
    free(c.objects);
    free(c.tables);
    if (c.failed) {
        capdl_free(c.m);
        return NULL;
    }
    return c.m;
}
