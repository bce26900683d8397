/* I/O ports, interrupts, IPIs and the timer. */
#include "kernel/x86/irq.h"
#include "kernel/x86/timer.h"
#include "x86_host.h"

#define ROOT SEL4_CAP_INIT_CNODE

static int boot(void **state)
{
    (void)state;
    host_boot();
    return 0;
}

static word_t issue(word_t first, word_t last, word_t slot)
{
    return CALL(SEL4_CAP_IOPORT_CONTROL, SEL4_X86_IOPORT_CONTROL_ISSUE, CAPS(ROOT), first, last, slot, 64);
}

static void ports(void **state)
{
    (void)state;
    word_t slot = new_slot(), other = new_slot();
    assert_int_equal(issue(0x3ff, 0x3f8, slot), SEL4_INVALID_ARGUMENT);
    assert_int_equal(issue(0x3f8, 0x10000, slot), SEL4_RANGE_ERROR);
    assert_int_equal(issue(0x3f8, 0x400, slot), SEL4_ILLEGAL_OPERATION); /* beyond what the map gives */
    assert_int_equal(issue(0x80, 0x80, slot), SEL4_ILLEGAL_OPERATION);
    assert_int_equal(issue(0x3f8, 0x3fb, slot), SEL4_NO_ERROR);
    assert_int_equal(issue(0x3fb, 0x3fc, other), SEL4_REVOKE_FIRST);
    assert_int_equal(issue(0x3fc, 0x3ff, slot), SEL4_DELETE_FIRST);
    assert_int_equal(issue(0x3fc, 0x3ff, other), SEL4_NO_ERROR);

    assert_int_equal(CALL(slot, SEL4_X86_IOPORT_OUT32, CAPS(0), 0x3f8, 0x44332211), SEL4_NO_ERROR);
    assert_int_equal(CALL(slot, SEL4_X86_IOPORT_IN16, CAPS(0), 0x3f9), SEL4_NO_ERROR);
    assert_int_equal(result(0), 0x3322);
    assert_int_equal(CALL(slot, SEL4_X86_IOPORT_IN32, CAPS(0), 0x3f9), SEL4_ILLEGAL_OPERATION); /* its end is outside */
    assert_int_equal(CALL(slot, SEL4_X86_IOPORT_OUT8, CAPS(0), 0x3fc, 1), SEL4_ILLEGAL_OPERATION);
    assert_int_equal(CALL(slot, SEL4_X86_IOPORT_OUT8, CAPS(0), 0x3f8), SEL4_TRUNCATED_MESSAGE);
    assert_int_equal(CALL(ROOT, SEL4_CNODE_DELETE, CAPS(0), slot, 64), SEL4_NO_ERROR);
    assert_int_equal(issue(0x3f8, 0x3fb, slot), SEL4_NO_ERROR); /* free again */
}

static word_t get(word_t vector, word_t slot) { return CALL(SEL4_CAP_IRQ_CONTROL, SEL4_IRQ_CONTROL_GET, CAPS(ROOT), vector, slot, 64); }

static void bare_vectors(void **state)
{
    (void)state;
    word_t slot = new_slot(), n = retype(SEL4_NOTIFICATION, 0);
    assert_int_equal(get(108, slot), SEL4_RANGE_ERROR);
    assert_int_equal(get(0, slot), SEL4_ILLEGAL_OPERATION); /* vector 0x30 is not in the map */
    assert_int_equal(get(0x20, slot), SEL4_NO_ERROR);
    assert_int_equal(get(0x20, new_slot()), SEL4_REVOKE_FIRST);
    assert_int_equal(CALL(slot, SEL4_IRQ_HANDLER_SET_NOTIFICATION, CAPS(n)), SEL4_NO_ERROR);
    unsigned ended = machine.end_of_interrupts;
    irq_interrupt(0x50);
    irq_interrupt(0x51); /* nobody's: ended, and nothing else */
    assert_int_equal(machine.end_of_interrupts, ended + 2);
    const struct notification *object = object_at(cap_offset48(slot_at(n)->cap));
    assert_int_equal(object->state, NOTIFICATION_ACTIVE);
    assert_int_equal(CALL(ROOT, SEL4_CNODE_DELETE, CAPS(0), slot, 64), SEL4_NO_ERROR);
    assert_int_equal(get(0x20, slot), SEL4_NO_ERROR);
}

static word_t get_pin(word_t slot, word_t ioapic, word_t pin, word_t level, word_t low, word_t vector)
{
    return CALL(SEL4_CAP_IRQ_CONTROL, SEL4_IRQ_CONTROL_GET_IOAPIC, CAPS(ROOT), slot, 64, ioapic, pin, level, low, vector);
}

