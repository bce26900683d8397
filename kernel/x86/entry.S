/* Every way into the kernel and out of it.
 *
 * The kernel runs with interrupts off on one stack that is empty whenever user code runs: an entry saves the registers straight
 * into kernel.current->context, starts at the top of the stack, and an exit loads them from kernel.current->context, whoever
 * that is by then. Kernel and user share one set of page tables per address space and every node has the same virtual
 * addresses, so there is no swapgs and no per-CPU pointer.
 */
#include "context.h"

    .section .text.entry, "ax"
    .globl kernel_start
/* From boot: rdi = resource map, rsi = this node's own PML4. */
kernel_start:
    mov %rsi, %cr3
    rdtsc
    lea kernel_stack_top(%rip), %rsp
    xor %ebp, %ebp
    shl $32, %rdx
    lea (%rdx, %rax), %rsi
    call kernel_main /* map, TSC at the first instruction */
    jmp kernel_exit

    .text
/* SYSCALL: rcx = rip, r11 = rflags, rsp still the user's; SFMASK has cleared the flags. rsp serves as the only free register. */
    .globl syscall_entry
    .balign 64
syscall_entry:
    mov %rsp, user_rsp(%rip)
    mov kernel + KERNEL_CURRENT(%rip), %rsp
    mov %rcx, CONTEXT_RIP(%rsp)
    mov %r11, CONTEXT_RFLAGS(%rsp)
    mov %rcx, CONTEXT_RCX(%rsp)
    mov user_rsp(%rip), %rcx
    mov %r11, CONTEXT_R11(%rsp)
    mov %rcx, CONTEXT_RSP(%rsp)
    mov %rax, CONTEXT_RAX(%rsp)
    mov %rbx, CONTEXT_RBX(%rsp)
    mov %rdx, CONTEXT_RDX(%rsp)
    mov %rsi, CONTEXT_RSI(%rsp)
    mov %rdi, CONTEXT_RDI(%rsp)
    mov %rbp, CONTEXT_RBP(%rsp)
    mov %r8, CONTEXT_R8(%rsp)
    mov %r9, CONTEXT_R9(%rsp)
    mov %r10, CONTEXT_R10(%rsp)
    mov %r12, CONTEXT_R12(%rsp)
    mov %r13, CONTEXT_R13(%rsp)
    mov %r14, CONTEXT_R14(%rsp)
    mov %r15, CONTEXT_R15(%rsp)
    movq $CAUSE_SYSCALL, CONTEXT_CAUSE(%rsp)
    mov %rsp, %rdi
    lea kernel_stack_top(%rip), %rsp
    mov %rdx, %rsi
    call syscall_dispatch
    /* fall through */

/* Leave to kernel.current. */
    .globl kernel_exit
kernel_exit:
    mov kernel + KERNEL_CURRENT(%rip), %rsp
    cmpb $0, exit_special(%rip) /* not an ordinary user thread: a vCPU or the idle thread (arch_switch_to says which) */
    jne exit_not_user
    mov CONTEXT_RBX(%rsp), %rbx
    mov CONTEXT_RDX(%rsp), %rdx
    mov CONTEXT_RSI(%rsp), %rsi
    mov CONTEXT_RDI(%rsp), %rdi
    mov CONTEXT_RBP(%rsp), %rbp
    mov CONTEXT_R8(%rsp), %r8
    mov CONTEXT_R9(%rsp), %r9
    mov CONTEXT_R10(%rsp), %r10
    mov CONTEXT_R12(%rsp), %r12
    mov CONTEXT_R13(%rsp), %r13
    mov CONTEXT_R14(%rsp), %r14
    mov CONTEXT_R15(%rsp), %r15
    cmpq $0, CONTEXT_CAUSE(%rsp)
    jge exit_by_iret
    /* SYSRET with a non-canonical rcx faults in ring 0 on Intel (SDM vol 2, SYSRET): only addresses of the lower half go. */
    mov CONTEXT_RIP(%rsp), %rcx
    mov %rcx, %rax
    shr $47, %rax
    jne exit_by_iret
    mov CONTEXT_RAX(%rsp), %rax
    mov CONTEXT_RFLAGS(%rsp), %r11
    mov CONTEXT_RSP(%rsp), %rsp
    sysretq

exit_by_iret:
    /* Where a processor reports a jump to a non-canonical address behind the jump, rip is that address, and IRET to it may fault in
     * ring 0. Such a thread goes on at the first address that can never be mapped, and faults there. */
    mov CONTEXT_RIP(%rsp), %rax
    shr $47, %rax
    jne 2f
1:  mov CONTEXT_RAX(%rsp), %rax
    mov CONTEXT_R11(%rsp), %r11
    mov %rsp, %rcx
    lea kernel_stack_top(%rip), %rsp
    pushq $SELECTOR_USER_DATA
    pushq CONTEXT_RSP(%rcx)
    pushq CONTEXT_RFLAGS(%rcx)
    pushq $SELECTOR_USER_CODE
    pushq CONTEXT_RIP(%rcx)
    mov CONTEXT_RCX(%rcx), %rcx
    iretq

