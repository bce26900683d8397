/* Claim: virtualisation is not there: its instructions raise #UD and EFER.SVME cannot be set (AMD APM volume 2, section 15.4). */
#include "guest.h"

#define EFER_SVME (1u << 12)

static uint8_t page[4096] __attribute__((aligned(4096)));

static void do_vmrun(void *p) { __asm__ volatile("vmrun" : : "a"(p) : "memory"); }
static void do_vmload(void *p) { __asm__ volatile("vmload" : : "a"(p) : "memory"); }
static void do_vmsave(void *p) { __asm__ volatile("vmsave" : : "a"(p) : "memory"); }
static void do_stgi(void *p) { (void)p; __asm__ volatile("stgi" : : : "memory"); }
static void do_clgi(void *p) { (void)p; __asm__ volatile("clgi" : : : "memory"); }
static void do_skinit(void *p) { __asm__ volatile(".byte 0x0f, 0x01, 0xde" : : "a"(p) : "memory"); }
static void do_invlpga(void *p) { __asm__ volatile(".byte 0x0f, 0x01, 0xdf" : : "a"(p), "c"(1) : "memory"); }
static void do_vmlaunch(void *p) { (void)p; __asm__ volatile("vmlaunch" : : : "memory"); }
static void do_monitor(void *p) { __asm__ volatile("monitor" : : "a"(p), "c"(0), "d"(0) : "memory"); }
static void do_mwait(void *p) { (void)p; __asm__ volatile("mwait" : : "a"(0), "c"(0) : "memory"); }
static void do_rsm(void *p) { (void)p; __asm__ volatile("rsm" : : : "memory"); }
static void set_svme(void *p) { (void)p; wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME); }

static const struct { const char *name; void (*f)(void *); bool under_tcg; } instructions[] = {
    {"VMRUN", do_vmrun, true}, {"VMLOAD", do_vmload, true}, {"VMSAVE", do_vmsave, true}, {"STGI", do_stgi, true}, {"CLGI", do_clgi, true},
    {"SKINIT", do_skinit, true}, {"INVLPGA", do_invlpga, true}, {"VMLAUNCH", do_vmlaunch, true},
    {"RSM", do_rsm, true}, {"MONITOR", do_monitor, false}, {"MWAIT", do_mwait, false},
};

void guest_main(void)
{
    for (unsigned i = 0; i < sizeof instructions / sizeof instructions[0]; i++) {
        if (guest_plain && !instructions[i].under_tcg)
            continue;
        uint64_t trap = trap_run(instructions[i].f, page);
        print("vmrun: %s: %s\n", instructions[i].name, trap == TRAP_UD + 1 ? "#UD" : trap ? "another exception" : "executed");
        if (trap != TRAP_UD + 1)
            guest_fail("%s did not raise #UD", instructions[i].name);
    }
    if (guest_plain)
        return;
    if (trap_run(set_svme, NULL) != TRAP_GP + 1 || rdmsr(MSR_EFER) & EFER_SVME)
        guest_fail("EFER.SVME can be set");
}
