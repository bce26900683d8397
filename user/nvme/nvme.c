/* The controller as a whole: on, off, what it is, queues for reading and writing. */
#include "nvme.h"
#include "lib.h"
#include "queue.h"
#include "registers.h"

#define TIMEOUT_MIN_MS 5000 /* a command may take longer than becoming ready does, of which CAP.TO speaks; */
#define TIMEOUT_MAX_MS 30000 /* who waits stands still meanwhile, so no controller is given the two minutes that it might ask for */

static bool refuse(char *why, size_t size, const char *what)
{
    text_format(why, size, "%s", what);
    return false;
}

static bool wait_ready(const struct nvme *n, uint32_t ready, char *why, size_t size)
{
    for (uint64_t waited = 0; waited <= n->timeout_ms * 1000ull; waited += NVME_POLL_US) {
        uint32_t status = nvme_read(NVME_CSTS);
        if (status == ~0u)
            return refuse(why, size, "the controller's registers do not answer");
        if (ready && status & CSTS_FATAL)
            return refuse(why, size, "the controller reports a fatal status (CSTS.CFS)");
        if ((status & CSTS_READY) == ready)
            return true;
        nvme_delay(NVME_POLL_US);
    }
    text_format(why, size, "the controller does not become %s within %u ms", ready ? "ready" : "idle", n->timeout_ms);
    return false;
}

/* 3.1.5: CC.EN from 1 to 0 resets all but the admin queue's registers. It must not be written while a change is under way. */
static bool disable(const struct nvme *n, char *why, size_t size)
{
    if (nvme_read(NVME_CC) & CC_ENABLE) {
        if (!(nvme_read(NVME_CSTS) & (CSTS_READY | CSTS_FATAL)) && !wait_ready(n, CSTS_READY, why, size))
            return false;
        nvme_write(NVME_CC, 0);
    }
    return wait_ready(n, 0, why, size);
}

static bool capabilities(struct nvme *n, char *why, size_t size)
{
    uint32_t low = nvme_read(NVME_CAP_LOW), high = nvme_read(NVME_CAP_HIGH);

    if (low == ~0u && high == ~0u)
        return refuse(why, size, "the controller's registers do not answer");
    if (!(high & CAP_NVM_COMMANDS))
        return refuse(why, size, "the controller does not know the NVM command set (CAP.CSS)");
    if (CAP_PAGE_MIN(high) != 0)
        return refuse(why, size, "the controller wants memory pages of more than 4 KiB (CAP.MPSMIN)");
    if (CAP_ENTRIES(low) == 0)
        return refuse(why, size, "the controller's queues have no room for two entries (CAP.MQES)");
    if (CAP_DOORBELL_STRIDE(high) > NVME_PAGE / (2 * NVME_QUEUES_MAX))
        return refuse(why, size, "the controller's doorbells are too far from each other (CAP.DSTRD): they must be on one page");
    n->entries_max = CAP_ENTRIES(low) < NVME_ENTRIES_MAX ? (uint16_t)(CAP_ENTRIES(low) + 1) : NVME_ENTRIES_MAX;
    n->timeout_ms = CAP_TIMEOUT_500MS(low) * 500;
    if (n->timeout_ms < TIMEOUT_MIN_MS)
        n->timeout_ms = TIMEOUT_MIN_MS;
    if (n->timeout_ms > TIMEOUT_MAX_MS)
        n->timeout_ms = TIMEOUT_MAX_MS;
    n->doorbell_stride = CAP_DOORBELL_STRIDE(high);
    return true;
}

static void write_wide(unsigned offset, uint64_t value)
{
    nvme_write(offset, (uint32_t)value);
    nvme_write(offset + 4, (uint32_t)(value >> 32));
}

static uint32_t told(const struct nvme *n, unsigned offset, unsigned bytes)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < bytes; i++)
        value |= (uint32_t)n->told[offset + i] << 8 * i;
    return value;
}

static bool controller_identify(struct nvme *n, char *why, size_t size)
{
    if (!nvme_identify(n, CNS_CONTROLLER, 0, 0, why, size))
        return false;
    uint32_t commands = told(n, CONTROLLER_COMMAND_SIZES, 1), completions = told(n, CONTROLLER_COMPLETION_SIZES, 1);
    uint32_t transfer = told(n, CONTROLLER_TRANSFER, 1);
    if ((commands & 0xf) > 6 || commands >> 4 < 6 || (completions & 0xf) > 4 || completions >> 4 < 4)
        return refuse(why, size, "the controller's queue entries are not of 64 and 16 bytes (SQES, CQES)");
    if (transfer && transfer < 4) /* 2^3 pages are NVME_TRANSFER_MAX */
        n->transfer_max = NVME_PAGE << transfer;
    n->controller_id = (uint16_t)told(n, CONTROLLER_ID, 2);
    n->write_cache = told(n, CONTROLLER_WRITE_CACHE, 1) & 1;
    return true;
}

