/* Registers by number, events, modes. */
#include "vcpu_state.h"

static const uint8_t register_word[16] = {W_RAX, W_RCX, W_RDX, W_RBX, W_RSP, W_RBP, W_RSI, W_RDI,
                                          W_R8,  W_R9,  W_R10, W_R11, W_R12, W_R13, W_R14, W_R15};

static uint32_t register_group(unsigned number) { return number < 4 ? VCPU_GROUP_ABCD : VCPU_GROUP_GPR; }

uint64_t vcpu_register(struct vcpu *v, unsigned number)
{
    return vcpu_get(v, register_word[number & 15], register_group(number & 15));
}

void vcpu_set_register(struct vcpu *v, unsigned number, uint64_t value)
{
    vcpu_set(v, register_word[number & 15], register_group(number & 15), value);
}

void vcpu_raise(struct vcpu *v, unsigned vector, bool has_error, uint32_t error)
{
    uint64_t event = VCPU_EVENT_VALID | VCPU_EVENT_EXCEPTION | vector;

    if (has_error)
        event |= VCPU_EVENT_ERROR_VALID | (uint64_t)error << 32;
    vcpu_set(v, W_EVENT, VCPU_GROUP_EVENT, event);
    v->advance = 0; /* a fault leaves RIP at its instruction */
}

unsigned vcpu_code_bits(struct vcpu *v)
{
    uint64_t cs;

    vcpu_need(v, VCPU_GROUP_CONTROL | VCPU_GROUP_SEGMENTS);
    cs = SEGMENT_ATTRIBUTES(v->words[W_CS]);
    if ((v->words[W_EFER] & EFER_LMA) && (cs & SEGMENT_LONG))
        return 64;
    return (v->words[W_CR0] & CR0_PE) && (cs & SEGMENT_BIG) ? 32 : 16;
}

/* SVM keeps the current privilege level in SS.DPL (AMD APM volume 2, 15.5.1). */
unsigned vcpu_privilege(struct vcpu *v)
{
    vcpu_need(v, VCPU_GROUP_CONTROL | VCPU_GROUP_SEGMENTS);
    return v->words[W_CR0] & CR0_PE ? SEGMENT_DPL(v->words[W_SS]) : 0;
}
