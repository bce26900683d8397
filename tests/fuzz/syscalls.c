/* Fuzzing the system calls: the input is a sequence of system calls of whoever runs, with timer ticks, interrupts, faults and exits of
 * a guest between them. The whole state is checked after each; a refused call must have changed nothing.
 *
 * Bytes are decoded so that most calls are plausible: a call is drawn from the table of invocations below, its capability from those
 * of the right kind, its arguments from what fits their meaning; now and then anything goes. */
#pragma clang section bss = "" data = ""
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "kernel_world.h"
#include "kernel/x86/svm.h"
#include "kernel/x86/timer.h"
#include "kernel/x86/trap.h"
#include "kernel/x86/irq.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OPERATIONS_MAX 200

/* ---- the input ---- */

static const uint8_t *at, *end;

static uint8_t byte(void) { return at < end ? *at++ : 0; }

static word_t wild(void)
{
    static const word_t odd[] = {0, 1, 2, 63, 64, 65, 255, 256, 4095, 1ull << 21, 1ull << 30, 1ull << 39, USER_TOP, 1ull << 47, 1ull << 63, ~0ull};
    uint8_t b = byte();
    if (b < 128)
        return odd[b % ARRAY_SIZE(odd)];
    word_t w = 0;
    for (unsigned i = 0; i < (b & 7u) + 1; i++)
        w = w << 8 | byte();
    return w;
}

/* ---- plausible arguments ---- */

static word_t nth_slot(uint8_t n, enum cap_tag tag) /* CAP_NULL: an empty one; CAP_ZOMBIE: any full one */
{
    word_t found = 0, count = 0;
    for (unsigned pass = 0; pass < 2; pass++) {
        word_t k = count ? n % count : 0;
        count = 0;
        for (word_t i = 1; i < SPACE_SLOTS; i++) {
            enum cap_tag have = cap_tag(world_slot(i)->cap);
            if (tag == CAP_ZOMBIE ? have != CAP_NULL : have == tag) {
                if (pass && count == k)
                    return i;
                found = i;
                count++;
            }
        }
    }
    return found;
}

static word_t argument(char kind)
{
    static const word_t bits[] = {4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 1, 2, 3, 21, 30};
    static const word_t times[] = {20, 25, 50, 100, 300, 1000, 5000, 10000};
    static const word_t places[] = {0x420000, 0x421000, 0x422000, 0x423000, 0x420000, 0x421000, 0x400000, 0x600000,
                                    0x601000, 0x800000, 0xa00000, 0x40000000, 0x80000000, 0x8000000000, 0x200000, 0};
    uint8_t b = byte();
    if (b >= 0xf4)
        return wild();
    switch (kind) {
    case 'e': return nth_slot(b, CAP_NULL);
    case 's': return nth_slot(b, CAP_ZOMBIE);
    case 'd': return b < 0xd0 ? 64 : b & 15;
    case 'r': return b & 15;
    case 'b': return b & 3;
    case 'p': return 96 + b % 16;
    case 't': return b % ATOLL_OBJECT_TYPES;
    case 'z': return bits[b % ARRAY_SIZE(bits)];
    case 'n': return 1 + b % 4;
    case '0': return 0;
    case 'v': return places[b % ARRAY_SIZE(places)];
    case 'u': return times[b % ARRAY_SIZE(times)];
    case 'i': return 16 + b % 8;
    case 'q': return 0x3f8 + b % 8;
    case 'c': return 1 + b % SEL4_CONTEXT_WORDS;
    case 'g': return (word_t)b * 2 & VCPU_ALL_GROUPS;
    case 'x': return b % EXIT_CLASSES;
    default: return b;
    }
}

