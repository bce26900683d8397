/* Disk component on an NVMe virtual function (the VM's node): its capabilities, its address space, its configuration. It serves
 * <atoll/block.h>, as the disk in memory does. */
#pragma once
#include <stdint.h>
#include <atoll/block.h>
#include <atoll/component.h>

enum nvme_disk_slot {
    NVME_DISK_SLOT_NOTIFICATION = 1, /* its own, for everything; badges below */
    NVME_DISK_SLOT_CLIENT = 2,       /* the VMM's notification, badge VMM_BADGE_DISK */
    NVME_DISK_SLOT_CNODE = 3,
    NVME_DISK_SLOT_TABLES = 4,       /* private untyped for three I/O page tables */
    NVME_DISK_SLOT_IO_SPACE = 5,     /* what the function sees: the frames below. The node manager binds the function to it */
    NVME_DISK_SLOT_TIMER = 6,        /* a vCPU that runs no guest: timers are vCPUs' */
    NVME_DISK_SLOT_ALARM = 7,        /* its own notification, badge NVME_DISK_BADGE_TIMER: the timer's */
    NVME_DISK_SLOT_DMA = 32,         /* NVME_DISK_DMA_PAGES frames, frame-only; mapped at NVME_DISK_DMA_VA, too */
    NVME_DISK_SLOT_FREE = 96,        /* first slot for what it makes itself */
};
#define NVME_DISK_BADGE_CLIENT 1
#define NVME_DISK_BADGE_MESSAGE 2 /* the function's one MSI-X vector */
#define NVME_DISK_BADGE_TIMER 4

#define NVME_DISK_BAR_VA 0x20000000ull /* the function's registers: control, and doorbells on the page behind */
#define NVME_DISK_BAR_PAGES 2
#define NVME_DISK_DMA_VA 0x21000000ull
#define NVME_DISK_DMA_DEVICE 0x100000ull /* where the function sees them */
#define NVME_DISK_QUEUES_PAGES 7         /* admin queue and I/O queue (user/nvme/nvme.h asserts it), */
#define NVME_DISK_DMA_PAGES (NVME_DISK_QUEUES_PAGES + BLOCK_OUTSTANDING * (BLOCK_PIECE / 4096u)) /* and data */

#define NVME_DISK_QUEUE_REQUESTS 0 /* consumer */
#define NVME_DISK_QUEUE_ANSWERS 1  /* producer */
struct nvme_disk_config { /* one frame */
    uint64_t magic; /* NVME_DISK_CONFIG_MAGIC */
    char name[32];  /* of the function: "ssd0.vf1" */
    uint32_t namespace_id, read_only;
};
#define NVME_DISK_CONFIG_MAGIC 0x31474643444d564eull /* "NVMDCFG1" */
