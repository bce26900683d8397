/* The plan: the system request bound to this machine's memory and cores. Pure: it reads its input, fills in the plan or
 * gives a sentence, and touches nothing else. Compiles for the host.
 *
 * Nothing is given twice: every piece of memory comes out of one set of free ranges, and at the end plan_make checks, from the list of
 * what was handed out alone, that all of it is pairwise disjoint, inside RAM, and off everything that boot uses. */
#pragma once
#include <atoll/resource_map.h>
#include <atoll/system.h>
#include "input.h"
#include "ranges.h"

#define PLAN_LARGE_PAGE 0x200000ull
#define PLAN_WINDOW_STEP 0x40000ull                   /* init's CNode, which the kernel aligns down from the window's end */
#define PLAN_STACK_SIZE 0x2000u                       /* boot's stack on the node's core, until the kernel runs */
#define PLAN_MAX_WINDOW (128ull << 30)                /* what a kernel can number slots in (kernel/cap.h) */
#define PLAN_MAX_REST 96                              /* pieces of left-over memory, and of address space that isn't RAM */

struct plan_input {
    const struct boot_input *boot;
    const struct ranges *own;    /* boot's image, loaded modules, identity tables: never given away */
    const struct ranges *kept;   /* outside RAM: interrupt controllers, IOMMUs; not part of REST's device memory */
    const uint8_t *system;       /* the module "system" */
    uint64_t system_size;
    uint64_t kernel_size, init_size; /* bytes in memory, whole pages */
    uint64_t phys_limit;
    unsigned core_count;         /* usable cores; the request's nodes take the first ones */
    unsigned ioapic_count;
    unsigned iommu_count;        /* protecting units; 0: none */
};

struct plan_node {
    struct range private, window;
    uint64_t image, map, stack;   /* inside private, before the window; the map has RESOURCE_MAP_MAX_BYTES */
    struct range tables;          /* kernel page tables and boot's hand-over table */
    unsigned entry_count;         /* of its resource map */
};

struct plan_rest { struct range range; bool ram; };

struct plan {
    const struct system_header *system;
    struct plan_node nodes[SYSTEM_MAX_NODES];
    struct range memory[SYSTEM_MAX_REQUESTS]; /* what request i got, for kinds with memory; MODULE: padded to a whole page */
    uint64_t module[SYSTEM_MAX_REQUESTS];     /* MODULE: index of the loaded module */
    unsigned rest_count;                      /* REST mode: for node 0 */
    struct plan_rest rest[PLAN_MAX_REST];
    char reason[192];
};

bool plan_make(const struct plan_input *in, struct plan *plan); /* false: plan->reason is a sentence */
bool plan_is_first(const struct plan *, unsigned request); /* memory that several nodes hold: the first of its requests */
bool plan_kind_has_memory(uint32_t kind); /* request kinds with memory outside the node's private range */
