/* memory_zero(void *to, uint64_t bytes): bytes is a multiple of 4096, the address 16-aligned. Non-temporal stores, as what is
 * cleared here (guest memory, private memory) is far larger than any cache and not read soon. AMD64 Software Optimization
 * Guide, "Streaming-store/non-temporal instructions".
 */
	.text
	.code64
	.global memory_zero
memory_zero:
	test %rsi, %rsi
	jz 2f
	pxor %xmm0, %xmm0
	add %rdi, %rsi
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
2:	ret