static const struct invocation_shape {
    uint8_t tag, label;
    const char *words, *caps; /* a letter per argument, see argument(); capabilities: see extra() */
} shapes[] = {
    {CAP_UNTYPED, SEL4_UNTYPED_RETYPE, "tz00en", "C"},
    {CAP_UNTYPED, SEL4_UNTYPED_RETYPE, "tz00en", "C"},
    {CAP_UNTYPED, SEL4_UNTYPED_RETYPE, "tzsden", "C"},
    {CAP_TCB, SEL4_TCB_READ_REGISTERS, "bc", ""},
    {CAP_TCB, SEL4_TCB_WRITE_REGISTERS, "bcvvwwww", ""},
    {CAP_TCB, SEL4_TCB_COPY_REGISTERS, "r", "T"},
    {CAP_TCB, SEL4_TCB_CONFIGURE, "00v", "CVF"},
    {CAP_TCB, SEL4_TCB_SET_PRIORITY, "p", "T"},
    {CAP_TCB, SEL4_TCB_SET_MC_PRIORITY, "p", "T"},
    {CAP_TCB, SEL4_TCB_SET_SCHED_PARAMS, "pp", "TSE"},
    {CAP_TCB, SEL4_TCB_SET_TIMEOUT_ENDPOINT, "", "E"},
    {CAP_TCB, SEL4_TCB_SET_IPC_BUFFER, "v", "F"},
    {CAP_TCB, SEL4_TCB_SET_SPACE, "w0", "ECV"},
    {CAP_TCB, SEL4_TCB_SUSPEND, "", ""},
    {CAP_TCB, SEL4_TCB_RESUME, "", ""},
    {CAP_TCB, SEL4_TCB_RESUME, "", ""},
    {CAP_TCB, SEL4_TCB_BIND_NOTIFICATION, "", "N"},
    {CAP_TCB, SEL4_TCB_UNBIND_NOTIFICATION, "", ""},
    {CAP_TCB, SEL4_TCB_SET_TLS_BASE, "v", ""},
    {CAP_TCB, SEL4_TCB_SET_FLAGS, "bb", ""},
    {CAP_CNODE, SEL4_CNODE_REVOKE, "sd", ""},
    {CAP_CNODE, SEL4_CNODE_DELETE, "sd", ""},
    {CAP_CNODE, SEL4_CNODE_DELETE, "sd", ""},
    {CAP_CNODE, SEL4_CNODE_CANCEL_BADGED_SENDS, "sd", ""},
    {CAP_CNODE, SEL4_CNODE_COPY, "edsdr", "C"},
    {CAP_CNODE, SEL4_CNODE_MINT, "edsdrb", "C"},
    {CAP_CNODE, SEL4_CNODE_MOVE, "edsd", "C"},
    {CAP_CNODE, SEL4_CNODE_MUTATE, "edsdb", "C"},
    {CAP_CNODE, SEL4_CNODE_ROTATE, "edbsdbsd", "CC"},
    {CAP_IRQ_CONTROL, SEL4_IRQ_CONTROL_GET, "ied", "C"},
    {CAP_IRQ_CONTROL, SEL4_IRQ_CONTROL_GET_IOAPIC, "ed0bbbi", "C"},
    {CAP_IRQ_CONTROL, SEL4_IRQ_CONTROL_GET_MSI, "edbbbbi", "C"},
    {CAP_IRQ_HANDLER, SEL4_IRQ_HANDLER_ACK, "", ""},
    {CAP_IRQ_HANDLER, SEL4_IRQ_HANDLER_SET_NOTIFICATION, "", "N"},
    {CAP_IRQ_HANDLER, SEL4_IRQ_HANDLER_CLEAR, "", ""},
    {CAP_DOMAIN, SEL4_DOMAIN_SET_SET, "b", "T"},
    {CAP_DOMAIN, SEL4_DOMAIN_SET_SCHEDULE_CONFIGURE, "bbb", ""},
    {CAP_DOMAIN, SEL4_DOMAIN_SET_SCHEDULE_SET_START, "b", ""},
    {CAP_SCHED_CONTROL, SEL4_SCHED_CONTROL_CONFIGURE_FLAGS, "uubbb", "S"},
    {CAP_SCHED_CONTROL, SEL4_SCHED_CONTROL_CONFIGURE_FLAGS, "uubbb", "S"},
    {CAP_SC, SEL4_SCHED_CONTEXT_BIND, "", "T"},
    {CAP_SC, SEL4_SCHED_CONTEXT_BIND, "", "N"},
    {CAP_SC, SEL4_SCHED_CONTEXT_UNBIND, "", ""},
    {CAP_SC, SEL4_SCHED_CONTEXT_UNBIND_OBJECT, "", "T"},
    {CAP_SC, SEL4_SCHED_CONTEXT_UNBIND_OBJECT, "", "N"},
    {CAP_SC, SEL4_SCHED_CONTEXT_CONSUMED, "", ""},
    {CAP_SC, SEL4_SCHED_CONTEXT_YIELD_TO, "", ""},
    {CAP_PDPT, SEL4_X86_PDPT_MAP, "v0", "V"},
    {CAP_PDPT, SEL4_X86_PDPT_UNMAP, "", ""},
    {CAP_PD, SEL4_X86_PAGE_DIRECTORY_MAP, "v0", "V"},
    {CAP_PD, SEL4_X86_PAGE_DIRECTORY_UNMAP, "", ""},
    {CAP_PT, SEL4_X86_PAGE_TABLE_MAP, "v0", "V"},
    {CAP_PT, SEL4_X86_PAGE_TABLE_UNMAP, "", ""},
    {CAP_FRAME, SEL4_X86_PAGE_MAP, "vrb", "V"},
    {CAP_FRAME, SEL4_X86_PAGE_MAP, "vrb", "V"},
    {CAP_FRAME, SEL4_X86_PAGE_UNMAP, "", ""},
    {CAP_FRAME, SEL4_X86_PAGE_GET_ADDRESS, "", ""},
    {CAP_ASID_CONTROL, SEL4_X86_ASID_CONTROL_MAKE_POOL, "ed", "UC"},
    {CAP_ASID_POOL, SEL4_X86_ASID_POOL_ASSIGN, "", "V"},
    {CAP_IO_PORT_CONTROL, SEL4_X86_IOPORT_CONTROL_ISSUE, "qqed", "C"},
    {CAP_IO_PORT, SEL4_X86_IOPORT_IN8, "q", ""},
    {CAP_IO_PORT, SEL4_X86_IOPORT_OUT16, "qw", ""},
    {CAP_NPDPT, ATOLL_NESTED_TABLE_MAP, "v0", "V"},
    {CAP_NPD, ATOLL_NESTED_TABLE_MAP, "v0", "V"},
    {CAP_NPT, ATOLL_NESTED_TABLE_MAP, "v0", "V"},
    {CAP_NPDPT, ATOLL_NESTED_TABLE_UNMAP, "", ""},
    {CAP_NPD, ATOLL_NESTED_TABLE_UNMAP, "", ""},
    {CAP_NPT, ATOLL_NESTED_TABLE_UNMAP, "", ""},
    {CAP_FRAME, ATOLL_NESTED_PAGE_MAP, "vrb", "V"},
    {CAP_VCPU, ATOLL_VCPU_BIND, "", "T"},
    {CAP_VCPU, ATOLL_VCPU_SET_TRANSFER, "xgg", ""},
    {CAP_VCPU, ATOLL_VCPU_READ, "g", ""},
    {CAP_VCPU, ATOLL_VCPU_WRITE, "gwwwwwwwwwwww", ""},
    {CAP_VCPU, ATOLL_VCPU_INTERRUPT, "w", ""},
    {CAP_VCPU, ATOLL_VCPU_SET_TIMER, "w", "N"},
    {CAP_VCPU, ATOLL_VCPU_COUNTERS, "", ""},
    {CAP_IPI, ATOLL_IPI_SIGNAL, "", ""},
};

