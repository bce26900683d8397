/* A PF driver that does as it is told once, and dies at the second request: in the middle of the first lease. */
#include "../../user/pf/pf.h"
#include "lib.h"
#include "root.h"
#include "sel4.h"

const char component_name[] = "igb";

void component_main(const void *config_frame, uint64_t tsc_hz)
{
    const struct nic_config *config = config_frame;
    const struct vf_answer done = {.status = VF_DONE};
    struct vf_request request;

    (void)tsc_hz;
    for (unsigned served = 0;;) {
        for (unsigned i = 0; i < config->vf_count; i++)
            if (config->vfs[i].used && pf_request_take(i, &request)) {
                if (served++)
                    panic("it dies at request %u", request.command);
                pf_answer(i, &request, &done);
            }
        irq_handler_ack(PF_SLOT_DOORBELL_IRQ);
        sel4_wait(PF_SLOT_NOTIFICATION);
    }
}
