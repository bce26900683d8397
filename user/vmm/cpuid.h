/* CPUID: an allow-list over what the machine offers. What the guest sees is computed once; an exit is one table look-up.
 * AMD APM volume 3, appendix E. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CPUID_BASIC_MAX 0xdu
#define CPUID_HYPERVISOR 0x40000000u
#define CPUID_HYPERVISOR_MAX 0x40000010u
#define CPUID_EXTENDED 0x80000000u
#define CPUID_EXTENDED_MAX 0x80000021u

#define XCR0_MASK 7u /* x87, SSE, AVX: what the kernel saves for a guest */

struct cpuid_regs {
    uint32_t eax, ebx, ecx, edx;
};
typedef struct cpuid_regs cpuid_source(uint32_t leaf, uint32_t subleaf);

struct cpuid {
    struct cpuid_regs basic[CPUID_BASIC_MAX + 1];
    struct cpuid_regs hypervisor[CPUID_HYPERVISOR_MAX - CPUID_HYPERVISOR + 1];
    struct cpuid_regs extended[CPUID_EXTENDED_MAX - CPUID_EXTENDED + 1];
    struct cpuid_regs save[3]; /* leaf 0Dh, subleaves 0 to 2 */
    uint32_t xcr0;             /* features that the guest may enable */
    uint32_t id, count;        /* local APIC id; CPUs */
};

/* What the answer depends on besides the leaf. */
struct cpuid_state {
    bool osxsave, apic;
    uint64_t xcr0;
};

void cpuid_init(struct cpuid *c, cpuid_source *host, uint64_t tsc_hz);

/* Which of how many CPUs this one is, all of them cores of one package. */
void cpuid_set_topology(struct cpuid *c, uint32_t id, uint32_t count);

/* The answer from the tables; NULL: no such leaf, all zeroes. If it depends on the state too, cpuid_adjust completes it. */
static inline const struct cpuid_regs *cpuid_lookup(const struct cpuid *c, uint32_t leaf)
{
    if (leaf <= CPUID_BASIC_MAX)
        return &c->basic[leaf];
    if (leaf - CPUID_EXTENDED <= CPUID_EXTENDED_MAX - CPUID_EXTENDED)
        return &c->extended[leaf - CPUID_EXTENDED];
    if (leaf - CPUID_HYPERVISOR <= CPUID_HYPERVISOR_MAX - CPUID_HYPERVISOR)
        return &c->hypervisor[leaf - CPUID_HYPERVISOR];
    return NULL;
}

void cpuid_adjust(const struct cpuid *c, uint32_t leaf, uint32_t subleaf, const struct cpuid_state *state,
                  struct cpuid_regs *out);

static inline bool cpuid_depends(uint32_t leaf)
{
    return leaf == 1 || leaf == 7 || leaf == 0xb || leaf == 0xd || leaf == CPUID_EXTENDED + 1;
}

static inline bool cpuid_has_nx(const struct cpuid *c) { return c->extended[1].edx >> 20 & 1; }
