/* function: every function of kernel/x86/log.c but log_to_queue
 * property: a line stays inside its buffer, the console is rung once for a line, a kernel's last words are those that the console has not read, each once, whatever the console writes into its page, and no character waits for ever; nothing undefined
 * bound: a queue of 8 bytes; lines of any length; a UART that is ready after 2 looks
 * options: --unwind 10 --unwindset uart_text.0:170
 */
#include "../proof.h"
#include <machine.h>
#include "kernel/core.h"
#include <atoll/queue.h>
/* What the queue does with the bytes is proved elsewhere (queue_ends). */
static unsigned written;
static uint64_t queue_take(struct queue *q, const void *bytes, uint64_t n) { (void)q; (void)(n ? ((const char *)bytes)[n - 1] : 0); written++; return n; }
#define queue_write queue_take
static unsigned polls;
static uint8_t ready(void) { return ++polls % 3 == 0 ? 0x20 : (uint8_t)nondet_word(); }
#define in8(port) ((void)(port), ready())
static unsigned sent;
#define out8(port, v) ((void)(port), (void)(v), sent++)
#include "kernel/x86/log.c"

struct kernel kernel;
static unsigned rung;
static struct queue_producer producer;
static struct queue_consumer consumer;
static uint8_t data[8];
void lapic_send(uint32_t apic, word_t vector) { (void)apic; HOLDS(vector == doorbell_vector, "its own doorbell"); rung++; }

int main(void)
{
    has_queue = nondet_bool(), uart = (uint16_t)nondet_word(), to_uart = !has_queue || nondet_bool();
    doorbell_vector = nondet_below(256), doorbell_apic_id = nondet_unsigned();
    used = nondet_below(sizeof(line));
    flushed = nondet_below(sizeof(line) + 1);
    consumer.tail = nondet_word(), consumer.asleep = nondet_unsigned();
    queue = (struct queue){.producer = &producer, .consumer = &consumer, .data = data, .size = 8, .index = nondet_word()};
    uint64_t unread = queue.index - consumer.tail;
    bool direct = to_uart;
    switch (nondet_below(5)) {
    case 0: {
        char c = (char)nondet_word();
        machine_put_char(c);
        HOLDS(used < sizeof(line), "room for the next");
        HOLDS(rung <= 1 && (!rung || c == '\n' || flushed == sizeof(line)), "rung for a line");
        REACH(rung && flushed == 1);
        break;
    }
    case 1:
        machine_last_words();
        HOLDS(direct || !uart || (to_uart && sent == 3 + (unread < 8 ? unread : 8)), "what was not read, once");
        HOLDS(sent <= 11, "no more than the queue holds");
        REACH(sent == 11);
        break;
    case 2: log_direct(true); log_direct(false); HOLDS(to_uart == direct || uart, "as before"); break;
    case 3: log_to_uart((uint16_t)nondet_word()); HOLDS(to_uart == !has_queue, "alone if there is no queue"); break;
    default: machine_halt();
    }
}
