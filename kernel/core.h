/* What the core offers to the machine side (entry paths, arch invocations) and between its own files.
 * Grouped by file; each function's contract stands with its definition. */
#pragma once
#include "arch.h"
#include "state.h"

/* syscall.c: entries from user level. The machine side has saved the registers in kernel.current->context; each of these
 * ends with the scheduler having chosen: the machine side then returns to kernel.current (arch_switch_to was called). */
void syscall_dispatch(struct tcb *current, int64_t number); /* rdx */
void handle_syscall(int64_t number);             /* the same of kernel.current */
void handle_interrupt(word_t irq);               /* a device or IPI interrupt (not the timer); irq < NUM_IRQS */
void handle_timer(void);
void handle_user_exception(word_t number, word_t code);
void handle_vm_fault(word_t vaddr, bool prefetch, word_t fsr);
void handle_vcpu_fault(void);                    /* kernel.current's vCPU holds the exit; arch_vcpu_fault_message() tells it */
void kernel_exit_to_scheduler(void);             /* charge time, run schedule() */

/* boot-time: run by x86/start.c once state and init's objects exist */
void scheduler_init(void);
struct tcb *idle_thread(void);                   /* state THREAD_IDLE, own scheduling context */
void tcb_make_runnable_first(struct tcb *);      /* init's first schedule */
void sched_context_configure(struct sched_context *, ticks_t budget, ticks_t period, word_t max_refills, word_t badge,
                             bool sporadic);     /* initial refills; period 0 or == budget: round robin */

/* syscall.c: messages. Word i of a thread's message: four in registers, the rest in its IPC buffer. */
static inline word_t *message_register(struct context *c, unsigned i)
{
    static const uint8_t offset[SEL4_MSG_REGISTERS] = {offsetof(struct context, r10), offsetof(struct context, r8),
                                                       offsetof(struct context, r9), offsetof(struct context, r15)};
    return (word_t *)((char *)c + offset[i]);
}
static inline word_t message_info(word_t label, word_t unwrapped, word_t extra, word_t length)
{
    return label << SEL4_MSG_LABEL_SHIFT | unwrapped << SEL4_MSG_UNWRAPPED_SHIFT | extra << SEL4_MSG_EXTRA_SHIFT | length;
}
static inline word_t message_label(word_t info) { return info >> SEL4_MSG_LABEL_SHIFT; }
static inline word_t message_extra(word_t info) { return (info >> SEL4_MSG_EXTRA_SHIFT) & SEL4_MSG_MAX_EXTRA_CAPS; }
static inline word_t message_length(word_t info)
{
    word_t length = info & MASK(SEL4_MSG_EXTRA_SHIFT);
    return length <= SEL4_MSG_MAX_LENGTH ? length : SEL4_MSG_MAX_LENGTH;
}
/* The IPC buffer in the window, NULL if there is none or (to_write) it is read-only. */
static inline word_t *tcb_ipc_buffer(const struct tcb *t, bool to_write)
{
    return cap_is_frame(t->ipc_buffer.cap, to_write ? FRAME_READ_WRITE : FRAME_READ) ? t->ipc_buffer_words : NULL;
}
word_t message_word(struct tcb *, unsigned i);
bool message_set_word(struct tcb *, unsigned i, word_t value); /* false: no buffer to take it */

/* invocation.c */
status_t invocation_decode(struct invocation *);
status_t untyped_invoke(struct invocation *);
status_t cnode_invoke(struct invocation *);
status_t tcb_invoke(struct invocation *);
status_t sched_context_invoke(struct invocation *);
status_t sched_control_invoke(struct invocation *);
status_t irq_control_invoke(struct invocation *);
status_t irq_handler_invoke(struct invocation *);
status_t domain_invoke(struct invocation *);
status_t channel_invoke(struct invocation *);
unsigned object_bits(word_t type, word_t user_bits);              /* untyped.c: size as log2, 0: no such type or size */
/* Refusals: the details that the reply carries (manual, "Errors"); each returns its error. */
status_t refuse_argument(word_t which);
status_t refuse_capability(word_t which);
status_t refuse_range(word_t min, word_t max);
status_t refuse_lookup(bool source);
status_t refuse_plain(status_t);
void refuse(word_t w0, word_t w1);               /* refusal details: kernel.refusal */

