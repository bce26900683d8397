/* function: queue_write, queue_peek, queue_read, queue_skip, queue_sleep, queue_needs_doorbell, queue_began_anew
 * property: whatever the peer writes at any moment: no access beside the data, own indices never pass each other by more than the size, nothing counted twice
 * bound: queue of 8 bytes, chunks of up to 10, any indices and any peer (each read of its words gives any value)
 * options: --unwind 12
 */
#include "../proof.h"
#include "atoll/queue.h"

#define SIZE 8
#define CHUNK 10
static struct { struct queue_producer header; uint8_t data[SIZE]; uint8_t beside[8]; } producer;
static struct queue_consumer consumer;

int main(void)
{
    uint8_t bytes[CHUNK];
    struct queue q = {&producer.header, &consumer, producer.data, SIZE, nondet_word(), nondet_unsigned(), nondet_unsigned()};
    uint64_t n = nondet_below(CHUNK + 1), index = q.index;
    producer.header.head = nondet_word();
    producer.header.lost = nondet_word();
    consumer.tail = nondet_word();
    consumer.beginning = nondet_unsigned();
    producer.header.beginning = nondet_unsigned();
    consumer.asleep = nondet_unsigned();
    uint64_t lost = producer.header.lost, space = queue_space(&q), used = queue_used(&q);
    HOLDS(space <= SIZE && used <= SIZE, "never more room or bytes than the queue has");
    unsigned beside = nondet_below(sizeof producer.beside);
    producer.beside[beside] = 0x5a;

    if (nondet_bool()) {
        uint64_t took = queue_write(&q, bytes, n);
        HOLDS(took <= n && took <= SIZE && q.index == index + took, "the index counts what was written");
        HOLDS(producer.header.head == q.index, "what was written is published");
        HOLDS(producer.header.lost == lost + (n - took), "what was dropped is counted");
        HOLDS(took == (n < space ? n : space), "as much as fits");
        int ring = queue_needs_doorbell(&q);
        HOLDS(!ring || consumer.asleep != 0, "a bell for sleepers only");
        HOLDS(!queue_needs_doorbell(&q), "one bell for each sleep");
        REACH(took == 0 && n != 0);
        REACH(took == SIZE);
        REACH(ring);
    } else {
        if (queue_began_anew(&q)) {
            HOLDS(q.index == 0 && consumer.tail == 0 && consumer.beginning == q.beginning, "both ends agree on the new beginning");
            index = 0;
            REACH(1);
        }
        uint64_t took = queue_read(&q, bytes, n);
        HOLDS(took <= n && took <= SIZE && q.index == index + took, "the index counts what was read");
        HOLDS(consumer.tail == q.index, "what was read is published");
        int may_sleep = queue_sleep(&q);
        HOLDS(!may_sleep || (queue_used(&q) == 0 && consumer.asleep != 0), "sleeps only when empty, and says so");
        HOLDS(may_sleep || consumer.asleep == 0, "or is awake");
        REACH(took == SIZE);
        REACH(may_sleep);
        REACH(!may_sleep);
    }
    HOLDS(producer.beside[beside] == 0x5a, "nothing beside the data changes");
}
