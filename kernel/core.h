/* What the core offers to the machine side (entry paths, arch invocations) and between its own files.
 * Grouped by file; each function's contract stands with its definition. */
#pragma once
#include "arch.h"
#include "object.h"

/* syscall.c: entries from user level. The machine side has saved the registers in kernel.current->context; each of these
 * ends with the scheduler having chosen: the machine side then returns to kernel.current (arch_switch_to was called). */
void handle_syscall(int64_t number);             /* rdx */
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

/* untyped.c */
status_t untyped_invoke(struct invocation *);

/* cnode.c, derive.c, cspace.c */
struct lookup {
    status_t status;    /* STATUS_OK or SEL4_FAILED_LOOKUP (lookup failure in current->lookup_failure) */
    struct slot *slot;
    unsigned bits_left;
};
struct lookup cspace_lookup(struct tcb *, word_t cptr);                      /* full depth */
struct lookup cspace_lookup_target(cap_t root, word_t index, word_t depth);  /* exact depth, for CNode operations */
void slot_insert(cap_t cap, struct slot *parent, struct slot *to);           /* derivation: `to` becomes a child or sibling */
void slot_insert_original(cap_t cap, struct slot *to);                       /* boot: no parent */
status_t slot_delete(struct slot *);                                         /* may be STATUS_PREEMPTED */
status_t slot_revoke(struct slot *);                                         /* may be STATUS_PREEMPTED */
bool slot_has_children(const struct slot *);
bool slot_is_empty(const struct slot *);
status_t cap_derive(struct slot *from, cap_t cap, cap_t *derived);

/* ipc.c, notification.c, fault.c */
void notification_signal(struct notification *, word_t badge);
void fault_send(struct tcb *);                   /* thread->fault is set: to its fault handler, or stop the thread */
void refuse(word_t w0, word_t w1);               /* refusal details: kernel.refusal */
bool preemption_point(void);                     /* true: stop now, return STATUS_PREEMPTED */

/* thread.c, schedule.c */
void thread_suspend(struct tcb *);
void thread_restart(struct tcb *);
void schedule(void);

/* log.c */
void log_printf(const char *format, ...) __attribute__((format(printf, 1, 2))); /* %s %c %d %u %x %lu %lx %zu only */
__attribute__((noreturn)) void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));
