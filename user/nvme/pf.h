/* PF driver of an NVMe SSD: it gives each virtual function its controller's queues and vectors and its namespace, and takes them away again. It reads
 * and writes no block. What it says was done, it has read back from the SSD. Section numbers: NVM Express Base Specification 1.4. */
#pragma once
#include <atoll/vf.h>
#include "nvme.h"

#define SSD_NAMESPACES_MAX 128

struct ssd {
    const struct ssd_config *config;
    struct nvme nvme;
    unsigned namespace_count;
    uint32_t namespaces[SSD_NAMESPACES_MAX]; /* all that the SSD has, whoever they are attached to */
    struct {
        uint64_t lease;        /* highest number ever seen */
        bool programmed;
        uint16_t controller;   /* identifier of its secondary controller */
    } vfs[VF_MAX];
};

/* Starts the SSD and takes its virtual functions all off: offline, no resources, no namespace. False: `why` says what is wrong. */
bool ssd_start(struct ssd *, const struct ssd_config *, const struct nvme_memory *, char *why, size_t why_size);

/* A request for VF `vf`, already copied; the answer is complete but for its sequence. */
void ssd_request(struct ssd *, unsigned vf, const struct vf_request *, struct vf_answer *);
