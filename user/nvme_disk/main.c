/* A disk: a namespace of an SSD, through a virtual function that this component drives alone, served to one VMM of the same node. The function
 * reaches the frames that are mapped here and nothing else. The node manager starts this component after each reset of the function. */
#include <atoll/nvme_disk.h>
#include <atoll/vcpu.h>
#include "../nvme/dma.h"
#include "serve.h"
#include "lib.h"
#include "root.h"
#include "sel4.h"

#define NUMBER_OF_QUEUES 0x07 /* NVMe 1.4, 5.21.1.7 */
#define SET_FEATURES 0x09     /* 5.21 */
_Static_assert(NVME_DISK_QUEUES_PAGES == NVME_ADMIN_PAGES + NVME_QUEUE_PAGES, "<atoll/nvme_disk.h>");
_Static_assert(BLOCK_PIECE % NVME_PAGE == 0, "pieces start on pages");
#define DATA_AT (NVME_DISK_QUEUES_PAGES * NVME_PAGE)

const char component_name[] = "nvme-disk";

static struct nvme nvme;
static struct nvme_queue io_queue;
static struct nvme_disk disk;
static uint64_t ticks_per_microsecond;

uint32_t nvme_read(unsigned offset) { return *(volatile uint32_t *)(NVME_DISK_BAR_VA + offset); }
void nvme_write(unsigned offset, uint32_t value) { *(volatile uint32_t *)(NVME_DISK_BAR_VA + offset) = value; }

void nvme_delay(unsigned microseconds)
{
    for (uint64_t start = __builtin_ia32_rdtsc(); __builtin_ia32_rdtsc() - start < microseconds * ticks_per_microsecond;)
        __builtin_ia32_pause();
}

static struct nvme_memory memory_at(unsigned page)
{
    return (struct nvme_memory){(uint8_t *)NVME_DISK_DMA_VA + page * NVME_PAGE, NVME_DISK_DMA_DEVICE + page * NVME_PAGE};
}

static bool start(const struct nvme_disk_config *config, char *why, size_t size)
{
    const struct dma dma = {.cnode = NVME_DISK_SLOT_CNODE, .tables = NVME_DISK_SLOT_TABLES, .free = NVME_DISK_SLOT_FREE,
                            .space = NVME_DISK_SLOT_IO_SPACE, .frames = NVME_DISK_SLOT_DMA, .count = NVME_DISK_DMA_PAGES,
                            .device = NVME_DISK_DMA_DEVICE};
    const struct nvme_command one_queue = {.opcode = SET_FEATURES, .dword10 = NUMBER_OF_QUEUES}; /* one of each, as they count from 0 */
    const struct nvme_memory admin = memory_at(0), io = memory_at(NVME_ADMIN_PAGES);
    struct nvme_namespace ns;

    if (!dma_open(&dma, why, size) || !nvme_start(&nvme, &admin, why, size) || !nvme_namespace(&nvme, config->namespace_id, &ns, why, size) ||
        !nvme_admin(&nvme, &one_queue, NULL, why, size) || !nvme_queue_create(&nvme, &io_queue, 1, 0, &io, why, size))
        return false;
    if (nvme.transfer_max < BLOCK_PIECE) {
        text_format(why, size, "the controller moves %u bytes at a time at most; %u are needed", nvme.transfer_max, BLOCK_PIECE);
        return false;
    }
    disk.block_bits = ns.block_bits;
    disk.server.size = (struct block_size){.sectors = ns.blocks << (ns.block_bits - 9), .block_bytes = 1u << ns.block_bits,
                                           .read_only = config->read_only};
    log_line("%s: namespace %u, %lu blocks of %u bytes%s", config->name, config->namespace_id, ns.blocks, 1u << ns.block_bits,
             nvme.write_cache ? ", with a write cache" : "");
    return true;
}

static void queues_open(void)
{
    uint8_t *requests = (uint8_t *)COMPONENT_QUEUES_VA + NVME_DISK_QUEUE_REQUESTS * COMPONENT_QUEUE_STRIDE;
    uint8_t *answers = (uint8_t *)COMPONENT_QUEUES_VA + NVME_DISK_QUEUE_ANSWERS * COMPONENT_QUEUE_STRIDE;

    queue_init_consumer(&disk.server.requests, requests, requests + COMPONENT_QUEUE_TAIL, QUEUE_DATA_SIZE);
    queue_init_records(&disk.server.answers, answers, answers + COMPONENT_QUEUE_TAIL, QUEUE_DATA_SIZE);
    queue_skip(&disk.server.requests, queue_used(&disk.server.requests)); /* the VM's former life asked for it */
}

void component_main(const void *frame, uint64_t tsc_hz)
{
    const struct nvme_disk_config *config = frame;
    bool armed = false, told = false, complained = false;
    char why[160];

    if (config->magic != NVME_DISK_CONFIG_MAGIC)
        panic("the configuration frame is not an NVMe disk's");
    ticks_per_microsecond = tsc_hz / 1000000;
    queues_open();
    disk.nvme = &nvme;
    disk.queue = &io_queue;
    disk.namespace_id = config->namespace_id;
    disk.data = (uint8_t *)NVME_DISK_DMA_VA + DATA_AT;
    disk.data_device = NVME_DISK_DMA_DEVICE + DATA_AT;
    disk.timeout = NVME_DISK_TIMEOUT_S * tsc_hz;
    if (!start(config, why, sizeof why))
        disk.failed = why;
    for (;;) {
        queue_wake(&disk.server.requests);
        if (!nvme_disk_serve(&disk, __builtin_ia32_rdtsc()) && !complained) { /* once in each life */
            log_line("%s: the VMM wrote something that is no request; it is served again when it starts again", config->name);
            complained = true;
        }
        uint64_t due = nvme_disk_watch(&disk, __builtin_ia32_rdtsc());
        if (disk.failed && !told)
            log_line("%s: namespace %u: %s; all requests fail until the VM starts again", config->name, config->namespace_id, disk.failed);
        told = disk.failed;
        if (queue_needs_doorbell(&disk.server.answers))
            sel4_signal(NVME_DISK_SLOT_CLIENT);
        if (due && !armed) /* one alarm for many commands: it looks who is late */
            armed = vcpu_set_timer(NVME_DISK_SLOT_TIMER, NVME_DISK_SLOT_ALARM, due) == SEL4_NO_ERROR;
        if ((disk.server.dead || nvme_disk_full(&disk) || queue_sleep(&disk.server.requests)) && sel4_wait(NVME_DISK_SLOT_NOTIFICATION) & NVME_DISK_BADGE_TIMER)
            armed = false;
    }
}
