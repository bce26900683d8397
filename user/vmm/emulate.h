/* Instructions done in software: those that touch memory which is not RAM, and string I/O. */
#pragma once
#include "vm.h"

/* The instruction at RIP accessed address space without RAM behind it. */
enum vm_next emulate_nested_fault(struct vm *vm);

/* INS or OUTS; the port and its width as in the exit. */
enum vm_next emulate_string_port(struct vm *vm, uint16_t port, unsigned bytes, bool in);

/* Control and debug register moves that exited. */
enum vm_next emulate_control(struct vm *vm);
enum vm_next emulate_debug(struct vm *vm);

/* Length of the instruction that exited, for instructions without operands in memory: what the hardware said, or decoded.
 * `opcode` is what an unprefixed one looks like. */
unsigned instruction_length(struct vm *vm, const uint8_t *opcode, unsigned bytes);
