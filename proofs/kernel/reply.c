/* function: every function of kernel/reply.c
 * property: nothing undefined, in whatever state; who leaves a stack waits no more, and the context at the stack's head names what is below, or nothing
 * bound: stacks of up to two reply objects
 * with: proofs/kernel/world.c
 * replace: reply_sc:world_reply_sc reply_below:world_reply_below
 * options: --unwind 5
 */
#include "world.h"
void *const world_queue = &ep;
const unsigned world_threads = 2;
#include "kernel/reply.c"

static void stacks(void) /* a context and the reply object below it name each other */
{
    HOLDS(!sa.reply || world_reply_sc(sa.reply) == &sa, "the head of a context's stack names the context");
    HOLDS(!sb.reply || world_reply_sc(sb.reply) == &sb, "the head of the other's, too");
}

int main(void)
{
    world_any();
    struct tcb *t = &ta;
    struct reply *r = any_reply();
    struct tcb *caller = r->tcb;
    switch (nondet_below(6)) {
    case 0:
        ASSUME(caller);
        reply_unlink(r);
        HOLDS(!r->tcb && !caller->reply, "they know each other no more");
        break;
    case 1: { /* a call: the caller waits for nothing, the object is nobody's and in no stack */
        struct tcb *callee = any_thread();
        ASSUME(!caller && !t->reply && t != callee && !r->next && !r->prev);
        reply_push(t, callee, r, nondet_bool());
        HOLDS(t->state == THREAD_BLOCKED_ON_REPLY && r->tcb == t && t->reply == r, "the caller waits for its answer");
        stacks();
        REACH(r->prev != 0 && callee->sc);
        break;
    }
    case 2: {
        ASSUME(caller);
        struct sched_context *lent = world_reply_sc(r), *own = caller->sc;
        reply_remove(r);
        HOLDS(!r->tcb && !r->next && !r->prev && !caller->reply, "out of the stack");
        HOLDS(!lent || own || caller->sc == lent, "what was lent is back");
        stacks();
        REACH(lent && lent->reply);
        break;
    }
    case 3:
        ASSUME(caller);
        reply_cut(r);
        HOLDS(!r->tcb && !caller->reply, "nobody waits with it");
        stacks();
        REACH(rb.tcb && !rb.next);
        break;
    case 4:
        reply_send(t, r, nondet_bool());
        REACH(caller && caller->state == THREAD_RUNNING);
        break;
    default:
        reply_finalise(r);
        REACH(caller && caller->state == THREAD_INACTIVE);
    }
}
