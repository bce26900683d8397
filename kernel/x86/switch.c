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
    bases_owner->context.fs_base = read_fs_base();
    bases_owner->context.gs_base = read_gs_base();
}

static inline void bases_load(struct tcb *t)
{
    write_fs_base(t->context.fs_base);
    write_gs_base(t->context.gs_base);
    bases_owner = t;
}

/* vCPU threads and the idle thread have no user half: they run on whatever is loaded, so that the VMM's TLB survives its guest. */
static inline void vspace_switch(const struct tcb *t)
{
    word_t cap = t->vspace.cap.w0;
    if (cap != vspace.cap) {
        const struct known_root *known = vspace_known(cap);
        paddr_t root = known->cap == cap ? known->root : vspace_find(t);
        vspace.cap = known->cap == cap ? cap : VSPACE_UNKNOWN;
        if (root != vspace.root) {
            clear_selectors();
            guest_leave_domain();
            vspace.root = root;
            write_cr3(root);
        }
    }
    predictor_switch_user(vspace.root); /* also back from a guest, perhaps another's */
}

/* On the way from a guest to its VMM and back nothing is to be done: the VMM runs without FPU, and the guest has a CR0 of its own. */
static inline void fpu_switch(struct tcb *t)
{
    if (t->vcpu ? fpu.vcpu == t->vcpu : t->fpu_disabled ? fpu.disabled : fpu.tcb == t && !fpu.disabled)
        return;
    if (t->vcpu || t->fpu_disabled || !fpu.tcb || fpu.disabled || !cpu.x87_pointers_saved) {
        fpu_switch_slowly(t);
        return;
    }
    fxsave(fpu.tcb->fpu);
    fxrstor(t->fpu);
    fpu.tcb = t;
}

void arch_switch_to(struct tcb *t)
{
    if (bases_owner && bases_owner != t)
        bases_save();
    if (t->vcpu) {
        bases_owner = NULL; /* VMLOAD brings others */
        exit_special = EXIT_TO_VCPU;
    } else {
        exit_special = EXIT_TO_USER;
        vspace_switch(t);
        if (bases_owner != t)
            bases_load(t);
    }
    fpu_switch(t);
}

void arch_switch_to_idle(void)
{
    if (bases_owner)
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
        fpu_switch(t);
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
