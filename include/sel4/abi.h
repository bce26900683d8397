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

/* Invocation labels. */
#define SEL4_UNTYPED_RETYPE 1
#define SEL4_TCB_READ_REGISTERS 2
#define SEL4_TCB_WRITE_REGISTERS 3
#define SEL4_TCB_COPY_REGISTERS 4
#define SEL4_TCB_CONFIGURE 5
#define SEL4_TCB_SET_PRIORITY 6
#define SEL4_TCB_SET_MC_PRIORITY 7
#define SEL4_TCB_SET_SCHED_PARAMS 8
#define SEL4_TCB_SET_TIMEOUT_ENDPOINT 9
#define SEL4_TCB_SET_IPC_BUFFER 10
#define SEL4_TCB_SET_SPACE 11
#define SEL4_TCB_SUSPEND 12
#define SEL4_TCB_RESUME 13
#define SEL4_TCB_BIND_NOTIFICATION 14
#define SEL4_TCB_UNBIND_NOTIFICATION 15
#define SEL4_TCB_SET_TLS_BASE 16
#define SEL4_TCB_SET_FLAGS 17
#define SEL4_CNODE_REVOKE 18
#define SEL4_CNODE_DELETE 19
#define SEL4_CNODE_CANCEL_BADGED_SENDS 20
#define SEL4_CNODE_COPY 21
#define SEL4_CNODE_MINT 22
#define SEL4_CNODE_MOVE 23
#define SEL4_CNODE_MUTATE 24
#define SEL4_CNODE_ROTATE 25
#define SEL4_IRQ_CONTROL_GET 26
#define SEL4_IRQ_HANDLER_ACK 27
#define SEL4_IRQ_HANDLER_SET_NOTIFICATION 28
#define SEL4_IRQ_HANDLER_CLEAR 29
#define SEL4_DOMAIN_SET_SET 30
#define SEL4_DOMAIN_SET_SCHEDULE_CONFIGURE 31
#define SEL4_DOMAIN_SET_SCHEDULE_SET_START 32
#define SEL4_SCHED_CONTROL_CONFIGURE_FLAGS 33
#define SEL4_SCHED_CONTEXT_BIND 34
#define SEL4_SCHED_CONTEXT_UNBIND 35
#define SEL4_SCHED_CONTEXT_UNBIND_OBJECT 36
#define SEL4_SCHED_CONTEXT_CONSUMED 37
#define SEL4_SCHED_CONTEXT_YIELD_TO 38
#define SEL4_X86_PDPT_MAP 39
#define SEL4_X86_PDPT_UNMAP 40
#define SEL4_X86_PAGE_DIRECTORY_MAP 41
#define SEL4_X86_PAGE_DIRECTORY_UNMAP 42
#define SEL4_X86_PAGE_TABLE_MAP 43
#define SEL4_X86_PAGE_TABLE_UNMAP 44
#define SEL4_X86_PAGE_MAP 45
#define SEL4_X86_PAGE_UNMAP 46
#define SEL4_X86_PAGE_GET_ADDRESS 47
#define SEL4_X86_ASID_CONTROL_MAKE_POOL 48
#define SEL4_X86_ASID_POOL_ASSIGN 49
#define SEL4_X86_IOPORT_CONTROL_ISSUE 50
#define SEL4_X86_IOPORT_IN8 51
#define SEL4_X86_IOPORT_IN16 52
#define SEL4_X86_IOPORT_IN32 53
#define SEL4_X86_IOPORT_OUT8 54
#define SEL4_X86_IOPORT_OUT16 55
#define SEL4_X86_IOPORT_OUT32 56
#define SEL4_IRQ_CONTROL_GET_IOAPIC 57
#define SEL4_IRQ_CONTROL_GET_MSI 58
/* Atoll's own; arguments in <atoll/vcpu.h>. */
#define ATOLL_NESTED_TABLE_MAP 59   /* on a nested PDPT, PD or PT: cap root; MR0 guest-physical address, MR1 attr */
#define ATOLL_NESTED_TABLE_UNMAP 60
#define ATOLL_NESTED_PAGE_MAP 61    /* on a frame: cap root; MR0 guest-physical address, MR1 rights, MR2 attr */
#define ATOLL_VCPU_BIND 62          /* cap TCB */
#define ATOLL_VCPU_SET_TRANSFER 63  /* MR0 exit class, MR1 groups out, MR2 groups allowed in */
#define ATOLL_VCPU_READ 64          /* MR0 groups; reply: the groups' words */
#define ATOLL_VCPU_WRITE 65         /* MR0 groups, then the groups' words */
#define ATOLL_VCPU_INTERRUPT 66     /* MR0 event word; reply MR0: 1 accepted, 0 not now (window exit armed) */
#define ATOLL_VCPU_SET_TIMER 67     /* cap notification or none; MR0 host TSC deadline, 0 = off */
#define ATOLL_VCPU_COUNTERS 68      /* reply: one word per exit class */
#define ATOLL_IPI_SIGNAL 69         /* any message on an IPI capability signals; the label is ignored */

