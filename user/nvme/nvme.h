/* An NVMe controller: bring-up, its admin queue, queues for reading and writing. For drivers of a physical function, of a virtual one, and
 * for whoever mediates one. No system call is made here. What the controller writes (completions, identify data) is checked like a
 * stranger's message: one that fits nothing ends the use of that controller until it is started again.
 * Section numbers: NVM Express Base Specification 1.4. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NVME_PAGE 4096u
#define NVME_ENTRIES_MAX 64u      /* of a queue: a page of commands */
#define NVME_QUEUES_MAX 3u        /* the admin queue included: their doorbells are on one page, or the controller is refused */
#define NVME_TRANSFER_MAX 32768u  /* bytes of one command: what its share of the queue's address lists can hold */

/* Memory for DMA: whole pages that follow each other, for the driver at `at`, for the device at `device`. The device may read and write it. */
struct nvme_memory {
    void *at;
    uint64_t device;
};
#define NVME_QUEUE_PAGES 3u       /* commands, completions, address lists */
#define NVME_ADMIN_PAGES (NVME_QUEUE_PAGES + 1u) /* and a page of data */

/* 4.2 */
struct nvme_command {
    uint8_t opcode, flags;
    uint16_t id;
    uint32_t namespace_id;
    uint32_t dword2, dword3;
    uint64_t metadata;
    uint64_t data[2];             /* PRP entries 1 and 2 */
    uint32_t dword10, dword11, dword12, dword13, dword14, dword15;
};
_Static_assert(sizeof(struct nvme_command) == 64, "NVMe 1.4, 4.2");

/* 4.6 */
struct nvme_completion {
    uint32_t result;              /* command specific */
    uint32_t reserved;
    uint16_t queue_head, queue;   /* of the submission queue */
    uint16_t id;
    uint16_t status;              /* bit 0: phase; 15..1: status field, 0: success */
};
_Static_assert(sizeof(struct nvme_completion) == 16, "NVMe 1.4, 4.6");
/* Status field as NVME_STATUS(type, code), 4.6.1; `status >> 1` of a completion, without the bits More and Do Not Retry. */
#define NVME_STATUS(type, code) ((uint16_t)((type) << 8 | (code)))
#define NVME_STATUS_MASK 0x7ffu

/* A submission queue and its completion queue, both of the same number. */
struct nvme_queue {
    volatile struct nvme_command *commands;
    const volatile struct nvme_completion *completions;
    volatile uint64_t *lists;     /* of addresses, 8 per command identifier */
    uint64_t device;              /* where the device sees the three pages */
    uint16_t number, entries;
    uint16_t tail;                /* next command goes here */
    uint16_t taken;               /* how far the controller says that it has read */
    uint16_t head;                /* next completion comes here */
    uint16_t phase;               /* of completions that are new */
    uint64_t busy;                /* bit i: the command with identifier i is under way */
};

struct nvme {
    struct nvme_queue admin;
    void *data;                   /* one page, NVME_ADMIN_PAGES's last: for the controller to read or write */
    uint64_t data_device;
    uint8_t told[NVME_PAGE] __attribute__((aligned(8))); /* what nvme_identify brought, copied: the controller can't change it any more */
    uint32_t timeout_ms;          /* for becoming ready and for a command */
    unsigned doorbell_stride;     /* bytes */
    uint16_t entries_max;         /* of a queue, as the controller says */
    uint16_t controller_id;       /* from Identify Controller */
    uint32_t transfer_max;        /* bytes, NVME_TRANSFER_MAX at most */
    bool write_cache;             /* there is one: NVME_FLUSH does something */
    bool broken;                  /* it said what cannot be, or nothing in time: only nvme_start and nvme_stop work */
};

/* The register file is the caller's: 32-bit accesses (3.1 allows them for the wide ones). In unit tests it is a model. */
uint32_t nvme_read(unsigned offset);
void nvme_write(unsigned offset, uint32_t value);
void nvme_delay(unsigned microseconds);

/* Off (also when it was on before), then on with an admin queue in `memory` (NVME_ADMIN_PAGES), which is cleared first, then Identify Controller.
 * False: `why` says what is wrong. */
bool nvme_start(struct nvme *, const struct nvme_memory *memory, char *why, size_t why_size);
/* Off: nothing of memory is read or written by it after that (7.6.2). */
bool nvme_stop(struct nvme *, char *why, size_t why_size);

/* One admin command, until it has completed. False: refused, or lost; `why` says which. `result` may be NULL. */
bool nvme_admin(struct nvme *, const struct nvme_command *, uint32_t *result, char *why, size_t why_size);
/* Identify (5.15) into nvme.told. */
bool nvme_identify(struct nvme *, uint8_t cns, uint16_t controller, uint32_t namespace_id, char *why, size_t why_size);

struct nvme_namespace {
    uint64_t blocks;
    unsigned block_bits;          /* log2 of a block's bytes: 9 to 12 */
};
/* What namespace is this? Refused: one with metadata or of blocks that are not 512 to 4096 bytes. */
bool nvme_namespace(struct nvme *, uint32_t namespace_id, struct nvme_namespace *, char *why, size_t why_size);

/* A pair of queues with `number` (1 to NVME_QUEUES_MAX - 1) and as many entries as both sides can do, in `memory` (NVME_QUEUE_PAGES). vector -1: no interrupt. */
bool nvme_queue_create(struct nvme *, struct nvme_queue *, uint16_t number, int vector, const struct nvme_memory *memory, char *why, size_t why_size);

/* Puts a command on its way, with an identifier of the queue's. bytes not 0: its data are there, at device address `data`, a multiple of NVME_PAGE; else
 * its data pointers are the caller's. False: the queue is full, the data are too long, or the controller is broken. */
bool nvme_submit(struct nvme *, struct nvme_queue *, const struct nvme_command *, uint64_t data, uint32_t bytes, uint16_t *id);
enum nvme_polled { NVME_NOTHING, NVME_DONE, NVME_BROKEN };
/* The next completion, copied. NVME_DONE: `c` belongs to a command that was under way and is no more. */
enum nvme_polled nvme_poll(struct nvme *, struct nvme_queue *, struct nvme_completion *c);
static inline uint16_t nvme_status(const struct nvme_completion *c) { return c->status >> 1 & NVME_STATUS_MASK; }

/* Commands of an I/O queue (6.8, 6.9, 6.15), to be given to nvme_submit. */
static inline struct nvme_command nvme_command_read(uint32_t ns, uint64_t block, uint16_t blocks)
{
    return (struct nvme_command){.opcode = 0x02, .namespace_id = ns, .dword10 = (uint32_t)block, .dword11 = (uint32_t)(block >> 32), .dword12 = blocks - 1u};
}
static inline struct nvme_command nvme_command_write(uint32_t ns, uint64_t block, uint16_t blocks)
{
    return (struct nvme_command){.opcode = 0x01, .namespace_id = ns, .dword10 = (uint32_t)block, .dword11 = (uint32_t)(block >> 32), .dword12 = blocks - 1u};
}
static inline struct nvme_command nvme_command_flush(uint32_t ns) { return (struct nvme_command){.opcode = 0x00, .namespace_id = ns}; }

/* The same until they have completed, within nvme.timeout_ms. */
bool nvme_execute(struct nvme *, struct nvme_queue *, const struct nvme_command *, uint64_t data, uint32_t bytes, char *why, size_t why_size);
