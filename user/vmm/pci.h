/* PCI configuration mechanism 1 with one function: a host bridge at 00:00.0 and an empty bus. Guests look for it before
 * they believe that there is no device (PCI Local Bus Specification 3.0, 3.2.2.3). */
#pragma once
#include <stdint.h>

#define PCI_ADDRESS_PORT 0xcf8
#define PCI_DATA_PORT 0xcfc

struct pci {
    uint32_t address;
};

uint32_t pci_read(const struct pci *p, uint16_t port, unsigned bytes); /* ports 0xcf8 to 0xcff */
void pci_write(struct pci *p, uint16_t port, unsigned bytes, uint32_t value);
