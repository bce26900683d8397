#include "decode.h"
#include "emulate.h"
#include "lib.h"
#include "mmio.h"
#include "port.h"

#define PAGE 4096u
#define STRING_BATCH 256u /* elements per exit: then the guest may take an interrupt */

#define FLAG_CF 0x001u
#define FLAG_PF 0x004u
#define FLAG_AF 0x010u
#define FLAG_ZF 0x040u
#define FLAG_SF 0x080u
#define FLAG_OF 0x800u
#define FLAGS_ARITHMETIC (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

#define VECTOR_SS 12

enum { SEGMENT_ES, SEGMENT_CS, SEGMENT_SS, SEGMENT_DS, SEGMENT_FS, SEGMENT_GS };

static uint64_t mask_bytes(unsigned bytes) { return bytes >= 8 ? ~0ull : (1ull << 8 * bytes) - 1; }

static void page_fault(struct vm *vm, const struct guest_fault *fault)
{
    vcpu_set(&vm->vcpu, W_CR2, VCPU_GROUP_CONTROL, fault->address);
    vcpu_raise(&vm->vcpu, VECTOR_PF, true, fault->error);
}

/* Read or write up to 8 bytes at a linear address that may cross a page. False: an exception is queued, nothing was done. */
static bool linear_access(struct vm *vm, uint64_t linear, unsigned bytes, bool write, uint64_t *value)
{
    uint64_t first = PAGE - (linear & (PAGE - 1)), physical[2], result = 0;
    unsigned part[2] = {bytes, 0};
    struct guest_fault fault;

    if (first < bytes) {
        part[0] = (unsigned)first;
        part[1] = bytes - part[0];
    }
    for (unsigned i = 0; i < 2 && part[i]; i++)
        if (!guest_translate(&vm->memory, &vm->vcpu, linear + (i ? part[0] : 0), write ? GUEST_WRITE : 0, &physical[i], &fault)) {
            page_fault(vm, &fault);
            return false;
        }
    for (unsigned i = 0; i < 2 && part[i]; i++) {
        unsigned shift = i ? 8 * part[0] : 0;
        uint64_t piece = *value >> shift;
        void *ram = guest_memory_at(&vm->memory, physical[i], part[i]);

        if (write && ram)
            memcpy(ram, &piece, part[i]);
        else if (write)
            mmio_write(vm, physical[i], part[i], piece & mask_bytes(part[i]));
        else {
            piece = 0;
            if (ram)
                memcpy(&piece, ram, part[i]);
            else
                piece = mmio_read(vm, physical[i], part[i]) & mask_bytes(part[i]);
            result |= piece << shift;
        }
    }
    if (!write)
        *value = result;
    return true;
}

/* Segment and offset to a linear address; false: #GP or #SS is queued. */
static bool linear_address(struct vm *vm, unsigned segment, uint64_t offset, unsigned bytes, uint64_t *linear)
{
    struct vcpu *v = &vm->vcpu;
    uint64_t word, base;

    if (vcpu_code_bits(v) == 64) {
        base = segment == SEGMENT_FS ? v->words[W_FS_BASE] : segment == SEGMENT_GS ? v->words[W_GS_BASE] : 0;
        *linear = base + offset;
        if ((uint64_t)((int64_t)*linear >> 47) + 1 <= 1)
            return true;
    } else {
        word = v->words[W_ES + 2 * segment];
        *linear = (uint32_t)(v->words[W_ES_BASE + 2 * segment] + offset);
        if (offset + bytes - 1 <= SEGMENT_LIMIT(word) || (SEGMENT_ATTRIBUTES(word) & 0xc) == 4) /* expand-down: not checked */
            return true;
    }
    vcpu_raise(v, segment == SEGMENT_SS ? VECTOR_SS : VECTOR_GP, true, 0);
    return false;
}

static uint64_t effective_offset(struct vm *vm, const struct instruction *in)
{
    struct vcpu *v = &vm->vcpu;
    uint64_t offset = (uint64_t)in->displacement;

    if (in->rip_relative)
        offset += v->exit_rip + in->length;
    if (in->base != NO_REGISTER)
        offset += vcpu_register(v, in->base);
    if (in->index != NO_REGISTER)
        offset += vcpu_register(v, in->index) << in->scale;
    return offset & mask_bytes(in->address_bytes);
}

