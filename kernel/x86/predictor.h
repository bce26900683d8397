/* Branch predictor barrier between security domains on this core. */
#pragma once
#include "cpu.h"

struct vcpu;
extern struct predictor { /* the domain that ran last */
    paddr_t root;             /* a user root.. */
    const struct vcpu *guest; /* ..and the guest that belongs to it, if any */
} predictor;
void predictor_barrier(void);
static inline void predictor_switch_user(paddr_t root) /* before a user address space runs */
{
    if (root == predictor.root)
        return;
    if (cpu.ibpb)
        predictor_barrier();
    predictor = (struct predictor){root, NULL};
}
void predictor_switch_guest(const struct vcpu *); /* before a guest runs */
void predictor_forget(paddr_t root);
void predictor_forget_guest(const struct vcpu *);
