/* The check's answer, in sentences. */
#include "check.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *thing_text(const struct check *c, uint32_t thing, char *text, size_t size)
{
    char label[CAPDL_NAME_MAX + 16];
    uint32_t object;
    const struct capdl_model *m = check_model(c, thing, &object);
    capdl_label(m, object, label);
    if (c->member[thing] != thing) /* known by this name on several nodes */
        snprintf(text, size, "%s", label);
    else
        snprintf(text, size, "%s of node %" PRIu32, label, check_node_of(c, thing));
    return text;
}

#define THING_TEXT (CAPDL_NAME_MAX + 40)
#define CHAIN_MAX 6

static void append(char *text, size_t size, const char *more)
{
    size_t length = strlen(text);
    snprintf(text + length, size - length, "%s", more);
}

/* Why a party has a right to a thing: the slot, and whose slot that is, back to the party's own threads. */
static void why_text(const struct check *c, uint32_t party, uint32_t thing, enum check_right right, char *text, size_t size)
{
    char name[THING_TEXT], part[2 * THING_TEXT];
    text[0] = 0;
    for (unsigned depth = 0; depth < CHAIN_MAX; depth++) {
        const struct check_fact *f = check_fact(c, party, thing);
        unsigned bit = 0;
        if (!f)
            return;
        while (bit < CHECK_RIGHTS && (!(f->rights & right) || !(right >> bit & 1) || !(f->rights >> bit & 1)))
            bit++;
        for (unsigned i = 0; bit == CHECK_RIGHTS && i < CHECK_RIGHTS; i++)
            if (f->rights >> i & 1)
                bit = i;
        if (bit == CHECK_RIGHTS)
            return;
        const struct check_reason *r = &f->reasons[bit];
        const char *join = depth ? ", which " : "";
        switch (r->why) {
        case CHECK_WHY_SLOT: {
            uint32_t holder;
            const struct capdl_model *m = check_model(c, r->thing, &holder);
            snprintf(part, sizeof part, "%s%s slot %" PRIu32, depth ? ", by " : "", thing_text(c, r->thing, name, sizeof name),
                     r->slot);
            append(text, size, part);
            if (m->objects[holder].type != CAPDL_CNODE || (check_fact(c, party, r->thing)->rights & CHECK_USE))
                return; /* its own */
            thing = r->thing;
            right = CHECK_HOLD;
            continue;
        }
        case CHECK_WHY_INSIDE: case CHECK_WHY_CONTROL: case CHECK_WHY_DEVICE:
            if (c->same[r->thing] == c->same[thing]) {
                right = CHECK_HOLD;
                continue;
            }
            snprintf(part, sizeof part, "%s%s %s", join, r->why == CHECK_WHY_INSIDE ? "lies in" : "comes with",
                     thing_text(c, r->thing, name, sizeof name));
            append(text, size, part);
            thing = c->same[r->thing];
            right = CHECK_HOLD;
            continue;
        case CHECK_WHY_BOUND: append(text, size, depth ? ", its VM's memory" : "its VM's memory"); return;
        case CHECK_WHY_KERNEL: append(text, size, "the node's kernel log"); return;
        case CHECK_WHY_FROM:
            snprintf(part, sizeof part, "%sfrom %s", depth ? ", " : "", c->parties[r->party].name);
            append(text, size, part);
            return;
        }
    }
}

