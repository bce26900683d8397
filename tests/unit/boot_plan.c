/* The plan: what is placed, and what is refused with which sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <atoll/channel.h>
#include "channels.h"
#include "plan.h"

#define MIB (1ull << 20)
#define GIB (1ull << 30)
#define MAX 4096

static struct boot_input boot;
static struct ranges own, kept;
static struct plan plan;
static union { struct system_header header; uint8_t bytes[sizeof(struct system_header) + MAX * sizeof(struct system_request) + 8]; } s;
static struct plan_input in;

static struct system_request *ask(uint32_t kind, uint32_t node, uint64_t size, const char *name)
{
    struct system_request *r = &((struct system_request *)(s.bytes + sizeof s.header))[s.header.request_count++];
    *r = (struct system_request){.kind = kind, .node = node, .size = size};
    strcpy(r->name, name);
    s.header.bytes += sizeof *r;
    in.system_size = s.header.bytes;
    return r;
}

static void node_with_memory(unsigned nodes)
{
    s.header.node_count = nodes;
    for (unsigned n = 0; n < nodes; n++)
        ask(RESOURCE_PRIVATE, n, 16 * MIB, "private");
}

/* A machine of 2 GiB below and 2 GiB above the hole, 4 cores, some modules at 3 MiB. */
static int begin(void **state)
{
    (void)state;
    memset(&s, 0, sizeof s);
    memset(&boot, 0, sizeof boot);
    own.count = kept.count = 0;
    ranges_add(&boot.ram, 0, 0x9f000);
    ranges_add(&boot.ram, MIB, 2 * GIB);
    ranges_add(&boot.ram, 4 * GIB, 6 * GIB);
    ranges_add(&own, MIB, MIB + 0x60000);
    ranges_add(&own, 3 * MIB, 9 * MIB);
    ranges_add(&kept, 0xfec00000, 0xfec01000);
    boot.module_count = 2;
    boot.modules[0] = (struct module){"vm.kernel", 3 * MIB, 5 * MIB + 3};
    boot.modules[1] = (struct module){"empty", 3 * MIB, 0};
    s.header = (struct system_header){.magic = SYSTEM_MAGIC, .bytes = sizeof s.header};
    in = (struct plan_input){.boot = &boot, .own = &own, .kept = &kept, .system = s.bytes, .kernel_size = 0x90000,
                             .init_size = 0x20000, .phys_limit = 1ull << 39, .core_count = 4, .ioapic_count = 1};
    in.system_size = sizeof s.header;
    return 0;
}

static void assert_made(void)
{
    bool made = plan_make(&in, &plan);
    if (!made)
        fail_msg("%s", plan.reason);
    assert_string_equal(plan.reason, "");
}

static void assert_refused(const char *sentence)
{
    assert_false(plan_make(&in, &plan));
    if (!strstr(plan.reason, sentence))
        fail_msg("\"%s\" instead of \"%s\"", plan.reason, sentence);
}

/* A VM with two virtual CPUs: exactly the memory that says so is one for two nodes. */
static struct system_request *ask_shared_ram(uint32_t node, uint64_t size)
{
    struct system_request *r = ask(RESOURCE_MEMORY, node, size, "vm.a.ram");
    r->align = 2 * MIB;
    r->arg0 = 2;
    return r;
}

static void one_vm_on_two_nodes(void **state)
{
    (void)state;
    node_with_memory(4);
    ask_shared_ram(1, 256 * MIB);
    ask_shared_ram(2, 256 * MIB);
    for (unsigned node = 1; node <= 3; node++)
        ask(RESOURCE_SHARED, node, 4096, "vm.a.page")->arg1 = 3;
    assert_made();
    assert_int_equal(plan.memory[4].start, plan.memory[5].start);
    assert_int_equal(plan.memory[4].end, plan.memory[5].end);
    assert_int_equal(plan.memory[6].start, plan.memory[8].start);
    assert_true(plan_is_first(&plan, 4));
    assert_false(plan_is_first(&plan, 5));

    struct system_request *third = ask_shared_ram(3, 256 * MIB);
    assert_refused("\"vm.a.ram\" is given more than 2 times");
    third->arg0 = 3;
    assert_refused("in different ways");
    third->arg0 = 0;
    assert_refused("in different ways");
    third->arg0 = 2;
    strcpy(third->name, "vm.b.ram");
    assert_made();
    assert_int_not_equal(plan.memory[9].start, plan.memory[4].start);
    third->node = 2;
    third->kind = RESOURCE_SHARED;
    strcpy(third->name, "vm.a.page");
    third->size = 4096;
    third->arg0 = 0;
    third->arg1 = 3;
    assert_refused("two requests are called");
    third->node = 0;
    assert_refused("\"vm.a.page\" is given more than 3 times");
    third->arg1 = 4;
    assert_refused("is declared for 3 nodes and for 4");
    third->kind = RESOURCE_MEMORY;
    assert_refused("in different ways");
}

