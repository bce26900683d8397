/* One root task, on two nodes: node 0 sends capabilities through a channel to node 1, which uses them and sends them back. Prints "ok"/"not ok"
 * lines, then a summary, all on node 0; node 1's lines come through its log. Under the request of tests/system/channel-request.c. */
#include <atoll/channel.h>
#include <atoll/queue.h>
#include <atoll/resource_map.h>
#include "lib.h"
#include "root.h"
#include "sel4.h"

#define ROOT SEL4_CAP_INIT_CNODE
#define DEPTH 64
#define PAGE 4096ull
#define SLOTS (1u << SEL4_INIT_CNODE_BITS)
#define PIECES 4
#define PIECE_BITS 21
#define ROUND_TRIPS 10000
#define SMALL_VA 0x10000000ull /* orders, answers, node 1's log */
#define PIECE_VA 0x10200000ull
#define LOG_DATA (16 * PAGE)
#define BELL_VECTOR 0x20 /* user vector; CPU vector 0x50 */
#define IO_REQUESTER 0x31

const char component_name[] = "channel";

static const struct sel4_bootinfo *info;
static uint32_t node;
static cptr_t next_slot, untyped, bell, rung, bell_handler, out, in;
static unsigned tests, failures;
static uint64_t tsc_hz;

static void must(error_t error, const char *what)
{
    if (error)
        panic("node %u: %s: %s", node, what, sel4_error_name(error));
}

static void claim(int holds, const char *what)
{
    failures += !holds;
    log_line("%s %u - %s", holds ? "ok" : "not ok", ++tests, what);
}

/* ---- what there is ---- */

static const struct atoll_named_slots *named(const char *name)
{
    const char *at = (const char *)info + PAGE, *end = at + info->extra_len;
    while (at < end) {
        const struct sel4_bootinfo_chunk *c = (const void *)at;
        const struct atoll_named_slots *n = (const void *)(c + 1);
        for (; c->id == ATOLL_BOOTINFO_NAMES && (const char *)n < at + c->len; n++)
            if (strcmp(n->name, name) == 0)
                return n;
        at += c->len;
    }
    panic("node %u: nothing is called %s", node, name);
}

static void node_find(void)
{
    const char *at = (const char *)info + PAGE, *end = at + info->extra_len;
    for (const struct sel4_bootinfo_chunk *c; at < end; at += c->len) {
        c = (const void *)at;
        if (c->id == ATOLL_BOOTINFO_PLATFORM) {
            node = ((const struct atoll_platform *)(c + 1))->node;
            tsc_hz = ((const struct atoll_platform *)(c + 1))->tsc_hz;
        }
    }
}

static void untyped_find(void)
{
    uint8_t bits = 0;
    for (uint64_t i = 0; i < info->untyped.end - info->untyped.start; i++)
        if (!info->untyped_list[i].is_device && info->untyped_list[i].size_bits > bits) {
            bits = info->untyped_list[i].size_bits;
            untyped = info->untyped.start + i;
        }
}

static cptr_t make(uint64_t type)
{
    must(untyped_retype(untyped, type, 0, ROOT, 0, 0, next_slot, 1), "retype");
    return next_slot++;
}

/* All pages of shared memory, side by side. */
static void *shared_map(const char *name, uint64_t va)
{
    const struct atoll_named_slots *n = named(name);
    uint64_t at = va;
    for (cptr_t piece = n->first_slot; piece < n->first_slot + n->slot_count; piece++) {
        uint64_t pages = 1ull << (info->untyped_list[piece - info->untyped.start].size_bits - 12);
        for (uint64_t i = 0; i < pages; i++, at += PAGE) {
            must(untyped_retype(piece, SEL4_X86_4K_PAGE, 0, ROOT, 0, 0, next_slot, 1), "shared page");
            must(page_map(next_slot++, SEL4_CAP_INIT_VSPACE, at, SEL4_ALL_RIGHTS, ATOLL_X86_EXECUTE_NEVER), "map a shared page");
        }
    }
    return (void *)va;
}

/* Capabilities in the initial CNode. */
static unsigned capabilities(void)
{
    unsigned n = 0;
    for (cptr_t i = 0; i < SLOTS; i++) {
        struct sel4_message m = {0};
        sel4_syscall(SEL4_SYS_DEBUG_CAP_IDENTIFY, i, &m, 0, 0);
        n += m.badge != 0;
    }
    return n;
}

