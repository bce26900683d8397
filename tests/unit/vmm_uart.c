/* 16550A and the ports around it. */
#include "vmm_fixture.h"
#include "port.h"

static uint8_t in(struct fixture *f, unsigned offset) { return (uint8_t)port_read(&f->vm, (uint16_t)(UART_PORT + offset), 1); }
static void out(struct fixture *f, unsigned offset, uint8_t value) { port_write(&f->vm, (uint16_t)(UART_PORT + offset), 1, value); }
static bool line(struct fixture *f) { return f->vm.ioapic.lines >> UART_IRQ & 1; }

static void output_leaves_at_once(void **state)
{
    struct fixture *f = *state;

    for (const char *c = "hello"; *c; c++) {
        assert_int_equal(in(f, 5) & 0x60, 0x60);
        out(f, 0, (uint8_t)*c);
    }
    assert_string_equal(f->output, "hello");
}

static void divisor_is_no_output(void **state)
{
    struct fixture *f = *state;

    out(f, 3, 0x83);
    out(f, 0, 0x0c);
    out(f, 1, 0x01);
    assert_int_equal(in(f, 0), 0x0c);
    assert_int_equal(in(f, 1), 0x01);
    out(f, 3, 0x03);
    assert_int_equal(f->output_bytes, 0);
    assert_int_equal(in(f, 1), 0);
    out(f, 7, 0xa5);
    assert_int_equal(in(f, 7), 0xa5);
}

static void input_interrupts(void **state)
{
    struct fixture *f = *state;

    out(f, 1, 0x01);
    out(f, 2, 0x01);
    assert_int_equal(in(f, 2), 0xc1);
    f->input = "0123456789abcdefghij";
    f->vm.console_read(&f->vm);
    port_update_uart(&f->vm);
    assert_true(line(f));
    assert_int_equal(in(f, 2), 0xc4);
    for (unsigned i = 0; i < 20; i++) { /* more than the FIFO: it is filled again as it is read */
        assert_int_equal(in(f, 5) & 1, 1);
        assert_int_equal(in(f, 0), "0123456789abcdefghij"[i]);
    }
    assert_int_equal(in(f, 5) & 1, 0);
    assert_int_equal(in(f, 0), 0);
    assert_false(line(f));
}

static void few_bytes_time_out(void **state)
{
    struct fixture *f = *state;

    out(f, 1, 0x01);
    out(f, 2, 0xc1); /* trigger at 14 */
    uart_receive(&f->vm.uart, 'x');
    assert_int_equal(in(f, 2), 0xcc);
    out(f, 2, 0xc3); /* clear */
    assert_int_equal(in(f, 2), 0xc1);
}

static void transmit_interrupt(void **state)
{
    struct fixture *f = *state;

    out(f, 1, 0x02);
    assert_true(line(f));
    assert_int_equal(in(f, 2) & 0xf, 0x2);
    assert_false(line(f)); /* reading the cause clears it */
    out(f, 0, 'x');
    assert_true(line(f));
    out(f, 1, 0);
    assert_false(line(f));
}

static void loop_mode(void **state)
{
    struct fixture *f = *state;

    out(f, 4, 0x1a);
    assert_int_equal(in(f, 6) & 0xf0, 0x90); /* how Linux detects the chip */
    out(f, 0, 'q');
    assert_int_equal(f->output_bytes, 0);
    assert_int_equal(in(f, 0), 'q');
    out(f, 4, 0x0b);
    assert_int_equal(in(f, 6) & 0xf0, 0xb0);
}

static void overrun(void **state)
{
    struct fixture *f = *state;

    for (unsigned i = 0; i < 3; i++)
        uart_receive(&f->vm.uart, 'a'); /* no FIFO: one byte */
    assert_int_equal(in(f, 5) & 3, 3);
    assert_int_equal(in(f, 5) & 3, 1);
}

static void every_port(void **state)
{
    struct fixture *f = *state;

    for (unsigned bytes = 1; bytes <= 4; bytes *= 2)
        for (uint32_t port = 0; port < 0x10000; port++) {
            uint32_t value = port_read(&f->vm, (uint16_t)port, bytes);

            assert_true(bytes == 4 || value >> 8 * bytes == 0);
            f->vm.next = VM_RESUME;
            if (port != 0xf4)
                port_write(&f->vm, (uint16_t)port, bytes, 0x5a5a5a5a);
            assert_int_equal(f->vm.next, VM_RESUME);
        }
    assert_int_equal(port_read(&f->vm, 0x1234, 2), 0xffff);
    assert_true(f->vm.counters[VMM_COUNT_PORT_UNKNOWN] > 3 * 2 * 65000);
}

static void ways_to_end(void **state)
{
    static const struct {
        uint16_t port;
        uint8_t value;
        enum vm_next next;
    } ways[] = {{0xcf9, 0x06, VM_RESET}, {0xcf9, 0x02, VM_RESUME}, {0x64, 0xfe, VM_RESET}, {0x64, 0xd1, VM_RESUME}, {0x92, 1, VM_RESET},
                {0x92, 2, VM_RESUME}, {0x600, 0x34, VM_POWER_OFF}, {0x600, 0x14, VM_RESUME}, {0x600, 0x30, VM_RESUME}, {0xf4, 3, VM_POWER_OFF},
                {0xf5, 1, VM_RESUME}};
    struct fixture *f = *state;

    for (unsigned i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        f->vm.next = VM_RESUME;
        port_write(&f->vm, ways[i].port, 1, ways[i].value);
        assert_int_equal(f->vm.next, ways[i].next);
    }
    assert_int_equal(f->exit_code, 3);
    assert_int_equal(f->exit_codes, 1);
}

static void pci_has_a_bridge_and_nothing_else(void **state)
{
    struct fixture *f = *state;

    port_write(&f->vm, 0xcf8, 4, 0x80000000);
    assert_int_equal(port_read(&f->vm, 0xcf8, 4), 0x80000000);
    assert_int_equal(port_read(&f->vm, 0xcfc, 4), 0x00081b36);
    assert_int_equal(port_read(&f->vm, 0xcfe, 2), 0x0008);
    port_write(&f->vm, 0xcf8, 4, 0x80000008);
    assert_int_equal(port_read(&f->vm, 0xcfe, 2), 0x0600);
    port_write(&f->vm, 0xcfc, 4, 0xffffffff);
    assert_int_equal(port_read(&f->vm, 0xcfe, 2), 0x0600);
    for (uint32_t function = 1; function < 0x10000; function++) {
        port_write(&f->vm, 0xcf8, 4, 0x80000000 | function << 8);
        assert_int_equal(port_read(&f->vm, 0xcfc, 4), 0xffffffff);
    }
    port_write(&f->vm, 0xcf8, 4, 0);
    assert_int_equal(port_read(&f->vm, 0xcfc, 4), 0xffffffff);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_new, fixture_free)
int main(void)
{
    const struct CMUnitTest tests[] = {T(output_leaves_at_once), T(divisor_is_no_output), T(input_interrupts), T(few_bytes_time_out),
                                       T(transmit_interrupt), T(loop_mode), T(overrun), T(every_port), T(ways_to_end),
                                       T(pci_has_a_bridge_and_nothing_else)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
