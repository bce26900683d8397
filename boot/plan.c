#include "bytes.h"
#include "channels.h"
#include "functions.h"
#include "plan.h"
#include "requirements.h"
#include "text.h"

#define PAGE 4096ull
#define MIB (1ull << 20)
#define LOW_MEMORY MIB /* below it: firmware data, trampoline; given to nobody but REST's node 0, as device memory */

#define REFUSE(plan, ...) (text_format((plan)->reason, sizeof (plan)->reason, __VA_ARGS__), false)

static uint64_t round_up(uint64_t value, uint64_t align)
{
    return (value + align - 1) & ~(align - 1);
}

bool plan_kind_has_memory(uint32_t kind)
{
    return kind == RESOURCE_MEMORY || kind == RESOURCE_MODULE || kind == RESOURCE_SHARED || kind == RESOURCE_LOG ||
           kind == RESOURCE_LOG_TAIL || kind == RESOURCE_CHANNEL;
}

static bool kind_is_common(uint32_t kind)
{
    return kind == RESOURCE_SHARED || kind == RESOURCE_LOG || kind == RESOURCE_LOG_TAIL || kind == RESOURCE_CHANNEL;
}

/* Equal names on different nodes are the same memory. Guest memory is that only where each of its requests says so. */
static bool request_is_common(const struct system_request *r)
{
    return kind_is_common(r->kind) || (r->kind == RESOURCE_MEMORY && r->arg0 > 1);
}

/* How many nodes may hold it: two ends of a queue, unless more are declared. */
static uint64_t holders_declared(const struct system_request *r)
{
    uint64_t declared = r->kind == RESOURCE_MEMORY ? r->arg0 : r->kind == RESOURCE_SHARED ? r->arg1 : 0;
    return declared > 2 ? declared : 2;
}

static bool kind_at_most_once(uint32_t kind)
{
    return kind == RESOURCE_PRIVATE || kind == RESOURCE_LOG || kind == RESOURCE_LOG_TAIL || kind == RESOURCE_UART;
}

static const char *kind_name(uint32_t kind)
{
    switch (kind) {
    case RESOURCE_PRIVATE: return "private memory";
    case RESOURCE_MEMORY: return "memory";
    case RESOURCE_MODULE: return "module";
    case RESOURCE_SHARED: return "shared memory";
    case RESOURCE_LOG: return "log";
    case RESOURCE_LOG_TAIL: return "log tail";
    case RESOURCE_UART: return "serial port";
    case RESOURCE_IOPORT: return "I/O ports";
    case RESOURCE_VECTORS: return "vectors";
    case RESOURCE_IPI: return "IPI";
    case RESOURCE_TEXT: return "text";
    case RESOURCE_REQUESTERS: return "PCI devices";
    case RESOURCE_CHANNEL: return "channel";
    case RESOURCE_MOVABLE: return "thing to be moved";
    case SYSTEM_FUNCTION: return "PCI function";
    case SYSTEM_VF: return "virtual function";
    case SYSTEM_REGISTERS: return "registers";
    default: return NULL;
    }
}

/* --- checks of the request: nothing is placed before all of it is accepted --- */

static bool check_header(const struct plan_input *in, struct plan *plan)
{
    const struct system_header *s = (const struct system_header *)in->system;
    if ((uintptr_t)in->system % _Alignof(struct system_header) || in->system_size < sizeof *s || s->magic != SYSTEM_MAGIC)
        return REFUSE(plan, "the module \"system\" is not a system request");
    if (s->bytes != in->system_size || s->request_count > SYSTEM_MAX_REQUESTS ||
        in->system_size < sizeof *s + s->request_count * sizeof s->requests[0])
        return REFUSE(plan, "the system request is truncated: %u requests in %lu bytes", s->request_count, in->system_size);
    if (s->node_count == 0 || s->node_count > SYSTEM_MAX_NODES)
        return REFUSE(plan, "the system request names %u nodes; 1 to %u are possible", s->node_count, SYSTEM_MAX_NODES);
    if (!requirement_cores(in->core_count, s->node_count, plan->reason, sizeof plan->reason) ||
        !requirement_memory(ranges_total(&in->boot->ram), request_memory(s), plan->reason, sizeof plan->reason))
        return false;
    plan->system = s;
    return true;
}

