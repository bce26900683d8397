/* Block requests and answers between a VMM and the component that holds the disk, each way over one queue (<atoll/queue.h>).
 *
 * A client asks for the disk's size first. It waits for that answer, and drops what else comes before: a component may have been asked by a
 * former life of the client. A component that starts drops what it has been asked before.
 *
 * A client has at most BLOCK_OUTSTANDING requests without an answer, of at most BLOCK_PIECE bytes each: then neither queue is
 * ever full, and nobody waits for room. Who does more loses its own answers. */
#pragma once
#include <stdint.h>
#include <atoll/component.h>

#define BLOCK_SECTOR 512u
#define BLOCK_PIECE 12288u
#define BLOCK_OUTSTANDING 4u

enum block_operation { BLOCK_READ = 1, BLOCK_WRITE, BLOCK_FLUSH, BLOCK_SIZE };
/* Refused: beyond the end, read-only, too long, not whole blocks, unknown; or the device behind it failed. */
enum block_status { BLOCK_DONE = 0, BLOCK_REFUSED = 1 };

struct block_request { /* then, for BLOCK_WRITE, `bytes` bytes */
    uint32_t operation, tag;
    uint64_t sector;
    uint32_t bytes, reserved; /* bytes: a multiple of BLOCK_SECTOR */
};

struct block_answer { /* then, for BLOCK_READ and BLOCK_SIZE that are done, `bytes` bytes */
    uint32_t status, tag; /* the request's tag */
    uint32_t bytes, reserved;
};

struct block_size { /* the answer to BLOCK_SIZE */
    uint64_t sectors;
    uint32_t block_bytes; /* BLOCK_SECTOR to 4096, a power of two: requests are for whole blocks */
    uint32_t read_only;
};
#define BLOCK_SIZE_TAG 0x657a6973u /* of that request: no other has it */
_Static_assert(BLOCK_OUTSTANDING * (BLOCK_PIECE + sizeof(struct block_request)) <= QUEUE_DATA_SIZE, "a full house fits");
