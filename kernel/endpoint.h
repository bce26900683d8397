/* The fields of an endpoint: shared by endpoint.c and the fast path. */
#pragma once
#include "object.h"

#define ENDPOINT_STATE_MASK 3ull

static inline enum endpoint_state endpoint_state(const struct endpoint *e)
{
    return (enum endpoint_state)(e->head_and_state & ENDPOINT_STATE_MASK);
}
static inline struct tcb *endpoint_head(const struct endpoint *e)
{
    return (struct tcb *)(e->head_and_state & ~ENDPOINT_STATE_MASK);
}
/* Is it in this state? Then *head is its queue's head. */
static inline bool endpoint_has(const struct endpoint *e, enum endpoint_state s, struct tcb **head)
{
    word_t word = e->head_and_state - s;
    *head = (struct tcb *)word;
    return (word & ENDPOINT_STATE_MASK) == 0;
}
static inline void endpoint_set_head(struct endpoint *e, const struct tcb *head, enum endpoint_state s)
{
    e->head_and_state = (uintptr_t)head | s;
}

/* By priority, first come first served among equals. */
static inline void endpoint_enqueue(struct endpoint *e, struct tcb *t, enum endpoint_state s)
{
    struct tcb *before = endpoint_head(e) ? e->tail : NULL;
    while (before && before->priority < t->priority)
        before = before->ipc_link.prev;
    struct tcb *after = before ? before->ipc_link.next : endpoint_head(e);
    t->ipc_link = (struct queue_link){before, after};
    if (after)
        after->ipc_link.prev = t;
    else
        e->tail = t;
    if (before)
        before->ipc_link.next = t;
    endpoint_set_head(e, before ? endpoint_head(e) : t, s);
}

/* The head leaves; its own link keeps its old value, which has no meaning outside a queue. */
static inline void endpoint_pop(struct endpoint *e, const struct tcb *head, enum endpoint_state s)
{
    struct tcb *next = head->ipc_link.next;
    if (__builtin_expect(!next, true)) {
        *e = (struct endpoint){ENDPOINT_IDLE, NULL};
    } else {
        next->ipc_link.prev = NULL;
        endpoint_set_head(e, next, s);
    }
}

static inline void endpoint_dequeue(struct endpoint *e, struct tcb *t)
{
    struct tcb *prev = t->ipc_link.prev, *next = t->ipc_link.next;
    if (next)
        next->ipc_link.prev = prev;
    else
        e->tail = prev;
    if (prev)
        prev->ipc_link.next = next;
    else
        endpoint_set_head(e, next, next ? endpoint_state(e) : ENDPOINT_IDLE);
    t->ipc_link = (struct queue_link){NULL, NULL};
}
