/* All state of a kernel instance, in one place. One instance drives one core and shares nothing, so these are
 * plain globals: no locks, no per-CPU anything. Interrupts are off throughout the kernel. */
#pragma once
#include "channel.h"
#include "object.h"

#ifndef WORK_UNITS_PER_CHECK /* the fuzzer looks more often */
#define WORK_UNITS_PER_CHECK 32 /* small bounded steps between two looks for a pending interrupt */
#endif
#define ASID_POOLS 8
#define ASIDS_PER_POOL 512
#define NUM_IRQS 224 /* IRQ i is CPU vector i + 0x20 */

struct asid_pool {
    word_t roots[ASIDS_PER_POOL]; /* window offset of the root table | 1 (PML4) or | 3 (nested), 0: free */
};

enum irq_state { IRQ_INACTIVE = 0, IRQ_SIGNAL, IRQ_TIMER, IRQ_RESERVED };

struct kernel {
    char *window;            /* the object window: KERNEL_WINDOW_VA on the machine, an array on the host */
    word_t window_size;
    paddr_t window_paddr;

    struct tcb *current;
    struct sched_context *current_sc;
    bool reschedule;         /* the scheduler must choose before the kernel leaves */
    struct tcb *switch_to;   /* NULL: choose; else this thread runs next (direct switch) */

    struct tcb *ready_head[SEL4_NUM_PRIORITIES], *ready_tail[SEL4_NUM_PRIORITIES];
    word_t ready_bits[SEL4_NUM_PRIORITIES / 64], ready_summary;
    struct tcb *release_head; /* ordered by when the head refill becomes ready */
    struct tcb *all_threads;

    ticks_t now;             /* TSC at kernel entry */
    ticks_t consumed;        /* charged to current_sc since `now` was last taken */
    bool reprogram;          /* the timer must be set before the kernel leaves */
    ticks_t ticks_per_us;
    ticks_t min_budget;      /* SEL4_MIN_BUDGET_US in ticks */

    struct asid_pool *asid_pools[ASID_POOLS];
    struct slot irq_slots[NUM_IRQS]; /* the notification that an IRQ signals */
    uint8_t irq_state[NUM_IRQS];

    word_t work_units;       /* since the last preemption check */

    struct channel *channels; /* this node's ends, numbered as in the resource map */
    struct movable *movables;
    word_t movable_count;

    /* the system call under way: details of a refusal, returned in the reply's message words */
    struct {
        word_t message[6];
        word_t length;
    } refusal;
};
extern struct kernel kernel;

/* The one place where an object's name becomes a pointer. */
static inline void *object_at(word_t offset) { return kernel.window + offset; }
static inline struct slot *cnode_slot(cap_t cnode, word_t i) { return (struct slot *)object_at(cnode_offset(cnode)) + i; }
static inline word_t object_offset(const void *p) { return (word_t)((const char *)p - kernel.window); }
static inline paddr_t object_paddr(const void *p) { return object_offset(p) + kernel.window_paddr; }
