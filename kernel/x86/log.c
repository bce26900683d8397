/* The kernel's log: a queue that the console component reads, or a UART if there is no queue. A kernel that dies says so in the
 * queue's status; where it has a UART too (the control node), its last words go there as well, since its console dies with it. */
#include <machine.h>
#include "log.h"
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
static char line[160];
static unsigned used;

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

/* What the console component hasn't read yet goes to the UART first: it may never get to it. */
void machine_last_words(void)
{
    if (to_uart || !uart)
        return;
    uint64_t unread = queue.index - queue.consumer->tail; /* the consumer's word, so bounded */
    for (uint64_t i = queue.index - (unread < queue.size ? unread : queue.size); i != queue.index; i++)
        uart_put((char)queue.data[i & (queue.size - 1)]);
    to_uart = true;
}

static void flush(void)
{
    queue_write(&queue, line, used);
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

void machine_halt(void)
{
    if (has_queue) {
        flush();
        __atomic_store_n(&queue.producer->status, QUEUE_DEAD, __ATOMIC_RELEASE);
        ring();
    }
    stop_core();
}
