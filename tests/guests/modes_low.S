/* The part of the guest `modes` that runs below 1 MiB, copied to MODES_BASE: from 64-bit mode to protected mode without paging, hardware task
 * switches, 16-bit protected mode, real mode, and back. modes.c has filled in the descriptor tables. */
#define MODES_BASE 0x60000
#define AT(label) (MODES_BASE + label - modes_begin)
#define DIRECTORY 0x50000 /* 4 MiB pages, by modes.c */
#define POINTERS 0x51000  /* of three-level paging */
#define IOAPIC 0xfec00000
#define MSR_SELF_IPI 0x83f
#define MSR_EOI 0x80b
#define MSR_EFER 0xc0000080

    .section .rodata
    .balign 16
    .globl modes_begin, modes_enter, modes_end, modes_gdt, modes_idt, modes_results, modes_tss_b, modes_task_b, modes_tss_a
modes_begin:

/* void modes_enter(void), as the C code calls it in the copy. */
    .code64
modes_enter:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, AT(saved_rsp)
    movq %cr3, %rax
    movl %eax, AT(saved_cr3)
    lgdt AT(gdt_pointer)
    pushq $0x18
    pushq $AT(protected)
    lretq

    .code32
protected:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movl %eax, %ss
    movl $AT(stack_end), %esp
    movl %cr0, %eax
    andl $0x7fffffff, %eax       /* paging off: long mode ends */
    movl %eax, %cr0
    movl $MSR_EFER, %ecx
    rdmsr
    andl $~0x100, %eax
    wrmsr
    xorl %eax, %eax
    cpuid
    movl %ebx, AT(modes_results)         /* 0: CPUID */
    movl $1, IOAPIC
    movl IOAPIC + 0x10, %eax
    movl %eax, AT(modes_results) + 4     /* 1: I/O APIC version */

    movl %cr4, %ebx
    movl %ebx, %eax
    andl $~0x20, %eax            /* PAE off, PSE on: two levels, 4 MiB pages */
    orl $0x10, %eax
    movl %eax, %cr4
    movl $DIRECTORY, %eax
    call paged
    movl %eax, AT(modes_results) + 40    /* 10: I/O APIC through a 4 MiB page */
    movl %ebx, %cr4
    movl $POINTERS, %eax
    call paged
    movl %eax, AT(modes_results) + 44    /* 11: and with three levels */

    lidt AT(idt_pointer)
    movl $0x30, %eax
    ltr %ax
    ljmp $0x38, $0               /* task B by JMP */
    lcall $0x38, $0              /* by CALL */
    int $0x40                    /* by a task gate */
    strl %eax
    movl %eax, AT(modes_results) + 12    /* 3: the task register */
    ljmp $0x20, $protected16 - modes_begin

/* The I/O APIC's version with paging on, tables at %eax. */
paged:
    movl %eax, %cr3
    movl %cr0, %eax
    orl $0x80000000, %eax
    movl %eax, %cr0
    movl IOAPIC + 0x10, %ecx
    andl $0x7fffffff, %eax
    movl %eax, %cr0
    movl %ecx, %eax
    ret

modes_task_b:
    incl AT(modes_results) + 8           /* 2: entries of task B */
    cpuid
    ljmp $0x30, $0
    incl AT(modes_results) + 8
    cpuid
    iret                         /* NT is set: to the task that called */
    incl AT(modes_results) + 8
    iret

    .code16
protected16:
    movw $0x28, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    xorl %eax, %eax
    cpuid
    movl %ebx, modes_results - modes_begin + 16 /* 4: CPUID in 16 bits */
    movl %cr0, %eax
    andb $0xfe, %al
    movl %eax, %cr0
    ljmp $MODES_BASE >> 4, $real - modes_begin

/* FS still has a limit of 4 GiB. */
real:
    movw $MODES_BASE >> 4, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw $stack_end - modes_begin, %sp
    lidt real_idt_pointer - modes_begin
    xorw %ax, %ax
    movw %ax, %gs
    movw $handler - modes_begin, %gs:0x50 * 4
    movw $MODES_BASE >> 4, %gs:0x50 * 4 + 2
    int $0x50
    movl $MSR_SELF_IPI, %ecx
    movl $0x50, %eax
    xorl %edx, %edx
    wrmsr
    sti
    nop
    cli
    wrmsr
    sti
    hlt
    cli
    xorl %eax, %eax
    cpuid
    movl %ebx, modes_results - modes_begin + 24 /* 6: CPUID in real mode */
    movl $IOAPIC + 0x10, %ebx
    movl %fs:(%ebx), %eax
    movl %eax, modes_results - modes_begin + 28 /* 7: the I/O APIC again */
    movw $0x80, %dx
    movw $modes_results - modes_begin, %si
    movw $4, %cx
    rep outsb
    movw %si, modes_results - modes_begin + 32  /* 8: behind four bytes */
    inb $0x80, %al
    movl $0x1b, %ecx
    rdmsr
    movl %eax, modes_results - modes_begin + 36 /* 9: APIC base */
    lgdtl gdt_pointer - modes_begin
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    ljmpl $0x18, $AT(back)

handler:
    pushl %eax
    pushl %ecx
    pushl %edx
    incl modes_results - modes_begin + 20       /* 5: interrupts */
    movl $MSR_EOI, %ecx
    xorl %eax, %eax
    xorl %edx, %edx
    wrmsr
    popl %edx
    popl %ecx
    popl %eax
    iretw

    .code32
back:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl AT(saved_cr3), %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    rdmsr
    orl $0x100, %eax
    wrmsr
    movl %cr0, %eax
    orl $0x80000000, %eax
    movl %eax, %cr0
    ljmp $8, $AT(long_mode)
    .code64
long_mode:
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movq AT(saved_rsp), %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret

    .balign 8
modes_gdt:
    .quad 0
    .quad 0x00af9b000000ffff     /* 08: 64-bit code */
    .quad 0x00cf93000000ffff     /* 10: data */
    .quad 0x00cf9b000000ffff     /* 18: 32-bit code */
    .quad 0x00009b060000ffff     /* 20: 16-bit code at MODES_BASE */
    .quad 0x000093060000ffff     /* 28: 16-bit data there */
    .quad 0, 0                   /* 30, 38: the two tasks, by modes.c */
modes_gdt_end:
gdt_pointer:
    .word modes_gdt_end - modes_gdt - 1
    .quad AT(modes_gdt)
    .balign 8
modes_idt:
    .fill 0x40, 8, 0
    .quad 0x0000850000380000     /* 40: task gate to 38 */
idt_pointer:
    .word 0x41 * 8 - 1
    .long AT(modes_idt)
real_idt_pointer:
    .word 0x3ff
    .long 0
    .balign 8
saved_rsp: .quad 0
saved_cr3: .long 0
    .balign 8
modes_results: .fill 16, 4, 0
modes_tss_a: .fill 26, 4, 0
modes_tss_b: .fill 26, 4, 0
    .balign 16
    .fill 1024, 1, 0
stack_end:
    .fill 1024, 1, 0             /* task B's */
stack_b_end:
modes_end:
    .globl stack_b_end

    .section .note.GNU-stack, "", @progbits
