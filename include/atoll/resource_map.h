/* The resource map: all that one kernel instance is told about the machine.
 *
 * `boot` discovers the machine and plans; it writes one map per node. The kernel discovers nothing:
 * it checks the map (sizes, overlaps, alignment), refuses to start on a contradiction, and turns the
 * entries, in order, into capabilities for init. All addresses are physical unless a name says
 * `va`. All memory entries are multiples of 4096 bytes.
 */
#pragma once
#include <stdint.h>

#define RESOURCE_MAP_MAGIC 0x31504d534c4f5441ull /* "ATOLSMP1" */
#define RESOURCE_MAP_VERSION 1
#define RESOURCE_NAME_MAX 48
#define RESOURCE_MAP_MAX_ENTRIES 680
#define RESOURCE_MAP_MAX_BYTES 65536

/* The kernel's virtual layout, the same on every node (each node's page tables are its own). */
#define KERNEL_WINDOW_VA 0xffff800000000000ull /* the node's object memory, read-write, never executable */
#define KERNEL_IMAGE_VA 0xffffffff80000000ull  /* the node's own copy of the kernel image */
#define KERNEL_MAP_VA 0xffffffffa0000000ull    /* the resource map, read-only */
#define KERNEL_LOG_VA 0xffffffffb0000000ull    /* the log queue's producer pages (<atoll/queue.h>) */
#define KERNEL_IOAPIC_VA 0xffffffffc0000000ull /* one page per IOAPIC, only on the node that owns it */

enum resource_kind {
    RESOURCE_NONE = 0,
    RESOURCE_PRIVATE,    /* kernel-untyped: part of the window; the kernel makes objects here. */
    RESOURCE_ROOT_IMAGE, /* init, already loaded, inside the window: arg0 = lowest va, arg1 = entry va */
    RESOURCE_MEMORY,     /* frame-only memory (guest RAM): zeroed by boot, never mapped by a kernel */
    RESOURCE_MODULE,     /* frame-only memory that holds a loaded file, copied by boot to a page, or, if it is of 2 MiB and more, to a
                            2 MiB-aligned place, and padded with zeroes to whole pages; size = its exact length */
    RESOURCE_SHARED,     /* frame-only memory that one other node holds too (a queue's pages);
                            arg0 = 1: this node may write it */
    RESOURCE_LOG,        /* this kernel's log queue, mapped at KERNEL_LOG_VA; arg0 = doorbell x2APIC id,
                            arg1 = doorbell vector (0: none). No capability is made. */
    RESOURCE_LOG_TAIL,   /* the log queue's consumer page, mapped read-only right behind the producer pages */
    RESOURCE_UART,       /* the kernel prints to this 16550 directly: arg0 = first port. No capability. */
    RESOURCE_IOPORT,     /* arg0 = first, arg1 = last port: init's IOPortControl may issue these only */
    RESOURCE_VECTORS,    /* arg0 = first, arg1 = last CPU vector: IRQControl may hand out these only */
    RESOURCE_IOAPIC,     /* paddr = its page, arg0 = first GSI, arg1 = number of pins; mapped in order
                            at KERNEL_IOAPIC_VA. */
    RESOURCE_IPI,        /* arg0 = target x2APIC id, arg1 = CPU vector: an IPI capability */
    RESOURCE_DEVICE,     /* frame-only memory that is not RAM (MMIO, ACPI tables) */
    RESOURCE_TEXT,       /* a named string, for people: no capability */
    RESOURCE_IOMMU,      /* an IOMMU's registers; args and mapping in <atoll/iommu.h>. No capability. */
    RESOURCE_IOMMU_TABLES, /* its tables, right behind the RESOURCE_IOMMU entry; shared with other kernels. No capability. */
    RESOURCE_REQUESTERS, /* requester IDs: arg0 = unit, in this map's order; arg1 = first | last << 16: an I/O space capability */
    RESOURCE_CHANNEL,    /* one end of a node channel, <atoll/channel.h>: its mailbox, mapped in order at KERNEL_CHANNEL_VA;
                            arg0 = 1: this end sends */
    RESOURCE_MOVABLE,    /* a thing that may be moved through channels, whether it is here now or not: flags = its kind: RESOURCE_MEMORY
                            (paddr, size), RESOURCE_REQUESTERS or RESOURCE_IPI (arg1 = value in the mailbox's record);
                            arg0 = bit i: through this map's channel i. No capability. */
};

struct resource_entry {
    uint32_t kind; /* enum resource_kind */
    uint32_t flags;
    uint64_t paddr;
    uint64_t size; /* bytes */
    uint64_t arg0, arg1;
    char name[RESOURCE_NAME_MAX]; /* NUL-terminated; unique within a map for kinds with a capability */
};

struct resource_map {
    uint64_t magic;
    uint32_t version;
    uint32_t bytes; /* of the whole map */
    uint32_t node;  /* 0 is the control node */
    uint32_t node_count;
    uint32_t apic_id; /* x2APIC id of this node's core */
    uint32_t entry_count;
    uint64_t tsc_hz;        /* invariant TSC, whole hertz */
    uint64_t apic_timer_hz; /* rate of the local APIC timer at divider 1 */
    /* The node's private memory is one range: [image][page tables, map][window]. */
    uint64_t private_paddr, private_size;
    uint64_t window_paddr, window_size; /* mapped at KERNEL_WINDOW_VA; inside the private range */
    uint64_t image_paddr, image_size;   /* the kernel image's copy */
    uint64_t kernel_pml4_paddr;         /* outside the window: a kernel can't edit its own tables */
    uint64_t pml4_window_entry, pml4_image_entry; /* slots 256 and 511, copied into every PML4 */
    uint64_t rsdp_paddr;
    uint64_t boot_tsc; /* TSC when boot's first instruction ran */
    uint64_t wall_clock; /* Unix time of TSC 0, whole seconds; 0: unknown */
    uint64_t phys_limit; /* 1 << physical address bits of the CPU */
    struct resource_entry entries[];
};
