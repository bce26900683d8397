#include "nvme_model.h"
#include <string.h>
#include "registers.h"

#define M nvme_model
struct nvme_model nvme_model;

enum { INVALID_OPCODE = 0x01, INVALID_FIELD = 0x02, INVALID_NAMESPACE = 0x0b, OUT_OF_RANGE = 0x80, INVALID_QUEUE = 0x101,
       ALREADY_ATTACHED = 0x118, NOT_ATTACHED = 0x11a, INVALID_CONTROLLER = 0x11f, INVALID_STATE = 0x120 };

void nvme_model_power_on(void)
{
    memset(&M, 0, sizeof M);
    M.cap = 127 | 1ull << 16 | 2ull << 24 | 1ull << 37; /* 128 entries, 1 s, NVM commands */
    M.attached[1] = 1;
}

struct nvme_memory nvme_model_memory(unsigned page)
{
    return (struct nvme_memory){M.memory + page * NVME_PAGE, NVME_MODEL_DEVICE + page * NVME_PAGE};
}

static void *dma(uint64_t device, uint64_t bytes)
{
    if (device >= NVME_MODEL_DEVICE && device - NVME_MODEL_DEVICE + bytes <= sizeof M.memory)
        return M.memory + (device - NVME_MODEL_DEVICE);
    M.out_of_memory++;
    return NULL;
}

static void put(uint8_t *to, unsigned at, unsigned bytes, uint64_t value)
{
    memcpy(to + at, &value, bytes);
}

static uint16_t identify(const struct nvme_command *c, uint8_t *to)
{
    unsigned ns = c->namespace_id, n = 0;

    memset(to, 0, NVME_PAGE);
    switch (c->dword10 & 0xff) {
    case CNS_CONTROLLER:
        put(to, CONTROLLER_TRANSFER, 1, 7);
        put(to, CONTROLLER_ADMIN, 2, 0x1aa);
        put(to, CONTROLLER_COMMAND_SIZES, 1, 0x66);
        put(to, CONTROLLER_COMPLETION_SIZES, 1, 0x44);
        put(to, CONTROLLER_WRITE_CACHE, 1, 1);
        return 0;
    case CNS_NAMESPACE:
        if (ns == 0 || ns > NVME_MODEL_NAMESPACES)
            return INVALID_NAMESPACE;
        if (M.attached[ns] & 1) { /* else all zeroes */
            put(to, NAMESPACE_SIZE, 8, NVME_MODEL_BLOCKS);
            put(to, NAMESPACE_FORMATS, 4, 9 << 16);
        }
        return 0;
    case CNS_ALLOCATED:
        for (unsigned i = 0; i < NVME_MODEL_NAMESPACES; i++)
            put(to, 4 * i, 4, i + 1);
        return 0;
    case CNS_ATTACHED_CONTROLLERS:
        for (unsigned i = 0; i <= NVME_MODEL_SECONDARIES; i++)
            if (M.attached[ns] >> i & 1)
                put(to, 2 + 2 * n++, 2, i);
        put(to, 0, 2, M.flaw == FLAW_LONG_LIST ? 0xffff : n);
        return 0;
    case CNS_PRIMARY:
        put(to, 4, 1, 3);
        put(to, 44, 2, 2);
        put(to, 76, 2, 1);
        return 0;
    case CNS_SECONDARY:
        put(to, 0, 1, NVME_MODEL_SECONDARIES);
        for (unsigned i = 1; i <= NVME_MODEL_SECONDARIES; i++) {
            uint8_t *entry = to + 32 * i;
            put(entry, 0, 2, i);
            put(entry, 4, 1, M.secondaries[i].online);
            put(entry, 8, 2, i);
            put(entry, 10, 2, M.secondaries[i].queues);
            put(entry, 12, 2, M.secondaries[i].vectors);
        }
        return 0;
    }
    return INVALID_FIELD;
}

static uint16_t attachment(const struct nvme_command *c, const uint8_t *list)
{
    unsigned id = list[2] | list[3] << 8, ns = c->namespace_id;
    bool there = ns <= NVME_MODEL_NAMESPACES && M.attached[ns] >> id & 1;

    if (ns == 0 || ns > NVME_MODEL_NAMESPACES || list[0] != 1 || list[1] != 0 || id > NVME_MODEL_SECONDARIES)
        return INVALID_FIELD;
    if (c->dword10 == 0) {
        if (there)
            return ALREADY_ATTACHED;
        M.attached[ns] |= (uint16_t)(M.flaw == FLAW_ATTACHES_NOT ? 0 : M.flaw == FLAW_ATTACHES_ALL ? 0x1e : 1 << id);
        return 0;
    }
    if (!there)
        return NOT_ATTACHED;
    M.attached[ns] &= (uint16_t) ~(M.flaw == FLAW_STAYS_ATTACHED ? 0 : 1 << id);
    return 0;
}

