/* Fuzzing the instruction decoder against capstone: what it takes has the same length there, and the same memory operand. The first byte
 * chooses the mode. */
#include <capstone/capstone.h>
#include <stdlib.h>
#include <string.h>
#include "decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Capstone's register families, in the CPU's numbers. */
static int number_of(x86_reg reg)
{
    static const x86_reg families[16][3] = {
        {X86_REG_RAX, X86_REG_EAX, X86_REG_AX}, {X86_REG_RCX, X86_REG_ECX, X86_REG_CX}, {X86_REG_RDX, X86_REG_EDX, X86_REG_DX},
        {X86_REG_RBX, X86_REG_EBX, X86_REG_BX}, {X86_REG_RSP, X86_REG_ESP, X86_REG_SP}, {X86_REG_RBP, X86_REG_EBP, X86_REG_BP},
        {X86_REG_RSI, X86_REG_ESI, X86_REG_SI}, {X86_REG_RDI, X86_REG_EDI, X86_REG_DI}, {X86_REG_R8, X86_REG_R8D, X86_REG_R8W},
        {X86_REG_R9, X86_REG_R9D, X86_REG_R9W}, {X86_REG_R10, X86_REG_R10D, X86_REG_R10W}, {X86_REG_R11, X86_REG_R11D, X86_REG_R11W},
        {X86_REG_R12, X86_REG_R12D, X86_REG_R12W}, {X86_REG_R13, X86_REG_R13D, X86_REG_R13W}, {X86_REG_R14, X86_REG_R14D, X86_REG_R14W},
        {X86_REG_R15, X86_REG_R15D, X86_REG_R15W}};

    for (int i = 0; i < 16; i++)
        for (int k = 0; k < 3; k++)
            if (families[i][k] == reg)
                return i;
    return NO_REGISTER;
}

static void compare(const struct instruction *in, const cs_insn *theirs)
{
    const cs_x86 *x = &theirs->detail->x86;

    if (in->length != theirs->size)
        abort();
    if (in->operation != OP_MOV && in->operation != OP_ALU && in->operation != OP_TEST && in->operation != OP_XCHG)
        return;
    for (unsigned i = 0; i < x->op_count; i++) {
        const cs_x86_op *op = &x->operands[i];

        if (op->type != X86_OP_MEM || !in->memory)
            continue;
        if (in->rip_relative ? op->mem.base != X86_REG_RIP && op->mem.base != X86_REG_EIP : number_of(op->mem.base) != in->base)
            abort();
        if (number_of(op->mem.index) != in->index || (in->index != NO_REGISTER && op->mem.scale != 1 << in->scale))
            abort();
        if (in->address_bytes == 8 && op->mem.disp != in->displacement)
            abort();
        /* Behind F2 or F3, which mean nothing to these instructions, capstone 4 forgets 66h (APM volume 3, 1.2.2 keeps it). */
        if (!in->repeat && op->size != in->bytes && op->size != in->from_bytes)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct { unsigned bits; cs_mode mode; } modes[] = {{16, CS_MODE_16}, {32, CS_MODE_32}, {64, CS_MODE_64}};
    static csh handles[3];
    struct instruction in;
    cs_insn *theirs;
    unsigned mode;

    if (size < 2)
        return 0;
    mode = data[0] % 3;
    if (!handles[mode]) {
        if (cs_open(CS_ARCH_X86, modes[mode].mode, &handles[mode]) != CS_ERR_OK)
            exit(1);
        cs_option(handles[mode], CS_OPT_DETAIL, CS_OPT_ON);
    }
    data++;
    size = size - 1 < INSTRUCTION_MAX ? size - 1 : INSTRUCTION_MAX;
    if (!decode(data, (unsigned)size, modes[mode].bits, &in))
        return 0;
    if (in.length > size || in.length == 0)
        abort();
    if (cs_disasm(handles[mode], data, size, 0x1000, 1, &theirs) == 1) {
        compare(&in, theirs);
        cs_free(theirs, 1);
    }
    return 0;
}
