#include "message.h"

#define FIRST_STATE_WORD 4

static const uint8_t group_start[] = VCPU_GROUP_STARTS;

void message_take_exit(struct vcpu *v, const struct sel4_message *m, const uint32_t groups_of_class[EXIT_CLASSES])
{
    const uint64_t *from = &sel4_ipc_buffer->msg[FIRST_STATE_WORD];
    uint32_t groups;

    v->exit_flags = m->mr[0];
    v->exit_class = m->mr[0] & EXIT_CLASS_MASK;
    v->exit_length = m->mr[0] >> EXIT_LENGTH_SHIFT & 0xff;
    v->qualification[0] = m->mr[1];
    v->qualification[1] = m->mr[2];
    v->exit_rip = m->mr[3];
    v->advance = 0;
    v->element_done = false;
    v->changed = 0;
    groups = v->exit_class < EXIT_CLASSES ? groups_of_class[v->exit_class] : 0;
    v->present = groups;
    if (groups == VCPU_GROUP_ABCD) { /* by far the most frequent, here and below */
        for (unsigned i = 0; i < 4; i++)
            v->words[i] = from[i];
        return;
    }
    for (; groups; groups &= groups - 1) {
        unsigned g = (unsigned)__builtin_ctz(groups);

        for (unsigned w = group_start[g]; w < group_start[g + 1]; w++)
            v->words[w] = *from++;
    }
}

void message_put_reply(struct vcpu *v, struct sel4_message *m)
{
    uint32_t groups = v->changed;
    unsigned n = 0;

    if (groups == VCPU_GROUP_ABCD) { /* in registers */
        for (; n < 4; n++)
            m->mr[n] = v->words[n];
    } else {
        for (; groups; groups &= groups - 1) {
            unsigned g = (unsigned)__builtin_ctz(groups);

            for (unsigned w = group_start[g]; w < group_start[g + 1]; w++, n++) {
                if (n < SEL4_MSG_REGISTERS)
                    m->mr[n] = v->words[w];
                else
                    sel4_ipc_buffer->msg[n] = v->words[w];
            }
        }
    }
    m->info = sel4_info(v->changed | (uint64_t)v->advance << VCPU_REPLY_ADVANCE_SHIFT, 0, n);
}