static bool check_size(const struct system_request *r, struct plan *plan)
{
    bool sized = r->kind == RESOURCE_PRIVATE || r->kind == SYSTEM_REGISTERS || (plan_kind_has_memory(r->kind) && r->kind != RESOURCE_MODULE);
    if (sized && (r->size == 0 || r->size % PAGE || r->size > 1ull << 52))
        return REFUSE(plan, "node %u: \"%s\" asks for %lu bytes; memory comes in multiples of 4096", r->node, r->name, r->size);
    if (r->kind == RESOURCE_LOG && r->size > PLAN_LARGE_PAGE)
        return REFUSE(plan, "node %u: log \"%s\" is larger than 2 MiB", r->node, r->name);
    if (r->kind == RESOURCE_LOG_TAIL && r->size != PAGE)
        return REFUSE(plan, "node %u: log tail \"%s\" must be one page", r->node, r->name);
    if (r->kind == RESOURCE_PRIVATE && (r->arg0 >= r->size || r->arg0 % PLAN_WINDOW_STEP))
        return REFUSE(plan, "node %u: \"%s\" asks for the impossible %lu bytes of objects", r->node, r->name, r->arg0);
    if (r->align & (r->align - 1))
        return REFUSE(plan, "node %u: \"%s\" asks for an alignment that is not a power of two", r->node, r->name);
    return true;
}

static bool ends_before(const char *name, unsigned length)
{
    unsigned i = 0;
    while (i < length && name[i])
        i++;
    return i < length;
}

static bool check_arguments(const struct system_request *r, struct plan *plan)
{
    if ((r->kind == RESOURCE_IPI || r->kind == RESOURCE_LOG) && r->arg0 >= plan->system->node_count)
        return REFUSE(plan, "node %u: \"%s\" targets node %lu, which does not exist", r->node, r->name, r->arg0);
    if ((r->kind == RESOURCE_IPI || (r->kind == RESOURCE_LOG && r->arg1)) && (r->arg1 < 0x20 || r->arg1 > 0xff))
        return REFUSE(plan, "node %u: \"%s\" has the impossible vector %lu", r->node, r->name, r->arg1);
    if (r->kind == RESOURCE_VECTORS && (r->arg0 < 0x20 || r->arg1 > 0xff || r->arg0 > r->arg1))
        return REFUSE(plan, "node %u: \"%s\" has the impossible vector range %lu to %lu", r->node, r->name, r->arg0, r->arg1);
    if (r->kind == RESOURCE_IOPORT && (r->arg1 > 0xffff || r->arg0 > r->arg1))
        return REFUSE(plan, "node %u: \"%s\" has the impossible port range %lu to %lu", r->node, r->name, r->arg0, r->arg1);
    if (r->kind == RESOURCE_REQUESTERS && (r->arg0 > 0xffff || r->arg1 > UINT32_MAX || (r->arg1 & 0xffff) > r->arg1 >> 16))
        return REFUSE(plan, "node %u: \"%s\" has the impossible range of PCI devices 0x%lx in segment %lu", r->node, r->name, r->arg1,
                      r->arg0);
    if ((r->kind == SYSTEM_FUNCTION || r->kind == SYSTEM_VF) && !ends_before(r->name, RESOURCE_NAME_MAX - sizeof ".requester"))
        return REFUSE(plan, "node %u: \"%s\" is too long a name for a PCI function", r->node, r->name);
    if (r->kind == RESOURCE_UART && r->node != 0)
        return REFUSE(plan, "node %u: the serial port belongs to node 0", r->node);
    return true;
}