static void memory_is_one_where_both_say_so(void **state)
{
    (void)state;
    node_with_memory(3);
    ask_shared_ram(1, 256 * MIB);
    ask_shared_ram(2, 128 * MIB);
    assert_refused("has 268435456 bytes on node 1, but 134217728 on node 2");
}

static void two_vms(void **state)
{
    (void)state;
    node_with_memory(3);
    ask(RESOURCE_MEMORY, 1, 256 * MIB, "vm.a.ram")->align = 2 * MIB;
    ask(RESOURCE_MEMORY, 2, GIB, "vm.b.ram")->align = GIB;
    ask(RESOURCE_MODULE, 1, 0, "vm.kernel");
    struct system_request *log = ask(RESOURCE_LOG, 1, 0x11000, "node.1.log");
    log->arg1 = 0x50;
    ask(RESOURCE_LOG_TAIL, 1, 0x1000, "node.1.log.tail");
    ask(RESOURCE_SHARED, 0, 0x11000, "node.1.log");
    ask(RESOURCE_SHARED, 0, 0x1000, "node.1.log.tail")->arg0 = 1;
    ask(RESOURCE_UART, 0, 0, "uart")->arg0 = 0x3f8;
    assert_made();
    for (unsigned n = 0; n < 3; n++) {
        const struct plan_node *p = &plan.nodes[n];
        assert_true(p->private.start % 4096 == 0 && p->private.end - p->private.start == 16 * MIB);
        assert_true(p->image == p->private.start && p->map >= p->image + in.kernel_size);
        assert_true(p->tables.start >= p->map + RESOURCE_MAP_MAX_BYTES && p->stack >= p->tables.end);
        assert_true(p->window.start >= p->stack + PLAN_STACK_SIZE && p->window.start % PLAN_LARGE_PAGE == 0);
        assert_int_equal(p->window.end, p->private.end);
        assert_true((p->window.end - p->window.start) % PLAN_WINDOW_STEP == 0);
    }
    assert_true(plan.memory[3].start % (2 * MIB) == 0 && plan.memory[3].end - plan.memory[3].start == 256 * MIB);
    assert_true(plan.memory[4].start % GIB == 0 && plan.memory[4].end - plan.memory[4].start == GIB);
    assert_true(plan.memory[5].start % PLAN_LARGE_PAGE == 0 && plan.memory[5].end - plan.memory[5].start == 5 * MIB + 4096); /* 5 MiB + 3 */
    assert_int_equal(plan.memory[6].start, plan.memory[8].start);
    assert_int_equal(plan.memory[7].start, plan.memory[9].start);
    assert_int_equal(plan.nodes[0].entry_count, 2 + 3 + 1);
    assert_int_equal(plan.nodes[1].entry_count, 2 + 4);
}

static void shared_memory_of_different_alignment(void **state)
{
    (void)state;
    node_with_memory(2);
    ask(RESOURCE_SHARED, 0, 0x1000, "queue");
    ask(RESOURCE_SHARED, 1, 0x1000, "queue")->align = 2 * MIB;
    assert_made();
    assert_int_equal(plan.memory[2].start, plan.memory[3].start);
    assert_int_equal(plan.memory[2].start % (2 * MIB), 0);
}

