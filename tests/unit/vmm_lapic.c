/* Local and I/O APIC: priorities, timers, modes, routing. */
#include "vmm_fixture.h"

#define MSR(reg) (LAPIC_MSR_FIRST + (reg))
#define TPR MSR(0x08)
#define EOI MSR(0x0b)
#define SVR MSR(0x0f)
#define ESR MSR(0x28)
#define ICR MSR(0x30)
#define LVT_TIMER_MSR MSR(0x32)
#define INITIAL MSR(0x38)
#define CURRENT MSR(0x39)
#define DIVIDE MSR(0x3e)
#define SELF MSR(0x3f)

static struct lapic l;
static struct vm_mailbox box;
static struct apic_bus bus = {.own = &l, .boxes = &box, .count = 1};

static int fresh(void **state)
{
    (void)state;
    l = (struct lapic){.bus = &bus};
    lapic_reset(&l, true);
    assert_true(lapic_write_msr(&l, SVR, 0x1ff, 0));
    return 0;
}

static uint64_t get(uint32_t msr, uint64_t now)
{
    uint64_t value = 0xdead;

    assert_true(lapic_read_msr(&l, msr, now, &value));
    return value;
}

static void starts_in_x2apic_mode_and_disabled(void **state)
{
    (void)state;
    lapic_reset(&l, true);
    assert_int_equal(l.base, 0xfee00d00);
    assert_false(lapic_enabled(&l));
    assert_int_equal(get(SVR, 0), 0xff);
    lapic_deliver(&l, 0, 0x40, false);
    assert_int_equal(lapic_candidate(&l), -1);
}

static void interrupts_nest_by_class(void **state)
{
    (void)state;
    lapic_deliver(&l, 0, 0x41, false);
    lapic_deliver(&l, 0, 0x52, false);
    assert_int_equal(lapic_candidate(&l), 0x52);
    lapic_accept(&l, 0x52);
    assert_int_equal(lapic_candidate(&l), -1); /* 0x41 is below what is in service */
    lapic_deliver(&l, 0, 0x5f, false);
    assert_int_equal(lapic_candidate(&l), -1); /* same class */
    lapic_deliver(&l, 0, 0x60, false);
    assert_int_equal(lapic_candidate(&l), 0x60);
    lapic_accept(&l, 0x60);
    assert_int_equal(get(MSR(0x0a), 0), 0x60); /* PPR */
    assert_true(lapic_write_msr(&l, EOI, 0, 0));
    assert_int_equal(get(MSR(0x0a), 0), 0x50);
    assert_true(lapic_write_msr(&l, EOI, 0, 0));
    assert_int_equal(lapic_candidate(&l), 0x5f);
    lapic_accept(&l, 0x5f);
    assert_true(lapic_write_msr(&l, EOI, 0, 0));
    assert_int_equal(lapic_candidate(&l), 0x41);
    assert_true(lapic_write_msr(&l, EOI, 0, 0)); /* nothing in service: harmless */
}

static void self_ipis(void **state)
{
    (void)state;
    assert_true(lapic_write_msr(&l, SELF, 0x77, 0));
    assert_int_equal(lapic_candidate(&l), 0x77);
    lapic_accept(&l, 0x77);
    assert_true(lapic_write_msr(&l, EOI, 0, 0));
    assert_true(lapic_write_msr(&l, ICR, 0x00040078, 0)); /* shorthand self */
    assert_int_equal(lapic_candidate(&l), 0x78);
    assert_true(lapic_write_msr(&l, ICR, 0x0000000500000079, 0)); /* to somebody else */
    assert_int_equal(lapic_candidate(&l), 0x78);
    assert_true(lapic_write_msr(&l, ICR, 0x000c007a, 0)); /* all but self */
    assert_int_equal(lapic_candidate(&l), 0x78);
    assert_true(lapic_write_msr(&l, ICR, 0x0000000100000879, 0)); /* logical: cluster 0, bit 0 */
    assert_int_equal(lapic_candidate(&l), 0x79);
    assert_true(lapic_write_msr(&l, ICR, 0x00040400, 0));
    assert_true(l.nmi_pending);
    assert_false(lapic_write_msr(&l, SELF, 0x100, 0));
    assert_false(lapic_write_msr(&l, ICR, 0x2000, 0));
}

static void bad_vectors_are_errors(void **state)
{
    (void)state;
    assert_true(lapic_write_msr(&l, SELF, 5, 0));
    assert_int_equal(get(ESR, 0), 0);
    assert_true(lapic_write_msr(&l, ESR, 0, 0));
    assert_int_equal(get(ESR, 0), 0x40);
    assert_true(lapic_write_msr(&l, ICR, 0x00040003, 0));
    assert_true(lapic_write_msr(&l, ESR, 0, 0));
    assert_int_equal(get(ESR, 0), 0x20);
    assert_int_equal(lapic_candidate(&l), -1);
}

