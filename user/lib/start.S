/* A component's first instructions: rdi = configuration frame, rsi = TSC rate; the stack is the spec's. */
.section .text.start, "ax"
.globl _start
_start:
    xor %ebp, %ebp
    call component_main
1:  ud2 /* a component never returns: its fault endpoint tells */
    jmp 1b
.section .note.GNU-stack, "", @progbits