static void memory_does_not_fit(void **state)
{
    (void)state;
    node_with_memory(2);
    ask(RESOURCE_MEMORY, 1, 2 * GIB + PLAN_LARGE_PAGE, "vm.big.ram")->align = PLAN_LARGE_PAGE;
    assert_refused("no room for \"vm.big.ram\": it wants 2099200 KiB in one piece, the largest free piece has 2097152 KiB");
    begin(NULL);
    node_with_memory(2);
    ask(RESOURCE_MEMORY, 1, 2 * GIB, "a");
    ask(RESOURCE_MEMORY, 1, 2 * GIB - 64 * MIB, "b");
    assert_made();
    ask(RESOURCE_SHARED, 1, 64 * MIB, "c");
    assert_refused("no room for \"c\"");
    begin(NULL);
    node_with_memory(2);
    ask(RESOURCE_MEMORY, 1, 4 * GIB, "a");
    assert_refused("the system needs 4128 MiB of memory, this machine has 4095 MiB; ");
}

static void memory_beyond_the_processor(void **state)
{
    (void)state;
    in.phys_limit = 4 * GIB;
    node_with_memory(1);
    ask(RESOURCE_MEMORY, 0, 2 * GIB, "m");
    assert_refused("no room");
}

static void private_memory(void **state)
{
    (void)state;
    s.header.node_count = 2;
    ask(RESOURCE_PRIVATE, 0, 16 * MIB, "private");
    assert_refused("node 1 asks for no private memory");
    ask(RESOURCE_PRIVATE, 1, 512 * 1024, "private");
    assert_refused("node 1: 512 KiB of private memory are too small");
    begin(NULL);
    s.header.node_count = 1;
    struct system_request *r = ask(RESOURCE_PRIVATE, 0, 3 * MIB + 4096, "private");
    assert_made(); /* about 2.3 MiB are left for the window */
    assert_int_equal(plan.nodes[0].window.end - plan.nodes[0].window.start, 2 * MIB + PLAN_WINDOW_STEP);
    assert_int_equal(plan.nodes[0].private.end - plan.nodes[0].private.start, 3 * MIB + 4096);
    in.init_size = 2 * MIB + PLAN_WINDOW_STEP; /* fills the window to the last byte */
    assert_refused("too small");
    in.init_size -= 4096;
    assert_made();
    in.init_size = UINT64_MAX & ~4095ull;
    assert_refused("too small");
    in.init_size = 0x20000;
    r->arg0 = 2 * MIB; /* as the compiler says it; the rest goes before it */
    assert_made();
    assert_int_equal(plan.nodes[0].window.end - plan.nodes[0].window.start, 2 * MIB);
    assert_int_equal(plan.nodes[0].private.end - plan.nodes[0].private.start, 3 * MIB + 4096);
    r->arg0 = 2 * MIB + 3 * PLAN_WINDOW_STEP; /* leaves too little for kernel and tables */
    assert_refused("raise machine.node-memory");
    r->arg0 = 2 * MIB + 4096;
    assert_refused("impossible");
    r->arg0 = 4 * MIB;
    assert_refused("impossible");
    r->arg0 = 2 * MIB + PLAN_WINDOW_STEP;
    r->size = 3 * MIB + 0x20000;
    in.iommu_count = 8;
    assert_made();
    in.iommu_count = 32;
    assert_refused("with 32 IOMMUs");
}

static void lying_header(void **state)
{
    (void)state;
    node_with_memory(1);
    assert_made();
    for (uint64_t size = 0; size < s.header.bytes; size++) {
        in.system_size = size;
        assert_false(plan_make(&in, &plan));
    }
    in.system_size = s.header.bytes;
    s.header.request_count = 2;
    assert_refused("truncated");
    s.header.request_count = UINT32_MAX;
    assert_refused("truncated");
    s.header.request_count = 1;
    s.header.node_count = 0;
    assert_refused("0 nodes");
    s.header.node_count = SYSTEM_MAX_NODES + 1;
    assert_refused("nodes");
    s.header.node_count = 5;
    assert_refused("needs 5 cores, this machine has 4");
    s.header.node_count = 1;
    s.header.magic++;
    assert_refused("not a system request");
}