void check_edge_text(const struct check *c, const struct check_edge *e, char *text, size_t size)
{
    const char *from = c->parties[e->from].name, *to = c->parties[e->to].name;
    char thing[THING_TEXT], thing_to[THING_TEXT], why[400], why_to[400];
    enum check_right right = CHECK_WRITE, right_to = CHECK_READ;

    thing_text(c, e->thing, thing, sizeof thing);
    thing_text(c, e->thing_to, thing_to, sizeof thing_to);
    if (e->flow == CHECK_ANSWER) {
        right = CHECK_READ;
        right_to = CHECK_WRITE;
    } else if (e->flow == CHECK_SHARE || e->flow == CHECK_CONTROL) {
        right = right_to = CHECK_HOLD;
    }
    why_text(c, e->from, e->thing, right, why, sizeof why);
    why_text(c, e->to, e->thing_to, right_to, why_to, sizeof why_to);
    switch (e->flow) {
    case CHECK_MEMORY:
        snprintf(text, size, "memory: %s writes %s (%s); %s reads it (%s)", from, thing, why, to, why_to);
        break;
    case CHECK_MESSAGE:
        snprintf(text, size, "message: %s sends to %s (%s); %s receives there (%s)", from, thing, why, to, why_to);
        break;
    case CHECK_ANSWER:
        snprintf(text, size, "answer: %s answers what %s sends to %s (%s)", from, to, thing, why_to);
        break;
    case CHECK_MOVE:
        snprintf(text, size, "channel: %s sends what it has into %s (%s); %s receives it (%s)", from, thing, why, to, why_to);
        break;
    case CHECK_SIGNAL:
        snprintf(text, size, "signal: %s signals %s (%s); %s waits for it (%s)", from, thing, why, to, why_to);
        break;
    case CHECK_INTERRUPT:
        if (e->thing == e->thing_to)
            snprintf(text, size, "interrupt: %s interrupts the core of %s by %s (%s)", from, to, thing, why);
        else
            snprintf(text, size, "interrupt: %s interrupts the node of %s by %s (%s); it arrives at %s (%s)", from, to, thing, why,
                     thing_to, why_to);
        break;
    case CHECK_CONTROL:
        snprintf(text, size, "control: %s may change what %s does: it has %s (%s)", from, to, thing, why);
        break;
    case CHECK_TRANSFER:
        snprintf(text, size, "capabilities: %s may pass on what it has to %s by %s (%s)", from, to, thing, why);
        break;
    case CHECK_SHARE:
        snprintf(text, size, "shared object: %s and %s both hold %s (%s; %s)", from, to, thing, why, why_to);
        break;
    case CHECK_CORE:
        if (check_object(c, e->thing)->type == CAPDL_CONTROL)
            snprintf(text, size, "CPU time: %s deals out the time of node %" PRIu32 ", where %s runs (%s)", from,
                     check_node_of(c, e->thing), to, why);
        else
            snprintf(text, size, "CPU time: %s and %s share the core of node %" PRIu32, from, to, check_node_of(c, e->thing));
        break;
    }
}

static void path_report(const struct check *c, const uint32_t *edges, uint32_t length, FILE *f)
{
    char text[1400];
    for (uint32_t i = 0; i < length; i++) {
        check_edge_text(c, &c->edges[edges[i]], text, sizeof text);
        fprintf(f, "    %" PRIu32 ". %s\n", i + 1, text);
    }
}

/* "alpha -> console@0 -> beta" */
static void channel_report(const struct check *c, const uint32_t *edges, uint32_t length, FILE *f)
{
    fprintf(f, "%s", c->parties[c->edges[edges[0]].from].name);
    for (uint32_t i = 0; i < length; i++)
        fprintf(f, " -> %s", c->parties[c->edges[edges[i]].to].name);
}

/* Which parties have a flow directly to which: [from * party_count + to]. NULL: not enough memory. */
static uint8_t *direct_flows(const struct check *c)
{
    uint8_t *direct = calloc((size_t)c->party_count * c->party_count + 1, 1);
    for (uint32_t i = 0; direct && i < c->edge_count; i++)
        direct[(size_t)c->edges[i].from * c->party_count + c->edges[i].to] = 1;
    return direct;
}

/* The shortest path hides others: every further trusted component that takes from one and gives to the other is named, too. */
static const char *further_channels(const struct check *c, const uint8_t *direct, uint32_t from, uint32_t to, uint32_t shown, const char *separator, FILE *f)
{
    for (uint32_t p = 0; p < c->party_count; p++) {
        if (p == shown || c->parties[p].kind != CHECK_TRUSTED || c->parties[p].compromised ||
            !direct[(size_t)from * c->party_count + p] || !direct[(size_t)p * c->party_count + to])
            continue;
        fprintf(f, "%s%s -> %s -> %s", separator, c->parties[from].name, c->parties[p].name, c->parties[to].name);
        separator = ", ";
    }
    return separator;
}

