/* A root task that builds the worst states and measures how long the kernel then keeps interrupts off. Meant for a machine that counts
 * one TSC tick per instruction (QEMU -icount shift=0); prints "worst NAME TICKS" lines, then "done".
 *
 * An operation without preemption points is timed from outside: its whole duration is its longest stretch. One that has them is
 * watched by a thread that wants to run every few microseconds: how late it comes is the stretch. */
#include "harness.h"

#define CROWD 200u          /* threads in a queue */
#define WATCH_PERIOD_US 23  /* no divisor of anything else here */

const char component_name[] = "worst";

static void report(const char *name, uint64_t value) { log_line("worst %s %lu", name, value); }

/* ---- timed from outside ---- */

static uint64_t time_syscall(int64_t number, cptr_t cptr, struct sel4_message *m, cptr_t reply)
{
    uint64_t before = now();
    sel4_syscall(number, cptr, m, reply, 0);
    return now() - before;
}

static uint64_t time_invoke(cptr_t cptr, uint64_t label, unsigned caps, const cptr_t *cap, unsigned words, const uint64_t *word)
{
    struct sel4_message m = {.info = sel4_info(label, caps, words)};
    for (unsigned i = 0; i < caps; i++)
        sel4_ipc_buffer->caps_or_badges[i] = cap[i];
    for (unsigned i = 0; i < words; i++)
        if (i < SEL4_MSG_REGISTERS)
            m.mr[i] = word[i];
        else
            sel4_ipc_buffer->msg[i] = word[i];
    uint64_t ticks = time_syscall(SEL4_SYS_CALL, cptr, &m, 0);
    must((error_t)sel4_info_label(m.info), "a measured invocation");
    return ticks;
}

/* ---- watched ---- */

static volatile uint64_t watch_latest;
static volatile int watching;
static struct thread *watcher;

/* Comes back one period after it last began to run. What it is late beyond that is the kernel's doing, but for a constant. */
static void watch(uint64_t unused)
{
    (void)unused;
    uint64_t last = 0;
    for (;;) {
        uint64_t t = now();
        if (last && watching) {
            uint64_t late = t - last - WATCH_PERIOD_US * ticks_per_us;
            if ((int64_t)late > 0 && late > watch_latest)
                watch_latest = late;
        }
        last = t;
        sel4_yield();
    }
}

static void watch_start(void)
{
    watcher = thread_make(watch, 0, 200, 0);
    must(sched_control_configure(info->schedcontrol.start, watcher->sc, 20, WATCH_PERIOD_US, 0, 0, 0), "configure the watcher");
    thread_start(watcher);
}

static uint64_t idle_late;

static uint64_t watched(error_t (*operation)(cptr_t), cptr_t argument)
{
    watch_latest = 0;
    watching = 1;
    error_t e = operation(argument);
    watching = 0;
    must(e, "a watched operation");
    return watch_latest > idle_late ? watch_latest - idle_late : 0;
}

static error_t spin(cptr_t rounds)
{
    for (volatile uint64_t i = 0; i < rounds; i++)
        ;
    return SEL4_NO_ERROR;
}

static error_t revoke(cptr_t slot) { return cnode_revoke(ROOT, slot, DEPTH); }
static error_t fill(cptr_t memory) { return untyped_retype(memory, SEL4_UNTYPED, 20, ROOT, 0, 0, next_slot, 1); }
static error_t delete(cptr_t slot) { return cnode_delete(ROOT, slot, DEPTH); }

/* ---- the states ---- */

static cptr_t pool;   /* untyped memory for one state; revoked after it */
static cptr_t faults; /* where the threads of a state end up */

static cptr_t pool_make(uint64_t type, uint64_t bits, unsigned count)
{
    must(untyped_retype(pool, type, bits, ROOT, 0, 0, next_slot, count), "retype");
    next_slot += count;
    return next_slot - count;
}

static void pool_end(void)
{
    must(revoke(pool), "revoke");
    next_slot = pool + 1;
}

/* Threads that wait at an endpoint or notification: each executes one SYSCALL of `number` with the registers given. */
extern const char crowd_code[];
__asm__(".text\ncrowd_code: syscall\nud2\n");