/* ---- the bell, and node 1's log ---- */

static struct queue node1_log;

static void log_drain(void)
{
    char text[256];
    uint64_t n;
    while ((n = queue_read(&node1_log, text, sizeof text)) != 0)
        for (uint64_t i = 0; i < n; i++)
            sel4_debug_put_char(text[i]);
}

static void bell_wait(void)
{
    if (node == 0 && !queue_sleep(&node1_log)) { /* node 1's kernel rings, too, when it has something to say: also that it ends */
        log_drain();
        return;
    }
    sel4_wait(rung);
    must(irq_handler_ack(bell_handler), "ack");
    if (node == 0)
        log_drain();
}

/* ---- things that come and go ---- */

static uint64_t least_send = UINT64_MAX, least_receive = UINT64_MAX; /* TSC ticks: on a machine that counts, instructions */

static void give(cptr_t thing)
{
    uint64_t start = __builtin_ia32_rdtsc();
    error_t error = channel_send(out, thing);
    uint64_t ticks = __builtin_ia32_rdtsc() - start;
    must(error, "send");
    least_send = ticks < least_send ? ticks : least_send;
}

static struct channel_thing take(cptr_t to)
{
    struct channel_thing t;
    for (;;) {
        uint64_t start = __builtin_ia32_rdtsc();
        must(channel_receive(in, ROOT, to, DEPTH, &t), "receive");
        uint64_t ticks = __builtin_ia32_rdtsc() - start;
        if (t.kind != CHANNEL_NOTHING) {
            least_receive = ticks < least_receive ? ticks : least_receive;
            return t;
        }
        bell_wait();
    }
}

static uint64_t word_of(uint64_t seed, uint64_t page) { return (seed << 20 | page) * 0x9e3779b97f4a7c15ull; }

/* One word of each page of a piece; all of it is there while the frame is mapped, and never else. */
static int piece_use(cptr_t piece, uint64_t expect, uint64_t leave)
{
    volatile uint64_t *words = (volatile uint64_t *)PIECE_VA;
    int good = 1;
    must(untyped_retype(piece, SEL4_X86_LARGE_PAGE, 0, ROOT, 0, 0, next_slot, 1), "frame");
    must(page_map(next_slot, SEL4_CAP_INIT_VSPACE, PIECE_VA, SEL4_ALL_RIGHTS, ATOLL_X86_EXECUTE_NEVER), "map");
    for (uint64_t page = 0; page < 512; page++) {
        good &= expect == 0 || words[page * 512 + page] == word_of(expect, page);
        words[page * 512 + page] = word_of(leave, page);
    }
    must(cnode_delete(ROOT, next_slot, DEPTH), "delete the frame");
    return good;
}

/* ---- orders from node 0, answers from node 1 ---- */

enum order { ECHO = 1, TAKE, GIVE_BACK, COUNT, SIGNAL, DEVICES, RING, END };
struct mail { uint64_t number, order, argument; };
static volatile struct mail *orders, *answers;

static uint64_t order(enum order what, uint64_t argument, int wait)
{
    orders->order = what;
    orders->argument = argument;
    __atomic_store_n(&orders->number, orders->number + 1, __ATOMIC_RELEASE);
    sel4_signal(bell);
    while (wait && __atomic_load_n(&answers->number, __ATOMIC_ACQUIRE) != orders->number)
        bell_wait();
    return answers->argument;
}
static uint64_t answer_wait(void)
{
    while (__atomic_load_n(&answers->number, __ATOMIC_ACQUIRE) != orders->number)
        bell_wait();
    return answers->argument;
}

/* ---- node 1 ---- */

static cptr_t held;
static uint64_t held_count;

static uint64_t echo(uint64_t count)
{
    uint64_t good = 0;
    for (uint64_t i = 0; i < count; i++) {
        struct channel_thing t = take(held);
        good += t.kind == CHANNEL_MEMORY && t.size_bits == PIECE_BITS && piece_use(held, 2 * i + 1, 2 * i + 2);
        must(channel_send(out, held), "send back");
        if (i % PIECES == PIECES - 1)
            sel4_signal(bell);
    }
    return good;
}

