/* Flows between parties, read off the facts; what is wrong by itself; shortest paths. */
#include "check.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sel4/abi.h>

/* Has the party some of its rights to the thing from another party only? */
static bool passed_on(const struct check *c, uint32_t party, uint32_t thing)
{
    const struct check_fact *f = check_fact(c, party, thing);
    for (unsigned i = 0; f && i < CHECK_RIGHTS; i++)
        if (f->rights >> i & 1 && f->reasons[i].why == CHECK_WHY_FROM)
            return true;
    return false;
}

void check_edge_add(struct check *c, uint32_t from, uint32_t to, enum check_flow flow, uint32_t thing, uint32_t thing_to)
{
    if (from == to || !check_grow(c, (void **)&c->edges, c->edge_count, &c->edge_room, sizeof *c->edges))
        return;
    uint32_t rank = c->edge_count | (passed_on(c, from, thing) || passed_on(c, to, thing_to) ? 1u << 31 : 0);
    c->edges[c->edge_count++] = (struct check_edge){from, to, thing, thing_to, flow, rank};
}

/* ---- flows through one thing ---- */

static void between(struct check *c, enum capdl_type type, const struct check_fact *a, const struct check_fact *b)
{
    uint32_t thing = a->thing, from = a->party, to = b->party;
    bool writes = a->rights & CHECK_WRITE, reads = b->rights & CHECK_READ;

    if ((type == CAPDL_FRAME || type == CAPDL_UT) && writes && reads)
        check_edge_add(c, from, to, CHECK_MEMORY, thing, thing);
    if (type == CAPDL_NOTIFICATION && writes && reads)
        check_edge_add(c, from, to, check_object(c, thing)->own == CAPDL_CHANNEL ? CHECK_MOVE : CHECK_SIGNAL, thing, thing);
    if (type == CAPDL_EP && writes && reads) {
        check_edge_add(c, from, to, CHECK_MESSAGE, thing, thing);
        if (a->rights & (CHECK_GRANT | CHECK_REPLY))
            check_edge_add(c, to, from, CHECK_ANSWER, thing, thing);
    }
    if ((a->rights & CHECK_HOLD) && (b->rights & CHECK_HOLD))
        check_edge_add(c, from, to, CHECK_SHARE, thing, thing);
}

/* A queue has two ends, and each of its pages one writer; a trusted component's notice to others has more readers, all of them trusted. What
 * a party has only because others could pass it on is no further fault. */
static void shared_page(struct check *c, uint32_t thing)
{
    uint32_t ends[3] = {CAPDL_NONE, CAPDL_NONE, CAPDL_NONE}, writers[2] = {CAPDL_NONE, CAPDL_NONE}; /* in the parties' order */
    const char *name = check_object(c, thing)->name;
    bool trusted = true;

    for (uint32_t party = 0; party < c->party_count; party++) {
        const struct check_fact *f = check_fact(c, party, thing);
        if (!f || f->reasons[f->rights & CHECK_READ ? 0 : 1].why == CHECK_WHY_FROM)
            continue;
        *(ends[0] == CAPDL_NONE ? &ends[0] : ends[1] == CAPDL_NONE ? &ends[1] : &ends[2]) = party;
        trusted = trusted && !check_untrusted(&c->parties[party]);
        if ((f->rights & CHECK_WRITE) && f->reasons[1].why != CHECK_WHY_FROM)
            *(writers[0] == CAPDL_NONE ? &writers[0] : &writers[1]) = party;
    }
    if (ends[2] != CAPDL_NONE && !trusted)
        check_finding(c, "shared memory '%s' is reached by %s, %s and %s: a queue has two ends", name, c->parties[ends[0]].name,
                      c->parties[ends[1]].name, c->parties[ends[2]].name);
    if (writers[1] != CAPDL_NONE)
        check_finding(c, "shared memory '%s' may be written by %s and by %s: each page of a queue has one writer", name,
                      c->parties[writers[0]].name, c->parties[writers[1]].name);
}

