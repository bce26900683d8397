/* Message-signalled interrupts of the guest's devices: a write to the address that the guest chose. */
#pragma once
#include <stdint.h>

struct vm;
void msi_send(struct vm *vm, uint32_t address, uint32_t data);
