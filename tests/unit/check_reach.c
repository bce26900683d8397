/* The check against brute force. Small random systems are made twice: as CapDL text for the check, and as plain arrays on which
 * the rules of docs/capdl.md are applied, one sentence after the other, until nothing changes. Both have to find the same flows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "check.h"

#define PARTIES 4 /* three VMs, one trusted component */
#define TRUSTED 3
#define NODES 2
#define OBJECTS 64
#define CAPS 64
#define ROUNDS 4000

enum kind { EP, NOTIFICATION, CNODE, FRAME, PAGE, UT, IRQ, IPI, TCB, TABLE, VCPU, SC, REPLY };

struct object {
    enum kind kind;
    int node, parent, party; /* party: TCB, TABLE, VCPU, and a thread's own CNODE */
    int target;              /* IPI: node; IRQ: its notification */
    int vector;              /* IPI, IRQ */
    char name[16];
};

struct cap { int holder, slot, object; bool r, w, g, p; };

static struct world {
    struct object o[OBJECTS];
    struct cap c[CAPS];
    int objects, caps, cspace[PARTIES], table[PARTIES], node[PARTIES];
    bool runs[PARTIES];
    int bound[PARTIES]; /* an untyped, or -1 */
} world;

/* ---- making one ---- */

static uint32_t state = 88172645;
static unsigned random_below(unsigned n) /* xorshift32 */
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % n;
}

static int object(enum kind kind, int node, int party, const char *prefix)
{
    struct object *o = &world.o[world.objects];
    *o = (struct object){.kind = kind, .node = node, .parent = -1, .party = party};
    if (kind == PAGE)
        snprintf(o->name, sizeof o->name, "page[0]");
    else
        snprintf(o->name, sizeof o->name, "%s%d", prefix, world.objects);
    return world.objects++;
}

static void give(int holder, int slot, int target, bool r, bool w, bool g, bool p)
{
    world.c[world.caps++] = (struct cap){holder, slot, target, r, w, g, p};
}

static int find(enum kind kind, int node, int nth) /* nth -1: the last one */
{
    int last = -1;
    for (int i = 0; i < world.objects; i++)
        if (world.o[i].kind == kind && world.o[i].node == node) {
            last = i;
            if (--nth == 0)
                return i;
        }
    return nth < 0 ? last : -1;
}

/* A capability to `target`, mostly in a thread's own CNode or page table. */
static void capability(int slot, int target)
{
    enum kind kind = world.o[target].kind;
    bool frame = kind == FRAME || kind == PAGE, message = kind == EP || kind == NOTIFICATION;
    int holder = 0, tries = 0;
    for (; tries < 200; tries++) {
        int p = (int)random_below(PARTIES);
        holder = random_below(5) == 0 ? find(CNODE, world.o[target].node, 1 + (int)random_below(4))
                                      : frame && random_below(2) ? world.table[p] : world.cspace[p];
        if (holder >= 0 && world.o[holder].node == world.o[target].node)
            break;
    }
    if (tries == 200 || ((kind == TABLE || kind == TCB || kind == CNODE) && random_below(3)))
        return; /* control is common enough without these */
    bool r = random_below(2), w = random_below(2), g = random_below(3) == 0, p = random_below(3) == 0;
    if (frame && !r && !w)
        r = true;
    if (kind == IPI)
        give(holder, slot, target, false, true, false, false);
    else
        give(holder, slot, target, r && (frame || message), w && (frame || message), g && message, p && message);
}

/* One party can give to another one, and can signal a third: then so can the other. By a message, by its answer, by a CNode. */
static void make_gift(void)
{
    int p = (int)random_below(PARTIES), q = (p + 1 + (int)random_below(PARTIES - 1)) % PARTIES, z = (int)random_below(PARTIES);
    int node = world.node[p], ep = find(EP, node, 1), notification = find(NOTIFICATION, node, 1), cnode = find(CNODE, node, -1);
    unsigned how = random_below(3);
    if (world.node[q] != node || world.node[z] != node)
        return;
    if (how == 2) {
        give(world.cspace[p], 25, cnode, false, false, false, false);
        give(world.cspace[q], 26, cnode, false, false, false, false);
    } else {
        give(world.cspace[p], 25, ep, how == 1, how == 0, true, false);
        give(world.cspace[q], 26, ep, how == 0, how == 1, false, how == 1);
    }
    give(world.cspace[p], 27, notification, false, true, false, false);
    give(world.cspace[z], 28, notification, true, false, false, false);
}

