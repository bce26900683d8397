/* memory_zero(void *to, uint64_t bytes): bytes is a multiple of 4096, the address 64-aligned. Non-temporal stores, as what is
 * cleared here (guest memory, private memory) is far larger than any cache and not read soon (AMD64 Software Optimization Guide,
 * "Streaming-store/non-temporal instructions"); with the widest registers that the processor surely has, AVX if offered.
 *
 * AVX needs CR4.OSXSAVE and XCR0 (AMD APM vol. 2, 11.5). Both are put back: the kernel decides about them for itself.
 */
#define CR4_OSXSAVE 0x40000
#define XCR0_RESET 1            /* x87 */
#define XCR0_AVX 7              /* x87, SSE, AVX */

	.text
	.code64
	.global memory_zero
memory_zero:
	test %rsi, %rsi
	jz 3f
	add %rdi, %rsi

	/* CPUID 1 ECX: 26 XSAVE, 28 AVX. AMD APM vol. 3, E.3.2 */
	push %rbx
	mov $1, %eax
	xor %ecx, %ecx
	cpuid
	pop %rbx
	and $0x14000000, %ecx
	cmp $0x14000000, %ecx
	je zero_with_avx

	pxor %xmm0, %xmm0
1:	.irp line, 0, 64, 128, 192
	movntdq %xmm0, \line(%rdi)
	movntdq %xmm0, \line + 16(%rdi)
	movntdq %xmm0, \line + 32(%rdi)
	movntdq %xmm0, \line + 48(%rdi)
	.endr
	add $256, %rdi
	cmp %rsi, %rdi
	jne 1b
	sfence
	ret

zero_with_avx:
	mov %cr4, %r8
	mov %r8, %rax
	or $CR4_OSXSAVE, %rax
	mov %rax, %cr4
	xor %ecx, %ecx
	xor %edx, %edx
	mov $XCR0_AVX, %eax
	xsetbv
	vpxor %xmm0, %xmm0, %xmm0
2:	.irp line, 0, 64, 128, 192, 256, 320, 384, 448
	vmovntdq %ymm0, \line(%rdi)
	vmovntdq %ymm0, \line + 32(%rdi)
	.endr
	add $512, %rdi
	cmp %rsi, %rdi
	jne 2b
	vzeroupper
	sfence
	mov $XCR0_RESET, %eax
	xsetbv
	mov %r8, %cr4
3:	ret
