#include "cpuid.h"
#include "lib.h"

#define BIT(n) (1u << (n))

/* Leaf 1. Not offered, though the machine has it: MONITOR (its exits would only be refused), PCID, performance and debug
 * facilities, VMX. */
#define LEAF1_ECX (BIT(0) /* SSE3 */ | BIT(1) /* PCLMULQDQ */ | BIT(9) /* SSSE3 */ | BIT(12) /* FMA */ | \
                   BIT(13) /* CMPXCHG16B */ | BIT(19) /* SSE4.1 */ | BIT(20) /* SSE4.2 */ | BIT(22) /* MOVBE */ | \
                   BIT(23) /* POPCNT */ | \
                   BIT(25) /* AES */ | BIT(26) /* XSAVE */ | BIT(28) /* AVX */ | BIT(29) /* F16C */ | BIT(30) /* RDRAND */)
#define LEAF1_ECX_ALWAYS (BIT(21) /* x2APIC */ | BIT(24) /* TSC deadline */ | BIT(31) /* hypervisor present */)
#define LEAF1_ECX_OSXSAVE BIT(27)
#define LEAF1_EDX (BIT(0) /* FPU */ | BIT(1) /* VME */ | BIT(2) /* DE */ | BIT(3) /* PSE */ | BIT(4) /* TSC */ | \
                   BIT(5) /* MSR */ | BIT(6) /* PAE */ | BIT(7) /* MCE */ | BIT(8) /* CMPXCHG8B */ | \
                   BIT(11) /* SYSENTER */ | \
                   BIT(12) /* MTRR */ | BIT(13) /* PGE */ | BIT(14) /* MCA */ | BIT(15) /* CMOV */ | \
                   BIT(16) /* PAT */ | BIT(17) /* PSE36 */ | \
                   BIT(19) /* CLFLUSH */ | BIT(23) /* MMX */ | BIT(24) /* FXSR */ | BIT(25) /* SSE */ | BIT(26) /* SSE2 */)
#define LEAF1_EDX_APIC BIT(9)
#define LEAF1_EDX_HTT BIT(28) /* leaf 1's count of CPUs means something */
#define EXT1_ECX_CMP_LEGACY BIT(1) /* they are cores, not threads */

/* Leaf 7. No LA57: the kernel checks guests' addresses as 48-bit ones. No INVPCID without PCID, no protection keys (outside
 * XCR0_MASK). */
#define LEAF7_EBX (BIT(0) /* FSGSBASE */ | BIT(3) /* BMI1 */ | BIT(5) /* AVX2 */ | BIT(7) /* SMEP */ | BIT(8) /* BMI2 */ | \
                   BIT(9) /* ERMS */ | BIT(18) /* RDSEED */ | BIT(19) /* ADX */ | BIT(20) /* SMAP */ | \
                   BIT(23) /* CLFLUSHOPT */ | BIT(24) /* CLWB */ | \
                   BIT(29) /* SHA */)
#define LEAF7_EBX_TSC_ADJUST BIT(1) /* the VMM's own, msr.c */
#define LEAF7_ECX (BIT(2) /* UMIP */ | BIT(8) /* GFNI */ | BIT(9) /* VAES */ | BIT(10) /* VPCLMULQDQ */ | BIT(22) /* RDPID */)
#define LEAF7_EDX BIT(4) /* FSRM */
#define LEAF13_1_EAX (BIT(0) /* XSAVEOPT */ | BIT(1) /* XSAVEC */ | BIT(2) /* XGETBV 1 */)

/* Leaf 8000_0001h. No SVM and what hangs on it, no IBS, no OSVW, no performance counters, no FFXSR. */
#define EXT1_ECX (BIT(0) /* LAHF in 64-bit mode */ | BIT(4) /* CR8 by LOCK MOV */ | BIT(5) /* LZCNT */ | \
                   BIT(6) /* SSE4A */ | \
                  BIT(7) /* misaligned SSE */ | BIT(8) /* PREFETCHW */ | BIT(11) /* XOP */ | BIT(16) /* FMA4 */ | \
                   BIT(21) /* TBM */)
