/* Invocations: the label of a message to an object's capability, and what it does. docs/kernel.md is made from these comments
 * (scripts/kernel-reference); each has the form
 *
 *   on:     the object | caps: capabilities that travel along | words: message words from MR0 on | reply: words of the answer
 *           what it does
 *   errors: besides those of every invocation
 *
 * Every invocation may be answered with InvalidCapability (the invoked slot is empty), IllegalOperation (the object does not know the
 * label) or TruncatedMessage (too few words or capabilities). "a slot" is named by a CNode, an index and a depth in bits; what that may be
 * answered with is "slot": InvalidCapability or FailedLookup (no CNode, a guard that does not match, bits left over), RangeError (a depth
 * below 1 or above 64), and for slots to be filled DeleteFirst (there is a capability). A refused invocation has changed nothing.
 * Facts: the seL4 reference manual 16.0.0 and libsel4's BSD-licensed headers. */
#pragma once

/* on: untyped | caps: root CNode | words: type, size_bits, node_index, node_depth, node_offset, count
 * Makes `count` objects, at most 256 (vCPUs: 16), into the slots from `node_offset` on of the CNode that root, index and depth name (depth 0:
 * the root itself). size_bits counts for untyped memory, CNodes (slots) and scheduling contexts. Memory whose objects are all gone is cleared first, which may be preempted.
 * errors: InvalidArgument (type; a CNode or scheduling context that is too small; a kernel object from frame-only memory), RangeError
 * (size, offset, count), NotEnoughMemory, DeleteFirst, slot */
#define SEL4_UNTYPED_RETYPE 1

/* on: TCB | words: flags (1: suspend it), count | reply: `count` registers
 * Registers in seL4_UserContext order: rip rsp rflags rax rbx rcx rdx rsi rdi rbp r8 to r15 fs_base gs_base.
 * errors: RangeError (count outside 1 to 20), IllegalOperation (the caller itself) */
#define SEL4_TCB_READ_REGISTERS 2
/* on: TCB | words: flags (1: resume it), count, registers
 * Sets the first `count` registers. Of RFLAGS only the user's bits count; addresses are made canonical.
 * errors: IllegalOperation (the caller itself) */
#define SEL4_TCB_WRITE_REGISTERS 3
/* on: TCB, the target | caps: source TCB | words: flags (1 suspend source, 2 resume target, 4 rip to r15, 8 segment bases)
 * Copies registers from one thread to another.
 * errors: InvalidCapability (no TCB) */
#define SEL4_TCB_COPY_REGISTERS 4
/* on: TCB | caps: CSpace root, VSpace root, IPC buffer frame | words: CSpace data, VSpace data, IPC buffer address
 * SetSpace without the fault handler, and SetIPCBuffer, in one. May be preempted while it deletes what was there.
 * errors: as those two */
#define SEL4_TCB_CONFIGURE 5
/* on: TCB | caps: authority TCB | words: priority
 * A thread of another priority; runs or gives way at once.
 * errors: RangeError (above the authority's MCP), InvalidCapability (no TCB) */
#define SEL4_TCB_SET_PRIORITY 6
/* on: TCB | caps: authority TCB | words: MCP
 * The highest priority that this thread may give, itself included.
 * errors: RangeError (above the authority's MCP), InvalidCapability (no TCB) */
#define SEL4_TCB_SET_MC_PRIORITY 7
/* on: TCB | caps: authority TCB, scheduling context or none, fault endpoint or none | words: MCP, priority
 * MCP, priority, scheduling context and fault handler in one.
 * errors: RangeError, InvalidCapability, IllegalOperation (a context in use, or none for the caller itself) */
#define SEL4_TCB_SET_SCHED_PARAMS 8
/* on: TCB | caps: endpoint or none
 * Who is told when its budget is used up; the endpoint needs the write right and one of grant and grant-reply.
 * errors: InvalidCapability */
#define SEL4_TCB_SET_TIMEOUT_ENDPOINT 9
/* on: TCB | caps: frame | words: address in its VSpace, 0: none
 * errors: AlignmentError (address not a multiple of 1,024), IllegalOperation (no frame, or frame-only memory) */
