#include "pf.h"
#include "lib.h"
#include "pci.h"
#include "sel4.h"

static uint64_t answered[VF_MAX];

static volatile struct vf_request *request_of(unsigned vf) { return (volatile void *)(PF_VF_VA + vf * PF_VF_STRIDE); }
static volatile struct vf_answer *answer_of(unsigned vf) { return (volatile void *)(PF_VF_VA + vf * PF_VF_STRIDE + 4096); }

bool pf_start(unsigned msix_bar, char *why, size_t size)
{
    volatile uint32_t *config = (volatile uint32_t *)PF_CONFIG_SPACE_VA;
    unsigned msix = pci_capability(config, PCI_CAPABILITY_MSIX);
    uint64_t address, data;

    if (!msix || (pci_config_read(config, msix + 4) & 7) != msix_bar) {
        text_format(why, size, "the function has no MSI-X table in BAR %u", msix_bar);
        return false;
    }
    error_t error = irq_handler_message(PF_SLOT_MESSAGE, &address, &data);
    if (error) {
        text_format(why, size, "no interrupt message: %s", sel4_error_name(error));
        return false;
    }
    /* Bus mastering is for the message alone: no I/O space is bound, so the IOMMU lets no DMA through. */
    pci_config_write(config, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    volatile struct pci_msix_entry *e =
        (volatile void *)(PF_BAR_VA + msix_bar * PF_BAR_STRIDE + (pci_config_read(config, msix + 4) & ~7u));
    e->address_low = (uint32_t)address;
    e->address_high = (uint32_t)(address >> 32);
    e->data = (uint32_t)data;
    e->masked = 0;
    pci_config_write(config, msix, (pci_config_read(config, msix) & ~PCI_MSIX_MASK_ALL) | PCI_MSIX_ENABLE);
    return true;
}

bool pf_request_take(unsigned vf, struct vf_request *r)
{
    volatile struct vf_request *from = request_of(vf);

    r->sequence = __atomic_load_n(&from->sequence, __ATOMIC_ACQUIRE);
    r->lease = from->lease;
    r->command = from->command;
    return r->sequence != answered[vf];
}

void pf_answer(unsigned vf, const struct vf_request *r, const struct vf_answer *a)
{
    volatile struct vf_answer *to = answer_of(vf);

    answered[vf] = r->sequence;
    to->lease = a->lease;
    to->status = a->status;
    for (unsigned i = 0; i < VF_REASON_MAX; i++)
        to->reason[i] = a->reason[i];
    __atomic_store_n(&to->sequence, r->sequence, __ATOMIC_RELEASE);
}
