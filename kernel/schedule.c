/* The scheduler: 256 priorities, ready queues with a bitmap, a release queue in order of time, and the accounting of the
 * processor time to scheduling contexts.
 *
 * The clock is read only where its value decides something: at a change of scheduling context and in the timer interrupt. A
 * budget can't be overrun unnoticed by that, as the timer stands at its end. */
#include "core.h"
#include "state.h"

static struct tcb idle;

struct tcb *idle_thread(void) { return &idle; }

void scheduler_init(void)
{
    idle.state = THREAD_IDLE;
    kernel.now = machine_time();
    kernel.current = &idle;
    kernel.current_sc = NULL;
}

void tcb_make_runnable_first(struct tcb *t)
{
    thread_set_state(t, THREAD_RUNNING);
    thread_wake(t);
    schedule();
}

void clock_update(void)
{
    ticks_t now = machine_time();
    kernel.consumed += now - kernel.now;
    kernel.now = now;
}

void charge_current(void)
{
    clock_update();
    struct sched_context *sc = kernel.current_sc;
    if (sc && sc->refill_max != 0 && kernel.consumed != 0) {
        sc->budget_consumed += kernel.consumed;
        sched_context_charge(sc, kernel.consumed);
    }
    kernel.consumed = 0;
    kernel.reprogram = true;
}

static bool budget_used_up(void)
{
    struct sched_context *sc = kernel.current_sc;
    return sched_context_head(sc)->amount < kernel.consumed + kernel.min_budget;
}

void thread_set_state(struct tcb *t, enum thread_state s) { t->state = s; }

void reschedule(void) { kernel.reschedule = true; }

/* Ready queues */
void ready_enqueue(struct tcb *t, bool front)
{
    if (t->in_ready_queue)
        return;
    unsigned p = t->priority;
    struct tcb *head = kernel.ready_head[p], *tail = kernel.ready_tail[p];
    if (!head) {
        kernel.ready_head[p] = kernel.ready_tail[p] = t;
        t->ready_link = (struct queue_link){NULL, NULL};
        kernel.ready_bits[p / 64] |= BIT(p % 64);
        kernel.ready_summary |= BIT(p / 64);
    } else if (front) {
        t->ready_link = (struct queue_link){NULL, head};
        head->ready_link.prev = t;
        kernel.ready_head[p] = t;
    } else {
        t->ready_link = (struct queue_link){tail, NULL};
        tail->ready_link.next = t;
        kernel.ready_tail[p] = t;
    }
    t->in_ready_queue = true;
}

void ready_dequeue(struct tcb *t)
{
    if (!t->in_ready_queue)
        return;
    unsigned p = t->priority;
    struct tcb *prev = t->ready_link.prev, *next = t->ready_link.next;
    *(prev ? &prev->ready_link.next : &kernel.ready_head[p]) = next;
    *(next ? &next->ready_link.prev : &kernel.ready_tail[p]) = prev;
    if (!kernel.ready_head[p]) {
        kernel.ready_bits[p / 64] &= ~BIT(p % 64);
        if (kernel.ready_bits[p / 64] == 0)
            kernel.ready_summary &= ~BIT(p / 64);
    }
    t->in_ready_queue = false;
}

/* Release queue: runnable threads whose budget comes back later. */
static ticks_t release_time(const struct tcb *t) { return sched_context_head(t->sc)->time; }

void release_enqueue(struct tcb *t)
{
    struct tcb *before = NULL, *after = kernel.release_head;
    while (after && release_time(after) <= release_time(t)) {
        before = after;
        after = after->release_link.next;
    }
    t->release_link = (struct queue_link){before, after};
    *(before ? &before->release_link.next : &kernel.release_head) = t;
    if (after)
        after->release_link.prev = t;
    if (!before)
        kernel.reprogram = true;
    t->in_release_queue = true;
}

void release_dequeue(struct tcb *t)
{
    if (!t->in_release_queue)
        return;
    struct tcb *prev = t->release_link.prev, *next = t->release_link.next;
    *(prev ? &prev->release_link.next : &kernel.release_head) = next;
    if (next)
        next->release_link.prev = prev;
    if (!prev)
        kernel.reprogram = true;
    t->in_release_queue = false;
}

void thread_dequeue(struct tcb *t)
{
    ready_dequeue(t);
    release_dequeue(t);
}

