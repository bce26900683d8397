/* An NVMe virtual function of the guest's whose admin queue is mediated (docs/decisions/0019): its registers and admin queue as the guest sees them.
 * Reading and writing goes between the guest's own queues and the function; their doorbells pass through here. Commands of the admin queue go
 * one by one to the node manager, which has the function's real one. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define NVME_EVENTS_MAX 4 /* asynchronous event requests that are held; no event ever comes */
#define NVME_WORDS 8      /* of a command */
#define NVME_INTERNAL_ERROR 0x06 /* a status: 4.6.1.2.1 */

struct vf;
struct nvme_answer { uint16_t status; uint32_t result; }; /* status: NVM Express 1.4, 4.6.1, without the phase */

struct nvme_guest {
    volatile uint32_t *doorbells; /* the function's, one page */
    uint64_t capabilities;        /* CAP */
    uint32_t version, cc, csts, aqa;
    uint64_t asq, acq;
    uint16_t head, tail;          /* of the admin submission queue: taken by us, given by the guest */
    uint16_t done, seen;          /* of its completion queue: next one is written here; the guest has read up to here */
    uint16_t phase, events;
};

/* The registers and doorbells, BAR offset 0 to 1fffh. */
uint64_t nvme_guest_read(struct vf *v, uint32_t offset, unsigned bytes);
void nvme_guest_write(struct vf *v, uint32_t offset, unsigned bytes, uint64_t value);
void nvme_guest_reset(struct vf *v); /* the function has been reset, or the machine */
