/* Exit and reply messages. */
#pragma once
#include "sel4.h"
#include "vm.h"

void message_take_exit(struct vcpu *v, const struct sel4_message *m, const uint32_t groups_of_class[EXIT_CLASSES]);
void message_put_reply(struct vcpu *v, struct sel4_message *m);
