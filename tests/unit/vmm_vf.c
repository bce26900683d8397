/* A virtual function on the guest's bus: a configuration space of what is allowed and nothing else, registers placed where the guest says and
 * nowhere else, resets, and messages. */
#include "mmio.h"
#include "vmm_fixture.h"

#define SLOT 16u
#define ECAM(offset) (PCI_ECAM + (SLOT << 15) + (offset))
#define REGISTERS 0x4000u

static const struct vfs_config functions = {
    .magic = VFS_CONFIG_MAGIC, .count = 1,
    .vfs = {{.name = "nic0.vf0", .vendor = 0x8086, .device = 0x10ca, .bar = 0, .bar_pages = 4, .msix_bar = 3, .msix_bar_pages = 4, .vectors = 3,
             .msix_table = 0, .msix_pba = 0x2000, .class_code = 0x020000, .slot = SLOT}}};
static struct { unsigned places, resets; uint32_t address; bool master, refuse; } manager;

static bool place(unsigned index, uint32_t address, bool master)
{
    assert_int_equal(index, 0);
    assert_true(address == 0 || (address >= PCI_WINDOW && address <= PCI_WINDOW_END - REGISTERS && address % REGISTERS == 0));
    manager.places++;
    manager.address = manager.refuse ? 0 : address;
    manager.master = master;
    return !manager.refuse;
}

static void reset(unsigned index)
{
    assert_int_equal(index, 0);
    manager.resets++;
}

static uint32_t get(struct fixture *f, unsigned offset) { return (uint32_t)mmio_read(&f->vm, ECAM(offset), 4); }
static void set(struct fixture *f, unsigned offset, uint32_t value) { mmio_write(&f->vm, ECAM(offset), 4, value); }

static int new_vf(void **state)
{
    if (fixture_new(state) != 0)
        return -1;
    struct fixture *f = *state;
    memset(&manager, 0, sizeof manager);
    f->vm.vf_place = place;
    f->vm.vf_reset = reset;
    pci_init(&f->vm);
    vf_add(&f->vm, &functions);
    pci_reset(&f->vm);
    return 0;
}

static unsigned capability(struct fixture *f, unsigned id)
{
    unsigned at = get(f, 0x34) & 0xfc;
    while (at && (get(f, at) & 0xff) != id)
        at = get(f, at) >> 8 & 0xfc;
    return at;
}

static void what_it_shows(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(get(f, 0), 0x10ca8086);
    assert_int_equal(get(f, 8) >> 8, 0x020000);
    assert_int_equal(get(f, 0x3c) >> 8, 0); /* no interrupt pin */
    assert_int_equal(manager.places, 0);    /* decoding is off: nothing is placed */
    set(f, 0x10, ~0u);
    assert_int_equal(get(f, 0x10), ~(REGISTERS - 1));
    set(f, 0x14, ~0u);
    assert_int_equal(get(f, 0x14), 0);
    assert_int_equal(get(f, capability(f, 0x11)) >> 16 & 0x7ff, 2);
    assert_true(get(f, capability(f, 0x10) + 4) & 1u << 28);
    assert_int_equal(get(f, 0x100), 0); /* no extended capability: no SR-IOV, no ACS */
}

static void placed_where_the_guest_says(void **state)
{
    struct fixture *f = *state;
    set(f, 0x10, 0xc1000000);
    set(f, 4, 6);
    assert_int_equal(manager.address, 0xc1000000);
    assert_true(manager.master);
    set(f, 0x10, 0xd0004000);
    assert_int_equal(manager.address, 0xd0004000);
    set(f, 0x10, 0x1000); /* over RAM: nowhere */
    assert_int_equal(manager.address, 0);
    set(f, 0x10, 0xdfffc000);
    assert_int_equal(manager.address, 0xdfffc000);
    set(f, 4, 4);
    assert_int_equal(manager.address, 0);
    assert_true(manager.master);
    set(f, 4, 2);
    assert_false(manager.master);
    unsigned places = manager.places;
    set(f, 0x3c, 7);
    set(f, 4, 2);
    assert_int_equal(manager.places, places); /* nothing changed, nobody is asked */
    manager.refuse = true;
    set(f, 0x10, 0xc1000000);
    assert_int_equal((uint32_t)mmio_read(&f->vm, 0xc1000010, 4), 0xffffffff); /* refused: nobody answers, and nothing falls over */
    mmio_write(&f->vm, 0xc1000010, 4, 1);
}

