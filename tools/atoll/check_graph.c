/* What the check speaks of: things (objects; one thing for memory, ports and devices that several capabilities name) and parties. */
#include "check.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

bool check_grow(struct check *c, void **array, uint32_t count, uint32_t *room, size_t item)
{
    if (count < *room)
        return true;
    uint32_t wanted = *room ? 2 * *room : 256;
    void *larger = wanted > *room ? realloc(*array, wanted * item) : NULL;
    if (!larger) {
        c->failed = true;
        return false;
    }
    *array = larger;
    *room = wanted;
    return true;
}

void check_finding(struct check *c, const char *format, ...)
{
    va_list arguments;
    if (c->finding_count == CHECK_MAX_FINDINGS ||
        !check_grow(c, (void **)&c->findings, c->finding_count, &c->finding_room, sizeof *c->findings))
        return;
    struct check_finding *f = &c->findings[c->finding_count];
    va_start(arguments, format);
    vsnprintf(f->text, sizeof f->text, format, arguments);
    va_end(arguments);
    for (uint32_t i = 0; i < c->finding_count; i++)
        if (strcmp(c->findings[i].text, f->text) == 0)
            return;
    c->finding_count++;
}

uint32_t check_node_of(const struct check *c, uint32_t thing)
{
    uint32_t low = 0, high = c->system->node_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        *(c->base[middle] <= thing ? &low : &high) = middle;
    }
    return low;
}

const struct capdl_model *check_model(const struct check *c, uint32_t thing, uint32_t *object)
{
    uint32_t node = check_node_of(c, thing);
    *object = thing - c->base[node];
    return c->system->nodes[node];
}

const struct capdl_object *check_object(const struct check *c, uint32_t thing)
{
    uint32_t object;
    const struct capdl_model *m = check_model(c, thing, &object);
    return &m->objects[object];
}

bool check_shared_page(const struct check *c, uint32_t thing)
{
    uint32_t object;
    const struct capdl_model *m = check_model(c, thing, &object);
    uint32_t resource = m->objects[object].index == CAPDL_SCALAR ? CAPDL_NONE : capdl_find(m, m->objects[object].name, CAPDL_SCALAR);
    return resource != CAPDL_NONE && m->objects[resource].own == CAPDL_SHARED;
}

/* ---- one thing ---- */

static void unite(struct check *c, uint32_t a, uint32_t b)
{
    uint32_t keep = c->same[a] < c->same[b] ? c->same[a] : c->same[b], drop = c->same[a] ^ c->same[b] ^ keep;
    if (keep == drop)
        return;
    uint32_t at = drop;
    do {
        c->same[at] = keep;
        at = c->member[at];
    } while (at != drop);
    uint32_t next = c->member[keep]; /* splice the rings */
    c->member[keep] = c->member[drop];
    c->member[drop] = next;
}

/* Memory resources, pages of shared ones and channels are one thing wherever the same name stands. */
static bool has_system_name(const struct capdl_model *m, uint32_t object)
{
    const struct capdl_object *o = &m->objects[object];
    if (o->own == CAPDL_MEMORY || o->own == CAPDL_MODULE || o->own == CAPDL_DEVICE || o->own == CAPDL_CHANNEL)
        return true;
    if (o->type != CAPDL_FRAME || o->index == CAPDL_SCALAR)
        return false;
    uint32_t resource = capdl_find(m, o->name, CAPDL_SCALAR);
    return resource != CAPDL_NONE && (m->objects[resource].own == CAPDL_SHARED || m->objects[resource].own == CAPDL_DEVICE);
}

/* Physical extent, where the text gives one: memory by bytes, ports, PCI functions. */
struct extent { unsigned space; uint64_t first, last; uint32_t thing; };

static bool extent_of(const struct capdl_model *m, uint32_t object, struct extent *e)
{
    const struct capdl_object *o = &m->objects[object];
    const struct capdl_param *p;
    if ((o->type == CAPDL_FRAME || o->type == CAPDL_UT) && (p = capdl_param(m, object, CAPDL_KEY_PADDR))) {
        const struct capdl_param *bits = capdl_param(m, object, o->type == CAPDL_UT ? CAPDL_KEY_BITS : CAPDL_KEY_PAGE_BITS);
        *e = (struct extent){.first = p->value, .last = p->value + (1ull << (bits ? bits->value & 63 : 0)) - 1};
        /* What lies in an untyped with an extent is reached through it. */
        return e->last >= e->first && (o->parent == CAPDL_NONE || !capdl_param(m, o->parent, CAPDL_KEY_PADDR));
    }
    if (o->type == CAPDL_IO_PORTS && (p = capdl_param(m, object, CAPDL_KEY_PORTS))) {
        *e = (struct extent){.space = 1, .first = p->value & 0xffffffff, .last = p->value >> 32};
        return true;
    }
    if (o->type == CAPDL_IO_DEVICE && (p = capdl_param(m, object, CAPDL_KEY_PCI))) {
        *e = (struct extent){.space = 2, .first = p->value, .last = p->value};
        return true;
    }
    return false;
}

