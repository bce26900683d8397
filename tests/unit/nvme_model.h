/* A model of an SSD as NVM Express 1.4 has it, as far as the drivers use it: registers, queues in memory, and with `secondaries` the management of
 * virtual functions. The registers are one controller's. It can also misbehave. Memory: one arena, seen by the device from NVME_MODEL_DEVICE on. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "../../user/nvme/nvme.h"

#define NVME_MODEL_DEVICE 0x100000ull
#define NVME_MODEL_PAGES 32u
#define NVME_MODEL_NAMESPACES 4u    /* 1 .. 4 */
#define NVME_MODEL_BLOCKS 64u
#define NVME_MODEL_SECONDARIES 4u   /* controllers 1 .. 4, of virtual functions 1 .. 4 */

enum nvme_model_flaw {
    FLAW_NONE, FLAW_NEVER_READY, FLAW_NEVER_IDLE, FLAW_FATAL, FLAW_ABSENT, FLAW_SILENT /* no completion */, FLAW_WRONG_ID, FLAW_WRONG_QUEUE,
    FLAW_HEAD_BEYOND /* the ring */, FLAW_HEAD_AHEAD /* of what it was given */, FLAW_TWICE /* the same completion again */,
    FLAW_STAYS_ATTACHED, FLAW_STAYS_ONLINE, FLAW_KEEPS_QUEUES, FLAW_ATTACHES_NOT,
    FLAW_ATTACHES_ALL, FLAW_LONG_LIST,
};

struct nvme_model {
    uint8_t memory[NVME_MODEL_PAGES * NVME_PAGE] __attribute__((aligned(4096)));
    enum nvme_model_flaw flaw;
    uint64_t cap;
    uint32_t cc, csts, aqa;
    uint64_t asq, acq, delayed_us;
    struct { uint64_t commands, completions; uint16_t entries, head, tail, completion; uint8_t phase; bool there; } queues[3];
    uint8_t disk[NVME_MODEL_BLOCKS * 512];
    unsigned flushes, executed, out_of_memory /* DMA outside the arena */;
    uint8_t last_opcode;
    uint16_t attached[NVME_MODEL_NAMESPACES + 1]; /* bit c: to controller c; 0 is the primary */
    struct { bool online; uint16_t queues, vectors; } secondaries[NVME_MODEL_SECONDARIES + 1];
};
extern struct nvme_model nvme_model;
void nvme_model_power_on(void);
struct nvme_memory nvme_model_memory(unsigned page);
