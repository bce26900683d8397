/* function: every function of kernel/x86/switch.c, fpu.c, predictor.c
 * property: after a switch to a user thread CR3 holds that thread's root, and the floating-point registers are its own or locked away; to a vCPU thread, the registers are its vCPU's; the branch predictor's domain is the one that runs; nobody owns registers that is gone; nothing undefined
 * bound: 2 user threads, 2 vCPU threads, any roots
 * options: --unwind 9
 */
#include "../proof.h"
#include <machine.h>
#include "kernel/core.h"
#include "kernel/state.h"
#include "kernel/x86/switch.c"
#include "kernel/x86/fpu.c"
#include "kernel/x86/predictor.c"

struct kernel kernel;
struct cpu_features cpu;
struct guest_loaded guest_loaded;
struct vspace_state vspace;
static struct tcb ua, ub, ga, gb;
static struct vcpu va, vb;
static paddr_t root_of_a, root_of_b;
paddr_t vspace_find(const struct tcb *t) { HOLDS(t == &ua || t == &ub, "a user thread"); return t == &ua ? root_of_a : root_of_b; }

static paddr_t any_root(void) { paddr_t r = nondet_word(); ASSUME(r != 0); return r; }

int main(void)
{
    cpu.xsave = nondet_bool(), cpu.ibpb = nondet_bool(), cpu.x87_pointers_saved = nondet_bool(), cpu.xcr0_mask = nondet_word();
    root_of_a = any_root(), root_of_b = any_root();
    ga.vcpu = &va, gb.vcpu = &vb, va.tcb = &ga, vb.tcb = &gb;
    ua.fpu_disabled = nondet_bool(), ub.fpu_disabled = nondet_bool();
    ua.vspace.cap.w0 = nondet_word(), ub.vspace.cap.w0 = nondet_word();
    va.vmm_root = nondet_word(), vb.vmm_root = nondet_word();
    /* Whose registers the processor holds; what is known of roots is right. */
    fpu.tcb = nondet_bool() ? NULL : nondet_bool() ? &ua : &ub;
    fpu.vcpu = fpu.tcb || nondet_bool() ? NULL : nondet_bool() ? &va : &vb;
    fpu.disabled = nondet_bool();
    bases_owner = nondet_bool() ? NULL : nondet_bool() ? &ua : &ub;
    vspace.root = processor.cr3 = any_root();
    guest_loaded.tsc_aux = nondet_word();
    predictor.root = nondet_word();
    predictor.guest = nondet_bool() ? NULL : nondet_bool() ? &va : &vb;
    for (unsigned i = 0; i < VSPACE_KNOWN; i++)
        vspace.known[i] = (struct known_root){VSPACE_UNKNOWN, 0};
    if (nondet_bool())
        *vspace_known(ua.vspace.cap.w0) = (struct known_root){ua.vspace.cap.w0, root_of_a};
    ASSUME(ua.vspace.cap.w0 != VSPACE_UNKNOWN && ub.vspace.cap.w0 != VSPACE_UNKNOWN && ub.vspace.cap.w0 != ua.vspace.cap.w0);
    kernel.current = nondet_bool() ? &ua : &ga;
    paddr_t before = vspace.root;

    switch (nondet_below(8)) {
    case 0:
        kernel.current = &ua;
        arch_switch_to(&ua);
        HOLDS(processor.cr3 == root_of_a && vspace.root == root_of_a, "its own root");
        HOLDS(ua.fpu_disabled ? fpu.disabled : fpu.tcb == &ua && !fpu.disabled, "its own registers, or none");
        HOLDS(predictor.root == root_of_a, "its own domain");
        HOLDS(processor.flushes == (before != root_of_a) && exit_special == EXIT_TO_USER && bases_owner == &ua, "one load if it was another's");
        HOLDS(before == root_of_a || (guest_loaded.tsc_aux == 0 && guest_loaded.refresh), "nothing of a guest's is left to be seen");
        REACH(ua.fpu_disabled && fpu.vcpu);
        REACH(before != root_of_a);
        break;
    case 1:
        arch_switch_to(&ga);
        HOLDS(exit_special == EXIT_TO_VCPU && !bases_owner && processor.cr3 == before, "on whatever is loaded");
        HOLDS(fpu.vcpu == &va && !fpu.tcb, "its vCPU's registers");
        predictor_switch_guest(&va);
        HOLDS(predictor.guest == &va, "its own domain");
        REACH(predictor.root == va.vmm_root);
        break;
    case 2: arch_switch_to_idle(); HOLDS(exit_special == EXIT_TO_IDLE && !bases_owner, "nobody's"); break;
    case 3: arch_tls_base_changed(&ua); break;
    case 4: kernel.current = &ua; arch_fpu_flags_changed(&ua); HOLDS(ua.fpu_disabled ? fpu.disabled : fpu.tcb == &ua && !fpu.disabled, "as its flag says"); break;
    case 5:
        arch_vcpu_unbind(&ua);
        arch_vcpu_unbind(&ga);
        fpu_forget(&va);
        HOLDS(fpu.tcb != &ua && fpu.vcpu != &va && bases_owner != &ua && !ga.vcpu && !va.tcb, "nothing is saved to what is gone");
        break;
    case 6: {
        paddr_t gone = any_root();
        predictor_forget(gone);
        predictor_forget_guest(&va);
        HOLDS(predictor.root != gone && predictor.guest != &va, "no domain of what is gone");
        break;
    }
    default: fpu_tcb_init(&ua); fpu_vcpu_init(&va); fpu_set_xcr0(nondet_word());
    }
    HOLDS(!fpu.tcb || !fpu.vcpu, "one owner at most");
    HOLDS(vspace.root == processor.cr3, "CR3 as the kernel knows it");
}
