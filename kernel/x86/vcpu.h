/* Virtual CPUs: the object, and what the vendor-neutral half (vcpu.c, vcpu_state.c) and the vendor's (svm.c) want of each other.
 * A VMX half has the same function names in vmx.c. */
#pragma once
#include <atoll/vcpu.h>
#include "../arch.h"

#define VCPU_MAX_GROUP_WORDS 16
#define VCPU_ALL_WORDS 60 /* of all groups together */

struct guest_registers { /* those that VMRUN and #VMEXIT don't switch; order: context.h */
    word_t rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
};

struct vcpu_exit_info {
    word_t class;
    word_t length;   /* of the instruction, 0: unknown */
    word_t q1, q2;   /* qualification words */
};

enum vcpu_hindrance {
    VCPU_UNCHECKED = 1, /* control state was written: cross-check before the next entry */
    VCPU_REFUSED = 2,   /* what a reply or write carried was refused: `exit` tells, deliver that instead of running */
};

struct vcpu { /* 16 KiB of private memory, 4 KiB-aligned */
    uint8_t hardware[4096]; /* VMCB or VMCS */
    struct guest_registers registers;
    struct tcb *tcb;        /* NULL: unbound */
    paddr_t paddr;          /* its own */
    word_t xcr0, tsc_aux;
    word_t dr[4];
    paddr_t vmm_root;       /* address space of whoever replied last: same security domain (predictor.c) */
    struct vcpu_exit_info exit;
    uint8_t hindered;       /* enum vcpu_hindrance: why it may not be entered as it is */
    bool nmi_masked, nmi_window;
    struct vcpu *timer_next, *timer_prev;
    ticks_t timer_deadline; /* 0: off */
    struct slot timer_slot; /* derived from the notification given: revoking that empties it */
    uint16_t transfer_out[EXIT_CLASSES], transfer_in[EXIT_CLASSES]; /* group masks */
    word_t counters[EXIT_CLASSES];
    uint8_t fpu[8192] __attribute__((aligned(4096))); /* XSAVE area: x87, SSE, AVX take 832 bytes */
};
_Static_assert(sizeof(struct vcpu) == BIT(ATOLL_VCPU_BITS), "vCPU object size");

/* vcpu.c */
status_t vcpu_invoke(struct invocation *);
void vcpu_init(struct vcpu *);
void vcpu_deleted(struct vcpu *);

/* vcpu_state.c: pure checks of words as they travel. Each returns -1 when all is well, else the index of the bad word. */
unsigned vcpu_group_words(unsigned group);                         /* group: 0..VCPU_GROUPS - 1 */
int vcpu_check_group(unsigned group, const word_t *words);
int vcpu_check_entry(const word_t *control, const word_t *segments, word_t rflags, word_t event); /* -1, or group bit << 8 | word */
int vcpu_check_event(word_t event, bool long_mode);                /* 0: well-formed */

/* svm.c */
bool guest_hardware_init(paddr_t (*image_paddr)(const void *)); /* false: no (usable) virtualisation, no vCPUs can be made */
bool guest_hardware_present(void);
void guest_init(struct vcpu *);                       /* state after INIT */
void guest_load(struct vcpu *, paddr_t nested_root);  /* what the hardware must hold for it and an entry does not bring along */
void guest_read_group(const struct vcpu *, unsigned group, word_t *words);
void guest_write_group(struct vcpu *, unsigned group, const word_t *words); /* checked words only */
bool guest_try_event(struct vcpu *, word_t event);    /* true: will be delivered at the next entry; else a window exit is armed */
void guest_forget(const struct vcpu *);               /* it is going: drop what the hardware holds of it */
void vcpu_flush_tlb(void);                            /* a nested mapping went: before the next entry */
/* What the hardware holds of the last guest; switch.c clears it when another address space runs. */
extern struct guest_loaded {
    word_t tsc_aux;
    word_t nested; /* the capability word of its nested root */
    bool refresh;  /* what an entry takes for granted has changed: TLB entries, a root, or a register that guests and hosts share */
} guest_loaded;

/* A run of the guest, in this order. kernel.current is a vCPU thread. */
struct vcpu *vcpu_prepare(void);                      /* vcpu.c, from entry.S: NULL: it must not run, its handler was told */
                                                      /* guest_enter, svm_enter.S: enters it and calls.. */
void guest_ended(struct vcpu *);                      /* ..svm_exit.c, which tells in v->exit why, and calls one of.. */
void vcpu_exited(struct vcpu *);                      /* ..vcpu.c: something for its VMM */
__attribute__((noreturn)) void vcpu_interrupted(struct vcpu *); /* vcpu.c: a physical interrupt waits */

/* vcpu.c: messages of other groups than VCPU_GROUP_ABCD, which has short ways in svm_exit.c */
#define VCPU_EXIT_WORDS 4 /* MR0..MR3 of every exit message */
word_t vcpu_message_groups(const struct vcpu *, word_t groups, word_t *words); /* the message's length */
bool vcpu_reply_groups(struct vcpu *, struct tcb *replier, word_t groups); /* false: refused, and its next exit tells so */
