/* AMD SVM: the VMCB (APM vol 2, appendix B) and exit codes (appendix C). */
#pragma once
#include "cpu.h"
#include "vcpu.h"

struct vmcb_segment {
    uint16_t selector, attributes;
    uint32_t limit;
    uint64_t base;
};

struct vmcb {
    uint32_t intercept_cr, intercept_dr, intercept_exceptions, intercept3, intercept4, intercept5; /* 000 */
    uint8_t reserved0[0x3c - 0x18];
    uint16_t pause_threshold, pause_count;
    uint64_t iopm_paddr, msrpm_paddr, tsc_offset; /* 040 */
    uint32_t asid;                                /* 058 */
    uint8_t tlb_control, reserved1[3];
    uint64_t virtual_interrupt, interrupt_shadow; /* 060 */
    uint64_t exit_code, exit_info1, exit_info2, exit_interrupt_info;
    uint64_t nested_control; /* 090 */
    uint8_t reserved2[0xa8 - 0x98];
    uint64_t event; /* 0a8: EVENTINJ */
    uint64_t nested_cr3, lbr_control;
    uint64_t clean; /* 0c0 */
    uint64_t next_rip;
    uint8_t reserved3[0x400 - 0xd0];
    /* state save area */
    struct vmcb_segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr; /* 400 */
    uint8_t reserved4[0x4cb - 0x4a0];
    uint8_t cpl;
    uint32_t reserved5;
    uint64_t efer; /* 4d0 */
    uint8_t reserved6[0x548 - 0x4d8];
    uint64_t cr4, cr3, cr0, dr7, dr6, rflags, rip; /* 548 */
    uint8_t reserved7[0x5d8 - 0x580];
    uint64_t rsp, s_cet, ssp, isst, rax; /* 5d8 */
    uint64_t star, lstar, cstar, sfmask, kernel_gs_base, sysenter_cs, sysenter_esp, sysenter_eip, cr2; /* 600 */
    uint8_t reserved8[0x668 - 0x648];
    uint64_t pat; /* 668 */
    uint8_t reserved9[0x1000 - 0x670];
};
_Static_assert(offsetof(struct vmcb, iopm_paddr) == 0x40 && offsetof(struct vmcb, virtual_interrupt) == 0x60 &&
               offsetof(struct vmcb, nested_control) == 0x90 && offsetof(struct vmcb, event) == 0xa8 &&
               offsetof(struct vmcb, clean) == 0xc0 && offsetof(struct vmcb, es) == 0x400 && offsetof(struct vmcb, efer) == 0x4d0 &&
               offsetof(struct vmcb, cr4) == 0x548 && offsetof(struct vmcb, rip) == 0x578 && offsetof(struct vmcb, rsp) == 0x5d8 &&
               offsetof(struct vmcb, rax) == 0x5f8 && offsetof(struct vmcb, cr2) == 0x640 && offsetof(struct vmcb, pat) == 0x668 &&
               sizeof(struct vmcb) == 4096, "VMCB layout");

/* intercept3 */
#define INTERCEPT_INTR BIT(0)
#define INTERCEPT_NMI BIT(1)
#define INTERCEPT_INIT BIT(3)
#define INTERCEPT_VINTR BIT(4)
#define INTERCEPT_CR8_WRITE (1u << 24) /* in the first word */
#define INTERCEPT_RDPMC BIT(15)
#define INTERCEPT_CPUID BIT(18)
#define INTERCEPT_IRET BIT(20)
#define INTERCEPT_INVD BIT(22)
#define INTERCEPT_HLT BIT(24)
#define INTERCEPT_INVLPGA BIT(26)
#define INTERCEPT_IOIO BIT(27)
#define INTERCEPT_MSR BIT(28)
#define INTERCEPT_SHUTDOWN BIT(31)
/* intercept4: VMRUN 0, VMMCALL 1, VMLOAD 2, VMSAVE 3, STGI 4, CLGI 5, SKINIT 6 */
#define INTERCEPT_SVM_INSTRUCTIONS MASK(7)
#define INTERCEPT_WBINVD BIT(9)
#define INTERCEPT_MONITOR BIT(10)
#define INTERCEPT_MWAIT BIT(11)
#define INTERCEPT_MWAIT_ARMED BIT(12)
#define INTERCEPT_XSETBV BIT(13)
#define INTERCEPT_RDPRU BIT(14)
/* intercept5: INVLPGB, legal and not, MCOMMIT, TLBSYNC */
#define INTERCEPT_BROADCAST 0x1bu

