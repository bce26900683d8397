/* A component's first instructions: rdi = configuration frame, rsi = TSC rate, rdx = Unix time of TSC 0; the stack is the spec's. A component may be started again
 * in the memory that it left (a VMM is): so its variables are zero here, not by its image, and it has no initialised ones. */
#define IPC_BUFFER 0x900000 /* COMPONENT_IPC_VA; sel4.c asserts it */
.section .text.start, "ax"
.globl _start
_start:
    cld
    mov %rdi, %r8
    lea bss_start(%rip), %rdi
    lea bss_end(%rip), %rcx
    sub %rdi, %rcx
    xor %eax, %eax
    rep stosb
    mov %rdx, component_wall_clock(%rip)
    mov %r8, %rdi
    xor %ebp, %ebp
    call component_main
1:  ud2 /* a component never returns: its fault endpoint tells */
    jmp 1b
.section .bss
.globl component_wall_clock
.balign 8
component_wall_clock:
    .skip 8
.section .rodata
.globl sel4_ipc_buffer
.balign 8
sel4_ipc_buffer:
    .quad IPC_BUFFER
.section .note.GNU-stack, "", @progbits
