/* <machine.h> for proofs: whatever the processor or a port says, anything; what is written goes nowhere, but for the few registers below. */
#pragma once
#include "proof.h"

static struct {
    uint64_t cr3, timer;
    unsigned flushes; /* of TLB entries */
} processor;

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};
struct cpuid nondet_cpuid(void);
static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf) { (void)leaf, (void)subleaf; return nondet_cpuid(); }
static inline uint64_t rdmsr(uint32_t msr) { (void)msr; return nondet_word(); }
static inline void wrmsr(uint32_t msr, uint64_t v) { (void)msr, (void)v; }
static inline uint64_t rdtsc(void) { return nondet_word(); }
static inline uint64_t read_cr0(void) { return nondet_word(); }
static inline void write_cr0(uint64_t v) { (void)v; }
static inline void clts(void) {}
static inline uint64_t read_cr2(void) { return nondet_word(); }
static inline uint64_t read_cr3(void) { return processor.cr3; }
static inline void write_cr3(uint64_t v) { processor.cr3 = v; processor.flushes++; }
static inline uint64_t read_cr4(void) { return nondet_word(); }
static inline void write_cr4(uint64_t v) { (void)v; }
static inline void invlpg(uint64_t va) { (void)va; processor.flushes++; }
static inline void xsetbv(uint64_t v) { (void)v; }
static inline void fxsave(void *area) { (void)area; }
static inline void fxrstor(const void *area) { (void)area; }
static inline void xsave(void *area, uint64_t mask) { (void)area, (void)mask; }
static inline void xrstor(const void *area, uint64_t mask) { (void)area, (void)mask; }
static inline void fpu_clear_pointers(void) {}
static inline uint64_t read_fs_base(void) { return nondet_word(); }
static inline uint64_t read_gs_base(void) { return nondet_word(); }
static inline void write_fs_base(uint64_t v) { (void)v; }
static inline void write_gs_base(uint64_t v) { (void)v; }
static inline void clear_selectors(void) {}
static inline uint8_t in8(uint16_t port) { (void)port; return (uint8_t)nondet_word(); }
static inline uint16_t in16(uint16_t port) { (void)port; return (uint16_t)nondet_word(); }
static inline uint32_t in32(uint16_t port) { (void)port; return (uint32_t)nondet_word(); }
static inline void out8(uint16_t port, uint8_t v) { (void)port, (void)v; }
static inline void out16(uint16_t port, uint16_t v) { (void)port, (void)v; }
static inline void out32(uint16_t port, uint32_t v) { (void)port, (void)v; }
static inline uint64_t read_dr(unsigned n) { (void)n; return nondet_word(); }
static inline void write_dr(unsigned n, uint64_t v) { (void)n, (void)v; }
static inline void vmsave(uint64_t paddr) { (void)paddr; }
static inline void lgdt(const void *p) { (void)p; }
static inline void lidt(const void *p) { (void)p; }
static inline void ltr(uint16_t s) { (void)s; }
static inline void lldt(uint16_t s) { (void)s; }
static inline void stop_core(void) { ASSUME(false); }

/* Device registers and tables are the harness's memory. */
static inline uint64_t mmio_read64(const volatile void *p) { return *(const volatile uint64_t *)p; }
static inline uint32_t mmio_read32(const volatile void *p) { return *(const volatile uint32_t *)p; }
static inline void mmio_write64(volatile void *p, uint64_t v) { *(volatile uint64_t *)p = v; }
static inline void mmio_write32(volatile void *p, uint32_t v) { *(volatile uint32_t *)p = v; }
static inline void store16(volatile void *p, uint64_t low, uint64_t high)
{
    ((volatile uint64_t *)p)[0] = low;
    ((volatile uint64_t *)p)[1] = high;
}
static inline void cache_flush(const void *p) { (void)p; }
static inline void memory_fence(void) {}
