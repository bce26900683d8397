/* <machine.h> for host builds of kernel/x86: the privileged instructions as entries in a record. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

extern struct host_machine {
    uint64_t tsc, cr0, cr3, xcr0, fs_base, gs_base;
    uint64_t dr[4];
    unsigned cr3_writes, invlpgs;
    uint64_t invlpg_va;
    uint64_t timer_count, icr, barriers, task_priority; /* the MSRs that the kernel writes for an effect */
    unsigned end_of_interrupts;
    bool bell_waits; /* an interrupt of vector 0x50 in the local APIC */
    bool spurious_in_service; /* a message with the vector of the spurious interrupt came */
    unsigned interrupt_every, looks; /* n: every n-th look for a waiting interrupt finds one */
    uint8_t port[65536];
} machine;

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};

uint64_t rdmsr(uint32_t msr);
void wrmsr(uint32_t msr, uint64_t value);
struct cpuid cpuid(uint32_t leaf, uint32_t subleaf);

static inline uint64_t rdtsc(void) { return machine.tsc; }
static inline uint64_t read_cr0(void) { return machine.cr0; }
static inline void write_cr0(uint64_t v) { machine.cr0 = v; }
static inline void clts(void) { machine.cr0 &= ~8ull; }
static inline void write_cr3(uint64_t v)
{
    machine.cr3 = v;
    machine.cr3_writes++;
}
static inline void invlpg(uint64_t va)
{
    machine.invlpg_va = va;
    machine.invlpgs++;
}
static inline void xsetbv(uint64_t v) { machine.xcr0 = v; }
static inline void fxsave(void *area) { (void)area; }
static inline void fxrstor(const void *area) { (void)area; }
static inline void xsave(void *area, uint64_t mask) { (void)area, (void)mask; }
static inline void xrstor(const void *area, uint64_t mask) { (void)area, (void)mask; }
static inline void fpu_clear_pointers(void) {}
static inline uint64_t read_fs_base(void) { return machine.fs_base; }
static inline uint64_t read_gs_base(void) { return machine.gs_base; }
static inline void write_fs_base(uint64_t v) { machine.fs_base = v; }
static inline void write_gs_base(uint64_t v) { machine.gs_base = v; }
static inline void clear_selectors(void) {}
static inline uint8_t in8(uint16_t port) { return machine.port[port]; }
static inline uint16_t in16(uint16_t port) { return (uint16_t)(machine.port[port] | machine.port[port + 1] << 8); }
static inline uint32_t in32(uint16_t port) { return in16(port) | (uint32_t)in16((uint16_t)(port + 2)) << 16; }
static inline void out8(uint16_t port, uint8_t v) { machine.port[port] = v; }
static inline void out16(uint16_t port, uint16_t v) { out8(port, (uint8_t)v), out8((uint16_t)(port + 1), (uint8_t)(v >> 8)); }
static inline void out32(uint16_t port, uint32_t v) { out16(port, (uint16_t)v), out16((uint16_t)(port + 2), (uint16_t)(v >> 16)); }
static inline uint64_t read_dr(unsigned n) { return machine.dr[n]; }
static inline void write_dr(unsigned n, uint64_t v) { machine.dr[n] = v; }
static inline void vmsave(uint64_t paddr) { (void)paddr; }

/* Device registers are memory; whoever plays the device is told of each write. */
extern void (*unit_written)(volatile void *at);
static inline uint64_t mmio_read64(const volatile void *p) { return *(const volatile uint64_t *)p; }
static inline uint32_t mmio_read32(const volatile void *p) { return *(const volatile uint32_t *)p; }
static inline void mmio_write64(volatile void *p, uint64_t v)
{
    *(volatile uint64_t *)p = v;
    if (unit_written)
        unit_written(p);
}
static inline void mmio_write32(volatile void *p, uint32_t v)
{
    *(volatile uint32_t *)p = v;
    if (unit_written)
        unit_written(p);
}
static inline void store16(volatile void *p, uint64_t low, uint64_t high)
{
    ((volatile uint64_t *)p)[0] = low;
    ((volatile uint64_t *)p)[1] = high;
}
static inline void cache_flush(const void *p) { (void)p; }
static inline void memory_fence(void) {}
