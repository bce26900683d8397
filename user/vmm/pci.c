/* The bus: which function, and which BAR. */
#include "pci.h"
#include "lib.h"
#include "vm.h"

#define ADDRESS_ENABLE 0x80000000u
#define ADDRESS_WRITABLE 0x80fffffcu
#define ALL_ONES 0xffffffffu

/* The host bridge: the "generic host bridge" of the id that Red Hat gives away for emulated devices, class 06 00 00. */
#define BRIDGE_VENDOR 0x1b36
#define BRIDGE_DEVICE 0x0008
#define BRIDGE_CLASS 0x06000000u

static const struct pci_ops bridge_ops;

void pci_init(struct vm *vm)
{
    vm->pci = (struct pci){.next_bar = PCI_WINDOW};
    pci_function_init(&vm->pci.bridge, BRIDGE_VENDOR, BRIDGE_DEVICE, BRIDGE_CLASS, 0, 0);
    pci_add(vm, 0, &vm->pci.bridge, &bridge_ops, NULL);
}

void pci_add(struct vm *vm, unsigned slot, struct pci_function *f, const struct pci_ops *ops, void *device)
{
    f->vm = vm;
    f->ops = ops;
    f->device = device;
    for (unsigned i = 0; i < PCI_BARS; i++)
        if (f->bar_bytes[i]) { /* naturally aligned: the window is larger than all BARs of all slots that there are */
            uint32_t at = (vm->pci.next_bar + f->bar_bytes[i] - 1) & ~(f->bar_bytes[i] - 1);

            f->config[PCI_BAR0 / 4 + i] = at;
            vm->pci.next_bar = at + f->bar_bytes[i];
        }
    memcpy(f->at_reset, f->config, sizeof f->config);
    vm->pci.slots[slot] = f;
}

void pci_reset(struct vm *vm)
{
    struct pci *p = &vm->pci;

    p->address = 0;
    for (unsigned i = 0; i < PCI_SLOTS; i++) {
        struct pci_function *f = p->slots[i];

        if (!f)
            continue;
        memcpy(f->config, f->at_reset, sizeof f->config);
        f->msix.pending = 0;
        memset(f->msix.entries, 0, sizeof f->msix.entries);
        for (unsigned v = 0; v < f->msix.count; v++)
            f->msix.entries[v].control = 1; /* masked, PCI Express Base Specification 5.0, 7.7.2.9 */
    }
    pci_map(vm);
    for (unsigned i = 0; i < PCI_SLOTS; i++)
        if (p->slots[i] && p->slots[i]->ops->reset)
            p->slots[i]->ops->reset(p->slots[i]);
}

void pci_map(struct vm *vm)
{
    struct pci *p = &vm->pci;

    p->range_count = 0;
    for (unsigned i = 0; i < PCI_SLOTS; i++)
        for (unsigned bar = 0; p->slots[i] && bar < PCI_BARS; bar++) {
            uint32_t start = pci_bar_address(p->slots[i], bar);

            if (start)
                p->ranges[p->range_count++] = (struct pci_range){start, p->slots[i]->bar_bytes[bar], p->slots[i], bar};
        }
}

static uint32_t function_read(struct pci *p, unsigned function, unsigned offset)
{
    struct pci_function *f = function & 7 ? NULL : p->slots[function >> 3];

    if (!f)
        return ALL_ONES;
    return offset < PCI_CONFIG_BYTES ? pci_config_read(f, offset) : 0; /* no extended capability */
}

static void function_write(struct pci *p, unsigned function, unsigned offset, uint32_t mask, uint32_t value)
{
    struct pci_function *f = function & 7 ? NULL : p->slots[function >> 3];

    if (f && offset < PCI_CONFIG_BYTES)
        pci_config_write(f, offset, mask, value);
}

static uint32_t byte_mask(unsigned bytes) { return bytes >= 4 ? ALL_ONES : (1u << 8 * bytes) - 1; }

