/* Who gets an interrupt message: four local APICs over one shared page. */
#include "vmm_fixture.h"

#define CPUS 4
#define ICR (LAPIC_MSR_FIRST + 0x30)
#define SVR (LAPIC_MSR_FIRST + 0x0f)
#define MMIO_ICR 0x300
#define MMIO_ICR_HIGH 0x310

static struct lapic l[CPUS];
static struct apic_bus bus[CPUS];
static struct vm_mailbox boxes[CPUS];
static unsigned kicks[CPUS];

static void kick(unsigned vcpu)
{
    assert_in_range(vcpu, 0, CPUS - 1);
    kicks[vcpu]++;
}

static int four(bool x2apic)
{
    memset(boxes, 0, sizeof boxes);
    memset(kicks, 0, sizeof kicks);
    for (unsigned i = 0; i < CPUS; i++) {
        bus[i] = (struct apic_bus){.own = &l[i], .boxes = boxes, .count = CPUS, .self = i, .kick = kick};
        l[i] = (struct lapic){.id = i, .bus = &bus[i]};
        lapic_reset(&l[i], x2apic);
        if (x2apic)
            assert_true(lapic_write_msr(&l[i], SVR, 0x1ff, 0));
        else
            lapic_write_mmio(&l[i], 0xf0, 0x1ff, 0);
    }
    return 0;
}

static int four_x2apic(void **state) { return (void)state, four(true); }
static int four_xapic(void **state) { return (void)state, four(false); }

/* Bit i: vCPU i has `vector` after it looked, and nothing else. */
static unsigned takers(unsigned vector)
{
    unsigned mask = 0;

    for (unsigned i = 0; i < CPUS; i++) {
        int got;

        apic_bus_receive(&bus[i]);
        got = lapic_candidate(&l[i]);
        assert_true(got == -1 || got == (int)vector);
        if (got < 0)
            continue;
        mask |= 1u << i;
        lapic_accept(&l[i], vector);
        if (l[i].base & LAPIC_BASE_X2APIC)
            lapic_write_msr(&l[i], LAPIC_MSR_FIRST + 0x0b, 0, 0);
        else
            lapic_write_mmio(&l[i], 0xb0, 0, 0);
    }
    return mask;
}

static unsigned x2apic_send(unsigned from, uint64_t icr, unsigned vector)
{
    assert_true(lapic_write_msr(&l[from], ICR, icr | vector, 0));
    return takers(vector);
}

static unsigned xapic_send(unsigned from, uint32_t destination, uint32_t icr, unsigned vector)
{
    lapic_write_mmio(&l[from], MMIO_ICR_HIGH, destination << 24, 0);
    lapic_write_mmio(&l[from], MMIO_ICR, icr | vector, 0);
    return takers(vector);
}

static void x2apic_destinations(void **state)
{
    (void)state;
    for (unsigned from = 0; from < CPUS; from++) {
        for (uint64_t to = 0; to < CPUS; to++)
            assert_int_equal(x2apic_send(from, to << 32, 0x40), 1u << to);
        assert_int_equal(x2apic_send(from, 4ull << 32, 0x41), 0); /* nobody's id */
        assert_int_equal(x2apic_send(from, 0xffull << 32, 0x41), 0); /* broadcast is all of 32 bits */
        assert_int_equal(x2apic_send(from, 0xffffffffull << 32, 0x42), 0xf);
        assert_int_equal(x2apic_send(from, 0x40000, 0x43), 1u << from);
        assert_int_equal(x2apic_send(from, 0x80000, 0x44), 0xf);
        assert_int_equal(x2apic_send(from, 0xc0000, 0x45), 0xf & ~(1u << from));
        assert_int_equal(x2apic_send(from, 0x0000000a00000800, 0x46), 0xa); /* logical: members 1 and 3 of cluster 0 */
        assert_int_equal(x2apic_send(from, 0x0001000a00000800, 0x46), 0); /* of cluster 1 */
    }
}