static void pins(void **state)
{
    (void)state;
    word_t slot = new_slot();
    assert_int_equal(get_pin(slot, 1, 4, 0, 0, 0x21), SEL4_RANGE_ERROR);
    assert_int_equal(get_pin(slot, 0, 24, 0, 0, 0x21), SEL4_RANGE_ERROR);
    assert_int_equal(get_pin(slot, 0, 4, 2, 0, 0x21), SEL4_RANGE_ERROR);
    assert_int_equal(get_pin(slot, 0, 4, 0, 0, 0x21), SEL4_NO_ERROR);
    assert_int_equal(get_pin(new_slot(), 0, 4, 0, 0, 0x22), SEL4_REVOKE_FIRST); /* the pin is taken */
    assert_int_equal(CALL(ROOT, SEL4_CNODE_DELETE, CAPS(0), slot, 64), SEL4_NO_ERROR);
    assert_int_equal(get_pin(slot, 0, 4, 1, 1, 0x22), SEL4_NO_ERROR);
}

/* 82093AA data sheet, 3.2.4; seL4 writes 0x12030 for pin 2 edge, active low, vector 0x30, masked. */
static void redirection_words(void **state)
{
    (void)state;
    ioapic_connect(0, 2, 0x30, false, true);
    assert_true(ioapic_page[0] == 0x14 && ioapic_page[4] == 0x12030);
    ioapic_connect(0, 2, 0x51, true, true);
    assert_int_equal(ioapic_page[4], 0x1a051);
    ioapic_disconnect(0, 2, 0x51);
    assert_int_equal(ioapic_page[4], 0x10000);
}

static void ipis(void **state)
{
    (void)state;
    word_t bell = named("bell")->first_slot;
    machine.icr = 0;
    assert_int_equal(CALL(bell, 0, CAPS(0)), SEL4_NO_ERROR);
    assert_true(machine.icr == (3ull << 32 | 0x50));
}

#define MS 2000000u /* ticks */

/* Doorbells that come faster than 64 in a millisecond wait until it is over; others, and the timer, do not. A doorbell that waits so is nothing that
 * a long operation would have to stop for. */
static void doorbells_are_moderated(void **state)
{
    (void)state;
    machine.tsc += 100 * MS;
    timer_interrupt();
    for (unsigned round = 0; round < 3; round++) {
        uint64_t begin = machine.tsc;
        for (unsigned i = 0; i < 1000; i++, machine.tsc += MS / 100) /* as slow as this they may come for ever */
            if (i % 2)
                irq_interrupt(0x50);
        assert_int_equal(machine.task_priority, 0);
        for (unsigned i = 0; i < 1000; i++)
            irq_interrupt(0x60); /* not one of them */
        assert_int_equal(machine.task_priority, 0);
        begin = machine.tsc += 2 * MS;
        timer_interrupt();
        unsigned taken = 0;
        for (; !machine.task_priority && taken < 1000; taken++, machine.tsc += MS / 200)
            irq_interrupt(taken % 2 ? 0x50 : 0x5f);
        assert_in_range(taken, ATOLL_MODERATED_BURST, 2 * ATOLL_MODERATED_BURST); /* the batch that begins in quiet, and one more */
        assert_int_equal(machine.task_priority, 0x50); /* classes 5 and below wait; 6 (0x60) does not */
        assert_true(machine.timer_count * 2 <= 1 * MS);
        machine.bell_waits = true;
        assert_false(lapic_pending());
        timer_interrupt(); /* something else's */
        assert_int_equal(machine.task_priority, 0x50);
        machine.tsc = begin + 3 * MS;
        timer_interrupt();
        assert_int_equal(machine.task_priority, 0);
        assert_true(lapic_pending());
        machine.bell_waits = false;
    }
}

/* TSC 2 GHz, APIC timer 1 GHz: a count is half the ticks, and never zero. */
static void timer_counts(void **state)
{
    (void)state;
    machine.tsc = 1000000;
    timer_interrupt();
    machine_set_deadline(machine.tsc + 20000);
    assert_int_equal(machine.timer_count, 10001);
    machine_set_deadline(machine.tsc + 40000); /* later: left alone */
    assert_int_equal(machine.timer_count, 10001);
    machine_set_deadline(0);
    assert_int_equal(machine.timer_count, 1);
    machine.timer_count = 0;
    timer_interrupt();
    assert_int_not_equal(machine.timer_count, 0); /* there is always the next event to wait for */
    timer_interrupt();
    machine_set_deadline(UINT64_MAX - 1);
    assert_true(machine.timer_count <= UINT32_MAX);
}

static void spurious_interrupts(void **state)
{
    (void)state;
    unsigned ends = machine.end_of_interrupts;
    lapic_spurious();
    assert_int_equal(machine.end_of_interrupts, ends); /* an end would be another interrupt's */
    machine.spurious_in_service = true;
    lapic_spurious();
    assert_int_equal(machine.end_of_interrupts, ends + 1);
    machine.spurious_in_service = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ports),             cmocka_unit_test(bare_vectors), cmocka_unit_test(pins),
        cmocka_unit_test(redirection_words), cmocka_unit_test(ipis),         cmocka_unit_test(timer_counts),
        cmocka_unit_test(doorbells_are_moderated), cmocka_unit_test(spurious_interrupts),
    };
    return cmocka_run_group_tests(tests, boot, NULL);
}
