/* Which virtio devices this VM has, and the components behind them. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct vm;
/* Once, as vm->config says; the VMM's queues are mapped. False: vm->reason says which is not there. */
bool devices_add(struct vm *vm);
void devices_poll_disks(struct vm *vm); /* a component rang */
void devices_poll_nets(struct vm *vm);
