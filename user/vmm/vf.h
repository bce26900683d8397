/* Virtual functions that the guest drives itself. Their registers are in the nested page tables, where the guest has put them: no exit. What
 * passes through here is configuration (made up from what the function is, nothing is read from the device), the MSI-X table, and messages. */
#pragma once
#include <stdint.h>
#include <atoll/vf.h>
#include "nvme_guest.h"
#include "pci.h"

struct vf {
    struct pci_function pci;
    const struct vf_config *config;
    unsigned index;
    uint8_t express; /* offset of its PCI Express capability */
    uint32_t placed; /* what the node manager was told last: address, */
    bool master;     /* and whether it may be a bus master */
    struct nvme_guest nvme; /* VF_MEDIATED */
};

struct vm;
void vf_add(struct vm *vm, const struct vfs_config *config);
/* The messages that came, as a badge (VMM_BADGE_VF): to the guest's vectors. */
void vf_messages(struct vm *vm, uint64_t badge);
