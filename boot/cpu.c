/* CPUID leaves: AMD APM vol. 3, appendix E; Intel SDM vol. 2, CPUID. x2APIC: AMD APM vol. 2, 16.9 to 16.15; Intel SDM vol. 3, 11.12 */
#include <stdbool.h>
#include "cpu.h"
#include "machine.h"
#include "print.h"

#define LEAF_FEATURES 1u
#define LEAF_MORE 7u
#define LEAF_TOPOLOGY 0xbu
#define LEAF_EXTENDED 0x80000001u
#define LEAF_SIZES 0x80000008u
#define LEAF_SVM 0x8000000au

#define MSR_APIC_BASE 0x1b
#define APIC_BASE_X2APIC (1u << 10)
#define APIC_BASE_ENABLE (1u << 11)
#define MSR_X2APIC_ID 0x802
#define MSR_X2APIC_SPURIOUS 0x80f
#define MSR_X2APIC_LINT0 0x835
#define LVT_MASKED (1u << 16)
#define SPURIOUS_ENABLE 0x100u
#define SPURIOUS_VECTOR 0xffu

#define MSR_VM_CR 0xc0010114 /* AMD APM vol. 2, 15.30.1 */
#define VM_CR_DISABLED (1u << 4)

static void need(bool there, const char *what, const char *change)
{
    if (!there)
        stop("processor with APIC id %u: no %s; %s", cpuid_read(LEAF_FEATURES, 0).ebx >> 24, what, change);
}

void cpu_check(void)
{
    struct cpuid basic = cpuid_read(LEAF_FEATURES, 0), extended = cpuid_read(LEAF_EXTENDED, 0);
    uint32_t more = cpuid_read(0, 0).eax >= LEAF_MORE ? cpuid_read(LEAF_MORE, 0).ebx : 0;
    need(basic.edx & 1u << 26, "SSE2", "use an x86-64 processor");
    need(basic.edx & 1u << 9, "local APIC", "enable the local APIC in the firmware's processor settings");
    need(basic.ecx & 1u << 21, "x2APIC mode", "enable \"x2APIC\" in the firmware's processor settings");
    need(extended.edx & 1u << 20, "no-execute pages", "enable \"NX\" in the firmware's processor settings");
    need(extended.edx & 1u << 26, "1 GiB pages", "use a processor that has them");
    need(extended.edx & 1u << 11, "SYSCALL", "use an x86-64 processor");
    need(more & 1u, "FSGSBASE instructions", "use a processor that has them");
    need((more & 1u << 7) && (more & 1u << 20), "protection of the kernel from user memory (SMEP and SMAP)",
         "use a processor that has it, such as AMD's from Zen on");
    need(extended.ecx & 1u << 2, "SVM", "use an AMD processor, or enable \"SVM mode\" in the firmware's processor settings");
    need(!(msr_read(MSR_VM_CR) & VM_CR_DISABLED), "usable SVM, as the firmware has disabled it",
         "enable \"SVM mode\" in the firmware's processor settings");
    need(cpuid_read(0x80000000u, 0).eax >= LEAF_SVM && (cpuid_read(LEAF_SVM, 0).edx & 1u), "nested paging",
         "enable \"nested paging\" in the firmware's processor settings, or use a processor that has it");
}

void cpu_enable_x2apic(void)
{
    /* From xAPIC mode straight to x2APIC mode; a firmware that already did so loses nothing. */
    uint64_t base = msr_read(MSR_APIC_BASE);
    if (!(base & APIC_BASE_ENABLE))
        msr_write(MSR_APIC_BASE, base | APIC_BASE_ENABLE);
    msr_write(MSR_APIC_BASE, base | APIC_BASE_ENABLE | APIC_BASE_X2APIC);
    msr_write(MSR_X2APIC_SPURIOUS, SPURIOUS_ENABLE | SPURIOUS_VECTOR);
    msr_write(MSR_X2APIC_LINT0, LVT_MASKED); /* nothing comes from the 8259 any more */
}

uint32_t cpu_apic_id(void)
{
    return (uint32_t)msr_read(MSR_X2APIC_ID);
}

unsigned cpu_physical_bits(void)
{
    return cpuid_read(LEAF_SIZES, 0).eax & 0xff;
}

unsigned cpu_thread_bits(void)
{
    if (cpuid_read(0, 0).eax < LEAF_TOPOLOGY)
        return 0;
    struct cpuid level = cpuid_read(LEAF_TOPOLOGY, 0);
    bool threads = (level.ecx >> 8 & 0xff) == 1 && (level.ebx & 0xffff) != 0;
    return threads ? level.eax & 31 : 0;
}
