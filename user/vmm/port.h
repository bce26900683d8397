/* I/O ports. */
#pragma once
#include "vm.h"

/* What nobody answers reads as all ones, and writes to it are lost; both are counted. A write may end the guest's run:
 * vm->next. */
uint32_t port_read(struct vm *vm, uint16_t port, unsigned bytes);
void port_write(struct vm *vm, uint16_t port, unsigned bytes, uint32_t value);

/* Bring the UART's interrupt line up to date. */
void port_update_uart(struct vm *vm);
