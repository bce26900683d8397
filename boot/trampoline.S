/* The first instructions of a further processor: real mode, at a page below 1 MiB that smp.c copies this to (Intel SDM vol. 3,
 * 8.4.4). Position-independent until it jumps to processor_entry32 in boot's own image.
 */
#define SELECTOR_CODE32 0x18

	.section .rodata
	.code16
	.global trampoline_start, trampoline_end
trampoline_start:
	cli
	mov %cs, %ax
	mov %ax, %ds
	lgdtl trampoline_gdt_pointer - trampoline_start
	mov $0x11, %eax                 /* PE, ET; paging and caches come with enter_long_mode */
	mov %eax, %cr0
	ljmpl $SELECTOR_CODE32, $processor_entry32

	.balign 8
trampoline_gdt_pointer:
	.word 4 * 8 - 1
	.long boot_gdt
trampoline_end:
