/* Instruction decoder (AMD APM volume 3, chapter 1 and appendix A). */
#include "decode.h"

struct reader {
    const uint8_t *bytes;
    unsigned n, at;
    bool cut; /* wanted more than there is */
};

static uint8_t take(struct reader *r)
{
    if (r->at >= r->n || r->at >= INSTRUCTION_MAX) {
        r->cut = true;
        return 0;
    }
    return r->bytes[r->at++];
}

/* `count` bytes, sign-extended. */
static int64_t take_signed(struct reader *r, unsigned count)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < count; i++)
        value |= (uint64_t)take(r) << 8 * i;
    if (count < 8 && value >> (8 * count - 1) & 1)
        value |= ~0ull << 8 * count;
    return (int64_t)value;
}

struct prefixes {
    bool operand, address;
    uint8_t rex;
    uint8_t segment; /* 7: none */
};

/* Prefix bytes; a REX counts only directly before the opcode. Returns the first opcode byte. */
static uint8_t take_prefixes(struct reader *r, unsigned bits, struct prefixes *p, struct instruction *out)
{
    for (;;) {
        uint8_t b = take(r);

        if (bits == 64 && (b & 0xf0) == 0x40) {
            p->rex = b;
            continue;
        }
        switch (b) {
        case 0x66: p->operand = true; break;
        case 0x67: p->address = true; break;
        case 0xf0: break;
        case 0xf2: case 0xf3: out->repeat = b; break;
        case 0x26: case 0x2e: case 0x36: case 0x3e:
            if (bits != 64) /* in 64-bit mode these mean nothing */
                p->segment = b >> 3 & 3;
            break;
        case 0x64: case 0x65: p->segment = b - 0x60; break;
        default: return b;
        }
        p->rex = 0;
    }
}

static void take_modrm16(struct reader *r, unsigned mod, struct instruction *out, uint8_t *segment)
{
    static const uint8_t base[8] = {3, 3, 5, 5, 6, 7, 5, 3}; /* bx bx bp bp si di bp bx */
    static const uint8_t index[8] = {6, 7, 6, 7, NO_REGISTER, NO_REGISTER, NO_REGISTER, NO_REGISTER};

    out->base = base[out->rm];
    out->index = index[out->rm];
    if (mod == 0 && out->rm == 6) {
        out->base = NO_REGISTER;
        out->displacement = (uint16_t)take_signed(r, 2);
    } else if (mod) {
        out->displacement = take_signed(r, mod == 1 ? 1 : 2);
    }
    if (out->base == 5)
        *segment = 2;
}

static void take_modrm32(struct reader *r, unsigned mod, unsigned rex, unsigned bits, struct instruction *out, uint8_t *segment)
{
    unsigned rm = out->rm & 7;

    if (rm == 4) {
        uint8_t sib = take(r);

        out->scale = sib >> 6;
        out->index = (sib >> 3 & 7) | (rex & 2 ? 8 : 0);
        if (out->index == 4)
            out->index = NO_REGISTER;
        out->base = (sib & 7) | (rex & 1 ? 8 : 0);
        if ((sib & 7) == 5 && mod == 0) {
            out->base = NO_REGISTER;
            out->displacement = take_signed(r, 4);
        }
    } else if (rm == 5 && mod == 0) {
        out->rip_relative = bits == 64;
        out->displacement = take_signed(r, 4);
    } else {
        out->base = out->rm;
    }
    if (mod)
        out->displacement = take_signed(r, mod == 1 ? 1 : 4);
    if (out->base == 4 || out->base == 5)
        *segment = 2;
}

static void take_modrm(struct reader *r, unsigned rex, unsigned bits, struct instruction *out, uint8_t *segment)
{
    uint8_t b = take(r);
    unsigned mod = b >> 6;

    out->reg = (b >> 3 & 7) | (rex & 4 ? 8 : 0);
    out->rm = (b & 7) | (rex & 1 ? 8 : 0);
    /* Moves of control and debug registers ignore the mod field (APM volume 3, MOV CRn). */
    out->memory = mod != 3 && out->operation != OP_MOV_CR && out->operation != OP_MOV_DR;
    if (!out->memory)
        return;
    if (out->address_bytes == 2)
        take_modrm16(r, mod, out, segment);
    else
        take_modrm32(r, mod, rex, bits, out, segment);
}