static void one_shot(void **state)
{
    (void)state;
    assert_true(lapic_write_msr(&l, LVT_TIMER_MSR, 0x30, 0));
    assert_true(lapic_write_msr(&l, DIVIDE, 0xb, 0)); /* by 1 */
    assert_true(lapic_write_msr(&l, INITIAL, 1000, 5000));
    assert_int_equal(l.deadline, 6000);
    assert_int_equal(get(CURRENT, 5600), 400);
    lapic_tick(&l, 5999);
    assert_int_equal(lapic_candidate(&l), -1);
    lapic_tick(&l, 6000);
    assert_int_equal(lapic_candidate(&l), 0x30);
    assert_int_equal(l.deadline, 0);
    assert_int_equal(get(CURRENT, 7000), 0);
    assert_true(lapic_write_msr(&l, DIVIDE, 0x3, 0)); /* by 16 */
    assert_true(lapic_write_msr(&l, INITIAL, 10, 100));
    assert_int_equal(l.deadline, 260);
    assert_true(lapic_write_msr(&l, INITIAL, 0, 100));
    assert_int_equal(l.deadline, 0);
}

static void periodic_catches_up(void **state)
{
    (void)state;
    assert_true(lapic_write_msr(&l, DIVIDE, 0xb, 0));
    assert_true(lapic_write_msr(&l, LVT_TIMER_MSR, 0x20031, 0));
    assert_true(lapic_write_msr(&l, INITIAL, 100000, 0));
    lapic_tick(&l, 100000);
    assert_int_equal(lapic_candidate(&l), 0x31);
    assert_int_equal(l.deadline, 200000);
    lapic_tick(&l, 1234567);
    assert_int_equal(l.deadline, 1300000);
    assert_true(lapic_write_msr(&l, INITIAL, 1, 0)); /* a period of one tick is not honoured */
    assert_true(l.deadline > 1000);
}

static void deadline_mode(void **state)
{
    (void)state;
    assert_true(lapic_write_deadline(&l, 500)); /* another mode: ignored */
    assert_int_equal(l.deadline, 0);
    assert_true(lapic_write_msr(&l, LVT_TIMER_MSR, 0x40032, 0));
    assert_true(lapic_write_msr(&l, INITIAL, 77, 0));
    assert_int_equal(l.deadline, 0);
    assert_true(lapic_write_deadline(&l, 500));
    assert_int_equal(lapic_read_deadline(&l), 500);
    lapic_tick(&l, 501);
    assert_int_equal(lapic_candidate(&l), 0x32);
    assert_int_equal(lapic_read_deadline(&l), 0);
    assert_true(lapic_write_deadline(&l, 900));
    assert_true(lapic_write_msr(&l, LVT_TIMER_MSR, 0x30, 0)); /* leaving the mode disarms */
    assert_int_equal(l.deadline, 0);
}

static void masked_timer_is_silent(void **state)
{
    (void)state;
    assert_true(lapic_write_msr(&l, LVT_TIMER_MSR, 0x10030, 0));
    assert_true(lapic_write_msr(&l, INITIAL, 1, 0));
    lapic_tick(&l, 1000);
    assert_int_equal(lapic_candidate(&l), -1);
}

static void mode_changes(void **state)
{
    uint64_t value;

    (void)state;
    assert_true(lapic_write_base(&l, 0xfee00d00));
    assert_false(lapic_write_base(&l, 0xfee00900)); /* x2APIC to xAPIC */
    assert_false(lapic_write_base(&l, 0xfee01d00)); /* another place */
    assert_false(lapic_write_base(&l, 0xfee00500)); /* x2APIC but disabled */
    assert_true(lapic_write_base(&l, 0xfee00100));
    assert_false(lapic_read_msr(&l, SVR, 0, &value));
    assert_false(lapic_write_base(&l, 0xfee00d00)); /* disabled to x2APIC */
    assert_true(lapic_write_base(&l, 0xfee00900));
    assert_false(lapic_read_msr(&l, SVR, 0, &value));
    lapic_write_mmio(&l, 0xf0, 0x1ff, 0);
    assert_int_equal(lapic_read_mmio(&l, 0xf0, 0), 0x1ff);
    lapic_write_mmio(&l, 0x310, 0, 0);
    lapic_write_mmio(&l, 0x300, 0x55, 0);
    assert_int_equal(lapic_candidate(&l), 0x55);
    lapic_write_mmio(&l, 0xd0, 0x01000000, 0);
    assert_int_equal(lapic_read_mmio(&l, 0xd0, 0), 0x01000000);
    assert_true(lapic_write_base(&l, 0xfee00d00));
    assert_int_equal(get(SVR, 0), 0x1ff);
}