/* Request i against the ones before it. */
static bool check_against_earlier(unsigned i, struct plan *plan)
{
    const struct system_request *r = &plan->system->requests[i];
    unsigned holders = 1;
    for (unsigned k = 0; k < i; k++) {
        const struct system_request *e = &plan->system->requests[k];
        bool same_name = strcmp(e->name, r->name) == 0;
        bool common = same_name && request_is_common(r) && request_is_common(e);
        bool one_shared = r->kind == RESOURCE_SHARED || e->kind == RESOURCE_SHARED;
        bool channel = r->kind == RESOURCE_CHANNEL || e->kind == RESOURCE_CHANNEL;
        bool memory = r->kind == RESOURCE_MEMORY || e->kind == RESOURCE_MEMORY;
        if (same_name && memory && (r->kind != e->kind || r->arg0 != e->arg0 || r->align != e->align))
            return REFUSE(plan, "\"%s\" is asked for by node %u and by node %u in different ways", r->name, e->node, r->node);
        if (common && channel && r->kind != e->kind)
            return REFUSE(plan, "the channel \"%s\" has the name of other memory", r->name);
        if (common && !one_shared && !channel && !memory)
            return REFUSE(plan, "\"%s\" is the log of two kernels, or both ends of one log", r->name);
        /* A node may hold its own kernel's log as shared memory too: the control node's console reads it. */
        bool own_log = common && e->kind != r->kind;
        if (e->node == r->node && !own_log) {
            if (same_name)
                return REFUSE(plan, "node %u: two requests are called \"%s\"", r->node, r->name);
            if (e->kind == r->kind && kind_at_most_once(r->kind))
                return REFUSE(plan, "node %u: asks twice for %s", r->node, kind_name(r->kind));
        } else if (common) {
            holders++;
            if (holders_declared(e) != holders_declared(r))
                return REFUSE(plan, "\"%s\" is declared for %lu nodes and for %lu", r->name, holders_declared(e), holders_declared(r));
            if (e->size != r->size)
                return REFUSE(plan, "shared memory \"%s\" has %lu bytes on node %u, but %lu on node %u", r->name, e->size, e->node,
                              r->size, r->node);
        } else if (r->kind == RESOURCE_IOPORT && e->kind == RESOURCE_IOPORT && e->arg0 <= r->arg1 && r->arg0 <= e->arg1) {
            return REFUSE(plan, "I/O ports %lu to %lu are given to node %u and to node %u", r->arg0, r->arg1, e->node, r->node);
        } else if (r->kind == RESOURCE_REQUESTERS && e->kind == RESOURCE_REQUESTERS && e->arg0 == r->arg0 &&
                   (e->arg1 & 0xffff) <= r->arg1 >> 16 && (r->arg1 & 0xffff) <= e->arg1 >> 16) {
            return REFUSE(plan, "PCI devices of segment %lu are given to node %u as \"%s\" and to node %u as \"%s\"", r->arg0, e->node,
                          e->name, r->node, r->name);
        }
    }
    if (holders > holders_declared(r))
        return REFUSE(plan, "shared memory \"%s\" is given more than %lu times", r->name, holders_declared(r));
    return true;
}

static bool check_requests(const struct plan_input *in, struct plan *plan)
{
    const struct system_header *s = plan->system;
    for (unsigned i = 0; i < s->request_count; i++) {
        const struct system_request *r = &s->requests[i];
        if (r->name[RESOURCE_NAME_MAX - 1] != '\0' || r->name[0] == '\0')
            return REFUSE(plan, "request %u has no proper name", i);
        if (!kind_name(r->kind))
            return REFUSE(plan, "request \"%s\" is of kind %u, which cannot be asked for", r->name, r->kind);
        if (r->node >= s->node_count)
            return REFUSE(plan, "request \"%s\" is for node %u, which does not exist", r->name, r->node);
        if (!check_size(r, plan) || !check_arguments(r, plan) || !check_against_earlier(i, plan))
            return false;
        if (r->kind == RESOURCE_MODULE) {
            const struct module *m = input_module(in->boot, r->name);
            if (!m || m->size == 0)
                return REFUSE(plan, "node %u: module \"%s\" %s", r->node, r->name, m ? "is empty" : "was not loaded");
            plan->module[i] = (uint64_t)(m - in->boot->modules);
        }
    }
    return channels_check(plan);
}

/* --- placement --- */

static bool no_room(const struct ranges *free, const char *name, uint64_t wanted, uint64_t align, struct plan *plan)
{
    struct range r = ranges_largest(free, align);
    return REFUSE(plan, "no room for \"%s\": it wants %lu KiB in one piece, the largest free piece has %lu KiB; give the machine more memory or ask for less",
                  name, wanted / 1024, (r.end - r.start) / 1024);
}

