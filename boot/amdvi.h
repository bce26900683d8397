/* AMD-Vi registers. Section numbers: AMD I/O Virtualization Technology (IOMMU) Specification 3.09 (48882). */
#pragma once
#include <stdint.h>

#define AMDVI_DEVICE_TABLE 0x00   /* 3.4.1: 51..12 address, 8..0 size in pages - 1 */
#define AMDVI_COMMANDS 0x08       /* 3.4.2: 59..56 length as log2 of entries */
#define AMDVI_EVENTS 0x10         /* 3.4.3 */
#define AMDVI_CONTROL 0x18        /* 3.4.4 */
#define AMDVI_EXCLUSION_BASE 0x20
#define AMDVI_EXCLUSION_LIMIT 0x28
#define AMDVI_FEATURES 0x30       /* 3.4.7 */
#define AMDVI_FEATURE_X2APIC (1ull << 2)
#define AMDVI_FEATURE_INVALIDATE_ALL (1ull << 6)
#define AMDVI_FEATURE_WIDE_ENTRIES (1ull << 7) /* GASup: 128-bit interrupt entries, which x2APIC destinations need */
#define AMDVI_COMMAND_HEAD 0x2000 /* 3.4.13 */
#define AMDVI_COMMAND_TAIL 0x2008
#define AMDVI_EVENT_HEAD 0x2010
#define AMDVI_EVENT_TAIL 0x2018
#define AMDVI_STATUS 0x2020