/* A function of the range that came is bound: then it stays. */
static uint64_t devices(void)
{
    cptr_t space = make(ATOLL_IO_SPACE);
    uint64_t good = 0;
    must(asid_pool_assign(SEL4_CAP_INIT_ASID_POOL, space), "assign an ASID");
    take(held);
    good += requesters_bind(held, space, IO_REQUESTER) == SEL4_NO_ERROR;
    good += channel_send(out, held) == SEL4_DELETE_FIRST;
    good += requesters_unbind(held, IO_REQUESTER) == SEL4_NO_ERROR;
    good += channel_send(out, held) == SEL4_NO_ERROR;
    good += requesters_bind(held, space, IO_REQUESTER) != SEL4_NO_ERROR;
    sel4_signal(bell);
    return good;
}

static uint64_t obey(enum order what, uint64_t argument)
{
    switch (what) {
    case ECHO: return echo(argument);
    case TAKE:
        for (held_count = 0; held_count < argument; held_count++)
            take(held + held_count);
        return held_count;
    case GIVE_BACK:
        for (uint64_t i = 0; i < held_count; i++)
            must(channel_send(out, held + i), "send back");
        return held_count;
    case COUNT: return capabilities();
    case SIGNAL:
        take(held);
        sel4_signal(held);
        must(channel_send(out, held), "send back");
        return 1;
    case DEVICES: return devices();
    case RING:
        for (uint64_t i = 0; i < argument; i++)
            sel4_signal(bell);
        return argument;
    default: return 0;
    }
}

static _Noreturn void serve(void)
{
    held = next_slot + 16; /* the slots behind: for what is received; those before: frames of the moment */
    for (uint64_t done = 0;;) {
        if (__atomic_load_n(&orders->number, __ATOMIC_ACQUIRE) == done) {
            bell_wait();
            continue;
        }
        answers->argument = obey((enum order)orders->order, orders->argument);
        __atomic_store_n(&answers->number, ++done, __ATOMIC_RELEASE);
        sel4_signal(bell);
    }
}

/* ---- node 0 ---- */

static cptr_t piece_named(unsigned i)
{
    char name[16];
    text_format(name, sizeof name, "pool.%u", i);
    const struct atoll_named_slots *n = named(name);
    if (n->slot_count != 1)
        panic("%s is in %u pieces", name, n->slot_count);
    return n->first_slot;
}

static void refusals(void)
{
    cptr_t piece = piece_named(0), part = next_slot, frame = next_slot + 1, stays = named("stays")->first_slot;
    claim(channel_send(out, untyped) == SEL4_INVALID_CAPABILITY, "memory of this kernel is not sent");
    claim(channel_send(out, stays) == SEL4_INVALID_CAPABILITY, "nor memory that boot did not state for the channel");
    claim(channel_send(out, out) == SEL4_INVALID_CAPABILITY, "nor a channel");
    claim(channel_send(in, piece) == SEL4_ILLEGAL_OPERATION, "a receiving end sends nothing");
    must(untyped_retype(piece, SEL4_X86_LARGE_PAGE, 0, ROOT, 0, 0, frame, 1), "frame");
    must(page_map(frame, SEL4_CAP_INIT_VSPACE, PIECE_VA, SEL4_ALL_RIGHTS, ATOLL_X86_EXECUTE_NEVER), "map");
    claim(channel_send(out, piece) == SEL4_REVOKE_FIRST, "memory that is mapped here is not sent");
    claim(channel_send(out, frame) == SEL4_INVALID_CAPABILITY, "nor is a frame");
    *(volatile uint64_t *)PIECE_VA = 1; /* still mapped */
    must(cnode_revoke(ROOT, piece, DEPTH), "revoke");
    must(untyped_retype(piece, SEL4_UNTYPED, PIECE_BITS, ROOT, 0, 0, part, 1), "part");
    claim(channel_send(out, part) == SEL4_ILLEGAL_OPERATION, "nor is what was made from other memory that is still here");
    must(cnode_revoke(ROOT, piece, DEPTH), "revoke");
    must(cnode_copy(ROOT, part, DEPTH, ROOT, piece, DEPTH, SEL4_ALL_RIGHTS), "copy");
    claim(channel_send(out, piece) == SEL4_REVOKE_FIRST && channel_send(out, part) == SEL4_ILLEGAL_OPERATION, "nor is one of two copies");
    must(cnode_delete(ROOT, part, DEPTH), "delete");
    struct channel_thing t;
    must(channel_receive(in, ROOT, part, DEPTH, &t), "receive");
    claim(t.kind == CHANNEL_NOTHING, "none of this has reached the other node: nothing comes back");
}