/* Pages for a kernel's tables, of a node with `size` bytes of private memory: one page directory per GiB of window and one page table per
 * 2 MiB of image, each begun; the window's last part (1), the map (1), the log (2, as check_size limits it), the IOAPICs (1), the
 * channels (1), the upper levels (5), and boot's hand-over table (1); for IOMMUs one, and four each. */
static uint64_t table_pages(const struct plan_input *in, uint64_t size)
{
    return (size >> 30) + 1 + in->kernel_size / PLAN_LARGE_PAGE + 1 + 12 + (in->iommu_count ? 1 + 4 * in->iommu_count : 0);
}

static uint64_t front_bytes(const struct plan_input *in, uint64_t size)
{
    return in->kernel_size + RESOURCE_MAP_MAX_BYTES + table_pages(in, size) * PAGE + PLAN_STACK_SIZE;
}

static bool too_small(const struct plan_input *in, unsigned index, uint64_t size, struct plan *plan)
{
    return REFUSE(plan, "node %u: %lu KiB of private memory are too small: kernel and tables take %lu KiB with %u IOMMUs, init takes %lu KiB; "
                  "raise machine.node-memory", index, size / 1024, front_bytes(in, size) / 1024, in->iommu_count, in->init_size / 1024);
}

/* Divide a node's private range: [image][map][tables][stack][window]. */
static bool divide_private(const struct plan_input *in, unsigned index, struct range private, struct plan *plan)
{
    struct plan_node *n = &plan->nodes[index];
    uint64_t size = private.end - private.start;
    n->private = private;
    n->image = private.start;
    n->map = n->image + in->kernel_size;
    n->tables.start = n->map + RESOURCE_MAP_MAX_BYTES;
    n->tables.end = n->tables.start + table_pages(in, size) * PAGE;
    n->stack = n->tables.end;
    n->window.start = round_up(n->stack + PLAN_STACK_SIZE, PLAN_LARGE_PAGE);
    n->window.end = private.end;
    uint64_t overhead = n->window.start - private.start;
    if (overhead >= size || in->init_size >= size - overhead)
        return too_small(in, index, size, plan);
    if (size - overhead > PLAN_MAX_WINDOW)
        return REFUSE(plan, "node %u: private memory of more than 128 GiB", index);
    return true;
}

/* The window begins at a multiple of 2 MiB and has the size that the request says, or what is left, in whole steps; the rest goes before
 * it, and other memory before that. */
static bool place_one_private(const struct plan_input *in, struct ranges *free, const struct system_request *r, struct plan *plan)
{
    uint64_t least = front_bytes(in, r->size), start;
    uint64_t window = r->arg0 ? r->arg0 : r->size > least ? (r->size - least) & ~(PLAN_WINDOW_STEP - 1) : 0;
    if (window == 0 || least > r->size - window)
        return too_small(in, r->node, r->size, plan);
    uint64_t before = round_up(r->size - window, PLAN_LARGE_PAGE), unused = before - (r->size - window);
    if (!ranges_take(free, before + window, PLAN_LARGE_PAGE, &start))
        return no_room(free, r->name, before + window, PLAN_LARGE_PAGE, plan);
    if (!ranges_add(free, start, start + unused))
        return REFUSE(plan, "the free memory has too many pieces");
    return divide_private(in, r->node, (struct range){start + unused, start + before + window}, plan);
}

static bool place_private(const struct plan_input *in, struct ranges *free, struct plan *plan)
{
    const struct system_header *s = plan->system;
    for (unsigned i = 0; i < s->request_count; i++) {
        const struct system_request *r = &s->requests[i];
        if (r->kind != RESOURCE_PRIVATE || (r->node == 0 && (s->flags & SYSTEM_FLAG_REST)))
            continue;
        if (!place_one_private(in, free, r, plan))
            return false;
    }
    for (unsigned n = s->flags & SYSTEM_FLAG_REST ? 1 : 0; n < s->node_count; n++)
        if (!plan->nodes[n].private.end)
            return REFUSE(plan, "node %u asks for no private memory", n);
    return true;
}

/* A file's pages; one of 2 MiB and more so that large pages can map it. */
static uint64_t module_bytes(const struct plan_input *in, unsigned i, const struct plan *plan)
{
    return round_up(in->boot->modules[plan->module[i]].size, PAGE);
}