static void xapic_destinations(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CPUS; i++)
        lapic_write_mmio(&l[i], 0xd0, 1u << (24 + i), 0); /* flat logical ids */
    assert_int_equal(xapic_send(0, 2, 0, 0x50), 1u << 2);
    assert_int_equal(xapic_send(3, 0xff, 0, 0x51), 0xf);
    assert_int_equal(xapic_send(1, 0x5, 0x800, 0x52), 0x5);
    assert_int_equal(xapic_send(1, 0xff, 0x800, 0x53), 0xf);
    for (unsigned i = 0; i < CPUS; i++) { /* cluster model: two clusters of two */
        lapic_write_mmio(&l[i], 0xe0, 0x0fffffff, 0);
        lapic_write_mmio(&l[i], 0xd0, (i / 2) << 28 | 1u << (24 + i % 2), 0);
    }
    assert_int_equal(xapic_send(0, 0x12, 0x800, 0x54), 1u << 3);
    assert_int_equal(xapic_send(0, 0x03, 0x800, 0x55), 0x3);
    assert_int_equal(xapic_send(0, 0xf1, 0x800, 0x56), 0x5); /* member 0 of all clusters */
}

static void lowest_priority_reaches_exactly_one(void **state)
{
    unsigned seen = 0;

    (void)state;
    for (unsigned vector = 0x60; vector < 0x70; vector++) {
        unsigned mask = x2apic_send(0, 0x0000000f00000900, vector);

        assert_int_equal(__builtin_popcount(mask), 1);
        seen |= mask;
    }
    assert_int_equal(seen, 0xf); /* vectors spread */
    assert_true(lapic_write_msr(&l[2], SVR, 0xff, 0)); /* disabled by software: not this one */
    for (unsigned vector = 0x60; vector < 0x70; vector++)
        assert_int_equal(x2apic_send(0, 0x0000000f00000900, vector) & 1u << 2, 0);
}

static void nmi_init_start(void **state)
{
    (void)state;
    assert_true(lapic_write_msr(&l[0], ICR, 0x0000000200000400, 0)); /* NMI */
    assert_true(lapic_write_msr(&l[0], ICR, 0x0000000300004500, 0)); /* INIT */
    assert_true(lapic_write_msr(&l[0], ICR, 0x0000000300000500, 0)); /* its de-assert is nothing */
    assert_true(lapic_write_msr(&l[0], ICR, 0x0000000300004609, 0)); /* start-up at 0x9000 */
    for (unsigned i = 0; i < CPUS; i++)
        apic_bus_receive(&bus[i]);
    for (unsigned i = 0; i < CPUS; i++) {
        assert_int_equal(l[i].nmi_pending, i == 2);
        assert_int_equal(l[i].init_pending, i == 3);
        assert_int_equal(l[i].start, i == 3 ? 9 : -1);
    }
    assert_true(lapic_write_msr(&l[1], ICR, 0x00000000000c0400, 0)); /* NMI to all others */
    for (unsigned i = 0; i < CPUS; i++)
        apic_bus_receive(&bus[i]);
    assert_true(l[0].nmi_pending && !l[1].nmi_pending && l[3].nmi_pending);
    lapic_init(&l[3]);
    assert_int_equal(l[3].id, 3);
    assert_true(l[3].base & LAPIC_BASE_X2APIC); /* INIT leaves the mode */
    assert_false(l[3].init_pending);
}

static void start_up_needs_init_first(void **state)
{
    (void)state;
    assert_true(lapic_write_msr(&l[0], ICR, 0x0000000100004609, 0));
    apic_bus_receive(&bus[1]);
    assert_int_equal(l[1].start, -1); /* it runs */
    assert_true(lapic_write_msr(&l[0], ICR, 0x0000000100004609, 0)); /* before INIT, but not yet seen: void */
    assert_true(lapic_write_msr(&l[0], ICR, 0x0000000100004500, 0));
    apic_bus_receive(&bus[1]);
    assert_true(l[1].init_pending);
    assert_int_equal(l[1].start, -1);
    assert_true(lapic_write_msr(&l[0], ICR, 0x0000000100004500, 0)); /* both seen at once, and a second start-up IPI */
    assert_true(lapic_write_msr(&l[0], ICR, 0x000000010000460a, 0));
    apic_bus_receive(&bus[1]);
    assert_true(lapic_write_msr(&l[0], ICR, 0x000000010000460b, 0));
    apic_bus_receive(&bus[1]);
    assert_int_equal(l[1].start, 0xa);
}

