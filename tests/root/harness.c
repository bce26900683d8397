/* See harness.h. */
#include "harness.h"

#define STACK_WORDS 1024
#define IMAGE_VA 0x400000ull
#define BUDGET_US 10000

const struct sel4_bootinfo *info;
cptr_t untyped, next_slot;
uint64_t ticks_per_us;
unsigned claims, failures;
struct sel4_message answer;

static struct thread threads[THREADS_MAX];
static unsigned thread_count;
static uint64_t stacks[THREADS_MAX][STACK_WORDS] __attribute__((aligned(16)));
static struct sel4_ipc_buffer buffers[THREADS_MAX] __attribute__((aligned(4096)));

void must(error_t error, const char *what)
{
    if (error)
        panic("%s: %s", what, sel4_error_name(error));
}

void claim(int holds, const char *what)
{
    failures += !holds;
    log_line("%s %u - %s", holds ? "ok" : "not ok", ++claims, what);
}

void claim_error(error_t is, error_t should, const char *what)
{
    claim(is == should, what);
    if (is != should)
        log_line("it was: %s; should be: %s", sel4_error_name(is), sel4_error_name(should));
}

_Noreturn void harness_end(void)
{
    log_line("done: %u passed, %u failed", claims - failures, failures);
    tcb_suspend(SEL4_CAP_INIT_TCB);
    panic("suspended, and yet it runs");
}

error_t invoke(cptr_t cptr, uint64_t label, unsigned caps, const cptr_t *cap, unsigned words, const uint64_t *word)
{
    answer = (struct sel4_message){.info = sel4_info(label, caps, words)};
    for (unsigned i = 0; i < caps; i++)
        sel4_ipc_buffer->caps_or_badges[i] = cap[i];
    for (unsigned i = 0; i < words; i++)
        if (i < SEL4_MSG_REGISTERS)
            answer.mr[i] = word[i];
        else
            sel4_ipc_buffer->msg[i] = word[i];
    sel4_call(cptr, &answer);
    return (error_t)sel4_info_label(answer.info);
}

cptr_t make_from(cptr_t from, uint64_t type, uint64_t bits)
{
    must(untyped_retype(from, type, bits, ROOT, 0, 0, next_slot, 1), "retype");
    return next_slot++;
}

cptr_t make(uint64_t type, uint64_t bits) { return make_from(untyped, type, bits); }

cptr_t make_many(uint64_t type, uint64_t bits, unsigned count)
{
    cptr_t first = next_slot;
    for (unsigned done = 0; done < count;) {
        unsigned n = count - done < 256 ? count - done : 256;
        must(untyped_retype(untyped, type, bits, ROOT, 0, 0, next_slot, n), "retype of many");
        next_slot += n;
        done += n;
    }
    return first;
}

cptr_t mint(cptr_t from, uint64_t rights, uint64_t badge)
{
    must(cnode_mint(ROOT, next_slot, DEPTH, ROOT, from, DEPTH, rights, badge), "mint");
    return next_slot++;
}

void drop(cptr_t slot) { must(cnode_delete(ROOT, slot, DEPTH), "delete"); }

uint64_t now(void) { return __builtin_ia32_rdtsc(); }

void own_priority(unsigned priority)
{
    must(tcb_set_priority(SEL4_CAP_INIT_TCB, SEL4_CAP_INIT_TCB, priority), "set the own priority");
}

/* ---- threads ---- */

static void thread_first(void (*entry)(uint64_t), uint64_t argument, cptr_t tcb)
{
    entry(argument);
    tcb_suspend(tcb);
    panic("a suspended thread runs");
}

struct thread *thread_make(void (*entry)(uint64_t), uint64_t argument, unsigned priority, cptr_t fault_endpoint)
{
    enum { RIP = 0, RSP = 1, RFLAGS = 2, RDX = 6, RSI = 7, RDI = 8, REGISTERS = 9 }; /* of seL4_UserContext */
    if (thread_count == THREADS_MAX)
        panic("more threads than the harness has stacks");
    struct thread *t = &threads[thread_count];
    uint64_t stack = (uint64_t)&stacks[thread_count][STACK_WORDS] - 8;
    uint64_t registers[REGISTERS] = {[RIP] = (uint64_t)thread_first, [RSP] = stack, [RFLAGS] = 0x202, [RDI] = (uint64_t)entry,
                                     [RSI] = argument};
    t->buffer = &buffers[thread_count++];
    t->tcb = make(SEL4_TCB, 0);
    t->sc = make(SEL4_SCHED_CONTEXT, 8);
    t->buffer_frame = info->user_image_frames.start + ((uint64_t)t->buffer - IMAGE_VA) / PAGE;
    registers[RDX] = t->tcb;
    must(tcb_set_space(t->tcb, fault_endpoint, ROOT, 0, SEL4_CAP_INIT_VSPACE, 0), "set a thread's spaces");
    must(tcb_set_ipc_buffer(t->tcb, (uint64_t)t->buffer, t->buffer_frame), "set a thread's buffer");
    must(tcb_set_mc_priority(t->tcb, SEL4_CAP_INIT_TCB, 255), "set a thread's MCP");
    must(tcb_set_priority(t->tcb, SEL4_CAP_INIT_TCB, priority), "set a thread's priority");
    must(sched_control_configure(info->schedcontrol.start, t->sc, BUDGET_US, BUDGET_US, 0, 0, 0), "configure a scheduling context");
    must(sched_context_bind(t->sc, t->tcb), "bind a scheduling context");
    must(tcb_write_registers(t->tcb, 0, REGISTERS, registers), "write registers");
    return t;
}

void thread_start(struct thread *t) { must(tcb_resume(t->tcb), "resume"); }

struct thread *thread_passive(void (*entry)(uint64_t), uint64_t argument, unsigned priority)
{
    struct thread *t = thread_make(entry, argument, priority, 0);
    thread_start(t);
    must(sched_context_unbind(t->sc), "unbind");
    return t;
}

void threads_end(void)
{
    while (thread_count) {
        struct thread *t = &threads[--thread_count];
        tcb_suspend(t->tcb);
        drop(t->tcb);
        drop(t->sc);
    }
}

/* ---- start ---- */

void harness_start(const struct sel4_bootinfo *bootinfo)
{
    uint8_t bits = 0;
    info = bootinfo;
    next_slot = info->empty.start;
    for (uint64_t i = 0; i < info->untyped.end - info->untyped.start; i++)
        if (!info->untyped_list[i].is_device && info->untyped_list[i].size_bits > bits) {
            bits = info->untyped_list[i].size_bits;
            untyped = info->untyped.start + i;
        }
    const char *chunk = (const char *)info + PAGE;
    for (uint64_t at = 0; at + sizeof(struct sel4_bootinfo_chunk) <= info->extra_len;) {
        struct sel4_bootinfo_chunk head;
        uint32_t mhz;
        memcpy(&head, chunk + at, sizeof head);
        memcpy(&mhz, chunk + at + sizeof head, sizeof mhz);
        if (head.id == SEL4_BOOTINFO_TSC_FREQ)
            ticks_per_us = mhz;
        at += head.len;
    }
}
