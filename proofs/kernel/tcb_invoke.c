/* function: tcb_invoke, and all that it alone calls
 * property: nothing undefined, in whatever state and whatever deleting a slot's old contents leaves behind; a slot of the thread's is only filled when it is empty and with what its source still holds; a register is sanitised on its way in; no priority above the authority's
 * bound: 2 threads; all invocations
 * with: proofs/kernel/world.c
 * options: --unwind 21
 * seconds: 300
 */
#include "world.h"
void *const world_queue = &ep;
const unsigned world_threads = 2;
/* A deletion empties the slot or is preempted; it may take anything else along. */
static bool deleted;
status_t slot_delete(struct slot *s)
{
    if (nondet_bool())
        return STATUS_PREEMPTED;
    s->cap = cap_null();
    for (unsigned i = 0; i < WORLD_SLOTS; i++)
        if (nondet_bool())
            slots[i].cap = cap_null();
    deleted = true;
    return STATUS_OK;
}
void slot_insert(cap_t cap, struct slot *from, struct slot *to)
{
    HOLDS(deleted && cap_tag(to->cap) == CAP_NULL, "into a slot that was emptied");
    HOLDS(cap_tag(cap) != CAP_NULL && cap_tag(from->cap) == cap_tag(cap), "what its source still holds");
    to->cap = cap;
}
bool cap_same_object(cap_t a, cap_t b) { return cap_tag(a) == cap_tag(b) && nondet_bool(); }
static unsigned sanitised;
word_t arch_sanitise_register(unsigned i, word_t v) { HOLDS(i < SEL4_CONTEXT_WORDS, "a register"); sanitised++; return v; }
void ipc_cancel(struct tcb *t) { t->fault.type = SEL4_FAULT_NULL; if (t->state >= THREAD_BLOCKED_ON_RECEIVE) t->state = THREAD_INACTIVE; }
void notification_bind(struct notification *n, struct tcb *t) { HOLDS(!n->bound_tcb && !t->bound_notification, "neither is bound"); n->bound_tcb = t; t->bound_notification = n; }
void sched_context_bind(struct sched_context *s, struct tcb *t) { HOLDS(!s->tcb && !t->sc, "neither is bound"); s->tcb = t; t->sc = s; }
#include "kernel/tcb.c"

int main(void)
{
    world_any();
    struct invocation inv = any_invocation(CAP_TCB);
    ASSUME(cap_offset48(inv.cap) == AT_TA && ta.state != THREAD_BLOCKED_ON_NOTIFICATION);
    inv.slot->cap = inv.cap;
    bool was_bound = ta.bound_notification != NULL;
    uint8_t mcp = ta.mcp;

    status_t s = tcb_invoke(&inv);

    HOLDS(inv.label != SEL4_TCB_WRITE_REGISTERS || s != STATUS_OK || sanitised <= SEL4_CONTEXT_WORDS, "no more registers than there are");
    HOLDS(s == STATUS_OK || s == STATUS_PREEMPTED || inv.label == SEL4_TCB_CONFIGURE || inv.label == SEL4_TCB_SET_SPACE || inv.label == SEL4_TCB_SET_IPC_BUFFER || ta.mcp == mcp, "a refusal leaves the priorities");
    REACH(s == STATUS_OK && inv.label == SEL4_TCB_CONFIGURE);
    REACH(s == STATUS_PREEMPTED && inv.label == SEL4_TCB_SET_SPACE);
    REACH(s == STATUS_OK && inv.label == SEL4_TCB_WRITE_REGISTERS && sanitised == SEL4_CONTEXT_WORDS);
    REACH(s == STATUS_OK && inv.label == SEL4_TCB_BIND_NOTIFICATION && !was_bound);
    REACH(s == STATUS_OK && inv.label == SEL4_TCB_SET_SCHED_PARAMS && ta.sc == &sb);
}
