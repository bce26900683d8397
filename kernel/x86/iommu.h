/* IOMMU units as this kernel uses them: the carousel that carries commands to a unit, and the entries of remapped interrupts.
 * Boot has enabled the units with everything blocked (<atoll/iommu.h>, docs/decisions/0010-iommu-carousel.md). */
#pragma once
#include <atoll/iommu.h>
#include "../arch.h"

struct resource_map;

struct iommu_command { /* 16 bytes, written at once */
    word_t low, high;
} __attribute__((aligned(16)));

struct iommu {
    word_t kind;             /* IOMMU_KIND_... */
    word_t capability;       /* VT-d: capability register */
    bool coherent;           /* the unit's reads snoop the caches */
    uint32_t segment;
    word_t domain_first, domain_count;
    paddr_t block;
    char *registers, *tables; /* virtual; tables + IOMMU_... */
    word_t ticket;           /* of this kernel's last request */
    word_t next_record;      /* VT-d, node 0: of the fault records */
    word_t lost_seen, overflows_seen; /* counts of this node's page of faults at the last call */
    word_t domains_used[IOMMU_MAX_DOMAINS / 64]; /* of its own domains */
};

/* The entry and the one behind it; `base` is KERNEL_IOMMU_VA. False: impossible. */
bool iommu_add(const struct resource_map *, unsigned entry, char *base);
word_t iommu_count(void);
word_t iommu_own_node(void);
word_t iommu_node_count(void);
struct iommu *iommu_at(word_t unit);

/* Up to two commands are carried out by the unit before this returns; it panics if the unit does not do it in a second, since then
 * nothing may be reused that a device could still reach. */
void iommu_execute(struct iommu *, struct iommu_command first, struct iommu_command second);

struct iommu_command iommu_idle(const struct iommu *); /* where there is no second command */

/* A 16-byte table entry changed at once: a unit never sees half of it. */
void iommu_entry_write(struct iommu *, volatile void *entry, word_t low, word_t high);
/* What the unit is to read has left the caches, where its reads don't snoop them. */
void iommu_memory_written(const struct iommu *, const void *p, word_t bytes);

/* A requester's DMA goes through the tables at `table` (4 levels), or nowhere; what a unit may have cached of a domain goes. All is
 * complete when they return. `bits`: size of what changed at `address`, as log2. */
void iommu_device_attach(struct iommu *, word_t requester, paddr_t table, word_t domain);
void iommu_device_block(struct iommu *, word_t requester, word_t domain);
void iommu_flush_domain(struct iommu *, word_t domain);
void iommu_flush_pages(struct iommu *, word_t domain, word_t address, unsigned bits);

struct iommu_fault {
    word_t requester, address, what; /* <sel4/abi.h>, ATOLL_REQUESTERS_FAULT */
};
#define FAULT_WRITE BIT(8)
#define FAULT_INTERRUPT BIT(9)
/* Node 0 alone. What a unit tells of no function goes to the log. */
bool iommu_fault_next(struct iommu *, struct iommu_fault *); /* the oldest, taken out of the unit */
bool iommu_faults_overflowed(struct iommu *);                /* since the last call; records go on */

/* vtd.c, amdvi.c: the same, for one family */
void vtd_device_attach(struct iommu *, word_t requester, paddr_t table, word_t domain);
void vtd_device_block(struct iommu *, word_t requester, word_t domain);
void vtd_flush_domain(struct iommu *, word_t domain);
void vtd_flush_pages(struct iommu *, word_t domain, word_t address, unsigned bits);
bool vtd_fault_next(struct iommu *, struct iommu_fault *);
bool vtd_faults_overflowed(struct iommu *);
void amdvi_device_attach(struct iommu *, word_t requester, paddr_t table, word_t domain);
void amdvi_device_block(struct iommu *, word_t requester, word_t domain);
void amdvi_flush_domain(struct iommu *, word_t domain);
void amdvi_flush_pages(struct iommu *, word_t domain, word_t address, unsigned bits);
bool amdvi_fault_next(struct iommu *, struct iommu_fault *);
bool amdvi_faults_overflowed(struct iommu *);

/* A PCI function's message: what it writes, and so raises `vector` of this node. `last`: no other vector is left to this function. */
struct iommu_message {
    uint32_t address, data;
};
struct iommu_message iommu_message(const struct iommu *, word_t vector);
bool iommu_message_elsewhere(const struct iommu *, word_t requester); /* AMD-Vi: its interrupts are another node's: an IOAPIC's are node 0's */
void iommu_message_allow(struct iommu *, word_t vector, word_t requester);
void iommu_message_block(struct iommu *, word_t vector, word_t requester, bool last);
void amdvi_interrupts_set(struct iommu *, word_t requester, paddr_t table); /* the function's interrupt table; 0: it raises nothing */

bool amdvi_interrupts_elsewhere(const struct iommu *, word_t requester, paddr_t table);

/* This node's interrupt `vector`, raised by `requester` alone (VT-d; on AMD-Vi by any requester of this node). */
void iommu_interrupt_allow(struct iommu *, word_t vector, word_t requester, uint32_t apic_id, bool level);
word_t iommu_ioapic_entry(const struct iommu *, word_t vector); /* what an IOAPIC's redirection entry says then */
void iommu_interrupt_block(struct iommu *, word_t vector, word_t requester);
