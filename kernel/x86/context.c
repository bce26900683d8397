/* The numbers in context.h, checked against the structures. */
#include "context.h"
#include "../state.h"
#include "paging.h"
#include "vcpu.h"

#define SAME(constant, type, member) _Static_assert((constant) == offsetof(type, member), #member)
SAME(0, struct tcb, context);
SAME(CONTEXT_RAX, struct context, rax);
SAME(CONTEXT_RBX, struct context, rbx);
SAME(CONTEXT_RCX, struct context, rcx);
SAME(CONTEXT_RDX, struct context, rdx);
SAME(CONTEXT_RSI, struct context, rsi);
SAME(CONTEXT_RDI, struct context, rdi);
SAME(CONTEXT_RBP, struct context, rbp);
SAME(CONTEXT_R8, struct context, r8);
SAME(CONTEXT_R9, struct context, r9);
SAME(CONTEXT_R10, struct context, r10);
SAME(CONTEXT_R11, struct context, r11);
SAME(CONTEXT_R12, struct context, r12);
SAME(CONTEXT_R13, struct context, r13);
SAME(CONTEXT_R14, struct context, r14);
SAME(CONTEXT_R15, struct context, r15);
SAME(CONTEXT_RIP, struct context, rip);
SAME(CONTEXT_RFLAGS, struct context, rflags);
SAME(CONTEXT_RSP, struct context, rsp);
SAME(CONTEXT_CAUSE, struct context, cause);
SAME(CONTEXT_ERROR_CODE, struct context, error_code);
SAME(KERNEL_CURRENT, struct kernel, current);
SAME(VCPU_RBX, struct vcpu, registers.rbx);
SAME(VCPU_RCX, struct vcpu, registers.rcx);
SAME(VCPU_RDX, struct vcpu, registers.rdx);
SAME(VCPU_RSI, struct vcpu, registers.rsi);
SAME(VCPU_RDI, struct vcpu, registers.rdi);
SAME(VCPU_RBP, struct vcpu, registers.rbp);
SAME(VCPU_R8, struct vcpu, registers.r8);
SAME(VCPU_R9, struct vcpu, registers.r9);
SAME(VCPU_R10, struct vcpu, registers.r10);
SAME(VCPU_R11, struct vcpu, registers.r11);
SAME(VCPU_R12, struct vcpu, registers.r12);
SAME(VCPU_R13, struct vcpu, registers.r13);
SAME(VCPU_R14, struct vcpu, registers.r14);
SAME(VCPU_R15, struct vcpu, registers.r15);
SAME(VCPU_PADDR, struct vcpu, paddr);
SAME(0, struct vcpu, hardware);
_Static_assert(UNMAPPABLE_ADDRESS == USER_TOP, "no page can be mapped there");
