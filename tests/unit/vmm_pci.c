/* The guest's PCI bus: configuration by ports and by ECAM, BARs that a guest sizes and moves, MSI-X, and registers hit at random. */
#include "mmio.h"
#include "port.h"
#include "vmm_fixture.h"

#define SLOT 5u
#define ECAM(slot, offset) (PCI_ECAM + ((slot) << 15) + (offset))
#define MSIX_TABLE 0x1000u
#define MSIX_PBA 0x1800u

static struct pci_function card;
static struct {
    uint32_t offset;
    unsigned bar, bytes, reads, writes, moves, resets;
    uint64_t value;
} seen;

static uint64_t card_read(struct pci_function *f, unsigned bar, uint32_t offset, unsigned bytes)
{
    assert_ptr_equal(f, &card);
    assert_in_range(offset + bytes, 1, f->bar_bytes[bar]);
    seen.reads++;
    return 0x1122334455667788ull;
}

static void card_write(struct pci_function *f, unsigned bar, uint32_t offset, unsigned bytes, uint64_t value)
{
    assert_in_range(offset + bytes, 1, f->bar_bytes[bar]);
    seen.writes++;
    seen.bar = bar;
    seen.offset = offset;
    seen.bytes = bytes;
    seen.value = value;
}

static void card_moved(struct pci_function *f, unsigned bar) { (void)f, (void)bar, seen.moves++; }
static void card_reset(struct pci_function *f) { (void)f, seen.resets++; }

static const struct pci_ops card_ops = {.bar_read = card_read, .bar_write = card_write, .bar_moved = card_moved, .reset = card_reset};

static int with_card(void **state)
{
    struct fixture *f;

    fixture_new(state);
    f = *state;
    memset(&seen, 0, sizeof seen);
    pci_function_init(&card, 0x1af4, 0x1041, 0x02000001, 0x1af4, 0x1100);
    pci_bar_add(&card, 0, 0x4000);
    pci_bar_add(&card, 2, 0x10000);
    assert_int_equal(pci_capability_add(&card, PCI_CAP_VENDOR, 16), 0x40);
    pci_msix_add(&card, 0, MSIX_TABLE, MSIX_PBA, 3);
    pci_add(&f->vm, SLOT, &card, &card_ops, NULL);
    pci_reset(&f->vm);
    f->vm.lapic.spurious |= 0x100; /* the APIC takes interrupts */
    return 0;
}

static uint32_t config(struct fixture *f, unsigned offset) { return (uint32_t)mmio_read(&f->vm, ECAM(SLOT, offset), 4); }
static void set_config(struct fixture *f, unsigned offset, uint32_t value) { mmio_write(&f->vm, ECAM(SLOT, offset), 4, value); }

static void both_ways_show_the_same(void **state)
{
    struct fixture *f = *state;

    for (unsigned slot = 0; slot < PCI_SLOTS; slot++)
        for (unsigned offset = 0; offset < PCI_CONFIG_BYTES; offset += 4) {
            port_write(&f->vm, 0xcf8, 4, 0x80000000 | slot << 11 | offset);
            assert_int_equal(port_read(&f->vm, 0xcfc, 4), (uint32_t)mmio_read(&f->vm, ECAM(slot, offset), 4));
        }
    assert_int_equal(config(f, 0), 0x10411af4);
    assert_int_equal(config(f, 8), 0x02000001);
    assert_int_equal(config(f, 0x100), 0); /* no extended capability */
    assert_int_equal(mmio_read(&f->vm, ECAM(SLOT, 0x1000), 4) & 0xffffffff, 0xffffffff); /* function 1 */
    assert_int_equal(mmio_read(&f->vm, ECAM(SLOT, 1), 2) & 0xffff, 0x411a); /* not aligned */
    assert_int_equal(mmio_read(&f->vm, ECAM(SLOT, 0), 8), 0x0010000010411af4ull);
    assert_int_equal(f->vm.counters[VMM_COUNT_MMIO_UNKNOWN], 0);
    mmio_read(&f->vm, PCI_ECAM + PCI_ECAM_SIZE, 4);
    mmio_read(&f->vm, PCI_ECAM + 0xffe, 4);
    assert_int_equal(f->vm.counters[VMM_COUNT_MMIO_UNKNOWN], 2);
}

