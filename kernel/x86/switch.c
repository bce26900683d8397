/* From one thread to the next: address space, predictor, floating-point registers, segment bases. Every message between two threads
 * passes here, so each part asks first whether the processor holds the right thing already. */
#include <machine.h>
#include "../core.h"
#include "context.h"
#include "cpu.h"
#include "fpu.h"
#include "paging.h"
#include "predictor.h"
#include "vcpu.h"

uint8_t exit_special;           /* entry.S: what kernel_exit does */
static struct tcb *bases_owner; /* whose FS and GS bases the registers hold */

static inline void bases_save(void)
{
    if (!bases_owner)
        return;
    bases_owner->context.fs_base = read_fs_base();
    bases_owner->context.gs_base = read_gs_base();
}

static inline void bases_load(struct tcb *t)
{
    write_fs_base(t->context.fs_base);
    write_gs_base(t->context.gs_base);
    bases_owner = t;
}

/* As predictor_switch_guest(). */
static inline void predictor_switch_user(paddr_t root)
{
    if (root == predictor.root)
        return;
    if (cpu.ibpb)
        wrmsr(MSR_PRED_CMD, PRED_CMD_IBPB);
    predictor = (struct predictor){root, NULL};
}

/* Another security domain's root: nothing that one leaves in a register is for the next to see. */
static inline void root_load(paddr_t root)
{
    clear_selectors();
    guest_loaded.refresh = true;
    if (guest_loaded.tsc_aux) {
        wrmsr(MSR_TSC_AUX, 0);
        guest_loaded.tsc_aux = 0;
    }
    vspace.root = root;
    write_cr3(root);
}

/* On the way from a guest to its VMM and back nothing is to be done: the VMM runs without FPU, and the guest has a CR0 of its own. */
static inline void fpu_switch_guest(struct tcb *t)
{
    if (fpu.vcpu != t->vcpu)
        fpu_switch_slowly(t);
}

static inline void fpu_switch_user(struct tcb *t)
{
    if (t->fpu_disabled ? fpu.disabled : fpu.tcb == t && !fpu.disabled)
        return;
    if (t->fpu_disabled || !fpu.tcb || fpu.disabled || !cpu.x87_pointers_saved) {
        fpu_switch_slowly(t);
        return;
    }
    fxsave(fpu.tcb->fpu);
    fxrstor(t->fpu);
    fpu.tcb = t;
}

static inline void switch_to_user(struct tcb *t, paddr_t root)
{
    exit_special = EXIT_TO_USER;
    if (root != vspace.root)
        root_load(root);
    predictor_switch_user(root); /* also back from a guest, perhaps another's */
    bases_load(t);
    fpu_switch_user(t);
}

static __attribute__((noinline)) void switch_to_unknown(struct tcb *t)
{
    switch_to_user(t, vspace_find(t));
}

/* vCPU threads and the idle thread have no user half: they run on whatever is loaded, so that the VMM's TLB survives its guest. */
void arch_switch_to(struct tcb *t)
{
    bases_save();
    if (t->vcpu) {
        bases_owner = NULL; /* VMLOAD brings others */
        exit_special = EXIT_TO_VCPU;
        fpu_switch_guest(t);
        return;
    }
    word_t cap = t->vspace.cap.w0;
    const struct known_root *known = vspace_known(cap);
    if (known->cap == cap)
        switch_to_user(t, known->root);
    else
        switch_to_unknown(t);
}

void arch_switch_to_idle(void)
{
    bases_save();
    bases_owner = NULL;
    exit_special = EXIT_TO_IDLE;
}

void arch_tls_base_changed(struct tcb *t)
{
    if (t == bases_owner)
        write_fs_base(t->context.fs_base);
}

void arch_fpu_flags_changed(struct tcb *t)
{
    if (t == kernel.current && !t->vcpu)
        fpu_switch_user(t);
}

void arch_vcpu_unbind(struct tcb *t)
{
    fpu_forget(t);
    if (bases_owner == t)
        bases_owner = NULL;
    if (t->vcpu)
        t->vcpu->tcb = NULL;
    t->vcpu = NULL;
}