static void round_trips(void)
{
    cptr_t pieces[PIECES];
    uint64_t paddr[PIECES] = {0}, good = 0, trips = 0;
    for (unsigned i = 0; i < PIECES; i++) {
        pieces[i] = piece_named(i);
        paddr[i] = info->untyped_list[pieces[i] - info->untyped.start].paddr;
    }
    order(ECHO, ROUND_TRIPS, 0);
    while (trips < ROUND_TRIPS) {
        for (unsigned i = 0; i < PIECES; i++) {
            uint64_t n = trips + i;
            good += (uint64_t)piece_use(pieces[i], n < PIECES ? 0 : 2 * (n - PIECES) + 2, 2 * n + 1);
            give(pieces[i]);
        }
        sel4_signal(bell);
        for (unsigned i = 0; i < PIECES; i++, trips++) {
            struct channel_thing t = take(pieces[i]);
            good += t.kind == CHANNEL_MEMORY && t.value == paddr[i] && t.size_bits == PIECE_BITS;
        }
    }
    uint64_t good_there = answer_wait();
    log_line("%lu round trips of %u MiB; node 1 found %lu good", trips, 1u << (PIECE_BITS - 20), good_there);
    claim(trips == ROUND_TRIPS && good == 2 * trips, "memory went to the other node and came back 10000 times, contents and addresses intact");
    claim(good_there == ROUND_TRIPS, "and was intact there each time");
}

/* The other node does not receive: as many as there are records, then a clear error, and nothing is lost. */
static void full(void)
{
    const struct atoll_named_slots *many = named("many");
    cptr_t first = next_slot, first_back = first + CHANNEL_RECORDS + 1;
    uint64_t sent = 0;
    error_t error = SEL4_NO_ERROR;
    cptr_t piece = many->first_slot;
    must(untyped_retype(piece, SEL4_UNTYPED, PIECE_BITS, ROOT, 0, 0, first, CHANNEL_RECORDS), "128 pieces");
    must(cnode_delete(ROOT, piece, DEPTH), "let go of the whole");
    /* now they are wholes; the latest is the first of its list */
    for (uint64_t i = CHANNEL_RECORDS; i-- > 0 && !error; sent += !error)
        error = channel_send(out, first + i);
    claim(!error && sent == CHANNEL_RECORDS, "128 capabilities wait in the mailbox");
    error = channel_send(out, piece_named(0));
    claim(error == SEL4_NOT_ENOUGH_MEMORY, "the next one is refused: the channel is full");
    claim(order(TAKE, sent, 1) == sent, "the other node takes all of them, late");
    must(channel_send(out, piece_named(0)), "send when there is room again");
    claim(order(GIVE_BACK, 0, 1) == sent, "and gives them back");
    uint64_t in_order = 0, size = 0;
    for (uint64_t i = 0; i < sent; i++) {
        struct channel_thing t = take(first_back + i);
        in_order += t.value == many->paddr + ((CHANNEL_RECORDS - 1 - i) << PIECE_BITS);
        size += 1ull << t.size_bits;
    }
    claim(in_order == sent && size == 1ull << 28, "each once, in order");
    must(order(TAKE, 1, 1) != 1, "the last one arrives");
    must(order(GIVE_BACK, 0, 1) != 1, "and goes back");
    take(piece_named(0));
}

