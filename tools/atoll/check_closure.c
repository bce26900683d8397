/* From capabilities to facts, and on until nothing is new. Each rule has its paragraph in docs/capdl.md. */
#include "check.h"
#include <stdlib.h>
#include <string.h>

/* ---- facts ---- */

static uint32_t *bucket(const struct check *c, uint32_t party, uint32_t thing)
{
    uint32_t at = (party * 0x9e3779b1u ^ thing * 0x85ebca6bu) & (c->bucket_count - 1);
    while (c->buckets[at] != CAPDL_NONE && (c->facts[c->buckets[at]].party != party || c->facts[c->buckets[at]].thing != thing))
        at = (at + 1) & (c->bucket_count - 1);
    return &c->buckets[at];
}

static bool rehash(struct check *c, uint32_t count)
{
    uint32_t *buckets = malloc(count * sizeof *buckets);
    if (!buckets) {
        c->failed = true;
        return false;
    }
    free(c->buckets);
    c->buckets = buckets;
    c->bucket_count = count;
    memset(buckets, 0xff, count * sizeof *buckets);
    for (uint32_t i = 0; i < c->fact_count; i++)
        *bucket(c, c->facts[i].party, c->facts[i].thing) = i;
    return true;
}

const struct check_fact *check_fact(const struct check *c, uint32_t party, uint32_t thing)
{
    uint32_t at = c->bucket_count ? *bucket(c, party, c->same[thing]) : CAPDL_NONE;
    return at == CAPDL_NONE ? NULL : &c->facts[at];
}

static void add(struct check *c, uint32_t party, uint32_t thing, uint32_t rights, struct check_reason reason)
{
    thing = c->same[thing];
    if (c->failed || rights == 0)
        return;
    if (2 * c->fact_count >= c->bucket_count && !rehash(c, c->bucket_count ? 2 * c->bucket_count : 4096))
        return;
    uint32_t *at = bucket(c, party, thing);
    if (*at == CAPDL_NONE) {
        if (!check_grow(c, (void **)&c->facts, c->fact_count, &c->fact_room, sizeof *c->facts))
            return;
        *at = c->fact_count;
        c->facts[c->fact_count] = (struct check_fact){.party = party, .thing = thing, .next_of_thing = c->first_fact[thing],
                                                      .next_of_party = c->parties[party].first_fact};
        c->first_fact[thing] = c->parties[party].first_fact = c->fact_count++;
    }
    struct check_fact *f = &c->facts[*at];
    uint32_t fresh = rights & ~f->rights;
    if (fresh == 0 || !check_grow(c, (void **)&c->work, c->work_count, &c->work_room, sizeof *c->work))
        return;
    f->rights |= fresh;
    for (unsigned i = 0; i < CHECK_RIGHTS; i++)
        if (fresh >> i & 1)
            f->reasons[i] = reason;
    c->work[c->work_count].fact = *at;
    c->work[c->work_count++].rights = fresh;
}

static bool is_message(enum capdl_type type) { return type == CAPDL_EP || type == CAPDL_NOTIFICATION; }

static uint32_t cap_rights(const struct capdl_model *m, const struct capdl_cap *cap)
{
    enum capdl_type type = m->objects[cap->object].type;
    uint32_t rights = cap->rights & (CHECK_READ | CHECK_WRITE | CHECK_GRANT | CHECK_REPLY);
    if (type == CAPDL_FRAME) /* execute is a way to read */
        return (rights & (CHECK_READ | CHECK_WRITE)) | (rights & CHECK_GRANT ? CHECK_READ : 0);
    return is_message(type) ? rights : CHECK_HOLD;
}

static uint32_t all_rights(enum capdl_type type)
{
    if (type == CAPDL_FRAME)
        return CHECK_READ | CHECK_WRITE;
    return is_message(type) ? CHECK_READ | CHECK_WRITE | CHECK_GRANT | CHECK_REPLY : CHECK_HOLD;
}

/* ---- one party takes over what another one has ---- */

