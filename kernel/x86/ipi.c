/* IPI capability: one vector of one other node. Any message on it signals, as on a notification. */
#include "ipi.h"
#include "irq.h"

status_t ipi_invoke(struct invocation *inv)
{
    lapic_send((uint32_t)ipi_apic_id(inv->cap), ipi_vector(inv->cap));
    return STATUS_OK;
}