static uint64_t request_align(const struct plan_input *in, unsigned i, const struct plan *plan)
{
    const struct system_request *r = &plan->system->requests[i];
    if (r->kind == RESOURCE_MODULE)
        return module_bytes(in, i, plan) < PLAN_LARGE_PAGE ? PAGE : PLAN_LARGE_PAGE;
    return r->align > PAGE ? r->align : PAGE;
}

static bool place_request(const struct plan_input *in, struct ranges *free, unsigned i, struct plan *plan)
{
    const struct system_header *s = plan->system;
    const struct system_request *r = &s->requests[i];
    if (request_is_common(r))
        for (unsigned k = 0; k < s->request_count; k++) /* the other node has it already? */
            if (plan->memory[k].end && request_is_common(&s->requests[k]) && strcmp(s->requests[k].name, r->name) == 0) {
                plan->memory[i] = plan->memory[k];
                return true;
            }
    uint64_t align = request_align(in, i, plan), size = r->kind == RESOURCE_MODULE ? module_bytes(in, i, plan) : r->size, start;
    if (!ranges_take(free, size, align, &start))
        return no_room(free, r->name, size, align, plan);
    plan->memory[i] = (struct range){start, start + size};
    return true;
}

/* Coarse alignments first: what they leave in between serves the finer ones. */
static bool place_requests(const struct plan_input *in, struct ranges *free, struct plan *plan)
{
    static const uint64_t at_least[] = {1ull << 30, PLAN_LARGE_PAGE, 0};
    const struct system_header *s = plan->system;
    for (unsigned pass = 0; pass < 3; pass++)
        for (unsigned i = 0; i < s->request_count; i++) {
            if (!plan_kind_has_memory(s->requests[i].kind))
                continue;
            uint64_t align = request_align(in, i, plan);
            bool now = align >= at_least[pass] && (pass == 0 || align < at_least[pass - 1]);
            if (now && !place_request(in, free, i, plan))
                return false;
        }
    return true;
}

/* REST: node 0 gets the largest free piece as private memory, the others frame-only, and what is not RAM as device memory. */
static bool place_rest(const struct plan_input *in, struct ranges *free, struct plan *plan)
{
    if (!(plan->system->flags & SYSTEM_FLAG_REST))
        return true;
    struct range private = ranges_largest(free, PLAN_LARGE_PAGE);
    if (private.end - private.start > PLAN_MAX_WINDOW)
        private.end = private.start + PLAN_MAX_WINDOW;
    if (!ranges_remove(free, private.start, private.end))
        return REFUSE(plan, "the free memory has too many pieces");
    if (!divide_private(in, 0, private, plan))
        return false;

    static struct ranges holes;
    holes.count = 0;
    bool fits = ranges_add(&holes, 0, in->phys_limit);
    for (unsigned i = 0; i < in->boot->ram.count; i++)
        fits = fits && ranges_remove(&holes, in->boot->ram.r[i].start, in->boot->ram.r[i].end);
    fits = fits && ranges_add(&holes, 0, LOW_MEMORY);
    for (unsigned i = 0; i < in->kept->count; i++)
        fits = fits && ranges_remove(&holes, in->kept->r[i].start, in->kept->r[i].end);
    if (!fits || free->count + holes.count > PLAN_MAX_REST)
        return REFUSE(plan, "the address space has too many pieces to hand them to one node");
    for (unsigned i = 0; i < free->count; i++)
        plan->rest[plan->rest_count++] = (struct plan_rest){free->r[i], true};
    for (unsigned i = 0; i < holes.count; i++)
        plan->rest[plan->rest_count++] = (struct plan_rest){holes.r[i], false};
    return true;
}

bool plan_is_first(const struct plan *plan, unsigned request)
{
    const struct system_header *s = plan->system;
    const struct system_request *r = &s->requests[request];
    for (unsigned k = 0; k < request && request_is_common(r); k++)
        if (request_is_common(&s->requests[k]) && strcmp(s->requests[k].name, r->name) == 0)
            return false;
    return true;
}

/* --- the proof of the pudding: from what was handed out alone --- */

