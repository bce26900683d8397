/* The walk over PCI configuration space, on a machine in memory: registers with the bits that can be written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "pci.h"

#define MAX 16
struct fake { uint16_t id; uint32_t value[1024], writable[1024]; };
static struct fake fakes[MAX];
static unsigned count, writes;
static struct pci pci;
static bool noise; /* every read gives whatever */
static uint32_t seed;

static struct fake *find(uint16_t segment, uint16_t id)
{
    for (unsigned i = 0; i < count && segment == 0; i++)
        if (fakes[i].id == id)
            return &fakes[i];
    return NULL;
}

static uint32_t fake_read(void *context, uint16_t segment, uint16_t id, unsigned offset)
{
    (void)context;
    assert_true(offset % 4 == 0 && offset < PCI_CONFIG_BYTES);
    struct fake *f = find(segment, id);
    if (noise && f) {
        seed = seed * 1664525u + 1013904223u;
        return seed >> 29 ? seed ^ seed >> 13 : f->value[offset / 4];
    }
    return f ? f->value[offset / 4] : UINT32_MAX;
}

static void fake_write(void *context, uint16_t segment, uint16_t id, unsigned offset, uint32_t value)
{
    (void)context;
    assert_true(offset % 4 == 0 && offset < PCI_CONFIG_BYTES);
    struct fake *f = find(segment, id);
    assert_non_null(f);
    if (offset >= 0x10 && offset < 0x28 && !noise)
        assert_int_equal(f->value[1] & 3, 0); /* sizing while the function decodes */
    writes++;
    f->value[offset / 4] = (f->value[offset / 4] & ~f->writable[offset / 4]) | (value & f->writable[offset / 4]);
}

static const struct pci_config config = {fake_read, fake_write, NULL};

static struct fake *add(uint16_t id, uint32_t device, uint32_t class, uint32_t header)
{
    struct fake *f = &fakes[count++];
    memset(f, 0, sizeof *f);
    f->id = id;
    f->value[0] = device;
    f->value[1] = 7; /* decodes, and is a master */
    f->writable[1] = 0x547;
    f->value[2] = class << 8;
    f->value[3] = header << 16;
    return f;
}

static void bar(struct fake *f, unsigned offset, uint64_t base, uint64_t size, uint32_t flags)
{
    f->value[offset / 4] = (uint32_t)base | flags;
    f->writable[offset / 4] = (uint32_t)~(size - 1) & ~15u;
    if (flags & 4) {
        f->value[offset / 4 + 1] = (uint32_t)(base >> 32);
        f->writable[offset / 4 + 1] = (uint32_t)(~(size - 1) >> 32);
    }
}

static void capability(struct fake *f, unsigned at, unsigned id, unsigned next, uint32_t upper)
{
    f->value[1] |= 1u << 20;
    if (!f->value[13])
        f->value[13] = at;
    f->value[at / 4] = id | next << 8 | upper << 16;
}

