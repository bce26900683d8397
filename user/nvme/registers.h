/* Registers and numbers of an NVMe controller that are used here (NVM Express Base Specification 1.4; the section beside each). */
#pragma once

#define NVME_CAP_LOW 0x00        /* 3.1.1 */
#define CAP_ENTRIES(low) ((low) & 0xffff)                /* MQES: entries of a queue, less one */
#define CAP_TIMEOUT_500MS(low) ((low) >> 24 & 0xff)      /* TO */
#define NVME_CAP_HIGH 0x04
#define CAP_DOORBELL_STRIDE(high) (4u << ((high) & 0xf)) /* DSTRD, bytes */
#define CAP_NVM_COMMANDS (1u << 5)                       /* CSS bit 0: CAP bit 37 */
#define CAP_PAGE_MIN(high) ((high) >> 16 & 0xf)          /* MPSMIN: log2 of pages, less 12 */
#define NVME_VS 0x08             /* 3.1.2 */
#define NVME_CC 0x14             /* 3.1.5 */
#define CC_ENABLE 1u
#define CC_COMMAND_ENTRY (6u << 16)    /* IOSQES: 64 bytes */
#define CC_COMPLETION_ENTRY (4u << 20) /* IOCQES: 16 bytes */
#define NVME_CSTS 0x1c           /* 3.1.6 */
#define CSTS_READY 1u
#define CSTS_FATAL 2u
#define NVME_AQA 0x24            /* 3.1.8: sizes, less one */
#define NVME_ASQ 0x28            /* 3.1.9 */
#define NVME_ACQ 0x30            /* 3.1.10 */
#define NVME_DOORBELLS 0x1000    /* 3.1.24, 3.1.25: submission tail of queue y at 2y strides, completion head at 2y + 1 */

/* Admin commands, 5. */
#define ADMIN_DELETE_SUBMISSION 0x00 /* 5.6 */
#define ADMIN_CREATE_SUBMISSION 0x01 /* 5.4 */
#define ADMIN_GET_LOG 0x02           /* 5.14 */
#define ADMIN_DELETE_COMPLETION 0x04 /* 5.5 */
#define ADMIN_CREATE_COMPLETION 0x05 /* 5.3 */
#define ADMIN_IDENTIFY 0x06          /* 5.15 */
#define ADMIN_ABORT 0x08             /* 5.1 */
#define ADMIN_SET_FEATURES 0x09      /* 5.21 */
#define ADMIN_GET_FEATURES 0x0a      /* 5.13 */
#define ADMIN_EVENT_REQUEST 0x0c     /* 5.2 */
#define ADMIN_NAMESPACE_MANAGEMENT 0x0d /* 5.20 */
#define ADMIN_NAMESPACE_ATTACHMENT 0x15 /* 5.19 */
#define ADMIN_VIRTUALIZATION 0x1c       /* 5.22 */
#define QUEUE_CONTIGUOUS 1u          /* 5.3, 5.4, dword 11 */
#define QUEUE_INTERRUPTS 2u          /* 5.3 */

/* Identify, what is told: 5.15.1 */
#define CNS_NAMESPACE 0x00
#define CNS_CONTROLLER 0x01
#define CNS_ACTIVE 0x02
#define CNS_DESCRIPTORS 0x03
#define CNS_ALLOCATED 0x10
#define CNS_ATTACHED_CONTROLLERS 0x12
#define CNS_PRIMARY 0x14
#define CNS_SECONDARY 0x15

/* Identify Controller, 5.15.2.2: byte offsets */
#define CONTROLLER_TRANSFER 77   /* MDTS: log2 of smallest pages, 0: no limit */
#define CONTROLLER_ID 78
#define CONTROLLER_ADMIN 256     /* OACS */
#define OACS_NAMESPACES (1u << 3)
#define OACS_VIRTUALIZATION (1u << 7)
#define CONTROLLER_COMMAND_SIZES 512    /* SQES: required in 3..0, largest in 7..4, log2 */
#define CONTROLLER_COMPLETION_SIZES 513 /* CQES */
#define CONTROLLER_WRITE_CACHE 525      /* VWC bit 0 */
/* Identify Namespace, 5.15.2.1 */
#define NAMESPACE_SIZE 0
#define NAMESPACE_FORMAT 26      /* FLBAS: 3..0 which format */
#define NAMESPACE_FORMATS 128    /* LBAF: 15..0 metadata bytes, 23..16 log2 of the block */
