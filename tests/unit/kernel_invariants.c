/* What must hold between any two system calls (the design's invariants, as far as the kernel's logic goes). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "kernel_invariants.h"

static struct slot *first_of(struct slot *s)
{
    while (slot_prev(s))
        s = slot_prev(s);
    return s;
}

/* Every slot of the window's lists: links agree, no empty slot is linked, each capability's object lies inside an untyped that is
 * before it in its list unless it is an original. */
void invariants_check_list(struct slot *any)
{
    unsigned steps = 0;
    for (struct slot *s = first_of(any), *prev = NULL; s; prev = s, s = slot_next(s)) {
        assert_ptr_equal(slot_prev(s), prev);
        assert_int_not_equal(cap_tag(s->cap), CAP_NULL);
        assert_true(++steps < 100000);
        if (cap_tag(s->cap) == CAP_UNTYPED)
            assert_true(untyped_free(s->cap) <= BIT(untyped_size_bits(s->cap)));
    }
}

static void check_threads(void)
{
    for (struct tcb *t = kernel.all_threads, *prev = NULL; t; prev = t, t = t->all_link.next) {
        assert_ptr_equal(t->all_link.prev, prev);
        if (t->sc)
            assert_ptr_equal(t->sc->tcb, t);
        if (t->bound_notification)
            assert_ptr_equal(t->bound_notification->bound_tcb, t);
        if (t->reply)
            assert_ptr_equal(t->reply->tcb, t);
        if (t->state == THREAD_BLOCKED_ON_REPLY)
            assert_non_null(t->reply);
        if (t->in_ready_queue) {
            assert_true(thread_schedulable(t));
            assert_ptr_not_equal(t, kernel.current);
        }
        if (t->in_release_queue)
            assert_true(thread_runnable(t) && t->sc && t->sc->refill_max != 0);
        /* a thread that could run is current or in exactly one queue */
        if (thread_runnable(t) && t->sc && t->sc->refill_max != 0)
            assert_int_equal(t->in_ready_queue + t->in_release_queue + (t == kernel.current), 1);
        if (t->yield_to)
            assert_ptr_equal(t->yield_to->yield_from, t);
        const struct cspace_window *w = &t->cspace_window;
        if (cap_tag(t->cspace.cap) == CAP_CNODE && w->cap == t->cspace.cap.w0 && w->count != 0) {
            assert_int_equal(w->count, BIT(cnode_radix(t->cspace.cap)));
            assert_int_equal(w->first >> cnode_radix(t->cspace.cap), cnode_guard(t->cspace.cap));
            assert_ptr_equal(w->slots, object_at(cnode_offset(t->cspace.cap)));
        }
        struct slot *slots = &t->cspace;
        for (unsigned i = 0; i < TCB_SLOTS; i++)
            if (!slot_is_empty(&slots[i]))
                invariants_check_list(&slots[i]);
        if (t->sc && t->sc->refill_max != 0 && t->sc->period != 0) {
            ticks_t sum = 0, last = 0;
            for (unsigned i = 0; i < t->sc->refill_count; i++) {
                struct refill *r = sched_context_refill(t->sc, i);
                assert_true(r->time >= last);
                last = r->time;
                sum += r->amount;
            }
            assert_int_equal(sum, t->sc->budget);
            assert_true(sched_context_refill(t->sc, 0)->amount >= kernel.min_budget);
        }
        /* the call stack of a context: reply objects linked both ways, the context on top */
        if (t->sc && t->sc->reply) {
            struct reply *r = t->sc->reply;
            assert_int_equal(r->next, (word_t)t->sc | 1);
            for (; r->prev; r = (struct reply *)r->prev)
                assert_int_equal(((struct reply *)r->prev)->next, (word_t)r);
        }
    }
}

static void check_queues(void)
{
    for (unsigned p = 0; p < SEL4_NUM_PRIORITIES; p++) {
        struct tcb *prev = NULL;
        for (struct tcb *t = kernel.ready_head[p]; t; prev = t, t = t->ready_link.next) {
            assert_true(t->in_ready_queue);
            assert_int_equal(t->priority, p);
            assert_ptr_equal(t->ready_link.prev, prev);
        }
        assert_ptr_equal(kernel.ready_head[p] ? kernel.ready_tail[p] : NULL, prev);
        assert_int_equal((kernel.ready_bits[p / 64] >> (p % 64)) & 1, kernel.ready_head[p] != NULL);
    }
    for (unsigned i = 0; i < SEL4_NUM_PRIORITIES / 64; i++)
        assert_int_equal((kernel.ready_summary >> i) & 1, kernel.ready_bits[i] != 0);
    ticks_t last = 0;
    for (struct tcb *t = kernel.release_head, *prev = NULL; t; prev = t, t = t->release_link.next) {
        assert_true(t->in_release_queue);
        assert_ptr_equal(t->release_link.prev, prev);
        assert_true(sched_context_refill(t->sc, 0)->time >= last);
        last = sched_context_refill(t->sc, 0)->time;
    }
    /* nobody who could run has a higher priority than who does */
    if (kernel.current != idle_thread())
        for (unsigned p = kernel.current->priority + 1u; p < SEL4_NUM_PRIORITIES; p++)
            assert_null(kernel.ready_head[p]);
    assert_null(kernel.switch_to);
    assert_false(kernel.reschedule);
    assert_ptr_equal(kernel.current_sc, kernel.current->sc);
}

void invariants_check_threads(void)
{
    check_threads();
    check_queues();
}