/* Host bridge, a root port with ARI, an igb-like function behind it, two functions of a legacy device. */
static int machine(void **state)
{
    (void)state;
    count = writes = 0;
    noise = false;
    memset(&pci, 0, sizeof pci);
    add(0, 0x29c08086, 0x060000, 0);
    struct fake *port = add(8, 0xc1b36, 0x060400, 1);
    port->value[6] = 0x010100;
    capability(port, 0x54, 0x10, 0, 0x42);       /* root port, version 2 */
    port->value[0x78 / 4] = port->value[0x7c / 4] = 0x20;
    port->value[0x100 / 4] = 0x0d | 1 << 16;     /* ACS, the last one */
    port->value[0x104 / 4] = 0x1f;
    struct fake *nic = add(0x100, 0x10c98086, 0x020000, 0);
    bar(nic, 0x10, 0xfe000000, 0x20000, 0);
    bar(nic, 0x18, 0xe0a0, 0x20, 1);
    nic->writable[6] = 0xffe0; /* 16 address bits */
    bar(nic, 0x1c, 0x3800000000, 0x4000, 0xc);
    nic->writable[0x30 / 4] = 0xfffc0001;
    capability(nic, 0x40, 1, 0x50, 0);
    capability(nic, 0x50, 5, 0x70, 0x0006);      /* 8 messages */
    capability(nic, 0x70, 0x11, 0xa0, 24);       /* 25 vectors */
    capability(nic, 0xa0, 0x10, 0, 2);           /* endpoint */
    nic->value[0xa4 / 4] = 1u << 28;             /* FLR */
    nic->value[0x100 / 4] = 0x01 | 1 << 16 | 0x150u << 20;
    nic->value[0x150 / 4] = 0x0e | 1 << 16 | 0x160u << 20;
    nic->value[0x160 / 4] = 0x10 | 1 << 16;
    nic->value[0x16c / 4] = 8 | 8 << 16;
    nic->value[0x174 / 4] = 128 | 2u << 16;
    nic->value[0x178 / 4] = 0x10cau << 16;
    nic->value[0x17c / 4] = 0x553;
    nic->writable[0x168 / 4] = 0x19;
    bar(nic, 0x184, 0xc0000000, 0x4000, 4);
    bar(nic, 0x190, 0xc0020000, 0x4000, 4);
    add(0xf8, 0x29188086, 0x060100, 0x80);
    add(0xfa, 0x29228086, 0x010601, 0);
    return 0;
}

static void whole_walk(void **state)
{
    uint32_t before[MAX][1024];
    (void)state;
    for (unsigned i = 0; i < count; i++)
        memcpy(before[i], fakes[i].value, sizeof before[i]);
    assert_true(pci_scan(&config, 0, 0, 255, &pci));
    assert_int_equal(pci.count, 5);
    for (unsigned i = 0; i < count; i++)
        assert_memory_equal(before[i], fakes[i].value, sizeof before[i]); /* as it was */
    const struct pci_function *port = pci_find(&pci, 0, 8), *nic = pci_find(&pci, 0, 0x100);
    assert_true(port->bridge && port->secondary == 1 && port->subordinate == 1 && port->port_type == 4 && port->ari_forwarding);
    assert_true(port->acs == 0x100 && port->acs_controls == 0x1f);
    assert_true(nic->bars[0].base == 0xfe000000 && nic->bars[0].size == 0x20000 && !nic->bars[0].port);
    assert_true(nic->bars[2].port && nic->bars[2].size == 0x20);
    assert_true(nic->bars[3].wide && nic->bars[3].prefetchable && nic->bars[3].base == 0x3800000000 && nic->bars[3].size == 0x4000);
    assert_int_equal(nic->bars[4].size, 0);
    assert_int_equal(nic->rom.size, 0x40000);
    assert_true(nic->power == 0x40 && nic->msi_vectors == 8 && nic->msix_vectors == 25 && nic->flr && nic->ari == 0x150 && !nic->damaged);
    assert_true(nic->sriov.offset == 0x160 && nic->sriov.total == 8 && nic->sriov.first == 128 && nic->sriov.stride == 2);
    assert_true(nic->sriov.device == 0x10ca && nic->sriov.bars[0].size == 0x4000 && nic->sriov.bars[3].base == 0xc0020000);
    uint16_t id;
    assert_true(pci_follow(&pci, 0, 0, (const uint8_t[]){8, 0}, 2, &id) && id == 0x100);
    assert_false(pci_follow(&pci, 0, 0, (const uint8_t[]){16, 0}, 2, &id));
    assert_false(pci_follow(&pci, 0, 0, NULL, 0, &id));
    char name[PCI_NAME_SIZE];
    pci_name(0, 0xfa, name);
    assert_string_equal(name, "00:1f.2");
    pci_name(0xffff, 0xffff, name);
    assert_string_equal(name, "ffff:ff:1f.7");
}