/* 7.6.1 */
bool nvme_start(struct nvme *n, const struct nvme_memory *memory, char *why, size_t size)
{
    memset(n, 0, sizeof *n);
    n->transfer_max = NVME_TRANSFER_MAX;
    n->broken = true;
    if (!capabilities(n, why, size) || !disable(n, why, size))
        return false;
    nvme_queue_init(&n->admin, 0, n->entries_max, memory);
    n->data = (uint8_t *)memory->at + NVME_QUEUE_PAGES * NVME_PAGE;
    n->data_device = memory->device + NVME_QUEUE_PAGES * NVME_PAGE;
    memset(n->data, 0, NVME_PAGE);
    nvme_write(NVME_AQA, (uint32_t)(n->entries_max - 1) << 16 | (n->entries_max - 1u));
    write_wide(NVME_ASQ, memory->device);
    write_wide(NVME_ACQ, memory->device + NVME_PAGE);
    nvme_write(NVME_CC, CC_ENABLE | CC_COMMAND_ENTRY | CC_COMPLETION_ENTRY);
    if (!wait_ready(n, CSTS_READY, why, size))
        return false;
    n->broken = false;
    return controller_identify(n, why, size);
}

bool nvme_stop(struct nvme *n, char *why, size_t size)
{
    n->broken = true;
    return capabilities(n, why, size) && disable(n, why, size);
}

bool nvme_admin(struct nvme *n, const struct nvme_command *command, uint32_t *result, char *why, size_t size)
{
    struct nvme_completion c;

    if (!nvme_run(n, &n->admin, command, 0, 0, &c, why, size))
        return false;
    if (nvme_status(&c)) {
        text_format(why, size, "admin command 0x%x is refused by the controller: status 0x%x", command->opcode, nvme_status(&c));
        return false;
    }
    if (result)
        *result = c.result;
    return true;
}

bool nvme_identify(struct nvme *n, uint8_t cns, uint16_t controller, uint32_t namespace_id, char *why, size_t size)
{
    struct nvme_command c = {.opcode = ADMIN_IDENTIFY, .namespace_id = namespace_id, .data = {n->data_device},
                             .dword10 = cns | (uint32_t)controller << 16};

    memset(n->data, 0, NVME_PAGE); /* a controller that writes less than it should leaves nothing old */
    if (!nvme_admin(n, &c, NULL, why, size))
        return false;
    memcpy(n->told, n->data, NVME_PAGE);
    return true;
}

bool nvme_namespace(struct nvme *n, uint32_t id, struct nvme_namespace *ns, char *why, size_t size)
{
    if (!nvme_identify(n, CNS_NAMESPACE, 0, id, why, size))
        return false;
    uint32_t format = told(n, NAMESPACE_FORMATS + 4 * (told(n, NAMESPACE_FORMAT, 1) & 0xf), 4);
    *ns = (struct nvme_namespace){.blocks = told(n, NAMESPACE_SIZE, 4) | (uint64_t)told(n, NAMESPACE_SIZE + 4, 4) << 32,
                                  .block_bits = format >> 16 & 0xff};
    if (ns->blocks == 0 || ns->blocks > UINT64_MAX >> 12) {
        text_format(why, size, "namespace %u is not attached to this controller, or has no blocks", id);
        return false;
    }
    if (format & 0xffff || ns->block_bits < 9 || ns->block_bits > 12) {
        text_format(why, size, "namespace %u has blocks of 2^%u bytes and %u bytes of metadata; format it to 512 or 4096 bytes without", id,
                    ns->block_bits, format & 0xffff);
        return false;
    }
    return true;
}

bool nvme_queue_create(struct nvme *n, struct nvme_queue *q, uint16_t number, int vector, const struct nvme_memory *memory, char *why, size_t size)
{
    uint32_t what = number | (uint32_t)(n->entries_max - 1) << 16;
    struct nvme_command completion = {.opcode = ADMIN_CREATE_COMPLETION, .data = {memory->device + NVME_PAGE}, .dword10 = what,
                                      .dword11 = QUEUE_CONTIGUOUS | (vector >= 0 ? QUEUE_INTERRUPTS | (uint32_t)vector << 16 : 0)};
    struct nvme_command submission = {.opcode = ADMIN_CREATE_SUBMISSION, .data = {memory->device}, .dword10 = what,
                                      .dword11 = QUEUE_CONTIGUOUS | (uint32_t)number << 16};

    if (number == 0 || number >= NVME_QUEUES_MAX)
        return refuse(why, size, "queues have the numbers 1 and 2");
    nvme_queue_init(q, number, n->entries_max, memory);
    return nvme_admin(n, &completion, NULL, why, size) && nvme_admin(n, &submission, NULL, why, size);
}
