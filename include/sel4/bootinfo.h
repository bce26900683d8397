/* What the kernel tells the initial thread (manual, "System bootstrapping"; seL4 MCS layout),
 * and Atoll's extra chunk that maps resource names to capability slots. */
#pragma once
#include <stdint.h>

struct sel4_slot_region {
    uint64_t start; /* first slot */
    uint64_t end;   /* first slot behind the region */
};

struct sel4_untyped_desc {
    uint64_t paddr;
    uint8_t size_bits;
    uint8_t is_device; /* 1: frame-only (device memory, guest memory), never a kernel object */
    uint8_t pad[6];
};

#define SEL4_BOOTINFO_MAX_UNTYPEDS 230

struct sel4_bootinfo {
    uint64_t extra_len; /* bytes of chunks, starting 4096 bytes behind this structure's start */
    uint64_t node_id;
    uint64_t num_nodes;
    uint64_t num_iopt_levels; /* all ones: none */
    uint64_t ipc_buffer;
    struct sel4_slot_region empty;
    struct sel4_slot_region shared_frames;
    struct sel4_slot_region user_image_frames;
    struct sel4_slot_region user_image_paging;
    struct sel4_slot_region io_space_caps;
    struct sel4_slot_region extra_bi_pages;
    uint64_t init_cnode_bits;
    uint64_t init_domain;
    struct sel4_slot_region schedcontrol;
    struct sel4_slot_region untyped;
    struct sel4_untyped_desc untyped_list[SEL4_BOOTINFO_MAX_UNTYPEDS];
};
_Static_assert(sizeof(struct sel4_bootinfo) == 3864, "the size that libsel4 expects");

struct sel4_bootinfo_chunk {
    uint64_t id;
    uint64_t len; /* bytes, header included; chunks are packed without padding */
};

/* Payload of the ATOLL_BOOTINFO_NAMES chunk: an array of these. The kernel returns, for each named
 * entry of the resource map in order, the slots that it turned into. */
#define ATOLL_NAME_MAX 48
struct atoll_named_slots {
    char name[ATOLL_NAME_MAX]; /* NUL-terminated */
    uint32_t kind;             /* enum resource_kind, <atoll/resource_map.h> */
    uint32_t slot_count;
    uint64_t first_slot;
    uint64_t paddr; /* memory kinds: physical start */
    uint64_t size;  /* memory kinds: exact bytes (a module's length, not rounded) */
};

/* Payload of the ATOLL_BOOTINFO_PLATFORM chunk. */
struct atoll_platform {
    uint64_t tsc_hz, apic_timer_hz;
    uint64_t boot_tsc;        /* TSC at boot's first instruction */
    uint64_t kernel_tsc;      /* TSC at this kernel's first instruction */
    uint32_t node, apic_id;
    uint64_t wall_clock;      /* Unix time of TSC 0, whole seconds; 0: unknown */
};