/* Registers of 1, 2, 4, 8 bytes; without REX the byte registers 4 to 7 are ah ch dh bh. */
static bool high_byte(const struct instruction *in, unsigned number, unsigned bytes)
{
    return bytes == 1 && !in->rex && number >= 4 && number < 8;
}

static uint64_t read_register(struct vm *vm, const struct instruction *in, unsigned number, unsigned bytes)
{
    if (high_byte(in, number, bytes))
        return vcpu_register(&vm->vcpu, number - 4) >> 8 & 0xff;
    return vcpu_register(&vm->vcpu, number) & mask_bytes(bytes);
}

static void write_register(struct vm *vm, const struct instruction *in, unsigned number, unsigned bytes, uint64_t value)
{
    uint64_t mask = mask_bytes(bytes), old;

    if (high_byte(in, number, bytes)) {
        old = vcpu_register(&vm->vcpu, number - 4);
        vcpu_set_register(&vm->vcpu, number - 4, (old & ~0xff00ull) | (value & 0xff) << 8);
    } else if (bytes == 4) { /* the upper half becomes zero */
        vcpu_set_register(&vm->vcpu, number, value & mask);
    } else {
        old = vcpu_register(&vm->vcpu, number);
        vcpu_set_register(&vm->vcpu, number, (old & ~mask) | (value & mask));
    }
}

/* Where the memory operand is. */
static bool operand_address(struct vm *vm, const struct instruction *in, unsigned bytes, uint64_t *linear)
{
    return linear_address(vm, in->segment, effective_offset(vm, in), bytes, linear);
}

static bool read_operand(struct vm *vm, const struct instruction *in, enum operand which, unsigned bytes, uint64_t *value)
{
    uint64_t linear;

    switch (which) {
    case OPERAND_IMMEDIATE: *value = in->immediate & mask_bytes(bytes); return true;
    case OPERAND_ACCUMULATOR: *value = read_register(vm, in, 0, bytes); return true;
    case OPERAND_REG: *value = read_register(vm, in, in->reg, bytes); return true;
    case OPERAND_RM:
        if (!in->memory) {
            *value = read_register(vm, in, in->rm, bytes);
            return true;
        }
        break;
    default: break;
    }
    return operand_address(vm, in, bytes, &linear) && linear_access(vm, linear, bytes, false, value);
}

static bool write_operand(struct vm *vm, const struct instruction *in, enum operand which, uint64_t value)
{
    uint64_t linear;

    if (which == OPERAND_ACCUMULATOR || which == OPERAND_REG || (which == OPERAND_RM && !in->memory)) {
        unsigned number = which == OPERAND_REG ? in->reg : which == OPERAND_RM ? in->rm : 0;

        write_register(vm, in, number, in->bytes, value);
        return true;
    }
    return operand_address(vm, in, in->bytes, &linear) && linear_access(vm, linear, in->bytes, true, &value);
}

/* add or adc sbb and sub xor cmp; flags as the CPU sets them (APM volume 3, chapter 3). */
static uint64_t alu(unsigned operation, unsigned bytes, uint64_t a, uint64_t b, uint64_t *flags)
{
    uint64_t mask = mask_bytes(bytes), sign = 1ull << (8 * bytes - 1), carry = 0, result, f = 0;

    if (operation == 2 || operation == 3)
        carry = *flags & FLAG_CF;
    switch (operation) {
    case 0: case 2:
        result = (a + b + carry) & mask;
        f |= result < a || (carry && result == a) ? FLAG_CF : 0;
        f |= (a ^ result) & (b ^ result) & sign ? FLAG_OF : 0;
        f |= (a ^ b ^ result) & FLAG_AF;
        break;
    case 1: result = a | b; break;
    case 4: result = a & b; break;
    case 6: result = a ^ b; break;
    default: /* 3 sbb, 5 sub, 7 cmp */
        result = (a - b - carry) & mask;
        f |= a < b || (carry && a == b) ? FLAG_CF : 0;
        f |= (a ^ b) & (a ^ result) & sign ? FLAG_OF : 0;
        f |= (a ^ b ^ result) & FLAG_AF;
    }
    f |= result ? 0 : FLAG_ZF;
    f |= result & sign ? FLAG_SF : 0;
    f |= __builtin_parity((unsigned)(result & 0xff)) ? 0 : FLAG_PF;
    *flags = (*flags & ~(uint64_t)FLAGS_ARITHMETIC) | f;
    return result;
}

