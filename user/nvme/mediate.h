/* The admin queue of a virtual function whose reading and writing a guest does itself (docs/decisions/0019). The real one is the mediator's; a guest's
 * command is looked at, and if it concerns nothing but this controller and its queues, it is carried out. What it moves, the controller moves
 * to or from the guest's memory: the IOMMU lets it reach nothing else.
 * Section numbers: NVM Express Base Specification 1.4. */
#pragma once
#include "nvme.h"

/* Where the guest's RAM is, for the controller: 0 to `low`, and `high` bytes from 4 GiB on. */
struct mediate_memory { uint64_t low, high; };

struct mediate {
    struct mediate_memory memory;
    struct nvme nvme;
    bool on;
    uint64_t capabilities;       /* what the guest may know of the controller's CAP register */
    uint32_t version;
    uint64_t passed, refused;    /* commands, in this life of the guest */
    uint8_t refused_opcode;      /* the latest */
};

struct mediate_answer {
    uint16_t status; /* NVME_STATUS(type, code); 0: success */
    uint32_t result;
};

/* The controller on, with an admin queue in `admin`; it may have been on: its queues are gone then. False: `why`. */
bool mediate_start(struct mediate *, const struct nvme_memory *admin, char *why, size_t why_size);
/* Off. False: it does not go off, and must be blocked and reset. */
bool mediate_stop(struct mediate *, char *why, size_t why_size);

/* One command of the guest's, already copied. True: the controller has carried it out, or has refused it. False: it was not asked. */
bool mediate_command(struct mediate *, const struct nvme_command *, struct mediate_answer *);

/* What the command is answered without asking the controller; 0: it may be asked. Pure. */
uint16_t mediate_judge(const struct mediate_memory *, const struct nvme_command *);
