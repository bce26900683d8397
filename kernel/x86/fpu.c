/* Floating-point state, switched eagerly.
 *
 * Lazy switching (leave the old owner's registers in place under CR0.TS and load on the first #NM) lets speculation read the old
 * owner's registers on Intel parts (CVE-2018-3665). So a thread that may use the FPU always gets its own state before it runs.
 * A thread that has given the FPU up (SEL4_TCB_FLAG_FPU_DISABLED: the VMM and the node manager) runs with CR0.TS set and leaves the
 * registers alone: a guest's state stays loaded while its own VMM answers an exit. AMD parts don't speculate past TS; there, and on
 * fixed Intel parts, this hides one thread's registers from another. On parts with the flaw, a component without FPU could
 * learn the guest's vector registers; such a component is that guest's own VMM or is trusted.
 *
 * User threads have x87 and SSE (FXSAVE, as in seL4's configuration). Guests have what XCR0 allows them; their area is saved and
 * loaded with the full mask, since XCR0 may hide state that the guest expects to find again.
 */
#include <machine.h>
#include "fpu.h"
#include "cpu.h"
#include "vcpu.h"

#define XCR0_USER 3 /* x87, SSE */
#define FCW_DEFAULT 0x37f
#define MXCSR_DEFAULT 0x1f80
#define FXSAVE_FCW 0    /* byte offsets in the FXSAVE image (APM vol 1, 11.4.4) */
#define FXSAVE_MXCSR 24

struct fpu_state fpu;
static word_t xcr0 = XCR0_USER; /* as the register holds it */

static void set_disabled(bool on)
{
    if (on == fpu.disabled)
        return;
    if (on)
        write_cr0(read_cr0() | CR0_TS);
    else
        clts();
    fpu.disabled = on;
}

void fpu_set_xcr0(word_t value)
{
    if (!cpu.xsave || value == xcr0)
        return;
    xsetbv(value);
    xcr0 = value;
}

static void save_owner(void)
{
    if (fpu.tcb) {
        fxsave(fpu.tcb->fpu);
    } else if (fpu.vcpu && cpu.xsave) {
        fpu_set_xcr0(cpu.xcr0_mask);
        xsave(fpu.vcpu->fpu, cpu.xcr0_mask);
    } else if (fpu.vcpu) {
        fxsave(fpu.vcpu->fpu);
    }
    fpu.tcb = NULL;
    fpu.vcpu = NULL;
    /* AMD parts before Zen 2 restore FIP, FDP and FOP only if an exception is pending, so they would show the last owner's
     * addresses (APM vol 3, FXRSTOR; CPUID 8000_0008 EBX 2). */
    if (!cpu.x87_pointers_saved)
        fpu_clear_pointers();
}

void fpu_switch_slowly(struct tcb *t)
{
    if (t->vcpu) {
        set_disabled(false);
        save_owner();
        guest_loaded.refresh = true; /* XCR0 */
        fpu.vcpu = t->vcpu;
        if (cpu.xsave) {
            fpu_set_xcr0(cpu.xcr0_mask);
            xrstor(fpu.vcpu->fpu, cpu.xcr0_mask);
        } else {
            fxrstor(fpu.vcpu->fpu);
        }
    } else if (t->fpu_disabled) {
        set_disabled(true);
    } else {
        set_disabled(false);
        if (fpu.tcb == t)
            return;
        save_owner();
        fpu_set_xcr0(XCR0_USER);
        fpu.tcb = t;
        fxrstor(t->fpu);
    }
}

void fpu_forget(const void *owner)
{
    if (fpu.tcb == owner)
        fpu.tcb = NULL;
    if (fpu.vcpu == owner)
        fpu.vcpu = NULL;
}

static void image_init(uint8_t *image)
{
    *(uint16_t *)(void *)(image + FXSAVE_FCW) = FCW_DEFAULT;
    *(uint32_t *)(void *)(image + FXSAVE_MXCSR) = MXCSR_DEFAULT;
}

void fpu_tcb_init(struct tcb *t) { image_init(t->fpu); }

/* All else zero: XSTATE_BV 0 gives every component its initial state (APM vol 4, XRSTOR), MXCSR is always loaded. */
void fpu_vcpu_init(struct vcpu *v) { image_init(v->fpu); }
