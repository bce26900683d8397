/* Events: the system stream's lines that a script may rely on, and what they add up to. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "description.h"

enum event_kind {
    EVENT_NONE, /* the line is no event */
    EVENT_VM_STARTED,
    EVENT_VM_POWERED_OFF,
    EVENT_VM_RESET,
    EVENT_VM_RESTARTS,  /* text: restarts in N ms: reason */
    EVENT_VM_STOPPED,   /* text: the reason */
    EVENT_VM_EXIT_CODE, /* number */
    EVENT_VM_COUNTERS,  /* text: CLASS=N ... */
    EVENT_NODE_DIED,    /* number: the node; text: the reason */
    EVENT_BOOT_STOPPED, /* text: the reason */
};

struct event {
    enum event_kind kind;
    char vm[32];
    unsigned long number;
    const char *text; /* inside the line */
};

struct event event_parse(const char *line);

/* What became of the VMs. */
struct outcome_vm {
    const char *name;
    unsigned node, nodes; /* its first one, and how many: one per vCPU */
    bool started, ended, failed; /* ended: powered off, stopped, or its node died */
    char reason[256];            /* failed: why */
};

struct outcome {
    struct outcome_vm *vms;
    size_t count;
    bool machine_failed; /* boot stopped or the control node died: nothing else will come */
    char reason[256];
};

int outcome_init(struct outcome *o, const struct description *d); /* VM i runs on node i + 1 */
void outcome_free(struct outcome *o);
void outcome_event(struct outcome *o, const struct event *e);
bool outcome_complete(const struct outcome *o); /* no VM runs any more */
int outcome_exit_code(const struct outcome *o); /* once complete: 0 all powered off in order, else 1 */