static void lying_requests(void **state)
{
    (void)state;
#define REFUSED(sentence, kind, node, size, ...)                                                                                 \
    do {                                                                                                                         \
        begin(NULL);                                                                                                             \
        node_with_memory(2);                                                                                                     \
        struct system_request *r = ask(kind, node, size, "x");                                                                   \
        __VA_ARGS__;                                                                                                             \
        (void)r;                                                                                                                 \
        assert_refused(sentence);                                                                                                \
    } while (0)
    REFUSED("no proper name", RESOURCE_MEMORY, 0, 4096, r->name[0] = 0);
    REFUSED("no proper name", RESOURCE_MEMORY, 0, 4096, memset(r->name, 'x', sizeof r->name));
    REFUSED("cannot be asked for", RESOURCE_NONE, 0, 0, );
    REFUSED("cannot be asked for", RESOURCE_ROOT_IMAGE, 0, 4096, );
    REFUSED("cannot be asked for", RESOURCE_IOAPIC, 0, 4096, );
    REFUSED("cannot be asked for", RESOURCE_DEVICE, 0, 4096, );
    REFUSED("cannot be asked for", 99, 0, 4096, );
    REFUSED("does not exist", RESOURCE_MEMORY, 2, 4096, );
    REFUSED("multiples of 4096", RESOURCE_MEMORY, 0, 0, );
    REFUSED("multiples of 4096", RESOURCE_MEMORY, 0, 4097, );
    REFUSED("multiples of 4096", RESOURCE_SHARED, 0, UINT64_MAX & ~4095ull, );
    REFUSED("power of two", RESOURCE_MEMORY, 0, 4096, r->align = 3 * MIB);
    REFUSED("two requests are called \"x\"", RESOURCE_MEMORY, 0, 4096, ask(RESOURCE_MEMORY, 0, 4096, "x"));
    REFUSED("asks twice for private memory", RESOURCE_PRIVATE, 0, 16 * MIB, );
    REFUSED("asks twice for log", RESOURCE_LOG, 0, 4096, r->arg1 = 0x30; ask(RESOURCE_LOG, 0, 4096, "y")->arg1 = 0x30);
    REFUSED("larger than 2 MiB", RESOURCE_LOG, 0, 4 * MIB, );
    REFUSED("must be one page", RESOURCE_LOG_TAIL, 0, 8192, );
    REFUSED("targets node 2", RESOURCE_IPI, 0, 0, r->arg0 = 2);
    REFUSED("targets node", RESOURCE_LOG, 0, 4096, r->arg0 = UINT64_MAX);
    REFUSED("impossible vector 31", RESOURCE_IPI, 0, 0, r->arg1 = 31);
    REFUSED("impossible vector 256", RESOURCE_IPI, 0, 0, r->arg1 = 256);
    REFUSED("impossible vector range", RESOURCE_VECTORS, 0, 0, (r->arg0 = 0x40, r->arg1 = 0x3f));
    REFUSED("impossible vector range", RESOURCE_VECTORS, 0, 0, (r->arg0 = 0x10, r->arg1 = 0x3f));
    REFUSED("impossible port range", RESOURCE_IOPORT, 0, 0, r->arg1 = 0x10000);
    REFUSED("impossible port range", RESOURCE_IOPORT, 0, 0, r->arg0 = 1);
    REFUSED("belongs to node 0", RESOURCE_UART, 1, 0, );
    REFUSED("given to node 0 and to node 1", RESOURCE_IOPORT, 0, 0, {
        r->arg0 = 0x60, r->arg1 = 0x64;
        struct system_request *e = ask(RESOURCE_IOPORT, 1, 0, "y");
        e->arg0 = 0x64, e->arg1 = 0x70;
    });
    REFUSED("impossible range of PCI devices", RESOURCE_REQUESTERS, 0, 0, r->arg1 = 0x100 | 0xff << 16);
    REFUSED("impossible range of PCI devices", RESOURCE_REQUESTERS, 0, 0, r->arg0 = 0x10000);
    REFUSED("PCI devices of segment 0 are given to node 0 as \"x\" and to node 1 as \"y\"", RESOURCE_REQUESTERS, 0, 0, {
        r->arg1 = 0x100 | 0x107 << 16;
        ask(RESOURCE_REQUESTERS, 1, 0, "y")->arg1 = 0x107 | 0x200 << 16;
    });
    REFUSED("was not loaded", RESOURCE_MODULE, 0, 0, );
    REFUSED("module \"empty\" is empty", RESOURCE_MODULE, 0, 0, strcpy(r->name, "empty"));
    REFUSED("has 4096 bytes on node 0, but 8192 on node 1", RESOURCE_SHARED, 0, 4096, ask(RESOURCE_SHARED, 1, 8192, "x"));
}