#define SEL4_TCB_SET_IPC_BUFFER 10
/* on: TCB | caps: fault endpoint or none, CSpace root, VSpace root | words: CSpace data (guard in bits 63 to 6, its size below; 0: as it is), VSpace data
 * Where the thread's faults go and what its addresses mean. A vCPU thread's VSpace is a nested root. May be preempted.
 * errors: InvalidCapability (fault endpoint), IllegalOperation (no CNode, no root with an ASID, or the old CSpace is being deleted) */
#define SEL4_TCB_SET_SPACE 11
/* on: TCB
 * It stops; a system call that it waits in starts again when it is resumed. */
#define SEL4_TCB_SUSPEND 12
/* on: TCB
 * It runs, given a scheduling context with budget; a thread that waits leaves its queue and starts its call again. */
#define SEL4_TCB_RESUME 13
/* on: TCB | caps: notification
 * Its signals reach the thread also where it receives from endpoints.
 * errors: InvalidCapability (no notification, or no read right), IllegalOperation (one of both is bound, or threads wait there) */
#define SEL4_TCB_BIND_NOTIFICATION 14
/* on: TCB
 * errors: IllegalOperation (none is bound) */
#define SEL4_TCB_UNBIND_NOTIFICATION 15
/* on: TCB | words: FS base */
#define SEL4_TCB_SET_TLS_BASE 16
/* on: TCB | words: flags to clear, flags to set | reply: the flags
 * Bit 0: the FPU is off for this thread, its use is exception 7. */
#define SEL4_TCB_SET_FLAGS 17

/* on: CNode | words: index, depth
 * Deletes all that was derived from the capability in the slot, which stays. Preemptible.
 * errors: slot */
#define SEL4_CNODE_REVOKE 18
/* on: CNode | words: index, depth
 * The slot becomes empty; with its last capability an object goes. Preemptible.
 * errors: slot */
#define SEL4_CNODE_DELETE 19
/* on: CNode | words: index, depth
 * Threads that wait to send with this badge start again. Preemptible.
 * errors: IllegalOperation (no endpoint capability with all rights), slot */
#define SEL4_CNODE_CANCEL_BADGED_SENDS 20
/* on: CNode, destination | caps: source CNode | words: index, depth, source index, source depth, rights
 * errors: IllegalOperation (a kind that has no copies), RevokeFirst (memory with objects), slot for both */
#define SEL4_CNODE_COPY 21
/* on: CNode, destination | caps: source CNode | words: index, depth, source index, source depth, rights, badge or CNode guard
 * Copy with fewer rights and a badge (endpoints, notifications without one) or a guard (CNodes).
 * errors: IllegalOperation (also: it has a badge, a guard that does not fit), RevokeFirst, slot for both */
#define SEL4_CNODE_MINT 22
/* on: CNode, destination | caps: source CNode | words: index, depth, source index, source depth
 * errors: slot for both */
#define SEL4_CNODE_MOVE 23
/* on: CNode, destination | caps: source CNode | words: index, depth, source index, source depth, CNode guard
 * Move with a new guard.
 * errors: IllegalOperation (a badged kind, a guard that does not fit), slot for both */
#define SEL4_CNODE_MUTATE 24
/* on: CNode, destination | caps: pivot CNode, source CNode | words: index, depth, pivot's new guard or 0, pivot index, pivot depth, source's new guard or 0, source index, source depth
 * The pivot moves to the destination, the source to the pivot's place. Source and destination may be the same slot: a swap.
 * errors: IllegalOperation (the pivot is one of the others), slot for all */
#define SEL4_CNODE_ROTATE 25

/* on: IRQControl | caps: CNode | words: vector, index, depth
 * A handler for a bare vector: another node's IPI or a doorbell. User vector v is CPU vector v + 0x30.
 * errors: RangeError (vector above 107), IllegalOperation (not this node's), RevokeFirst (it has a handler), slot */
#define SEL4_IRQ_CONTROL_GET 26
/* on: IRQHandler
 * The interrupt may come again: it is masked from its coming until this. */
