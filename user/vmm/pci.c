#include "pci.h"

#define ADDRESS_ENABLE 0x80000000u
#define ADDRESS_WRITABLE 0x80fffffcu

/* Configuration header of the bridge: identity (the "generic host bridge" of the id that Red Hat gives away for emulated
 * devices), class 06 00 00, header type 0; all else reads zero. */
static uint32_t bridge_register(unsigned offset)
{
    switch (offset) {
    case 0x00: return 0x00081b36u;
    case 0x08: return 0x06000000u;
    default: return 0;
    }
}

uint32_t pci_read(const struct pci *p, uint16_t port, unsigned bytes)
{
    uint32_t value;

    if (port < PCI_DATA_PORT)
        return bytes == 4 && port == PCI_ADDRESS_PORT ? p->address : ~0u;
    if (!(p->address & ADDRESS_ENABLE) || (p->address & 0x00ffff00u))
        return ~0u;
    value = bridge_register(p->address & 0xfc);
    return value >> 8 * (port - PCI_DATA_PORT);
}

/* Every register of the bridge is read-only; only the address register takes writes, and only whole ones. */
void pci_write(struct pci *p, uint16_t port, unsigned bytes, uint32_t value)
{
    if (port == PCI_ADDRESS_PORT && bytes == 4)
        p->address = value & ADDRESS_WRITABLE;
}
