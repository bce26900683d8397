/* Power button, PM registers, PM timer, watchdog. */
#include "vmm_fixture.h"
#include "pci.h"
#include "pm.h"
#include "port.h"

#define SLOT 15u
#define WATCHDOG_CONFIG (0x80000000u | SLOT << 11)

static uint32_t in(struct fixture *f, uint16_t port, unsigned bytes) { return port_read(&f->vm, port, bytes); }
static void out(struct fixture *f, uint16_t port, unsigned bytes, uint32_t value) { port_write(&f->vm, port, bytes, value); }

static int new_multiboot(void **state)
{
    int status = fixture_new(state);
    struct fixture *f = *state;

    f->config.boot = VM_BOOT_MULTIBOOT;
    return status;
}

static void button_of_fixed_hardware(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(in(f, PM_CONTROL, 2), 1);
    pm_press(&f->vm);
    assert_int_equal(in(f, PM_EVENT, 4), 0x100);
    assert_false(f->vm.ioapic.lines >> PM_SCI & 1);
    out(f, PM_EVENT + 2, 2, 0xffff); /* enable what there is */
    assert_int_equal(in(f, PM_EVENT + 2, 2), 0x100);
    assert_true(f->vm.ioapic.lines >> PM_SCI & 1);
    out(f, PM_EVENT, 2, 0x8000);
    assert_true(f->vm.ioapic.lines >> PM_SCI & 1);
    out(f, PM_EVENT + 1, 1, 0x01); /* a byte of the register */
    assert_int_equal(in(f, PM_EVENT, 4), 0x1000000);
    assert_false(f->vm.ioapic.lines >> PM_SCI & 1);
    pm_press(&f->vm);
    assert_true(f->vm.ioapic.lines >> PM_SCI & 1);
    pm_reset(&f->vm);
    assert_int_equal(in(f, PM_EVENT, 4), 0);
}

static void power_off_of_fixed_hardware(void **state)
{
    struct fixture *f = *state;

    out(f, PM_CONTROL, 2, 0x2000 | 3 << 10);
    assert_int_equal(f->vm.next, VM_RESUME);
    out(f, PM_CONTROL, 2, 5 << 10);
    assert_int_equal(in(f, PM_CONTROL, 2), 5 << 10 | 1);
    assert_int_equal(f->vm.next, VM_RESUME);
    out(f, PM_CONTROL, 2, 0x2000 | 5 << 10);
    assert_int_equal(f->vm.next, VM_POWER_OFF);
}

static void timer_counts(void **state)
{
    struct fixture *f = *state;
    uint64_t wanted, tsc, ticks;
    uint32_t begin;

    f->vm.tsc_hz = 1000000000;
    begin = in(f, PM_TIMER, 4);
    tsc = host_tsc();
    while (host_tsc() - tsc < 20000000)
        ;
    ticks = (in(f, PM_TIMER, 4) - begin) & 0xffffff;
    wanted = PM_TIMER_HZ / 50;
    assert_in_range(ticks, wanted, wanted * 50);
    assert_int_equal(in(f, PM_TIMER + 3, 1), 0);
    out(f, PM_TIMER, 4, 0);
    assert_int_equal(f->vm.counters[VMM_COUNT_PORT_UNKNOWN], 0);
    in(f, PM_TIMER + 2, 4);
    in(f, PM_CONTROL + 2, 2);
    assert_int_equal(f->vm.counters[VMM_COUNT_PORT_UNKNOWN], 2);
}

static void hardware_reduced(void **state)
{
    struct fixture *f = *state;

    f->vm.ioapic.redirect[PM_BUTTON_PIN] = 0x31; /* edge, unmasked, to APIC 0 */
    lapic_reset(&f->vm.lapic, true);
    assert_true(lapic_write_msr(&f->vm.lapic, 0x80f, 0x1ff, 0));
    pm_press(&f->vm);
    assert_int_equal(lapic_candidate(&f->vm.lapic), 0x31);
    assert_int_equal(in(f, PM_EVENT, 4), ~0u);
    assert_int_equal(in(f, PM_TIMER, 4), ~0u);
    out(f, PM_CONTROL, 2, 0x2000 | 5 << 10);
    out(f, PM_SLEEP_CONTROL, 1, 0x14);
    assert_int_equal(f->vm.next, VM_RESUME);
    out(f, PM_SLEEP_CONTROL, 1, 0x34);
    assert_int_equal(f->vm.next, VM_POWER_OFF);
}

