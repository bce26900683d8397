/* VMRUN and back: from kernel_exit (entry.S) with rax = struct vcpu, to guest_ended() (svm_exit.c) and kernel_exit again. The kernel's
 * stack holds nothing but the vCPU's address across it, and no register has to be kept. */
#include "context.h"

    .text
    .globl guest_enter
guest_enter:
    push %rax
    mov %rax, %rdi
    mov VCPU_PADDR(%rax), %rax
    /* Interrupts stay out (GIF) until the guest runs; with V_INTR_MASKING the flag set here decides that they end the guest's run
     * then (APM vol 2, 15.21.1). */
    clgi
    sti
    vmload %rax
    mov VCPU_RBX(%rdi), %rbx
    mov VCPU_RCX(%rdi), %rcx
    mov VCPU_RDX(%rdi), %rdx
    mov VCPU_RSI(%rdi), %rsi
    mov VCPU_RBP(%rdi), %rbp
    mov VCPU_R8(%rdi), %r8
    mov VCPU_R9(%rdi), %r9
    mov VCPU_R10(%rdi), %r10
    mov VCPU_R11(%rdi), %r11
    mov VCPU_R12(%rdi), %r12
    mov VCPU_R13(%rdi), %r13
    mov VCPU_R14(%rdi), %r14
    mov VCPU_R15(%rdi), %r15
    mov VCPU_RDI(%rdi), %rdi
    vmrun %rax
    /* rax and rsp are the host's again. */
    vmsave %rax
    pop %rax
    mov %rdi, VCPU_RDI(%rax)
    mov %rbx, VCPU_RBX(%rax)
    mov %rcx, VCPU_RCX(%rax)
    mov %rdx, VCPU_RDX(%rax)
    mov %rsi, VCPU_RSI(%rax)
    mov %rbp, VCPU_RBP(%rax)
    mov %r8, VCPU_R8(%rax)
    mov %r9, VCPU_R9(%rax)
    mov %r10, VCPU_R10(%rax)
    mov %r11, VCPU_R11(%rax)
    mov %r12, VCPU_R12(%rax)
    mov %r13, VCPU_R13(%rax)
    mov %r14, VCPU_R14(%rax)
    mov %r15, VCPU_R15(%rax)
    mov %rax, %rdi
    mov host_state_paddr(%rip), %rax
    vmload %rax
    cli
    stgi
    /* The guest's values stay in no register, also not for speculation. */
    xor %ebx, %ebx
    xor %ecx, %ecx
    xor %edx, %edx
    xor %esi, %esi
    xor %ebp, %ebp
    xor %r8d, %r8d
    xor %r9d, %r9d
    xor %r10d, %r10d
    xor %r11d, %r11d
    xor %r12d, %r12d
    xor %r13d, %r13d
    xor %r14d, %r14d
    xor %r15d, %r15d
    call guest_ended
    jmp kernel_exit

    .section .note.GNU-stack, "", @progbits