static word_t extra(char kind)
{
    uint8_t b = byte();
    if (b >= 0xf0)
        return nth_slot(byte(), CAP_ZOMBIE);
    switch (kind) {
    case 'C': return b < 0xc0 ? W_CNODE : nth_slot(b, CAP_CNODE);
    case 'T': return nth_slot(b, CAP_TCB);
    case 'V': return b & 3 ? nth_slot(b / 4, CAP_PML4) : nth_slot(b / 4, CAP_NPML4);
    case 'F': return nth_slot(b, CAP_FRAME);
    case 'N': return nth_slot(b, CAP_NOTIFICATION);
    case 'E': return b & 1 ? nth_slot(b / 2, CAP_ENDPOINT) : 0;
    case 'S': return nth_slot(b, CAP_SC);
    default: return nth_slot(b, CAP_UNTYPED);
    }
}

/* ---- operations ---- */

static bool tracing; /* FUZZ_TRACE is set: say what is done, to understand one input */

static void enter(int64_t number)
{
    struct context *c = &kernel.current->context;
    if (tracing) {
        fprintf(stderr, "thread at 0x%lx: system call %ld, cap %ld, info 0x%lx, r12 %ld, r13 %ld, words", (unsigned long)object_offset(kernel.current),
                (long)number, (long)c->rdi, (unsigned long)c->rsi, (long)c->r12, (long)c->r13);
        for (unsigned i = 0; i < message_length(c->rsi) && i < 8; i++)
            fprintf(stderr, " 0x%lx", (unsigned long)message_word(kernel.current, i));
        for (unsigned i = 0; i < message_extra(c->rsi) && tcb_ipc_buffer(kernel.current, false); i++)
            fprintf(stderr, "%s%lu", i ? " " : ", caps ", (unsigned long)tcb_ipc_buffer(kernel.current, false)[SEL4_IPC_CAPS_WORD + i]);
        fprintf(stderr, "\n");
    }
    c->rdx = (word_t)number;
    c->rip += 2;
    c->cause = (word_t)-1;
    handle_syscall(number);
    if (tracing && kernel.current != idle_thread())
        fprintf(stderr, "    now thread at 0x%lx, info 0x%lx\n", (unsigned long)object_offset(kernel.current), (unsigned long)kernel.current->context.rsi);
}

