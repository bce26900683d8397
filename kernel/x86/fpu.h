/* Whose floating-point state the registers hold. */
#pragma once
#include "../object.h"

void fpu_init(void);
void fpu_forget(const void *owner); /* a TCB or vCPU is going: its state needs no saving any more */
void fpu_set_xcr0(word_t);      /* guest's XCR0, right before it runs */
void fpu_tcb_init(struct tcb *);
void fpu_vcpu_init(struct vcpu *);

extern struct vcpu *fpu_owner_vcpu; /* fpu.c's */
extern bool fpu_is_disabled;
void fpu_switch_slowly(struct tcb *);
/* For the thread about to run; a vCPU thread's state is in its vCPU. On the way from a guest to its VMM and back nothing is to be
 * done: the VMM runs without FPU, and the guest has a CR0 of its own. */
static inline void fpu_switch(struct tcb *t)
{
    if (t->vcpu ? fpu_owner_vcpu != t->vcpu : !(t->fpu_disabled && fpu_is_disabled))
        fpu_switch_slowly(t);
}