static void only_writable_bits_are_written(void **state)
{
    struct fixture *f = *state;
    uint32_t before[64];

    for (unsigned i = 0; i < 64; i++)
        before[i] = config(f, 4 * i);
    for (unsigned i = 0; i < 64; i++)
        set_config(f, 4 * i, ~before[i]);
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal((config(f, 4 * i) ^ before[i]) & ~card.writable[i], 0);
    assert_int_equal(config(f, PCI_COMMAND) & 0xffff, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_OFF);
    assert_int_equal(config(f, PCI_INTERRUPT) >> 8, 0); /* no interrupt pin */
    /* One byte reaches its neighbours neither way. */
    pci_reset(&f->vm);
    mmio_write(&f->vm, ECAM(SLOT, PCI_BAR0 + 3), 1, 0xd5);
    assert_int_equal(config(f, PCI_BAR0), (before[4] & 0xffffff) | 0xd5000000);
    port_write(&f->vm, 0xcf8, 4, 0x80000000 | SLOT << 11 | PCI_BAR0);
    port_write(&f->vm, 0xcfe, 2, 0xc123);
    assert_int_equal(config(f, PCI_BAR0), (before[4] & 0xc000) | 0xc1230000);
}

static void bars_are_sized_and_moved(void **state)
{
    struct fixture *f = *state;
    uint32_t first = config(f, PCI_BAR0), third = config(f, PCI_BAR0 + 8);

    assert_int_equal(first % 0x4000 | third % 0x10000, 0);
    assert_in_range(first, PCI_WINDOW, PCI_WINDOW_END - 1);
    set_config(f, PCI_BAR0, 0xffffffff);
    assert_int_equal(config(f, PCI_BAR0), 0xffffc000);
    set_config(f, PCI_BAR0 + 4, 0xffffffff);
    assert_int_equal(config(f, PCI_BAR0 + 4), 0);
    set_config(f, PCI_BAR0, first);

    mmio_read(&f->vm, first, 4); /* memory decoding is off */
    assert_int_equal(seen.reads, 0);
    set_config(f, PCI_COMMAND, PCI_COMMAND_MEMORY);
    assert_int_equal(mmio_read(&f->vm, first + 8, 4) & 0xffffffff, 0x55667788);
    mmio_write(&f->vm, third + 0xfffc, 4, 77);
    assert_int_equal(seen.reads + seen.writes, 2);
    assert_true(seen.bar == 2 && seen.offset == 0xfffc && seen.bytes == 4 && seen.value == 77);
    mmio_write(&f->vm, third + 0xfffe, 4, 77); /* over its end */
    assert_int_equal(seen.writes, 1);

    set_config(f, PCI_BAR0, 0xc8000000);
    mmio_read(&f->vm, first, 4);
    assert_int_equal(seen.reads, 1);
    mmio_read(&f->vm, 0xc8000000, 4);
    assert_int_equal(seen.reads, 2);
    assert_true(seen.moves >= 4);
    /* Where RAM, APIC, IOAPIC and ECAM are, it does not answer. */
    static const uint32_t elsewhere[] = {0, 0x100000, 0xbfffc000, PCI_ECAM, 0xfec00000, 0xfee00000, 0xffffc000};
    for (unsigned i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++) {
        set_config(f, PCI_BAR0, elsewhere[i]);
        mmio_read(&f->vm, elsewhere[i], 4);
        assert_int_equal(seen.reads, 2);
        assert_int_equal(pci_bar_address(&card, 0), 0);
    }
    pci_reset(&f->vm);
    assert_int_equal(config(f, PCI_BAR0), first);
    assert_int_equal(seen.resets, 2);
}