static uint16_t manage(const struct nvme_command *c)
{
    unsigned id = c->dword10 >> 16, type = c->dword10 >> 8 & 7, n = c->dword11;

    if (id == 0 || id > NVME_MODEL_SECONDARIES)
        return INVALID_CONTROLLER;
    switch (c->dword10 & 0xf) {
    case 7:
        M.secondaries[id].online = M.flaw == FLAW_STAYS_ONLINE && M.secondaries[id].online;
        return 0;
    case 9:
        if (M.secondaries[id].queues < 2 || M.secondaries[id].vectors < 1)
            return INVALID_STATE;
        M.secondaries[id].online = true;
        return 0;
    case 8:
        if (M.secondaries[id].online)
            return INVALID_STATE;
        if (type == 0 && M.flaw != FLAW_KEEPS_QUEUES)
            M.secondaries[id].queues = (uint16_t)n;
        if (type == 1)
            M.secondaries[id].vectors = (uint16_t)n;
        return 0;
    }
    return INVALID_FIELD;
}

static uint16_t queue_create(const struct nvme_command *c)
{
    unsigned id = c->dword10 & 0xffff;

    if (id == 0 || id > 2 || !(c->dword11 & 1))
        return INVALID_QUEUE;
    M.queues[id].entries = (uint16_t)((c->dword10 >> 16) + 1);
    if (c->opcode == ADMIN_CREATE_COMPLETION)
        M.queues[id].completions = c->data[0], M.queues[id].completion = 0, M.queues[id].phase = 1;
    else
        M.queues[id].commands = c->data[0], M.queues[id].head = M.queues[id].tail = 0, M.queues[id].there = true;
    return 0;
}

static uint16_t admin(const struct nvme_command *c)
{
    void *page = c->opcode == ADMIN_IDENTIFY || c->opcode == ADMIN_NAMESPACE_ATTACHMENT ? dma(c->data[0], NVME_PAGE) : NULL;

    switch (c->opcode) {
    case ADMIN_IDENTIFY: return page ? identify(c, page) : INVALID_FIELD;
    case ADMIN_NAMESPACE_ATTACHMENT: return page ? attachment(c, page) : INVALID_FIELD;
    case ADMIN_VIRTUALIZATION: return manage(c);
    case ADMIN_CREATE_COMPLETION: case ADMIN_CREATE_SUBMISSION: return queue_create(c);
    case ADMIN_DELETE_COMPLETION: case ADMIN_DELETE_SUBMISSION: {
        unsigned id = c->dword10 & 0xffff;
        if (id == 0 || id > 2)
            return INVALID_QUEUE;
        M.queues[id].there = false;
        return 0;
    }
    case ADMIN_GET_LOG: case ADMIN_SET_FEATURES: case ADMIN_GET_FEATURES: case ADMIN_ABORT: return 0;
    }
    return INVALID_OPCODE;
}

static uint64_t piece(const struct nvme_command *c, unsigned i, unsigned pages)
{
    uint64_t *list;

    if (i == 0)
        return c->data[0];
    if (pages == 2)
        return c->data[1];
    list = dma(c->data[1], 8ull * (pages - 1));
    return list ? list[i - 1] : 0;
}

static uint16_t transfer(const struct nvme_command *c)
{
    uint64_t block = c->dword10 | (uint64_t)c->dword11 << 32, bytes = ((c->dword12 & 0xffff) + 1) * 512ull;
    unsigned pages = (unsigned)((bytes + NVME_PAGE - 1) / NVME_PAGE);

    if (c->namespace_id != 1)
        return INVALID_NAMESPACE;
    if (c->opcode == 0) {
        M.flushes++;
        return 0;
    }
    if (block > NVME_MODEL_BLOCKS || bytes / 512 > NVME_MODEL_BLOCKS - block)
        return OUT_OF_RANGE;
    for (unsigned i = 0; i < pages; i++) {
        uint64_t n = bytes - i * NVME_PAGE < NVME_PAGE ? bytes - i * NVME_PAGE : NVME_PAGE;
        uint8_t *at = dma(piece(c, i, pages), n), *disk = M.disk + block * 512 + i * NVME_PAGE;
        if (!at)
            return INVALID_FIELD;
        memcpy(c->opcode == 1 ? disk : at, c->opcode == 1 ? at : disk, n);
    }
    return 0;
}

