/* Queues: commands in, completions out (NVMe 1.4, 4.1). The controller writes the completions, so each is read once and must fit: its phase, a
 * command that is under way, this queue's number, and a place in the ring between what it had taken and what it was given. */
#include "nvme.h"
#include "lib.h"
#include "queue.h"
#include "registers.h"

#define LIST_ENTRIES 8 /* addresses per command */
_Static_assert((LIST_ENTRIES + 1) * NVME_PAGE >= NVME_TRANSFER_MAX, "a command's list is long enough");
_Static_assert(NVME_ENTRIES_MAX * LIST_ENTRIES * 8 == NVME_PAGE, "lists fill their page");

/* Somebody else may have the doorbells (docs/decisions/0019), so the controller may read an entry at any time. One that is not a whole command has an
 * opcode that no controller knows: it is written first of all when an entry ends, and the command's own last of all. */
#define OPCODE_NONE 0x7f /* reserved but for NVMe over fabrics (figure 139) */

static void command_clear(volatile struct nvme_command *to)
{
    volatile uint64_t *words = (volatile void *)to;

    words[0] = OPCODE_NONE;
    for (unsigned i = 1; i < sizeof *to / 8; i++)
        words[i] = 0;
}

static void command_store(volatile struct nvme_command *to, const struct nvme_command *from)
{
    volatile uint64_t *words = (volatile void *)to;
    uint64_t values[sizeof *from / 8];

    memcpy(values, from, sizeof values);
    for (unsigned i = sizeof values / 8; i-- > 0;)
        words[i] = values[i];
}

void nvme_queue_init(struct nvme_queue *q, uint16_t number, uint16_t entries, const struct nvme_memory *memory)
{
    uint8_t *at = memory->at;

    memset(at, 0, (size_t)NVME_QUEUE_PAGES * NVME_PAGE);
    for (unsigned i = 0; i < NVME_ENTRIES_MAX; i++)
        command_clear((volatile struct nvme_command *)(void *)at + i);
    *q = (struct nvme_queue){.commands = (void *)at, .completions = (void *)(at + NVME_PAGE), .lists = (void *)(at + 2 * NVME_PAGE),
                             .device = memory->device, .number = number, .entries = entries, .phase = 1};
}

static void doorbell(const struct nvme *n, const struct nvme_queue *q, unsigned which, uint32_t value)
{
    __atomic_thread_fence(__ATOMIC_RELEASE); /* what was written to memory is there before the controller looks */
    nvme_write(NVME_DOORBELLS + (2u * q->number + which) * n->doorbell_stride, value);
}

/* 4.3: the second address is a page, or a list of them. */
static void data_describe(const struct nvme_queue *q, unsigned id, struct nvme_command *c, uint64_t data, uint32_t bytes)
{
    c->data[0] = bytes ? data : 0;
    c->data[1] = 0;
    if (bytes <= NVME_PAGE)
        return;
    c->data[1] = data + NVME_PAGE;
    if (bytes <= 2 * NVME_PAGE)
        return;
    for (unsigned i = 0; NVME_PAGE * (i + 1) < bytes; i++)
        q->lists[id * LIST_ENTRIES + i] = data + NVME_PAGE * (i + 1ull);
    c->data[1] = q->device + 2 * NVME_PAGE + id * LIST_ENTRIES * sizeof q->lists[0];
}

bool nvme_submit(struct nvme *n, struct nvme_queue *q, const struct nvme_command *command, uint64_t data, uint32_t bytes, uint16_t *id)
{
    struct nvme_command c = *command;
    unsigned free = 0;

    while (free < q->entries - 1u && q->busy >> free & 1)
        free++;
    if (n->broken || free == q->entries - 1u || bytes > n->transfer_max || data % NVME_PAGE)
        return false;
    c.id = (uint16_t)free;
    c.flags = 0; /* addresses as PRPs, no fused command */
    if (bytes)
        data_describe(q, free, &c, data, bytes);
    command_store(&q->commands[q->tail], &c);
    q->busy |= 1ull << free;
    q->tail = (uint16_t)((q->tail + 1) % q->entries);
    *id = c.id;
    doorbell(n, q, 0, q->tail);
    return true;
}