static bool do_arithmetic(struct vm *vm, const struct instruction *in)
{
    uint64_t a, b, flags = vcpu_get(&vm->vcpu, W_RFLAGS, VCPU_GROUP_RIP), result;
    bool test = in->operation == OP_TEST;

    if (!read_operand(vm, in, in->to, in->bytes, &a) || !read_operand(vm, in, in->from, in->bytes, &b))
        return false;
    result = alu(test ? 4 : in->alu, in->bytes, a, b, &flags);
    if (!test && in->alu != 7 && !write_operand(vm, in, in->to, result))
        return false;
    vcpu_set(&vm->vcpu, W_RFLAGS, VCPU_GROUP_RIP, flags);
    return true;
}

static bool do_mov(struct vm *vm, const struct instruction *in)
{
    uint64_t value;

    if (!read_operand(vm, in, in->from, in->from_bytes, &value))
        return false;
    if (in->sign_extend && value >> (8 * in->from_bytes - 1) & 1)
        value |= ~mask_bytes(in->from_bytes);
    return write_operand(vm, in, in->to, value);
}

static bool do_exchange(struct vm *vm, const struct instruction *in)
{
    uint64_t memory, reg;

    if (!read_operand(vm, in, OPERAND_RM, in->bytes, &memory) || !read_operand(vm, in, OPERAND_REG, in->bytes, &reg) ||
        !write_operand(vm, in, OPERAND_RM, reg))
        return false;
    return write_operand(vm, in, OPERAND_REG, memory);
}

/* One element of a string instruction: memory to memory, accumulator to memory, or memory to accumulator, port and memory. */
static bool string_element(struct vm *vm, const struct instruction *in, uint64_t source, uint64_t destination, uint16_t port)
{
    uint64_t from, to, value = 0;

    switch (in->operation) {
    case OP_MOVS:
        return linear_address(vm, in->segment, source, in->bytes, &from) &&
               linear_address(vm, SEGMENT_ES, destination, in->bytes, &to) &&
               linear_access(vm, from, in->bytes, false, &value) && linear_access(vm, to, in->bytes, true, &value);
    case OP_STOS:
        value = read_register(vm, in, 0, in->bytes);
        return linear_address(vm, SEGMENT_ES, destination, in->bytes, &to) && linear_access(vm, to, in->bytes, true, &value);
    case OP_LODS:
        if (!linear_address(vm, in->segment, source, in->bytes, &from) || !linear_access(vm, from, in->bytes, false, &value))
            return false;
        write_register(vm, in, 0, in->bytes, value);
        return true;
    case OP_OUTS:
        if (!linear_address(vm, in->segment, source, in->bytes, &from) || !linear_access(vm, from, in->bytes, false, &value))
            return false;
        port_write(vm, port, in->bytes, (uint32_t)value);
        return true;
    default: { /* INS: first see that the memory can be written, as reading a port has effects */
        struct guest_fault fault;
        uint64_t physical;

        if (!linear_address(vm, SEGMENT_ES, destination, in->bytes, &to))
            return false;
        for (unsigned i = 0; i < in->bytes; i += in->bytes > 1 ? in->bytes - 1u : 1u)
            if (!guest_translate(&vm->memory, &vm->vcpu, to + i, GUEST_WRITE, &physical, &fault)) {
                page_fault(vm, &fault);
                return false;
            }
        value = port_read(vm, port, in->bytes);
        return linear_access(vm, to, in->bytes, true, &value);
    }
    }
}

/* A string instruction, a bounded number of elements: the rest is the same instruction again. */
static void do_string(struct vm *vm, const struct instruction *in, uint16_t port)
{
    struct vcpu *v = &vm->vcpu;
    uint64_t mask = mask_bytes(in->address_bytes), count = 1, done = 0, step = in->bytes;
    uint64_t batch = v->exit_flags & EXIT_STEPPING ? 1 : STRING_BATCH;
    bool uses_source = in->operation != OP_STOS && in->operation != OP_INS;
    bool uses_destination = in->operation != OP_LODS && in->operation != OP_OUTS;

    if (vcpu_get(v, W_RFLAGS, VCPU_GROUP_RIP) & RFLAGS_DF)
        step = -step;
    if (in->repeat)
        count = vcpu_register(v, 1) & mask;
    while (done < count && done < batch && vm->next == VM_RESUME &&
           string_element(vm, in, vcpu_register(v, 6) & mask, vcpu_register(v, 7) & mask, port)) {
        if (uses_source)
            write_register(vm, in, 6, in->address_bytes, vcpu_register(v, 6) + step);
        if (uses_destination)
            write_register(vm, in, 7, in->address_bytes, vcpu_register(v, 7) + step);
        if (in->repeat)
            write_register(vm, in, 1, in->address_bytes, vcpu_register(v, 1) - 1);
        done++;
    }
    if (done == count)
        v->advance = in->length;
    v->element_done = done && done < count && batch == 1;
}

