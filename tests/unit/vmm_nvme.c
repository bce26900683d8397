/* A mediated NVMe function as the guest sees it: registers, the admin queue in guest memory, doorbells. Commands go to a fake node manager; what
 * the guest breaks is answered as a controller would. */
#include "mmio.h"
#include "vmm_fixture.h"

#define SLOT 16u
#define ECAM(offset) (PCI_ECAM + (SLOT << 15) + (offset))
#define BAR 0xc1000000ull
#define SQ 0x200000ull
#define CQ 0x201000ull
#define ENTRIES 8u
#define CC_GOOD 0x00460001u
#define CAP_TOLD (127 | 1ull << 16 | 2ull << 24 | 1ull << 37)

static const struct vfs_config functions = {
    .magic = VFS_CONFIG_MAGIC, .count = 1,
    .vfs = {{.name = "ssd0.vf0", .vendor = 0x1b36, .device = 0x0010, .bar = 0, .bar_pages = 2, .msix_bar = 0, .msix_bar_pages = 4, .vectors = 1,
             .msix_table = 0x2000, .msix_pba = 0x3000, .class_code = 0x010802, .slot = SLOT, .kind = VF_MEDIATED}}};
static struct { unsigned commands, starts, stops, places; bool on, refuse; uint64_t last[NVME_WORDS]; } manager;
static uint32_t doorbells[1024];

static bool place(unsigned index, uint32_t address, bool master)
{
    (void)index, (void)master;
    assert_int_equal(address, 0); /* its registers are never the guest's */
    manager.places++;
    return true;
}

static void reset(unsigned index) { (void)index; }

static bool controller(unsigned index, bool on, uint64_t *capabilities, uint32_t *version)
{
    assert_int_equal(index, 0);
    *(on ? &manager.starts : &manager.stops) += 1;
    *capabilities = CAP_TOLD;
    *version = 0x10400;
    manager.on = on && !manager.refuse;
    return !manager.refuse;
}

static void admin(unsigned index, const uint64_t words[NVME_WORDS], struct nvme_answer *a)
{
    assert_int_equal(index, 0);
    memcpy(manager.last, words, sizeof manager.last);
    manager.commands++;
    *a = (struct nvme_answer){(uint8_t)words[0] == 0x06 ? 0 : 0x01, 0x1234};
}

static uint32_t get(struct fixture *f, uint32_t offset) { return (uint32_t)mmio_read(&f->vm, BAR + offset, 4); }
static void set(struct fixture *f, uint32_t offset, uint32_t value) { mmio_write(&f->vm, BAR + offset, 4, value); }

static int new_function(void **state)
{
    if (fixture_new(state) != 0)
        return -1;
    struct fixture *f = *state;
    memset(&manager, 0, sizeof manager);
    memset(doorbells, 0, sizeof doorbells);
    f->vm.vf_place = place;
    f->vm.vf_reset = reset;
    f->vm.vf_controller = controller;
    f->vm.vf_admin = admin;
    f->vm.vf_doorbells = doorbells;
    pci_init(&f->vm);
    vf_add(&f->vm, &functions);
    pci_reset(&f->vm);
    mmio_write(&f->vm, ECAM(0x10), 4, BAR);
    mmio_write(&f->vm, ECAM(4), 4, 6);
    memset(guest_memory_at(&f->vm.memory, SQ, 8192), 0, 8192);
    return 0;
}

static void enable(struct fixture *f)
{
    set(f, 0x24, (ENTRIES - 1) << 16 | (ENTRIES - 1));
    mmio_write(&f->vm, BAR + 0x28, 8, SQ);
    set(f, 0x30, CQ); /* in halves */
    set(f, 0x34, 0);
    set(f, 0x14, CC_GOOD);
}

static uint32_t *entry(struct fixture *f, uint64_t queue, unsigned i, unsigned bytes)
{
    return guest_memory_at(&f->vm.memory, queue + (uint64_t)i * bytes, bytes);
}

