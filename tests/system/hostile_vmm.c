/* The VMM as an attacker would have it, in place of user/vmm/test_hook.c: `atoll run --images` takes an image with this one instead.
 * 1: crash. 3: ring every doorbell there is, without a pause, for RING_SECONDS. 4: write what is no record to every component, wait until they have seen it, leave
 * every word that this VMM may write spoiled, and crash. */
#include "test_hook.h"
#include "lib.h"
#include "sel4.h"
#include <atoll/block.h>
#include <atoll/queue.h>

#define RING_SECONDS 10u

static void ring_all(const struct vm_config *c)
{
    sel4_signal(VMM_SLOT_DOORBELL);
    for (unsigned i = 0; i < c->net_count; i++)
        sel4_signal(VMM_SLOT_NET + i);
    for (unsigned i = 0; i < c->disk_count; i++)
        sel4_signal(VMM_SLOT_DISK + i);
    for (unsigned i = 0; i < c->vcpus; i++)
        if (i != c->vcpu)
            sel4_signal(VMM_SLOT_KICK + i);
}

static void wait_ms(const struct vm *vm, uint64_t ms)
{
    for (uint64_t begin = host_tsc(); host_tsc() - begin < vm->tsc_hz / 1000 * ms;)
        ;
}

static void spoil_records(unsigned index)
{
    uint8_t *at = (uint8_t *)COMPONENT_QUEUES_VA + index * COMPONENT_QUEUE_STRIDE;
    volatile struct queue_producer *p = (volatile void *)at;

    for (unsigned i = 0; i < QUEUE_DATA_SIZE / 4; i++) /* a frame of 2 bytes; a block that is written, of 2 bytes that are not there */
        ((volatile uint32_t *)(volatile void *)(at + QUEUE_PAGE))[i] = 2;
    __atomic_store_n(&p->head, p->head + sizeof(struct block_request), __ATOMIC_RELEASE);
}

static void spoil_words(unsigned index, bool consumer, uint64_t index_value)
{
    uint8_t *at = (uint8_t *)COMPONENT_QUEUES_VA + index * COMPONENT_QUEUE_STRIDE;

    if (consumer) {
        *(volatile struct queue_consumer *)(volatile void *)(at + COMPONENT_QUEUE_TAIL) =
            (struct queue_consumer){.tail = index_value, .asleep = 7, .sleeps = 0xfffffff0u, .beginning = 77};
    } else {
        volatile struct queue_producer *p = (volatile void *)at;
        p->magic = 0;
        p->status = QUEUE_DEAD;
        p->head = index_value;
        p->lost = ~0ull;
    }
}

static void spoil(const struct vm *vm)
{
    const struct vm_config *c = vm->config;

    for (unsigned i = 0; i < c->disk_count; i++)
        spoil_records(VMM_QUEUE_DISK + 2 * i);
    for (unsigned i = 0; i < c->net_count; i++)
        spoil_records(VMM_QUEUE_NET + 2 * i);
    ring_all(c);
    wait_ms(vm, 50);
    for (unsigned i = 0; i < c->disk_count; i++) {
        spoil_words(VMM_QUEUE_DISK + 2 * i, false, i % 2 ? ~0ull : 0);
        spoil_words(VMM_QUEUE_DISK + 2 * i + 1, true, 1ull << 63);
    }
    for (unsigned i = 0; i < c->net_count; i++) {
        spoil_words(VMM_QUEUE_NET + 2 * i, false, i % 2 ? 0 : ~0ull);
        spoil_words(VMM_QUEUE_NET + 2 * i + 1, true, i % 2 ? 3 : ~0ull - 5);
    }
    spoil_words(VMM_QUEUE_OUT, false, 1ull << 40);
    spoil_words(VMM_QUEUE_IN, true, 1ull << 50);
}

void test_hook(struct vm *vm, uint8_t value)
{
    uint64_t rings = 0;

    for (uint64_t begin = host_tsc(); value == 3 && host_tsc() - begin < RING_SECONDS * vm->tsc_hz; rings++)
        ring_all(vm->config);
    if (value == 4)
        spoil(vm);
    if (value != 3)
        panic("test hook %u", value);
    log_line("rang all bells %lu times in %u seconds", rings, RING_SECONDS);
}