static void invoke(void)
{
    const struct invocation_shape *shape = &shapes[byte() % ARRAY_SIZE(shapes)];
    struct tcb *t = kernel.current;
    word_t *buffer = tcb_ipc_buffer(t, true), length = 0, extras = 0, label = shape->label, words[32];
    for (const char *w = shape->words; *w; w++)
        words[length++] = argument(*w);
    for (const char *c = shape->caps; *c; c++) {
        word_t cptr = extra(*c);
        if (buffer)
            buffer[SEL4_IPC_CAPS_WORD + extras++] = cptr;
    }
    uint8_t b = byte();
    word_t cptr = b < 0xf0 ? nth_slot(b, (enum cap_tag)shape->tag) : nth_slot(byte(), CAP_ZOMBIE);
    if (b == 0xff)
        label = byte();
    if (b == 0xfe && length)
        length--;
    for (unsigned i = 0; i < length; i++)
        message_set_word(t, i, words[i]);
    t->context.rdi = cptr;
    t->context.rsi = message_info(label, 0, extras, length);
    world_remember();
    word_t again = t->context.rip;
    unsigned looks = machine.looks;
    enter(SEL4_SYS_CALL);
    bool done = kernel.current == t && t->context.rip != again;
    if (done && message_label(t->context.rsi) != SEL4_NO_ERROR && t->context.rdi == 0 && cptr && looks == machine.looks)
        world_compare(t);
}

static void communicate(void)
{
    static const int8_t numbers[] = {SEL4_SYS_CALL, SEL4_SYS_REPLY_RECV, SEL4_SYS_NBSEND_RECV, SEL4_SYS_NBSEND_WAIT, SEL4_SYS_SEND,
                                     SEL4_SYS_NBSEND, SEL4_SYS_RECV, SEL4_SYS_NBRECV, SEL4_SYS_WAIT, SEL4_SYS_NBWAIT, SEL4_SYS_YIELD,
                                     SEL4_SYS_SET_TLS_BASE, SEL4_SYS_DEBUG_CAP_IDENTIFY, SEL4_SYS_REPLY_RECV, SEL4_SYS_CALL, SEL4_SYS_RECV};
    struct tcb *t = kernel.current;
    struct context *c = &t->context;
    int64_t number = numbers[byte() % ARRAY_SIZE(numbers)];
    uint8_t b = byte(), shape = byte();
    bool waits = number == SEL4_SYS_NBSEND_WAIT || number == SEL4_SYS_WAIT || number == SEL4_SYS_NBWAIT;
    c->rdi = b < 0xf0 ? nth_slot(b, waits || b & 1 ? CAP_NOTIFICATION : CAP_ENDPOINT) : nth_slot(byte(), CAP_ZOMBIE);
    if (number == SEL4_SYS_CALL || number == SEL4_SYS_RECV || number == SEL4_SYS_REPLY_RECV)
        c->rdi = b < 0xf0 ? nth_slot(b, CAP_ENDPOINT) : c->rdi;
    c->r12 = nth_slot(byte(), shape & 0x80 && waits ? CAP_NOTIFICATION : CAP_REPLY);
    c->r13 = nth_slot(byte(), shape & 0x80 ? CAP_ENDPOINT : CAP_NOTIFICATION);
    word_t *buffer = tcb_ipc_buffer(t, true), extras = (shape >> 4) & 3;
    for (unsigned i = 0; i < extras && buffer; i++)
        buffer[SEL4_IPC_CAPS_WORD + i] = nth_slot(byte(), CAP_ZOMBIE);
    if (buffer && shape & 0x40) {
        buffer[SEL4_IPC_RECEIVE_CNODE_WORD] = W_CNODE;
        buffer[SEL4_IPC_RECEIVE_INDEX_WORD] = nth_slot(byte(), CAP_NULL);
        buffer[SEL4_IPC_RECEIVE_DEPTH_WORD] = 64;
    }
    c->rsi = message_info(shape & 1 ? wild() & MASK(20) : shape & 3, 0, extras, shape & 0xf);
    if ((shape & 0xf) == 0xf)
        c->rsi = message_info(0, 0, extras, 127);
    enter(number);
}

