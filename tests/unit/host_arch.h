/* The machine side of the kernel (kernel/arch.h) on the host, and what the unit tests drive it with. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "kernel/core.h"
#include "kernel/state.h"

#define WINDOW_BYTES (4ull << 20)
#define WINDOW_PADDR 0x40000000ull
#define FRAMES_PADDR 0x100000000ull /* frame-only memory: not in the window */

extern struct host {
    ticks_t time;              /* what machine_time() says */
    ticks_t deadline;          /* what the scheduler asked for */
    bool interrupt_pending;
    unsigned interrupt_every;  /* n: every n-th look for an interrupt finds one */
    unsigned looks;
    word_t masked_irq;
    bool in_use;               /* what arch_cap_in_use() says */
    char log[4096];
    size_t log_length;
} host;

/* A fresh kernel with one thread, "root", that runs: priority and MCP 255, round robin, a CNode of 2^10 slots (guard 54) in the
 * slots below, an IPC buffer. Slot 1 its TCB, 2 its CNode, 3 its VSpace, 4 IRQ control, 5 SchedControl, 6 domain, 7 its SC,
 * 8 IPC buffer frame, 9 untyped (2 MiB), 10 frame-only untyped (2 MiB). */
enum { TCB = 1, CNODE, VSPACE, IRQ_CONTROL, SCHED_CONTROL, DOMAIN, SC, BUFFER, UNTYPED, FRAMES, FREE = 16 };
#define ROOT_RADIX 10
void host_start(void);
extern struct tcb *root;
struct slot *slot_of(word_t cptr);      /* in root's CNode */
struct tcb *tcb_of(word_t cptr);
struct sched_context *sc_of(word_t cptr);
struct notification *notification_of(word_t cptr);

/* A system call of the running thread; kernel.current is afterwards who runs next. Checks the invariants. */
void host_syscall(int64_t number);
/* The running thread invokes with Call, caps in up to three extra slots (0: none), and goes on. Returns the label. Each refused
 * call is checked to change nothing: all kernel memory is compared, but the caller's registers and lookup failure. */
#define HOST_PREEMPTED 0xfffff /* to be called again */
word_t host_call(word_t cptr, word_t label, unsigned length, const word_t *words, unsigned extras, const word_t *caps);
#define CALL(cptr, label, caps, ...)                                                                        \
    host_call(cptr, label, sizeof((word_t[]){0, ##__VA_ARGS__}) / 8 - 1, (word_t[]){0, ##__VA_ARGS__} + 1, \
              sizeof((word_t[])caps) / 8, (word_t[])caps)
#define CAPS(...) {__VA_ARGS__}
word_t host_mr(unsigned i);             /* root's message word */
void host_set_mr(struct tcb *, unsigned i, word_t value);
word_t host_retype(word_t type, word_t bits, word_t slot, word_t count); /* from UNTYPED into root's CNode */
/* A thread that runs next to root: TCB in `slot`, its SC (round robin 5 ms) in slot + 1 unless passive, root's CSpace and VSpace. */
struct tcb *host_thread(word_t slot, word_t priority, bool passive);
void host_advance(ticks_t);             /* time passes; the timer fires if its deadline does */

void invariants_check(void);            /* of everything that is there */