/* A channel from node 0 to node 1, and memory, an IPI and PCI devices that may pass. */
static void channels(void **state)
{
    (void)state;
#define CHANNEL_REFUSED(sentence, ...)                                                                                           \
    do {                                                                                                                         \
        begin(NULL);                                                                                                             \
        in.iommu_count = 3;                                                                                                      \
        node_with_memory(3);                                                                                                     \
        struct system_request *from = ask(RESOURCE_CHANNEL, 0, CHANNEL_BYTES, "c"), *to = ask(RESOURCE_CHANNEL, 1, CHANNEL_BYTES, "c"); \
        struct system_request *ram = ask(RESOURCE_MEMORY, 2, 6 * MIB, "ram"), *moves = ask(RESOURCE_MOVABLE, 1, 0, "m");         \
        from->arg0 = 1, ram->align = 2 * MIB, moves->arg0 = 4, moves->arg1 = 5;                                                  \
        (void)to;                                                                                                                \
        __VA_ARGS__;                                                                                                             \
        if (*sentence)                                                                                                           \
            assert_refused(sentence);                                                                                            \
        else                                                                                                                     \
            assert_made();                                                                                                       \
    } while (0)
    CHANNEL_REFUSED("", );
    assert_int_equal(plan.memory[3].start, plan.memory[4].start);
    assert_int_equal(plan.memory[3].end - plan.memory[3].start, CHANNEL_BYTES);
    assert_int_equal(plan.nodes[0].entry_count, 2 + 2 + 2 * 3 + 1); /* init, private; channel, ram; units; the IOAPIC */
    assert_int_equal(plan.nodes[1].entry_count, 2 + 2 + 2 * 3);
    assert_int_equal(plan.nodes[2].entry_count, 2 + 1 + 2 * 3);
    assert_int_equal(channels_carry(plan.system, 5, 0), 1);
    assert_int_equal(channels_carry(plan.system, 5, 1), 1);
    assert_int_equal(channels_carry(plan.system, 5, 2), 0);
    assert_int_equal(channels_carry(plan.system, 3, 0), 0);
    CHANNEL_REFUSED("", { /* node 1 has a second channel, whose end is listed first there: devices pass that one, too */
        struct system_request *d = ask(RESOURCE_REQUESTERS, 0, 0, "d"), *back = ask(RESOURCE_CHANNEL, 1, CHANNEL_BYTES, "b");
        ask(RESOURCE_CHANNEL, 2, CHANNEL_BYTES, "b");
        d->arg1 = 0x100 | 0x107 << 16, back->arg0 = 1;
        struct system_request *m = ask(RESOURCE_MOVABLE, 2, 0, "n");
        m->arg0 = 9, m->arg1 = 7;
        m = ask(RESOURCE_MOVABLE, 0, 0, "o");
        m->arg0 = 3, m->arg1 = 7;
    });
    assert_int_equal(channels_carry(plan.system, 7, 0), 1);
    assert_int_equal(channels_carry(plan.system, 7, 1), 3);
    assert_int_equal(channels_carry(plan.system, 7, 2), 1);
    assert_int_equal(channels_carry(plan.system, 5, 1), 1);
    assert_int_equal(plan.nodes[1].entry_count, 2 + 2 + 1 + 2 * 3 + 2 * 3);
    CHANNEL_REFUSED("\"ram\" is memory of several nodes, so it cannot be moved", {
        struct system_request *too = ask(RESOURCE_MEMORY, 1, 6 * MIB, "ram");
        ram->arg0 = too->arg0 = 2, too->align = 2 * MIB;
    });
    CHANNEL_REFUSED("must have 8192 bytes and one direction", from->size = to->size = 4096);
    CHANNEL_REFUSED("must have 8192 bytes and one direction", from->arg0 = 2);
    CHANNEL_REFUSED("node 0: the channel \"c\" needs another node that receives", to->arg0 = 1);
    CHANNEL_REFUSED("node 0: the channel \"c\" needs another node that sends", from->arg0 = 0);
    CHANNEL_REFUSED("node 0: the channel \"c\" needs another node that receives", strcpy(to->name, "d"));
    CHANNEL_REFUSED("given more than 2 times", ask(RESOURCE_CHANNEL, 2, CHANNEL_BYTES, "c"));
    CHANNEL_REFUSED("two requests are called \"c\"", ask(RESOURCE_CHANNEL, 1, CHANNEL_BYTES, "c"));
    CHANNEL_REFUSED("the channel \"c\" has the name of other memory", ask(RESOURCE_SHARED, 2, CHANNEL_BYTES, "c"));
    CHANNEL_REFUSED("\"m\" names no channel of this node", moves->arg0 = 3);
    CHANNEL_REFUSED("\"m\" names no channel of this node", moves->arg0 = 5);
    CHANNEL_REFUSED("\"m\" names no channel of this node", moves->arg0 = UINT64_MAX);
    CHANNEL_REFUSED("\"m\" names nothing that may be moved", moves->arg1 = 1ull << 32);
    CHANNEL_REFUSED("\"private\" cannot be moved through a channel", moves->arg1 = 0);
    CHANNEL_REFUSED("\"c\" cannot be moved through a channel", moves->arg1 = 3);
    CHANNEL_REFUSED("\"ram\" moves through a channel in pieces of 2 MiB", ram->size = 6 * MIB + 4096);
    CHANNEL_REFUSED("\"ram\" moves through a channel in pieces of 2 MiB", ram->align = 4096);
    CHANNEL_REFUSED("node 0: more than 64 channels", {
        char name[8];
        for (unsigned i = 0; i < CHANNEL_MAX; i++) {
            snprintf(name, sizeof name, "c%u", i);
            ask(RESOURCE_CHANNEL, 0, CHANNEL_BYTES, name)->arg0 = 1;
            ask(RESOURCE_CHANNEL, 1 + i % 2, CHANNEL_BYTES, name);
        }
    });
}

