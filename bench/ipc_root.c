/* A root task that measures the kernel's own operations. Meant for a machine that counts one TSC tick per instruction (QEMU
 * -icount shift=0); prints "bench NAME TICKS" lines, then "bench done".
 *
 * Each figure is the least of many samples, less the cost of an empty measurement, and so contains the user-level stub of four
 * instructions: number to rdx, rsp to rbx, SYSCALL, rsp back. That is how seL4's published figures were taken, too. */
#include "lib.h"
#include "root.h"
#include "sel4.h"

#define SAMPLES 64
#define PRIORITY 100
#define OTHERS_PRIORITY 101
#define IMAGE_VA 0x400000ull
#define PAGE 4096ull
#define SERVER_GLUE 2 /* instructions of bench_server's loop that are not the stub: jmp, movq */
#define BUDGET_US 1000000

const char component_name[] = "bench";

extern const char bench_server[], bench_server_timed[], bench_waiter[];
extern volatile uint64_t bench_woken, bench_received, bench_replying;
static struct sel4_ipc_buffer buffers[4] __attribute__((aligned(4096))); /* of the servers */
uint64_t bench_ticks(int64_t number, cptr_t capability, uint64_t info, uint64_t *begin);
uint64_t bench_empty_ticks(void);

static cptr_t untyped, next_slot;

static void must(error_t error, const char *what)
{
    if (error)
        panic("%s: %s", what, sel4_error_name(error));
}

static cptr_t make(uint64_t type, uint64_t size_bits)
{
    must(untyped_retype(untyped, type, size_bits, SEL4_CAP_INIT_CNODE, 0, 0, next_slot, 1), "retype");
    return next_slot++;
}

/* The largest untyped of private memory. */
static cptr_t untyped_find(const struct sel4_bootinfo *info)
{
    cptr_t best = 0;
    uint8_t bits = 0;
    for (uint64_t i = 0; i < info->untyped.end - info->untyped.start; i++)
        if (!info->untyped_list[i].is_device && info->untyped_list[i].size_bits > bits) {
            bits = info->untyped_list[i].size_bits;
            best = info->untyped.start + i;
        }
    return best;
}

/* A second address space that maps this image's frames where they are here. */
static cptr_t vspace_make(const struct sel4_bootinfo *info)
{
    cptr_t root = make(SEL4_X86_PML4, 0), pdpt = make(SEL4_X86_PDPT, 0), directory = make(SEL4_X86_PAGE_DIRECTORY, 0);
    must(asid_pool_assign(SEL4_CAP_INIT_ASID_POOL, root), "assign an ASID");
    must(pdpt_map(pdpt, root, IMAGE_VA, 0), "map a PDPT");
    must(page_directory_map(directory, root, IMAGE_VA, 0), "map a page directory");
    must(page_table_map(make(SEL4_X86_PAGE_TABLE, 0), root, IMAGE_VA, 0), "map a page table");
    for (cptr_t frame = info->user_image_frames.start; frame < info->user_image_frames.end; frame++) {
        must(cnode_copy(SEL4_CAP_INIT_CNODE, next_slot, 64, SEL4_CAP_INIT_CNODE, frame, 64, SEL4_ALL_RIGHTS), "copy a frame");
        must(page_map(next_slot++, root, IMAGE_VA + (frame - info->user_image_frames.start) * PAGE,
                      SEL4_RIGHT_READ | SEL4_RIGHT_WRITE, 0), "map a frame");
    }
    return root;
}

static void buffer_give(const struct sel4_bootinfo *info, cptr_t tcb)
{
    static unsigned given;
    uint64_t va = (uint64_t)&buffers[given++];
    must(tcb_set_ipc_buffer(tcb, va, info->user_image_frames.start + (va - IMAGE_VA) / PAGE), "set an IPC buffer");
}

/* A thread with a scheduling context; it runs, being of higher priority, until it waits. */
static cptr_t thread_start(const struct sel4_bootinfo *info, cptr_t vspace, const char *ip, uint64_t rdi, uint64_t r12)
{
    enum { RIP = 0, RFLAGS = 2, RDI = 8, R12 = 14, REGISTERS = 15 }; /* of seL4_UserContext */
    cptr_t tcb = make(SEL4_TCB, 0), sc = make(SEL4_SCHED_CONTEXT, SEL4_MIN_SCHED_CONTEXT_BITS);
    uint64_t registers[REGISTERS] = {[RIP] = (uint64_t)ip, [RFLAGS] = 0x202, [RDI] = rdi, [R12] = r12};
    must(tcb_set_space(tcb, 0, SEL4_CAP_INIT_CNODE, 0, vspace, 0), "set a thread's spaces");
    buffer_give(info, tcb);
    must(tcb_set_priority(tcb, SEL4_CAP_INIT_TCB, OTHERS_PRIORITY), "set a thread's priority");
    must(sched_control_configure(info->schedcontrol.start, sc, BUDGET_US, BUDGET_US, 0, 0, 0), "configure a scheduling context");
    must(sched_context_bind(sc, tcb), "bind a scheduling context");
    must(tcb_write_registers(tcb, 1, REGISTERS, registers), "start a thread");
    return sc;
}

