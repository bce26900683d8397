/* Entry of every test guest: Multiboot 1 (specification 0.6.96, sections 3.1 to 3.3) leaves us in 32-bit protected mode with paging
 * off; we go to long mode with the first 4 GiB identity-mapped and call guest_main. The loader zeroes .bss. */
#define MULTIBOOT_MAGIC 0x1badb002
#define MULTIBOOT_FLAGS 3 /* page-aligned modules, memory information */

    .section .multiboot, "a"
    .balign 4
    .long MULTIBOOT_MAGIC, MULTIBOOT_FLAGS, -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

    .text
    .code32
    .globl guest_start
guest_start:
    cli
    cld
    movl $stack_top, %esp
    movl %ebx, %esi          /* multiboot information */
    movl %eax, %edi          /* its magic */

    movl $guest_pdpt + 3, guest_pml4
    movl $guest_pd + 3, %eax
    xorl %ecx, %ecx
1:  movl %eax, guest_pdpt(, %ecx, 8)
    addl $4096, %eax
    incl %ecx
    cmpl $4, %ecx
    jb 1b
    movl $0x83, %eax         /* present, writable, 2 MiB */
    xorl %ecx, %ecx
2:  movl %eax, guest_pd(, %ecx, 8)
    addl $0x200000, %eax
    incl %ecx
    cmpl $2048, %ecx
    jb 2b

    movl $0x620, %eax        /* CR4: PAE, OSFXSR, OSXMMEXCPT */
    movl %eax, %cr4
    movl $guest_pml4, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx   /* EFER.LME */
    rdmsr
    orl $0x100, %eax
    wrmsr
    movl %cr0, %eax
    andl $~4, %eax           /* EM off */
    orl $0x80000003, %eax    /* PG, MP, PE */
    movl %eax, %cr0
    lgdt guest_gdt_pointer
    ljmp $8, $guest_start64

    .code64
guest_start64:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movl %edi, %edi
    movl %esi, %esi
    call guest_begin
    ud2

/* Interrupt stubs, 16 bytes apart: each leaves (vector, error code) above the hardware's frame. */
    .balign 16
    .globl trap_stubs
trap_stubs:
    .set vector, 0
    .rept 256
    .balign 16
    .if vector != 8 && vector != 10 && vector != 11 && vector != 12 && vector != 13 && vector != 14 && vector != 17
    pushq $0
    .endif
    pushq $vector
    jmp trap_common
    .set vector, vector + 1
    .endr

trap_common:
    pushq %r15
    pushq %r14
    pushq %r13
    pushq %r12
    pushq %r11
    pushq %r10
    pushq %r9
    pushq %r8
    pushq %rbp
    pushq %rdi
    pushq %rsi
    pushq %rdx
    pushq %rcx
    pushq %rbx
    pushq %rax
    cld
    movq %rsp, %rdi
    movq %rsp, %rbp
    andq $-16, %rsp
    call trap_dispatch
    movq %rbp, %rsp
    popq %rax
    popq %rbx
    popq %rcx
    popq %rdx
    popq %rsi
    popq %rdi
    popq %rbp
    popq %r8
    popq %r9
    popq %r10
    popq %r11
    popq %r12
    popq %r13
    popq %r14
    popq %r15
    addq $16, %rsp
    iretq

/* uint64_t trap_run(void (*f)(void *), void *argument): 0 when f returned, vector + 1 when an exception ended it. */
    .globl trap_run
trap_run:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    pushfq
    movq %rsp, trap_recover
    movq %rdi, %rax
    movq %rsi, %rdi
    call *%rax
    xorl %eax, %eax
    jmp 1f
    .globl trap_return
trap_return:                 /* trap_dispatch sends an exception here, with rsp = trap_recover */
    movq trap_last, %rax     /* its first word is the vector */
    incq %rax
1:  movq $0, trap_recover
    popfq
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret

    .data
    .balign 8
    .globl guest_gdt
guest_gdt:
    .quad 0
    .quad 0x00af9b000000ffff /* 08: 64-bit code */
    .quad 0x00cf93000000ffff /* 10: data */
    .quad 0x00cf9b000000ffff /* 18: 32-bit code */
    .quad 0x00cf13000000ffff /* 20: data, not present */
    .quad 0, 0               /* 28: for a task state segment */
    .quad 0, 0               /* 38: for a local descriptor table */
guest_gdt_end:
    .globl guest_gdt_pointer
guest_gdt_pointer:
    .word guest_gdt_end - guest_gdt - 1
    .quad guest_gdt

    .bss
    .balign 4096
    .globl guest_pml4, guest_pdpt, guest_pd
guest_pml4: .skip 4096
guest_pdpt: .skip 4096
guest_pd:   .skip 4 * 4096
stack:      .skip 16384
stack_top:

    .section .note.GNU-stack, "", @progbits
