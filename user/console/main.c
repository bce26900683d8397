/* The console: everybody's lines and bytes onto one serial line, its bytes to the VMs. It takes turns: a bounded piece of each
 * queue that has something, so that no stream can hold up another, and it waits for nobody but the UART. */
#include <stdbool.h>
#include "command.h"
#include "lib.h"
#include "mux.h"
#include "ring.h"
#include "root.h"
#include "sel4.h"
#include "uart.h"
#include <atoll/component.h>
#include <atoll/console.h>
#include <atoll/life.h>
#include <atoll/queue.h>

const char component_name[] = "console";

#define CHUNK 512 /* bytes of a VM per turn */
#define INPUT_CHUNK 256 /* typed bytes per turn */
#define MAX_SOURCES (2 * CONSOLE_MAX_NODES + CONSOLE_MAX_VMS)
#define LAST_WORDS 200

enum source_kind { SOURCE_KERNEL, SOURCE_EVENTS, SOURCE_VM };
struct source {
    struct queue queue;
    enum source_kind kind;
    uint32_t index;         /* node, or VM */
    uint64_t lost_reported;
    bool dead;              /* the producer's death was reported */
};

static struct source sources[MAX_SOURCES];
static unsigned source_count;
static struct queue inputs[CONSOLE_MAX_VMS];
static char last_words[CONSOLE_MAX_NODES][LAST_WORDS]; /* the latest line of each kernel */
static const struct console_config *config;
static struct mux mux;
static uint64_t tsc_hz;
static struct ring rings[CONSOLE_MAX_VMS];
static struct ring_reader replays[CONSOLE_MAX_VMS]; /* position at the end: none is under way */
static struct command_line typed;

static void send(char stream, const void *bytes, size_t n)
{
    static uint8_t framed[MUX_FRAMED(SYSTEM_TEXT_MAX)];
    uart_write(framed, mux_frame(&mux, stream, bytes, n, framed));
}

static void queue_at(struct queue *q, unsigned index, bool consumer)
{
    char *at = (char *)COMPONENT_QUEUES_VA + index * COMPONENT_QUEUE_STRIDE;
    if (consumer)
        queue_init_consumer(q, at, at + COMPONENT_QUEUE_TAIL, QUEUE_DATA_SIZE);
    else
        queue_init_producer(q, at, at + COMPONENT_QUEUE_TAIL, QUEUE_DATA_SIZE);
}

static void source_add(enum source_kind kind, uint32_t index, unsigned queue)
{
    struct source *s = &sources[source_count++];
    s->kind = kind;
    s->index = index;
    queue_at(&s->queue, queue, true);
}

static void queues_init(void)
{
    for (uint32_t i = 0; i < config->node_count; i++) {
        source_add(SOURCE_KERNEL, i, 2 * i);
        if (i > 0)
            source_add(SOURCE_EVENTS, i, 2 * i + 1);
    }
    for (uint32_t i = 0; i < config->vm_count; i++) {
        source_add(SOURCE_VM, i, 2 * config->node_count + 2 * i);
        queue_at(&inputs[i], 2 * config->node_count + 2 * i + 1, false);
    }
}