static int by_extent(const void *a, const void *b)
{
    const struct extent *x = a, *y = b;
    return x->space != y->space ? (x->space > y->space) - (x->space < y->space) : (x->first > y->first) - (x->first < y->first);
}

struct named { const struct capdl_object *o; uint32_t thing; };

static int by_system_name(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = strcmp(x->o->name, y->o->name);
    return order ? order : x->o->index != y->o->index ? (x->o->index > y->o->index) - (x->o->index < y->o->index)
                                                      : (x->thing > y->thing) - (x->thing < y->thing);
}

/* Do both say that so many nodes hold this memory? Then more than those are the fault, not two. */
static bool declared_for(const struct check *c, uint32_t a, uint32_t b, uint64_t nodes)
{
    uint32_t x, y;
    const struct capdl_model *m = check_model(c, a, &x), *n = check_model(c, b, &y);
    const struct capdl_param *p = capdl_param(m, x, CAPDL_KEY_HOLDERS), *q = capdl_param(n, y, CAPDL_KEY_HOLDERS);
    return p && q && p->value == q->value && nodes <= p->value;
}

static void unite_all(struct check *c)
{
    struct named *named = malloc((c->thing_count + 1) * sizeof *named);
    struct extent *extents = malloc((c->thing_count + 1) * sizeof *extents);
    uint32_t named_count = 0, extent_count = 0;

    if (!named || !extents)
        c->failed = true;
    for (uint32_t node = 0; node < c->system->node_count && !c->failed; node++)
        for (uint32_t i = 0; i < c->system->nodes[node]->object_count; i++) {
            const struct capdl_model *m = c->system->nodes[node];
            if (has_system_name(m, i)) {
                named[named_count].o = &m->objects[i];
                named[named_count++].thing = c->base[node] + i;
            }
            if (extent_of(m, i, &extents[extent_count]))
                extents[extent_count++].thing = c->base[node] + i;
        }
    if (!c->failed) {
        qsort(named, named_count, sizeof *named, by_system_name);
        uint64_t nodes = 1; /* that hold the memory of this name so far */
        for (uint32_t i = 1; i < named_count; i++) {
            bool same = named[i].o->index == named[i - 1].o->index && strcmp(named[i].o->name, named[i - 1].o->name) == 0;
            nodes = same ? nodes + 1 : 1;
            if (same) {
                if (named[i].o->own != CAPDL_NOTHING && check_node_of(c, named[i].thing) != check_node_of(c, named[i - 1].thing) &&
                    !declared_for(c, named[i].thing, named[i - 1].thing, nodes))
                    check_finding(c, "memory '%s' is given to node %" PRIu32 " and to node %" PRIu32, named[i].o->name,
                                  check_node_of(c, named[i - 1].thing), check_node_of(c, named[i].thing));
                unite(c, named[i].thing, named[i - 1].thing);
            }
        }
        qsort(extents, extent_count, sizeof *extents, by_extent);
        uint64_t last = 0;
        for (uint32_t i = 0; i < extent_count; i++) {
            bool overlaps = i > 0 && extents[i].space == extents[i - 1].space && extents[i].first <= last;
            if (overlaps)
                unite(c, extents[i].thing, extents[i - 1].thing);
            if (!overlaps || extents[i].last > last)
                last = extents[i].last;
        }
    }
    free(named);
    free(extents);
}

/* ---- parties ---- */

static uint32_t party_add(struct check *c, enum check_kind kind, uint32_t node, const char *name)
{
    if (!check_grow(c, (void **)&c->parties, c->party_count, &c->party_room, sizeof *c->parties))
        return CAPDL_NONE;
    struct check_party *p = &c->parties[c->party_count];
    *p = (struct check_party){.kind = kind, .node = node, .first_fact = CAPDL_NONE};
    snprintf(p->name, sizeof p->name, "%s", name);
    return c->party_count++;
}

uint32_t check_party(const struct check *c, const char *name)
{
    for (uint32_t i = 0; i < c->party_count; i++)
        if (strcmp(c->parties[i].name, name) == 0)
            return i;
    return CAPDL_NONE;
}

static bool has_slot(const struct capdl_model *m, uint32_t holder, uint32_t slot, uint32_t *object)
{
    uint32_t count, first = capdl_caps_of(m, holder, &count);
    for (uint32_t i = first; i < first + count; i++)
        if (m->caps[i].slot == slot) {
            *object = m->caps[i].object;
            return true;
        }
    return false;
}

