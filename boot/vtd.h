/* Intel VT-d registers. Section numbers: Intel Virtualization Technology for Directed I/O specification 4.1, chapter 11. */
#pragma once
#include <stdint.h>

#define VTD_VERSION 0x00
#define VTD_CAP 0x08           /* 11.4.2 */
#define VTD_CAP_DOMAINS(cap) ((cap) & 7)          /* 2^(4 + 2n) */
#define VTD_CAP_WRITE_BUFFER (1ull << 4)
#define VTD_CAP_CACHING (1ull << 7)
#define VTD_CAP_LEVELS_4 (1ull << 10)             /* SAGAW bit 2 */
#define VTD_ECAP 0x10          /* 11.4.3 */
#define VTD_ECAP_QUEUE (1ull << 1)
#define VTD_ECAP_INTERRUPTS (1ull << 3)
#define VTD_ECAP_X2APIC (1ull << 4)
#define VTD_COMMAND 0x18       /* 11.4.4; GSTS_REG at 1ch has the same bits */
#define VTD_STATUS 0x1c
#define VTD_TRANSLATION (1u << 31)
#define VTD_SET_ROOT (1u << 30)
#define VTD_FLUSH_WRITE_BUFFER (1u << 27)
#define VTD_QUEUE (1u << 26)
#define VTD_INTERRUPTS (1u << 25)
#define VTD_SET_INTERRUPT_TABLE (1u << 24)
#define VTD_COMPATIBILITY (1u << 23) /* lets unremapped interrupts through */
#define VTD_STICKY 0x96ffffffu       /* 11.4.4.1: the bits of the status that a command must repeat: not the one-shot ones */
#define VTD_ROOT 0x20          /* 11.4.6 */
#define VTD_FAULT_STATUS 0x34  /* 11.4.9 */
#define VTD_FAULT_CONTROL 0x38
#define VTD_FAULT_MASKED (1u << 31)
#define VTD_QUEUE_HEAD 0x80    /* 11.4.15 */
#define VTD_QUEUE_TAIL 0x88
#define VTD_QUEUE_ADDRESS 0x90
#define VTD_INTERRUPT_TABLE 0xb8 /* 11.4.23: 63..12 address, 11 x2APIC mode, 3..0 size */
#define VTD_INTERRUPT_TABLE_X2APIC (1ull << 11)
