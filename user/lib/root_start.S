/* The first instructions of a root task (init): rdi = boot information, no stack (manual, "System bootstrapping"). */
#define STACK_BYTES 16384
#define BOOTINFO_IPC_BUFFER 32 /* offset in struct sel4_bootinfo; root.h asserts it */
.section .text.start, "ax"
.globl _start
_start:
    lea stack_top(%rip), %rsp
    xor %ebp, %ebp
    mov BOOTINFO_IPC_BUFFER(%rdi), %rax
    mov %rax, sel4_ipc_buffer(%rip)
    call root_main
1:  ud2
    jmp 1b
.section .bss
.globl sel4_ipc_buffer
.balign 16
sel4_ipc_buffer:
    .skip 16
    .skip STACK_BYTES
stack_top:
.section .note.GNU-stack, "", @progbits
