/* Whose floating-point state the registers hold. */
#pragma once
#include "../object.h"

void fpu_init(void);
void fpu_forget(const void *owner); /* a TCB or vCPU is going: its state needs no saving any more */
void fpu_set_xcr0(word_t);      /* guest's XCR0, right before it runs */
void fpu_tcb_init(struct tcb *);
void fpu_vcpu_init(struct vcpu *);

extern struct fpu_state {
    struct tcb *tcb;   /* at most one of these owns the registers */
    struct vcpu *vcpu;
    bool disabled;     /* CR0.TS */
} fpu;
void fpu_switch_slowly(struct tcb *); /* for the thread about to run; a vCPU thread's state is in its vCPU */