static bool fetch_and_decode(struct vm *vm, struct instruction *in)
{
    uint8_t bytes[INSTRUCTION_MAX];
    unsigned n = guest_fetch(&vm->memory, &vm->vcpu, bytes, sizeof bytes);

    return decode(bytes, n, vcpu_code_bits(&vm->vcpu), in);
}

enum vm_next emulate_string_port(struct vm *vm, uint16_t port, unsigned bytes, bool is_in)
{
    struct instruction in;

    if (!fetch_and_decode(vm, &in) || in.operation != (is_in ? OP_INS : OP_OUTS) || in.bytes != bytes)
        return vm_stop(vm, "string port instruction at 0x%lx cannot be read back", vm->vcpu.exit_rip);
    vm->next = VM_RESUME;
    do_string(vm, &in, port);
    return vm->next;
}

enum vm_next emulate_nested_fault(struct vm *vm)
{
    struct vcpu *v = &vm->vcpu;
    uint64_t address = v->qualification[0];
    struct instruction in;

    if (v->exit_flags & EXIT_EVENT_PENDING)
        return vm_stop(vm, "an event's delivery reached 0x%lx, which is not memory", address);
    if (v->qualification[1] & 0x10) /* on real hardware the walk would read all ones there: reserved bits */
        return vm_stop(vm, "its page tables reach 0x%lx, which is not memory", address);
    if (v->qualification[1] & 4)
        return vm_stop(vm, "it jumped to 0x%lx, which is not memory", address);
    if (!fetch_and_decode(vm, &in) || in.operation == OP_OTHER)
        return vm_stop(vm, "the instruction at 0x%lx cannot be done on 0x%lx, which is not memory", v->exit_rip, address);
    vm->next = VM_RESUME;
    switch (in.operation) {
    case OP_MOV: v->advance = do_mov(vm, &in) ? in.length : 0; break;
    case OP_ALU: case OP_TEST: v->advance = do_arithmetic(vm, &in) ? in.length : 0; break;
    case OP_XCHG: v->advance = do_exchange(vm, &in) ? in.length : 0; break;
    case OP_MOVS: case OP_STOS: case OP_LODS: do_string(vm, &in, 0); break;
    case OP_INS: case OP_OUTS: /* faulted before it exited as a port access; the port is in dx */
        do_string(vm, &in, (uint16_t)vcpu_register(v, 2));
        break;
    default: return vm_stop(vm, "the instruction at 0x%lx does not reach 0x%lx", v->exit_rip, address);
    }
    return vm->next;
}

/* Decode, and remember the page: `slot` is where instruction_length looks next time. */
unsigned instruction_length_decoded(struct vm *vm, struct code_page *slot, unsigned bytes)
{
    struct vcpu *v = &vm->vcpu;
    uint64_t page = v->exit_rip & ~(uint64_t)(PAGE - 1), physical;
    struct guest_fault fault;
    struct instruction in;

    if (!fetch_and_decode(vm, &in))
        return bytes;
    if (vcpu_code_bits(v) == 64 && !(v->exit_flags & EXIT_USER) && guest_translate(&vm->memory, v, page, GUEST_FETCH, &physical, &fault)) {
        const uint8_t *code = guest_memory_at(&vm->memory, physical & ~(uint64_t)(PAGE - 1), PAGE);

        if (code)
            *slot = (struct code_page){page, code};
    }
    return in.length;
}