#define SEL4_IRQ_HANDLER_ACK 27
/* on: IRQHandler | caps: notification
 * Whom it signals, with the capability's badge.
 * errors: InvalidCapability (no notification, or no write right) */
#define SEL4_IRQ_HANDLER_SET_NOTIFICATION 28
/* on: IRQHandler
 * It signals nobody any more. */
#define SEL4_IRQ_HANDLER_CLEAR 29

/* on: domain | caps: TCB | words: domain
 * errors: InvalidArgument (a domain but 0, or no TCB) */
#define SEL4_DOMAIN_SET_SET 30
/* on: domain | words: index, domain, duration
 * errors: InvalidArgument, always: there is one domain */
#define SEL4_DOMAIN_SET_SCHEDULE_CONFIGURE 31
/* on: domain | words: index
 * errors: InvalidArgument, always */
#define SEL4_DOMAIN_SET_SCHEDULE_SET_START 32

/* on: SchedControl | caps: scheduling context | words: budget, period (microseconds), extra refills, badge, flags (1: sporadic)
 * Budget in each period; the two equal: round robin. The badge is in timeout faults.
 * errors: RangeError (less than 20 microseconds, budget above period, a period of centuries, more refills than it has room for or 512),
 * InvalidCapability */
#define SEL4_SCHED_CONTROL_CONFIGURE_FLAGS 33
/* on: scheduling context | caps: TCB or notification
 * A thread runs on it; a notification lends it to whom it wakes without one.
 * errors: InvalidCapability (neither), IllegalOperation (one of both is bound, or the thread waits and the budget is not due) */
#define SEL4_SCHED_CONTEXT_BIND 34
/* on: scheduling context
 * From its thread and its notification.
 * errors: IllegalOperation (the caller's own) */
#define SEL4_SCHED_CONTEXT_UNBIND 35
/* on: scheduling context | caps: TCB or notification
 * errors: InvalidCapability (neither), IllegalOperation (not bound to it, or the caller itself) */
#define SEL4_SCHED_CONTEXT_UNBIND_OBJECT 36
/* on: scheduling context | reply: microseconds
 * What was used since the last asking. */
#define SEL4_SCHED_CONTEXT_CONSUMED 37
/* on: scheduling context | reply: microseconds that it used
 * Its thread goes to the front of its priority; if that is not below the caller's it runs at once, and the answer comes when the caller runs again.
 * errors: IllegalOperation (no thread, the caller's, or one above the caller's MCP) */
#define SEL4_SCHED_CONTEXT_YIELD_TO 38

/* on: PDPT | caps: PML4 | words: address, attributes
 * errors: InvalidCapability (mapped already, or a root without an ASID), InvalidArgument (an address of the kernel's), DeleteFirst (something is there) */
#define SEL4_X86_PDPT_MAP 39
/* on: PDPT
 * What was mapped through it is not any more.
 * errors: RevokeFirst (it has copies) */
#define SEL4_X86_PDPT_UNMAP 40
/* on: page directory | caps: PML4 | words: address, attributes
 * errors: as PDPT_Map; FailedLookup (no PDPT there) */
#define SEL4_X86_PAGE_DIRECTORY_MAP 41
/* on: page directory
 * errors: RevokeFirst (it has copies) */
#define SEL4_X86_PAGE_DIRECTORY_UNMAP 42
/* on: page table | caps: PML4 | words: address, attributes
 * errors: as PDPT_Map; FailedLookup (no page directory there) */
#define SEL4_X86_PAGE_TABLE_MAP 43
/* on: page table
 * errors: RevokeFirst (it has copies) */
#define SEL4_X86_PAGE_TABLE_UNMAP 44
/* on: frame | caps: PML4 | words: address, rights, attributes
 * A frame capability is mapped once; mapping it again at its address changes rights and attributes. Attribute 8 (Atoll's own): no execution.
 * errors: InvalidCapability (another root), InvalidArgument (another address, or one of the kernel's), AlignmentError, FailedLookup
 * (a table is missing; the reply's third word says which: 21, 30, 39), DeleteFirst (something else is there; seL4 overwrites) */
