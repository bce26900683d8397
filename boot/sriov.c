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
#define ROOT_END 0xfec00000ull
#define ROOT_STEP 0x2000000ull

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

struct search {
    const struct pci *pci;
    const struct pci_function *f;
    const struct ranges *busy;
    struct pci_window window;
};

static bool is_above(const struct pci *pci, const struct pci_function *bridge, const struct pci_function *f)
{
    const struct pci_function *up = pci_upstream(pci, f);
    while (up && up != bridge)
        up = pci_upstream(pci, up);
    return up != NULL;
}

static bool meets(uint64_t at, uint64_t size, uint64_t start, uint64_t end, uint64_t *behind)
{
    if (start == end || at >= end || start >= at + size)
        return false;
    *behind = end;
    return true;
}

/* Something is there; it ends at *behind. */
static bool taken(const struct search *s, uint64_t at, uint64_t size, uint64_t *behind)
{
    for (unsigned i = 0; i < s->busy->count; i++)
        if (meets(at, size, s->busy->r[i].start, s->busy->r[i].end, behind))
            return true;
    for (unsigned i = 0; i < s->pci->count; i++) {
        const struct pci_function *f = &s->pci->functions[i];
        for (unsigned k = 0; k < 2 * PCI_BARS; k++) {
            const struct pci_bar *bar = k < PCI_BARS ? &f->bars[k] : &f->sriov.bars[k - PCI_BARS];
            uint64_t whole = bar->size * (k < PCI_BARS ? 1 : f->sriov.total);
            if (!bar->port && bar->base && meets(at, size, bar->base, bar->base + whole, behind))
                return true;
        }
        for (unsigned k = 0; k < 2 && !is_above(s->pci, f, s->f); k++)
            if (meets(at, size, f->windows[k].start, f->windows[k].end, behind))
                return true;
    }
    return false;
}

/* What the port above passes on; on a root bus, where nothing but ACPI code says what does: the part below the interrupt controllers
 * that the firmware gave to devices itself, and up to 32 MiB before it, as firmware packs registers towards the end. */
static struct pci_window window_of(const struct pci *pci, const struct pci_function *f)
{
    const struct pci_function *up = pci_upstream(pci, f);
    struct pci_window w = {ROOT_END, ROOT_END};
    if (up)
        return up->windows[0];
    for (unsigned i = 0; i < pci->count; i++)
        for (unsigned k = 0; k < PCI_BARS; k++) {
            const struct pci_bar *bar = &pci->functions[i].bars[k];
            if (bar->size && !bar->port && bar->base && bar->base < w.start)
                w.start = bar->base;
        }
    w.start = (w.start - 1) & ~(ROOT_STEP - 1);
    return w;
}

/* The lowest free place of `size` bytes, or 0. */
static uint64_t place(const struct search *s, uint64_t size, uint64_t align)
{
    uint64_t end = s->window.end, at = s->window.start, behind = at;

    if (end > LOW_END || size > LOW_END || align > LOW_END)
        return 0;
    do { /* what is in the way may end anywhere, as another device says so: beyond the window nothing is looked at */
        at = (behind + align - 1) & ~(align - 1);
        if (at + size > end)
            return 0;
    } while (taken(s, at, size, &behind) && behind < end);
    return behind < end ? at : 0;
}

static void place_bars(const struct pci_config *c, const struct pci *pci, struct pci_function *f, const struct ranges *busy)
{
    struct search s = {pci, f, busy, window_of(pci, f)};
    for (unsigned i = 0; i < PCI_BARS; i++) {
        struct pci_bar *bar = &f->sriov.bars[i];
        uint64_t size = bar->size * f->sriov.total, at;
        if (!size || bar->port || (bar->base && bar->base + size <= LOW_END))
            continue;
        uint64_t before = bar->base;
        bar->base = 0;
        at = place(&s, size, bar->size);
        bar->base = at ? at : before;
        if (!at)
            continue;
        put(c, f, f->sriov.offset + BARS + 4 * i, (uint32_t)at);
        if (bar->wide)
            put(c, f, f->sriov.offset + BARS + 4 * i + 4, 0);
    }
}

bool sriov_prepare(const struct pci_config *c, const struct pci *pci, struct pci_function *f, uint16_t count,
                   const struct ranges *busy)
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
    place_bars(c, pci, f, busy);
    return true;
}

void sriov_enable(const struct pci_config *c, const struct pci_function *f)
{
    unsigned at = f->sriov.offset;
    put(c, f, at + CONTROL, (get(c, f, at + CONTROL) & 0xffff) | CONTROL_ENABLE | CONTROL_MEMORY);
}
