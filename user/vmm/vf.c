#include "vf.h"
#include "lib.h"
#include "vm.h"

/* PCI Express capability, PCI Express Base Specification 6.0, 7.5.3: version 2, an endpoint integrated into the root complex, as it lies
 * beside the host bridge; function level reset is what it can do. */
#define EXPRESS_BYTES 0x3c
#define EXPRESS_TYPE (2u << 16 | 9u << 20)
#define EXPRESS_DEVICE 4
#define DEVICE_FLR (1u << 28)
#define DEVICE_ROLE_BASED (1u << 15) /* error reporting: required since 1.1 */
#define EXPRESS_CONTROL 8
#define CONTROL_FLR 0x8000u
#define PAGE 4096u

static bool is_mediated(const struct vf *v) { return v->config->kind == VF_MEDIATED; }

/* Accesses while the registers are nowhere in the nested tables: as if nobody answered. */
static uint64_t bar_read(struct pci_function *f, unsigned bar, uint32_t offset, unsigned bytes)
{
    struct vf *v = f->device;

    return is_mediated(v) && bar == v->config->bar ? nvme_guest_read(v, offset, bytes) : ~0ull;
}

static void bar_write(struct pci_function *f, unsigned bar, uint32_t offset, unsigned bytes, uint64_t value)
{
    struct vf *v = f->device;

    if (is_mediated(v) && bar == v->config->bar)
        nvme_guest_write(v, offset, bytes, value);
}

/* Tell the node manager where the guest wants the registers. It refuses what does not fit: then they are nowhere, as mediated ones are always. */
static void place(struct vf *v)
{
    uint32_t address = is_mediated(v) ? 0 : pci_bar_address(&v->pci, v->config->bar);
    bool master = pci_is_master(&v->pci);

    if (address == v->placed && master == v->master)
        return;
    v->placed = v->pci.vm->vf_place(v->index, address, master) ? address : 0;
    v->master = master;
}

static void bar_moved(struct pci_function *f, unsigned bar)
{
    struct vf *v = f->device;

    if (bar == v->config->bar)
        place(v);
}

/* As after power-on, but for where its BARs are (a VF's have no registers of their own). */
static void function_reset(struct vf *v)
{
    struct pci_function *f = &v->pci;

    for (unsigned i = 0; i < PCI_CONFIG_BYTES / 4; i++)
        if (i < (unsigned)PCI_BAR0 / 4 || i >= (unsigned)PCI_BAR0 / 4 + PCI_BARS)
            f->config[i] = f->at_reset[i];
    f->msix.pending = 0;
    for (unsigned i = 0; i < f->msix.count; i++)
        f->msix.entries[i].control = 1;
    f->vm->vf_reset(v->index);
    nvme_guest_reset(v);
    v->master = false;
    pci_map(f->vm);
    place(v);
}

static void config_written(struct pci_function *f, unsigned offset, uint32_t mask)
{
    struct vf *v = f->device;

    (void)mask;
    if (offset == PCI_COMMAND)
        place(v);
    if (offset == (unsigned)v->express + EXPRESS_CONTROL && f->config[offset / 4] & CONTROL_FLR)
        function_reset(v);
}

/* The machine's reset: the node manager has renewed the lease, and the registers are nowhere. */
static void machine_reset(struct pci_function *f)
{
    struct vf *v = f->device;

    nvme_guest_reset(v);
    v->placed = 0;
    v->master = false;
    place(v);
}

static const struct pci_ops ops = {
    .bar_read = bar_read, .bar_write = bar_write, .config_written = config_written, .bar_moved = bar_moved, .reset = machine_reset};

void vf_add(struct vm *vm, const struct vfs_config *config)
{
    for (unsigned i = 0; i < config->count; i++) {
        const struct vf_config *c = &config->vfs[i];
        struct vf *v = &vm->vfs[i];

        v->config = c;
        v->index = i;
        if (is_mediated(v) && vm->vf_doorbells)
            v->nvme.doorbells = vm->vf_doorbells + i * (PAGE / 4);
        pci_function_init(&v->pci, c->vendor, c->device, c->class_code << 8 | 1, c->vendor, c->device);
        pci_bar_add(&v->pci, c->bar, c->bar_pages * PAGE);
        pci_bar_add(&v->pci, c->msix_bar, c->msix_bar_pages * PAGE);
        pci_msix_add(&v->pci, c->msix_bar, c->msix_table, c->msix_pba, c->vectors);
        v->express = (uint8_t)pci_capability_add(&v->pci, PCI_CAP_EXPRESS, EXPRESS_BYTES);
        v->pci.config[v->express / 4] |= EXPRESS_TYPE;
        v->pci.config[(v->express + EXPRESS_DEVICE) / 4] = DEVICE_FLR | DEVICE_ROLE_BASED;
        v->pci.writable[(v->express + EXPRESS_CONTROL) / 4] = CONTROL_FLR;
        pci_add(vm, c->slot, &v->pci, &ops, v);
    }
    vm->vf_count = config->count;
}

void vf_messages(struct vm *vm, uint64_t badge)
{
    for (unsigned i = 0; i < vm->vf_count; i++)
        for (unsigned vector = 0; vector < vm->vfs[i].config->vectors; vector++)
            if (badge & VMM_BADGE_VF(i, vector))
                pci_msix_raise(&vm->vfs[i].pci, vector);
}
