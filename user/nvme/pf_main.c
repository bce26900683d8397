/* The PF driver as a component of node 0: waits for node managers' requests. The SSD's own interrupts stay off: each command of
 * this driver's is waited for, with a bound, and nothing else is expected of the SSD. */
#include "pf.h"
#include "dma.h"
#include "lib.h"
#include "../pf/pci.h"
#include "../pf/pf.h"
#include "root.h"
#include "sel4.h"

const char component_name[] = "nvme";

static struct ssd ssd;
static uint64_t ticks_per_microsecond;

uint32_t nvme_read(unsigned offset) { return *(volatile uint32_t *)(PF_BAR_VA + offset); }
void nvme_write(unsigned offset, uint32_t value) { *(volatile uint32_t *)(PF_BAR_VA + offset) = value; }

void nvme_delay(unsigned microseconds)
{
    for (uint64_t start = __builtin_ia32_rdtsc(); __builtin_ia32_rdtsc() - start < microseconds * ticks_per_microsecond;)
        __builtin_ia32_pause();
}

static bool start(const struct ssd_config *config, char *why, size_t size)
{
    const struct dma dma = {PF_SLOT_CNODE, PF_SLOT_TABLES, PF_SLOT_FREE, PF_SLOT_IO_SPACE, PF_SLOT_REQUESTER, PF_SLOT_DMA, PF_DMA_PAGES, PF_DMA_DEVICE};
    const struct nvme_memory memory = {(void *)PF_DMA_VA, PF_DMA_DEVICE};
    volatile uint32_t *space = (volatile uint32_t *)PF_CONFIG_SPACE_VA;

    if (!dma_open(&dma, why, size))
        return false;
    pci_config_write(space, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_NO_INTX);
    return ssd_start(&ssd, config, &memory, why, size);
}

static void requests_serve(const struct ssd_config *config)
{
    struct vf_request request;
    struct vf_answer answer;

    for (unsigned i = 0; i < config->vf_count; i++)
        if (config->vfs[i].used && pf_request_take(i, &request)) {
            ssd_request(&ssd, i, &request, &answer);
            pf_answer(i, &request, &answer);
            if (answer.status != VF_DONE)
                log_line("%s.vf%u: request %u of lease %lu refused: status %u %s", config->name, i, request.command, request.lease,
                         answer.status, answer.reason);
        }
}

void component_main(const void *config_frame, uint64_t tsc_hz)
{
    const struct ssd_config *config = config_frame;
    char why[VF_REASON_MAX];

    ticks_per_microsecond = tsc_hz / 1000000;
    if (config->magic != SSD_CONFIG_MAGIC)
        panic("the configuration frame is not an SSD's");
    if (!start(config, why, sizeof why)) {
        log_line("%s: stopped: %s; its VFs stay off", config->name, why);
        for (;;)
            sel4_wait(PF_SLOT_NOTIFICATION); /* requests find no answer: their VFs are quarantined */
    }
    log_line("%s: up, %u virtual functions, %u namespaces", config->name, config->vf_count, ssd.namespace_count);
    for (;;) {
        requests_serve(config);
        sel4_wait(PF_SLOT_NOTIFICATION);
        irq_handler_ack(PF_SLOT_DOORBELL_IRQ);
    }
}