/* What a trusted component writes for itself is nobody else's to read. */
static void private_page(struct check *c, uint32_t thing)
{
    for (uint32_t a = c->first_fact[thing]; a != CAPDL_NONE; a = c->facts[a].next_of_thing)
        for (uint32_t b = c->first_fact[thing]; b != CAPDL_NONE; b = c->facts[b].next_of_thing) {
            const struct check_party *reader = &c->parties[c->facts[a].party], *writer = &c->parties[c->facts[b].party];
            if (reader->kind <= CHECK_LOOSE && writer->kind == CHECK_TRUSTED && !writer->compromised &&
                (c->facts[a].rights & CHECK_READ) && (c->facts[b].rights & CHECK_WRITE))
                check_finding(c, "%s may read '%s', which %s writes for itself", reader->name, check_object(c, thing)->name,
                              writer->name);
        }
}

static void through_things(struct check *c)
{
    for (uint32_t thing = 0; thing < c->thing_count && !c->failed; thing++) {
        enum capdl_type type = check_object(c, thing)->type;
        uint32_t first = c->first_fact[thing];
        if (first == CAPDL_NONE)
            continue;
        if (type == CAPDL_FRAME && check_shared_page(c, thing))
            shared_page(c, thing);
        else if (type == CAPDL_FRAME)
            private_page(c, thing);
        for (uint32_t a = first; a != CAPDL_NONE; a = c->facts[a].next_of_thing)
            for (uint32_t b = first; b != CAPDL_NONE; b = c->facts[b].next_of_thing)
                if (a != b)
                    between(c, type, &c->facts[a], &c->facts[b]);
    }
}

/* ---- interrupts and CPU time ---- */

static bool runs_on(const struct check_party *p, uint32_t node) { return p->nodes[node / 64] >> (node % 64) & 1; }

/* Whoever may signal an IPI reaches who waits for its vector, and takes time from the untrusted on that core. */
static void ipi(struct check *c, uint32_t thing, uint32_t party)
{
    uint32_t object;
    const struct capdl_model *m = check_model(c, thing, &object);
    const struct capdl_param *node = capdl_param(m, object, CAPDL_KEY_NODE), *vector = capdl_param(m, object, CAPDL_KEY_VECTOR);

    if (!node || !vector || node->value >= c->system->node_count)
        return;
    const struct capdl_model *target = c->system->nodes[node->value];
    uint32_t base = c->base[node->value];
    for (uint32_t i = 0; i < target->irq_count; i++) {
        uint32_t count, first = capdl_caps_of(target, target->irqs[i].object, &count);
        if (target->irqs[i].number + SEL4_IRQ_CPU_VECTOR_BASE != vector->value || count == 0)
            continue;
        uint32_t notification = c->same[base + target->caps[first].object];
        for (uint32_t f = c->first_fact[notification]; f != CAPDL_NONE; f = c->facts[f].next_of_thing)
            if (c->facts[f].rights & CHECK_READ)
                check_edge_add(c, party, c->facts[f].party, CHECK_INTERRUPT, thing, notification);
    }
    for (uint32_t other = 0; other < c->party_count; other++)
        if (c->parties[other].kind <= CHECK_LOOSE && runs_on(&c->parties[other], (uint32_t)node->value))
            check_edge_add(c, party, other, CHECK_INTERRUPT, thing, thing);
}

static void interrupts(struct check *c)
{
    for (uint32_t i = 0; i < c->fact_count && !c->failed; i++)
        if ((c->facts[i].rights & CHECK_WRITE) && check_object(c, c->facts[i].thing)->own == CAPDL_IPI)
            ipi(c, c->facts[i].thing, c->facts[i].party);
}

static void cores(struct check *c)
{
    for (uint32_t a = 0; a < c->party_count; a++)
        for (uint32_t b = 0; b < c->party_count; b++) {
            if (a == b || c->parties[a].kind > CHECK_LOOSE || c->parties[b].kind > CHECK_LOOSE)
                continue;
            for (uint32_t node = 0; node < c->system->node_count; node++)
                if (runs_on(&c->parties[a], node) && runs_on(&c->parties[b], node))
                    check_edge_add(c, a, b, CHECK_CORE, c->base[node], c->base[node]);
        }
    for (uint32_t i = 0; i < c->fact_count && !c->failed; i++) { /* who deals out CPU time */
        const struct capdl_object *o = check_object(c, c->facts[i].thing);
        if (o->type != CAPDL_CONTROL || (strcmp(o->name, "sched_control") != 0 && strcmp(o->name, "domain") != 0))
            continue;
        uint32_t node = check_node_of(c, c->facts[i].thing);
        for (uint32_t other = 0; other < c->party_count; other++)
            if (runs_on(&c->parties[other], node))
                check_edge_add(c, c->facts[i].party, other, CHECK_CORE, c->facts[i].thing, c->facts[i].thing);
    }
}

