/* The kernel's objects as they lie in memory. Sizes are part of the interface (sel4/abi.h), checked below. */
#pragma once
#include "cap.h"

struct tcb;
struct vcpu;
struct endpoint;
struct notification;
struct reply;
struct sched_context;

/* A user thread's registers. Entry assembly (x86/entry.S) depends on the order; x86/context.h asserts the offsets.
 * cause: how the kernel was entered: negative = by SYSCALL (return by SYSRET), else by the exception or interrupt vector. */
struct context {
    word_t rax, rbx, rcx, rdx, rsi, rdi, rbp;
    word_t r8, r9, r10, r11, r12, r13, r14, r15;
    word_t rip, rflags, rsp;
    word_t fs_base, gs_base;
    word_t cause, error_code;
};

enum thread_state {
    THREAD_INACTIVE = 0,
    THREAD_RUNNING,
    THREAD_BLOCKED_ON_RECEIVE,
    THREAD_BLOCKED_ON_SEND,
    THREAD_BLOCKED_ON_REPLY,
    THREAD_BLOCKED_ON_NOTIFICATION,
    THREAD_IDLE,
};

struct fault {
    word_t type; /* SEL4_FAULT_* or ATOLL_FAULT_VCPU */
    word_t w[6]; /* as the message's words, without those that the thread's registers hold */
};

/* A CSpace of one level (guard and radix make up a whole word), as the common lookups want it: the slots of the addresses from
 * `first` on. Derived from the TCB's cspace slot, valid as long as that holds the capability word `cap`. */
struct cspace_window {
    word_t cap, first, count;
    struct slot *slots;
};

struct queue_link { /* membership in an endpoint's, notification's or ready queue */
    struct tcb *prev, *next;
};

struct tcb {
    struct context context;
    uint8_t fpu[512] __attribute__((aligned(64))); /* FXSAVE image; a vCPU thread's state is in its vCPU */
    struct slot cspace, vspace, ipc_buffer, fault_handler, timeout_handler; /* the TCB's own slots */
    struct cspace_window cspace_window;
    enum thread_state state;
    bool fpu_disabled;
    bool in_ready_queue, in_release_queue;
    uint8_t priority, mcp, domain;
    /* blocked on IPC */
    void *blocked_on;            /* endpoint or notification */
    word_t blocked_badge;
    bool blocked_can_grant, blocked_can_grant_reply, blocked_is_call;
    struct reply *reply;         /* receive: the reply object given; blocked on reply: where this caller is linked */
    struct queue_link ipc_link;  /* endpoint or notification queue, ordered by priority */
    struct queue_link ready_link;
    struct queue_link release_link;
    struct notification *bound_notification;
    struct sched_context *sc;
    struct sched_context *yield_to; /* the context this thread yielded to and whose consumed time it waits for */
    struct vcpu *vcpu;           /* set: a vCPU thread */
    struct fault fault;
    word_t lookup_failure[4];    /* kind and words of the last failed lookup */
    word_t ipc_buffer_vaddr;
    word_t *ipc_buffer_words;    /* the buffer in the window, or NULL: derived from the ipc_buffer slot, cleared with it */
    char name[32];               /* debug builds: for people */
    struct queue_link all_link;  /* every TCB, for the scheduler dump */
};
#define TCB_SLOTS 5
_Static_assert(sizeof(struct tcb) <= BIT(SEL4_TCB_BITS), "TCB fits its object size");

enum endpoint_state { ENDPOINT_IDLE = 0, ENDPOINT_SENDING, ENDPOINT_RECEIVING };
struct endpoint { /* 16 bytes: state in the low bits of head (TCBs are 2 KiB aligned) */
    word_t head_and_state;
    struct tcb *tail;
};
_Static_assert(sizeof(struct endpoint) == BIT(SEL4_ENDPOINT_BITS), "endpoint size");

enum notification_state { NOTIFICATION_IDLE = 0, NOTIFICATION_WAITING, NOTIFICATION_ACTIVE };
struct notification {
    word_t state;
    word_t word; /* the signals so far, OR of badges */
    struct tcb *head, *tail;
    struct tcb *bound_tcb;
    struct sched_context *sc;
    word_t reserved[2];
};
_Static_assert(sizeof(struct notification) == BIT(SEL4_NOTIFICATION_BITS), "notification size");

struct reply { /* 32 bytes: the caller, and the call stack's links (a scheduling context sits at its head) */
    struct tcb *tcb;
    word_t prev;      /* next caller down the stack (struct reply *), 0: none */
    word_t next;      /* what is above: a struct reply *, or the struct sched_context * if bit 0 is set */
    word_t can_grant;
};
_Static_assert(sizeof(struct reply) == BIT(SEL4_REPLY_BITS), "reply size");

struct refill {
    ticks_t time, amount;
};

struct sched_context { /* 128 bytes hold the core and 2 refills; each further 16 bytes hold one */
    ticks_t period, budget_consumed;
    struct tcb *tcb;
    struct reply *reply;        /* head of the call stack that this context was donated along */
    struct notification *notification;
    struct tcb *yield_from;
    word_t badge;
    uint16_t refill_max, refill_head, refill_count;
    bool sporadic;
    ticks_t budget;             /* sum of the refills */
    word_t reserved[3];
    struct refill refills[2];   /* as many as refill_max, a ring; through sched_context_refill() only */
};
_Static_assert(sizeof(struct sched_context) == BIT(SEL4_MIN_SCHED_CONTEXT_BITS), "scheduling context core");