uint32_t pci_port_read(struct vm *vm, uint16_t port, unsigned bytes)
{
    struct pci *p = &vm->pci;

    if (port < PCI_DATA_PORT)
        return bytes == 4 && port == PCI_ADDRESS_PORT ? p->address : ALL_ONES;
    if (!(p->address & ADDRESS_ENABLE) || p->address >> 16 & 0xff)
        return ALL_ONES;
    return function_read(p, p->address >> 8 & 0xff, p->address & 0xfc) >> 8 * (port - PCI_DATA_PORT);
}

/* The address register takes whole writes only. */
void pci_port_write(struct vm *vm, uint16_t port, unsigned bytes, uint32_t value)
{
    struct pci *p = &vm->pci;
    unsigned shift = 8 * (port - PCI_DATA_PORT);

    if (port == PCI_ADDRESS_PORT && bytes == 4)
        p->address = value & ADDRESS_WRITABLE;
    else if (port >= PCI_DATA_PORT && (p->address & ADDRESS_ENABLE) && !(p->address >> 16 & 0xff))
        function_write(p, p->address >> 8 & 0xff, p->address & 0xfc, byte_mask(bytes) << shift, value << shift);
}

/* Configuration space is made of double words: an access is one or more pieces of them. */
static uint64_t ecam_read(struct pci *p, uint32_t at, unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned done = 0; done < bytes;) {
        unsigned first = (at + done) & 3, piece = 4 - first < bytes - done ? 4 - first : bytes - done;
        uint32_t word = function_read(p, at >> 12, (at + done) & 0xffc) >> 8 * first;

        value |= (uint64_t)(word & byte_mask(piece)) << 8 * done;
        done += piece;
    }
    return value;
}

static void ecam_write(struct pci *p, uint32_t at, unsigned bytes, uint64_t value)
{
    for (unsigned done = 0; done < bytes;) {
        unsigned first = (at + done) & 3, piece = 4 - first < bytes - done ? 4 - first : bytes - done;

        function_write(p, at >> 12, (at + done) & 0xffc, byte_mask(piece) << 8 * first, (uint32_t)(value >> 8 * done) << 8 * first);
        done += piece;
    }
}

static const struct pci_range *range_of(const struct pci *p, uint64_t address, unsigned bytes)
{
    for (unsigned i = 0; i < p->range_count; i++)
        if (address - p->ranges[i].start < p->ranges[i].bytes)
            return address - p->ranges[i].start + bytes <= p->ranges[i].bytes ? &p->ranges[i] : NULL;
    return NULL;
}

static bool in_ecam(uint64_t address, unsigned bytes)
{
    return address - PCI_ECAM < PCI_ECAM_SIZE && (address & 4095) + bytes <= 4096;
}

bool pci_mmio_read(struct vm *vm, uint64_t address, unsigned bytes, uint64_t *value)
{
    const struct pci_range *r = range_of(&vm->pci, address, bytes);
    uint32_t offset;

    if (!r) {
        if (in_ecam(address, bytes))
            *value = ecam_read(&vm->pci, (uint32_t)(address - PCI_ECAM), bytes);
        return in_ecam(address, bytes);
    }
    offset = (uint32_t)address - r->start;
    *value = pci_msix_covers(r->function, r->bar, offset) ? pci_msix_read(r->function, offset, bytes)
                                                          : r->function->ops->bar_read(r->function, r->bar, offset, bytes);
    return true;
}

bool pci_mmio_write(struct vm *vm, uint64_t address, unsigned bytes, uint64_t value)
{
    const struct pci_range *r = range_of(&vm->pci, address, bytes);
    uint32_t offset;

    if (!r) {
        if (in_ecam(address, bytes))
            ecam_write(&vm->pci, (uint32_t)(address - PCI_ECAM), bytes, value);
        return in_ecam(address, bytes);
    }
    offset = (uint32_t)address - r->start;
    if (pci_msix_covers(r->function, r->bar, offset))
        pci_msix_write(r->function, offset, bytes, value);
    else
        r->function->ops->bar_write(r->function, r->bar, offset, bytes, value);
    return true;
}
