/* Debugging system calls, -12 to -17 (libsel4's numbers). A build without them links debug_none.c instead. */
#include "core.h"
#include "state.h"

static const char *const state_names[] = {
    [THREAD_INACTIVE] = "inactive",          [THREAD_RUNNING] = "running",
    [THREAD_BLOCKED_ON_RECEIVE] = "receives", [THREAD_BLOCKED_ON_SEND] = "sends",
    [THREAD_BLOCKED_ON_REPLY] = "calls",      [THREAD_BLOCKED_ON_NOTIFICATION] = "waits",
    [THREAD_IDLE] = "idle",
};

static void dump_scheduler(void)
{
    log_printf("threads (name, state, rip, priority):\n");
    for (const struct tcb *t = kernel.all_threads; t; t = t->all_link.next)
        log_printf("  %s %s %lx %u%s\n", t->name[0] ? t->name : "?", state_names[t->state], t->context.rip, t->priority,
                   t == kernel.current ? " (current)" : "");
}

static void name_thread(struct tcb *caller)
{
    struct lookup l = cspace_lookup(caller, caller->context.rdi);
    const word_t *buffer = tcb_ipc_buffer(caller, false);
    if (l.status != STATUS_OK || cap_tag(l.slot->cap) != CAP_TCB || !buffer)
        return;
    struct tcb *t = object_at(cap_offset48(l.slot->cap));
    const char *text = (const char *)(buffer + SEL4_IPC_MSG_WORD);
    unsigned i = 0;
    for (; i < sizeof(t->name) - 1 && text[i]; i++)
        t->name[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
    t->name[i] = 0;
}

bool debug_syscall(int64_t number)
{
    struct tcb *t = kernel.current;
    switch (number) {
    case SEL4_SYS_DEBUG_PUT_CHAR: machine_put_char((char)t->context.rdi); return true;
    case SEL4_SYS_DEBUG_DUMP_SCHEDULER: dump_scheduler(); return true;
    case SEL4_SYS_DEBUG_HALT: panic("stopped by thread %s (DebugHalt)", t->name[0] ? t->name : "?");
    case SEL4_SYS_DEBUG_CAP_IDENTIFY: {
        struct lookup l = cspace_lookup(t, t->context.rdi);
        t->context.rdi = l.status == STATUS_OK ? (word_t)cap_tag(l.slot->cap) : (word_t)CAP_NULL;
        return true;
    }
    case SEL4_SYS_DEBUG_SNAPSHOT: arch_snapshot(t); return true;
    case SEL4_SYS_DEBUG_NAME_THREAD: name_thread(t); return true;
    default: return false;
    }
}
