/* Intel VT-d: registers, tables and commands, as boot and kernel write them. Section numbers: Intel Virtualization Technology for
 * Directed I/O specification 4.1. Plain values: 16-byte entries are {low, high}. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* --- registers, chapter 11 --- */
#define VTD_CAP 0x08           /* 11.4.2 */
#define VTD_CAP_DOMAIN_BITS(cap) (4 + 2 * ((cap) & 7))
#define VTD_CAP_WRITE_BUFFER (1ull << 4)
#define VTD_CAP_PROTECTED_MEMORY (3ull << 5)
#define VTD_CAP_LEVELS_4 (1ull << 10)             /* SAGAW bit 2 */
#define VTD_CAP_LARGE_PAGES (1ull << 34)          /* second-stage leaves of 2 MiB; bit 35: 1 GiB */
#define VTD_CAP_HUGE_PAGES (1ull << 35)
#define VTD_CAP_PAGE_SELECTIVE (1ull << 39)
#define VTD_CAP_MAX_MASK(cap) ((cap) >> 48 & 0x3f)
#define VTD_CAP_FAULT_OFFSET(cap) (((cap) >> 24 & 0x3ff) * 16)
#define VTD_CAP_FAULTS(cap) (((cap) >> 40 & 0xff) + 1)
#define VTD_ECAP 0x10          /* 11.4.3 */
#define VTD_ECAP_COHERENT (1ull << 0)
#define VTD_ECAP_QUEUE (1ull << 1)
#define VTD_ECAP_INTERRUPTS (1ull << 3)
#define VTD_ECAP_X2APIC (1ull << 4)
#define VTD_COMMAND 0x18       /* 11.4.4; status (11.4.5) at 1ch has the same bits */
#define VTD_STATUS 0x1c
#define VTD_TRANSLATION (1u << 31)
#define VTD_SET_ROOT (1u << 30)
#define VTD_FLUSH_WRITE_BUFFER (1u << 27)
#define VTD_QUEUE (1u << 26)
#define VTD_INTERRUPTS (1u << 25)
#define VTD_SET_INTERRUPT_TABLE (1u << 24)
#define VTD_COMPATIBILITY (1u << 23) /* lets interrupts of the old format through unremapped */
#define VTD_ONE_SHOT (VTD_SET_ROOT | 1u << 29 | VTD_FLUSH_WRITE_BUFFER | VTD_SET_INTERRUPT_TABLE) /* not to be repeated, 11.4.4 */
#define VTD_ROOT 0x20          /* 11.4.6 */
#define VTD_FAULT_STATUS 0x34  /* 11.4.9: bit 0 overflow, 1 a record is pending, 4 bad command, 15..8 which record */
#define VTD_FAULT_CONTROL 0x38
#define VTD_FAULT_MASKED (1u << 31)
#define VTD_PROTECTED_MEMORY 0x64
#define VTD_QUEUE_HEAD 0x80    /* 11.4.15 to 11.4.17: byte offsets of 16-byte commands */
#define VTD_QUEUE_TAIL 0x88
#define VTD_QUEUE_ADDRESS 0x90 /* 2..0: log2 of its pages */
#define VTD_INTERRUPT_TABLE 0xb8 /* 11.4.23: 63..12 address, 11 x2APIC mode, 3..0 log2 of entries - 1 */
#define VTD_INTERRUPT_TABLE_X2APIC (1ull << 11)
#define VTD_FAULT_RECORD_VALID (1ull << 63) /* 11.4.14, upper half: 39..32 reason, 15..0 requester; lower half: address */
#define VTD_FAULT_RECORD_READ (1ull << 62)  /* T1; with T2 an atomic operation or a page request */
#define VTD_FAULT_RECORD_TYPE_2 (1ull << 28)
#define VTD_REASON_INTERRUPT 0x20           /* 7.1.3: 20h to 2fh */

/* --- tables, chapter 9 --- */
#define VTD_ROOT_PRESENT 1ull  /* 9.1: 63..12 context table */
#define VTD_CONTEXT_PRESENT 1ull /* 9.3: low 63..12 page table; high 2..0 = 2: 4 levels, 23..8 domain */
#define VTD_CONTEXT_LEVELS_4 2ull
#define VTD_LEAF_READ 1ull     /* 9.10: second-stage entries */
#define VTD_LEAF_WRITE 2ull
#define VTD_LEAF_LARGE 0x80ull

struct vtd_entry { uint64_t low, high; };

static inline struct vtd_entry vtd_context(uint64_t table, uint16_t domain)
{
    return (struct vtd_entry){table | VTD_CONTEXT_PRESENT, (uint64_t)domain << 8 | VTD_CONTEXT_LEVELS_4};
}

/* 9.9: fixed delivery to one x2APIC id in physical mode; only `requester` may use it (SVT 1: all 16 bits are compared). */
static inline struct vtd_entry vtd_interrupt(uint32_t apic_id, uint8_t vector, bool level, uint16_t requester)
{
    return (struct vtd_entry){1 | (uint64_t)level << 4 | (uint64_t)vector << 16 | (uint64_t)apic_id << 32, requester | 1ull << 18};
}

/* --- commands, 6.5.2 --- */
static inline struct vtd_entry vtd_wait(uint64_t status_paddr, uint32_t value)
{
    return (struct vtd_entry){5 | 1u << 5 | (uint64_t)value << 32, status_paddr};
}
static inline struct vtd_entry vtd_invalidate_context(uint16_t requester, uint16_t domain) /* one device */
{
    return (struct vtd_entry){1 | 3u << 4 | (uint64_t)domain << 16 | (uint64_t)requester << 32, 0};
}
#define VTD_DRAIN (3u << 6) /* reads and writes under way are done before the command is */
static inline struct vtd_entry vtd_invalidate_domain(uint16_t domain)
{
    return (struct vtd_entry){2 | 2u << 4 | VTD_DRAIN | (uint64_t)domain << 16, 0};
}
static inline struct vtd_entry vtd_invalidate_pages(uint16_t domain, uint64_t address, unsigned mask) /* 2^mask pages of 4 KiB */
{
    return (struct vtd_entry){2 | 3u << 4 | VTD_DRAIN | (uint64_t)domain << 16, address | mask};
}
static inline struct vtd_entry vtd_invalidate_interrupt(uint16_t index)
{
    return (struct vtd_entry){4 | 1u << 4 | (uint64_t)index << 32, 0};
}
#define VTD_INVALIDATE_ALL_CONTEXTS ((struct vtd_entry){1 | 1u << 4, 0})
#define VTD_INVALIDATE_ALL_PAGES ((struct vtd_entry){2 | 1u << 4 | VTD_DRAIN, 0})
#define VTD_INVALIDATE_ALL_INTERRUPTS ((struct vtd_entry){4, 0})

/* 5.1.5.2: a message in remappable format (bit 4), without a subhandle: its data is 0. */
static inline uint32_t vtd_message_address(uint16_t index)
{
    return 0xfee00000u | (index & 0x7fffu) << 5 | 1u << 4 | (uint32_t)(index >> 15) << 2;
}

/* 5.1.2.2: an IOAPIC's entry in remappable format. The entry's own vector is what the level-triggered EOI is matched with. */
static inline uint64_t vtd_ioapic_entry(uint16_t index, uint8_t vector)
{
    return vector | (uint64_t)(index >> 15) << 11 | 1ull << 48 | (uint64_t)(index & 0x7fff) << 49;
}
