/* The allow-list: what is not named is refused. */
#include "mediate.h"
#include "lib.h"
#include "queue.h"
#include "registers.h"

#define OK 0
#define INVALID_OPCODE NVME_STATUS(0, 0x01)  /* 4.6.1.2.1 */
#define INVALID_FIELD NVME_STATUS(0, 0x02)
#define INTERNAL_ERROR NVME_STATUS(0, 0x06)
#define INVALID_COMPLETION_QUEUE NVME_STATUS(1, 0x00) /* 4.6.1.2.2 */
#define INVALID_QUEUE NVME_STATUS(1, 0x01)
#define INVALID_LOG NVME_STATUS(1, 0x09)

#define GIB4 0x100000000ull

static bool listed(const uint8_t *list, unsigned count, uint32_t value)
{
    for (unsigned i = 0; i < count; i++)
        if (list[i] == value)
            return true;
    return false;
}
#define LISTED(list, value) listed(list, sizeof list, value)

/* The queue has a number: 0 is the admin queue's. */
static uint16_t judge_number(const struct nvme_command *c) { return c->dword10 & 0xffff ? OK : INVALID_QUEUE; }

/* A queue's memory, contiguous (dword 11 bit 0), is the guest's RAM. */
static uint16_t judge_queue(const struct mediate_memory *m, const struct nvme_command *c, unsigned entry)
{
    uint64_t at = c->data[0], bytes = ((c->dword10 >> 16) + 1ull) * entry;
    bool low = at < m->low && bytes <= m->low - at;
    bool high = at >= GIB4 && at - GIB4 < m->high && bytes <= m->high - (at - GIB4);

    if (!(c->dword11 & QUEUE_CONTIGUOUS) || at % NVME_PAGE || !(low || high))
        return INVALID_FIELD;
    if (c->opcode == ADMIN_CREATE_SUBMISSION && c->dword11 >> 16 == 0)
        return INVALID_COMPLETION_QUEUE; /* the admin queue's is not for others' completions */
    return judge_number(c);
}

/* What this controller and the namespaces attached to it are (5.15.1; 05h to 08h: NVMe 2.0, 5.17.1). Not: which others there are. */
static uint16_t judge_identify(const struct nvme_command *c)
{
    static const uint8_t own[] = {CNS_NAMESPACE, CNS_CONTROLLER, CNS_ACTIVE, CNS_DESCRIPTORS, 0x05, 0x06, 0x07, 0x08, 0x1c};

    return LISTED(own, c->dword10 & 0xff) && c->dword10 >> 16 == 0 ? OK : INVALID_FIELD;
}

/* 5.14.1: errors of this controller, firmware revisions, changed namespaces, commands it knows. Not: how busy the whole SSD is (02h). */
static uint16_t judge_log(const struct nvme_command *c)
{
    static const uint8_t own[] = {0x01, 0x03, 0x04, 0x05};

    return LISTED(own, c->dword10 & 0xff) ? OK : INVALID_LOG;
}

/* 5.21.1: arbitration among its own queues, their number, interrupts, events. Nothing is saved beyond a reset (dword 10 bit 31). */
static uint16_t judge_set_features(const struct nvme_command *c)
{
    static const uint8_t own[] = {0x01, 0x07, 0x08, 0x09, 0x0b};

    return LISTED(own, c->dword10 & 0xff) && !(c->dword10 >> 31) ? OK : INVALID_FIELD;
}

/* Also: temperature threshold, error recovery, write cache, atomicity, as they are. */
static uint16_t judge_get_features(const struct nvme_command *c)
{
    static const uint8_t own[] = {0x01, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b};

    return LISTED(own, c->dword10 & 0xff) ? OK : INVALID_FIELD;
}

uint16_t mediate_judge(const struct mediate_memory *m, const struct nvme_command *c)
{
    if (c->flags) /* fused, or with SGLs */
        return INVALID_FIELD;
    switch (c->opcode) {
    case ADMIN_CREATE_SUBMISSION: return judge_queue(m, c, sizeof(struct nvme_command));
    case ADMIN_CREATE_COMPLETION: return judge_queue(m, c, sizeof(struct nvme_completion));
    case ADMIN_DELETE_SUBMISSION: case ADMIN_DELETE_COMPLETION: return judge_number(c);
    case ADMIN_ABORT: return OK;
    case ADMIN_IDENTIFY: return judge_identify(c);
    case ADMIN_GET_LOG: return judge_log(c);
    case ADMIN_SET_FEATURES: return judge_set_features(c);
    case ADMIN_GET_FEATURES: return judge_get_features(c);
    default: return INVALID_OPCODE; /* namespaces, virtualization, firmware, format, security, directives, doorbells in memory, vendors' */
    }
}

bool mediate_command(struct mediate *m, const struct nvme_command *c, struct mediate_answer *a)
{
    struct nvme_completion done;
    char why[1]; /* the guest is told by status */

    *a = (struct mediate_answer){.status = mediate_judge(&m->memory, c)};
    if (a->status) {
        m->refused++;
        m->refused_opcode = c->opcode;
        return false;
    }
    m->passed++;
    if (c->opcode == ADMIN_ABORT && (c->dword10 & 0xffff) == 0) {
        a->result = 1; /* 5.1: not aborted. A guest's admin command is finished before it can ask */
        return true;
    }
    if (!m->on || !nvme_run(&m->nvme, &m->nvme.admin, c, 0, 0, &done, why, sizeof why)) {
        a->status = INTERNAL_ERROR;
        return true;
    }
    a->status = nvme_status(&done);
    a->result = done.result;
    return true;
}

/* Entries of a queue, time-out, stride of doorbells; contiguous queues (bit 16), NVM commands (37), pages of 4 KiB (51..48, 55..52). Nothing else that the
 * controller may offer: memory of its own, subsystem resets, boot partitions. */
static void capabilities_read(struct mediate *m)
{
    m->capabilities = (nvme_read(NVME_CAP_LOW) & 0xff00ffffull) | 1ull << 16 | (nvme_read(NVME_CAP_HIGH) & 0xfull) << 32 | 1ull << 37;
    m->version = nvme_read(NVME_VS);
}

bool mediate_start(struct mediate *m, const struct nvme_memory *admin, char *why, size_t size)
{
    capabilities_read(m);
    m->on = nvme_start(&m->nvme, admin, why, size);
    return m->on;
}

bool mediate_stop(struct mediate *m, char *why, size_t size)
{
    capabilities_read(m);
    m->on = false;
    return nvme_stop(&m->nvme, why, size);
}