static cptr_t crowd(unsigned count, int64_t number, cptr_t cptr, int rising)
{
    enum { RIP = 0, RFLAGS = 2, RDX = 6, RSI = 7, RDI = 8, REGISTERS = 9 };
    cptr_t tcbs = pool_make(SEL4_TCB, 0, count), contexts = pool_make(SEL4_SCHED_CONTEXT, SEL4_MIN_SCHED_CONTEXT_BITS, count);
    for (unsigned i = 0; i < count; i++) {
        uint64_t registers[REGISTERS] = {[RIP] = (uint64_t)crowd_code, [RFLAGS] = 0x202, [RDX] = (uint64_t)number, [RDI] = cptr};
        must(tcb_set_space(tcbs + i, faults, ROOT, 0, SEL4_CAP_INIT_VSPACE, 0), "space");
        must(tcb_set_priority(tcbs + i, SEL4_CAP_INIT_TCB, 120 + (rising ? i * 60 / count : 0)), "priority");
        must(sched_control_configure(info->schedcontrol.start, contexts + i, 1000, 1000, 0, 0, 0), "configure");
        must(sched_context_bind(contexts + i, tcbs + i), "bind");
        must(tcb_write_registers(tcbs + i, 1, REGISTERS, registers), "start");
    }
    return tcbs;
}

static void queues(void)
{
    cptr_t endpoint = pool_make(SEL4_ENDPOINT, 0, 1), badged = next_slot++;
    must(cnode_mint(ROOT, badged, DEPTH, ROOT, endpoint, DEPTH, SEL4_ALL_RIGHTS, 7), "mint");
    cptr_t tcbs = crowd(CROWD, SEL4_SYS_SEND, badged, 1);
    own_priority(230);
    report("queue.priority", time_invoke(tcbs, SEL4_TCB_SET_PRIORITY, CAPS(SEL4_CAP_INIT_TCB), WORDS(200)));
    report("cancel-badged", time_invoke(ROOT, SEL4_CNODE_CANCEL_BADGED_SENDS, CAPS(), WORDS(badged, DEPTH)));
    pool_end();
    own_priority(110);
    endpoint = pool_make(SEL4_ENDPOINT, 0, 1);
    crowd(CROWD, SEL4_SYS_SEND, endpoint, 0);
    report("delete.endpoint", watched(delete, endpoint));
    pool_end();
    endpoint = pool_make(SEL4_NOTIFICATION, 0, 1);
    crowd(CROWD, SEL4_SYS_WAIT, endpoint, 0);
    report("delete.notification", watched(delete, endpoint));
    pool_end();
}

static void trees(void)
{
    cptr_t endpoint = pool_make(SEL4_ENDPOINT, 0, 1), first = next_slot;
    for (unsigned i = 0; i < 2000; i++)
        must(cnode_copy(ROOT, first + i, DEPTH, ROOT, endpoint, DEPTH, SEL4_ALL_RIGHTS), "copy");
    report("revoke.copies", watched(revoke, endpoint));
    pool_end();
    pool_make(SEL4_CNODE, 12, 1);
    report("delete.cnode", watched(delete, next_slot - 1));
    pool_end();
    for (unsigned i = 0; i < 2; i++)
        pool_make(SEL4_TCB, 0, 256);
    report("revoke.threads", watched(revoke, pool));
    pool_end();
    cptr_t memory = pool_make(SEL4_UNTYPED, 20, 1);
    must(fill(memory), "retype");
    drop(next_slot);
    report("retype.clear", watched(fill, memory));
    pool_end();
}

static void retypes(void)
{
    static const struct {
        const char *name;
        uint64_t type, bits;
        unsigned count;
    } kinds[] = {{"retype.endpoints", SEL4_ENDPOINT, 0, 256}, {"retype.tcbs", SEL4_TCB, 0, 256}, {"retype.pages", SEL4_X86_4K_PAGE, 0, 256},
                 {"retype.roots", SEL4_X86_PML4, 0, 256}, {"retype.vcpus", ATOLL_VCPU, 0, 16}};
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        pool_make(SEL4_ENDPOINT, 0, 1); /* so that nothing needs clearing */
        report(kinds[i].name, time_invoke(pool, SEL4_UNTYPED_RETYPE, CAPS(ROOT), WORDS(kinds[i].type, kinds[i].bits, 0, 0, next_slot, kinds[i].count)));
        next_slot += kinds[i].count;
        pool_end();
    }
}