#define ATOLL_IO_TABLE_MAP 70       /* on an I/O PDPT, PD or PT: cap I/O space; MR0 device address */
#define ATOLL_IO_TABLE_UNMAP 71
#define ATOLL_IO_PAGE_MAP 72        /* on a frame-only frame: cap I/O space; MR0 device address, MR1 rights. Undone by Page_Unmap */
/* On a range of requester IDs (bus << 8 | device << 3 | function): */
#define ATOLL_REQUESTERS_BIND 73    /* cap I/O space; MR0 requester ID: its DMA goes through the space from now on */
#define ATOLL_REQUESTERS_UNBIND 74  /* MR0 requester ID: blocked when this returns */
#define ATOLL_REQUESTERS_DIVIDE 75  /* cap CNode; MR0 index, MR1 depth, MR2 first, MR3 last: a smaller range, off all others */
#define ATOLL_REQUESTERS_FAULT 76   /* reply: MR0 1 if there was one, MR1 requester, MR2 address, MR3 the unit's reason word */
/* GetMSI with a second capability, a range of requester IDs that holds the function: its message may raise the vector. What is to be
 * programmed into the function tells the handler: reply MR0 address, MR1 data; edge-triggered, no Ack needed. */
#define ATOLL_IRQ_HANDLER_MESSAGE 77
/* On a channel (<atoll/channel.h>); who may use it tells the other node by an IPI capability, or that one asks now and then. */
#define ATOLL_CHANNEL_SEND 78       /* cap what moves: frame-only untyped, range of requester IDs or IPI, the only one of its kind */
#define ATOLL_CHANNEL_RECEIVE 79    /* cap CNode; MR0 index, MR1 depth: an empty slot; reply: MR0 enum channel_kind (0: nothing
                                       there), MR1 value, MR2 size bits, as in the record */

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

/* Interrupts: user vector v is IRQ v + 16 is CPU vector v + 0x30. */
#define SEL4_IRQ_USER_MIN 0x10
#define SEL4_IRQ_CPU_VECTOR_BASE 0x20
#define SEL4_MAX_USER_VECTOR 107

/* Boot information (manual, chapter "System bootstrapping"); layout in <sel4/bootinfo.h>. */
#define SEL4_BOOTINFO_TSC_FREQ 5
#define SEL4_BOOTINFO_MBMMAP 2
#define SEL4_BOOTINFO_RSDP 3
#define ATOLL_BOOTINFO_NAMES 0x4c4f5441 /* "ATOL": name table, <sel4/bootinfo.h> */
#define ATOLL_BOOTINFO_PLATFORM 0x50415441 /* struct atoll_platform, <sel4/bootinfo.h> */
