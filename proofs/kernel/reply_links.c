/* function: reply_sc, reply_below, reply_stack_push, reply_stack_pop (reply.h)
 * property: a stack of reply objects under a scheduling context stays one: the head and the context name each other, each object names the one above and the one below
 * bound: stacks of up to 2, one that joins
 * options: --unwind 3
 */
#include "../proof.h"
#include "kernel/types.h"
/* Of a scheduling context, what the functions use. */
#define sched_context context_of_the_kernel
#include "kernel/object.h"
#undef sched_context
struct sched_context { struct reply *reply; };
#include "kernel/reply.h"

static struct reply a, b, joins; /* a above b */
static struct sched_context sc;

static bool is_stack(struct reply *top, struct reply *below)
{
    if (sc.reply != top || (top && (reply_sc(top) != &sc || reply_below(top) != below)))
        return false;
    return !below || (below->next == (word_t)top && !reply_below(below) && !reply_sc(below));
}

int main(void)
{
    unsigned length = nondet_below(3);
    sc.reply = length ? &a : NULL;
    a.next = length ? (word_t)&sc | REPLY_NEXT_IS_SC : 0;
    a.prev = length == 2 ? (word_t)&b : 0;
    b.next = length == 2 ? (word_t)&a : 0;
    struct reply *top = length ? &a : NULL, *below = length == 2 ? &b : NULL;
    HOLDS(is_stack(top, below), "a stack to begin with");
    if (nondet_bool()) {
        reply_stack_push(&sc, &joins);
        HOLDS(sc.reply == &joins && reply_sc(&joins) == &sc && reply_below(&joins) == top, "on top");
        HOLDS(!top || (top->next == (word_t)&joins && !reply_sc(top)), "above what was on top");
        REACH(length == 2);
    } else {
        ASSUME(top);
        reply_stack_pop(&sc, top);
        HOLDS(is_stack(below, NULL) && !top->next && !top->prev, "what was below is on top");
        REACH(length == 2);
    }
}