/* cnode.c, derive.c, delete.c, cspace.c */
struct lookup {
    status_t status;    /* STATUS_OK or SEL4_FAILED_LOOKUP (lookup failure in current->lookup_failure) */
    struct slot *slot;
    unsigned bits_left;
};
void cspace_changed(struct tcb *);               /* its cspace slot was filled */
/* The slot at `cptr` in a CSpace of one level; NULL: another CSpace or no such address, cspace_lookup() tells. */
static inline struct slot *cspace_slot(const struct tcb *t, word_t cptr)
{
    const struct cspace_window *w = &t->cspace_window;
    word_t index = cptr - w->first;
    return t->cspace.cap.w0 == w->cap && index < w->count ? w->slots + index : NULL;
}
struct lookup cspace_lookup(struct tcb *, word_t cptr);                      /* full depth */
struct lookup cspace_lookup_target(cap_t root, word_t index, word_t depth);  /* exact depth, for CNode operations; sets the refusal */
void slot_insert(cap_t cap, struct slot *parent, struct slot *to);           /* derivation: `to` becomes a child or sibling */
void slot_insert_original(cap_t cap, struct slot *to);                       /* boot: no parent */
void slot_move(cap_t cap, struct slot *from, struct slot *to);               /* `to` takes from's place in the derivation tree */
void slot_swap(cap_t cap_a, struct slot *a, cap_t cap_b, struct slot *b);    /* a gets cap_b, b gets cap_a, with their places */
void slot_clear(struct slot *);                                              /* out of the tree, empty */
bool slot_wind_down(struct slot *);                                          /* delete.c: a step; true: nothing is left to do */
status_t slot_delete(struct slot *);                                         /* may be STATUS_PREEMPTED */
status_t slot_revoke(struct slot *);                                         /* may be STATUS_PREEMPTED */
bool slot_has_children(const struct slot *);
bool slot_is_final(const struct slot *);                                     /* no other capability to the same object */
bool slot_is_empty(const struct slot *);
bool slot_is_parent(const struct slot *a, const struct slot *b);
status_t cap_derive(struct slot *from, cap_t cap, cap_t *derived);
bool cap_same_object(cap_t a, cap_t b);
cap_t cap_mask_rights(cap_t cap, word_t rights);
cap_t cap_update_data(cap_t cap, bool preserve, word_t data);                /* the null capability: not possible */
static inline void slot_set_next(struct slot *s, const struct slot *next) { s->next = (word_t)next | (s->next & SLOT_FLAGS); }
/* An original: of an object just made from the untyped in `parent`. */
static inline void slot_insert_new(cap_t cap, struct slot *parent, struct slot *to)
{
    struct slot *next = slot_next(parent);
    to->cap = cap;
    to->prev = (word_t)parent;
    to->next = (word_t)next | SLOT_FLAGS;
    if (next)
        next->prev = (word_t)to;
    slot_set_next(parent, to);
}
bool preemption_point(void);                     /* true: stop now, return STATUS_PREEMPTED */

/* endpoint.c, ipc.c, notification.c, reply.c, fault.c */
void endpoint_send(struct tcb *sender, struct endpoint *, word_t badge, word_t rights, bool blocking, bool call, bool donate);
void endpoint_receive(struct tcb *, cap_t endpoint, struct reply *, bool blocking);
bool endpoint_cancel_one(struct endpoint *);     /* the first in its queue starts its system call again; false: there was none */
status_t endpoint_cancel_badged(struct endpoint *, word_t badge); /* may be STATUS_PREEMPTED */
void endpoint_remove(struct tcb *);              /* blocked on it: out of its queue */
void endpoint_requeue(struct tcb *);             /* its priority has changed */
void ipc_transfer(struct tcb *sender, struct tcb *receiver, struct endpoint *, word_t badge, bool grant);
void ipc_cancel(struct tcb *);                   /* blocked: not any more, inactive; its system call or fault starts again on resume */
void notification_signal(struct notification *, word_t badge);
void notification_wait(struct tcb *, struct notification *, bool blocking);
void notification_take(struct tcb *, struct notification *);  /* active: deliver to a receiver that is bound or waits */
bool notification_cancel_one(struct notification *);
void notification_remove(struct tcb *);
void notification_requeue(struct tcb *);
void notification_bind(struct notification *, struct tcb *);
void notification_unbind(struct tcb *);
void notification_return_sc(struct notification *, struct tcb *); /* a lent scheduling context goes back before blocking */
void notification_finalise(struct notification *);
void reply_push(struct tcb *caller, struct tcb *callee, struct reply *, bool donate);
void reply_unlink(struct reply *);               /* from a receiver that waits with it */
void reply_remove(struct reply *);               /* the caller waits no more; a scheduling context lent along returns to it */
void reply_cut(struct reply *);                  /* the caller goes; scheduling contexts stay where they are */
void reply_send(struct tcb *sender, struct reply *, bool grant);
void reply_finalise(struct reply *);
void fault_send(struct tcb *);                   /* thread->fault is set: to its fault handler, or stop the thread */
bool fault_timeout(struct tcb *);                /* budget used up: true if its timeout handler took it */
bool fault_has_timeout_handler(const struct tcb *);
word_t fault_message(struct tcb *faulter, struct tcb *receiver);  /* writes the words, returns the length */
bool fault_reply(struct tcb *faulter, struct tcb *replier);       /* true: run on */