static uint16_t distance(const struct nvme_queue *q, uint16_t from, uint16_t to) { return (uint16_t)((to + q->entries - from) % q->entries); }

static bool possible(const struct nvme_queue *q, const struct nvme_completion *c)
{
    return c->queue == q->number && c->id < q->entries - 1u && q->busy >> c->id & 1 && c->queue_head < q->entries &&
           distance(q, q->taken, c->queue_head) <= distance(q, q->taken, q->tail);
}

enum nvme_polled nvme_poll(struct nvme *n, struct nvme_queue *q, struct nvme_completion *c)
{
    const volatile struct nvme_completion *from = &q->completions[q->head];

    if (n->broken)
        return NVME_BROKEN;
    c->status = __atomic_load_n(&from->status, __ATOMIC_ACQUIRE); /* before the others: it is written with them, or last */
    if ((c->status & 1) != q->phase)
        return NVME_NOTHING;
    c->result = from->result;
    c->reserved = 0;
    c->queue_head = from->queue_head;
    c->queue = from->queue;
    c->id = from->id;
    if (!possible(q, c)) {
        n->broken = true;
        return NVME_BROKEN;
    }
    q->busy &= ~(1ull << c->id);
    q->taken = c->queue_head;
    q->head = (uint16_t)((q->head + 1) % q->entries);
    if (q->head == 0)
        q->phase ^= 1;
    doorbell(n, q, 1, q->head);
    return NVME_DONE;
}

/* Until command `id` has completed; what else completes meanwhile is not this caller's, who has nothing else under way. */
static enum nvme_polled await(struct nvme *n, struct nvme_queue *q, uint16_t id, struct nvme_completion *c)
{
    for (uint64_t waited = 0; waited <= n->timeout_ms * 1000ull; waited += NVME_POLL_US) {
        enum nvme_polled polled = nvme_poll(n, q, c);
        if (polled == NVME_BROKEN || (polled == NVME_DONE && c->id == id))
            return polled;
        if (polled == NVME_NOTHING)
            nvme_delay(NVME_POLL_US);
    }
    n->broken = true; /* it may still read and write memory for that command */
    return NVME_NOTHING;
}

bool nvme_run(struct nvme *n, struct nvme_queue *q, const struct nvme_command *command, uint64_t data, uint32_t bytes, struct nvme_completion *c,
              char *why, size_t size)
{
    volatile struct nvme_command *entry = &q->commands[q->tail];
    uint16_t id;

    if (!nvme_submit(n, q, command, data, bytes, &id)) {
        text_format(why, size, "command 0x%x of queue %u cannot be given to the controller%s", command->opcode, q->number,
                    n->broken ? ", which is not believed any more" : "");
        return false;
    }
    enum nvme_polled polled = await(n, q, id, c);
    command_clear(entry); /* it is not read again, whoever rings */
    if (polled != NVME_DONE)
        text_format(why, size, "command 0x%x of queue %u: %s", command->opcode, q->number,
                    polled == NVME_BROKEN ? "its completion belongs to no command" : "no completion in time");
    return polled == NVME_DONE;
}

bool nvme_execute(struct nvme *n, struct nvme_queue *q, const struct nvme_command *command, uint64_t data, uint32_t bytes, char *why, size_t size)
{
    struct nvme_completion c;

    if (!nvme_run(n, q, command, data, bytes, &c, why, size))
        return false;
    if (nvme_status(&c))
        text_format(why, size, "command 0x%x of queue %u is refused by the controller: status 0x%x", command->opcode, q->number, nvme_status(&c));
    return nvme_status(&c) == 0;
}