static void spaces(void)
{
    cptr_t page = pool_make(SEL4_UNTYPED, SEL4_TABLE_BITS, 1), asid_pool = next_slot++;
    must(invoke(SEL4_CAP_ASID_CONTROL, SEL4_X86_ASID_CONTROL_MAKE_POOL, CAPS(page, ROOT), WORDS(asid_pool, DEPTH)), "make a pool");
    cptr_t roots = pool_make(SEL4_X86_PML4, 0, 256);
    pool_make(SEL4_X86_PML4, 0, 256);
    for (unsigned i = 0; i < 512; i++)
        must(asid_pool_assign(asid_pool, roots + i), "assign");
    report("delete.asid-pool", time_invoke(ROOT, SEL4_CNODE_DELETE, CAPS(), WORDS(asid_pool, DEPTH)));
    pool_end();
    cptr_t root = pool_make(SEL4_X86_PML4, 0, 1), pdpt = pool_make(SEL4_X86_PDPT, 0, 1), directory = pool_make(SEL4_X86_PAGE_DIRECTORY, 0, 1),
           table = pool_make(SEL4_X86_PAGE_TABLE, 0, 1), pages = pool_make(SEL4_X86_4K_PAGE, 0, 256);
    pool_make(SEL4_X86_4K_PAGE, 0, 256);
    must(asid_pool_assign(SEL4_CAP_INIT_ASID_POOL, root), "assign");
    must(pdpt_map(pdpt, root, 0, 0), "map");
    must(page_directory_map(directory, root, 0, 0), "map");
    must(page_table_map(table, root, 0, 0), "map");
    for (unsigned i = 0; i < 512; i++)
        must(page_map(pages + i, root, i * PAGE, SEL4_ALL_RIGHTS, 0), "map");
    report("unmap.table", time_invoke(table, SEL4_X86_PAGE_TABLE_UNMAP, CAPS(), WORDS()));
    must(page_table_map(table, root, 0, 0), "map");
    report("delete.root", time_invoke(ROOT, SEL4_CNODE_DELETE, CAPS(), WORDS(root, DEPTH)));
    pool_end();
    root = pool_make(SEL4_X86_PML4, 0, 1), pdpt = pool_make(SEL4_X86_PDPT, 0, 1), directory = pool_make(SEL4_X86_PAGE_DIRECTORY, 0, 1);
    table = pool_make(SEL4_X86_PAGE_TABLE, 0, 1), page = pool_make(SEL4_X86_4K_PAGE, 0, 1);
    must(asid_pool_assign(SEL4_CAP_INIT_ASID_POOL, root), "assign");
    must(pdpt_map(pdpt, root, 0, 0), "map");
    must(page_directory_map(directory, root, 0, 0), "map");
    must(page_table_map(table, root, 0, 0), "map");
    for (unsigned i = 0; i < 512; i++) {
        must(cnode_copy(ROOT, next_slot + i, DEPTH, ROOT, page, DEPTH, SEL4_ALL_RIGHTS), "copy");
        must(page_map(next_slot + i, root, i * PAGE, SEL4_ALL_RIGHTS, 0), "map");
    }
    report("revoke.mapped", watched(revoke, page));
    pool_end();
}

/* Messages of 120 words and three capabilities between threads in the deepest CSpace that there can be: 58 CNodes of two slots, each in
 * the second slot of the one before, then one of 64. Two wait to call; the server receives the first, and its ReplyRecv then sends one
 * such message and receives another. */
#define DEEP_LEVELS 58u
#define DEEP_BITS 6u
enum deep_slot { DEEP_ENDPOINT, DEEP_FRAME, DEEP_REPLY, DEEP_ROOT, DEEP_EMPTY };
#define DEEP(slot) (((1ull << DEEP_LEVELS) - 1) << DEEP_BITS | (slot))
#define DEEP_LONG sel4_info(0, 3, SEL4_MSG_MAX_LENGTH)

static volatile uint64_t deep_recv, deep_reply_recv;
static struct sel4_ipc_buffer *deep_buffers[3];

static void prepare(uint64_t which, unsigned receive_slot)
{
    struct sel4_ipc_buffer *b = deep_buffers[which];
    b->caps_or_badges[0] = b->caps_or_badges[1] = DEEP(DEEP_ENDPOINT); /* arrive as badges */
    b->caps_or_badges[2] = DEEP(DEEP_FRAME);
    b->receive_cnode = DEEP(DEEP_ROOT);
    b->receive_index = DEEP(DEEP_EMPTY + receive_slot);
    b->receive_depth = 64;
}

static void deep_server(uint64_t which)
{
    struct sel4_message m = {0};
    prepare(which, 0);
    uint64_t before = now();
    sel4_recv(DEEP(DEEP_ENDPOINT), DEEP(DEEP_REPLY), &m);
    deep_recv = now() - before;
    prepare(which, 1);
    m.info = DEEP_LONG;
    before = now();
    sel4_reply_recv(DEEP(DEEP_ENDPOINT), DEEP(DEEP_REPLY), &m);
    deep_reply_recv = now() - before;
    sel4_recv(DEEP(DEEP_ENDPOINT), DEEP(DEEP_REPLY), &m);
}