#define SEL4_X86_PAGE_MAP 45
/* on: frame
 * Out of wherever it is mapped: address space, nested space, I/O space. */
#define SEL4_X86_PAGE_UNMAP 46
/* on: frame | reply: physical address */
#define SEL4_X86_PAGE_GET_ADDRESS 47
/* on: ASIDControl | caps: untyped of 4 KiB, CNode | words: index, depth
 * A pool of 512 ASIDs; there are at most eight pools.
 * errors: DeleteFirst (all are made), InvalidCapability (no such untyped), RevokeFirst (it has objects), slot */
#define SEL4_X86_ASID_CONTROL_MAKE_POOL 48
/* on: ASID pool | caps: PML4, nested PML4 or I/O space
 * A root can be used from now on.
 * errors: InvalidCapability (no root, or it has an ASID), DeleteFirst (the pool is full) */
#define SEL4_X86_ASID_POOL_ASSIGN 49
/* on: IOPortControl | caps: CNode | words: first port, last port, index, depth
 * errors: InvalidArgument (last below first), RangeError, IllegalOperation (not this node's), RevokeFirst (a live range overlaps), slot */
#define SEL4_X86_IOPORT_CONTROL_ISSUE 50
/* on: I/O ports | words: port | reply: value
 * errors: IllegalOperation (outside the range) */
#define SEL4_X86_IOPORT_IN8 51
/* on: I/O ports | words: port | reply: value
 * errors: IllegalOperation */
#define SEL4_X86_IOPORT_IN16 52
/* on: I/O ports | words: port | reply: value
 * errors: IllegalOperation */
#define SEL4_X86_IOPORT_IN32 53
/* on: I/O ports | words: port, value
 * errors: IllegalOperation */
#define SEL4_X86_IOPORT_OUT8 54
/* on: I/O ports | words: port, value
 * errors: IllegalOperation */
#define SEL4_X86_IOPORT_OUT16 55
/* on: I/O ports | words: port, value
 * errors: IllegalOperation */
#define SEL4_X86_IOPORT_OUT32 56
/* on: IRQControl | caps: CNode | words: index, depth, IOAPIC, pin, level (1) or edge (0), active low (1) or high (0), vector
 * errors: RangeError (any of the last five), IllegalOperation (not this node's vector), RevokeFirst (vector or pin in use), slot */
#define SEL4_IRQ_CONTROL_GET_IOAPIC 57
/* on: IRQControl | caps: CNode, requester range or none | words: index, depth, bus, device, function, handle, vector
 * A handler for a message-signalled interrupt. With a range of requester IDs that holds the function its message may raise the vector; what is
 * to be programmed into the function tells IRQHandler_Message. Edge-triggered, no Ack needed.
 * errors: RangeError, IllegalOperation (not this node's vector), RevokeFirst, slot */
#define SEL4_IRQ_CONTROL_GET_MSI 58

/* on: nested PDPT, PD or PT | caps: nested PML4 | words: guest-physical address, attributes
 * errors: as PDPT_Map; FailedLookup (a table above it is missing) */
#define ATOLL_NESTED_TABLE_MAP 59
/* on: nested PDPT, PD or PT
 * errors: RevokeFirst (it has copies) */
#define ATOLL_NESTED_TABLE_UNMAP 60
/* on: frame | caps: nested PML4 | words: guest-physical address, rights, attributes
 * errors: as Page_Map */
#define ATOLL_NESTED_PAGE_MAP 61
/* on: vCPU | caps: TCB
 * The thread runs a guest from now on (<atoll/vcpu.h>).
 * errors: InvalidCapability (no TCB), IllegalOperation (the caller), DeleteFirst (one of both is bound) */
#define ATOLL_VCPU_BIND 62
/* on: vCPU | words: exit class, groups that travel out, groups that may travel in
 * errors: RangeError (class), InvalidArgument (groups) */
#define ATOLL_VCPU_SET_TRANSFER 63
/* on: vCPU | words: groups | reply: their words
 * errors: InvalidArgument */
