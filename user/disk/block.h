/* The component's side of <atoll/block.h>, for the disk in memory and for the one on an NVMe function. Pure: the queues are the caller's. */
#pragma once
#include <stdbool.h>
#include <atoll/block.h>
#include <atoll/queue.h>

struct block_server {
    struct queue requests, answers;
    struct block_size size; /* sectors 0: there is no disk (any more), and everything is refused */
    bool dead;              /* the client wrote something that is no request: nothing more of it is served until it begins anew */
};

enum block_next {
    BLOCK_NOTHING,
    BLOCK_WORK,    /* `*r` is a request that can be carried out. It stays in the queue until block_skip() */
    BLOCK_RUBBISH, /* the client has just written something that is no request */
};
/* What needs no disk is answered here: the size, and what cannot be done. */
enum block_next block_next(struct block_server *, struct block_request *r);
/* The data of a BLOCK_WRITE that block_next() has just returned. */
void block_data(const struct block_server *, const struct block_request *r, void *to);
void block_skip(struct block_server *, const struct block_request *r);
/* `data`: r->bytes bytes, for a BLOCK_READ that is done. A client that has more on the way than agreed loses the answer. */
void block_answer(struct block_server *, const struct block_request *r, enum block_status status, const void *data);