2:  mov $UNMAPPABLE_ADDRESS, %rax
    mov %rax, CONTEXT_RIP(%rsp)
    jmp 1b

exit_not_user:
    lea kernel_stack_top(%rip), %rsp
    cmpb $EXIT_TO_IDLE, exit_special(%rip)
    je idle
    call vcpu_prepare /* the vCPU to enter, or NULL: its handler was told why not, and something else is current */
    test %rax, %rax
    jnz guest_enter
    jmp kernel_exit

/* The only places where the kernel accepts interrupts. STI takes effect behind the next instruction, so an interrupt's return
 * address lies in [interrupts_open, interrupts_closed]; it is dropped with the rest of the stack, which holds nothing. */
idle:
    sti
interrupts_open:
    hlt
    jmp idle

/* A physical interrupt ended the guest's run: let it in. Does not return; without an interrupt after all, the kernel exits. */
    .globl take_interrupt
take_interrupt:
    lea kernel_stack_top(%rip), %rsp
    sti
    nop
    nop
interrupts_closed:
    cli
    jmp kernel_exit

/* Exceptions and interrupts. Each stub leaves [vector][error code][rip][cs][rflags][rsp][ss] on the stack. */
    .altmacro
    .macro vector_stub n
    .balign 16
    .if \n != 8 && \n != 10 && \n != 11 && \n != 12 && \n != 13 && \n != 14 && \n != 17 && \n != 21 && \n != 29 && \n != 30
    pushq $0
    .endif
    pushq $\n
    .if \n == 2 || \n == 8 || \n == 18
    jmp trap_emergency
    .else
    jmp trap_common
    .endif
    .endm

    .globl vector_stubs
    .balign 16
vector_stubs:
    .set n, 0
    .rept 256
    vector_stub %n
    .set n, n + 1
    .endr

trap_common:
    testb $3, 24(%rsp)
    jz trap_in_kernel
    push %rax
    mov kernel + KERNEL_CURRENT(%rip), %rax
    mov %rbx, CONTEXT_RBX(%rax)
    mov %rcx, CONTEXT_RCX(%rax)
    mov %rdx, CONTEXT_RDX(%rax)
    mov %rsi, CONTEXT_RSI(%rax)
    mov %rdi, CONTEXT_RDI(%rax)
    mov %rbp, CONTEXT_RBP(%rax)
    mov %r8, CONTEXT_R8(%rax)
    mov %r9, CONTEXT_R9(%rax)
    mov %r10, CONTEXT_R10(%rax)
    mov %r11, CONTEXT_R11(%rax)
    mov %r12, CONTEXT_R12(%rax)
    mov %r13, CONTEXT_R13(%rax)
    mov %r14, CONTEXT_R14(%rax)
    mov %r15, CONTEXT_R15(%rax)
    popq CONTEXT_RAX(%rax)
    popq CONTEXT_CAUSE(%rax)
    popq CONTEXT_ERROR_CODE(%rax)
    popq CONTEXT_RIP(%rax)
    pop %rcx
    popq CONTEXT_RFLAGS(%rax)
    popq CONTEXT_RSP(%rax)
    lea kernel_stack_top(%rip), %rsp
    pushq $2 /* an interrupt gate keeps AC, DF, NT and TF as the user had them */
    popfq
    mov CONTEXT_CAUSE(%rax), %rdi
    mov CONTEXT_ERROR_CODE(%rax), %rsi
    call trap_from_user
    jmp kernel_exit

/* From ring 0: an interrupt in one of the two windows above, or a bug. */
trap_in_kernel:
    cmpq $32, (%rsp)
    jb trap_emergency
    push %rax
    lea interrupts_open(%rip), %rax
    cmp %rax, 24(%rsp)
    jb 1f
    lea interrupts_closed(%rip), %rax
    cmp %rax, 24(%rsp)
    ja 1f
    mov 8(%rsp), %rdi
    lea kernel_stack_top(%rip), %rsp
    call trap_interrupt
    jmp kernel_exit
1:  pop %rax
    /* fall through */

/* Nothing to return to: tell and stop. Lays a struct trap_frame (trap.h) on the stack. */
trap_emergency:
    push %rax
    push %rbx
    push %rcx
    push %rdx
    push %rsi
    push %rdi
    push %rbp
    push %r8
    push %r9
    push %r10
    push %r11
    push %r12
    push %r13
    push %r14
    push %r15
    pushq $2 /* from user level AC and DF may be set */
    popfq
    mov %rsp, %rdi
    and $-16, %rsp
    call trap_emergency_report

/* CS only changes by a far transfer. */
    .globl segments_load
segments_load:
    pop %rax
    pushq $SELECTOR_KERNEL_CODE
    push %rax
    mov $SELECTOR_KERNEL_DATA, %ecx
    mov %ecx, %ss
    lretq

    .bss
    .balign 4096
    .globl kernel_stack_top, emergency_stack_top
    .skip KERNEL_STACK_SIZE
kernel_stack_top:
    .skip EMERGENCY_STACK_SIZE
emergency_stack_top:
user_rsp:
    .skip 8

    .section .note.GNU-stack, "", @progbits
