/* The kernel's log: a queue that the console component reads, or a UART if there is no queue. A kernel that dies says so in the
 * queue's status; where it has a UART too (the control node), its last words go there as well, since its console dies with it. */
#include <machine.h>
#include "log.h"
#include <atoll/console.h>
#include <atoll/queue.h>
#include <atoll/resource_map.h>
#include "../core.h"
#include "irq.h"

#define UART_DATA 0
#define UART_LINE_STATUS 5
#define LINE_STATUS_EMPTY 0x20 /* 16550 data sheet: transmitter holding register empty */
#define UART_PATIENCE 100000   /* polls; a UART that never gets ready must not stop the kernel */

static struct queue queue;
static bool has_queue;
static uint16_t uart;
static bool to_uart; /* not only to the queue */
static uint32_t doorbell_apic_id;
static word_t doorbell_vector;
static char line[160];       /* for the queue; holds the last line until the next begins */
static unsigned used, flushed;

void log_to_uart(uint16_t port)
{
    uart = port;
    to_uart = !has_queue;
}

void log_to_queue(word_t data_bytes, uint32_t apic_id, word_t vector)
{
    char *base = (char *)KERNEL_LOG_VA;
    queue_init_producer(&queue, base, base + QUEUE_PAGE + data_bytes, data_bytes);
    has_queue = true;
    to_uart = false;
    doorbell_apic_id = apic_id;
    doorbell_vector = vector;
}

void log_direct(bool on)
{
    static bool queue_waits;
    if (!uart)
        return;
    if (on)
        queue_waits = has_queue;
    has_queue = !on && queue_waits;
    to_uart = on || !has_queue;
}

static void ring(void)
{
    if (doorbell_vector && queue_needs_doorbell(&queue))
        lapic_send(doorbell_apic_id, doorbell_vector);
}

static void uart_put(char c)
{
    for (unsigned i = 0; i < UART_PATIENCE && !(in8(uart + UART_LINE_STATUS) & LINE_STATUS_EMPTY); i++) {}
    out8(uart + UART_DATA, (uint8_t)c);
}

static void uart_text(const char *text, unsigned length)
{
    for (unsigned i = 0; i < length; i++)
        uart_put(text[i]);
}

/* The line may have been left in a VM's stream: back to the system's. Then what the console component hasn't read yet, as it may
 * never get to it. */
void machine_last_words(void)
{
    static const char to_system[] = {CONSOLE_SWITCH, CONSOLE_STREAM_SYSTEM, '\n'};
    if (to_uart || !uart)
        return;
    uart_text(to_system, sizeof(to_system));
    uint64_t unread = queue.index - queue.consumer->tail; /* the consumer's word, so bounded */
    for (uint64_t i = queue.index - (unread < queue.size ? unread : queue.size); i != queue.index; i++)
        uart_put((char)queue.data[i & (queue.size - 1)]);
    to_uart = true;
}

static void flush(void)
{
    queue_write(&queue, line, used);
    flushed = used;
    used = 0;
    ring();
}

/* One doorbell per line: the console is not woken for each character. */
void machine_put_char(char c)
{
    if (to_uart) {
        if (c == '\n')
            uart_put('\r');
        uart_put(c);
    }
    if (has_queue) {
        line[used++] = c;
        if (c == '\n' || used == sizeof(line))
            flush();
    }
}

/* The console component tells of other nodes' ends (<atoll/console.h>); the control node, which alone has a UART, tells of its own. */
static void tell_own_end(void)
{
    static const char event[] = CONSOLE_EVENT_PREFIX "node 0 died: ", prefix[] = "panic: ";
    unsigned skip = 0;
    while (skip < sizeof(prefix) - 1 && skip < flushed && line[skip] == prefix[skip])
        skip++;
    uart_text(event, sizeof(event) - 1);
    uart_text(line + skip, flushed - skip);
}

void machine_halt(void)
{
    if (has_queue) {
        if (used)
            flush();
        if (to_uart)
            tell_own_end();
        __atomic_store_n(&queue.producer->status, QUEUE_DEAD, __ATOMIC_RELEASE);
        ring();
    }
    stop_core();
}
