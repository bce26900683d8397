/* IOMMU units as boot prepares them and several kernels use them (docs/decisions/0010-iommu-carousel.md).
 *
 * Boot gives each unit one block of RAM, 2 MiB-aligned, laid out the same for both families, and enables the unit with everything
 * blocked. Per unit a kernel that owns requester IDs under it, or IOAPICs, gets two entries of its resource map: RESOURCE_IOMMU
 * (registers) and RESOURCE_IOMMU_TABLES (the block). It maps of the block: the device tables, the queue, the status lines, the owners, and
 * of the interrupt table and of the faults its own page alone (node 0: all pages of faults, as it fills them). */
#pragma once
#include <stdint.h>

#define IOMMU_BLOCK_ALIGN 0x200000ull
#define IOMMU_DEVICES 0x0ull          /* AMD-Vi: the device table, 2 MiB. VT-d: context tables by bus, 1 MiB; */
#define IOMMU_ROOT 0x100000ull        /* VT-d: the root table, mapped by nobody */
#define IOMMU_QUEUE 0x200000ull       /* commands, 16 bytes each: node n's are IOMMU_SLOTS * n and on */
#define IOMMU_STATUS 0x204000ull      /* struct iommu_status per node */
#define IOMMU_EVENTS 0x208000ull      /* AMD-Vi: event log, one page, of node 0 */
#define IOMMU_OWNERS 0x210000ull      /* per requester ID, 16 bits: the node whose it is, plus 1; 0: nobody's. Written by its kernel */
#define IOMMU_INTERRUPTS 0x230000ull  /* interrupt table: node n's page holds its vectors, 16 bytes each; then iommu_faults() */
#define IOMMU_CONTEXTS_SIZE 0x100000ull
#define IOMMU_DEVICES_SIZE 0x200000ull
#define IOMMU_QUEUE_SIZE 0x4000ull
#define IOMMU_STATUS_SIZE 0x4000ull
#define IOMMU_OWNERS_SIZE 0x20000ull
#define IOMMU_MAX_NODES 256
#define IOMMU_MAX_DOMAINS 256u       /* per node and unit */
#define IO_BOUND_MAX 64u             /* functions that a node may have bound at one time */

#define IOMMU_SLOTS 4                 /* [front wait][command][command][rear wait] */
struct iommu_status { /* one cache line per node; written by the unit, and by its node */
    uint64_t front, rear, idle;
    uint64_t reserved[5];
};

/* Queue length as log2 of commands: at least a page (VT-d 11.4.17). */
static inline unsigned iommu_queue_bits(unsigned nodes)
{
    unsigned bits = 8;
    while (1u << bits < IOMMU_SLOTS * nodes)
        bits++;
    return bits;
}
/* Pages of the interrupt table: a power of two. */
static inline unsigned iommu_interrupt_pages(unsigned nodes)
{
    unsigned pages = 1;
    while (pages < nodes)
        pages *= 2;
    return pages;
}
/* A page per node for the faults of its functions. Node 0's kernel fills records, the node's kernel empties them. */
static inline uint64_t iommu_faults(unsigned nodes) { return IOMMU_INTERRUPTS + iommu_interrupt_pages(nodes) * 4096ull; }
static inline uint64_t iommu_block_size(unsigned nodes) { return iommu_faults(nodes) + nodes * 4096ull; }

#define IOMMU_RECORDS 64
struct iommu_record {
    uint64_t address;
    uint32_t requester, what; /* as ATOLL_REQUESTERS_FAULT returns them */
    uint64_t number;          /* the page's count when it came */
    uint64_t full;            /* 1: to be read; set last by node 0, cleared last by the node */
};
struct iommu_fault_page {
    uint32_t apic_id, reserved;    /* of the node's core; written by boot */
    uint64_t count;                /* records that came */
    uint64_t lost;                 /* records that found no room */
    uint64_t overflows;            /* times that the unit had no room, whoever's they were */
    uint64_t reserved2[4];
    struct iommu_record records[IOMMU_RECORDS];
};
_Static_assert(sizeof(struct iommu_fault_page) <= 4096, "a node's page of faults");

/* The CPU vector that tells a node of new records: user vector 107. */
#define IOMMU_FAULT_VECTOR 0x9b

/* Virtual layout in a kernel: unit i (in the order of the map's entries) at KERNEL_IOMMU_VA + i * KERNEL_IOMMU_STRIDE: registers, and
 * from KERNEL_IOMMU_BLOCK on the block's parts at their offsets. */
#define KERNEL_IOMMU_VA 0xffffffffd0000000ull
#define KERNEL_IOMMU_STRIDE 0x800000ull
#define KERNEL_IOMMU_BLOCK 0x200000ull
#define KERNEL_IOMMU_MAX 32

/* RESOURCE_IOMMU, arg0: kind; arg1: PCI segment. RESOURCE_IOMMU_TABLES, arg0: first domain number of this node, arg1: how many. */
#define IOMMU_KIND_VTD 1
#define IOMMU_KIND_AMDVI 2

/* A node's share of a unit's domain numbers; 0 is nobody's (VT-d 11.4.2, CM). QEMU 10's AMD-Vi model takes bit 8 of a number for a reserved bit
 * and refuses the device entry, so no number there has it: 63 of each 64, by fours 512 apart. */
static inline void iommu_node_domains(uint64_t kind, unsigned bits, unsigned nodes, unsigned node, uint64_t *first, uint64_t *count)
{
    uint64_t share = ((1ull << bits) - 1) / nodes;

    if (kind == IOMMU_KIND_AMDVI) {
        *first = node / 4 * 512ull + node % 4 * 64 + 1;
        *count = 63;
    } else {
        *count = share < IOMMU_MAX_DOMAINS ? share : IOMMU_MAX_DOMAINS;
        *first = 1 + node * *count;
    }
}
/* RESOURCE_IOAPIC, flags: how its interrupts are remapped. 0: not. */
#define IOAPIC_REMAPPED 0x80000000u
#define IOAPIC_UNIT_SHIFT 16          /* unit number in this node's map */
#define IOAPIC_REQUESTER 0xffffu
