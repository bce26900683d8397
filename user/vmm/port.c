#include "port.h"
#include "rtc.h"

#define PORT_PIC1 0x20 /* two 8259A and their edge registers: written to at boot, never asked for an interrupt */
#define PORT_PIC2 0xa0
#define PORT_KEYBOARD 0x64
#define KEYBOARD_RESET 0xfe
#define PORT_POST 0x80 /* where firmware shows its progress; Linux and others write it to wait a little */
#define PORT_FAST_A20 0x92
#define FAST_RESET 0x01
#define PORT_DELAY 0xed
#define PORT_DEBUG_EXIT 0xf4
#define PORT_RESET 0xcf9
#define PORT_PM_END (PM_TIMER + PM_TIMER_BYTES)
#define RESET_CPU 0x04

void port_update_uart(struct vm *vm)
{
    ioapic_set_line(&vm->ioapic, &vm->bus, UART_IRQ, uart_interrupt(&vm->uart));
}

static bool is_uart(uint16_t port) { return port >= UART_PORT && port < UART_PORT + UART_PORTS; }

static uint32_t all_ones(unsigned bytes) { return bytes >= 4 ? ~0u : (1u << 8 * bytes) - 1; }

static uint32_t unknown_read(struct vm *vm, unsigned bytes)
{
    vm_count(vm, VMM_COUNT_PORT_UNKNOWN);
    return all_ones(bytes);
}

static uint32_t uart_port_read(struct vm *vm, unsigned offset)
{
    uint32_t value = uart_read(&vm->uart, offset);

    if (offset == 0 && uart_room(&vm->uart))
        vm->console_read(vm);
    port_update_uart(vm);
    return value;
}

static void uart_port_write(struct vm *vm, unsigned offset, uint8_t value)
{
    uart_write(&vm->uart, offset, value);
    if (offset == 2 || offset == 4) /* the FIFO was cleared, or loop mode left */
        vm->console_read(vm);
    port_update_uart(vm);
}

static __attribute__((noinline)) uint32_t remote_access(struct vm *vm, enum device_access_kind kind, uint16_t port, unsigned bytes,
                                                         uint32_t value)
{
    struct device_access access = {.kind = kind, .bytes = bytes, .address = port, .value = value};

    vm->remote(vm, &access);
    return (uint32_t)access.value;
}

uint32_t port_read(struct vm *vm, uint16_t port, unsigned bytes)
{
    uint32_t value;

    if (vm->remote)
        return remote_access(vm, ACCESS_PORT_READ, port, bytes, 0) & all_ones(bytes);
    if (is_uart(port) && bytes == 1)
        return uart_port_read(vm, port - UART_PORT);
    if (port >= PCI_ADDRESS_PORT && port + bytes <= PCI_DATA_PORT + 4u && port != PORT_RESET)
        return pci_port_read(vm, port, bytes) & all_ones(bytes);
    if (port >= PM_SLEEP_CONTROL && port < PORT_PM_END)
        return pm_read(vm, port, bytes, &value) ? value & all_ones(bytes) : unknown_read(vm, bytes);
    switch (port) {
    case PORT_RESET: return 0;
    case RTC_PORT_DATA: return bytes == 1 ? rtc_read(vm->rtc_index & 0x7f, vm->epoch + host_tsc() / vm->tsc_hz) : all_ones(bytes);
    case PORT_FAST_A20: return 0x02; /* address line 20 is always on */
    case PORT_PIC1: case PORT_PIC2: case PORT_PIC1 + 1: case PORT_PIC2 + 1: return all_ones(bytes);
    default: return unknown_read(vm, bytes);
    }
}

void port_write(struct vm *vm, uint16_t port, unsigned bytes, uint32_t value)
{
    if (vm->remote && port != VM_TEST_PORT) { /* that one is about this vCPU's own VMM and kernel */
        remote_access(vm, ACCESS_PORT_WRITE, port, bytes, value);
        return;
    }
    value &= all_ones(bytes);
    if (is_uart(port) && bytes == 1) {
        uart_port_write(vm, port - UART_PORT, (uint8_t)value);
        return;
    }
    if (port == PORT_RESET && bytes == 1) {
        if (value & RESET_CPU)
            vm->next = VM_RESET;
        return;
    }
    if (port >= PCI_ADDRESS_PORT && port + bytes <= PCI_DATA_PORT + 4u) {
        pci_port_write(vm, port, bytes, value);
        return;
    }
    if (port >= PM_SLEEP_CONTROL && port < PORT_PM_END && pm_write(vm, port, bytes, value))
        return;
    switch (port) {
    case PORT_DEBUG_EXIT:
        vm->exit_code(vm, value);
        vm->next = VM_POWER_OFF;
        break;
    case VM_TEST_PORT:
        if (vm->config->flags & (VM_FLAG_TEST_CRASH_VMM | VM_FLAG_TEST_CRASH_KERNEL))
            vm->test_hook(vm, (uint8_t)value);
        else
            vm_count(vm, VMM_COUNT_PORT_UNKNOWN);
        break;
    case RTC_PORT_INDEX: vm->rtc_index = (uint8_t)value; break;
    case RTC_PORT_DATA: break;
    case PORT_KEYBOARD:
        if ((uint8_t)value == KEYBOARD_RESET)
            vm->next = VM_RESET;
        break;
    case PORT_FAST_A20:
        if (value & FAST_RESET)
            vm->next = VM_RESET;
        break;
    case PORT_PIC1: case PORT_PIC2: case PORT_PIC1 + 1: case PORT_PIC2 + 1: case PORT_POST: case PORT_DELAY:
        break;
    default: vm_count(vm, VMM_COUNT_PORT_UNKNOWN);
    }
}
