/* I/O spaces: page tables for devices, and which requester IDs go through them. Invocations are described in <sel4/abi.h>. */
#pragma once
#include "iommu.h"
#include "paging.h"

struct io_space { /* 8 KiB */
    word_t table[TABLE_ENTRIES]; /* the top table */
    struct iommu *unit;          /* NULL: no requester is bound */
    word_t domain;
    word_t bound_count;
};
_Static_assert(sizeof(struct io_space) <= BIT(ATOLL_IO_SPACE_BITS), "I/O space object size");

/* iospace.c: tables and frames */
status_t io_table_invoke(struct invocation *);
void io_table_deleted(cap_t);
status_t io_frame_map(struct invocation *);
void io_frame_unmap(cap_t);

/* requesters.c */
status_t requesters_invoke(struct invocation *);
bool requesters_in_use(cap_t); /* a function of the range is bound, or its message raises a vector */
void requesters_deleted(cap_t);
bool requesters_unbind_one(cap_t); /* a function is unbound, or a message closed; false: there was none */
bool io_spaces_bound(void); /* any function of this node */
bool io_space_unbind_one(struct io_space *);    /* false: none was bound */
void io_space_unbind_all(struct io_space *);
