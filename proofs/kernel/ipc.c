/* function: ipc_cancel, transfer_caps, receive_slot, message_word, message_set_word
 * property: nothing undefined, in whatever state; who is cancelled is in no queue and waits for no answer; at most one capability is put down, into an empty slot of the receiver's
 * bound: all messages with up to three capabilities
 * with: proofs/kernel/world.c
 * options: --unwind 5
 */
#include "world.h"
void *const world_queue = &ep;
const unsigned world_threads = 2;
static unsigned inserted;
void slot_insert(cap_t cap, struct slot *parent, struct slot *to)
{
    (void)parent;
    HOLDS(cap_tag(to->cap) == CAP_NULL, "an empty slot");
    HOLDS(cap_tag(cap) != CAP_NULL, "a capability");
    inserted++;
    to->cap = cap;
}
#include "kernel/ipc.c"

int main(void)
{
    world_any();
    struct tcb *t = &ta;
    unsigned i = nondet_below(SEL4_MSG_MAX_LENGTH);
    switch (nondet_below(4)) {
    case 0: {
        bool blocked = t->state >= THREAD_BLOCKED_ON_RECEIVE;
        ipc_cancel(t);
        HOLDS(!blocked || t->state == THREAD_INACTIVE, "who was blocked waits no more");
        REACH(blocked);
        break;
    }
    case 1: {
        struct tcb *to = any_thread();
        word_t sent = transfer_caps(t, to, nondet_bool() ? &ep : NULL, nondet_below(4));
        HOLDS(inserted <= 1, "one capability at most");
        HOLDS(message_length(sent) == 0 && message_label(sent) == 0, "no other part of the message");
        REACH(inserted == 1 && message_extra(sent) == 3);
        break;
    }
    case 2:
        if (message_set_word(t, i, 5)) {
            HOLDS(message_word(t, i) == 5, "a word is read as it was written");
            REACH(i == SEL4_MSG_MAX_LENGTH - 1);
        }
        break;
    default: message_word(t, i);
    }
}