struct given { struct range range; bool ram; };
static struct given given[SYSTEM_MAX_NODES + SYSTEM_MAX_REQUESTS + PLAN_MAX_REST + RANGES_MAX];

static unsigned list_given(const struct plan_input *in, const struct plan *plan)
{
    const struct system_header *s = plan->system;
    unsigned n = 0;
    for (unsigned i = 0; i < s->node_count; i++)
        given[n++] = (struct given){plan->nodes[i].private, true};
    for (unsigned i = 0; i < s->request_count; i++) {
        if (plan_kind_has_memory(s->requests[i].kind) && plan_is_first(plan, i))
            given[n++] = (struct given){plan->memory[i], true};
    }
    for (unsigned i = 0; i < plan->rest_count; i++)
        given[n++] = (struct given){plan->rest[i].range, plan->rest[i].ram};
    for (unsigned i = 0; i < in->own->count; i++)
        given[n++] = (struct given){in->own->r[i], false};
    return n;
}

static bool check_disjoint(const struct plan_input *in, struct plan *plan)
{
    unsigned n = list_given(in, plan);
    for (unsigned i = 1; i < n; i++) /* insertion sort: nearly sorted already */
        for (unsigned k = i; k > 0 && given[k].range.start < given[k - 1].range.start; k--) {
            struct given swap = given[k];
            given[k] = given[k - 1];
            given[k - 1] = swap;
        }
    for (unsigned i = 0; i < n; i++) {
        const struct range *r = &given[i].range;
        if (r->end < r->start || (i && r->start < given[i - 1].range.end))
            return REFUSE(plan, "internal error: memory at 0x%lx is given twice", r->start);
        if (given[i].ram && (r->start < LOW_MEMORY || !ranges_contain(&in->boot->ram, r->start, r->end)))
            return REFUSE(plan, "internal error: memory at 0x%lx is given away, but is not usable RAM", r->start);
    }
    return true;
}

/* Each node's map must hold its entries. */
static bool count_entries(const struct plan_input *in, struct plan *plan)
{
    const struct system_header *s = plan->system;
    for (unsigned n = 0; n < s->node_count; n++)
        plan->nodes[n].entry_count = 2; /* init, the rest of the window */
    for (unsigned i = 0; i < s->request_count; i++) {
        uint32_t kind = s->requests[i].kind;
        if (kind == RESOURCE_MOVABLE)
            channels_count_entries(in, i, plan);
        else
            plan->nodes[s->requests[i].node].entry_count += kind == RESOURCE_REQUESTERS ? in->iommu_count
                : kind == SYSTEM_FUNCTION || kind == SYSTEM_VF ? FUNCTION_MAX_ENTRIES : kind != RESOURCE_PRIVATE;
    }
    for (unsigned n = 0; n < s->node_count; n++) /* two per unit; REST: and its requester IDs */
        plan->nodes[n].entry_count += (s->flags & SYSTEM_FLAG_REST ? 3 : 2) * in->iommu_count;
    plan->nodes[0].entry_count += in->ioapic_count + plan->rest_count;
    for (unsigned n = 0; n < s->node_count; n++)
        if (plan->nodes[n].entry_count > RESOURCE_MAP_MAX_ENTRIES)
            return REFUSE(plan, "node %u: %u resources are too many; a node can hold %u", n, plan->nodes[n].entry_count,
                          RESOURCE_MAP_MAX_ENTRIES);
    return true;
}

bool plan_make(const struct plan_input *in, struct plan *plan)
{
    static struct ranges free;
    memset(plan, 0, sizeof *plan);
    if (!check_header(in, plan) || !check_requests(in, plan))
        return false;
    free = in->boot->ram;
    bool fits = ranges_remove(&free, 0, LOW_MEMORY) && ranges_remove(&free, in->phys_limit, UINT64_MAX);
    for (unsigned i = 0; i < in->own->count; i++)
        fits = fits && ranges_remove(&free, in->own->r[i].start, in->own->r[i].end);
    if (!fits)
        return REFUSE(plan, "the memory map has too many pieces");
    return place_private(in, &free, plan) && place_requests(in, &free, plan) && place_rest(in, &free, plan) &&
           count_entries(in, plan) && check_disjoint(in, plan);
}
