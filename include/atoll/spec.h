/* A node's spec in binary form: the objects and capabilities that init builds, nothing else.
 *
 * Compiled offline by `atoll` from the description; the compiler is the only place where slots and virtual
 * addresses are chosen. Init reads it bounded (spec_check in user/init), creates the objects from private memory in the
 * order listed, fills frames, maps, distributes capabilities, configures and starts threads, and then
 * gives up its own authority (docs/decisions/0012).
 *
 * Layout: header, then the arrays in the order of the header's counts, each 8-aligned, then data bytes. Every index is checked.
 */
#pragma once
#include <stdint.h>

#define SPEC_MAGIC 0x3143455053544141ull /* "AATSPEC1" */
#define SPEC_NONE 0xffffffffu
#define SPEC_NAME_MAX 32
#define SPEC_MAX_OBJECTS 8192 /* and as many of each other kind of item */

struct spec_header {
    uint64_t magic;
    uint64_t bytes; /* of the whole spec, data included */
    uint32_t object_count, cap_count, mapping_count, fill_count, thread_count, irq_count;
    uint64_t objects, caps, mappings, fills, threads, irqs, data; /* byte offsets from the header */
    uint32_t node, flags; /* SPEC_FLAG_* */
};
#define SPEC_FLAG_DUMP 1u /* init has its kernel print what its threads hold before any of them runs (`atoll dump`) */

enum spec_object_kind {
    SPEC_OBJECT_KERNEL = 1, /* made by Untyped_Retype: type = a SEL4_ or ATOLL_ object type */
    SPEC_OBJECT_NAMED,      /* the capabilities of a resource map entry, found by name in the boot information; memory
                               (untypeds) and requester IDs move to the component, other kinds are copied */
    SPEC_OBJECT_UNTYPED,    /* private memory handed to a component as untyped: size_bits */
    SPEC_OBJECT_SHARED,     /* one 4 KiB frame of a named RESOURCE_SHARED: page = its index */
    SPEC_OBJECT_IOPORTS,    /* issued from IOPortControl: page = first | last << 16 */
    SPEC_OBJECT_IRQ,        /* an IRQ handler, see struct spec_irq */
};

struct spec_object {
    char name[SPEC_NAME_MAX];   /* for people and for dumps */
    char resource[48];          /* NAMED, SHARED: the resource's name */
    uint32_t kind;              /* enum spec_object_kind */
    uint32_t type;              /* KERNEL: object type */
    uint32_t size_bits;         /* KERNEL of variable size (CNode: slots as log2; scheduling context: bytes as log2), UNTYPED */
    uint32_t page;
};

struct spec_cap {   /* a capability in a component's CNode */
    uint32_t cnode; /* object index; a CNode */
    uint32_t slot;
    uint32_t object; /* object index. NAMED with several capabilities (memory): they go to slot, slot + 1, ...;
                        at most `span` of them, the rest is an error */
    uint32_t rights; /* SEL4_RIGHT_* */
    uint64_t badge;  /* endpoint, notification; CNode: its data word (guard and guard size) */
    uint32_t span;   /* 1 unless NAMED memory */
    uint32_t reserved;
};

struct spec_mapping { /* in order: tables before what they hold */
    uint32_t vspace;  /* object index: PML4 (or nested PML4) */
    uint32_t object;  /* PDPT, PD, PT or frame object index */
    uint64_t vaddr;
    uint32_t rights;     /* frames */
    uint16_t executable; /* frames: 1 = instructions may be fetched */
    uint16_t uncached;   /* frames: 1 = a device's registers */
};

struct spec_fill { /* bytes copied into a frame before it is mapped elsewhere; the rest of the frame is zero */
    uint32_t frame, offset;
    uint64_t data; /* offset into the data bytes */
    uint64_t length;
};

struct spec_thread {
    uint32_t tcb, cnode, vspace, ipc_frame; /* object indices; ipc_frame may be SPEC_NONE */
    uint32_t fault_ep, sc, notification, vcpu; /* SPEC_NONE: none */
    uint64_t fault_badge;
    uint64_t cnode_guard; /* CNode data word: guard and guard size */
    uint64_t ipc_vaddr, ip, sp;
    uint64_t argument; /* rdi at start: where the component's own config frame is mapped */
    uint64_t budget_us, period_us;
    uint32_t priority, mcp, flags; /* flags: SEL4_TCB_FLAG_* */
    uint32_t resume;               /* 1: started by init */
};

struct spec_irq {
    uint32_t object;       /* the SPEC_OBJECT_IRQ */
    uint32_t notification; /* object index */
    uint64_t badge;
    uint32_t vector;       /* user vector v (CPU vector 0x30 + v) */
    uint32_t ioapic_pin;   /* SPEC_NONE: a bare vector (IPI, doorbell) or a message; else a pin of IOAPIC 0 */
    uint32_t level, polarity;
    uint32_t requesters;   /* SPEC_NONE: no message; else the NAMED range of one requester ID whose message it is */
    uint32_t reserved;
};