static void make(void)
{
    world = (struct world){.bound = {-1, -1, -1, -1}};
    for (int p = 0; p < PARTIES; p++) {
        world.node[p] = random_below(4) == 0; /* most on one node, where they have to do with each other */
        world.runs[p] = random_below(5) == 0;
        object(TCB, world.node[p], p, "tcb");
        world.cspace[p] = object(CNODE, world.node[p], p, "cspace");
        world.table[p] = object(TABLE, world.node[p], p, "pt");
        object(TABLE, world.node[p], p, "pd");
        object(TABLE, world.node[p], p, "pdpt");
        object(TABLE, world.node[p], p, "root");
        if (world.runs[p])
            object(SC, world.node[p], -1, "sc");
    }
    for (int node = 0; node < NODES; node++) {
        static const enum kind kinds[] = {EP, EP, NOTIFICATION, FRAME, FRAME, FRAME, UT, UT, CNODE, VCPU, REPLY, PAGE};
        int first = world.objects;
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
            object(kinds[i], node, -1, "o");
        int irq = object(IRQ, node, -1, "irq"), ipi = object(IPI, node, -1, "ipi");
        world.o[irq].target = first + 2;
        world.o[irq].vector = 80;
        world.o[ipi].target = (int)random_below(NODES);
        world.o[ipi].vector = random_below(3) ? 80 : 81;
        for (int i = first; i < irq; i++) /* some lie in the untypeds; an untyped only in an earlier one */
            if (random_below(3) == 0 && world.o[i].kind != PAGE && (i < first + 6 || i > first + 7))
                world.o[i].parent = first + 6 + (int)random_below(2);
        if (random_below(2))
            world.o[first + 7].parent = first + 6;
    }
    for (int p = 0; p < TRUSTED; p++) /* memory that the node manager binds to a VM */
        world.bound[p] = random_below(3) ? -1 : find(UT, world.node[p], 1 + (int)random_below(2));
    int focus[3];
    for (int i = 0; i < 3; i++)
        do
            focus[i] = (int)random_below((unsigned)world.objects);
        while (world.o[focus[i]].party >= 0);
    bool gift = random_below(3) == 0;
    if (gift)
        make_gift();
    unsigned caps = gift ? random_below(6) : 2 + random_below(24);
    for (unsigned i = 0; i < caps; i++)
        capability(1 + (int)i, random_below(4) ? focus[random_below(3)] : (int)random_below((unsigned)world.objects));
}

/* ---- as text ---- */

static void text_rights(const struct cap *c, FILE *f)
{
    if (c->r || c->w || c->g || c->p)
        fprintf(f, " (%s%s%s%s)", c->r ? "R" : "", c->w ? "W" : "", c->g ? "G" : "", c->p ? "P" : "");
}

static void text_caps(int holder, FILE *f)
{
    fprintf(f, "%s {", world.o[holder].name);
    for (int i = 0; i < world.caps; i++)
        if (world.c[i].holder == holder) {
            fprintf(f, " %d: %s", world.c[i].slot, world.o[world.c[i].object].name);
            text_rights(&world.c[i], f);
        }
    fprintf(f, " }\n");
}

