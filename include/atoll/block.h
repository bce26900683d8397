/* Block requests and answers between a VMM and the component that holds the disk, each way over one queue (<atoll/queue.h>).
 *
 * A client has at most BLOCK_OUTSTANDING requests without an answer, of at most BLOCK_PIECE bytes each: then neither queue is
 * ever full, and nobody waits for room. Who does more loses its own answers. */
#pragma once
#include <stdint.h>
#include <atoll/component.h>

#define BLOCK_SECTOR 512u
#define BLOCK_PIECE 12288u
#define BLOCK_OUTSTANDING 4u

enum block_operation { BLOCK_READ = 1, BLOCK_WRITE, BLOCK_FLUSH };
enum block_status { BLOCK_DONE = 0, BLOCK_REFUSED = 1 }; /* refused: beyond the end, read-only, too long, unknown */

struct block_request { /* then, for BLOCK_WRITE, `bytes` bytes */
    uint32_t operation, tag;
    uint64_t sector;
    uint32_t bytes, reserved; /* bytes: a multiple of BLOCK_SECTOR */
};

struct block_answer { /* then, for BLOCK_READ that is done, `bytes` bytes */
    uint32_t status, tag; /* the request's tag */
    uint32_t bytes, reserved;
};
_Static_assert(BLOCK_OUTSTANDING * (BLOCK_PIECE + sizeof(struct block_request)) <= QUEUE_DATA_SIZE, "a full house fits");
