/* MSI-X table and pending bits (PCI Express Base Specification 5.0, 7.7.2 and 6.1.4). */
#include "msi.h"
#include "pci.h"
#include "vm.h"

#define ENTRY_BYTES 16u
#define CONTROL_MASKED 1u

static uint32_t table_bytes(const struct pci_function *f) { return f->msix.count * ENTRY_BYTES; }

bool pci_msix_covers(const struct pci_function *f, unsigned bar, uint32_t offset)
{
    const struct pci_msix *m = &f->msix;

    return m->capability && bar == m->bar && (offset - m->table < table_bytes(f) || offset - m->pba < sizeof m->pending);
}

/* One double word of the table or of the pending bits. */
static uint32_t word_read(const struct pci_function *f, uint32_t offset)
{
    const struct pci_msix *m = &f->msix;
    uint32_t at = offset - m->table;

    if (offset - m->pba < sizeof m->pending)
        return (uint32_t)(m->pending >> 8 * (offset - m->pba));
    if (at >= table_bytes(f))
        return 0;
    switch (at % ENTRY_BYTES) {
    case 0: return m->entries[at / ENTRY_BYTES].address;
    case 4: return m->entries[at / ENTRY_BYTES].address_high;
    case 8: return m->entries[at / ENTRY_BYTES].data;
    default: return m->entries[at / ENTRY_BYTES].control;
    }
}

uint64_t pci_msix_read(const struct pci_function *f, uint32_t offset, unsigned bytes)
{
    uint32_t aligned = offset & ~3u;
    uint64_t value = word_read(f, aligned) | (uint64_t)word_read(f, aligned + 4) << 32;

    (void)bytes; /* the caller takes what it asked for */
    return value >> 8 * (offset & 3);
}

static void word_write(struct pci_function *f, uint32_t offset, uint32_t value)
{
    struct pci_msix *m = &f->msix;
    uint32_t at = offset - m->table, i = at / ENTRY_BYTES;

    if (at >= table_bytes(f)) /* pending bits are read-only */
        return;
    switch (at % ENTRY_BYTES) {
    case 0: m->entries[i].address = value & ~3u; break;
    case 4: m->entries[i].address_high = value; break;
    case 8: m->entries[i].data = value; break;
    default: m->entries[i].control = value & CONTROL_MASKED; break;
    }
    if (f->ops->msix_changed)
        f->ops->msix_changed(f, i);
    pci_msix_flush(f);
}

/* Software writes whole double words or pairs of them; what else it tries has no effect. */
void pci_msix_write(struct pci_function *f, uint32_t offset, unsigned bytes, uint64_t value)
{
    if ((bytes != 4 && bytes != 8) || offset % bytes)
        return;
    word_write(f, offset, (uint32_t)value);
    if (bytes == 8)
        word_write(f, offset + 4, (uint32_t)(value >> 32));
}

/* A message is a write to memory: it waits for bus mastering, too. An address above 4 GiB is no interrupt's. */
static bool may_send(const struct pci_function *f, unsigned vector) { return pci_is_master(f) && !pci_msix_masked(f, vector); }

static void send(struct pci_function *f, unsigned vector)
{
    if (!f->msix.entries[vector].address_high)
        msi_send(f->vm, f->msix.entries[vector].address, f->msix.entries[vector].data);
}

bool pci_msix_raise(struct pci_function *f, unsigned vector)
{
    if (!pci_msix_enabled(f) || vector >= f->msix.count)
        return false;
    if (may_send(f, vector))
        send(f, vector);
    else
        f->msix.pending |= 1ull << vector;
    return true;
}

void pci_msix_flush(struct pci_function *f)
{
    struct pci_msix *m = &f->msix;

    if (!pci_msix_enabled(f)) {
        m->pending = 0;
        return;
    }
    for (uint64_t left = m->pending; left; left &= left - 1) {
        unsigned vector = (unsigned)__builtin_ctzll(left);

        if (may_send(f, vector)) {
            m->pending &= ~(1ull << vector);
            send(f, vector);
        }
    }
}
