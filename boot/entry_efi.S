/* Where UEFI firmware enters (UEFI Specification 2.10, 2.3.4): 64-bit mode, paging on, anywhere in memory, rcx = our image's handle,
 * rdx = the system table. The serial line speaks first, then gnu-efi's _start applies the relocations and calls efi_main. */
#include "long_mode.h"

#define COM1 0x3f8

	.text
	.code64
	.global boot_entry_efi
boot_entry_efi:
	mov %rdx, %r8
	mov $COM1, %edx
	mov $'b', %al
	out %al, %dx
	rdtsc
	shl $32, %rdx
	or %rdx, %rax
	mov %rax, boot_tsc(%rip)
	mov %r8, %rdx
	jmp _start

	/* efi_leave(const struct boot_input *): boot services have ended; from here on nothing of the firmware's is used. */
	.global efi_leave
efi_leave:
	cli
	cld
	mov $CR4_BASE, %eax
	mov %rax, %cr4
	mov $MSR_EFER, %ecx
	rdmsr
	or $EFER_BASE, %eax
	wrmsr
	mov $CR0_BASE, %eax
	mov %rax, %cr0
	lea boot_pml4(%rip), %rax
	mov %rax, %cr3
	lgdt boot_gdt_pointer64(%rip)
	mov $SELECTOR_DATA, %ecx
	mov %ecx, %ds
	mov %ecx, %es
	mov %ecx, %ss
	xor %ecx, %ecx
	mov %ecx, %fs
	mov %ecx, %gs
	lea boot_stack_top(%rip), %rsp
	push $SELECTOR_CODE64
	lea 1f(%rip), %rax
	push %rax
	lretq
1:	xor %ebp, %ebp
	call boot_run
2:	hlt
	jmp 2b
