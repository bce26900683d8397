/* What an exit does to the guest. */
#pragma once
#include "vm.h"

/* Groups that travel out with each exit class, for ATOLL_VCPU_SET_TRANSFER. */
uint32_t exit_groups(enum vcpu_exit exit_class);

/* Handle vm->vcpu's exit. */
enum vm_next exit_handle(struct vm *vm);

/* Before the guest goes on: single step, task priority, pending interrupts. */
void exit_finish_events(struct vm *vm);
void exit_finish_step(struct vm *vm);
static inline void exit_finish(struct vm *vm)
{
    if (vm->vcpu.exit_flags & EXIT_STEPPING)
        exit_finish_step(vm);
    if (!lapic_quiet(&vm->lapic) || vm->lapic.tpr != vm->vcpu.exit_tpr)
        exit_finish_events(vm);
}

/* A halted guest: may it go on? */
bool exit_wakes(struct vm *vm);
