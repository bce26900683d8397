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
#define LEAF_POWER 0x80000007u
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
#define FEATURE_SVM (1u << 2)

void cpu_facts(struct processor_facts *f)
{
    struct cpuid basic = cpuid_read(LEAF_FEATURES, 0), extended = cpuid_read(LEAF_EXTENDED, 0);
    uint32_t highest = cpuid_read(0x80000000u, 0).eax;
    *f = (struct processor_facts){.apic_id = basic.ebx >> 24, .basic_ecx = basic.ecx, .basic_edx = basic.edx,
                                  .extended_ecx = extended.ecx, .extended_edx = extended.edx};
    f->more_ebx = cpuid_read(0, 0).eax >= LEAF_MORE ? cpuid_read(LEAF_MORE, 0).ebx : 0;
    f->power_edx = highest >= LEAF_POWER ? cpuid_read(LEAF_POWER, 0).edx : 0;
    f->svm_edx = highest >= LEAF_SVM ? cpuid_read(LEAF_SVM, 0).edx : 0;
    f->vm_cr_known = true; /* where there is no SVM there may be no such register, and the bit is meaningless */
    f->vm_cr = extended.ecx & FEATURE_SVM ? msr_read(MSR_VM_CR) : 0;
}

static void stop_at_failure(void *context, enum verdict v, const char *requirement, const char *sentence)
{
    (void)context;
    (void)requirement;
    if (v == VERDICT_FAIL)
        stop("%s", sentence);
}

void cpu_check(void)
{
    struct processor_facts facts;
    cpu_facts(&facts);
    requirements_processor(&facts, &(struct verdicts){stop_at_failure, NULL});
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
