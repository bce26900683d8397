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

unsigned instruction_length_decoded(struct vm *vm, struct code_page *slot, unsigned bytes);

/* Length of the instruction that exited, one without operands in memory, whose whole plain encoding is `opcode`, 1 to 3 bytes.
 * TCG and older AMD CPUs do not report lengths. Most exits come from few places in the guest's kernel, whose code does not
 * move: pages are remembered, and their bytes compared with the plain encoding. User code is decoded each time, as each process has its own
 * at the same addresses. Should a guest's kernel play tricks with its mappings, it only misplaces its own RIP. */
static inline unsigned instruction_length(struct vm *vm, const uint8_t *opcode, unsigned bytes)
{
    struct vcpu *v = &vm->vcpu;
    struct code_page *page = &vm->code_pages[v->exit_rip / 4096 % CODE_PAGES];
    uint64_t offset = v->exit_rip % 4096;

    if (vcpu_exit_length(v))
        return vcpu_exit_length(v);
    if (!(v->exit_flags & EXIT_USER) && v->exit_rip - offset == page->linear && offset + bytes <= 4096 && page->bytes[offset] == opcode[0] &&
        (bytes < 2 || page->bytes[offset + 1] == opcode[1]) && (bytes < 3 || page->bytes[offset + 2] == opcode[2]))
        return bytes;
    return instruction_length_decoded(vm, page, bytes);
}
