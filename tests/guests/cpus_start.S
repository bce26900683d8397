/* Further processors: real mode at a page below 1 MiB (AMD APM volume 2, 14.1.3 and 16.5), then the way that start.S goes, to cpu_begin. */
    .text
    .code16
    .globl cpu_trampoline, cpu_trampoline_end
cpu_trampoline:
    cli
    data32 lgdt %cs:(pointer - cpu_trampoline)
    movl %cr0, %eax
    orl $1, %eax
    movl %eax, %cr0
    data32 ljmp $0x18, $cpu_protected
    .balign 4
pointer:
    .word 0x47
    .long guest_gdt
cpu_trampoline_end:

    .code32
cpu_protected:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl $0x620, %eax        /* CR4: PAE, OSFXSR, OSXMMEXCPT */
    movl %eax, %cr4
    movl $guest_pml4, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx   /* EFER.LME */
    rdmsr
    orl $0x100, %eax
    wrmsr
    movl %cr0, %eax
    andl $~0x60000004, %eax  /* caches on, EM off */
    orl $0x80000003, %eax    /* PG, MP, PE */
    movl %eax, %cr0
    ljmp $8, $cpu_long

    .code64
cpu_long:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movq cpu_stack, %rsp
    call cpu_begin
    ud2

    .section .note.GNU-stack, "", @progbits
