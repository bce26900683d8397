/* The node channel's mailbox: how one kernel hands a capability over to one other kernel (docs/decisions/0016-node-channel.md).
 *
 * Two pages that only those two kernels map, each read-only for the one that does not write it. A record counts when its `sequence`
 * is the next one that the receiver expects, and is written last; `taken` tells the sender which records it may write over. Neither
 * side believes the other: what does not fit is no record, and no room. User level never sees these pages. */
#pragma once
#include <stdint.h>

#define CHANNEL_RECORDS 128u
#define CHANNEL_PAGE 4096u
#define CHANNEL_BYTES (2u * CHANNEL_PAGE) /* the sender's page, then the receiver's */
#define CHANNEL_MAX 64u                   /* ends in one node */
#define KERNEL_CHANNEL_VA 0xffffffffc8000000ull /* end i of a node, in the order of its map, at i * CHANNEL_BYTES */

/* What moves. Also the words that ATOLL_CHANNEL_RECEIVE returns. */
enum channel_kind {
    CHANNEL_NOTHING = 0,
    CHANNEL_MEMORY = 1,     /* frame-only untyped: value = physical address, size_bits */
    CHANNEL_REQUESTERS = 2, /* a range of requester IDs: value = unit << 32 | last << 16 | first */
    CHANNEL_IPI = 3,        /* an IPI capability: value = vector << 32 | x2APIC id */
};
/* Memory moves in naturally aligned pieces of these sizes; who holds what is recorded in units of the smallest. */
#define CHANNEL_UNIT_BITS 21u
#define CHANNEL_MAX_BITS 30u

struct channel_record {
    uint64_t sequence; /* 1 for the channel's first record; 0: never written */
    uint64_t kind, value;
    uint64_t size_bits; /* CHANNEL_MEMORY, else 0 */
};

struct channel_sent { /* written by the sending kernel only */
    struct channel_record records[CHANNEL_RECORDS]; /* record n at (n - 1) % CHANNEL_RECORDS */
};
struct channel_taken { /* written by the receiving kernel only */
    uint64_t taken; /* records 1 to `taken` are installed */
    uint64_t reserved[511];
};
_Static_assert(sizeof(struct channel_sent) == CHANNEL_PAGE && sizeof(struct channel_taken) == CHANNEL_PAGE, "a page each");