#define EXT1_EDX (BIT(11) /* SYSCALL */ | BIT(20) /* NX */ | BIT(22) /* MMX extensions */ | BIT(26) /* 1 GiB pages */ | \
                  BIT(27) /* RDTSCP */ | BIT(29) /* long mode */)
#define EXT1_EDX_AS_LEAF1 0x0183f1ffu /* bits that repeat leaf 1's */
#define EXT7_EDX_INVARIANT_TSC BIT(8)
#define EXT8_EBX (BIT(0) /* CLZERO */ | BIT(2) /* FP error pointers restored */ | BIT(9) /* WBNOINVD */)
#define EXT21_EAX (BIT(2) /* LFENCE always serialising */ | BIT(6) /* null selector clears base */)

/* KVM's paravirtual leaf: Linux then takes the TSC's rate from the clock page (clock.c) and calibrates nothing. Nothing else of
 * KVM's interface is offered: each further feature is one more thing a guest reaches in the VMM. */
#define KVM_CLOCKSOURCE BIT(0)
#define KVM_NOP_IO_DELAY BIT(1)
#define KVM_CLOCKSOURCE2 BIT(3)
#define KVM_CLOCKSOURCE_STABLE BIT(24)

static void init_basic(struct cpuid *c, cpuid_source *host)
{
    struct cpuid_regs h = host(0, 0);
    uint32_t max = h.eax;

    c->basic[0] = h;
    c->basic[0].eax = CPUID_BASIC_MAX;

    h = host(1, 0);
    c->basic[1].eax = h.eax;
    c->basic[1].ebx = (h.ebx & 0xff00) | 1u << 16; /* CLFLUSH size; one logical CPU, APIC id 0 */
    c->basic[1].ecx = (h.ecx & LEAF1_ECX) | LEAF1_ECX_ALWAYS;
    c->basic[1].edx = h.edx & LEAF1_EDX;
    c->basic[6].eax = BIT(2); /* the APIC timer always runs */
    if (max >= 7) {
        h = host(7, 0);
        c->basic[7] = (struct cpuid_regs){0, (h.ebx & LEAF7_EBX) | LEAF7_EBX_TSC_ADJUST, h.ecx & LEAF7_ECX, h.edx & LEAF7_EDX};
    }
    if (max >= 0xd && c->basic[1].ecx & BIT(26)) {
        struct cpuid_regs avx = host(0xd, 2);

        c->xcr0 = host(0xd, 0).eax & XCR0_MASK;
        c->save[0] = (struct cpuid_regs){c->xcr0, 0, 576, 0};
        if (c->xcr0 & 4) {
            c->save[0].ecx = avx.ebx + avx.eax;
            c->save[2] = (struct cpuid_regs){avx.eax, avx.ebx, 0, 0};
        }
        c->save[1].eax = host(0xd, 1).eax & LEAF13_1_EAX;
    }
    if (!(c->xcr0 & 4)) { /* without AVX state no instruction that needs it */
        c->basic[1].ecx &= ~(BIT(12) | BIT(28) | BIT(29));
        c->basic[7].ebx &= ~BIT(5);
        c->basic[7].ecx &= ~(BIT(9) | BIT(10));
    }
}

static void init_hypervisor(struct cpuid *c, uint64_t tsc_hz)
{
    c->hypervisor[0] = (struct cpuid_regs){CPUID_HYPERVISOR_MAX, 0x4b4d564b, 0x564b4d56, 0x0000004d}; /* "KVMKVMKVM" */
    c->hypervisor[1].eax = KVM_CLOCKSOURCE | KVM_NOP_IO_DELAY | KVM_CLOCKSOURCE2 | KVM_CLOCKSOURCE_STABLE;
    /* Rates in kHz of the TSC and of the APIC timer, at the place that VMware defined and others read. */
    c->hypervisor[0x10].eax = (uint32_t)(tsc_hz / 1000);
    c->hypervisor[0x10].ebx = (uint32_t)(tsc_hz / 1000);
}