static char *text_standard(int node)
{
    static const char *const types[] = {"ep", "notification", "cnode (5 bits)", "frame (4k)", "", "ut (20 bits)", "irq", "notification", "tcb", "",
                                        "vcpu", "sc (8 bits)", "rtreply"};
    char *text;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    fprintf(f, "arch x86_64 objects { page[1] = frame (4k)\n");
    for (int i = 0; i < world.objects; i++) {
        const struct object *o = &world.o[i];
        if (o->node != node || o->kind == PAGE)
            continue;
        if (o->kind == TABLE)
            fprintf(f, "%s = %s\n", o->name, o->name[0] == 'r' ? "pml4" : o->name[1] == 't' ? "pt" : o->name[2] == 'p' ? "pdpt" : "pd");
        else
            fprintf(f, "%s = %s", o->name, types[o->kind]);
        const char *separator = " {";
        for (int k = 0; o->kind == UT && k < world.objects; k++)
            if (world.o[k].parent == i) {
                fprintf(f, "%s%s", separator, world.o[k].name);
                separator = ", ";
            }
        fprintf(f, "%s\n", separator[0] == ',' ? "}" : "");
    }
    fprintf(f, "} caps {\n");
    for (int p = 0; p < PARTIES; p++)
        if (world.node[p] == node) {
            int t = world.table[p];
            fprintf(f, "%s { 0: %s } %s { 0: %s } %s { 0: %s }\n", world.o[t + 3].name, world.o[t + 2].name, world.o[t + 2].name,
                    world.o[t + 1].name, world.o[t + 1].name, world.o[t].name);
            fprintf(f, "%s { cspace: %s vspace: %s", world.o[world.cspace[p] - 1].name, world.o[world.cspace[p]].name, world.o[t + 3].name);
            if (world.runs[p])
                fprintf(f, " sc_slot: %s", world.o[t + 4].name);
            fprintf(f, " }\n");
        }
    for (int i = 0; i < world.objects; i++) {
        const struct object *o = &world.o[i];
        if (o->node != node)
            continue;
        if (o->kind == CNODE || (o->kind == TABLE && o->name[1] == 't'))
            text_caps(i, f);
        if (o->kind == IRQ)
            fprintf(f, "%s { 0: %s (W) }\n", o->name, world.o[o->target].name);
    }
    fprintf(f, "} irq maps {");
    for (int i = 0; i < world.objects; i++)
        if (world.o[i].kind == IRQ && world.o[i].node == node)
            fprintf(f, " %d: %s", world.o[i].vector - 32, world.o[i].name);
    fprintf(f, " }\n");
    fclose(f);
    return text;
}

static char *text_annex(int node)
{
    char *text;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    fprintf(f, "arch x86_64 objects { page = shared (size: 0x1000, write: True)\n");
    for (int i = 0; i < world.objects; i++)
        if (world.o[i].kind == IPI && world.o[i].node == node)
            fprintf(f, "%s = ipi (node: %d, vector: %d)\n", world.o[i].name, world.o[i].target, world.o[i].vector);
    for (int p = 0; p < PARTIES; p++)
        if (world.node[p] == node)
            fprintf(f, "vm.party%d = %s\n", p, p == TRUSTED ? "trusted" : "vm");
    fprintf(f, "} caps {\n");
    for (int p = 0; p < PARTIES; p++)
        if (world.node[p] == node) {
            fprintf(f, "vm.party%d { 0: %s", p, world.o[world.cspace[p] - 1].name);
            if (world.bound[p] >= 0)
                fprintf(f, " 1: %s", world.o[world.bound[p]].name);
            fprintf(f, " }\n");
        }
    fprintf(f, "}\n");
    fclose(f);
    return text;
}

/* ---- by brute force ---- */

static struct { bool hold, use, r, w, g, p; } has[PARTIES][OBJECTS];
static bool untrusted[PARTIES], flow[PARTIES][PARTIES], changed;

static void set(bool *to, bool value)
{
    changed = changed || (value && !*to);
    *to = *to || value;
}

/* What several nodes share is one object: the page of the lower node stands for both. */
static int one(int i)
{
    for (int k = 0; world.o[i].kind == PAGE && k < i; k++)
        if (world.o[k].kind == PAGE)
            return k;
    return i;
}

static void receive(int party, const struct cap *c)
{
    int i = one(c->object);
    enum kind kind = world.o[i].kind;
    bool rights = kind == EP || kind == NOTIFICATION || kind == IPI || kind == FRAME || kind == PAGE;
    set(&has[party][i].hold, !rights);
    set(&has[party][i].r, c->r);
    set(&has[party][i].w, c->w);
    set(&has[party][i].g, c->g);
    set(&has[party][i].p, c->p);
}

static void all_of(int to, int from)
{
    for (int i = 0; i < world.objects; i++) {
        set(&has[to][i].hold, has[from][i].hold);
        set(&has[to][i].use, has[from][i].use);
        set(&has[to][i].r, has[from][i].r);
        set(&has[to][i].w, has[from][i].w);
        set(&has[to][i].g, has[from][i].g);
        set(&has[to][i].p, has[from][i].p);
    }
}

