/* Which virtio devices this VM has, and the components behind them. */
#pragma once
#include <stdint.h>

struct vm;
void devices_add(struct vm *vm); /* once, as vm->config says; the VMM's queues are mapped */
void devices_poll_disks(struct vm *vm); /* a component rang */
void devices_poll_nets(struct vm *vm);