static void absorb(struct check *c, uint32_t to, uint32_t from)
{
    if (to == from || c->absorbs[(size_t)to * c->party_count + from] || !check_untrusted(&c->parties[to]) ||
        !check_untrusted(&c->parties[from]))
        return;
    c->absorbs[(size_t)to * c->party_count + from] = 1;
    for (uint32_t i = c->parties[from].first_fact; i != CAPDL_NONE; i = c->facts[i].next_of_party)
        add(c, to, c->facts[i].thing, c->facts[i].rights, (struct check_reason){.why = CHECK_WHY_FROM, .party = from});
}

static void transfer(struct check *c, uint32_t from, uint32_t to, uint32_t thing)
{
    if (from == to)
        return;
    check_edge_add(c, from, to, CHECK_TRANSFER, thing, thing);
    absorb(c, to, from);
}

static void control(struct check *c, uint32_t party, uint32_t over, uint32_t thing)
{
    if (party == over)
        return;
    check_edge_add(c, party, over, CHECK_CONTROL, thing, thing);
    if (!check_untrusted(&c->parties[party]))
        return;
    if (!check_untrusted(&c->parties[over])) {
        if (!c->failed)
            c->parties[over].cause = c->edges[c->edge_count - 1];
        c->parties[over].compromised = true;
        c->again = true;
        return;
    }
    absorb(c, party, over);
    absorb(c, over, party);
}

/* ---- the first facts: what threads have ---- */

static void controlled_by(struct check *c, uint32_t thing, uint32_t party)
{
    if (!check_grow(c, (void **)&c->controls, c->control_count, &c->control_room, sizeof *c->controls))
        return;
    c->controls[c->control_count++] = (struct check_control){thing, party};
}

/* Everything below a table: the frames are the party's, and whoever holds a table of it controls the party. */
static void vspace(struct check *c, uint32_t node, uint32_t root, uint32_t party)
{
    const struct capdl_model *m = c->system->nodes[node];
    uint32_t stack[4], depth = 0, at[4], count, first;
    stack[depth] = root;
    at[depth] = 0;
    for (;;) { /* tables nest by type, so four levels are all there can be */
        first = capdl_caps_of(m, stack[depth], &count);
        if (at[depth] == 0)
            controlled_by(c, c->base[node] + stack[depth], party);
        if (at[depth] >= count) {
            if (depth-- == 0)
                return;
            continue;
        }
        const struct capdl_cap *cap = &m->caps[first + at[depth]++];
        if (m->objects[cap->object].type == CAPDL_FRAME) {
            add(c, party, c->base[node] + cap->object, cap_rights(m, cap),
                (struct check_reason){.why = CHECK_WHY_SLOT, .thing = c->base[node] + cap->holder, .slot = cap->slot});
        } else if (depth < 3) {
            stack[++depth] = cap->object;
            at[depth] = 0;
        }
    }
}

static void thread(struct check *c, uint32_t node, uint32_t tcb, uint32_t party)
{
    const struct capdl_model *m = c->system->nodes[node];
    uint32_t base = c->base[node], count, first = capdl_caps_of(m, tcb, &count);

    controlled_by(c, base + tcb, party);
    for (uint32_t i = first; i < first + count; i++) {
        const struct capdl_cap *cap = &m->caps[i];
        struct check_reason slot = {.why = CHECK_WHY_SLOT, .thing = base + tcb, .slot = cap->slot};
        switch (cap->slot) {
        case CAPDL_TCB_CSPACE:
            controlled_by(c, base + cap->object, party);
            add(c, party, base + cap->object, CHECK_USE, slot);
            break;
        case CAPDL_TCB_VSPACE: vspace(c, node, cap->object, party); break;
        case CAPDL_TCB_VCPU: controlled_by(c, base + cap->object, party); break;
        case CAPDL_TCB_NOTIFICATION: add(c, party, base + cap->object, CHECK_READ, slot); break;
        case CAPDL_TCB_IPC_BUFFER: case CAPDL_TCB_FAULT_EP: add(c, party, base + cap->object, cap_rights(m, cap), slot); break;
        default: break; /* CPU time is looked at apart */
        }
    }
}

