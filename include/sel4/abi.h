/* The kernel's binary interface: numbers, sizes and encodings that user level and kernel share.
 *
 * The interface is seL4's (MCS, x86-64, no SMP, no VT-x, no VT-d); the values are facts of the
 * seL4 reference manual 16.0.0 and of libsel4's BSD-licensed headers. Numbers that Atoll adds come
 * behind the last standard one and are marked so. Names follow libsel4 so that knowledge carries
 * over. This header is plain constants: it also serves assembly.
 */
#pragma once

/* System call numbers, in rdx (manual, chapter "System calls"). */
#define SEL4_SYS_CALL (-1)
#define SEL4_SYS_REPLY_RECV (-2)
#define SEL4_SYS_NBSEND_RECV (-3)
#define SEL4_SYS_NBSEND_WAIT (-4)
#define SEL4_SYS_SEND (-5)
#define SEL4_SYS_NBSEND (-6)
#define SEL4_SYS_RECV (-7)
#define SEL4_SYS_NBRECV (-8)
#define SEL4_SYS_WAIT (-9)
#define SEL4_SYS_NBWAIT (-10)
#define SEL4_SYS_YIELD (-11)
#define SEL4_SYS_DEBUG_PUT_CHAR (-12)      /* debug builds only, -12 to -17 */
#define SEL4_SYS_DEBUG_DUMP_SCHEDULER (-13)
#define SEL4_SYS_DEBUG_HALT (-14)
#define SEL4_SYS_DEBUG_CAP_IDENTIFY (-15)
#define SEL4_SYS_DEBUG_SNAPSHOT (-16)
#define SEL4_SYS_DEBUG_NAME_THREAD (-17)
#define SEL4_SYS_SET_TLS_BASE (-33)

/* Error codes: the label of the reply to an invocation. */
#define SEL4_NO_ERROR 0
#define SEL4_INVALID_ARGUMENT 1
#define SEL4_INVALID_CAPABILITY 2
#define SEL4_ILLEGAL_OPERATION 3
#define SEL4_RANGE_ERROR 4
#define SEL4_ALIGNMENT_ERROR 5
#define SEL4_FAILED_LOOKUP 6
#define SEL4_TRUNCATED_MESSAGE 7
#define SEL4_DELETE_FIRST 8
#define SEL4_REVOKE_FIRST 9
#define SEL4_NOT_ENOUGH_MEMORY 10

/* Object types, the argument of Untyped_Retype. */
#define SEL4_UNTYPED 0
#define SEL4_TCB 1
#define SEL4_ENDPOINT 2
#define SEL4_NOTIFICATION 3
#define SEL4_CNODE 4
#define SEL4_SCHED_CONTEXT 5
#define SEL4_REPLY 6
#define SEL4_X86_PDPT 7
#define SEL4_X86_PML4 8
#define SEL4_X86_HUGE_PAGE 9   /* 1 GiB */
#define SEL4_X86_4K_PAGE 10
#define SEL4_X86_LARGE_PAGE 11 /* 2 MiB */
#define SEL4_X86_PAGE_TABLE 12
#define SEL4_X86_PAGE_DIRECTORY 13
/* Atoll's own. */
#define ATOLL_VCPU 14
#define ATOLL_NESTED_PML4 15
#define ATOLL_NESTED_PDPT 16
#define ATOLL_NESTED_PD 17
#define ATOLL_NESTED_PT 18
#define ATOLL_IO_SPACE 19     /* top table of a device's address space; give it an ASID before use */
#define ATOLL_IO_PDPT 20
#define ATOLL_IO_PD 21
#define ATOLL_IO_PT 22
#define ATOLL_OBJECT_TYPES 23

/* Object sizes as powers of two, in bytes. A CNode of n bits takes 2^(n + 5). */
#define SEL4_SLOT_BITS 5
#define SEL4_TCB_BITS 11
#define SEL4_ENDPOINT_BITS 4
#define SEL4_NOTIFICATION_BITS 6
#define SEL4_REPLY_BITS 5
#define SEL4_MIN_SCHED_CONTEXT_BITS 7
#define SEL4_PAGE_BITS 12
#define SEL4_LARGE_PAGE_BITS 21
#define SEL4_HUGE_PAGE_BITS 30
#define SEL4_TABLE_BITS 12      /* every level of page table, ASID pools */
#define SEL4_MIN_UNTYPED_BITS 4
#define SEL4_MAX_UNTYPED_BITS 47
#define ATOLL_VCPU_BITS 14
#define ATOLL_IO_SPACE_BITS 13