static void thread_own(struct check *c, uint32_t node, uint32_t tcb, uint32_t party)
{
    uint32_t thing = c->base[node] + tcb, sc;
    if (c->owner[thing] != CAPDL_NONE && c->owner[thing] != party)
        check_finding(c, "thread %s of node %" PRIu32 " belongs to %s and to %s", c->system->nodes[node]->objects[tcb].name, node,
                      c->parties[c->owner[thing]].name, c->parties[party].name);
    if (c->owner[thing] == CAPDL_NONE)
        c->owner[thing] = party;
    if (has_slot(c->system->nodes[node], tcb, CAPDL_TCB_SC, &sc))
        c->parties[party].nodes[node / 64] |= 1ull << (node % 64);
}

/* A VM is one party on all nodes; a trusted component is one per node. */
static uint32_t listed_party(struct check *c, uint32_t node, const struct capdl_object *o)
{
    char name[CAPDL_NAME_MAX + 24];
    if (o->own == CAPDL_VM) {
        snprintf(name, sizeof name, "%s", strncmp(o->name, "vm.", 3) == 0 ? o->name + 3 : o->name);
        uint32_t known = check_party(c, name);
        return known != CAPDL_NONE && c->parties[known].kind == CHECK_VM ? known : party_add(c, CHECK_VM, node, name);
    }
    snprintf(name, sizeof name, "%s@%" PRIu32, o->name, node);
    return party_add(c, CHECK_TRUSTED, node, name);
}

static void listed_parties(struct check *c, uint32_t node, enum capdl_type own)
{
    const struct capdl_model *m = c->system->nodes[node];
    for (uint32_t i = 0; i < m->object_count && !c->failed; i++) {
        uint32_t count, first;
        if (m->objects[i].own != own)
            continue;
        uint32_t party = listed_party(c, node, &m->objects[i]);
        first = capdl_caps_of(m, i, &count);
        for (uint32_t k = first; k < first + count && !c->failed; k++)
            if (m->objects[m->caps[k].object].type == CAPDL_TCB)
                thread_own(c, node, m->caps[k].object, party);
    }
}

static void unlisted_parties(struct check *c, uint32_t node)
{
    const struct capdl_model *m = c->system->nodes[node];
    for (uint32_t i = 0; i < m->object_count && !c->failed; i++) {
        char label[CAPDL_NAME_MAX + 16], name[CAPDL_NAME_MAX + 24];
        if (m->objects[i].type != CAPDL_TCB || c->owner[c->base[node] + i] != CAPDL_NONE)
            continue;
        snprintf(name, sizeof name, "%.*s@%" PRIu32, CAPDL_NAME_MAX, capdl_label(m, i, label), node);
        uint32_t party = party_add(c, CHECK_LOOSE, node, name);
        if (!c->failed)
            thread_own(c, node, i, party);
    }
}

static void parties_make(struct check *c)
{
    static const enum capdl_type listed[] = {CAPDL_VM, CAPDL_TRUSTED};
    for (unsigned k = 0; k < 2; k++)
        for (uint32_t node = 0; node < c->system->node_count && !c->failed; node++)
            listed_parties(c, node, listed[k]);
    for (uint32_t node = 0; node < c->system->node_count && !c->failed; node++)
        unlisted_parties(c, node);
    for (uint32_t node = 0; node < c->system->node_count && !c->failed; node++) {
        char name[32];
        snprintf(name, sizeof name, "kernel@%" PRIu32, node);
        party_add(c, CHECK_KERNEL, node, name);
    }
}

struct check *check_new(const struct capdl_system *s)
{
    struct check *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->system = s;
    for (uint32_t node = 0; node < s->node_count; node++)
        c->base[node + 1] = c->base[node] + s->nodes[node]->object_count;
    c->thing_count = c->base[s->node_count];
    c->same = malloc((c->thing_count + 1) * sizeof *c->same);
    c->member = malloc((c->thing_count + 1) * sizeof *c->member);
    c->first_fact = malloc((c->thing_count + 1) * sizeof *c->first_fact);
    c->owner = malloc((c->thing_count + 1) * sizeof *c->owner);
    if (!c->same || !c->member || !c->first_fact || !c->owner) {
        check_free(c);
        return NULL;
    }
    for (uint32_t i = 0; i < c->thing_count; i++) {
        c->same[i] = c->member[i] = i;
        c->owner[i] = c->first_fact[i] = CAPDL_NONE;
    }
    unite_all(c);
    parties_make(c);
    if (c->failed) {
        check_free(c);
        return NULL;
    }
    return c;
}

void check_free(struct check *c)
{
    if (!c)
        return;
    void *blocks[] = {c->same, c->member, c->first_fact, c->owner, c->parties, c->facts, c->controls,
                      c->edges, c->findings, c->buckets, c->work, c->absorbs};
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        free(blocks[i]);
    free(c);
}

struct check *check_run(const struct capdl_system *s)
{
    struct check *c = check_new(s);
    if (!c)
        return NULL;
    do {
        c->again = false;
        check_closure(c);
        check_flows(c);
    } while (c->again && !c->failed);
    if (c->failed) {
        check_free(c);
        return NULL;
    }
    return c;
}