/* virtual_interrupt */
#define V_TPR_MASK 0xfull
#define V_IRQ BIT(8)
#define V_PRIORITY_SHIFT 16
#define V_IGNORE_TPR BIT(20)
#define V_INTR_MASKING BIT(24)
#define V_ARMED (V_IRQ | 0xfull << V_PRIORITY_SHIFT | V_IGNORE_TPR | 0xffull << 32)

#define INTERRUPT_SHADOW BIT(0)
#define NESTED_PAGING BIT(0)
#define TLB_KEEP 0
#define TLB_FLUSH_ALL 1
#define TLB_FLUSH_GUEST 3 /* this ASID; needs FlushByAsid */

enum svm_exit {
    SVM_EXIT_CR_READ = 0x00,
    SVM_EXIT_CR_WRITE = 0x10,
    SVM_EXIT_DR_READ = 0x20,
    SVM_EXIT_DR_WRITE = 0x30,
    SVM_EXIT_EXCEPTION = 0x40,
    SVM_EXIT_INTR = 0x60,
    SVM_EXIT_NMI = 0x61,
    SVM_EXIT_INIT = 0x63,
    SVM_EXIT_VINTR = 0x64,
    SVM_EXIT_RDPMC = 0x6f,
    SVM_EXIT_CPUID = 0x72,
    SVM_EXIT_IRET = 0x74,
    SVM_EXIT_INVD = 0x76,
    SVM_EXIT_HLT = 0x78,
    SVM_EXIT_INVLPGA = 0x7a,
    SVM_EXIT_IOIO = 0x7b,
    SVM_EXIT_MSR = 0x7c,
    SVM_EXIT_TASK_SWITCH = 0x7d,
    SVM_EXIT_SHUTDOWN = 0x7f,
    SVM_EXIT_VMRUN = 0x80,
    SVM_EXIT_VMMCALL = 0x81,
    SVM_EXIT_VMLOAD = 0x82,
    SVM_EXIT_VMSAVE = 0x83,
    SVM_EXIT_STGI = 0x84,
    SVM_EXIT_CLGI = 0x85,
    SVM_EXIT_SKINIT = 0x86,
    SVM_EXIT_WBINVD = 0x89,
    SVM_EXIT_MONITOR = 0x8a,
    SVM_EXIT_MWAIT = 0x8b,
    SVM_EXIT_MWAIT_ARMED = 0x8c,
    SVM_EXIT_XSETBV = 0x8d,
    SVM_EXIT_NPF = 0x400,
};
#define SVM_EXIT_INVALID 0xffffffffu /* compared as 32 bits: QEMU does not sign-extend it */

/* EXITINFO1 of IOIO (15.10.2) and of NPF (15.25.6) */
#define IOIO_IN BIT(0)
#define IOIO_STRING BIT(2)
#define IOIO_REP BIT(3)
#define NPF_PRESENT BIT(0)
#define NPF_WRITE BIT(1)
#define NPF_FETCH BIT(4)
#define NPF_TABLE_WALK BIT(33)

#define EVENT_VECTOR_MASK 0xff
#define EVENT_TYPE_MASK (7u << 8)

static inline struct vmcb *vmcb_of(struct vcpu *v) { return (struct vmcb *)(void *)v->hardware; }
static inline const struct vmcb *vmcb_read(const struct vcpu *v) { return (const struct vmcb *)(const void *)v->hardware; }
static inline bool guest_interruptible(const struct vmcb *b)
{
    return (b->rflags & RFLAGS_IF) && !(b->interrupt_shadow & INTERRUPT_SHADOW);
}

/* VCPU_GROUP_ABCD, the group that most exits carry. */
static inline void guest_read_abcd(const struct vcpu *v, word_t *w)
{
    w[0] = vmcb_read(v)->rax;
    w[1] = v->registers.rbx;
    w[2] = v->registers.rcx;
    w[3] = v->registers.rdx;
}
static inline void guest_write_abcd(struct vcpu *v, word_t rax, word_t rbx, word_t rcx, word_t rdx)
{
    vmcb_of(v)->rax = rax;
    v->registers.rbx = rbx;
    v->registers.rcx = rcx;
    v->registers.rdx = rdx;
}

extern paddr_t host_state_paddr; /* svm.c, for svm_enter.S */
