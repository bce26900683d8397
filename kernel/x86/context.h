/* Numbers that entry.S and svm.S share with C; context.c asserts them. Plain constants: it also serves assembly. */
#pragma once

/* struct context (object.h), which is the start of struct tcb */
#define CONTEXT_RAX 0
#define CONTEXT_RBX 8
#define CONTEXT_RCX 16
#define CONTEXT_RDX 24
#define CONTEXT_RSI 32
#define CONTEXT_RDI 40
#define CONTEXT_RBP 48
#define CONTEXT_R8 56
#define CONTEXT_R9 64
#define CONTEXT_R10 72
#define CONTEXT_R11 80
#define CONTEXT_R12 88
#define CONTEXT_R13 96
#define CONTEXT_R14 104
#define CONTEXT_R15 112
#define CONTEXT_RIP 120
#define CONTEXT_RFLAGS 128
#define CONTEXT_RSP 136
#define CONTEXT_CAUSE 160
#define CONTEXT_ERROR_CODE 168

#define KERNEL_CURRENT 24 /* struct kernel: current */

/* Segment selectors. SYSRET loads CS from STAR[63:48] + 16 and SS from + 8 (APM vol 3, SYSRET), which fixes the order. */
#define SELECTOR_KERNEL_CODE 0x08
#define SELECTOR_KERNEL_DATA 0x10
#define SELECTOR_USER_DATA 0x1b
#define SELECTOR_USER_CODE 0x23
#define SELECTOR_TSS 0x28

#define CAUSE_SYSCALL (-1)

#define UNMAPPABLE_ADDRESS 0x7ffffffff000 /* USER_TOP, paging.h */

/* exit_special (arch.c): what kernel_exit does with kernel.current */
#define EXIT_TO_USER 0
#define EXIT_TO_VCPU 1
#define EXIT_TO_IDLE 2

#define KERNEL_STACK_SIZE 16384
#define EMERGENCY_STACK_SIZE 8192 /* NMI, machine check, double fault */

/* struct vcpu (vcpu.h): the guest's registers that hardware does not switch, and its own address */
#define VCPU_RBX 4096
#define VCPU_RCX 4104
#define VCPU_RDX 4112
#define VCPU_RSI 4120
#define VCPU_RDI 4128
#define VCPU_RBP 4136
#define VCPU_R8 4144
#define VCPU_R9 4152
#define VCPU_R10 4160
#define VCPU_R11 4168
#define VCPU_R12 4176
#define VCPU_R13 4184
#define VCPU_R14 4192
#define VCPU_R15 4200
#define VCPU_PADDR 4216
