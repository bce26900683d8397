/* function: vcpu_check_group, vcpu_check_entry, vcpu_check_event
 * property: state that passes breaks none of VMRUN's consistency checks (APM vol 2, 15.5.1), for the guest state that a VMM can write
 * bound: all inputs
 * options: --unwind 18
 */
#include "../proof.h"
#include "kernel/x86/vcpu_state.c"

struct cpu_features cpu;

int main(void)
{
    word_t control[VCPU_MAX_GROUP_WORDS], segments[VCPU_MAX_GROUP_WORDS], rip[VCPU_MAX_GROUP_WORDS], event[VCPU_MAX_GROUP_WORDS],
        msrs[VCPU_MAX_GROUP_WORDS];
    for (unsigned i = 0; i < VCPU_MAX_GROUP_WORDS; i++) {
        control[i] = nondet_word();
        segments[i] = nondet_word();
        rip[i] = nondet_word();
        event[i] = nondet_word();
        msrs[i] = nondet_word();
    }
    cpu.phys_mask = nondet_word();
    cpu.guest_cr4_mask = nondet_word();
    cpu.xcr0_mask = nondet_word();
    cpu.xsave = nondet_bool();

    bool words = vcpu_check_group(__builtin_ctz(VCPU_GROUP_CONTROL), control) < 0 &&
                 vcpu_check_group(__builtin_ctz(VCPU_GROUP_SEGMENTS), segments) < 0 &&
                 vcpu_check_group(__builtin_ctz(VCPU_GROUP_RIP), rip) < 0 && vcpu_check_group(__builtin_ctz(VCPU_GROUP_EVENT), event) < 0 &&
                 vcpu_check_group(__builtin_ctz(VCPU_GROUP_MSRS), msrs) < 0;
    bool passes = words && vcpu_check_entry(control, segments, rip[1], event[0]) < 0;

    /* The conditions as the manual lists them, on architectural bit numbers, written without the kernel's names. */
    word_t cr0 = control[0], cr3 = control[2], cr4 = control[3], efer = control[5], cs = segments[2] >> 16, e = event[0];
    bool cd = cr0 >> 30 & 1, nw = cr0 >> 29 & 1, pg = cr0 >> 31 & 1, pe = cr0 & 1, pae = cr4 >> 5 & 1, lme = efer >> 8 & 1;
    HOLDS(!passes || !(nw && !cd), "CR0.CD = 0 with CR0.NW = 1");
    HOLDS(!passes || cr0 >> 32 == 0, "CR0 63..32");
    HOLDS(!passes || (cr3 & ~cpu.phys_mask) == 0, "CR3 must-be-zero bits");
    HOLDS(!passes || (cr4 & ~cpu.guest_cr4_mask) == 0, "CR4 bits that the processor lacks");
    HOLDS(!passes || (efer & ~0xd01ull) == 0, "EFER bits other than SCE, LME, LMA, NXE (SVME and FFXSR are not the VMM's)");
    HOLDS(!passes || !(lme && pg && !pae), "long mode without PAE");
    HOLDS(!passes || !(lme && pg && !pe), "long mode without protection");
    HOLDS(!passes || !(lme && pg && pae && (cs >> 9 & 1) && (cs >> 10 & 1)), "CS.L with CS.D in long mode");
    HOLDS(!passes || !(e >> 31 & 1) || (e >> 8 & 7) == 0 || (e >> 8 & 7) == 2 || (e >> 8 & 7) == 3 || (e >> 8 & 7) == 4,
          "event of an undefined type");
    HOLDS(!passes || !((e >> 31 & 1) && (e >> 8 & 7) == 3 && ((e & 0xff) > 31 || (e & 0xff) == 2)), "exception with no such vector");
    for (unsigned i = 0; i < 8; i++) {
        word_t type = msrs[8] >> 8 * i & 0xff;
        HOLDS(!passes || type == 0 || type == 1 || (type >= 4 && type <= 7), "guest PAT with an undefined memory type");
    }
    REACH(passes && (efer >> 10 & 1));
    REACH(passes && !pg);
    REACH(passes && (e >> 31));
    REACH(words && !passes);
}
