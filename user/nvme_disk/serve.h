/* Block requests on an NVMe namespace: each becomes a command, as many at a time as a client may have. No system call is made here. */
#pragma once
#include "../disk/block.h"
#include "../nvme/nvme.h"

#define NVME_DISK_TIMEOUT_S 10u /* for a command; the whole controller is given up then */

struct nvme_disk {
    struct nvme *nvme;
    struct nvme_queue *queue;
    uint32_t namespace_id;
    unsigned block_bits;
    uint8_t *data;                 /* BLOCK_OUTSTANDING pieces, for the device at data_device */
    uint64_t data_device;
    uint64_t timeout;              /* ticks */
    struct block_server server;
    struct nvme_disk_slot_state {  /* a request under way */
        bool busy;
        uint16_t id;               /* the command's */
        uint64_t since;            /* ticks */
        struct block_request request;
    } slots[BLOCK_OUTSTANDING];
    const char *failed;            /* why nothing more is carried out; NULL: all is well */
};

/* Completions in, answers out, requests on their way, until nothing moves. `now`: ticks, for what starts. False: the client has just written
 * something that is no request. */
bool nvme_disk_serve(struct nvme_disk *d, uint64_t now);
/* No further request is taken before a command has completed. */
bool nvme_disk_full(const struct nvme_disk *d);
/* Give up on a controller with a command that takes too long. When to look again, or 0: nothing is under way. */
uint64_t nvme_disk_watch(struct nvme_disk *d, uint64_t now);