/* Memory that a VM's record lists: its node manager binds it to the VM. */
static void bound_memory(struct check *c, uint32_t node, uint32_t record)
{
    const struct capdl_model *m = c->system->nodes[node];
    uint32_t count, first = capdl_caps_of(m, record, &count);
    const char *name = m->objects[record].name;
    uint32_t party = check_party(c, strncmp(name, "vm.", 3) == 0 ? name + 3 : name);
    for (uint32_t i = first; i < first + count; i++)
        if (m->objects[m->caps[i].object].type == CAPDL_UT)
            add(c, party, c->base[node] + m->caps[i].object, CHECK_READ | CHECK_WRITE, (struct check_reason){.why = CHECK_WHY_BOUND});
}

/* "NAME@kernel = log": this node's kernel writes the pages of NAME; log_tail: it reads them. */
static void kernel_log(struct check *c, const struct capdl_object *o, uint32_t kernel)
{
    char name[CAPDL_NAME_MAX];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(o->name, "@"), o->name);
    for (uint32_t other = 0; other < c->system->node_count; other++)
        for (uint32_t page = 0;; page++) {
            uint32_t frame = capdl_find(c->system->nodes[other], name, page);
            if (frame == CAPDL_NONE)
                break;
            add(c, kernel, c->base[other] + frame, o->own == CAPDL_LOG ? CHECK_WRITE : CHECK_READ,
                (struct check_reason){.why = CHECK_WHY_KERNEL});
        }
}

static int by_thing(const void *a, const void *b)
{
    const struct check_control *x = a, *y = b;
    return x->thing != y->thing ? (x->thing > y->thing) - (x->thing < y->thing) : (x->party > y->party) - (x->party < y->party);
}

static void first_facts(struct check *c)
{
    uint32_t kernel = c->party_count - c->system->node_count;
    for (uint32_t node = 0; node < c->system->node_count && !c->failed; node++)
        for (uint32_t i = 0; i < c->system->nodes[node]->object_count && !c->failed; i++) {
            const struct capdl_object *o = &c->system->nodes[node]->objects[i];
            if (o->type == CAPDL_TCB)
                thread(c, node, i, c->owner[c->base[node] + i]);
            else if (o->own == CAPDL_VM)
                bound_memory(c, node, i);
            else if (o->own == CAPDL_LOG || o->own == CAPDL_LOG_TAIL)
                kernel_log(c, o, kernel + node);
        }
    if (c->control_count)
        qsort(c->controls, c->control_count, sizeof *c->controls, by_thing);
}

/* ---- what follows from a fact ---- */

/* The capabilities of a CNode, for whoever uses or holds it. */
static void take(struct check *c, uint32_t party, uint32_t thing)
{
    uint32_t object, count;
    const struct capdl_model *m = check_model(c, thing, &object);
    uint32_t base = thing - object, first = capdl_caps_of(m, object, &count);
    for (uint32_t i = first; i < first + count; i++)
        add(c, party, base + m->caps[i].object, cap_rights(m, &m->caps[i]),
            (struct check_reason){.why = CHECK_WHY_SLOT, .thing = thing, .slot = m->caps[i].slot});
}

/* What lies in an untyped: for its holder everything, for who merely reaches its memory the frames. */
static void inside(struct check *c, uint32_t party, uint32_t thing, uint32_t rights)
{
    uint32_t at = thing;
    do {
        uint32_t object;
        const struct capdl_model *m = check_model(c, at, &object);
        for (uint32_t i = 0; i < m->object_count; i++) {
            if (m->objects[i].parent != object)
                continue;
            enum capdl_type type = m->objects[i].type;
            uint32_t reached = type == CAPDL_FRAME || type == CAPDL_UT ? rights : 0;
            add(c, party, at - object + i, rights & CHECK_HOLD ? all_rights(type) : reached,
                (struct check_reason){.why = CHECK_WHY_INSIDE, .thing = at});
        }
        at = c->member[at];
    } while (at != thing);
}

