/* Where a multiboot loader enters: 32-bit protected mode, paging off (Multiboot Specification 0.6.96, section 3.2).
 *
 * The serial line speaks before anything else, one letter per stage: "b" alive, "o" loader and processor accepted, "o" page
 * tables built, "t" 64-bit mode; C goes on with ": ". A line cut short tells how far the machine got. The UEFI entry
 * (entry_efi.S) stands beside this file and joins it at boot_run (main.c).
 *
 * The processor is checked for what the next hundred instructions need; cpu.c checks the rest.
 */
#define MULTIBOOT_MAGIC 0x1badb002      /* section 3.1.2 */
#define MULTIBOOT_FLAGS 0x3             /* modules page-aligned, memory information wanted */
#define MULTIBOOT_LOADER 0x2badb002     /* eax at entry, section 3.2 */

#define COM1 0x3f8

#include "long_mode.h"

	.section .multiboot, "a"
	.balign 4
	.long MULTIBOOT_MAGIC, MULTIBOOT_FLAGS, -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

	.macro stage letter
	mov $COM1, %dx
	mov $\letter, %al
	out %al, %dx
	.endm

	.section .text.entry, "ax"
	.code32
	.global boot_entry32
boot_entry32:
	mov %eax, %ebp
	stage 'b'
	rdtsc
	mov %eax, boot_tsc
	mov %edx, boot_tsc + 4
	cli
	cld
	mov $boot_stack_top, %esp
	mov %ebx, %edi

	mov $not_multiboot, %esi
	cmp $MULTIBOOT_LOADER, %ebp
	jne refuse

	/* CPUID 8000_0001 EDX: 20 NX, 26 1 GiB pages, 29 long mode. AMD APM vol. 3, E.4.2 */
	mov $0x80000000, %eax
	cpuid
	mov $no_long_mode, %esi
	cmp $0x80000001, %eax
	jb refuse
	mov $0x80000001, %eax
	cpuid
	bt $29, %edx
	jnc refuse
	mov $no_nx, %esi
	bt $20, %edx
	jnc refuse
	mov $no_gigabyte_pages, %esi
	bt $26, %edx
	jnc refuse
	stage 'o'

	/* Identity-map the first 512 GiB with 1 GiB pages (present, writable, PS). AMD APM vol. 2, 5.3.5 */
	movl $boot_pdpt + 3, boot_pml4
	xor %ecx, %ecx
1:	mov %ecx, %eax
	mov %ecx, %edx
	shl $30, %eax
	shr $2, %edx
	or $0x83, %eax
	mov %eax, boot_pdpt(,%ecx,8)
	mov %edx, boot_pdpt + 4(,%ecx,8)
	inc %ecx
	cmp $512, %ecx
	jne 1b
	stage 'o'

	/* Paging, long mode and the selectors. AMD APM vol. 2, 14.6 */
	mov $CR4_BASE, %eax
	mov %eax, %cr4
	mov $boot_pml4, %eax
	mov %eax, %cr3
	mov $MSR_EFER, %ecx
	mov $EFER_BASE, %eax
	xor %edx, %edx
	wrmsr
	mov $CR0_BASE, %eax
	mov %eax, %cr0
	lgdt boot_gdt_pointer64         /* 32-bit mode takes the low half of the base */
	ljmpl $SELECTOR_CODE64, $entry64

	/* esi: a sentence. Print it and stay here. */
refuse:
	mov $COM1, %edx
2:	lodsb
	test %al, %al
	jz 3f
	out %al, %dx
	jmp 2b
3:	hlt
	jmp 3b

not_multiboot:
	.asciz "\nevent: boot stopped: the loader does not speak the Multiboot protocol; start boot.elf with QEMU's -kernel or GRUB's multiboot command\n"
no_long_mode:
	.asciz "\nevent: boot stopped: this processor has no 64-bit mode; use an x86-64 processor\n"
no_nx:
	.asciz "\nevent: boot stopped: this processor offers no no-execute pages; enable \"NX\" or \"Execute Disable\" in the firmware's processor settings\n"
no_gigabyte_pages:
	.asciz "\nevent: boot stopped: this processor has no 1 GiB pages; use one that has (AMD servers since 2007, Intel servers since 2010; in an emulator, the CPU flag pdpe1gb)\n"

	.code64
entry64:
	mov $SELECTOR_DATA, %ecx
	mov %ecx, %ds
	mov %ecx, %es
	mov %ecx, %ss
	xor %ecx, %ecx
	mov %ecx, %fs
	mov %ecx, %gs
	mov $boot_stack_top, %esp
	mov %edi, %edi
	stage 't'
	xor %ebp, %ebp
	call boot_main
4:	hlt
	jmp 4b