static void logs_of_a_node(void **state)
{
    (void)state;
    node_with_memory(2);
    ask(RESOURCE_LOG, 0, 0x5000, "node.0.log")->arg1 = 0x50;
    ask(RESOURCE_SHARED, 0, 0x5000, "node.0.log"); /* the control node reads its own kernel's log */
    assert_made();
    assert_int_equal(plan.memory[2].start, plan.memory[3].start);
    ask(RESOURCE_SHARED, 1, 0x5000, "node.0.log");
    assert_refused("more than 2 times");
    begin(NULL);
    node_with_memory(2);
    ask(RESOURCE_LOG, 0, 0x1000, "log")->arg1 = 0x50;
    ask(RESOURCE_LOG, 1, 0x1000, "log")->arg1 = 0x50;
    assert_refused("log of two kernels");
    begin(NULL);
    node_with_memory(2);
    ask(RESOURCE_LOG, 0, 0x1000, "log")->arg1 = 0x50;
    ask(RESOURCE_LOG_TAIL, 0, 0x1000, "log");
    assert_refused("both ends of one log");
    begin(NULL);
    node_with_memory(2);
    ask(RESOURCE_SHARED, 0, 0x1000, "queue");
    ask(RESOURCE_SHARED, 0, 0x1000, "queue");
    assert_refused("two requests are called \"queue\"");
}

static void shared_by_three(void **state)
{
    (void)state;
    node_with_memory(3);
    for (unsigned n = 0; n < 3; n++)
        ask(RESOURCE_SHARED, n, 4096, "queue");
    assert_refused("more than 2 times");
}

static void too_many_resources(void **state)
{
    char name[16];
    (void)state;
    node_with_memory(1);
    for (unsigned i = 0; i < RESOURCE_MAP_MAX_ENTRIES; i++) {
        snprintf(name, sizeof name, "t%u", i);
        ask(RESOURCE_TEXT, 0, 0, name);
    }
    assert_refused("too many");
}

static void rest_of_the_machine(void **state)
{
    (void)state;
    s.header.node_count = 1;
    s.header.flags = SYSTEM_FLAG_REST;
    ask(RESOURCE_MEMORY, 0, 4096, "m");
    assert_made();
    assert_true(plan.nodes[0].private.start == 4 * GIB && plan.nodes[0].private.end == 6 * GIB);
    uint64_t ram = plan.nodes[0].private.end - plan.nodes[0].private.start + 4096;
    bool low = false, top = false;
    for (unsigned i = 0; i < plan.rest_count; i++) {
        const struct range *r = &plan.rest[i].range;
        ram += plan.rest[i].ram ? r->end - r->start : 0;
        low |= !plan.rest[i].ram && r->start == 0 && r->end == MIB;
        top |= !plan.rest[i].ram && r->end == 1ull << 39;
        assert_false(r->start <= 0xfec00000 && r->end > 0xfec00000); /* the IOAPIC stays the kernel's */
    }
    assert_true(low && top);
    assert_int_equal(ram, 4 * GIB - MIB - ranges_total(&own));
}

