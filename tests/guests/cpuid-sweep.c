/* Claim: every CPUID leaf answers; no virtualisation and no MONITOR is offered; a hypervisor is announced; OSXSAVE follows CR4. */
#include "guest.h"

#define CR4_OSXSAVE (1u << 18)

static void sweep(uint32_t first, uint32_t last, uint32_t subleaves)
{
    for (uint64_t leaf = first; leaf <= last; leaf++)
        for (uint32_t sub = 0; sub < subleaves; sub++)
            cpuid((uint32_t)leaf, sub);
}

void guest_main(void)
{
    struct cpuid basic = cpuid(0, 0), features = cpuid(1, 0), extended = cpuid(0x80000000, 0);
    char vendor[13] = {0};
    memcpy(vendor, &basic.ebx, 4);
    memcpy(vendor + 4, &basic.edx, 4);
    memcpy(vendor + 8, &basic.ecx, 4);
    print("cpuid-sweep: %s, leaves to 0x%x and 0x%x\n", vendor, basic.eax, extended.eax);

    sweep(0, 0x40, 8);
    sweep(0xd, 0xd, 64);
    sweep(0x20000000, 0x20000010, 1);
    sweep(0x40000000, 0x400000ff, 1);
    sweep(0x80000000, 0x80000040, 4);
    sweep(0x8fffffff, 0x8fffffff, 1);
    sweep(0xc0000000, 0xc0000010, 1);
    sweep(0xfffffff0, 0xffffffff, 2);

    if (features.ecx & CR4_OSXSAVE << 9)
        guest_fail("OSXSAVE is set while CR4.OSXSAVE is clear");
    if (features.ecx >> 26 & 1) {
        cr4_write(cr4_read() | CR4_OSXSAVE);
        if (!(cpuid(1, 0).ecx >> 27 & 1))
            guest_fail("OSXSAVE is clear while CR4.OSXSAVE is set");
        cr4_write(cr4_read() & ~(uint64_t)CR4_OSXSAVE);
    }
    if (guest_plain)
        return;
    if (!(features.ecx >> 31))
        guest_fail("the hypervisor bit is clear");
    if (features.ecx >> 5 & 1)
        guest_fail("VMX is offered");
    if (features.ecx >> 3 & 1)
        guest_fail("MONITOR is offered");
    if (!(features.ecx >> 21 & 1))
        guest_fail("x2APIC is not offered");
    if (extended.eax >= 0x80000001 && cpuid(0x80000001, 0).ecx >> 2 & 1)
        guest_fail("SVM is offered");
    if (extended.eax >= 0x8000000a && cpuid(0x8000000a, 0).edx)
        guest_fail("SVM features are offered");
    if (basic.eax >= 5 && (cpuid(5, 0).eax || cpuid(5, 0).ebx))
        guest_fail("MONITOR line sizes are offered");
}