static void configure(struct fixture *f, unsigned offset, unsigned bytes, uint32_t value)
{
    out(f, 0xcf8, 4, WATCHDOG_CONFIG | (offset & 0xfc));
    out(f, (uint16_t)(0xcfc + (offset & 3)), bytes, value);
}

static uint32_t configuration(struct fixture *f, unsigned offset)
{
    out(f, 0xcf8, 4, WATCHDOG_CONFIG | offset);
    return in(f, 0xcfc, 4);
}

/* A register of the BAR, after the sequence that opens it. */
static void set(struct fixture *f, uint32_t offset, uint64_t value)
{
    uint64_t bar = configuration(f, 0x10) & ~15u;

    assert_true(pci_mmio_write(&f->vm, bar + 0xc, 2, 0x80));
    assert_true(pci_mmio_write(&f->vm, bar + 0xc, 2, 0x86));
    assert_true(pci_mmio_write(&f->vm, bar + offset, 4, value));
}

static int new_watchdog(void **state)
{
    int status = fixture_new(state);
    struct fixture *f = *state;

    watchdog_add(&f->vm);
    configure(f, 0x04, 2, 2);
    return status;
}

static void watchdog_runs_down(void **state)
{
    struct fixture *f = *state;
    uint64_t hz = f->vm.tsc_hz, begin = host_tsc();

    assert_int_equal(configuration(f, 0), 0x25ab8086);
    set(f, 0, 512);
    set(f, 4, 512);
    set(f, 0xc, 0x100);
    assert_int_equal(f->vm.watchdog.deadline, 0); /* not enabled */
    configure(f, 0x68, 1, 2);
    assert_in_range(f->vm.watchdog.deadline, begin + hz, host_tsc() + hz + hz / 10); /* 1024 ticks of 2^15 / 33 MHz, and a little */
    watchdog_tick(&f->vm, f->vm.watchdog.deadline - 1);
    assert_int_equal(f->vm.next, VM_RESUME);
    watchdog_tick(&f->vm, f->vm.watchdog.deadline);
    assert_int_equal(f->vm.next, VM_STOP);
    assert_non_null(strstr(f->vm.reason, "watchdog"));
    f->vm.next = VM_RESUME;
    watchdog_tick(&f->vm, ~0ull);
    assert_int_equal(f->vm.next, VM_RESUME);
}

static void watchdog_is_kept_quiet(void **state)
{
    struct fixture *f = *state;
    uint64_t bar = configuration(f, 0x10) & ~15u, before, value;

    set(f, 0, 3);
    set(f, 4, 4);
    assert_true(pci_mmio_read(&f->vm, bar, 4, &value));
    assert_int_equal(value, 3);
    assert_true(pci_mmio_write(&f->vm, bar, 4, 77)); /* not opened */
    assert_true(pci_mmio_read(&f->vm, bar, 4, &value));
    assert_int_equal(value, 3);
    configure(f, 0x68, 1, 2);
    before = f->vm.watchdog.deadline;
    assert_true(pci_mmio_write(&f->vm, bar + 0xc, 2, 0x100)); /* not opened */
    assert_int_equal(f->vm.watchdog.deadline, before);
    set(f, 0xc, 0x100);
    assert_true(f->vm.watchdog.deadline > before);
    configure(f, 0x60, 2, 0x24); /* 1 us ticks, without effect */
    set(f, 0xc, 0x100);
    assert_true(f->vm.watchdog.deadline < before);
    watchdog_tick(&f->vm, ~0ull);
    assert_int_equal(f->vm.next, VM_RESUME);
    configure(f, 0x68, 1, 3); /* on, and locked */
    configure(f, 0x68, 1, 0);
    assert_int_equal(configuration(f, 0x68) & 7, 3);
    assert_true(f->vm.watchdog.deadline);
    vm_reset(&f->vm);
    assert_int_equal(f->vm.watchdog.deadline, 0);
    configure(f, 0x68, 1, 2);
    configure(f, 0x68, 1, 0);
    assert_int_equal(f->vm.watchdog.deadline, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(button_of_fixed_hardware, new_multiboot, fixture_free),
        cmocka_unit_test_setup_teardown(power_off_of_fixed_hardware, new_multiboot, fixture_free),
        cmocka_unit_test_setup_teardown(timer_counts, new_multiboot, fixture_free),
        cmocka_unit_test_setup_teardown(hardware_reduced, fixture_new, fixture_free),
        cmocka_unit_test_setup_teardown(watchdog_runs_down, new_watchdog, fixture_free),
        cmocka_unit_test_setup_teardown(watchdog_is_kept_quiet, new_watchdog, fixture_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
