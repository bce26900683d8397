/* A PCI function's own configuration space, as its driver sees it. Section numbers: PCI Express Base Specification 6.0. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define PCI_COMMAND 0x04          /* 7.5.1.1.3 */
#define PCI_COMMAND_MEMORY 2u
#define PCI_COMMAND_MASTER 4u
#define PCI_COMMAND_NO_INTX 0x400u
#define PCI_STATUS_CAPABILITIES (1u << 20) /* of the 32-bit word at PCI_COMMAND */
#define PCI_CAPABILITIES 0x34
#define PCI_CAPABILITY_MSIX 0x11  /* 7.7.2 */
#define PCI_MSIX_ENABLE 0x80000000u /* of the capability's first word */
#define PCI_MSIX_MASK_ALL 0x40000000u
#define PCI_CAPABILITY_EXPRESS 0x10 /* 7.5.3 */
#define PCI_EXPRESS_DEVICE 4      /* device capabilities */
#define PCI_DEVICE_CAN_FLR (1u << 28)
#define PCI_EXPRESS_CONTROL 8     /* device control, and device status in the upper half */
#define PCI_CONTROL_FLR (1u << 15)
#define PCI_STATUS_PENDING (1u << 21)

/* One MSI-X table entry, 7.7.2.3 */
struct pci_msix_entry { uint32_t address_low, address_high, data, masked; };

static inline uint32_t pci_config_read(const volatile uint32_t *config, unsigned offset) { return config[offset / 4]; }
static inline void pci_config_write(volatile uint32_t *config, unsigned offset, uint32_t value) { config[offset / 4] = value; }

/* The capability `id`, or 0. A list that goes in a circle ends, too. */
static inline unsigned pci_capability(const volatile uint32_t *config, unsigned id)
{
    unsigned at = pci_config_read(config, PCI_COMMAND) & PCI_STATUS_CAPABILITIES ? pci_config_read(config, PCI_CAPABILITIES) & 0xfc : 0;

    for (unsigned i = 0; i < 48 && at; i++) {
        uint32_t word = pci_config_read(config, at);
        if ((word & 0xff) == id)
            return at;
        at = word >> 8 & 0xfc;
    }
    return 0;
}
