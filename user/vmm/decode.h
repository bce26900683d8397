/* Decoder for the instructions that exit: those that reach memory which is not RAM, string I/O, control register moves, and
 * the lengths of the rest. It sees bytes only; what they mean is done in emulate.c. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define INSTRUCTION_MAX 15 /* AMD APM volume 3, 1.1 */

enum operation { /* kinds of instruction, by what emulate.c does */
    OP_OTHER,        /* only its length and opcode are of interest */
    OP_MOV,          /* also with sign or zero extension */
    OP_ALU,          /* add or adc sbb and sub xor cmp, `alu` in this order */
    OP_TEST,
    OP_XCHG,
    OP_MOVS, OP_STOS, OP_LODS,
    OP_INS, OP_OUTS,
    OP_MOV_CR, OP_MOV_DR, OP_LMSW, OP_CLTS,
};

enum operand { OPERAND_NONE, OPERAND_RM, OPERAND_REG, OPERAND_IMMEDIATE, OPERAND_ACCUMULATOR, OPERAND_OFFSET };

struct instruction {
    uint8_t length;
    uint8_t opcode;      /* last opcode byte */
    bool two_byte;       /* after 0F */
    uint8_t operation;   /* enum operation */
    uint8_t alu;
    uint8_t to, from;    /* enum operand */
    uint8_t bytes;       /* operand size: 1, 2, 4, 8 */
    uint8_t from_bytes;  /* of the source, where it differs */
    bool sign_extend;
    uint8_t address_bytes; /* 2, 4, 8 */
    uint8_t segment;     /* 0 es .. 5 gs: of the memory operand, or of rsi in string instructions */
    uint8_t repeat;      /* 0, 0xf2, 0xf3 */
    bool rex;            /* byte registers 4..7 are spl.. and not ah.. */
    /* ModRM, completed by REX. */
    bool memory;         /* the r/m operand is memory */
    uint8_t reg, rm;
    uint8_t base, index, scale; /* register numbers; NO_REGISTER */
    bool rip_relative;
    int64_t displacement; /* also the offset of A0..A3 */
    uint64_t immediate;
};
#define NO_REGISTER 0xff

/* Decode the instruction in bytes[0..n) in a mode of `bits` (16, 32, 64). False: not one of those above, or cut off. */
bool decode(const uint8_t *bytes, unsigned n, unsigned bits, struct instruction *out);
