/* Guest-physical addresses that are not RAM. */
#pragma once
#include "vm.h"

/* 1 to 8 bytes; what nobody answers reads as all ones, and writes to it are lost. Both are counted. */
uint64_t mmio_read(struct vm *vm, uint64_t address, unsigned bytes);
void mmio_write(struct vm *vm, uint64_t address, unsigned bytes, uint64_t value);
