/* vCPUs among each other: kicks, forwarded device accesses, INIT and start-up, standing still for a reset. */
#pragma once
#include "vm.h"

/* main.c, for the waits in here. */
void take_signals(uint64_t badge);
uint64_t manager_call(uint64_t request, unsigned words);
void report_counters(void);

void smp_set_up(struct vm *vm);

/* At the start of the VMM: waits for all others, which stand still then. Was there a life before this one? Only vCPU 0's says yes. */
bool smp_memory_used(struct vm *vm);

/* VMM_BADGE_KICK: take what came, and on vCPU 0 do the accesses of others. What a device asked for is in vm->next then. */
void smp_kicked(struct vm *vm);

/* A vCPU other than 0: is there INIT, or a reset of the VM? Then smp_stand() waits until it is started; its state is vm->vcpu's words. */
bool smp_must_stand(const struct vm *vm);
void smp_stand(struct vm *vm);

/* Out of a halt with interrupts off. */
void smp_hears(struct vm *vm);

/* vCPU 0: have all others stand still, with their counters told. */
void smp_park_others(struct vm *vm);
