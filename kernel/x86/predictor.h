/* Branch predictor barrier between security domains on this core. */
#pragma once
#include "../types.h"

#define PRED_CMD_IBPB 1 /* MSR_PRED_CMD (APM vol 2, 3.2.9) */

struct vcpu;
extern struct predictor { /* the domain that ran last */
    paddr_t root;             /* a user root.. */
    const struct vcpu *guest; /* ..and the guest that belongs to it, if any */
} predictor;
void predictor_switch_guest(const struct vcpu *); /* before a guest runs */
void predictor_forget(paddr_t root);
void predictor_forget_guest(const struct vcpu *);