static void operands(struct instruction *out, enum operation operation, enum operand to, enum operand from)
{
    out->operation = operation;
    out->to = to;
    out->from = from;
}

/* One-byte opcodes. Sets what follows: a ModRM byte, an immediate of so many bytes. */
static bool one_byte(uint8_t op, unsigned wide, struct instruction *out, bool *modrm, unsigned *immediate)
{
    unsigned imm_wide = wide == 8 ? 4 : wide;

    out->bytes = op & 1 ? wide : 1;
    if (op < 0x40 && (op & 7) < 4) { /* add .. cmp with a ModRM byte: rm,reg or reg,rm */
        out->alu = op >> 3;
        operands(out, OP_ALU, op & 2 ? OPERAND_REG : OPERAND_RM, op & 2 ? OPERAND_RM : OPERAND_REG);
        *modrm = true;
        return true;
    }
    switch (op) {
    case 0x6c: case 0x6d: operands(out, OP_INS, OPERAND_NONE, OPERAND_NONE); break;
    case 0x6e: case 0x6f: operands(out, OP_OUTS, OPERAND_NONE, OPERAND_NONE); break;
    case 0x63: /* movsxd */
        operands(out, OP_MOV, OPERAND_REG, OPERAND_RM);
        out->from_bytes = 4;
        out->sign_extend = true;
        *modrm = true;
        break;
    case 0x80: case 0x81: case 0x83:
        out->bytes = op == 0x80 ? 1 : wide;
        operands(out, OP_ALU, OPERAND_RM, OPERAND_IMMEDIATE);
        *modrm = true;
        *immediate = op == 0x81 ? imm_wide : 1;
        break;
    case 0x84: case 0x85: operands(out, OP_TEST, OPERAND_RM, OPERAND_REG); *modrm = true; break;
    case 0x86: case 0x87: operands(out, OP_XCHG, OPERAND_RM, OPERAND_REG); *modrm = true; break;
    case 0x88: case 0x89: operands(out, OP_MOV, OPERAND_RM, OPERAND_REG); *modrm = true; break;
    case 0x8a: case 0x8b: operands(out, OP_MOV, OPERAND_REG, OPERAND_RM); *modrm = true; break;
    case 0xa0: case 0xa1: operands(out, OP_MOV, OPERAND_ACCUMULATOR, OPERAND_OFFSET); break;
    case 0xa2: case 0xa3: operands(out, OP_MOV, OPERAND_OFFSET, OPERAND_ACCUMULATOR); break;
    case 0xa4: case 0xa5: operands(out, OP_MOVS, OPERAND_NONE, OPERAND_NONE); break;
    case 0xaa: case 0xab: operands(out, OP_STOS, OPERAND_NONE, OPERAND_NONE); break;
    case 0xac: case 0xad: operands(out, OP_LODS, OPERAND_NONE, OPERAND_NONE); break;
    case 0xc6: case 0xc7:
        operands(out, OP_MOV, OPERAND_RM, OPERAND_IMMEDIATE);
        *modrm = true;
        *immediate = op & 1 ? imm_wide : 1;
        break;
    case 0xf6: case 0xf7: /* only /0 and /1, checked by the caller */
        operands(out, OP_TEST, OPERAND_RM, OPERAND_IMMEDIATE);
        *modrm = true;
        *immediate = op & 1 ? imm_wide : 1;
        break;
    case 0xe4: case 0xe5: case 0xe6: case 0xe7: *immediate = 1; break; /* in, out */
    case 0x90: case 0xec: case 0xed: case 0xee: case 0xef: case 0xf4: break; /* pause, in, out, hlt */
    default: return false;
    }
    return true;
}

