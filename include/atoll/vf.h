/* Virtual functions: what a PF driver is configured with, and what the node manager of a VF's VM and the PF driver tell each other.
 *
 * Identity (MAC, VLAN, rate, namespace) is the PF driver's own knowledge, from the description. A node manager can only say "program it" and
 * "quiesce it", for its own function, with the lease's number. Each side writes a page of its own and reads the other's; all
 * fields that are read are copied once and checked. A request is there when `sequence` has changed; it is answered when the
 * answer's sequence equals it. The node manager rings the PF driver's vector; it waits for the answer by looking, for a bounded time,
 * as its VM stands still meanwhile. */
#pragma once
#include <stdint.h>

#define VF_MAX 8 /* per PF that a description may ask for: what the 82576 has */

enum vf_command {
    VF_QUIESCE = 1, /* NIC: no frame in or out, no filter left. SSD: offline, no namespace, no queue. The function's identity is gone */
    VF_PROGRAM = 2, /* identity as described. NIC: its driver's mailbox is answered from now on. SSD: online */
};

struct vf_request {
    uint64_t sequence; /* written last */
    uint64_t lease;    /* VF_PROGRAM: more than in all requests before; VF_QUIESCE: not less */
    uint32_t command;
};

enum vf_status { VF_DONE = 0, VF_STALE = 1, VF_UNKNOWN = 2, VF_FAILED = 3 };
#define VF_REASON_MAX 96
struct vf_answer {
    uint64_t sequence; /* written last */
    uint64_t lease;
    uint32_t status;   /* enum vf_status */
    char reason[VF_REASON_MAX]; /* VF_FAILED: printable text */
};

/* PF driver of a NIC: configuration, one frame. */
#define NIC_CONFIG_MAGIC 0x3147464e4f43494eull
struct nic_vf {
    uint8_t mac[6];
    uint16_t vlan;      /* 1 to 4094: frames are tagged and untagged by the NIC; 0: untagged frames only */
    uint32_t rate_mbit; /* 0: no limit */
    uint32_t used;      /* 0: belongs to nobody and stays off */
};
struct nic_config {
    uint64_t magic;
    char name[16];
    uint32_t vf_count;
    uint32_t reserved;
    struct nic_vf vfs[VF_MAX];
};
_Static_assert(sizeof(struct nic_config) <= 4096, "one frame");

/* PF driver of an SSD: configuration, one frame. A namespace is attached to the one function that has it, whatever it was attached to before. */
#define SSD_CONFIG_MAGIC 0x3147464e43445353ull
struct ssd_vf {
    uint32_t used;         /* 0: belongs to nobody and stays off */
    uint32_t namespace_id; /* 1 .. */
    uint16_t queues;       /* pairs, the admin queue included: 2 or more */
    uint16_t vectors;      /* MSI-X vectors, 1 or more */
};
struct ssd_config {
    uint64_t magic;
    char name[16];
    uint32_t vf_count;
    uint32_t reserved;
    struct ssd_vf vfs[VF_MAX];
};
_Static_assert(sizeof(struct ssd_config) <= 4096, "one frame");

/* A PF driver's capabilities and its address space. */
enum pf_slot {
    PF_SLOT_NOTIFICATION = 1, /* all its interrupts, badges below */
    PF_SLOT_MESSAGE = 2,      /* IRQ handler of the device's own MSI-X vector */
    PF_SLOT_DOORBELL_IRQ = 3, /* IRQ handler that node managers ring */
    PF_SLOT_REQUESTER = 4,    /* the PF's own requester ID. A NIC's is bound to nothing: the PF does no DMA */
    PF_SLOT_CNODE = 5,        /* from here on: an SSD's, whose admin queue is in memory. Its own CNode, */
    PF_SLOT_TABLES = 6,       /* private untyped for three page tables, */
    PF_SLOT_IO_SPACE = 7,     /* what the PF sees: the PF_DMA_PAGES frames at PF_DMA_DEVICE, nothing else */
    PF_SLOT_DMA = 8,          /* those frames, also mapped at PF_DMA_VA: slot 8 + i */
    PF_SLOT_FREE = 16,        /* first slot for what it makes itself */
};
#define PF_DMA_PAGES 4
#define PF_DMA_VA 0x22000000ull
#define PF_DMA_DEVICE 0x100000ull
#define PF_BADGE_MESSAGE 1
#define PF_BADGE_DOORBELL 2
#define PF_CONFIG_SPACE_VA 0x20000000ull /* the function's configuration space, 4 KiB */
#define PF_BAR_VA 0x20100000ull          /* BAR n at 1 MiB * n behind it, as much as is mapped */
#define PF_BAR_STRIDE 0x100000ull
#define PF_VF_VA 0x21000000ull           /* VF n: its request page (read-only) and its answer page */
#define PF_VF_STRIDE 0x2000ull

/* Vectors, as user vectors, of node 0: NIC i has doorbell VECTOR_NIC + 2i and message VECTOR_NIC + 2i + 1. On a VM's node: messages of its
 * functions from VECTOR_VF on, VF_VECTORS each. */
#define VECTOR_NIC 0x40
#define VECTOR_SSD 0x58 /* doorbell of SSD i: VECTOR_SSD + i. It sends no message */
#define VECTOR_VF 0x40
#define VF_VECTORS 4

/* Who drives a VM's function. */
enum vf_kind {
    VF_GUEST = 0,    /* the guest: it has the registers, its memory is what the function reaches */
    VF_SERVED = 1,   /* a component of the node, which the node manager starts: an I/O space of its own; neither guest nor VMM know of it */
    VF_MEDIATED = 2, /* NVMe (docs/decisions/0019): queues and doorbells are the guest's, the admin queue and the other registers its node manager's */
};

/* A VM's functions: what node manager and VMM are configured with, a frame each; those that the guest drives come first, and are all that the
 * VMM is told. */
#define VM_VFS_MAX 8
#define VFS_CONFIG_MAGIC 0x314746435346564dull
struct vfs_config {
    uint64_t magic;
    uint32_t count, reserved;
    struct vf_config {
        char name[32];         /* "nic0.vf2" */
        uint16_t vendor, device;
        uint8_t bar, bar_pages;     /* registers that the guest gets: which BAR, how many 4 KiB pages */
        uint8_t msix_bar, vectors;  /* where the MSI-X table lies (a page of its own), how many vectors */
        uint32_t msix_table, msix_pba; /* offsets in that BAR */
        uint32_t msix_bar_pages;    /* its size, as the guest sees it */
        uint32_t class_code;        /* 24 bits */
        uint32_t slot;              /* on the guest's bus */
        uint32_t kind;              /* enum vf_kind */
        uint64_t entry;             /* VF_SERVED: its component's first instruction */
    } vfs[VM_VFS_MAX];
};
