/* The measured instructions, and the other threads. The threads use no stack, everything is in registers that system calls keep, and run in an address
 * space of their own that maps the same image. */
#include <sel4/abi.h>

/* Passive server: rdi = endpoint, r12 = reply capability. Echoes the message. */
    .text
    .globl bench_server
bench_server:
    movq %rdi, %r14
    movq $SEL4_SYS_RECV, %rdx
    movq %rsp, %rbx
    syscall
    movq %rbx, %rsp
1:  movq %r14, %rdi
    movq $SEL4_SYS_REPLY_RECV, %rdx
    movq %rsp, %rbx
    syscall
    movq %rbx, %rsp
    jmp 1b

/* The same, and it stores the TSC when a message has come and before it answers. */
    .globl bench_server_timed
bench_server_timed:
    movq %rdi, %r14
    movq $SEL4_SYS_RECV, %rdx
    movq %rsp, %rbx
    syscall
    movq %rbx, %rsp
1:  rdtsc
    shlq $32, %rdx
    orq %rdx, %rax
    movq %rax, bench_received
    movq %r14, %rdi
    rdtsc
    shlq $32, %rdx
    orq %rdx, %rax
    movq %rax, bench_replying
    movq $SEL4_SYS_REPLY_RECV, %rdx
    movq %rsp, %rbx
    syscall
    movq %rbx, %rsp
    jmp 1b

/* Waiter: rdi = notification. Stores the TSC each time that it is woken. */
    .globl bench_waiter
bench_waiter:
    movq %rdi, %r14
1:  movq %r14, %rdi
    movq $SEL4_SYS_WAIT, %rdx
    movq %rsp, %rbx
    syscall
    movq %rbx, %rsp
    rdtsc
    shlq $32, %rdx
    orq %rdx, %rax
    movq %rax, bench_woken
    jmp 1b

/* uint64_t bench_ticks(int64_t number, cptr_t capability, uint64_t info, uint64_t *begin): TSC ticks of one system call's stub. */
    .globl bench_ticks
bench_ticks:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rcx, %rbp
    movq %rdi, %r13
    movq %rsi, %rdi
    movq %rdx, %rsi
    xorl %r12d, %r12d
    rdtsc
    shlq $32, %rdx
    orq %rdx, %rax
    movq %rax, %r14
    movq %r13, %rdx
    movq %rsp, %rbx
    syscall
    movq %rbx, %rsp
    rdtsc
    shlq $32, %rdx
    orq %rdx, %rax
    movq %r14, (%rbp)
    subq %r14, %rax
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret

/* uint64_t bench_empty_ticks(void): the same around nothing. */
    .globl bench_empty_ticks
bench_empty_ticks:
    rdtsc
    shlq $32, %rdx
    orq %rdx, %rax
    movq %rax, %rcx
    rdtsc
    shlq $32, %rdx
    orq %rdx, %rax
    subq %rcx, %rax
    ret

    .bss
    .balign 8
    .globl bench_woken, bench_received, bench_replying
bench_woken: .skip 8
bench_received: .skip 8
bench_replying: .skip 8
    .section .note.GNU-stack, "", @progbits
