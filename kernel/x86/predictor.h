/* Branch predictor barrier between security domains on this core. */
#pragma once
#include "../types.h"

struct vcpu;
void predictor_switch_user(paddr_t root);         /* before a user address space runs */
void predictor_switch_guest(const struct vcpu *); /* before a guest runs */
void predictor_forget(paddr_t root);
void predictor_forget_guest(const struct vcpu *);