static void comes_up(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(mmio_read(&f->vm, BAR, 8), CAP_TOLD);
    assert_int_equal(get(f, 4), CAP_TOLD >> 32);
    assert_int_equal(get(f, 8), 0x10400);
    assert_int_equal(get(f, 0x1c), 0);
    enable(f);
    assert_int_equal(get(f, 0x1c), 1);
    assert_int_equal(get(f, 0x14), CC_GOOD);
    assert_int_equal(mmio_read(&f->vm, BAR + 0x28, 8), SQ);
    assert_int_equal(mmio_read(&f->vm, BAR + 0x30, 8), CQ);
    assert_int_equal(manager.starts, 1);
    set(f, 0x14, CC_GOOD | 1 << 14); /* shut down */
    assert_int_equal(get(f, 0x1c), 1 | 2 << 2);
    unsigned stops = manager.stops;
    set(f, 0x14, 0);
    assert_int_equal(get(f, 0x1c), 0);
    assert_int_equal(manager.stops, stops + 1);
    assert_false(manager.on);
}

static void does_not_come_up(void **state)
{
    struct fixture *f = *state;
    enable(f);
    set(f, 0x14, 0);
    set(f, 0x14, 0x00450001); /* commands of 32 bytes */
    assert_int_equal(get(f, 0x1c), 2);
    set(f, 0x14, 0);
    assert_int_equal(get(f, 0x1c), 0);
    set(f, 0x24, 0);
    set(f, 0x14, CC_GOOD);
    assert_int_equal(get(f, 0x1c), 2);
    set(f, 0x14, 0);
    manager.refuse = true;
    enable(f);
    assert_int_equal(get(f, 0x1c), 2);
    assert_int_equal(manager.commands, 0);
    set(f, 0x1000, 1); /* a doorbell of what is not up */
    set(f, 0x1008, 1);
    assert_int_equal(manager.commands, 0);
    assert_int_equal(doorbells[2], 0);
}

static void commands(void **state)
{
    struct fixture *f = *state;
    enable(f);
    entry(f, SQ, 0, 64)[0] = 0x00410006;
    entry(f, SQ, 0, 64)[10] = 1;
    entry(f, SQ, 1, 64)[0] = 0x00420080; /* refused by the manager: its status goes to the guest */
    set(f, 0x1000, 2);
    assert_int_equal(manager.commands, 2);
    assert_int_equal((uint8_t)manager.last[0], 0x80);
    assert_int_equal(entry(f, CQ, 0, 16)[0], 0x1234);
    assert_int_equal(entry(f, CQ, 0, 16)[2], 1);
    assert_int_equal(entry(f, CQ, 0, 16)[3], 0x00010041);
    assert_int_equal(entry(f, CQ, 1, 16)[3], (1u << 1 | 1) << 16 | 0x42);
    set(f, 0x1004, 2);
    for (unsigned i = 2; i < 3 * ENTRIES; i++) { /* around both rings: phases change */
        entry(f, SQ, i % ENTRIES, 64)[0] = i << 16 | 6;
        set(f, 0x1000, (i + 1) % ENTRIES);
        assert_int_equal(entry(f, CQ, i % ENTRIES, 16)[3], i | (uint32_t)(i / ENTRIES % 2 == 0) << 16);
        set(f, 0x1004, (i + 1) % ENTRIES);
    }
    assert_int_equal(get(f, 0x1c), 1);
}

static void waits_for_room(void **state)
{
    struct fixture *f = *state;
    enable(f);
    for (unsigned i = 0; i < ENTRIES; i++)
        entry(f, SQ, i, 64)[0] = i << 16 | 6;
    set(f, 0x1000, 7);
    assert_int_equal(manager.commands, 7);
    set(f, 0x1000, 1); /* two more, but seven completions are unread */
    assert_int_equal(manager.commands, 7);
    set(f, 0x1004, 1);
    assert_int_equal(manager.commands, 8);
    set(f, 0x1004, 7);
    assert_int_equal(manager.commands, 9);
}

