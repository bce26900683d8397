/* What both entries (entry32.S, entry_efi.S) share: descriptors, the top page tables, the stack, and the 64-bit start of the further
 * processors. Position-independent, as the UEFI image may lie anywhere. */
#include "long_mode.h"

	.text
	.code64
	/* From the trampoline, in 64-bit mode on its descriptors. */
	.global processor_entry64
processor_entry64:
	lgdt boot_gdt_pointer64(%rip)
	mov $SELECTOR_DATA, %ecx
	mov %ecx, %ds
	mov %ecx, %es
	mov %ecx, %ss
	xor %ecx, %ecx
	mov %ecx, %fs
	mov %ecx, %gs
	lea boot_pml4(%rip), %rax
	mov %rax, %cr3
	mov processor_stack_top(%rip), %rsp
	xor %ebp, %ebp
	call processor_main
1:	hlt
	jmp 1b

	.data
	.balign 8
	.global boot_gdt, boot_gdt_end, boot_gdt_pointer64
boot_gdt:
	.quad 0
	.quad 0x00af9b000000ffff        /* 64-bit code. AMD APM vol. 2, 4.8 */
	.quad 0x00cf93000000ffff        /* data */
	.quad 0x00cf9b000000ffff        /* 32-bit code */
boot_gdt_end:
boot_gdt_pointer64:
	.word boot_gdt_end - boot_gdt - 1
	.quad boot_gdt

	.bss
	.balign 4096
	.global boot_pml4, boot_pdpt, boot_stack_top, boot_tsc
boot_pml4:
	.skip 4096
boot_pdpt:
	.skip 4096
	.skip 16384
boot_stack_top:
boot_tsc:
	.skip 8
