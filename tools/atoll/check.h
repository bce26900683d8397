/* The isolation check: who can reach what, from the CapDL of all nodes. The rules are written down in docs/capdl.md.
 *
 * Parties are the VMs, the trusted components, each node's kernel, and every thread that belongs to none of them. A fact says that a
 * party has rights to a thing (an object, or memory that several nodes know by one name), and why. The closure adds facts
 * until nothing is new: whatever an untrusted party could bring about counts as done. Flows are read off the facts then. */
#pragma once
#include "capdl.h"

enum check_kind { CHECK_VM, CHECK_LOOSE, CHECK_TRUSTED, CHECK_KERNEL };

/* Rights of a fact: those of capabilities; HOLD: a capability of a kind that knows no rights; USE: a thread's CSpace. */
enum check_right { CHECK_READ = 1, CHECK_WRITE = 2, CHECK_GRANT = 4, CHECK_REPLY = 8, CHECK_HOLD = 16, CHECK_USE = 32 };
#define CHECK_RIGHTS 6

enum check_why {
    CHECK_WHY_SLOT,    /* in a slot of a CNode, a page table or a TCB */
    CHECK_WHY_INSIDE,  /* lies in an untyped that it holds */
    CHECK_WHY_BOUND,   /* the node manager gives it this memory */
    CHECK_WHY_KERNEL,  /* the node's kernel writes its log */
    CHECK_WHY_CONTROL, /* a control capability makes such ones */
    CHECK_WHY_DEVICE,  /* a device that it holds reaches it */
    CHECK_WHY_FROM,    /* another untrusted party can pass it on */
};

struct check_reason {
    enum check_why why;
    uint32_t thing; /* SLOT: the holder; INSIDE, CONTROL, DEVICE: the thing that gave it */
    uint32_t slot, party;
};

struct check_fact {
    uint32_t party, thing, rights;
    uint32_t next_of_thing, next_of_party;
    struct check_reason reasons[CHECK_RIGHTS];
};

enum check_flow { /* the strongest first: that is what a report names */
    CHECK_CONTROL,   /* may change what the other one does */
    CHECK_TRANSFER,  /* may pass it capabilities */
    CHECK_MEMORY,    /* writes what the other one reads */
    CHECK_MOVE,      /* sends memory and other things to its node, contents included */
    CHECK_MESSAGE, CHECK_ANSWER, CHECK_SIGNAL,
    CHECK_INTERRUPT, /* an IPI that the other one, or its core, receives */
    CHECK_SHARE,     /* both hold one object */
    CHECK_CORE,      /* CPU time of one core */
};

struct check_edge {
    uint32_t from, to, thing;
    uint32_t thing_to; /* INTERRUPT: what the other one receives by; else `thing` */
    enum check_flow flow;
    uint32_t rank; /* of those with equal ends and flow the lowest is kept: what a party has itself, before what others pass on */
};

struct check_party {
    char name[CAPDL_NAME_MAX + 24];
    enum check_kind kind;
    uint32_t node;  /* the first one it has a thread on */
    uint64_t nodes[CAPDL_MAX_NODES / 64]; /* those where a thread of it has CPU time */
    bool compromised;        /* a trusted one that an untrusted one controls */
    struct check_edge cause; /* by this */
    uint32_t first_fact;
};

#define CHECK_MAX_FINDINGS 1000 /* more are not told */
struct check_finding { char text[512]; };

struct check {
    const struct capdl_system *system;
    uint32_t base[CAPDL_MAX_NODES + 1]; /* the things of node n: base[n] + object */
    uint32_t thing_count;
    uint32_t *same;   /* representative of what is one thing under several names */
    uint32_t *member; /* next of the same, in a ring */
    uint32_t *first_fact; /* of a thing */
    uint32_t *owner;  /* of a TCB: its party */
    struct check_party *parties;
    struct check_fact *facts;
    struct check_control { uint32_t thing, party; } *controls; /* whoever holds the thing controls the party; sorted by thing */
    struct check_edge *edges;                    /* at most one per pair and flow; sorted by from, to */
    struct check_finding *findings;
    uint32_t *buckets;                           /* hash of (party, thing) to facts */
    struct { uint32_t fact, rights; } *work;
    uint8_t *absorbs; /* party p takes all that q has: absorbs[p * party_count + q] */
    uint32_t party_count, fact_count, control_count, edge_count, finding_count, bucket_count, work_count;
    uint32_t party_room, fact_room, control_room, edge_room, finding_room, work_room;
    bool again; /* a trusted party was found compromised: once more */
    bool failed; /* not enough memory */
};

/* check_graph.c: things and parties. */
struct check *check_new(const struct capdl_system *); /* NULL: no memory */
void check_free(struct check *);
bool check_grow(struct check *, void **array, uint32_t count, uint32_t *room, size_t item);
void check_finding(struct check *, const char *format, ...) __attribute__((format(printf, 2, 3)));
uint32_t check_node_of(const struct check *, uint32_t thing);
const struct capdl_model *check_model(const struct check *, uint32_t thing, uint32_t *object);
const struct capdl_object *check_object(const struct check *, uint32_t thing);
bool check_shared_page(const struct check *, uint32_t thing); /* a page of memory that nodes share */
static inline bool check_untrusted(const struct check_party *p) { return p->kind <= CHECK_LOOSE || p->compromised; }

/* check_closure.c: facts, and what follows from them. */
void check_closure(struct check *);
const struct check_fact *check_fact(const struct check *, uint32_t party, uint32_t thing);

/* check_flow.c: flows between parties, findings, paths. */
void check_flows(struct check *);
void check_edge_add(struct check *, uint32_t from, uint32_t to, enum check_flow, uint32_t thing, uint32_t thing_to);
/* The shortest path of edges; through trusted parties only if so asked. Returns its length, 0: there is none. */
uint32_t check_path(const struct check *, uint32_t from, uint32_t to, bool trusted, uint32_t *edges, uint32_t room);

/* The whole: check_new(), closure, flows. */
struct check *check_run(const struct capdl_system *);
uint32_t check_party(const struct check *, const char *name); /* CAPDL_NONE: there is none */

/* check_report.c: for people. Returns true if every pair of untrusted parties is isolated and nothing was found. */
bool check_report(const struct check *, FILE *);
void check_edge_text(const struct check *, const struct check_edge *, char *text, size_t size);

/* check_wires.c: what capabilities do not say: which VMs' virtual functions share a network. */
struct description;
void check_wires(const struct description *, FILE *);

/* picture.c: nodes, VMs and channels for Graphviz. */
void picture_print(const struct check *, FILE *);

/* check_command.c: `atoll check`. Returns the exit status. */
int check_command(int argc, char **argv, const char *images);