static void deep_client(uint64_t which)
{
    struct sel4_message m = {.info = DEEP_LONG};
    prepare(which, 1 + (unsigned)which);
    sel4_call(DEEP(DEEP_ENDPOINT), &m);
    sel4_wait(DEEP(DEEP_FRAME)); /* which is no notification: stops */
}

static void messages(void)
{
    cptr_t endpoint = pool_make(SEL4_ENDPOINT, 0, 1), frame = pool_make(SEL4_X86_4K_PAGE, 0, 1), reply = pool_make(SEL4_REPLY, 0, 1),
           nodes = pool_make(SEL4_CNODE, 1, DEEP_LEVELS), last = pool_make(SEL4_CNODE, DEEP_BITS, 1);
    for (unsigned i = 0; i < DEEP_LEVELS; i++)
        must(cnode_copy(nodes + i, 1, 1, ROOT, i + 1 < DEEP_LEVELS ? nodes + i + 1 : last, DEPTH, SEL4_ALL_RIGHTS), "nest");
    const cptr_t inside[] = {[DEEP_ENDPOINT] = endpoint, [DEEP_FRAME] = frame, [DEEP_REPLY] = reply, [DEEP_ROOT] = nodes};
    for (unsigned i = 0; i < sizeof inside / sizeof inside[0]; i++)
        must(cnode_copy(last, i, DEEP_BITS, ROOT, inside[i], DEPTH, SEL4_ALL_RIGHTS), "copy");
    struct thread *threads[3];
    for (unsigned i = 0; i < 3; i++)
        threads[i] = thread_make(i ? deep_client : deep_server, i, 122 - i, 0);
    for (unsigned i = 3; i-- > 0;) {
        deep_buffers[i] = threads[i]->buffer;
        must(tcb_set_space(threads[i]->tcb, faults, nodes, 0, SEL4_CAP_INIT_VSPACE, 0), "space");
        thread_start(threads[i]);
    }
    report("recv.deep", deep_recv);
    report("reply-recv.deep", deep_reply_recv);
    for (unsigned i = 0; i < 3; i++)
        must(tcb_suspend(threads[i]->tcb), "suspend");
    pool_end();
}

/* A scheduling context whose budget has fallen to pieces, all of them due again: its thread wakes. */
static volatile uint64_t woken;
#define PIECE_US 25
#define PIECES_BUDGET_US 100000

static void fragment(uint64_t notification)
{
    for (;;) {
        sel4_wait(notification);
        woken = now();
    }
}

static void budgets(unsigned size_bits)
{
    cptr_t notification = pool_make(SEL4_NOTIFICATION, 0, 1), sc = pool_make(SEL4_SCHED_CONTEXT, size_bits, 1), tcb;
    struct thread *t = thread_make(fragment, notification, 120, 0);
    uint64_t refills = 0;
    tcb = t->tcb;
    must(sched_context_unbind(t->sc), "unbind");
    for (refills = 16384; refills && sched_control_configure(info->schedcontrol.start, sc, PIECES_BUDGET_US, 2 * PIECES_BUDGET_US, refills, 0,
                                                             SEL4_SCHED_CONTEXT_SPORADIC) != SEL4_NO_ERROR; refills--)
        ;
    must(sched_context_bind(sc, tcb), "bind");
    thread_start(t);
    uint64_t start = now();
    for (unsigned i = 0; i < refills && now() - start < (PIECES_BUDGET_US - 10000) * ticks_per_us; i++) {
        uint64_t next = now() + PIECE_US * ticks_per_us;
        sel4_signal(notification);
        while (now() < next)
            ;
    }
    for (start = now(); now() - start < 3 * PIECES_BUDGET_US * ticks_per_us;)
        ;
    start = now();
    sel4_signal(notification);
    log_line("a budget of %lu refills", refills + 2);
    report("wake.refills", woken - start);
    must(tcb_suspend(tcb), "suspend");
    pool_end();
}

_Noreturn void root_main(const struct sel4_bootinfo *bootinfo)
{
    harness_start(bootinfo);
    own_priority(110);
    watch_start();
    faults = make(SEL4_ENDPOINT, 0);
    pool = make(SEL4_UNTYPED, 22);
    idle_late = 0;
    idle_late = watched(spin, 100000);
    log_line("late without any system call: %lu", idle_late);
    queues();
    trees();
    retypes();
    spaces();
    messages();
    budgets(16);
    harness_end();
}
