/* The picture: each node a stack (its VM, its trusted components, its kernel), and between the stacks only the channels that exist.
 * What lies on one core in one stack belongs together; an arrow that joins two untrusted parties is red. */
#include "check.h"
#include <inttypes.h>
#include <string.h>

#define LABEL_SIZE 400

/* "vm.alpha.out" as "out": the arrow's end says whose it is. */
static void append_name(char *label, const char *name)
{
    const char *last = strrchr(name, '.');
    char word[CAPDL_NAME_MAX + 2];
    size_t length = strlen(label);

    snprintf(word, sizeof word, "%s", last ? last + 1 : name);
    for (const char *at = label; (at = strstr(at, word)); at += strlen(word))
        if ((at == label || at[-1] == ' ') && (at[strlen(word)] == 0 || at[strlen(word)] == ','))
            return;
    snprintf(label + length, LABEL_SIZE - length, "%s%s", length ? ", " : "", word);
}

static bool is_queue_page(const struct check *c, uint32_t thing)
{
    const struct capdl_object *o = check_object(c, thing);
    size_t length = strlen(o->name);
    return o->type == CAPDL_FRAME && o->index == 0 && (length < 5 || strcmp(o->name + length - 5, ".tail") != 0);
}

/* What goes from one party to another: queues by name, other flows by kind. A queue's tail page only says how far its reader is. */
static void channels(const struct check *c, uint32_t from, uint32_t to, char *label)
{
    static const char *const words[] = {[CHECK_MOVE] = "node channel", [CHECK_MESSAGE] = "messages", [CHECK_ANSWER] = "answers", [CHECK_SIGNAL] = "signals",
                                        [CHECK_INTERRUPT] = "doorbell", [CHECK_CONTROL] = "CONTROL", [CHECK_TRANSFER] = "CAPABILITIES",
                                        [CHECK_SHARE] = "shared object", [CHECK_CORE] = "CPU time"};
    uint32_t low = 0, high = c->edge_count;

    label[0] = 0;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct check_edge *e = &c->edges[middle];
        if (e->from < from || (e->from == from && e->to < to))
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < c->edge_count && c->edges[low].from == from && c->edges[low].to == to; low++) {
        if (c->edges[low].flow != CHECK_MEMORY) {
            append_name(label, words[c->edges[low].flow]);
            continue;
        }
        bool queues = false;
        for (uint32_t f = c->parties[from].first_fact; f != CAPDL_NONE; f = c->facts[f].next_of_party) {
            const struct check_fact *its = c->facts[f].rights & CHECK_WRITE ? check_fact(c, to, c->facts[f].thing) : NULL;
            if (!its || !(its->rights & CHECK_READ) || !is_queue_page(c, c->facts[f].thing))
                continue;
            append_name(label, check_object(c, c->facts[f].thing)->name);
            queues = true;
        }
        bool tails = check_object(c, c->edges[low].thing)->index != CAPDL_SCALAR;
        if (!queues && !tails)
            append_name(label, "memory");
    }
}

static uint64_t vm_memory(const struct check *c, uint32_t node, const char *vm)
{
    char name[CAPDL_NAME_MAX + 32];
    snprintf(name, sizeof name, "vm.%s.ram", vm);
    uint32_t object = capdl_find(c->system->nodes[node], name, CAPDL_SCALAR);
    const struct capdl_param *size = object == CAPDL_NONE ? NULL : capdl_param(c->system->nodes[node], object, CAPDL_KEY_SIZE);
    return size ? size->value : 0;
}

static bool is_on(const struct check_party *p, uint32_t node) { return p->node == node || p->nodes[node / 64] >> (node % 64) & 1; }

static void row(const struct check *c, uint32_t node, uint32_t party, FILE *f)
{
    static const char *const colours[] = {"#ffd9a8", "#ffb3b3", "#cfe8cf", "#dde3ea"};
    const struct check_party *p = &c->parties[party];
    int length = (int)strcspn(p->name, "@");

    fprintf(f, "<tr><td port=\"p%" PRIu32 "\" bgcolor=\"%s\" width=\"165\" height=\"%s\">", party,
            p->compromised ? "#ff8080" : colours[p->kind], p->kind == CHECK_VM ? "58" : "26");
    if (p->kind == CHECK_VM) {
        fprintf(f, "<b>VM %.*s</b>", length, p->name);
        uint64_t memory = vm_memory(c, node, p->name);
        if (memory >> 30 && !(memory & ((1u << 30) - 1)))
            fprintf(f, "<br/><font point-size=\"10\">%" PRIu64 " GiB RAM, its own VMM</font>", memory >> 30);
        else if (memory)
            fprintf(f, "<br/><font point-size=\"10\">%" PRIu64 " MiB RAM, its own VMM</font>", memory >> 20);
    } else {
        fprintf(f, "%.*s", length, p->name);
    }
    fputs("</td></tr>", f);
}

static void heading(uint32_t node, bool vm, FILE *f)
{
    fprintf(f, "<tr><td border=\"0\"><font point-size=\"10\" color=\"#667788\">node %" PRIu32 ": one core%s</font></td></tr>", node,
            node == 0 ? ", control" : vm ? "" : ", spare");
}

