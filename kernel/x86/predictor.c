/* IBPB when the core passes from one security domain to another.
 *
 * A domain is a user address space, or a guest together with the address space of the VMM that answers its exits: a VMM
 * is untrusted beyond its own VM, so nothing is lost between those two, and the exit path stays free of barriers.
 * Covered: one domain steering another's indirect branches on this core (Spectre v2, between guests, components and node
 * manager). Not covered: the kernel itself as the victim between barriers (it has no indirect calls beyond switch tables, maps no other
 * domain's memory, and enables the processor's automatic protection where there is one), and caches: docs say so.
 */
#include <machine.h>
#include "predictor.h"
#include "cpu.h"
#include "vcpu.h"

struct predictor predictor;

static void barrier(void)
{
    if (cpu.ibpb)
        wrmsr(MSR_PRED_CMD, PRED_CMD_IBPB);
}

void predictor_switch_guest(const struct vcpu *v)
{
    if (v == predictor.guest)
        return;
    if (v->vmm_root != predictor.root || predictor.guest)
        barrier();
    predictor.root = v->vmm_root;
    predictor.guest = v;
}

/* The physical address may become another root: it must not look like the same domain. */
void predictor_forget(paddr_t root)
{
    if (root == predictor.root)
        predictor.root = 0;
}

void predictor_forget_guest(const struct vcpu *v)
{
    if (v != predictor.guest)
        return;
    predictor.root = 0;
    predictor.guest = NULL;
}
