#include "message.h"

static const uint8_t group_start[] = VCPU_GROUP_STARTS;

void message_take_groups(struct vcpu *v, uint32_t groups)
{
    const uint64_t *from = &sel4_ipc_buffer->msg[MESSAGE_FIRST_STATE_WORD];

    for (; groups; groups &= groups - 1) {
        unsigned g = (unsigned)__builtin_ctz(groups);

        for (unsigned w = group_start[g]; w < group_start[g + 1]; w++)
            v->words[w] = *from++;
    }
}

unsigned message_put_groups(const struct vcpu *v, struct sel4_message *m, uint32_t groups)
{
    unsigned n = 0;

    for (; groups; groups &= groups - 1) {
        unsigned g = (unsigned)__builtin_ctz(groups);

        for (unsigned w = group_start[g]; w < group_start[g + 1]; w++, n++) {
            if (n < SEL4_MSG_REGISTERS)
                m->mr[n] = v->words[w];
            else
                sel4_ipc_buffer->msg[n] = v->words[w];
        }
    }
    return n;
}
