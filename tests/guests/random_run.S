/* Into a stream of random bytes and out again, by whatever exception or interrupt ends it. */
#define MSR_EFER 0xc0000080

/* void random_run(const uint64_t registers[16], uint64_t ip, uint64_t flags): rax rcx rdx rbx rsp rbp rsi rdi r8 .. r15. */
    .text
    .globl random_run
random_run:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, own_rsp
    movq %cr0, %rax
    movq %rax, own_cr0
    movq %cr3, %rax
    movq %rax, own_cr3
    movq %cr4, %rax
    movq %rax, own_cr4
    movq %rsi, stream_ip
    movq %rdi, %rax
    movl $1, random_inside
    movq random_tables, %rbx
    movq %rbx, %cr3              /* from here on nothing of our own can be written */
    movq 32(%rax), %rsp
    movq 8(%rax), %rcx
    movq 24(%rax), %rbx
    movq 40(%rax), %rbp
    movq 48(%rax), %rsi
    movq 56(%rax), %rdi
    movq 64(%rax), %r8
    movq 72(%rax), %r9
    movq 80(%rax), %r10
    movq 88(%rax), %r11
    movq 96(%rax), %r12
    movq 104(%rax), %r13
    movq 112(%rax), %r14
    movq 120(%rax), %r15
    pushq %rdx
    popfq
    movq 16(%rax), %rdx
    movq (%rax), %rax
    jmp *stream_ip

/* Every vector's handler, on a stack of its own. */
    .globl random_trap
random_trap:
    cmpl $0, random_inside
    jne 1f
    iretq                        /* an NMI that came late */
1:  movq own_cr3, %rax
    movq %rax, %cr3
    movq own_cr0, %rax
    movq %rax, %cr0
    movq own_cr4, %rax
    movq %rax, %cr4
    lgdt guest_gdt_pointer
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movq %rax, %cr8
    movl $0x400, %eax
    movq %rax, %dr7
    movl $MSR_EFER, %ecx
    movl $0xd00, %eax            /* NXE, LMA, LME */
    xorl %edx, %edx
    wrmsr
    lidt random_idt_pointer
    movl $0, random_inside
    movq own_rsp, %rsp
    movq %rsp, %rax
    pushq $0x10
    pushq %rax
    pushq $2
    pushq $8
    pushq $1f
    iretq                        /* also lets NMIs in again */
1:  cld
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret

    .bss
    .balign 8
    .globl random_inside
random_inside: .skip 8           /* a stream runs */
own_rsp:   .skip 8
own_cr0:   .skip 8
own_cr3:   .skip 8
own_cr4:   .skip 8
stream_ip: .skip 8
    .section .note.GNU-stack, "", @progbits
