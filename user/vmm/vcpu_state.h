/* The guest's registers as the VMM sees them during one exit: the words of <atoll/vcpu.h>'s state groups in one array, which
 * of them are the guest's present values, and which have to travel back with the reply. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <atoll/vcpu.h>

/* Index of each word; the order is that of the groups. */
enum vcpu_word {
    W_RAX, W_RBX, W_RCX, W_RDX,
    W_RSI, W_RDI, W_RBP, W_RSP, W_R8, W_R9, W_R10, W_R11, W_R12, W_R13, W_R14, W_R15,
    W_RIP, W_RFLAGS,
    W_CR0, W_CR2, W_CR3, W_CR4, W_CR8, W_EFER, W_XCR0, W_DR6, W_DR7,
    W_ES, W_ES_BASE, W_CS, W_CS_BASE, W_SS, W_SS_BASE, W_DS, W_DS_BASE, W_FS, W_FS_BASE, W_GS, W_GS_BASE,
    W_LDTR, W_LDTR_BASE, W_TR, W_TR_BASE,
    W_GDTR_LIMIT, W_GDTR_BASE, W_IDTR_LIMIT, W_IDTR_BASE,
    W_STAR, W_LSTAR, W_CSTAR, W_SFMASK, W_KERNEL_GS_BASE, W_SYSENTER_CS, W_SYSENTER_ESP, W_SYSENTER_EIP, W_PAT,
    W_EVENT, W_INTERRUPT_STATE,
    W_TSC_OFFSET, W_TSC_AUX,
    VCPU_WORDS
};

/* First word of each group, and the end. */
#define VCPU_GROUP_STARTS {W_RAX, W_RSI, W_RIP, W_CR0, W_ES, W_GDTR_LIMIT, W_STAR, W_EVENT, W_TSC_OFFSET, VCPU_WORDS}

/* Interrupt state word. */
#define VCPU_SHADOW 1u
#define VCPU_WINDOW 2u
#define VCPU_NMI_MASKED 4u
#define VCPU_NMI_WINDOW 8u
#define VCPU_WINDOW_PRIORITY_MAX 15u
#define VCPU_WINDOW_PRIORITY_SHIFT 4

/* Segment word: selector | attributes << 16 | limit << 32 (AMD APM volume 2, 15.5.1: the VMCB's attribute bits). */
#define SEGMENT_WORD(selector, attributes, limit) \
    ((uint64_t)(selector) | (uint64_t)(attributes) << 16 | (uint64_t)(limit) << 32)
#define SEGMENT_ATTRIBUTES(word) ((uint32_t)((word) >> 16) & 0xfff)
#define SEGMENT_LIMIT(word) ((uint32_t)((word) >> 32))
#define SEGMENT_DPL(word) (SEGMENT_ATTRIBUTES(word) >> 5 & 3)
#define SEGMENT_LONG 0x200u
#define SEGMENT_BIG 0x400u

/* Control register and EFER bits (AMD APM volume 2, 3.1). */
#define CR0_PE 0x1u
#define CR0_MP 0x2u
#define CR0_EM 0x4u
#define CR0_TS 0x8u
#define CR0_ET 0x10u
#define CR0_NE 0x20u
#define CR0_WP 0x10000u
#define CR0_NW 0x20000000u
#define CR0_CD 0x40000000u
#define CR0_PG 0x80000000u
#define CR4_DE 0x8u
#define CR4_PSE 0x10u
#define CR4_PAE 0x20u
#define CR4_LA57 0x1000u
#define CR4_OSXSAVE 0x40000u
#define CR4_SMAP 0x200000u
#define EFER_SCE 0x1u
#define EFER_LME 0x100u
#define EFER_LMA 0x400u
#define EFER_NXE 0x800u
#define RFLAGS_FIXED 0x2u
#define RFLAGS_IF 0x200u
#define RFLAGS_DF 0x400u
#define RFLAGS_RF 0x10000u
#define RFLAGS_AC 0x40000u
#define DR6_STEP 0x4000u

/* Exceptions. */
enum { VECTOR_DB = 1, VECTOR_UD = 6, VECTOR_GP = 13, VECTOR_PF = 14 };

struct vcpu {
    uint64_t words[VCPU_WORDS];
    uint32_t present; /* groups that hold the guest's values of this exit */
    uint32_t changed; /* groups that the reply carries; always present */
    /* This exit. */
    uint32_t exit_class;
    uint32_t exit_tpr; /* the task priority, whose upper half is CR8 */
    uint64_t exit_flags; /* the whole MR0 */
    uint64_t qualification[2];
    uint64_t exit_rip;
    uint32_t advance; /* bytes that the reply moves RIP on */
    bool element_done; /* under single step: one element of a repeated instruction that is not over */
};

/* Bytes of the instruction that exited, where the CPU says so; else 0. */
static inline unsigned vcpu_exit_length(const struct vcpu *v) { return (unsigned)(v->exit_flags >> EXIT_LENGTH_SHIFT) & 0xff; }

/* Make groups present, by asking the kernel for what is missing (vcpu_kernel.c; a stand-in in unit tests). */
void vcpu_need(struct vcpu *v, uint32_t groups);

static inline uint64_t vcpu_get(struct vcpu *v, enum vcpu_word word, uint32_t group)
{
    vcpu_need(v, group);
    return v->words[word];
}

static inline void vcpu_set(struct vcpu *v, enum vcpu_word word, uint32_t group, uint64_t value)
{
    vcpu_need(v, group);
    v->words[word] = value;
    v->changed |= group;
}

/* General registers by their number in instructions (0 rax, 1 rcx, 2 rdx, 3 rbx, 4 rsp, 5 rbp, 6 rsi, 7 rdi, 8.. r8..). */
uint64_t vcpu_register(struct vcpu *v, unsigned number);
void vcpu_set_register(struct vcpu *v, unsigned number, uint64_t value);

/* Queue an exception or interrupt for the next entry. An exception replaces what the same exit queued before. */
void vcpu_raise(struct vcpu *v, unsigned vector, bool has_error, uint32_t error);
static inline void vcpu_raise_ud(struct vcpu *v) { vcpu_raise(v, VECTOR_UD, false, 0); }
static inline void vcpu_raise_gp(struct vcpu *v) { vcpu_raise(v, VECTOR_GP, true, 0); }

/* CPU mode: 16, 32 or 64 bits of code, and the privilege level. */
unsigned vcpu_code_bits(struct vcpu *v);
unsigned vcpu_privilege(struct vcpu *v);