/* Opcodes after 0F. */
static bool two_byte(uint8_t op, unsigned wide, unsigned bits, struct instruction *out, bool *modrm)
{
    switch (op) {
    case 0x01: case 0x00: *modrm = true; break; /* vmmcall, xsetbv, monitor, lmsw ...: told apart by reg and rm */
    case 0x06: out->operation = OP_CLTS; break;
    case 0x08: case 0x09: case 0x30: case 0x31: case 0x32: case 0x33: case 0xa2: break;
    case 0x20: case 0x22: /* mov reg,cr and cr,reg: always registers, always of full size */
        operands(out, OP_MOV_CR, op == 0x20 ? OPERAND_RM : OPERAND_REG, op == 0x20 ? OPERAND_REG : OPERAND_RM);
        out->bytes = bits == 64 ? 8 : 4;
        *modrm = true;
        break;
    case 0x21: case 0x23:
        operands(out, OP_MOV_DR, op == 0x21 ? OPERAND_RM : OPERAND_REG, op == 0x21 ? OPERAND_REG : OPERAND_RM);
        out->bytes = bits == 64 ? 8 : 4;
        *modrm = true;
        break;
    case 0xb6: case 0xb7: case 0xbe: case 0xbf:
        operands(out, OP_MOV, OPERAND_REG, OPERAND_RM);
        out->bytes = wide;
        out->from_bytes = op & 1 ? 2 : 1;
        out->sign_extend = op & 8;
        *modrm = true;
        break;
    default: return false;
    }
    return true;
}

bool decode(const uint8_t *bytes, unsigned n, unsigned bits, struct instruction *out)
{
    struct reader r = {bytes, n, 0, false};
    struct prefixes p = {.segment = 7};
    uint8_t segment = 3; /* ds */
    unsigned wide, immediate = 0;
    bool modrm = false;

    *out = (struct instruction){.base = NO_REGISTER, .index = NO_REGISTER};
    out->opcode = take_prefixes(&r, bits, &p, out);
    out->rex = p.rex;
    wide = p.rex & 8 ? 8 : (bits == 16) != p.operand ? 2 : 4;
    out->address_bytes = bits == 64 ? (p.address ? 4 : 8) : (bits == 16) != p.address ? 2 : 4;
    if (out->opcode == 0x0f) {
        out->two_byte = true;
        out->opcode = take(&r);
        if (!two_byte(out->opcode, wide, bits, out, &modrm))
            return false;
    } else {
        if (!one_byte(out->opcode, wide, out, &modrm, &immediate))
            return false;
        if (out->opcode == 0x63 && bits != 64) /* arpl */
            return false;
    }
    if (modrm)
        take_modrm(&r, p.rex, bits, out, &segment);
    if (out->two_byte && out->opcode == 0x01 && (out->reg & 7) == 6) {
        operands(out, OP_LMSW, OPERAND_NONE, OPERAND_RM);
        out->bytes = 2;
    }
    if (!out->two_byte && out->operation == OP_ALU && out->from == OPERAND_IMMEDIATE)
        out->alu = out->reg & 7;
    if (!out->two_byte && (out->opcode & 0xfe) == 0xf6 && (out->reg & 7) > 1)
        return false;
    if (!out->two_byte && (out->opcode & 0xfe) == 0xc6 && (out->reg & 7) != 0)
        return false;
    if (immediate)
        out->immediate = (uint64_t)take_signed(&r, immediate);
    if (out->to == OPERAND_OFFSET || out->from == OPERAND_OFFSET)
        out->displacement = take_signed(&r, out->address_bytes);
    if (!out->from_bytes)
        out->from_bytes = out->bytes;
    if ((out->operation == OP_INS || out->operation == OP_OUTS) && out->bytes == 8)
        out->bytes = 4; /* there is no 64-bit port access */
    out->segment = p.segment == 7 ? segment : p.segment;
    out->length = (uint8_t)r.at;
    return !r.cut;
}