static void stack(const struct check *c, uint32_t node, FILE *f)
{
    bool vm = false;
    fprintf(f, "  n%" PRIu32 " [label=<<table border=\"1\" cellborder=\"1\" cellspacing=\"0\" color=\"#667788\">", node);
    for (uint32_t i = 0; i < c->party_count; i++)
        vm = vm || (c->parties[i].kind <= CHECK_LOOSE && is_on(&c->parties[i], node));
    if (node == 0) /* drawn above the others, facing them */
        heading(node, vm, f);
    for (int k = CHECK_VM; k <= CHECK_KERNEL; k++) {
        enum check_kind kind = node == 0 ? CHECK_KERNEL - k : k;
        for (uint32_t i = 0; i < c->party_count; i++)
            if (c->parties[i].kind == kind && is_on(&c->parties[i], node))
                row(c, node, i, f);
    }
    if (node != 0)
        heading(node, vm, f);
    fputs("</table>>];\n", f);
}

static void label_print(const char *there, const char *back, FILE *f)
{
    fputs(", label=\"", f);
    if (there[0])
        fprintf(f, "%s%s", there, back[0] ? " &darr;\\l" : "");
    if (back[0])
        fprintf(f, "%s%s", back, there[0] ? " &uarr;\\l" : "");
    fputs("\"];\n", f);
}

/* Between an untrusted party and any other one. The console's side is drawn above. */
static void arrow(const struct check *c, uint32_t a, uint32_t b, FILE *f)
{
    const struct check_party *p = &c->parties[a], *q = &c->parties[b];
    bool red = check_untrusted(p) && check_untrusted(q);
    char there[LABEL_SIZE], back[LABEL_SIZE];

    if (p->node == q->node && !red) /* one stack */
        return;
    channels(c, a, b, there);
    channels(c, b, a, back);
    if (!there[0] && !back[0])
        return;
    fprintf(f, "  n%" PRIu32 ":p%" PRIu32 "%s -> n%" PRIu32 ":p%" PRIu32 "%s [dir=%s, ", p->node, a, red ? "" : ":s", q->node, b,
            red ? "" : ":n", there[0] && back[0] ? "both" : there[0] ? "forward" : "back");
    fprintf(f, red ? "color=\"#d00000\", fontcolor=\"#d00000\", penwidth=3"
                   : "color=\"#305080\", fontcolor=\"#305080\", penwidth=1.8");
    if (red || p->node != 0) /* only what the control node has to do with orders the picture */
        fputs(", constraint=false", f);
    label_print(there, back, f);
}

/* What the trusted parts of two nodes tell each other: one quiet arrow. */
static void quiet_arrow(const struct check *c, uint32_t above, uint32_t below, FILE *f)
{
    char there[LABEL_SIZE], back[LABEL_SIZE], all_there[LABEL_SIZE] = "", all_back[LABEL_SIZE] = "";
    uint32_t end = CAPDL_NONE;
    for (uint32_t a = 0; a < c->party_count; a++)
        for (uint32_t b = 0; b < c->party_count; b++) {
            const struct check_party *p = &c->parties[a], *q = &c->parties[b];
            if (p->node != above || q->node != below || check_untrusted(p) || check_untrusted(q))
                continue;
            channels(c, a, b, there);
            channels(c, b, a, back);
            if (there[0])
                append_name(all_there, there);
            if (back[0])
                append_name(all_back, back);
            if ((there[0] || back[0]) && p->kind == CHECK_TRUSTED)
                end = a;
        }
    if (end == CAPDL_NONE)
        return;
    fprintf(f, "  n%" PRIu32 ":p%" PRIu32 ":e -> n%" PRIu32 ":p%" PRIu32 ":e [dir=%s, color=\"#9aa7b4\", fontcolor=\"#7a8794\", penwidth=1, ",
            above, end, below, c->party_count - c->system->node_count + below,
            all_there[0] && all_back[0] ? "both" : all_there[0] ? "forward" : "back");
    fputs("constraint=false", f);
    label_print(all_there, all_back, f);
}

void picture_print(const struct check *c, FILE *f)
{
    fputs("digraph atoll {\n"
          "  graph [rankdir=TB, nodesep=0.9, ranksep=1.1, fontname=\"Helvetica\", bgcolor=\"white\", labelloc=b, fontsize=11,\n"
          "    label=\"\\norange: untrusted, one tenant each    green: trusted, small    grey: each core's own kernel\\n"
          "an arrow is a queue, by its name, or an interrupt (doorbell); where there is no arrow, there is no way\"];\n"
          "  node [shape=plain, fontname=\"Helvetica\", fontsize=13];\n"
          "  edge [fontname=\"Helvetica\", fontsize=10, arrowsize=0.8];\n", f);
    for (uint32_t node = 0; node < c->system->node_count; node++) {
        stack(c, node, f);
        if (node > 0)
            fprintf(f, "  n0 -> n%" PRIu32 " [style=invis];\n", node);
    }
    for (uint32_t node = 1; node + 1 < c->system->node_count; node++) /* the others in a row */
        fprintf(f, "  {rank=same; n%" PRIu32 " -> n%" PRIu32 " [style=invis]}\n", node, node + 1);
    for (uint32_t a = 0; a < c->party_count; a++)
        for (uint32_t b = 0; b < c->party_count; b++)
            if ((check_untrusted(&c->parties[a]) || check_untrusted(&c->parties[b])) &&
                (c->parties[a].node < c->parties[b].node || (c->parties[a].node == c->parties[b].node && a < b)))
                arrow(c, a, b, f);
    for (uint32_t above = 0; above < c->system->node_count; above++)
        for (uint32_t below = above + 1; below < c->system->node_count; below++)
            quiet_arrow(c, above, below, f);
    fputs("}\n", f);
}