static void wake_released(void)
{
    while (kernel.release_head && release_time(kernel.release_head) <= kernel.now) {
        struct tcb *t = kernel.release_head;
        release_dequeue(t);
        thread_wake(t);
    }
}

/* A woken thread goes before its equals that wait for their turn, as in seL4; only who runs goes on first. */
void thread_wake(struct tcb *t)
{
    if (!thread_schedulable(t) || t == kernel.current || t == kernel.switch_to || t->in_ready_queue)
        return;
    if (!sched_context_is_ready(t->sc))
        release_enqueue(t);
    else if (!kernel.switch_to && !kernel.reschedule)
        kernel.switch_to = t;
    else
        ready_enqueue(t, true);
}

/* The current thread's turn is over, its budget was charged: to its handler, to the end of its queue, or until it has budget again. */
void timeslice_end(bool may_fault)
{
    struct tcb *t = kernel.current;
    reschedule();
    if (!thread_schedulable(t))
        return;
    if (may_fault && !sched_context_round_robin(t->sc) && fault_has_timeout_handler(t))
        fault_timeout(t);
    else if (sched_context_is_ready(t->sc))
        ready_enqueue(t, false);
    else
        release_enqueue(t);
}

void yield_current(void)
{
    struct sched_context *sc = kernel.current_sc;
    clock_update();
    ticks_t rest = sched_context_head(sc)->amount;
    sc->budget_consumed += kernel.consumed;
    sched_context_charge(sc, rest > kernel.consumed ? rest : kernel.consumed);
    kernel.consumed = 0;
    kernel.reprogram = true;
    timeslice_end(false);
}

void handle_timer(void)
{
    clock_update();
    kernel.reprogram = true;
    if (kernel.current_sc && kernel.current_sc->refill_max != 0 && budget_used_up()) {
        charge_current();
        timeslice_end(true);
    }
    wake_released();
    schedule();
}

static void run(struct tcb *next)
{
    struct sched_context *sc = next->sc;
    if (sc != kernel.current_sc || kernel.reprogram) {
        if (sc != kernel.current_sc) {
            charge_current();
            kernel.current_sc = sc;
            if (sc && !sc->sporadic)
                sched_context_start_now(sc);
        } else {
            clock_update();
        }
        ticks_t deadline = UINT64_MAX;
        if (sc) {
            ticks_t left = sched_context_head(sc)->amount;
            deadline = kernel.now + (left > kernel.consumed ? left - kernel.consumed : 0);
        }
        if (kernel.release_head && release_time(kernel.release_head) < deadline)
            deadline = release_time(kernel.release_head);
        kernel.reprogram = false;
        machine_set_deadline(deadline);
    }
    kernel.reschedule = false;
    kernel.switch_to = NULL;
    if (next == kernel.current)
        return;
    kernel.current = next;
    if (next == &idle)
        arch_switch_to_idle();
    else
        arch_switch_to(next);
}

static void choose(bool runs)
{
    struct tcb *current = kernel.current, *next = kernel.switch_to;
    if (next && !thread_schedulable(next))
        next = NULL;
    if (runs && !next && !kernel.reschedule) {
        run(current);
        return;
    }
    if (runs) {
        clock_update();
        if (kernel.current_sc == current->sc && budget_used_up()) {
            charge_current();
            timeslice_end(true);
            next = kernel.switch_to; /* perhaps a timeout handler */
        } else {
            ready_enqueue(current, true);
            if (next && (kernel.reschedule || next->priority <= current->priority)) {
                ready_enqueue(next, next->priority != current->priority);
                next = NULL;
            }
        }
    }
    int highest = ready_highest();
    if (next && next->priority < highest) {
        ready_enqueue(next, true);
        next = NULL;
    }
    if (!next && highest >= 0) {
        next = kernel.ready_head[highest];
        ready_dequeue(next);
    }
    run(next ? next : &idle);
}

/* Chooses who runs when the kernel leaves. Most often nothing has happened that could change it. */
void schedule(void)
{
    const struct tcb *current = kernel.current;
    bool runs = thread_schedulable(current) && !current->in_ready_queue;
    if (!runs || kernel.switch_to || kernel.reschedule || kernel.reprogram || current->sc != kernel.current_sc)
        choose(runs);
    if (kernel.current->yield_to)
        sched_context_complete_yield(kernel.current);
}

void kernel_exit_to_scheduler(void) { schedule(); }