/* Slots of init's CNode (2^13 slots, guard size 51). */
#define SEL4_CAP_INIT_TCB 1
#define SEL4_CAP_INIT_CNODE 2
#define SEL4_CAP_INIT_VSPACE 3
#define SEL4_CAP_IRQ_CONTROL 4
#define SEL4_CAP_ASID_CONTROL 5
#define SEL4_CAP_INIT_ASID_POOL 6
#define SEL4_CAP_IOPORT_CONTROL 7
#define SEL4_CAP_IOSPACE 8
#define SEL4_CAP_BOOTINFO_FRAME 9
#define SEL4_CAP_INIT_IPC_BUFFER 10
#define SEL4_CAP_DOMAIN 11
#define SEL4_CAP_INIT_SC 14
#define SEL4_CAP_FIRST_FREE 16
#define SEL4_INIT_CNODE_BITS 13

/* Invocation labels: <sel4/invocations.h>. */
#include <sel4/invocations.h>

/* Fault types: the label of a fault message. */
#define SEL4_FAULT_NULL 0
#define SEL4_FAULT_CAP 1
#define SEL4_FAULT_UNKNOWN_SYSCALL 2
#define SEL4_FAULT_USER_EXCEPTION 3
#define SEL4_FAULT_TIMEOUT 5
#define SEL4_FAULT_VM 6
#define ATOLL_FAULT_VCPU 8 /* Atoll's own: a virtual CPU's exit, see <atoll/vcpu.h> */

/* Lookup failure kinds inside a capability fault. */
#define SEL4_LOOKUP_INVALID_ROOT 1
#define SEL4_LOOKUP_MISSING 2
#define SEL4_LOOKUP_DEPTH_MISMATCH 3
#define SEL4_LOOKUP_GUARD_MISMATCH 4

/* Message information word: label 63..12, capsUnwrapped 11..9, extraCaps 8..7, length 6..0. */
#define SEL4_MSG_LABEL_SHIFT 12
#define SEL4_MSG_UNWRAPPED_SHIFT 9
#define SEL4_MSG_EXTRA_SHIFT 7
#define SEL4_MSG_MAX_LENGTH 120
#define SEL4_MSG_MAX_EXTRA_CAPS 3
#define SEL4_MSG_REGISTERS 4

/* IPC buffer: 1024 bytes, 1024-aligned; word offsets. */
#define SEL4_IPC_BUFFER_BITS 10
#define SEL4_IPC_MSG_WORD 1
#define SEL4_IPC_USERDATA_WORD 121
#define SEL4_IPC_CAPS_WORD 122
#define SEL4_IPC_RECEIVE_CNODE_WORD 125
#define SEL4_IPC_RECEIVE_INDEX_WORD 126
#define SEL4_IPC_RECEIVE_DEPTH_WORD 127

/* Capability rights word. */
#define SEL4_RIGHT_WRITE 1
#define SEL4_RIGHT_READ 2
#define SEL4_RIGHT_GRANT 4
#define SEL4_RIGHT_GRANT_REPLY 8
#define SEL4_ALL_RIGHTS 15

/* Memory attributes of a mapping. */
#define SEL4_X86_WRITE_BACK 0
#define SEL4_X86_WRITE_THROUGH 1
#define SEL4_X86_CACHE_DISABLED 2
#define SEL4_X86_UNCACHEABLE 3
#define SEL4_X86_WRITE_COMBINING 4
#define ATOLL_X86_EXECUTE_NEVER 8 /* Atoll's own, added to one of the above: no instruction fetch */

#define SEL4_NUM_PRIORITIES 256
#define SEL4_MIN_BUDGET_US 20
#define SEL4_TCB_FLAG_FPU_DISABLED 1
#define SEL4_SCHED_CONTEXT_SPORADIC 1
#define SEL4_CONTEXT_WORDS 20 /* rip rsp rflags rax rbx rcx rdx rsi rdi rbp r8..r15 fs_base gs_base */

/* Interrupts: user vector v is IRQ v + 16 is CPU vector v + 0x30. User vectors below ATOLL_MODERATED_VECTORS are for whoever may ring more often than is good
 * for the node: of all of them together it takes ATOLL_MODERATED_BURST within ATOLL_MODERATED_US at most; then they wait, one of each, until that
 * time is over. */
#define ATOLL_MODERATED_VECTORS 0x30
#define ATOLL_MODERATED_BURST 64
#define ATOLL_MODERATED_US 1000
#define SEL4_IRQ_USER_MIN 0x10
#define SEL4_IRQ_CPU_VECTOR_BASE 0x20
#define SEL4_MAX_USER_VECTOR 107

/* Boot information (manual, chapter "System bootstrapping"); layout in <sel4/bootinfo.h>. */
#define SEL4_BOOTINFO_TSC_FREQ 5
#define SEL4_BOOTINFO_MBMMAP 2
#define SEL4_BOOTINFO_RSDP 3
#define ATOLL_BOOTINFO_NAMES 0x4c4f5441 /* "ATOL": name table, <sel4/bootinfo.h> */
#define ATOLL_BOOTINFO_PLATFORM 0x50415441 /* struct atoll_platform, <sel4/bootinfo.h> */