static void every_register_is_harmless(void **state)
{
    uint64_t value;

    (void)state;
    for (uint32_t msr = LAPIC_MSR_FIRST; msr <= LAPIC_MSR_LAST; msr++) {
        lapic_read_msr(&l, msr, 5, &value);
        lapic_write_msr(&l, msr, 0, 5);
        lapic_write_msr(&l, msr, ~0ull, 5);
        lapic_write_msr(&l, msr, 0xffffffff, 5);
        lapic_tick(&l, msr * 1000000000ull);
        lapic_candidate(&l);
    }
}

static void ioapic_routes_edges(void **state)
{
    struct ioapic io;

    (void)state;
    ioapic_reset(&io);
    ioapic_write(&io, &bus, 0x00, 1);
    assert_int_equal(ioapic_read(&io, 0x10), 0x170020);
    ioapic_set_line(&io, &bus, 4, true); /* masked */
    ioapic_set_line(&io, &bus, 4, false);
    assert_int_equal(lapic_candidate(&l), -1);
    ioapic_write(&io, &bus, 0x00, 0x18);
    ioapic_write(&io, &bus, 0x10, 0x34);
    ioapic_set_line(&io, &bus, 4, true);
    assert_int_equal(lapic_candidate(&l), 0x34);
    lapic_accept(&l, 0x34);
    assert_true(lapic_write_msr(&l, EOI, 0, 0));
    assert_int_equal(lapic_take_eoi(&l), 0);
    ioapic_set_line(&io, &bus, 4, true); /* no edge */
    assert_int_equal(lapic_candidate(&l), -1);
    ioapic_write(&io, &bus, 0x00, 0x19);
    ioapic_write(&io, &bus, 0x10, 0x05000000); /* another CPU's */
    ioapic_set_line(&io, &bus, 4, false);
    ioapic_set_line(&io, &bus, 4, true);
    assert_int_equal(lapic_candidate(&l), -1);
}

static void ioapic_levels_come_again(void **state)
{
    struct ioapic io;

    (void)state;
    ioapic_reset(&io);
    ioapic_write(&io, &bus, 0x00, 0x20);
    ioapic_write(&io, &bus, 0x10, 0x8044);
    ioapic_set_line(&io, &bus, 8, true);
    assert_int_equal(ioapic_read(&io, 0x10), 0xc044); /* remote IRR */
    lapic_accept(&l, 0x44);
    assert_true(lapic_write_msr(&l, EOI, 0, 0));
    assert_int_equal(lapic_candidate(&l), -1);
    ioapic_eoi(&io, &bus, lapic_take_eoi(&l));
    assert_int_equal(lapic_candidate(&l), 0x44); /* the line is still up */
    lapic_accept(&l, 0x44);
    ioapic_set_line(&io, &bus, 8, false);
    assert_true(lapic_write_msr(&l, EOI, 0, 0));
    ioapic_eoi(&io, &bus, lapic_take_eoi(&l));
    assert_int_equal(lapic_candidate(&l), -1);
}

static void ioapic_every_register_is_harmless(void **state)
{
    struct ioapic io;

    (void)state;
    ioapic_reset(&io);
    for (unsigned select = 0; select < 256; select++) {
        ioapic_write(&io, &bus, 0x00, select);
        ioapic_write(&io, &bus, 0x10, 0xffffffff);
        ioapic_read(&io, 0x10);
        ioapic_write(&io, &bus, 0x10, 0);
    }
    for (unsigned offset = 0; offset < 0x1000; offset += 4) {
        ioapic_read(&io, offset);
        ioapic_write(&io, &bus, offset, 0xff);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(starts_in_x2apic_mode_and_disabled, fresh),
        cmocka_unit_test_setup(interrupts_nest_by_class, fresh),
        cmocka_unit_test_setup(self_ipis, fresh),
        cmocka_unit_test_setup(bad_vectors_are_errors, fresh),
        cmocka_unit_test_setup(one_shot, fresh),
        cmocka_unit_test_setup(periodic_catches_up, fresh),
        cmocka_unit_test_setup(deadline_mode, fresh),
        cmocka_unit_test_setup(masked_timer_is_silent, fresh),
        cmocka_unit_test_setup(mode_changes, fresh),
        cmocka_unit_test_setup(every_register_is_harmless, fresh),
        cmocka_unit_test_setup(ioapic_routes_edges, fresh),
        cmocka_unit_test_setup(ioapic_levels_come_again, fresh),
        cmocka_unit_test_setup(ioapic_every_register_is_harmless, fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