static void rules_of_one(int p)
{
    for (int c = 0; c < world.caps; c++) {
        int h = world.c[c].holder;
        if (world.o[h].kind == TABLE ? world.o[h].party == p : has[p][h].use || has[p][h].hold)
            receive(p, &world.c[c]);
    }
    if (!untrusted[p])
        return;
    for (int i = 0; i < world.objects; i++) {
        int u = world.o[i].parent;
        if (world.o[i].kind == UT && has[p][i].hold) {
            set(&has[p][i].r, true);
            set(&has[p][i].w, true);
        }
        if (u < 0)
            continue;
        enum kind kind = world.o[i].kind;
        bool frame = kind == FRAME, message = kind == EP || kind == NOTIFICATION;
        if (has[p][u].hold) {
            set(&has[p][i].hold, !frame && !message);
            set(&has[p][i].r, frame || message);
            set(&has[p][i].w, frame || message);
            set(&has[p][i].g, message);
            set(&has[p][i].p, message);
        }
        if (frame || kind == UT) {
            set(&has[p][i].r, has[p][u].r);
            set(&has[p][i].w, has[p][u].w);
        }
    }
}

static void controls(int p, int q)
{
    flow[p][q] = true;
    if (!untrusted[p])
        return;
    set(&untrusted[q], true);
    all_of(p, q);
    all_of(q, p);
}

static void rules_of_two(int p, int q)
{
    for (int i = 0; i < world.objects; i++) {
        enum kind kind = world.o[i].kind;
        if (has[p][i].hold && world.o[i].party == q && (kind == TCB || kind == TABLE || kind == CNODE || kind == VCPU))
            controls(p, q);
        if (kind == FRAME && has[p][i].w && (has[q][i].r || has[q][i].w) && untrusted[p] && q == TRUSTED)
            controls(p, q);
        if ((kind == UT || kind == IRQ) && has[p][i].hold && has[q][i].hold && untrusted[p] && q == TRUSTED)
            controls(p, q);
        if (kind == CNODE && has[p][i].hold && has[q][i].hold && untrusted[p] && untrusted[q])
            all_of(p, q);
        bool forward = has[p][i].w && has[p][i].g && has[q][i].r;
        bool back = has[p][i].r && has[p][i].g && has[q][i].w && (has[q][i].g || has[q][i].p);
        if (kind == EP && (forward || back)) {
            flow[p][q] = true;
            if (untrusted[p] && untrusted[q])
                all_of(q, p);
        }
    }
}

static void flows_of_two(int p, int q)
{
    for (int i = 0; i < world.objects; i++) {
        enum kind kind = world.o[i].kind;
        bool wr = has[p][i].w && has[q][i].r;
        if ((kind == FRAME || kind == PAGE || kind == UT || kind == NOTIFICATION || kind == EP) && wr)
            flow[p][q] = true;
        if (kind == EP && has[q][i].w && has[p][i].r && (has[q][i].g || has[q][i].p))
            flow[p][q] = true;
        if (has[p][i].hold && has[q][i].hold)
            flow[p][q] = true;
        if (kind != IPI || !has[p][i].w)
            continue;
        for (int k = 0; k < world.objects; k++)
            if (world.o[k].kind == IRQ && world.o[k].node == world.o[i].target && world.o[k].vector == world.o[i].vector &&
                has[q][world.o[k].target].r)
                flow[p][q] = true;
        if (q != TRUSTED && world.runs[q] && world.node[q] == world.o[i].target)
            flow[p][q] = true;
    }
    if (p != TRUSTED && q != TRUSTED && world.runs[p] && world.runs[q] && world.node[p] == world.node[q])
        flow[p][q] = true;
}

static void brute_force(void)
{
    memset(has, 0, sizeof has);
    memset(flow, 0, sizeof flow);
    for (int p = 0; p < PARTIES; p++) {
        untrusted[p] = p != TRUSTED;
        has[p][world.cspace[p]].use = true;
        if (world.bound[p] >= 0)
            has[p][world.bound[p]].r = has[p][world.bound[p]].w = true;
    }
    do {
        changed = false;
        for (int p = 0; p < PARTIES; p++)
            rules_of_one(p);
        for (int p = 0; p < PARTIES; p++)
            for (int q = 0; q < PARTIES; q++)
                if (p != q)
                    rules_of_two(p, q);
    } while (changed);
    for (int p = 0; p < PARTIES; p++)
        for (int q = 0; q < PARTIES; q++)
            if (p != q)
                flows_of_two(p, q);
    for (int k = 0; k < PARTIES; k++) /* Warshall: on through the untrusted */
        for (int p = 0; p < PARTIES; p++)
            for (int q = 0; q < PARTIES; q++)
                if (p != q && untrusted[k] && flow[p][k] && flow[k][q])
                    flow[p][q] = true;
}