/* fastpath.c: what they don't do themselves they leave, unchanged, to the general path. */
void fastpath_call(struct tcb *);
void fastpath_reply_recv(struct tcb *);
void fastpath_send(struct tcb *, int64_t number);
void fastpath_vcpu_fault(struct tcb *);
/* syscall.c: the general path */
void syscall_general(struct tcb *, int64_t number);
void vcpu_fault_general(struct tcb *);

/* tcb.c */
void thread_suspend(struct tcb *);
void thread_resume(struct tcb *);                /* Resume, and WriteRegisters with resume */
void thread_finalise(struct tcb *);
void thread_restart_syscall(struct tcb *);       /* the system call under way is made again when the thread runs */
word_t thread_restart_pc(const struct tcb *);    /* where the thread would go on */

/* sched_context.c: budgets. refill.c */
bool sched_context_is_ready(struct sched_context *);     /* its head refill may be used now */
bool sched_context_round_robin(const struct sched_context *);
void sched_context_charge(struct sched_context *, ticks_t used);
void sched_context_unblock(struct sched_context *);      /* its thread has come back: idle time is no credit */
void sched_context_start_now(struct sched_context *);    /* a ready head refill counts from now on */
void sched_context_refresh(struct sched_context *, ticks_t budget, ticks_t period, unsigned max_refills);
unsigned sched_context_max_refills(unsigned size_bits);
struct refill *sched_context_refill(struct sched_context *, unsigned i); /* i-th from the head */
static inline struct refill *sched_context_head(struct sched_context *sc)
{
    return (struct refill *)((char *)sc + offsetof(struct sched_context, refills)) + sc->refill_head;
}
void sched_context_bind(struct sched_context *, struct tcb *);
void sched_context_unbind_tcb(struct sched_context *);
void sched_context_donate(struct sched_context *, struct tcb *to);
void sched_context_resume(struct sched_context *);       /* not ready: its thread waits in the release queue */
void sched_context_finalise(struct sched_context *);
word_t sched_context_take_consumed(struct sched_context *);  /* microseconds; counts from zero again */
void sched_context_complete_yield(struct tcb *yielder);  /* its YieldTo returns */

/* schedule.c */
void schedule(void);
static inline int ready_highest(void) /* a priority, -1: none */
{
    if (kernel.ready_summary == 0)
        return -1;
    int group = 63 - __builtin_clzll(kernel.ready_summary);
    return group * 64 + 63 - __builtin_clzll(kernel.ready_bits[group]);
}
static inline bool thread_is_highest(const struct tcb *t) { return (int)t->priority >= ready_highest(); }
void clock_update(void);                         /* kernel.now, kernel.consumed */
void charge_current(void);                       /* what was consumed is charged to the current scheduling context */
void thread_wake(struct tcb *);                  /* it may run now: candidate for the next thread */
void thread_set_state(struct tcb *, enum thread_state);
void reschedule(void);
void ready_enqueue(struct tcb *, bool front);
void ready_dequeue(struct tcb *);
void release_enqueue(struct tcb *);
void release_dequeue(struct tcb *);
void thread_dequeue(struct tcb *);               /* from ready and release queue */
void timeslice_end(bool may_fault);
void yield_current(void);
static inline bool thread_runnable(const struct tcb *t) { return t->state == THREAD_RUNNING; }
static inline bool thread_schedulable(const struct tcb *t)
{
    return thread_runnable(t) && t->sc && t->sc->refill_max != 0 && !t->in_release_queue;
}

/* The running thread blocks: may `next` run without a look at the others? Who runs is of the highest priority there is, so the
 * queues matter only if `next` is lower. */
static inline bool thread_may_follow(const struct tcb *next, const struct tcb *blocked)
{
    return next->priority >= blocked->priority || thread_is_highest(next);
}

/* debug.c: false: not a debugging system call */
bool debug_syscall(int64_t number);

/* log.c */
void log_printf(const char *format, ...) __attribute__((format(printf, 1, 2))); /* %s %c %d %u %x %lu %lx %zu only */
__attribute__((noreturn)) void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));