static void init_extended(struct cpuid *c, cpuid_source *host)
{
    struct cpuid_regs h = host(CPUID_EXTENDED, 0);
    uint32_t max = h.eax;

    c->extended[0] = (struct cpuid_regs){CPUID_EXTENDED_MAX, h.ebx, h.ecx, h.edx};
    h = host(CPUID_EXTENDED + 1, 0);
    c->extended[1].eax = h.eax;
    c->extended[1].ecx = h.ecx & EXT1_ECX;
    c->extended[1].edx = (h.edx & EXT1_EDX) | (c->basic[1].edx & EXT1_EDX_AS_LEAF1);
    if (!(c->xcr0 & 4))
        c->extended[1].ecx &= ~(BIT(11) | BIT(16));
    for (uint32_t leaf = 2; leaf <= 6; leaf++) /* name, caches, TLBs */
        if (max >= CPUID_EXTENDED + leaf)
            c->extended[leaf] = host(CPUID_EXTENDED + leaf, 0);
    c->extended[7].edx = EXT7_EDX_INVARIANT_TSC; /* boot measured it, and the guest never leaves its core */
    h = host(CPUID_EXTENDED + 8, 0);
    c->extended[8].eax = (h.eax & 0xff) | 48u << 8; /* physical as the machine, linear 48 bits */
    c->extended[8].ebx = h.ebx & EXT8_EBX;
    if (max >= CPUID_EXTENDED + 0x19)
        c->extended[0x19] = host(CPUID_EXTENDED + 0x19, 0);
    if (max >= CPUID_EXTENDED + 0x1a)
        c->extended[0x1a] = host(CPUID_EXTENDED + 0x1a, 0);
    if (max >= CPUID_EXTENDED + 0x21)
        c->extended[0x21].eax = host(CPUID_EXTENDED + 0x21, 0).eax & EXT21_EAX;
}

void cpuid_init(struct cpuid *c, cpuid_source *host, uint64_t tsc_hz)
{
    memset(c, 0, sizeof *c);
    init_basic(c, host);
    init_hypervisor(c, tsc_hz);
    init_extended(c, host);
    cpuid_set_topology(c, 0, 1);
}

static uint32_t log2_up(uint32_t n) { return n < 2 ? 0 : 32 - (uint32_t)__builtin_clz(n - 1); }

void cpuid_set_topology(struct cpuid *c, uint32_t id, uint32_t count)
{
    c->id = id;
    c->count = count;
    c->basic[1].ebx = (c->basic[1].ebx & 0xff00) | count << 16 | id << 24;
    c->extended[8].ecx = count > 1 ? log2_up(count) << 12 | (count - 1) : 0;
    if (count > 1) {
        c->basic[1].edx |= LEAF1_EDX_HTT;
        c->extended[1].ecx |= EXT1_ECX_CMP_LEGACY;
    }
}

/* Leaf 0Bh: one thread per core, all cores in one package. */
static void topology(const struct cpuid *c, uint32_t subleaf, struct cpuid_regs *out)
{
    *out = (struct cpuid_regs){0, 0, subleaf & 0xff, c->id};
    if (subleaf < 2) {
        out->eax = subleaf ? log2_up(c->count) : 0; /* bits of the id below the next level */
        out->ebx = subleaf ? c->count : 1;
        out->ecx |= (subleaf + 1) << 8; /* level type: 1 thread, 2 core */
    }
}

void cpuid_adjust(const struct cpuid *c, uint32_t leaf, uint32_t subleaf, const struct cpuid_state *state,
                  struct cpuid_regs *out)
{
    switch (leaf) {
    case 1:
        if (state->osxsave)
            out->ecx |= LEAF1_ECX_OSXSAVE;
        if (state->apic)
            out->edx |= LEAF1_EDX_APIC;
        break;
    case CPUID_EXTENDED + 1:
        if (state->apic)
            out->edx |= LEAF1_EDX_APIC;
        break;
    case 7:
        if (subleaf) /* there is one only */
            *out = (struct cpuid_regs){0};
        break;
    case 0xb: topology(c, subleaf, out); break;
    case 0xd:
        *out = subleaf < 3 ? c->save[subleaf] : (struct cpuid_regs){0};
        if (subleaf == 0 && c->xcr0) /* bytes for what is enabled now */
            out->ebx = state->xcr0 & 4 ? c->save[0].ecx : 576;
        else if (subleaf == 1 && c->xcr0)
            out->ebx = state->xcr0 & 4 ? 576 + c->save[2].eax : 576;
        break;
    default: break;
    }
}