/* ---- what no path shows ---- */

/* A page mapped writable that the resource map gives read-only: the kernel would refuse, so the specs contradict each other. */
static void read_only_pages(struct check *c)
{
    for (uint32_t node = 0; node < c->system->node_count; node++) {
        const struct capdl_model *m = c->system->nodes[node];
        for (uint32_t i = 0; i < m->cap_count; i++) {
            const struct capdl_object *o = &m->objects[m->caps[i].object];
            uint32_t resource = o->type == CAPDL_FRAME && o->index != CAPDL_SCALAR ? capdl_find(m, o->name, CAPDL_SCALAR) : CAPDL_NONE;
            if (resource == CAPDL_NONE || m->objects[resource].own != CAPDL_SHARED || !(m->caps[i].rights & CAPDL_WRITE))
                continue;
            const struct capdl_param *write = capdl_param(m, resource, CAPDL_KEY_WRITE);
            if (!write || !write->value)
                check_finding(c, "node %" PRIu32 " may only read '%s', but %s holds it for writing", node, o->name,
                              m->objects[m->caps[i].holder].name);
        }
    }
}

static int by_number(uint32_t x, uint32_t y) { return (x > y) - (x < y); }

static int by_ends(const struct check_edge *x, const struct check_edge *y)
{
    return x->from != y->from ? by_number(x->from, y->from) : by_number(x->to, y->to);
}

static int by_flow(const void *a, const void *b)
{
    const struct check_edge *x = a, *y = b;
    int order = by_ends(x, y);
    return order ? order : x->flow != y->flow ? by_number(x->flow, y->flow) : by_number(x->rank, y->rank);
}

/* For the report: what a party has itself comes first. */
static int by_importance(const void *a, const void *b)
{
    const struct check_edge *x = a, *y = b;
    int order = by_ends(x, y);
    return order ? order : x->rank >> 31 != y->rank >> 31 ? by_number(x->rank >> 31, y->rank >> 31) : by_number(x->flow, y->flow);
}

static bool same_link(const struct check_edge *x, const struct check_edge *y)
{
    return x->from == y->from && x->to == y->to && x->flow == y->flow;
}

void check_flows(struct check *c)
{
    uint32_t kept = 0;
    through_things(c);
    interrupts(c);
    cores(c);
    read_only_pages(c);
    if (c->failed || c->edge_count == 0)
        return;
    qsort(c->edges, c->edge_count, sizeof *c->edges, by_flow);
    for (uint32_t i = 0; i < c->edge_count; i++)
        if (kept == 0 || !same_link(&c->edges[kept - 1], &c->edges[i]))
            c->edges[kept++] = c->edges[i];
    c->edge_count = kept;
    qsort(c->edges, c->edge_count, sizeof *c->edges, by_importance);
}

/* ---- paths ---- */

static uint32_t first_edge(const struct check *c, uint32_t from)
{
    uint32_t low = 0, high = c->edge_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (c->edges[middle].from < from)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t check_path(const struct check *c, uint32_t from, uint32_t to, bool trusted, uint32_t *edges, uint32_t room)
{
    uint32_t *by = malloc((c->party_count + 1) * sizeof *by), *queue = malloc((c->party_count + 1) * sizeof *queue);
    uint32_t head = 0, tail = 0, length = 0;

    if (by && queue) {
        memset(by, 0xff, (c->party_count + 1) * sizeof *by);
        queue[tail++] = from;
        while (head < tail && by[to] == CAPDL_NONE) {
            uint32_t at = queue[head++];
            for (uint32_t e = first_edge(c, at); e < c->edge_count && c->edges[e].from == at; e++) {
                uint32_t next = c->edges[e].to;
                if (next == from || by[next] != CAPDL_NONE || (next != to && !trusted && !check_untrusted(&c->parties[next])))
                    continue;
                by[next] = e;
                queue[tail++] = next;
            }
        }
        for (uint32_t at = to; at != from && by[at] != CAPDL_NONE; at = c->edges[by[at]].from)
            length++;
        uint32_t i = length;
        for (uint32_t at = to; i > 0; at = c->edges[by[at]].from)
            if (--i < room)
                edges[i] = by[at];
    }
    free(by);
    free(queue);
    return length;
}
