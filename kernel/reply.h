/* The links of a call stack of reply objects: shared by reply.c and the fast path. */
#pragma once
#include "object.h"

#define REPLY_NEXT_IS_SC 1ull

static inline struct reply *reply_below(const struct reply *r) { return (struct reply *)r->prev; }
static inline struct sched_context *reply_sc(const struct reply *r) /* NULL: not the top of a stack */
{
    return r->next & REPLY_NEXT_IS_SC ? (struct sched_context *)(r->next & ~REPLY_NEXT_IS_SC) : NULL;
}
static inline void reply_stack_push(struct sched_context *sc, struct reply *r)
{
    struct reply *below = sc->reply;
    r->prev = (word_t)below;
    r->next = (word_t)sc | REPLY_NEXT_IS_SC;
    if (below)
        below->next = (word_t)r;
    sc->reply = r;
}
static inline void reply_stack_pop(struct sched_context *sc, struct reply *r)
{
    struct reply *down = reply_below(r);
    sc->reply = down;
    if (down)
        down->next = (word_t)sc | REPLY_NEXT_IS_SC;
    r->prev = r->next = 0;
}
