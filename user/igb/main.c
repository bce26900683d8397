/* The PF driver as a component of node 0: waits for its device's message and for node managers' requests. */
#include "igb.h"
#include "lib.h"
#include "../pf/pf.h"
#include "root.h"
#include "sel4.h"

const char component_name[] = "igb";

static struct igb igb;
static uint64_t ticks_per_microsecond;

#define BAR_REGISTERS 0
#define BAR_MSIX 3

uint32_t igb_read(unsigned offset)
{
    return *(volatile uint32_t *)(PF_BAR_VA + BAR_REGISTERS * PF_BAR_STRIDE + offset);
}

void igb_write(unsigned offset, uint32_t value)
{
    *(volatile uint32_t *)(PF_BAR_VA + BAR_REGISTERS * PF_BAR_STRIDE + offset) = value;
}

void igb_delay(unsigned microseconds)
{
    for (uint64_t start = __builtin_ia32_rdtsc(); __builtin_ia32_rdtsc() - start < microseconds * ticks_per_microsecond;)
        __builtin_ia32_pause();
}

static void requests_serve(const struct nic_config *config)
{
    struct vf_request request;
    struct vf_answer answer;

    for (unsigned i = 0; i < config->vf_count; i++)
        if (config->vfs[i].used && pf_request_take(i, &request)) {
            igb_request(&igb, i, &request, &answer);
            pf_answer(i, &request, &answer);
            if (answer.status != VF_DONE)
                log_line("%s.vf%u: request %u of lease %lu refused: status %u %s", config->name, i, request.command, request.lease,
                         answer.status, answer.reason);
        }
}

void component_main(const void *config_frame, uint64_t tsc_hz)
{
    const struct nic_config *config = config_frame;
    char why[VF_REASON_MAX];

    ticks_per_microsecond = tsc_hz / 1000000;
    if (config->magic != NIC_CONFIG_MAGIC)
        panic("the configuration frame is not a NIC's");
    if (!pf_start(BAR_MSIX, why, sizeof why) || !igb_start(&igb, config, why, sizeof why)) {
        log_line("%s: stopped: %s; its VFs stay off", config->name, why);
        for (;;)
            sel4_wait(PF_SLOT_NOTIFICATION); /* requests find no answer: their VFs are quarantined */
    }
    log_line("%s: up, %u virtual functions", config->name, config->vf_count);
    for (uint64_t badge = PF_BADGE_MESSAGE | PF_BADGE_DOORBELL;; badge = sel4_wait(PF_SLOT_NOTIFICATION)) {
        if (badge & PF_BADGE_DOORBELL) {
            irq_handler_ack(PF_SLOT_DOORBELL_IRQ);
            requests_serve(config);
        }
        if (badge & PF_BADGE_MESSAGE) {
            irq_handler_ack(PF_SLOT_MESSAGE);
            igb_service(&igb);
            igb_interrupts_rearm();
        }
    }
}