static void events_are_held(void **state)
{
    struct fixture *f = *state;
    enable(f);
    for (unsigned i = 0; i < NVME_EVENTS_MAX + 1; i++)
        entry(f, SQ, i, 64)[0] = (0x50 + i) << 16 | 0x0c;
    set(f, 0x1000, NVME_EVENTS_MAX + 1);
    assert_int_equal(manager.commands, 0);
    assert_int_equal(entry(f, CQ, 0, 16)[3], (0x54) | (0x105u << 1 | 1) << 16); /* the one too many */
    assert_int_equal(entry(f, CQ, 1, 16)[3], 0);
}

static void doorbells_of_queues_pass(void **state)
{
    struct fixture *f = *state;
    enable(f);
    set(f, 0x1008, 5);
    set(f, 0x100c, 7);
    set(f, 0x1ffc, 9);
    assert_int_equal(doorbells[2], 5);
    assert_int_equal(doorbells[3], 7);
    assert_int_equal(doorbells[1023], 9);
    assert_int_equal(doorbells[0], 0); /* never the admin queue's */
    assert_int_equal(doorbells[1], 0);
    mmio_write(&f->vm, BAR + 0x1008, 2, 6);
    mmio_write(&f->vm, BAR + 0x100a, 4, 6);
    assert_int_equal(doorbells[2], 5);
}

static void broken_rules(void **state)
{
    struct fixture *f = *state;
    enable(f);
    set(f, 0x1000, ENTRIES); /* beyond the ring */
    assert_int_equal(get(f, 0x1c) & 2, 2);
    set(f, 0x14, 0);
    enable(f);
    assert_int_equal(get(f, 0x1c), 1);
    set(f, 0x1004, 0xffff);
    assert_int_equal(get(f, 0x1c) & 2, 2);
    set(f, 0x14, 0);
    enable(f);
    set(f, 0x14, 0);
    mmio_write(&f->vm, BAR + 0x28, 8, 0x7fffffff000ull); /* a ring that is not RAM */
    set(f, 0x14, CC_GOOD);
    set(f, 0x1000, 1);
    assert_int_equal(get(f, 0x1c) & 2, 2);
    assert_int_equal(manager.commands, 0);
    set(f, 0x14, 0);
    enable(f);
    set(f, 0x14, 0);
    mmio_write(&f->vm, BAR + 0x30, 8, FIXTURE_MEMORY); /* completions beyond RAM */
    set(f, 0x14, CC_GOOD);
    set(f, 0x1000, 1);
    assert_int_equal(get(f, 0x1c) & 2, 2);
}

static void at_random(void **state)
{
    struct fixture *f = *state;
    srand(11);
    for (unsigned i = 0; i < 200000; i++) {
        static const uint32_t places[] = {0x14, 0x24, 0x28, 0x2c, 0x30, 0x34, 0x1000, 0x1004, 0x1008, 0x1c, 0};
        uint32_t offset = i % 5 ? places[(unsigned)rand() % 11] : (unsigned)rand() % 0x4000;
        uint64_t value = i % 3 ? (unsigned)rand() % 16 : (uint64_t)rand() << 20 ^ (uint64_t)rand();
        if (i % 17 == 0)
            enable(f);
        mmio_write(&f->vm, BAR + offset, i % 4 ? 4 : 8, value);
        mmio_read(&f->vm, BAR + ((unsigned)rand() % 0x4000), 1u << (unsigned)rand() % 4);
    }
    assert_int_equal(doorbells[0], 0);
    assert_int_equal(doorbells[1], 0);
    set(f, 0x14, 0);
    enable(f);
    assert_int_equal(get(f, 0x1c), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(comes_up, new_function, fixture_free),
        cmocka_unit_test_setup_teardown(does_not_come_up, new_function, fixture_free),
        cmocka_unit_test_setup_teardown(commands, new_function, fixture_free),
        cmocka_unit_test_setup_teardown(waits_for_room, new_function, fixture_free),
        cmocka_unit_test_setup_teardown(events_are_held, new_function, fixture_free),
        cmocka_unit_test_setup_teardown(doorbells_of_queues_pass, new_function, fixture_free),
        cmocka_unit_test_setup_teardown(broken_rules, new_function, fixture_free),
        cmocka_unit_test_setup_teardown(at_random, new_function, fixture_free),
    };
    return cmocka_run_group_tests_name("vmm_nvme", tests, NULL, NULL);
}