/* A device reaches the frames under its page tables. Tables may nest as they like: a fact per table ends it. */
static void device(struct check *c, uint32_t party, uint32_t thing)
{
    uint32_t object, count;
    const struct capdl_model *m = check_model(c, thing, &object);
    uint32_t base = thing - object, first = capdl_caps_of(m, object, &count);
    for (uint32_t i = first; i < first + count; i++)
        add(c, party, base + m->caps[i].object, cap_rights(m, &m->caps[i]),
            (struct check_reason){.why = CHECK_WHY_DEVICE, .thing = thing});
}

/* Control capabilities make others: every interrupt of the node, every device's I/O space. */
static void control_capability(struct check *c, uint32_t party, uint32_t thing)
{
    uint32_t object;
    const struct capdl_model *m = check_model(c, thing, &object);
    bool irqs = strcmp(m->objects[object].name, "irq_control") == 0, devices = strcmp(m->objects[object].name, "io_space_master") == 0;
    for (uint32_t i = 0; i < m->object_count; i++) {
        enum capdl_type type = m->objects[i].type;
        if ((irqs && (type == CAPDL_IRQ || type == CAPDL_IOAPIC_IRQ || type == CAPDL_MSI_IRQ)) ||
            (devices && (type == CAPDL_IO_DEVICE || type == CAPDL_IO_PT)))
            add(c, party, thing - object + i, CHECK_HOLD, (struct check_reason){.why = CHECK_WHY_CONTROL, .thing = thing});
    }
}

/* Capabilities travel with messages: forward where the sender may grant, back with the answer where the receiver may. */
static void granted(struct check *c, uint32_t thing, uint32_t party)
{
    const struct check_fact *mine = check_fact(c, party, thing);
    uint32_t my = mine->rights;
    for (uint32_t i = c->first_fact[thing]; i != CAPDL_NONE; i = c->facts[i].next_of_thing) {
        uint32_t other = c->facts[i].party, its = c->facts[i].rights;
        if ((my & CHECK_WRITE) && (my & CHECK_GRANT) && (its & CHECK_READ))
            transfer(c, party, other, thing);
        if ((its & CHECK_WRITE) && (its & CHECK_GRANT) && (my & CHECK_READ))
            transfer(c, other, party, thing);
        if ((my & CHECK_READ) && (my & CHECK_GRANT) && (its & CHECK_WRITE) && (its & (CHECK_GRANT | CHECK_REPLY)))
            transfer(c, party, other, thing);
        if ((its & CHECK_READ) && (its & CHECK_GRANT) && (my & CHECK_WRITE) && (my & (CHECK_GRANT | CHECK_REPLY)))
            transfer(c, other, party, thing);
    }
}

static void controls_follow(struct check *c, uint32_t party, uint32_t thing)
{
    uint32_t low = 0, high = c->control_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (c->controls[middle].thing < thing)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < c->control_count && c->controls[low].thing == thing; low++)
        control(c, party, c->controls[low].party, thing);
}

/* Two untrusted holders of one CNode: each takes what the other one puts there. */
static void common_cnode(struct check *c, uint32_t party, uint32_t thing)
{
    for (uint32_t i = c->first_fact[thing]; i != CAPDL_NONE; i = c->facts[i].next_of_thing)
        if (c->facts[i].rights & CHECK_HOLD) {
            absorb(c, party, c->facts[i].party);
            absorb(c, c->facts[i].party, party);
        }
}

/* A page of a trusted component that is no queue's: who writes it chooses what the component does. */
static void private_page(struct check *c, uint32_t party, uint32_t thing)
{
    uint32_t mine = check_fact(c, party, thing)->rights;
    if (check_shared_page(c, thing))
        return;
    for (uint32_t i = c->first_fact[thing]; i != CAPDL_NONE; i = c->facts[i].next_of_thing) {
        uint32_t other = c->facts[i].party, its = c->facts[i].rights;
        if ((mine & CHECK_WRITE) && check_untrusted(&c->parties[party]) && c->parties[other].kind == CHECK_TRUSTED)
            control(c, party, other, thing);
        if ((its & CHECK_WRITE) && check_untrusted(&c->parties[other]) && c->parties[party].kind == CHECK_TRUSTED)
            control(c, other, party, thing);
    }
}

