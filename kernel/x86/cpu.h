/* The processor: what it offers, and its set-up for this kernel. */
#pragma once
#include "../types.h"

/* MSR numbers (APM vol 2, appendix A; x2APIC: APM vol 2, 16.11). */
#define MSR_APIC_BASE 0x1b
#define MSR_SPEC_CTRL 0x48
#define MSR_PRED_CMD 0x49
#define MSR_PAT 0x277
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_XSS 0xda0
#define MSR_EFER 0xc0000080
#define MSR_STAR 0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_CSTAR 0xc0000083
#define MSR_SFMASK 0xc0000084
#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_TSC_AUX 0xc0000103
#define MSR_SYSENTER_CS 0x174
#define MSR_SYSENTER_ESP 0x175
#define MSR_SYSENTER_EIP 0x176
#define MSR_VM_CR 0xc0010114
#define MSR_VM_HSAVE_PA 0xc0010117

/* Control registers and RFLAGS (APM vol 2, 3.1). */
#define CR0_PE BIT(0)
#define CR0_MP BIT(1)
#define CR0_EM BIT(2)
#define CR0_TS BIT(3)
#define CR0_ET BIT(4)
#define CR0_NE BIT(5)
#define CR0_WP BIT(16)
#define CR0_AM BIT(18)
#define CR0_NW BIT(29)
#define CR0_CD BIT(30)
#define CR0_PG BIT(31)
#define CR4_PAE BIT(5)
#define CR4_MCE BIT(6)
#define CR4_PGE BIT(7)
#define CR4_OSFXSR BIT(9)
#define CR4_OSXMMEXCPT BIT(10)
#define CR4_UMIP BIT(11)
#define CR4_LA57 BIT(12)
#define CR4_FSGSBASE BIT(16)
#define CR4_PCIDE BIT(17)
#define CR4_OSXSAVE BIT(18)
#define CR4_SMEP BIT(20)
#define CR4_SMAP BIT(21)
#define CR4_PKE BIT(22)
#define EFER_SCE BIT(0)
#define EFER_LME BIT(8)
#define EFER_LMA BIT(10)
#define EFER_NXE BIT(11)
#define EFER_SVME BIT(12)
#define EFER_AUTO_IBRS BIT(21) /* APM vol 2, 3.2.9: kernel-mode branches ignore what user mode trained */
#define DR7_RESET 0x400
#define RFLAGS_ONE BIT(1) /* always set */
#define RFLAGS_TF BIT(8)
#define RFLAGS_RF BIT(16)
#define RFLAGS_IF BIT(9)
#define RFLAGS_VM BIT(17)

struct cpu_features {
    bool xsave, avx, tsc_deadline, ibpb, next_rip, decode_assists, flush_by_asid, auto_ibrs, x87_pointers_saved;
    word_t xcr0_mask;      /* what a guest may set in XCR0: x87, SSE, AVX */
    word_t guest_cr4_mask; /* CR4 bits that this processor defines */
    word_t phys_mask;      /* bits of a physical address */
};
extern struct cpu_features cpu;

/* Find the features and set up control registers, segments, interrupt table and SYSCALL; panics when something needed is missing. */
void cpu_init(void);
