/* Exit and reply messages. Most carry rax to rdx: those are moved here, in line; message.c does the others. */
#pragma once
#include "sel4.h"
#include "vm.h"

#define MESSAGE_FIRST_STATE_WORD 4

void message_take_groups(struct vcpu *v, uint32_t groups);
unsigned message_put_groups(const struct vcpu *v, struct sel4_message *m, uint32_t groups); /* words */

static inline void message_take_exit(struct vcpu *v, const struct sel4_message *m, const uint32_t groups_of_class[EXIT_CLASS_MASK + 1])
{
    const uint64_t *from = &sel4_ipc_buffer->msg[MESSAGE_FIRST_STATE_WORD];

    v->exit_flags = m->mr[0];
    v->exit_class = m->mr[0] & EXIT_CLASS_MASK;
    v->qualification[0] = m->mr[1];
    v->qualification[1] = m->mr[2];
    v->exit_rip = m->mr[3];
    v->advance = 0;
    v->changed = 0;
    v->present = groups_of_class[v->exit_class];
    if (v->present == VCPU_GROUP_ABCD)
        for (unsigned i = 0; i < 4; i++)
            v->words[i] = from[i];
    else if (v->present)
        message_take_groups(v, v->present);
}

static inline void message_put_reply(const struct vcpu *v, struct sel4_message *m)
{
    unsigned n = 0;

    if (v->changed == VCPU_GROUP_ABCD) /* in registers */
        for (; n < 4; n++)
            m->mr[n] = v->words[n];
    else if (v->changed)
        n = message_put_groups(v, m, v->changed);
    m->info = sel4_info(v->changed | (uint64_t)v->advance << VCPU_REPLY_ADVANCE_SHIFT, 0, n);
}
