#include <stdarg.h>
#include "acpi.h"
#include "lib.h"
#include "linux.h"
#include "loader.h"
#include "mmio.h"
#include "msr.h"
#include "multiboot.h"
#include "port.h"
#include "vm.h"

#define MIN_MEMORY 0x200000u

enum vm_next vm_stop(struct vm *vm, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    text_vformat(vm->reason, sizeof vm->reason, format, arguments);
    va_end(arguments);
    return VM_STOP;
}

/* What each vCPU has of its own. */
static void cpu_reset(struct vm *vm)
{
    vm->tsc_offset = 0; /* the TSC counts from the machine's power-on, as on the bare machine; a guest may set its own */
    vm->deaf = false;
    memset(vm->code_pages, 0xff, sizeof vm->code_pages); /* no page begins at ~0 */
    msr_reset(&vm->msr);
    clock_reset(&vm->clock);
    lapic_reset(&vm->lapic, vm->config->boot != VM_BOOT_MULTIBOOT); /* as a PC's firmware leaves it for what multiboot starts */
}

bool vm_reset(struct vm *vm)
{
    cpu_reset(vm);
    if (vm->remote) /* not vCPU 0: it waits for INIT and start-up IPI, and has no devices */
        return true;
    ioapic_reset(&vm->ioapic);
    uart_reset(&vm->uart);
    pm_reset(vm);
    pci_reset(vm);
    if (vm->memory.bytes < MIN_MEMORY) {
        vm_stop(vm, "memory: %lu bytes are too few: 2 MiB is the least", vm->memory.bytes);
        return false;
    }
    acpi_write(&vm->memory, vm->bus.count, vm->config->boot == VM_BOOT_MULTIBOOT);
    loader_write_reset_vector(vm);
    switch (vm->config->boot) {
    case VM_BOOT_LINUX: return linux_load(vm);
    case VM_BOOT_MULTIBOOT: return multiboot_load(vm);
    default: vm_stop(vm, "configuration: unknown way to boot: %u", vm->config->boot); return false;
    }
}

void vm_device_access(struct vm *vm, struct device_access *a)
{
    unsigned bytes = a->bytes >= 1 && a->bytes <= 8 ? a->bytes : 1, port_bytes = bytes == 2 || bytes == 4 ? bytes : 1;

    switch (a->kind) {
    case ACCESS_PORT_READ: a->value = port_read(vm, (uint16_t)a->address, port_bytes); break;
    case ACCESS_PORT_WRITE: port_write(vm, (uint16_t)a->address, port_bytes, (uint32_t)a->value); break;
    case ACCESS_MMIO_READ: a->value = mmio_read(vm, a->address, bytes); break;
    case ACCESS_MMIO_WRITE: mmio_write(vm, a->address, bytes, a->value); break;
    case ACCESS_EOI: ioapic_eoi(&vm->ioapic, &vm->bus, a->value & 0xff); break;
    default: break;
    }
}

void vm_end_of_interrupt(struct vm *vm, unsigned vector)
{
    struct device_access a = {.kind = ACCESS_EOI, .value = vector};

    if (vm->remote)
        vm->remote(vm, &a);
    else
        vm_device_access(vm, &a);
}

/* Each vCPU says that it is deaf before it looks at the others, so the last one sees them all. */
bool vm_is_deaf(const struct vm *vm)
{
    const struct apic_bus *bus = &vm->bus;

    __atomic_store_n(&bus->boxes[bus->self].state, MAILBOX_DEAF, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < bus->count; i++) {
        const struct vm_mailbox *box = &bus->boxes[i];
        uint32_t state = __atomic_load_n(&box->state, __ATOMIC_SEQ_CST);

        if (state == MAILBOX_RUNNING || __atomic_load_n(&box->orders, __ATOMIC_SEQ_CST))
            return false;
    }
    return true;
}