static void resets(void **state)
{
    struct fixture *f = *state;
    unsigned express = capability(f, 0x10), msix = capability(f, 0x11);
    set(f, 0x10, 0xc1000000);
    set(f, 4, 6);
    set(f, 0x1c, 0xc2000000);
    set(f, msix, 0x80000000);
    vf_messages(&f->vm, VMM_BADGE_VF(0, 0));
    assert_int_equal(mmio_read(&f->vm, 0xc2002000, 4), 1);
    set(f, express + 8, 0x8000);
    assert_int_equal(manager.resets, 1);
    assert_int_equal(get(f, 4) & 6, 0);
    assert_int_equal(get(f, msix) & 0x80000000, 0);
    assert_int_equal(get(f, express + 8) & 0x8000, 0);
    assert_int_equal(get(f, 0x10), 0xc1000000); /* a VF's BARs are not its own to lose */
    assert_int_equal(manager.address, 0);
    assert_false(manager.master);
    set(f, 4, 6);
    assert_int_equal(mmio_read(&f->vm, 0xc2002000, 4), 0); /* no message of before */
    assert_int_equal(manager.address, 0xc1000000);
    set(f, express + 8, 0x000f); /* other bits: no reset */
    assert_int_equal(manager.resets, 1);
    pci_reset(&f->vm); /* the machine's: the node manager has renewed the lease by itself */
    assert_int_equal(manager.resets, 1);
    assert_false(manager.master && get(f, 4) == 0);
    set(f, 4, 6);
    assert_true(manager.master);
}

static void messages(void **state)
{
    struct fixture *f = *state;
    unsigned msix = capability(f, 0x11);
    set(f, 0x1c, 0xc2000000);
    set(f, 4, 6);
    vf_messages(&f->vm, VMM_BADGE_VF(0, 1)); /* MSI-X is off: dropped */
    set(f, msix, 0x80000000);
    mmio_write(&f->vm, 0xc2000010, 4, 0xfee00000);
    mmio_write(&f->vm, 0xc2000018, 4, 0x51);
    vf_messages(&f->vm, VMM_BADGE_VF(0, 1) | VMM_BADGE_VF(0, 0));
    assert_int_equal(mmio_read(&f->vm, 0xc2002000, 4), 3); /* masked: pending, both */
    vf_messages(&f->vm, VMM_BADGE_VF(1, 0) | VMM_BADGE_VF(0, 3)); /* no such function, no such vector */
    mmio_write(&f->vm, 0xc200001c, 4, 0);
    assert_int_equal(mmio_read(&f->vm, 0xc2002000, 4), 1); /* sent when it was unmasked */
}

/* Anything at all, anywhere in its configuration and tables: what reaches the node manager is in the window (place() asserts it). */
static void at_random(void **state)
{
    struct fixture *f = *state;
    srand(7);
    for (unsigned i = 0; i < 200000; i++) {
        uint64_t offset = (unsigned)rand() % 0x120 & ~3u, value = (uint64_t)rand() << 16 ^ (uint64_t)rand();
        if (i % 3 == 0)
            value |= 0xc0000000u;
        if (i % 7 == 0)
            mmio_write(&f->vm, 0xc0000000 + (unsigned)rand() % 0x20000, 4, value);
        else
            mmio_write(&f->vm, ECAM(offset + (unsigned)rand() % 4), 1u << (unsigned)rand() % 3, value);
        mmio_read(&f->vm, ECAM(offset), 4);
        if (i % 16 == 0)
            vf_messages(&f->vm, (uint64_t)rand() << 32);
    }
    assert_int_equal(get(f, 0), 0x10ca8086);
    assert_true(manager.places > 100 && manager.resets > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_it_shows, new_vf, fixture_free),
        cmocka_unit_test_setup_teardown(placed_where_the_guest_says, new_vf, fixture_free),
        cmocka_unit_test_setup_teardown(resets, new_vf, fixture_free),
        cmocka_unit_test_setup_teardown(messages, new_vf, fixture_free),
        cmocka_unit_test_setup_teardown(at_random, new_vf, fixture_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
