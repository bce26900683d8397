/* The first instructions of a further processor: real mode, at a page below 1 MiB that smp.c copies this to (Intel SDM vol. 3,
 * 9.4.4), through 32-bit protected mode to 64-bit mode (AMD APM vol. 2, 14.6). It knows no address: smp.c writes them into the copy. */
#include "long_mode.h"

	.section .rodata
	.code16
	.global trampoline_start, trampoline_end
trampoline_start:
	cli
	mov %cs, %ax
	mov %ax, %ds
	movzwl %ax, %ebx
	shl $4, %ebx
	lgdtl trampoline_gdt_pointer - trampoline_start
	mov $0x11, %eax                 /* PE, ET; paging and caches come with CR0_BASE */
	mov %eax, %cr0
	ljmpl *(trampoline_to_protected - trampoline_start)

	.code32
	.global trampoline_protected
trampoline_protected:
	mov $SELECTOR_DATA, %eax
	mov %eax, %ds
	mov $CR4_BASE, %eax
	mov %eax, %cr4
	mov trampoline_pml4 - trampoline_start(%ebx), %eax
	mov %eax, %cr3
	mov $MSR_EFER, %ecx
	mov $EFER_BASE, %eax
	xor %edx, %edx
	wrmsr
	mov $CR0_BASE, %eax
	mov %eax, %cr0
	ljmpl *(trampoline_to_long - trampoline_start)(%ebx)

	.code64
	.global trampoline_long
trampoline_long:
	jmp *trampoline_entry(%rip)

	.balign 8
	.global trampoline_gdt, trampoline_gdt_base, trampoline_to_protected, trampoline_to_long, trampoline_pml4, trampoline_entry
trampoline_gdt:                         /* as boot_gdt */
	.quad 0
	.quad 0x00af9b000000ffff
	.quad 0x00cf93000000ffff
	.quad 0x00cf9b000000ffff
trampoline_entry:
	.quad 0                         /* where to go in 64-bit mode */
trampoline_pml4:
	.long 0                         /* top page table, below 4 GiB */
trampoline_to_protected:
	.long 0
	.word SELECTOR_CODE32
trampoline_to_long:
	.long 0
	.word SELECTOR_CODE64
trampoline_gdt_pointer:
	.word 4 * 8 - 1
trampoline_gdt_base:
	.long 0
trampoline_end:
