/* The thin line between the kernel's logic (kernel/ *.c) and the machine (kernel/x86/ *.c; for host builds tests/unit/host_arch.c).
 * The core calls these; x86 implements them. What x86 may call in the core is in core.h. */
#pragma once
#include "object.h"

/* An invocation as decoded from the caller's registers and IPC buffer. */
struct invocation {
    struct slot *slot;        /* the invoked capability's slot */
    cap_t cap;
    word_t label, length;
    struct slot *extra[SEL4_MSG_MAX_EXTRA_CAPS]; /* NULL-terminated unless all three are there */
    bool blocking, call, donate;
    struct tcb *caller;
    word_t reply_length;      /* words set by the operation with invocation_result() */
};
word_t invocation_arg(const struct invocation *, unsigned i);          /* core: message word i (i < length) */
void invocation_result(struct invocation *, unsigned i, word_t value); /* core: reply word i */

/* Objects */
unsigned arch_object_bits(word_t type, word_t user_bits); /* size as log2; 0: not an arch type */
bool arch_frame_type(word_t type);                        /* may be made from frame-only memory */
/* Make one object at physical address `pa` (inside the window unless frame_only; memory already zero unless frame_only). */
cap_t arch_object_create(word_t type, paddr_t pa, bool frame_only);
status_t arch_invoke(struct invocation *);                /* every tag that arch_owns() */
bool arch_owns(enum cap_tag);
/* Deriving a copy (Copy, Mint, IPC transfer). Refusal or the capability to store (a frame's copy is unmapped). */
status_t arch_cap_derive(struct slot *from, cap_t cap, cap_t *derived);
cap_t arch_cap_update_data(cap_t cap, word_t data);       /* Mint/Mutate data: most arch capabilities ignore it */
cap_t arch_cap_mask_rights(cap_t cap, word_t rights);
bool arch_cap_same_region(cap_t a, cap_t b);
bool arch_cap_same_object(cap_t a, cap_t b);
bool arch_cap_is_physical(cap_t cap);                     /* counts as an object in memory */
word_t arch_cap_paddr(cap_t cap);
unsigned arch_cap_size_bits(cap_t cap);
void arch_cap_arrived(cap_t cap);                         /* from another kernel, through a channel */
/* Hardware acts for whoever holds it (functions of a requester range are bound): it may not leave for another node now. */
bool arch_cap_in_use(cap_t cap);
/* One step towards the deletion of the last capability to an object, where that may take long. True: nothing is left to do. */
bool arch_cap_wind_down(cap_t cap);
/* The capability is being deleted; final: it is the last one to its object. Undoes mappings. Needs no preemption. */
void arch_cap_finalise(cap_t cap, bool final);

/* Threads */
void arch_tcb_init(struct tcb *);                         /* after zeroing: RFLAGS, FPU image */
status_t arch_check_vspace(cap_t cap);                    /* may be a thread's VSpace: PML4 or nested PML4 with an ASID */
status_t arch_check_ipc_buffer(word_t vaddr, cap_t cap);  /* a private-memory frame, aligned */
void arch_switch_to(struct tcb *);                        /* address space, FPU, vCPU; called by the scheduler */
void arch_switch_to_idle(void);
word_t arch_sanitise_register(unsigned index, word_t value); /* index in seL4_UserContext order; RFLAGS, canonical addresses */
word_t *arch_context_word(struct context *, unsigned index); /* seL4_UserContext order */
void arch_tls_base_changed(struct tcb *);
void arch_fpu_flags_changed(struct tcb *);
void arch_vcpu_unbind(struct tcb *);                      /* the TCB is being deleted: every TCB's deletion calls it */
/* Fault messages of Atoll's vCPU: write to the receiver's message words, return the length; and take the reply. */
word_t arch_vcpu_fault_message(struct tcb *sender, struct tcb *receiver);
void arch_vcpu_fault_reply(struct tcb *replier, struct tcb *vcpu_thread); /* it runs on in any case */
/* The fast path's forms of these, which complete the message (its label is ATOLL_FAULT_VCPU) and switch to whom it is for. */
void arch_vcpu_tell(struct tcb *sender, struct tcb *receiver);
void arch_vcpu_resume(struct tcb *replier, struct tcb *vcpu_thread);

/* Interrupts and time */
bool machine_interrupt_pending(void);                     /* for preemption points */
ticks_t machine_time(void);
void machine_set_deadline(ticks_t);                       /* the scheduler's next event; x86 merges vCPU timers */
void machine_memzero(void *, word_t bytes);
void arch_irq_mask(word_t irq, bool masked);
status_t arch_irq_message(struct invocation *, word_t irq); /* reply: the message that raises it */
void arch_irq_handler_deleted(word_t irq);                /* free the vector and, for IOAPIC and MSI, its routing */
status_t arch_irq_control_invoke(struct invocation *);    /* labels Get, GetIOAPIC, GetMSI */
void machine_put_char(char c);                            /* the kernel's log (x86/log.c) */
void arch_snapshot(const struct tcb *caller);              /* debug builds: print all that this node's threads hold */
void machine_last_words(void);                            /* a panic begins: from now on also to the node's UART, if it has one */
__attribute__((noreturn)) void machine_halt(void);