static void fault(void)
{
    uint8_t b = byte();
    kernel.current->context.cause = b % 32;
    if (b < 0x60)
        handle_vm_fault(wild(), b & 1, b & 31);
    else if (b < 0xc0)
        handle_user_exception(b % 32, 0);
    else
        enter(b == 0xff ? (int64_t)wild() | (1ll << 40) : 100 + b);
}

static void time_passes(void)
{
    static const uint32_t steps[] = {1000, 20000, 41000, 100000, 600000, 2000000, 10000000, 100000000};
    machine.tsc += steps[byte() % ARRAY_SIZE(steps)];
    kernel.current->context.cause = VECTOR_TIMER;
    timer_interrupt();
}

static void interrupt(void)
{
    kernel.current->context.cause = 0x40;
    irq_interrupt(0x40 + byte() % 8);
}

/* The guest leaves with any code, but that of an interrupt (which entry.S takes) and a machine check (which stops the kernel). */
static void guest_leaves(struct vcpu *v)
{
    static const uint16_t codes[] = {SVM_EXIT_CPUID, SVM_EXIT_IOIO, SVM_EXIT_MSR, SVM_EXIT_NPF, SVM_EXIT_HLT, SVM_EXIT_VINTR, SVM_EXIT_IRET,
                                     SVM_EXIT_SHUTDOWN, SVM_EXIT_TASK_SWITCH, SVM_EXIT_VMMCALL, SVM_EXIT_DR_WRITE, SVM_EXIT_EXCEPTION + 1};
    struct vmcb *b = (void *)v->hardware;
    uint8_t which = byte();
    b->exit_code = codes[which % ARRAY_SIZE(codes)];
    b->exit_info1 = wild();
    b->exit_info2 = wild();
    b->exit_interrupt_info = which & 0x80 ? wild() : 0;
}

static void operate(void)
{
    uint8_t what = byte();
    machine.tsc += 100 + what;
    if (kernel.current == idle_thread()) {
        if (what & 3)
            time_passes();
        else
            interrupt();
        return;
    }
    if (what >= 0xf0) {
        machine.interrupt_every = what & 7;
    } else if (what >= 0xe0) {
        interrupt();
    } else if (what >= 0xd0) {
        time_passes();
    } else if (kernel.current->vcpu) {
        vcpu_run();
    } else if (what >= 0xc4) {
        fault();
    } else if (what >= 0x70) {
        communicate();
    } else {
        invoke();
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    setenv("CMOCKA_TEST_ABORT", "1", 1); /* an assertion of the kernel's stand-ins ends the fuzzer, too */
    tracing = getenv("FUZZ_TRACE") != NULL;
    world_make();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    at = data;
    end = data + size;
    world_restore();
    guest_does = guest_leaves;
    for (unsigned i = 0; at < end && i < OPERATIONS_MAX; i++) {
        operate();
        world_check();
    }
    return 0;
}