/* ---- the comparison ---- */

static struct capdl_model *model(const char *standard, const char *annex)
{
    struct complaint why;
    struct capdl_model *m = capdl_new();
    if (capdl_parse(m, CAPDL_STANDARD, "standard", standard, strlen(standard), &why) != 0 ||
        capdl_parse(m, CAPDL_ANNEX, "annex", annex, strlen(annex), &why) != 0)
        fail_msg("%s\n%s\n%s", why.text, standard, annex);
    assert_int_equal(capdl_sort(m), CAPDL_NONE);
    return m;
}

/* The closures, right by right. */
static bool rights_differ(const struct check *c, const uint32_t *parties)
{
    for (int p = 0; p < PARTIES; p++)
        for (int i = 0; i < world.objects; i++) {
            const struct object *o = &world.o[one(i)];
            uint32_t object = o->kind == PAGE ? capdl_find(c->system->nodes[o->node], "page", 0)
                                              : capdl_find(c->system->nodes[o->node], o->name, CAPDL_SCALAR);
            const struct check_fact *f = check_fact(c, parties[p], c->base[o->node] + object);
            unsigned expected = has[p][one(i)].r | has[p][one(i)].w << 1 | has[p][one(i)].g << 2 | has[p][one(i)].p << 3 |
                                has[p][one(i)].hold << 4 | has[p][one(i)].use << 5;
            if ((f ? f->rights : 0) != expected) {
                fprintf(stderr, "# party%d has %x to %s, brute force says %x\n", p, f ? f->rights : 0, o->name, expected);
                return true;
            }
        }
    return false;
}

static void the_check_finds_what_brute_force_finds(void **unused)
{
    (void)unused;
    static struct capdl_system s;
    unsigned isolated = 0, reached = 0, compromised = 0, indirect = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        char *standard[NODES], *annex[NODES];
        make();
        brute_force();
        s.node_count = NODES;
        for (int node = 0; node < NODES; node++) {
            standard[node] = text_standard(node);
            annex[node] = text_annex(node);
            s.nodes[node] = model(standard[node], annex[node]);
        }
        struct check *c = check_run(&s);
        assert_non_null(c);
        uint32_t parties[PARTIES], edges[PARTIES];
        for (int p = 0; p < PARTIES; p++) {
            char name[32];
            snprintf(name, sizeof name, p == TRUSTED ? "vm.party%d@%d" : "party%d", p, world.node[p]);
            parties[p] = check_party(c, name);
            assert_int_not_equal(parties[p], CAPDL_NONE);
        }
        bool differs = c->parties[parties[TRUSTED]].compromised != untrusted[TRUSTED] || rights_differ(c, parties);
        for (int p = 0; p < PARTIES; p++)
            for (int q = 0; q < PARTIES; q++) {
                uint32_t length = p == q ? 0 : check_path(c, parties[p], parties[q], false, edges, PARTIES);
                if (p != q && (length != 0) != flow[p][q]) {
                    fprintf(stderr, "# party%d -> party%d: brute force says %d\n", p, q, flow[p][q]);
                    differs = true;
                }
                isolated += p < q && length == 0;
                reached += p < q && length != 0;
                indirect += length > 1;
            }
        compromised += untrusted[TRUSTED];
        if (differs) {
            fprintf(stderr, "%s%s%s%s", standard[0], annex[0], standard[1], annex[1]);
            check_report(c, stderr);
            fail_msg("round %u differs", round);
        }
        FILE *nowhere = fopen("/dev/null", "w"); /* every sentence and picture can be written */
        assert_non_null(nowhere);
        check_report(c, nowhere);
        picture_print(c, nowhere);
        fclose(nowhere);
        check_free(c);
        for (int node = 0; node < NODES; node++) {
            capdl_free(s.nodes[node]);
            free(standard[node]);
            free(annex[node]);
        }
    }
    /* The systems are neither all isolated nor all open: each rule had its turn. */
    printf("# %u pairs isolated, %u reached, %u indirectly, %u trusted components compromised\n", isolated, reached, indirect, compromised);
    assert_true(isolated > ROUNDS && reached > ROUNDS / 4 && indirect > 100 && compromised > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_check_finds_what_brute_force_finds)};
    return cmocka_run_group_tests_name("check_reach", tests, NULL, NULL);
}