/* One kick for any number of messages until the owner looks. */
static void one_kick_until_the_owner_looks(void **state)
{
    (void)state;
    for (unsigned vector = 0x40; vector < 0xf0; vector++)
        assert_true(lapic_write_msr(&l[0], ICR, 0x0000000100000000 | vector, 0));
    assert_int_equal(kicks[1], 1);
    apic_bus_receive(&bus[1]);
    for (unsigned vector = 0xef; vector >= 0x40; vector--) {
        if (vector >> 4 != (vector + 1) >> 4)
            assert_int_equal(lapic_candidate(&l[1]) >> 4, vector >> 4);
        lapic_accept(&l[1], vector);
        lapic_write_msr(&l[1], LAPIC_MSR_FIRST + 0x0b, 0, 0);
    }
    assert_int_equal(lapic_candidate(&l[1]), -1);
    assert_true(lapic_write_msr(&l[0], ICR, 0x0000000100000077, 0));
    assert_int_equal(kicks[1], 2);
    assert_int_equal(kicks[0] + kicks[2] + kicks[3], 0);
}

static void level_travels_along(void **state)
{
    struct ioapic io;

    (void)state;
    ioapic_reset(&io);
    ioapic_write(&io, &bus[0], 0x00, 0x21);
    ioapic_write(&io, &bus[0], 0x10, 0x02000000); /* pin 8: vCPU 2 */
    ioapic_write(&io, &bus[0], 0x00, 0x20);
    ioapic_write(&io, &bus[0], 0x10, 0x8044);
    ioapic_set_line(&io, &bus[0], 8, true);
    apic_bus_receive(&bus[2]);
    assert_int_equal(lapic_candidate(&l[2]), 0x44);
    lapic_accept(&l[2], 0x44);
    assert_true(lapic_write_msr(&l[2], LAPIC_MSR_FIRST + 0x0b, 0, 0));
    assert_int_equal(lapic_take_eoi(&l[2]), 0x44);
    assert_int_equal(x2apic_send(0, 2ull << 32, 0x44), 1u << 2); /* the same vector, as an edge */
    assert_int_equal(lapic_take_eoi(&l[2]), 0);
}

static void whoever_is_disabled_gets_nothing(void **state)
{
    (void)state;
    assert_true(lapic_write_base(&l[1], LAPIC_MMIO));
    assert_int_equal(x2apic_send(0, 1ull << 32, 0x40), 0);
    assert_int_equal(x2apic_send(0, 0x80000, 0x41), 0xd);
    assert_int_equal(kicks[1], 0);
    assert_false(lapic_write_base(&l[1], LAPIC_MMIO | LAPIC_BASE_BSP | LAPIC_BASE_ENABLED)); /* nobody becomes the boot CPU */
    assert_true(lapic_write_base(&l[1], LAPIC_MMIO | LAPIC_BASE_ENABLED)); /* back, in the other mode */
    lapic_write_mmio(&l[1], 0xf0, 0x1ff, 0);
    assert_int_equal(x2apic_send(0, 1ull << 32, 0x42), 1u << 1);
    assert_int_equal(lapic_read_mmio(&l[1], 0x20, 0), 1u << 24);
}

static void garbage_from_a_neighbour_is_bounded(void **state)
{
    (void)state;
    memset(&boxes[1], 0xff, sizeof boxes[1]);
    apic_bus_receive(&bus[1]);
    assert_int_equal(lapic_candidate(&l[1]), 0xff);
    assert_true(l[1].start >= -1 && l[1].start <= 0xff);
    boxes[2].identity = ~0ull;
    assert_true(lapic_write_msr(&l[0], ICR, 0x0000000200000043, 0));
    apic_bus_receive(&bus[0]);
    assert_int_equal(lapic_candidate(&l[0]), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(x2apic_destinations, four_x2apic),
        cmocka_unit_test_setup(xapic_destinations, four_xapic),
        cmocka_unit_test_setup(lowest_priority_reaches_exactly_one, four_x2apic),
        cmocka_unit_test_setup(nmi_init_start, four_x2apic),
        cmocka_unit_test_setup(start_up_needs_init_first, four_x2apic),
        cmocka_unit_test_setup(one_kick_until_the_owner_looks, four_x2apic),
        cmocka_unit_test_setup(level_travels_along, four_x2apic),
        cmocka_unit_test_setup(whoever_is_disabled_gets_nothing, four_x2apic),
        cmocka_unit_test_setup(garbage_from_a_neighbour_is_bounded, four_x2apic),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
