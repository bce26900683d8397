#include "sriov.h"

#define CONTROL 0x08           /* 9.3.3.3 */
#define CONTROL_ENABLE 0x01u
#define CONTROL_MEMORY 0x08u
#define CONTROL_ARI 0x10u
#define NUMBER 0x10            /* 9.3.3.7 */
#define OFFSET_STRIDE 0x14     /* 9.3.3.9, 9.3.3.10: may change with the two above */
#define PAGE_SIZE 0x20         /* 9.3.3.13: bit n is 2^(n + 12) bytes */
#define BARS 0x24
#define DEVICE_CAPABILITIES_2 0x24 /* 7.5.3.15: bit 5 ARI forwarding */
#define DEVICE_CONTROL_2 0x28      /* 7.5.3.16 */
#define ARI_FORWARDING (1u << 5)
#define LOW_END 0x100000000ull

static uint32_t get(const struct pci_config *c, const struct pci_function *f, unsigned offset)
{
    return c->read(c->context, f->segment, f->id, offset);
}

static void put(const struct pci_config *c, const struct pci_function *f, unsigned offset, uint32_t value)
{
    c->write(c->context, f->segment, f->id, offset, value);
}

/* 6.13: the port right above the function passes requests for functions above 7 on. */
static bool forward_ari(const struct pci_config *c, const struct pci *pci, const struct pci_function *f)
{
    const struct pci_function *up = pci_upstream(pci, f);
    if (!f->ari || !up || !up->express || !(get(c, up, up->express + DEVICE_CAPABILITIES_2) & ARI_FORWARDING))
        return false;
    put(c, up, up->express + DEVICE_CONTROL_2, get(c, up, up->express + DEVICE_CONTROL_2) | ARI_FORWARDING);
    return true;
}

/* --- registers without a place --- */

static bool taken(const struct pci *pci, uint64_t start, uint64_t end, uint64_t *behind)
{
    for (unsigned i = 0; i < pci->count; i++) {
        const struct pci_function *f = &pci->functions[i];
        for (unsigned k = 0; k < 2 * PCI_BARS; k++) {
            const struct pci_bar *bar = k < PCI_BARS ? &f->bars[k] : &f->sriov.bars[k - PCI_BARS];
            uint64_t size = bar->size * (k < PCI_BARS ? 1 : f->sriov.total);
            if (!bar->port && size && bar->base && start < bar->base + size && bar->base < end) {
                *behind = bar->base + size;
                return true;
            }
        }
    }
    return false;
}

/* The lowest free place of `size` bytes inside the window of the port above, or 0. */
static uint64_t place(const struct pci *pci, const struct pci_function *f, uint64_t size, uint64_t align)
{
    const struct pci_function *up = pci_upstream(pci, f);
    if (!up || up->window_end > LOW_END)
        return 0;
    uint64_t at = (up->window_start + align - 1) & ~(align - 1), behind;
    while (at < up->window_end && at + size <= up->window_end) {
        if (!taken(pci, at, at + size, &behind))
            return at;
        at = (behind + align - 1) & ~(align - 1);
    }
    return 0;
}

static void place_bars(const struct pci_config *c, const struct pci *pci, struct pci_function *f)
{
    for (unsigned i = 0; i < PCI_BARS; i++) {
        struct pci_bar *bar = &f->sriov.bars[i];
        uint64_t size = bar->size * f->sriov.total, at;
        if (!size || bar->port || (bar->base && bar->base + size <= LOW_END))
            continue;
        uint64_t before = bar->base;
        bar->base = 0;
        at = place(pci, f, size, bar->size);
        bar->base = at ? at : before;
        if (!at)
            continue;
        put(c, f, f->sriov.offset + BARS + 4 * i, (uint32_t)at);
        if (bar->wide)
            put(c, f, f->sriov.offset + BARS + 4 * i + 4, 0);
    }
}

bool sriov_prepare(const struct pci_config *c, const struct pci *pci, struct pci_function *f, uint16_t count)
{
    unsigned at = f->sriov.offset;
    uint32_t control = get(c, f, at + CONTROL) & 0xffff & ~(CONTROL_ENABLE | CONTROL_MEMORY | CONTROL_ARI);
    put(c, f, at + CONTROL, control); /* the number can be written while they are off */
    put(c, f, at + CONTROL, control | (forward_ari(c, pci, f) ? CONTROL_ARI : 0));
    put(c, f, at + PAGE_SIZE, 1);
    put(c, f, at + NUMBER, (get(c, f, at + NUMBER) & 0xffff0000) | count);
    uint32_t where = get(c, f, at + OFFSET_STRIDE);
    f->sriov.enabled = count;
    f->sriov.first = (uint16_t)where;
    f->sriov.stride = (uint16_t)(where >> 16);
    if ((get(c, f, at + NUMBER) & 0xffff) != count || f->sriov.first == 0 || (count > 1 && f->sriov.stride == 0))
        return false;
    place_bars(c, pci, f);
    return true;
}

void sriov_enable(const struct pci_config *c, const struct pci_function *f)
{
    unsigned at = f->sriov.offset;
    put(c, f, at + CONTROL, (get(c, f, at + CONTROL) & 0xffff) | CONTROL_ENABLE | CONTROL_MEMORY);
}
