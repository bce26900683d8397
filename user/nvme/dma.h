/* Memory for a function's own DMA: frames into its I/O space, and the function bound to that. Nothing else is in there. A component that starts
 * anew does it anew. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "sel4.h"

/* What a component holds for it. All slots are its own; the three from `free` on stay in use. */
struct dma {
    cptr_t cnode, tables, free;     /* its CNode, private untyped for three tables, empty slots */
    cptr_t space, requester;        /* requester: a range of one ID, or 0: somebody else binds it */
    cptr_t frames;                  /* capabilities of the frames, one after the other, mapped nowhere */
    unsigned count;
    uint64_t device;                /* where the function sees them; all within one 2 MiB */
};
bool dma_open(const struct dma *, char *why, size_t why_size);