/* CR0 as the CPU would take it (APM volume 2, 3.1.1). The caches' bits stay with the host. */
static bool write_cr0(struct vcpu *v, uint64_t value)
{
    uint64_t old = v->words[W_CR0], efer = v->words[W_EFER];

    if (value >> 32 || ((value & CR0_PG) && !(value & CR0_PE)) || ((value & CR0_NW) && !(value & CR0_CD)))
        return false;
    if ((value & CR0_PG) && !(old & CR0_PG) && (efer & EFER_LME)) {
        if (!(v->words[W_CR4] & CR4_PAE) || (SEGMENT_ATTRIBUTES(v->words[W_CS]) & SEGMENT_LONG))
            return false;
        efer |= EFER_LMA;
    } else if (!(value & CR0_PG)) {
        efer &= ~(uint64_t)EFER_LMA;
    }
    vcpu_set(v, W_EFER, VCPU_GROUP_CONTROL, efer);
    vcpu_set(v, W_CR0, VCPU_GROUP_CONTROL, (value & ~(uint64_t)(CR0_NW | CR0_CD)) | CR0_ET);
    return true;
}

enum vm_next emulate_control(struct vm *vm)
{
    struct vcpu *v = &vm->vcpu;
    uint64_t value, cr0;
    struct instruction in;
    bool good = true;

    vcpu_need(v, VCPU_GROUP_CONTROL | VCPU_GROUP_SEGMENTS);
    if (!fetch_and_decode(vm, &in))
        return vm_stop(vm, "control register instruction at 0x%lx cannot be read back", v->exit_rip);
    cr0 = v->words[W_CR0];
    if (in.operation == OP_CLTS) {
        good = write_cr0(v, cr0 & ~(uint64_t)CR0_TS);
    } else if (in.operation == OP_LMSW) { /* sets PE, never clears it */
        if (!read_operand(vm, &in, OPERAND_RM, 2, &value))
            return VM_RESUME;
        good = write_cr0(v, (cr0 & ~0xeull) | (value & 0xf));
    } else if (in.operation != OP_MOV_CR) {
        return vm_stop(vm, "control register exit at 0x%lx without such an instruction", v->exit_rip);
    } else if (in.to == OPERAND_RM) { /* read */
        static const uint8_t word[9] = {W_CR0, 0, W_CR2, W_CR3, W_CR4, 0, 0, 0, W_CR8};

        if (in.reg > 8 || !word[in.reg]) {
            vcpu_raise_ud(v);
            return VM_RESUME;
        }
        vcpu_set_register(v, in.rm, v->words[word[in.reg]] & mask_bytes(in.bytes));
    } else {
        value = vcpu_register(v, in.rm) & mask_bytes(in.bytes);
        switch (in.reg) {
        case 0: good = write_cr0(v, value); break;
        case 3: vcpu_set(v, W_CR3, VCPU_GROUP_CONTROL, value); break;
        /* CR4 exits only for bits that CPUID does not offer. */
        case 4: good = false; break;
        case 8:
            good = value <= 15;
            if (good) {
                vm->lapic.tpr = (uint32_t)value << 4;
                vcpu_set(v, W_CR8, VCPU_GROUP_CONTROL, value);
            }
            break;
        default: vcpu_raise_ud(v); return VM_RESUME;
        }
    }
    if (good)
        v->advance = in.length;
    else
        vcpu_raise_gp(v);
    return VM_RESUME;
}

/* DR6 and DR7; the addresses in DR0 to DR3 belong to the guest without an exit. */
enum vm_next emulate_debug(struct vm *vm)
{
    struct vcpu *v = &vm->vcpu;
    struct instruction in;
    unsigned number;

    if (!fetch_and_decode(vm, &in) || in.operation != OP_MOV_DR)
        return vm_stop(vm, "debug register instruction at 0x%lx cannot be read back", v->exit_rip);
    number = in.reg & 7;
    if ((number == 4 || number == 5) && !(vcpu_get(v, W_CR4, VCPU_GROUP_CONTROL) & CR4_DE))
        number += 2; /* aliases, APM volume 2, 13.1.1 */
    if (in.reg > 7 || number == 4 || number == 5) {
        vcpu_raise_ud(v);
        return VM_RESUME;
    }
    if (number >= 6) {
        enum vcpu_word word = number == 6 ? W_DR6 : W_DR7;

        vcpu_need(v, VCPU_GROUP_CONTROL);
        if (in.to == OPERAND_RM)
            vcpu_set_register(v, in.rm, v->words[word]);
        else if (vcpu_register(v, in.rm) >> 32)
            vcpu_raise_gp(v);
        else
            vcpu_set(v, word, VCPU_GROUP_CONTROL, vcpu_register(v, in.rm));
    } else if (in.to == OPERAND_RM) {
        vcpu_set_register(v, in.rm, 0);
    }
    if (!(v->changed & VCPU_GROUP_EVENT))
        v->advance = in.length;
    return VM_RESUME;
}
