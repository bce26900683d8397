/* The walk over PCI configuration space, on a machine in memory: registers with the bits that can be written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "fake_pci.h"

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
    assert_true(nic->bars[0].base == 0xc0800000 && nic->bars[0].size == 0x20000 && !nic->bars[0].port);
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