static void complete(unsigned q, uint16_t id, uint16_t status)
{
    struct nvme_completion *c = dma(M.queues[q].completions, 16ull * M.queues[q].entries);

    if (!c)
        return;
    c += M.queues[q].completion;
    *c = (struct nvme_completion){.id = (uint16_t)(id + (M.flaw == FLAW_WRONG_ID)), .queue = (uint16_t)(q + (M.flaw == FLAW_WRONG_QUEUE)),
                                  .queue_head = M.queues[q].head};
    if (M.flaw == FLAW_HEAD_BEYOND)
        c->queue_head = M.queues[q].entries;
    if (M.flaw == FLAW_HEAD_AHEAD)
        c->queue_head++;
    c->status = (uint16_t)(status << 1 | M.queues[q].phase);
    M.queues[q].completion = (uint16_t)((M.queues[q].completion + 1) % M.queues[q].entries);
    M.queues[q].phase ^= M.queues[q].completion == 0;
}

static void work(unsigned q)
{
    while (M.queues[q].head != M.queues[q].tail) {
        const struct nvme_command *c = dma(M.queues[q].commands + 64ull * M.queues[q].head, 64);
        if (!c || M.flaw == FLAW_SILENT)
            return;
        M.queues[q].head = (uint16_t)((M.queues[q].head + 1) % M.queues[q].entries);
        M.executed++;
        M.last_opcode = c->opcode;
        uint16_t id = c->id, status = q ? transfer(c) : admin(c);
        complete(q, id, status);
        if (M.flaw == FLAW_TWICE)
            complete(q, id, status);
    }
}

static void enable(uint32_t value)
{
    M.cc = value;
    if (!(value & 1)) {
        M.csts = M.flaw == FLAW_NEVER_IDLE ? M.csts : 0;
        memset(M.queues, 0, sizeof M.queues);
        return;
    }
    M.queues[0].commands = M.asq;
    M.queues[0].completions = M.acq;
    M.queues[0].entries = (uint16_t)((M.aqa & 0xfff) + 1);
    M.queues[0].head = M.queues[0].tail = M.queues[0].completion = 0;
    M.queues[0].phase = 1;
    M.queues[0].there = true;
    M.csts = M.flaw == FLAW_NEVER_READY ? 0 : M.flaw == FLAW_FATAL ? 2 : 1;
}

uint32_t nvme_read(unsigned offset)
{
    if (M.flaw == FLAW_ABSENT)
        return ~0u;
    switch (offset) {
    case NVME_CAP_LOW: return (uint32_t)M.cap;
    case NVME_CAP_HIGH: return (uint32_t)(M.cap >> 32);
    case NVME_VS: return 0x10400;
    case NVME_CC: return M.cc;
    case NVME_CSTS: return M.csts;
    case NVME_AQA: return M.aqa;
    }
    return 0;
}

void nvme_write(unsigned offset, uint32_t value)
{
    unsigned doorbell = (offset - NVME_DOORBELLS) / 4;

    switch (offset) {
    case NVME_CC: enable(value); return;
    case NVME_AQA: M.aqa = value; return;
    case NVME_ASQ: M.asq = (M.asq & ~0xffffffffull) | value; return;
    case NVME_ASQ + 4: M.asq = (uint32_t)M.asq | (uint64_t)value << 32; return;
    case NVME_ACQ: M.acq = (M.acq & ~0xffffffffull) | value; return;
    case NVME_ACQ + 4: M.acq = (uint32_t)M.acq | (uint64_t)value << 32; return;
    }
    if (offset < NVME_DOORBELLS || doorbell > 5 || doorbell % 2 || !M.queues[doorbell / 2].there)
        return; /* completion heads: nothing waits for room here */
    M.queues[doorbell / 2].tail = (uint16_t)(value % M.queues[doorbell / 2].entries);
    work(doorbell / 2);
}

void nvme_delay(unsigned microseconds) { M.delayed_us += microseconds; }