#define ATOLL_VCPU_READ 64
/* on: vCPU | words: groups, then their words
 * errors: InvalidArgument: state that is not architectural; the reply names group and word */
#define ATOLL_VCPU_WRITE 65
/* on: vCPU | words: event | reply: 1 accepted, 0 not now
 * Injects an interrupt or NMI; if that is not possible now, an exit comes when it is.
 * errors: InvalidArgument (another kind of event) */
#define ATOLL_VCPU_INTERRUPT 66
/* on: vCPU | caps: notification or none | words: host TSC deadline, 0: off
 * errors: InvalidCapability */
#define ATOLL_VCPU_SET_TIMER 67
/* on: vCPU | reply: one count per exit class */
#define ATOLL_VCPU_COUNTERS 68
/* on: IPI
 * Any message on it signals: the label is ignored. */
#define ATOLL_IPI_SIGNAL 69

/* on: I/O PDPT, PD or PT | caps: I/O space | words: device address
 * errors: as PDPT_Map; FailedLookup (a table above it is missing) */
#define ATOLL_IO_TABLE_MAP 70
/* on: I/O PDPT, PD or PT
 * errors: RevokeFirst (it has copies) */
#define ATOLL_IO_TABLE_UNMAP 71
/* on: frame of frame-only memory | caps: I/O space | words: device address, rights
 * Undone by Page_Unmap.
 * errors: InvalidCapability (mapped already), IllegalOperation (private memory, or a size that the unit does not walk), InvalidArgument (rights, address),
 * AlignmentError, FailedLookup, DeleteFirst */
#define ATOLL_IO_PAGE_MAP 72
/* on: requester range | caps: I/O space | words: requester ID (bus << 8 | device << 3 | function)
 * The function's DMA goes through the space from now on.
 * errors: RangeError (outside the range), DeleteFirst (it is bound), InvalidCapability, NotEnoughMemory (64 functions are bound, or no domain is left) */
#define ATOLL_REQUESTERS_BIND 73
/* on: requester range | words: requester ID
 * It is blocked, and what it had under way is done, when this returns.
 * errors: RangeError, InvalidArgument (it is not bound) */
#define ATOLL_REQUESTERS_UNBIND 74
/* on: requester range | caps: CNode | words: index, depth, first, last
 * A smaller range, off all others that were made from this one.
 * errors: RangeError, IllegalOperation (the whole of it), RevokeFirst (it overlaps another), slot */
#define ATOLL_REQUESTERS_DIVIDE 75
/* on: requester range | reply: 1 if there was a fault, requester, address, reason, how many were lost, how often the unit had no room
 * Takes the oldest fault of its functions. Reason: bits 7..0 the unit's own (VT-d 7.1.3; AMD-Vi 2.5: event code), 8 a write, 9 an interrupt message.
 * Both counts are since the last call: records of this node's functions that found no room, and times that the unit lost some, whoever's. New
 * records raise user vector 107 on the node, at most 100 times a second. */
#define ATOLL_REQUESTERS_FAULT 76
/* on: IRQHandler | reply: message address, message data
 * errors: IllegalOperation (it has none, or its requester range is gone) */
#define ATOLL_IRQ_HANDLER_MESSAGE 77
/* on: channel | caps: what moves: frame-only untyped, requester range or IPI, the only capability to it
 * It leaves this node (<atoll/channel.h>). Who may use it tells the other node by an IPI capability, or that one asks now and then.
 * errors: InvalidCapability (not one of the channel's things), RangeError (size), RevokeFirst (a copy exists, or something was derived from it),
 * IllegalOperation (what it was derived from is still there, or not a sending end), DeleteFirst (a function of the range is bound or
 * interrupts), NotEnoughMemory (the channel is full) */
#define ATOLL_CHANNEL_SEND 78
/* on: channel | caps: CNode | words: index, depth | reply: enum channel_kind (0: nothing there), value, size bits
 * Installs the next thing that has come.
 * errors: slot, IllegalOperation (not a receiving end), InvalidCapability (what came is not what may come: the sending kernel is faulty) */
#define ATOLL_CHANNEL_RECEIVE 79