static void msix_masks_and_keeps(void **state)
{
    struct fixture *f = *state;
    uint32_t bar = config(f, PCI_BAR0), capability = card.msix.capability;
    uint64_t entry = bar + MSIX_TABLE + 16;

    assert_int_equal(config(f, capability) >> 16, 2);
    set_config(f, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    assert_int_equal(mmio_read(&f->vm, entry + 12, 4) & 1, 1); /* masked at reset */
    mmio_write(&f->vm, entry, 8, 0xfee00000);
    mmio_write(&f->vm, entry + 8, 4, 0x61);
    assert_int_equal(mmio_read(&f->vm, entry, 8), 0xfee00000);
    assert_int_equal(mmio_read(&f->vm, entry + 8, 8), 0x100000061ull);
    assert_int_equal(seen.reads, 0); /* none of it reached the device */

    assert_false(pci_msix_raise(&card, 1)); /* MSI-X is off */
    set_config(f, capability, 0x80000000);
    assert_true(pci_msix_raise(&card, 1));
    assert_int_equal(lapic_candidate(&f->vm.lapic), -1);
    assert_int_equal(mmio_read(&f->vm, bar + MSIX_PBA, 8), 2);
    mmio_write(&f->vm, bar + MSIX_PBA, 8, 0); /* read-only */
    set_config(f, capability, 0xc0000000);
    mmio_write(&f->vm, entry + 12, 4, 0); /* the function's mask still holds */
    assert_int_equal(lapic_candidate(&f->vm.lapic), -1);
    set_config(f, capability, 0x80000000);
    assert_int_equal(lapic_candidate(&f->vm.lapic), 0x61);
    assert_int_equal(mmio_read(&f->vm, bar + MSIX_PBA, 8), 0);
    lapic_accept(&f->vm.lapic, 0x61);

    set_config(f, PCI_COMMAND, PCI_COMMAND_MEMORY); /* no bus master: no message */
    mmio_write(&f->vm, entry + 8, 4, 0x71);
    pci_msix_raise(&card, 1);
    assert_int_equal(lapic_candidate(&f->vm.lapic), -1);
    set_config(f, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    assert_int_equal(lapic_candidate(&f->vm.lapic), 0x71);
    lapic_accept(&f->vm.lapic, 0x71);
    /* Messages to nowhere, vectors that are not there. */
    mmio_write(&f->vm, entry, 8, 0x1fee00000ull);
    assert_true(pci_msix_raise(&card, 1));
    mmio_write(&f->vm, entry, 8, 0x00100000);
    assert_true(pci_msix_raise(&card, 1));
    assert_false(pci_msix_raise(&card, 3));
    assert_int_equal(lapic_candidate(&f->vm.lapic), -1);
}

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dull;
}

static void random_accesses(void **state)
{
    struct fixture *f = *state;
    uint64_t seed = 0x9e3779b97f4a7c15ull;

    for (unsigned i = 0; i < 1000000; i++) {
        uint64_t r = random_next(&seed), value = random_next(&seed);
        uint64_t address = r & 1 ? PCI_ECAM + (r >> 8) % (PCI_ECAM_SIZE + 64)
                                 : r & 2 ? ECAM(SLOT, (r >> 8) % 256) : PCI_WINDOW + (r >> 8) % 0x40000;
        unsigned bytes = 1u + (r >> 40) % 8;

        if (r >> 44 & 1)
            pci_msix_raise(&card, r >> 48 & 3);
        if (r >> 45 & 1)
            mmio_write(&f->vm, address, bytes, value);
        else
            mmio_read(&f->vm, address, bytes);
        if (r & 0x7000)
            continue;
        port_write(&f->vm, (uint16_t)(0xcf8 + (r >> 16) % 8), 1u << (r >> 20) % 3, (uint32_t)value | 0x80000000);
        port_read(&f->vm, (uint16_t)(0xcf8 + (r >> 16) % 8), 1u << (r >> 20) % 3);
    }
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal((card.config[i] ^ card.at_reset[i]) & ~card.writable[i], 0);
    assert_int_not_equal(seen.reads, 0);
    assert_int_not_equal(seen.writes, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, with_card, fixture_free)
int main(void)
{
    const struct CMUnitTest tests[] = {T(both_ways_show_the_same), T(only_writable_bits_are_written), T(bars_are_sized_and_moved),
                                       T(msix_masks_and_keeps), T(random_accesses)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