static bool pair_report(const struct check *c, const uint8_t *direct, uint32_t a, uint32_t b, uint32_t *edges, FILE *f)
{
    const uint32_t ends[2][2] = {{a, b}, {b, a}};
    bool isolated = true;
    uint32_t length = 0;

    for (unsigned way = 0; way < 2; way++) {
        length = check_path(c, ends[way][0], ends[way][1], false, edges, c->party_count);
        if (!length)
            continue;
        fprintf(f, "%s -> %s: NOT ISOLATED\n", c->parties[ends[way][0]].name, c->parties[ends[way][1]].name);
        path_report(c, edges, length, f);
        isolated = false;
    }
    if (!isolated)
        return false;
    fprintf(f, "%s, %s: isolated", c->parties[a].name, c->parties[b].name);
    const char *separator = "; trusted channel ";
    for (unsigned way = 0; way < 2; way++) {
        length = check_path(c, ends[way][0], ends[way][1], true, edges, c->party_count);
        if (!length)
            continue;
        fputs(separator, f);
        channel_report(c, edges, length, f);
        separator = further_channels(c, direct, ends[way][0], ends[way][1], length == 2 ? c->edges[edges[0]].to : UINT32_MAX, ", ", f);
    }
    fputc('\n', f);
    return true;
}

/* What makes a trusted component one that others steer. */
static void compromise_report(const struct check *c, uint32_t party, FILE *f)
{
    char text[1400];
    check_edge_text(c, &c->parties[party].cause, text, sizeof text);
    fprintf(f, "%s is trusted, but not its own master\n    %s\n", c->parties[party].name, text);
}

static bool same_component(const struct check_party *p, const struct check_party *q)
{
    size_t length = strcspn(p->name, "@");
    return p->kind == CHECK_TRUSTED && q->kind == CHECK_TRUSTED && strcspn(q->name, "@") == length &&
           strncmp(p->name, q->name, length) == 0;
}

static void trusted_report(const struct check *c, FILE *f)
{
    fputs("trusted: boot and init (until the nodes run), the kernels", f);
    for (uint32_t i = 0; i < c->party_count; i++) {
        uint32_t nodes = 0, first = i;
        for (uint32_t k = 0; k < c->party_count; k++)
            if (same_component(&c->parties[i], &c->parties[k])) {
                nodes++;
                first = k < first ? k : first;
            }
        if (nodes == 0 || first != i)
            continue;
        fprintf(f, ", %.*s", (int)strcspn(c->parties[i].name, "@"), c->parties[i].name);
        if (nodes > 1)
            fprintf(f, " on %" PRIu32 " nodes", nodes);
    }
    fputc('\n', f);
}

bool check_report(const struct check *c, FILE *f)
{
    uint32_t *edges = malloc((c->party_count + 1) * sizeof *edges);
    uint8_t *direct = direct_flows(c);
    uint32_t pairs = 0, isolated = 0, vms = 0, wrong = c->finding_count;

    if (!edges || !direct) {
        free(edges);
        free(direct);
        fputs("not enough memory\n", f);
        return false;
    }
    for (uint32_t i = 0; i < c->finding_count; i++)
        fprintf(f, "WRONG: %s\n", c->findings[i].text);
    for (uint32_t i = 0; i < c->party_count; i++)
        if (c->parties[i].compromised) {
            wrong++;
            fputs("WRONG: ", f);
            compromise_report(c, i, f);
        }
    for (uint32_t a = 0; a < c->party_count; a++) {
        vms += c->parties[a].kind == CHECK_VM;
        for (uint32_t b = a + 1; c->parties[a].kind <= CHECK_LOOSE && b < c->party_count; b++)
            if (c->parties[b].kind <= CHECK_LOOSE) {
                pairs++;
                isolated += pair_report(c, direct, a, b, edges, f);
            }
    }
    free(edges);
    free(direct);
    trusted_report(c, f);
    fprintf(f, "%" PRIu32 " nodes, %" PRIu32 " VMs, %" PRIu32 " of %" PRIu32 " pairs isolated", c->system->node_count, vms, isolated,
            pairs);
    if (wrong)
        fprintf(f, ", %" PRIu32 " other thing%s wrong", wrong, wrong == 1 ? "" : "s");
    fputc('\n', f);
    return isolated == pairs && wrong == 0;
}
