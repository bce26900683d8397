/* Model-specific registers that exit: an allow-list. */
#pragma once
#include <stdbool.h>
#include "vm.h"

/* False: the CPU would raise #GP. */
bool msr_read(struct vm *vm, uint32_t msr, uint64_t *value);
bool msr_write(struct vm *vm, uint32_t msr, uint64_t value);
void msr_reset(struct msr_state *s);