static void system_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void system_line(const char *format, ...)
{
    char line[SYSTEM_TEXT_MAX];
    va_list arguments;

    va_start(arguments, format);
    size_t n = text_vformat(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    line[n++] = '\n';
    send(CONSOLE_STREAM_SYSTEM, line, n);
}

/* A kernel's line is remembered: if it dies, this is the reason. The line that its panic() began is kept. */
static void remember(uint32_t node, const uint8_t *line, size_t n)
{
    static const char panic_prefix[] = "panic: ";
    static bool panicked[CONSOLE_MAX_NODES];
    const size_t prefix = sizeof panic_prefix - 1;
    char *words = last_words[node];

    if (panicked[node])
        return;
    if (n > prefix && memcmp(line, panic_prefix, prefix) == 0) {
        panicked[node] = true;
        line += prefix;
        n -= prefix;
    }
    while (n && line[n - 1] <= ' ')
        n--;
    if (n == 0)
        return;
    if (n > LAST_WORDS - 1)
        n = LAST_WORDS - 1;
    for (size_t i = 0; i < n; i++)
        words[i] = line[i] >= ' ' && line[i] <= '~' ? (char)line[i] : '?';
    words[n] = '\0';
}

/* The managers of a VM whose node died stop what is left of it. */
static void tell_managers(uint32_t node)
{
    for (uint32_t i = 0; i < config->vm_count; i++) {
        uint32_t first = config->vm_nodes[i].first_node, vcpus = config->vm_nodes[i].vcpus;

        if (vcpus < 2 || node - first >= vcpus)
            continue;
        struct life_deaths *deaths = (struct life_deaths *)(CONSOLE_DEATHS_VA + i * 4096ull);
        __atomic_store_n(&deaths->dead[node - first], 1, __ATOMIC_SEQ_CST);
        for (uint32_t k = first; k < first + vcpus; k++)
            sel4_signal(CONSOLE_SLOT_MANAGER + k);
    }
}

/* One line of a node. True: there was one. */
static bool line_turn(struct source *s)
{
    static uint8_t bytes[SYSTEM_LINE_MAX];
    static char text[SYSTEM_TEXT_MAX];
    bool dead = s->queue.producer->status == QUEUE_DEAD; /* read before the bytes: what comes before death is shown */
    size_t n = queue_peek(&s->queue, bytes, sizeof bytes);
    size_t length = line_length(bytes, n, dead);

    if (length) {
        queue_skip(&s->queue, length);
        if (s->kind == SOURCE_KERNEL)
            remember(s->index, bytes, length);
        send(CONSOLE_STREAM_SYSTEM, text, line_text(text, s->index, s->kind == SOURCE_EVENTS, bytes, length));
        return true;
    }
    if (dead && n == 0 && !s->dead) {
        s->dead = true;
        system_line(CONSOLE_EVENT_PREFIX "node %u died: %s", s->index, last_words[s->index]);
        tell_managers(s->index);
        return true;
    }
    return false;
}

static uint64_t now_ms(void) { return __builtin_ia32_rdtsc() / (tsc_hz / 1000); }

/* A piece of a replay, else of what is new. */
static bool vm_turn(struct source *s)
{
    uint8_t bytes[CHUNK];
    size_t n = ring_next(&rings[s->index], &replays[s->index], bytes, sizeof bytes);

    if (n == 0) {
        n = queue_read(&s->queue, bytes, sizeof bytes);
        ring_put(&rings[s->index], bytes, n, n ? now_ms() : 0);
    }
    send((char)(CONSOLE_STREAM_FIRST_VM + s->index), bytes, n);
    return n != 0;
}

/* Lost bytes are told once per doubling: whoever floods its queue gets few words for it. */
static void tell_loss(struct source *s)
{
    uint64_t lost = s->queue.producer->lost;

    if (lost == 0 || lost / 2 < s->lost_reported)
        return;
    s->lost_reported = lost;
    if (s->kind == SOURCE_VM)
        system_line("console: vm %s lost %lu bytes of output so far", config->vm_names[s->index], lost);
    else
        system_line("console: node %u lost %lu bytes of its %s so far", s->index, lost, s->kind == SOURCE_EVENTS ? "events" : "log");
}

static bool turns(void)
{
    bool any = false;

    for (unsigned i = 0; i < source_count; i++) {
        queue_began_anew(&sources[i].queue); /* a VMM that starts again where nothing was in order */
        any |= sources[i].kind == SOURCE_VM ? vm_turn(&sources[i]) : line_turn(&sources[i]);
        tell_loss(&sources[i]);
    }
    return any;
}

static void press_power(uint32_t vm)
{
    inputs[vm].producer->presses++;
    sel4_signal(CONSOLE_SLOT_VM_DOORBELL + vm);
    system_line("console: power button of vm %s pressed", config->vm_names[vm]);
}

/* A line that was typed into the system stream. */
static void command_turn(uint8_t byte)
{
    uint32_t vm;

    switch (command_input(&typed, byte, config->vm_names, config->vm_count, &vm)) {
    case COMMAND_NONE: break;
    case COMMAND_POWER: press_power(vm); break;
    case COMMAND_REPLAY: ring_begin(&rings[vm], &replays[vm]); break;
    case COMMAND_UNKNOWN:
        system_line("console: '%s'? 'power VM' presses its power button, 'replay VM' shows its console's last lines again", typed.word);
    }
}

/* Typed bytes to the VM whose stream was named. A full queue drops and counts; the VM can catch up, the line cannot wait. */
static bool input_turn(void)
{
    uint8_t received, byte;
    bool any = false;

    for (unsigned n = 0; n < INPUT_CHUNK && uart_read(&received); n++) {
        any = true;
        if (uart_lost()) {
            mux_input_lost(&mux);
            typed.length = 0;
            system_line("console: typed bytes were lost; what follows is dropped until a VM is named again");
        }
        uint32_t vm = (uint32_t)(mux.in - CONSOLE_STREAM_FIRST_VM);
        if (!mux_input(&mux, received, &byte))
            continue;
        if (mux.in == CONSOLE_STREAM_SYSTEM)
            command_turn(byte);
        if (vm >= config->vm_count)
            continue;
        queue_write(&inputs[vm], &byte, 1);
        if (queue_needs_doorbell(&inputs[vm]))
            sel4_signal(CONSOLE_SLOT_VM_DOORBELL + vm);
    }
    return any;
}

/* Tell all producers to ring; true: all queues are empty (or hold the beginning of a line), so there is nothing to do. */
static bool may_sleep(void)
{
    bool sleep = true;

    for (unsigned i = 0; i < source_count; i++) {
        struct queue *q = &sources[i].queue;
        if (!queue_sleep(q)) {
            uint8_t bytes[SYSTEM_LINE_MAX];
            sleep &= q->producer->beginning == q->beginning;
            q->consumer->asleep = q->sleep; /* perhaps half a line: then its rest rings */
            __atomic_thread_fence(__ATOMIC_SEQ_CST);
            sleep &= sources[i].kind != SOURCE_VM && line_length(bytes, queue_peek(q, bytes, sizeof bytes), false) == 0;
        }
        sleep &= q->producer->status != QUEUE_DEAD || sources[i].dead || sources[i].kind == SOURCE_VM;
    }
    return sleep;
}

static void awake(void)
{
    for (unsigned i = 0; i < source_count; i++)
        queue_wake(&sources[i].queue);
}

void component_main(const void *frame, uint64_t hz)
{
    tsc_hz = hz;
    config = frame;
    if (config->magic != CONSOLE_CONFIG_MAGIC || config->node_count > CONSOLE_MAX_NODES || config->vm_count > CONSOLE_MAX_VMS)
        panic("the configuration frame is not a console's");
    mux_init(&mux);
    queues_init();
    uart_init();
    irq_handler_ack(CONSOLE_SLOT_UART_IRQ);
    irq_handler_ack(CONSOLE_SLOT_DOORBELL_IRQ);
    for (;;) {
        bool any = turns();
        any |= input_turn();
        if (any)
            continue;
        if (!may_sleep()) {
            awake();
            continue;
        }
        uint64_t badge = sel4_wait(CONSOLE_SLOT_NOTIFICATION);
        awake();
        if (badge & CONSOLE_BADGE_DOORBELL)
            irq_handler_ack(CONSOLE_SLOT_DOORBELL_IRQ);
        if (badge & CONSOLE_BADGE_UART) {
            input_turn();
            irq_handler_ack(CONSOLE_SLOT_UART_IRQ); /* an edge that came while masked is lost: the loop looks once more */
        }
    }
}