static void others(void)
{
    cptr_t spare = named("spare")->first_slot, handler = next_slot++, notification = make(SEL4_NOTIFICATION), space = make(ATOLL_IO_SPACE);
    must(irq_control_get(SEL4_CAP_IRQ_CONTROL, BELL_VECTOR + 1, ROOT, handler, DEPTH), "IRQ handler");
    must(irq_handler_set_notification(handler, notification), "notification");
    sel4_signal(spare);
    sel4_wait(notification);
    must(irq_handler_ack(handler), "ack");
    must(channel_send(out, spare), "send the IPI");
    sel4_signal(spare); /* an empty slot: nothing happens */
    claim(sel4_poll(notification) == 0, "an IPI that was sent away is gone");
    order(SIGNAL, 0, 0);
    sel4_wait(notification);
    must(irq_handler_ack(handler), "ack");
    claim(1, "and works on the other node");
    must(take(spare).kind != CHANNEL_IPI, "the IPI comes back");
    answer_wait();
    sel4_signal(spare);
    sel4_wait(notification);
    claim(1, "and here again");

    cptr_t range = named("devices.0")->first_slot;
    must(asid_pool_assign(SEL4_CAP_INIT_ASID_POOL, space), "assign an ASID");
    must(requesters_bind(range, space, IO_REQUESTER), "bind");
    claim(channel_send(out, range) == SEL4_DELETE_FIRST, "requester IDs of which one is bound are not sent");
    must(requesters_unbind(range, IO_REQUESTER), "unbind");
    must(channel_send(out, range), "send the range");
    claim(requesters_bind(range, space, IO_REQUESTER) != SEL4_NO_ERROR, "requester IDs that were sent away cannot be bound any more");
    claim(order(DEVICES, 0, 1) == 5, "the other node binds them, keeps them while bound, and gives them back");
    must(take(range).kind != CHANNEL_REQUESTERS, "the range comes back");
    claim(requesters_bind(range, space, IO_REQUESTER) == SEL4_NO_ERROR, "and here they are bound again");
    must(requesters_unbind(range, IO_REQUESTER), "unbind");
}

/* Node 1 rings node 0's bell as fast as it can: node 0's kernel holds it back again and again, and loses none. (That it does, and for how long, is a
 * unit test: QEMU's cores do not get anywhere near that rate.) */
static void storm(void)
{
    uint64_t rings = 30000, heard = 0, start = __builtin_ia32_rdtsc();
    order(RING, rings, 0);
    for (; __atomic_load_n(&answers->number, __ATOMIC_ACQUIRE) != orders->number; heard++)
        bell_wait();
    uint64_t us = (__builtin_ia32_rdtsc() - start) / (tsc_hz / 1000000);
    log_line("a bell rung %lu times in %lu us was heard %lu times", rings, us, heard);
    claim(heard > 1, "a bell that is rung without a pause is heard");
    order(COUNT, 0, 1);
    claim(order(COUNT, 0, 1) != 0, "and the next one, too");
}

static _Noreturn void command(void)
{
    storm();
    refusals();
    uint64_t here = capabilities(), there = order(COUNT, 0, 1);
    round_trips();
    uint64_t here_after = capabilities(), there_after = order(COUNT, 0, 1);
    log_line("capabilities: %lu and %lu before, %lu and %lu after", here, there, here_after, there_after);
    claim(here == here_after && there == there_after, "both nodes hold as many capabilities as before");
    others();
    full();
    log_drain();
    log_line("bench channel.move %lu", least_send + least_receive);
    log_line("done: %u claims, %u failed", tests, failures);
    for (;;)
        sel4_wait(rung);
}

void root_main(const struct sel4_bootinfo *bootinfo)
{
    info = bootinfo;
    next_slot = info->empty.start;
    node_find();
    untyped_find();
    bell = named("bell")->first_slot;
    out = named(node == 0 ? "there" : "back")->first_slot;
    in = named(node == 0 ? "back" : "there")->first_slot;
    must(page_table_map(make(SEL4_X86_PAGE_TABLE), SEL4_CAP_INIT_VSPACE, SMALL_VA, 0), "page table");
    orders = shared_map("orders", SMALL_VA);
    answers = shared_map("answers", SMALL_VA + PAGE);
    if (node == 0) {
        void *producer = shared_map("log", SMALL_VA + 4 * PAGE);
        queue_init_consumer(&node1_log, producer, shared_map("log.tail", SMALL_VA + 2 * PAGE), LOG_DATA);
    }
    rung = make(SEL4_NOTIFICATION);
    bell_handler = next_slot++;
    must(irq_control_get(SEL4_CAP_IRQ_CONTROL, BELL_VECTOR, ROOT, bell_handler, DEPTH), "IRQ handler");
    must(irq_handler_set_notification(bell_handler, rung), "notification");
    if (node == 0)
        command();
    serve();
}