static void functions_beyond_eight(void **state)
{
    (void)state;
    add(0x109, 0x10c98086, 0x020000, 0); /* function 9 of the ARI device: looks like 01:01.1 */
    add(0xfb, 0x29308086, 0x0c0500, 0);
    add(0x11, 0x12345678, 0, 0);         /* 00:02.1 without a function 0: not there */
    assert_true(pci_scan(&config, 0, 0, 255, &pci));
    assert_int_equal(pci.count, 7);
    assert_non_null(pci_find(&pci, 0, 0x109));
    assert_null(pci_find(&pci, 0, 0x11));
}

static void masters_stop(void **state)
{
    (void)state;
    struct fake *unit = add(0x10, 0x14191022, 0x080600, 0);
    assert_true(pci_scan(&config, 0, 0, 255, &pci));
    pci_stop_masters(&config, &pci);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(fakes[i].value[1] & 0xffff, &fakes[i] == unit ? 7 : 3);
    pci_start_bridges(&config, &pci);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(fakes[i].value[1] & 4, &fakes[i] == unit || fakes[i].id == 8 ? 4 : 0);
}

static void lists_that_lie(void **state)
{
    (void)state;
    struct fake *nic = find(0, 0x100);
    nic->value[0xa0 / 4] |= 0x40 << 8;             /* a circle */
    nic->value[0x160 / 4] |= 0x150u << 20;
    assert_true(pci_scan(&config, 0, 0, 255, &pci));
    assert_true(pci_find(&pci, 0, 0x100)->damaged);
    machine(state);
    find(0, 0x100)->value[0xa0 / 4] |= 0x20 << 8;  /* into the header */
    assert_true(pci_scan(&config, 0, 0, 255, &pci));
    assert_true(pci_find(&pci, 0, 0x100)->damaged);
    machine(state);
    nic = find(0, 0x100);
    nic->value[0x70 / 4] = 0x11 | 0xfc << 8;
    nic->value[0xfc / 4] = 0x10;                   /* an express capability without room */
    nic->value[0x150 / 4] = 0x10 | 1 << 16 | 0xffcu << 20;
    nic->value[0xffc / 4] = 0x10 | 1 << 16;        /* SR-IOV likewise */
    assert_true(pci_scan(&config, 0, 0, 255, &pci));
    assert_int_equal(pci_find(&pci, 0, 0x100)->express, 0);
}

static void noise_everywhere(void **state)
{
    (void)state;
    noise = true;
    for (seed = 0; seed < 3000u * 7919u; seed += 7919u) {
        uint32_t keep = seed;
        memset(&pci, 0, sizeof pci);
        pci_scan(&config, 0, 0, 3, &pci);
        seed = keep;
    }
}

static bool everywhere_read;
static uint32_t full_read(void *context, uint16_t segment, uint16_t id, unsigned offset)
{
    (void)context, (void)segment, (void)id;
    everywhere_read = true;
    return offset == 0 ? 0x12345678 : offset == 0xc ? 0x800000 : 0;
}
static void full_write(void *context, uint16_t segment, uint16_t id, unsigned offset, uint32_t value)
{
    (void)context, (void)segment, (void)id, (void)offset, (void)value;
}

static void too_many_functions(void **state)
{
    static const struct pci_config full = {full_read, full_write, NULL};
    (void)state;
    assert_false(pci_scan(&full, 0, 0, 255, &pci));
    assert_int_equal(pci.count, PCI_MAX_FUNCTIONS);
    assert_true(everywhere_read);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(whole_walk, machine), cmocka_unit_test_setup(functions_beyond_eight, machine),
        cmocka_unit_test_setup(masters_stop, machine), cmocka_unit_test_setup(lists_that_lie, machine),
        cmocka_unit_test_setup(noise_everywhere, machine), cmocka_unit_test_setup(too_many_functions, machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
