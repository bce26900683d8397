/* One function's configuration space: identity, command, BARs, capabilities. */
#include "pci.h"
#include "lib.h"
#include "vm.h"

#define MSIX_ENABLE 0x80000000u /* message control, as part of the capability's first double word */
#define MSIX_MASK 0x40000000u

void pci_function_init(struct pci_function *f, uint16_t vendor, uint16_t device, uint32_t class_revision, uint16_t subsystem_vendor,
                       uint16_t subsystem)
{
    memset(f, 0, sizeof *f);
    f->config[PCI_ID / 4] = vendor | (uint32_t)device << 16;
    f->config[PCI_CLASS / 4] = class_revision;
    f->config[PCI_SUBSYSTEM / 4] = subsystem_vendor | (uint32_t)subsystem << 16;
    f->writable[PCI_COMMAND / 4] = PCI_COMMAND_MASTER | PCI_COMMAND_INTX_OFF;
    f->writable[PCI_HEADER / 4] = 0xff;    /* cache line size: remembered, without effect */
    f->writable[PCI_INTERRUPT / 4] = 0xff; /* interrupt line: scratch; the pin above it stays 0: no INTx */
    f->free = PCI_FIRST_CAPABILITY;
}

void pci_bar_add(struct pci_function *f, unsigned bar, uint32_t bytes)
{
    f->bar_bytes[bar] = bytes;
    f->writable[PCI_BAR0 / 4 + bar] = ~(bytes - 1);
    f->writable[PCI_COMMAND / 4] |= PCI_COMMAND_MEMORY;
}

unsigned pci_capability_add(struct pci_function *f, uint8_t id, unsigned bytes)
{
    unsigned at = f->free, link = f->last_capability;

    if (at + bytes > PCI_CONFIG_BYTES)
        return 0;
    if (link)
        f->config[link / 4] = (f->config[link / 4] & 0xffff00ffu) | at << 8;
    else
        f->config[PCI_CAPABILITIES / 4] = at;
    f->config[PCI_COMMAND / 4] |= PCI_STATUS_CAPABILITIES;
    f->config[at / 4] = id;
    f->last_capability = (uint8_t)at;
    f->free = (uint8_t)(at + ((bytes + 3) & ~3u) < PCI_CONFIG_BYTES ? at + ((bytes + 3) & ~3u) : PCI_CONFIG_BYTES - 4);
    return at;
}

void pci_msix_add(struct pci_function *f, unsigned bar, uint32_t table, uint32_t pba, unsigned count)
{
    unsigned at = pci_capability_add(f, PCI_CAP_MSIX, 12);

    f->msix = (struct pci_msix){.capability = (uint8_t)at, .bar = (uint8_t)bar, .count = (uint16_t)count, .table = table, .pba = pba};
    f->config[at / 4] |= (count - 1) << 16;
    f->config[at / 4 + 1] = table | bar;
    f->config[at / 4 + 2] = pba | bar;
    f->writable[at / 4] = MSIX_ENABLE | MSIX_MASK;
}

bool pci_msix_enabled(const struct pci_function *f)
{
    return f->msix.capability && f->config[f->msix.capability / 4] & MSIX_ENABLE;
}

bool pci_msix_masked(const struct pci_function *f, unsigned vector)
{
    return f->config[f->msix.capability / 4] & MSIX_MASK || f->msix.entries[vector].control & 1;
}

uint32_t pci_bar_address(const struct pci_function *f, unsigned bar)
{
    uint32_t start = f->config[PCI_BAR0 / 4 + bar], bytes = f->bar_bytes[bar];

    if (!bytes || !(f->config[PCI_COMMAND / 4] & PCI_COMMAND_MEMORY) || start < PCI_WINDOW || start > PCI_WINDOW_END - bytes)
        return 0;
    return start;
}

uint32_t pci_config_read(struct pci_function *f, unsigned offset)
{
    if (f->ops->config_reading)
        f->ops->config_reading(f, offset);
    return f->config[offset / 4];
}

static void bars_changed(struct pci_function *f, unsigned first, unsigned last)
{
    pci_map(f->vm);
    for (unsigned bar = first; bar <= last && f->ops->bar_moved; bar++)
        if (f->bar_bytes[bar])
            f->ops->bar_moved(f, bar);
}

void pci_config_write(struct pci_function *f, unsigned offset, uint32_t mask, uint32_t value)
{
    uint32_t *word = &f->config[offset / 4], old = *word, change = mask & f->writable[offset / 4];

    *word = (old & ~change) | (value & change);
    if (*word != old && offset >= PCI_BAR0 && offset < PCI_BAR0 + 4 * PCI_BARS)
        bars_changed(f, (offset - PCI_BAR0) / 4, (offset - PCI_BAR0) / 4);
    else if ((*word ^ old) & PCI_COMMAND_MEMORY && offset == PCI_COMMAND)
        bars_changed(f, 0, PCI_BARS - 1);
    if (f->msix.capability && (offset == PCI_COMMAND || offset == f->msix.capability)) {
        pci_msix_flush(f);
        if (offset == f->msix.capability && f->ops->msix_changed)
            f->ops->msix_changed(f, PCI_MSIX_MAX);
    }
    if (f->ops->config_written)
        f->ops->config_written(f, offset, mask);
}
