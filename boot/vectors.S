/* Exceptions 0 to 31: normalise the stack to [error code][rip].. and go to exception_stop(vector, error, rip). The APIC timer: note the
 * time, end the interrupt; any other interrupt (left over from the firmware): end it. AMD APM vol. 2, 8.9 */
#define MSR_X2APIC_EOI 0x80b

	.text
	.code64
	.macro exception vector, has_error
	.balign 16
	.if !\has_error
	push $0
	.endif
	mov $\vector, %edi
	jmp exception_common
	.endm

	.balign 16
	.global exception_stubs, timer_stub, stray_stub, spurious_stub
exception_stubs:
	.irp v, 0, 1, 2, 3, 4, 5, 6, 7
	exception \v, 0
	.endr
	exception 8, 1
	exception 9, 0
	.irp v, 10, 11, 12, 13, 14
	exception \v, 1
	.endr
	exception 15, 0
	exception 16, 0
	exception 17, 1
	.irp v, 18, 19, 20
	exception \v, 0
	.endr
	exception 21, 1
	.irp v, 22, 23, 24, 25, 26, 27, 28
	exception \v, 0
	.endr
	exception 29, 1
	exception 30, 1
	exception 31, 0

exception_common:
	pop %rsi
	mov (%rsp), %rdx
	and $-16, %rsp
	cld
	call exception_stop

timer_stub:
	push %rax
	push %rcx
	push %rdx
	rdtsc
	shl $32, %rdx
	or %rdx, %rax
	mov %rax, interrupts_timer_tsc(%rip)
	jmp end_of_interrupt
stray_stub:
	push %rax
	push %rcx
	push %rdx
end_of_interrupt:
	mov $MSR_X2APIC_EOI, %ecx
	xor %eax, %eax
	xor %edx, %edx
	wrmsr
	pop %rdx
	pop %rcx
	pop %rax
spurious_stub:
	iretq