/* What a trusted component makes its objects from, or drives: whoever holds it as well can pull it from under its feet. A VM's own
 * vCPU, threads and scheduling contexts, which its node manager holds too, are none of these. */
static void common_means(struct check *c, uint32_t party, uint32_t thing, enum capdl_type type)
{
    if (type != CAPDL_UT && type != CAPDL_IRQ && type != CAPDL_IOAPIC_IRQ && type != CAPDL_MSI_IRQ && type != CAPDL_ASID_POOL &&
        type != CAPDL_IO_PORTS && type != CAPDL_IO_DEVICE && type != CAPDL_IO_PT && type != CAPDL_CONTROL)
        return;
    for (uint32_t i = c->first_fact[thing]; i != CAPDL_NONE; i = c->facts[i].next_of_thing) {
        uint32_t other = c->facts[i].party;
        if (!(c->facts[i].rights & CHECK_HOLD))
            continue;
        if (check_untrusted(&c->parties[party]) && c->parties[other].kind == CHECK_TRUSTED)
            control(c, party, other, thing);
        if (check_untrusted(&c->parties[other]) && c->parties[party].kind == CHECK_TRUSTED)
            control(c, other, party, thing);
    }
}

static void follow(struct check *c, uint32_t party, uint32_t thing, uint32_t fresh)
{
    enum capdl_type type = check_object(c, thing)->type;
    bool untrusted = check_untrusted(&c->parties[party]);

    if (fresh & CHECK_HOLD)
        controls_follow(c, party, thing);
    if (fresh & CHECK_HOLD)
        common_means(c, party, thing, type);
    if (type == CAPDL_CNODE && (fresh & (CHECK_USE | CHECK_HOLD)))
        take(c, party, thing);
    if (type == CAPDL_EP)
        granted(c, thing, party);
    if (type == CAPDL_FRAME)
        private_page(c, party, thing);
    if (!untrusted) /* keeps to its task: it holds memory and CNodes for others, but does not look inside */
        return;
    if (type == CAPDL_CNODE && (fresh & CHECK_HOLD))
        common_cnode(c, party, thing);
    if (type == CAPDL_UT && (fresh & CHECK_HOLD))
        add(c, party, thing, CHECK_READ | CHECK_WRITE, (struct check_reason){.why = CHECK_WHY_INSIDE, .thing = thing});
    if (type == CAPDL_UT)
        inside(c, party, thing, fresh);
    if ((type == CAPDL_IO_DEVICE || type == CAPDL_IO_PT) && (fresh & CHECK_HOLD))
        device(c, party, thing);
    if (type == CAPDL_CONTROL && (fresh & CHECK_HOLD))
        control_capability(c, party, thing);
}

void check_closure(struct check *c)
{
    c->fact_count = c->edge_count = c->control_count = c->work_count = 0;
    free(c->absorbs);
    c->absorbs = calloc((size_t)c->party_count * c->party_count + 1, 1);
    if (!c->absorbs || !rehash(c, c->bucket_count ? c->bucket_count : 4096)) {
        c->failed = true;
        return;
    }
    for (uint32_t i = 0; i < c->thing_count; i++)
        c->first_fact[i] = CAPDL_NONE;
    for (uint32_t i = 0; i < c->party_count; i++)
        c->parties[i].first_fact = CAPDL_NONE;
    first_facts(c);
    for (uint32_t i = 0; i < c->work_count && !c->failed; i++) { /* oldest first: reasons stay short */
        uint32_t party = c->facts[c->work[i].fact].party, thing = c->facts[c->work[i].fact].thing, fresh = c->work[i].rights;
        follow(c, party, thing, fresh);
        for (uint32_t other = 0; other < c->party_count; other++)
            if (c->absorbs[(size_t)other * c->party_count + party])
                add(c, other, thing, fresh, (struct check_reason){.why = CHECK_WHY_FROM, .party = party});
    }
}