static void overlapping_own_memory_is_noticed(void **state)
{
    (void)state;
    node_with_memory(1);
    own.count = 2;
    own.r[0] = (struct range){4 * MIB, 5 * MIB}; /* a broken set, as a bug elsewhere could make it */
    own.r[1] = (struct range){4 * MIB, 6 * MIB};
    assert_refused("internal error");
}

/* Many random systems on random machines: whatever is accepted is disjoint, checked here once more. */
static void random_systems(void **state)
{
    uint32_t seed = 5;
    unsigned made = 0;
    (void)state;
#define RANDOM(n) ((seed = seed * 1664525u + 1013904223u) >> 8) % (n)
    for (unsigned round = 0; round < 3000; round++) {
        begin(NULL);
        boot.ram.count = own.count = 0;
        for (unsigned i = 0; i < 6; i++) {
            uint64_t at = RANDOM(1000), size = RANDOM(400);
            ranges_add(&boot.ram, at * MIB, (at + size) * MIB);
        }
        for (unsigned i = 0; i < 4; i++) {
            uint64_t at = RANDOM(1000), size = RANDOM(20);
            ranges_add(&own, at * MIB, (at + size) * MIB);
        }
        unsigned nodes = 1 + RANDOM(4);
        s.header.node_count = nodes;
        s.header.flags = RANDOM(4) == 0 ? SYSTEM_FLAG_REST : 0;
        char name[16];
        for (unsigned n = 0; n < nodes; n++)
            ask(RESOURCE_PRIVATE, n, (4 + RANDOM(30)) * MIB, "private");
        for (unsigned i = 0; i < 8; i++) {
            snprintf(name, sizeof name, "r%u", i);
            unsigned node = RANDOM(nodes);
            uint64_t size = (1 + RANDOM(60)) * MIB;
            ask(RESOURCE_MEMORY, node, size, name)->align = 1ull << (12 + RANDOM(16));
        }
        if (!plan_make(&in, &plan))
            continue;
        made++;
        struct range all[64];
        unsigned count = 0;
        for (unsigned n = 0; n < nodes; n++)
            all[count++] = plan.nodes[n].private;
        for (unsigned i = nodes; i < nodes + 8; i++)
            all[count++] = plan.memory[i];
        for (unsigned i = 0; i < own.count; i++)
            all[count++] = own.r[i];
        for (unsigned i = 0; i < count; i++)
            for (unsigned k = 0; k < i; k++)
                assert_true(all[i].end <= all[k].start || all[k].end <= all[i].start);
        for (unsigned i = 0; i < nodes + 8; i++)
            assert_true(ranges_contain(&boot.ram, all[i].start, all[i].end) && all[i].start >= MIB);
    }
    assert_true(made > 100 && made < 3000); /* both answers occur */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(two_vms, begin),
        cmocka_unit_test_setup(one_vm_on_two_nodes, begin),
        cmocka_unit_test_setup(memory_is_one_where_both_say_so, begin),
        cmocka_unit_test_setup(shared_memory_of_different_alignment, begin),
        cmocka_unit_test_setup(memory_does_not_fit, begin),
        cmocka_unit_test_setup(memory_beyond_the_processor, begin),
        cmocka_unit_test_setup(private_memory, begin),
        cmocka_unit_test_setup(lying_header, begin),
        cmocka_unit_test_setup(lying_requests, begin),
        cmocka_unit_test_setup(channels, begin), cmocka_unit_test_setup(logs_of_a_node, begin),
        cmocka_unit_test_setup(shared_by_three, begin),
        cmocka_unit_test_setup(too_many_resources, begin),
        cmocka_unit_test_setup(rest_of_the_machine, begin),
        cmocka_unit_test_setup(overlapping_own_memory_is_noticed, begin),
        cmocka_unit_test_setup(random_systems, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
