/* AMD-Vi: registers, tables and commands, as boot and kernel write them. Section numbers: AMD I/O Virtualization Technology (IOMMU)
 * Specification 3.09 (48882). Plain values: 16-byte entries are {low, high}. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* --- registers, 3.4 --- */
#define AMDVI_DEVICE_TABLE 0x00   /* 3.4.1: 51..12 address, 8..0 pages - 1 */
#define AMDVI_COMMANDS 0x08       /* 3.4.2: 51..12 address, 59..56 log2 of entries */
#define AMDVI_EVENTS 0x10         /* 3.4.3: the same */
#define AMDVI_CONTROL 0x18        /* 3.4.4 */
#define AMDVI_CONTROL_ENABLE (1ull << 0)
#define AMDVI_CONTROL_EVENTS (1ull << 2)
#define AMDVI_CONTROL_COHERENT (1ull << 10)
#define AMDVI_CONTROL_COMMANDS (1ull << 12)
#define AMDVI_CONTROL_WIDE_ENTRIES (1ull << 17) /* GAEn: 128-bit interrupt entries */
#define AMDVI_CONTROL_X2APIC (1ull << 50)       /* XTEn */
#define AMDVI_EXCLUSION_BASE 0x20
#define AMDVI_EXCLUSION_LIMIT 0x28
#define AMDVI_FEATURES 0x30       /* 3.4.7 */
#define AMDVI_FEATURE_X2APIC (1ull << 2)
#define AMDVI_FEATURE_INVALIDATE_ALL (1ull << 6)
#define AMDVI_FEATURE_WIDE_ENTRIES (1ull << 7)
#define AMDVI_COMMAND_HEAD 0x2000 /* 3.4.13: byte offsets of 16-byte commands */
#define AMDVI_COMMAND_TAIL 0x2008
#define AMDVI_EVENT_HEAD 0x2010
#define AMDVI_EVENT_TAIL 0x2018
#define AMDVI_STATUS 0x2020       /* 3.4.16; bit 0: the event log overflowed, write 1 to clear */
#define AMDVI_STATUS_OVERFLOW 1ull

/* --- device table, 2.2.2.1: 32 bytes per requester ID --- */
struct amdvi_device { uint64_t w[4]; };
#define AMDVI_DEVICE_VALID 3ull            /* w0: V, TV; mode 0, neither IR nor IW: nothing passes */
#define AMDVI_DEVICE_LEVELS_4 (4ull << 9)  /* w0: mode */
#define AMDVI_DEVICE_READ (1ull << 61)
#define AMDVI_DEVICE_WRITE (1ull << 62)
#define AMDVI_DEVICE_INTERRUPTS_BLOCKED 1ull /* w2: IV; IntCtl 0 and no pass bit: every interrupt is aborted */
#define AMDVI_DEVICE_INTERRUPTS_REMAPPED (1ull | 8ull << 1 | 2ull << 60) /* w2: IV, 2^8 entries, IntCtl 2; 51..6 table */

/* 2.2.3: page table entries. A leaf has next level 0, or 7 and its size in the address; here 0 alone is used (2.2.3, "page size by level") */
#define AMDVI_PRESENT 1ull
#define AMDVI_NEXT_LEVEL(n) ((uint64_t)(n) << 9)
#define AMDVI_COHERENT (1ull << 60)
#define AMDVI_READ (1ull << 61)
#define AMDVI_WRITE (1ull << 62)

struct amdvi_entry { uint64_t low, high; };

/* 2.2.5.2, 128-bit form: fixed delivery to one x2APIC id in physical mode. */
static inline struct amdvi_entry amdvi_interrupt(uint32_t apic_id, uint8_t vector)
{
    return (struct amdvi_entry){1 | (uint64_t)(apic_id & 0xffffff) << 8, vector | (uint64_t)(apic_id >> 24) << 56};
}

/* 2.2.5: a message anywhere in the interrupt range with the entry's number as its data. */
#define AMDVI_MESSAGE_ADDRESS 0xfee00000u

/* --- commands, 2.4 --- */
#define AMDVI_OPCODE(n) ((uint64_t)(n) << 60)
static inline struct amdvi_entry amdvi_wait(uint64_t status_paddr, uint64_t value)
{
    return (struct amdvi_entry){1 | status_paddr | AMDVI_OPCODE(1), value};
}
static inline struct amdvi_entry amdvi_invalidate_device(uint16_t requester)
{
    return (struct amdvi_entry){requester | AMDVI_OPCODE(2), 0};
}
/* 2^(12 + order) bytes at `address`; order 0: one page. 2.4.3: S, and the size as the lowest zero bit above bit 11. */
static inline struct amdvi_entry amdvi_invalidate_pages(uint16_t domain, uint64_t address, unsigned order)
{
    uint64_t size = order ? (1ull << (11 + order)) - 0x1000 : 0;
    return (struct amdvi_entry){(uint64_t)domain << 32 | AMDVI_OPCODE(3), address | size | 2 | (order ? 1 : 0)};
}
static inline struct amdvi_entry amdvi_invalidate_domain(uint16_t domain)
{
    return (struct amdvi_entry){(uint64_t)domain << 32 | AMDVI_OPCODE(3), 0x7ffffffffffff000ull | 3};
}
static inline struct amdvi_entry amdvi_invalidate_interrupts(uint16_t requester)
{
    return (struct amdvi_entry){requester | AMDVI_OPCODE(5), 0};
}
#define AMDVI_INVALIDATE_ALL ((struct amdvi_entry){AMDVI_OPCODE(8), 0})