static uint64_t empty;

static void report(const char *name, uint64_t value) { log_line("bench %s %lu", name, value); }

/* The least of the samples; `before` each sample runs unmeasured. */
static void measure(const char *name, int64_t number, cptr_t cptr, uint64_t info, uint64_t glue, void (*before)(cptr_t))
{
    uint64_t least = UINT64_MAX, begin;
    for (unsigned i = 0; i < SAMPLES; i++) {
        if (before)
            before(cptr);
        uint64_t t = bench_ticks(number, cptr, info, &begin);
        least = t < least ? t : least;
    }
    report(name, least - empty - glue);
}

static void drain(cptr_t notification) { sel4_poll(notification); }

static void measure_wake(cptr_t notification)
{
    uint64_t least = UINT64_MAX, begin;
    for (unsigned i = 0; i < SAMPLES; i++) {
        bench_ticks(SEL4_SYS_SEND, notification, 0, &begin);
        uint64_t t = bench_woken - begin;
        least = t < least ? t : least;
    }
    report("ipc.signal.wake", least - empty);
}

/* Both halves of a round trip with the server that takes the time. */
static void measure_halves(cptr_t endpoint)
{
    uint64_t call = UINT64_MAX, reply = UINT64_MAX, begin;
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t t = bench_ticks(SEL4_SYS_CALL, endpoint, sel4_info(0, 0, 0), &begin);
        uint64_t there = bench_received - begin, back = begin + t - bench_replying;
        call = there < call ? there : call;
        reply = back < reply ? back : reply;
    }
    report("ipc.call", call - empty);
    report("ipc.reply-recv", reply - empty);
}

static void report_start(const struct sel4_bootinfo *info, uint64_t now)
{
    const uint8_t *chunk = (const uint8_t *)info + PAGE;
    for (uint64_t at = 0; at + sizeof(struct sel4_bootinfo_chunk) <= info->extra_len;) {
        struct sel4_bootinfo_chunk head;
        memcpy(&head, chunk + at, sizeof head);
        if (head.len < sizeof head)
            panic("a chunk of the boot information is %lu bytes long", head.len);
        if (head.id == ATOLL_BOOTINFO_PLATFORM) {
            struct atoll_platform platform;
            memcpy(&platform, chunk + at + sizeof head, sizeof platform);
            report("boot.firmware", platform.boot_tsc);
            report("boot.boot", platform.kernel_tsc - platform.boot_tsc);
            report("boot.kernel", now - platform.kernel_tsc);
        }
        at += head.len;
    }
}

_Noreturn void root_main(const struct sel4_bootinfo *info)
{
    uint64_t now = __builtin_ia32_rdtsc();
    report_start(info, now);
    untyped = untyped_find(info);
    next_slot = info->empty.start;
    cptr_t vspace = vspace_make(info);
    cptr_t timed = make(SEL4_ENDPOINT, 0), timed_reply = make(SEL4_REPLY, 0);
    cptr_t endpoint = make(SEL4_ENDPOINT, 0), reply = make(SEL4_REPLY, 0), quiet = make(SEL4_NOTIFICATION, 0),
           watched = make(SEL4_NOTIFICATION, 0);
    must(tcb_set_priority(SEL4_CAP_INIT_TCB, SEL4_CAP_INIT_TCB, PRIORITY), "lower the own priority");
    cptr_t server_sc = thread_start(info, vspace, bench_server, endpoint, reply);
    must(sched_context_unbind(server_sc), "make the server passive");
    server_sc = thread_start(info, vspace, bench_server_timed, timed, timed_reply);
    must(sched_context_unbind(server_sc), "make the other server passive");
    thread_start(info, vspace, bench_waiter, watched, 0);

    empty = UINT64_MAX;
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t t = bench_empty_ticks();
        empty = t < empty ? t : empty;
    }
    measure("ipc.roundtrip", SEL4_SYS_CALL, endpoint, sel4_info(0, 0, 0), SERVER_GLUE, NULL);
    measure("ipc.roundtrip.4", SEL4_SYS_CALL, endpoint, sel4_info(0, 0, 4), SERVER_GLUE, NULL);
    measure("ipc.roundtrip.12", SEL4_SYS_CALL, endpoint, sel4_info(0, 0, 12), SERVER_GLUE, NULL);
    measure_halves(timed);
    measure("ipc.signal", SEL4_SYS_SEND, quiet, sel4_info(0, 0, 0), 0, drain);
    measure_wake(watched);
    measure("ipc.wait", SEL4_SYS_WAIT, quiet, 0, 0, sel4_signal);
    measure("syscall.yield", SEL4_SYS_YIELD, 0, 0, 0, NULL);
    measure("syscall.null-cap", SEL4_SYS_NBSEND, next_slot, 0, 0, NULL);
    measure("syscall.set-tls-base", SEL4_SYS_SET_TLS_BASE, 0, 0, 0, NULL);
    log_line("bench done");
    tcb_suspend(SEL4_CAP_INIT_TCB);
    panic("suspended, and yet it runs");
}
