#include <stdarg.h>
#include "acpi.h"
#include "lib.h"
#include "linux.h"
#include "loader.h"
#include "msr.h"
#include "multiboot.h"
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

bool vm_reset(struct vm *vm)
{
    vm->tsc_offset = 0; /* the TSC counts from the machine's power-on, as on the bare machine; a guest may set its own */
    memset(vm->code_pages, 0, sizeof vm->code_pages);
    msr_reset(&vm->msr);
    clock_reset(&vm->clock);
    lapic_reset(&vm->lapic);
    ioapic_reset(&vm->ioapic);
    uart_reset(&vm->uart);
    pci_reset(vm);
    if (vm->memory.bytes < MIN_MEMORY) {
        vm_stop(vm, "memory: %lu bytes are too few: 2 MiB is the least", vm->memory.bytes);
        return false;
    }
    acpi_write(&vm->memory);
    loader_write_reset_vector(vm);
    switch (vm->config->boot) {
    case VM_BOOT_LINUX: return linux_load(vm);
    case VM_BOOT_MULTIBOOT: return multiboot_load(vm);
    default: vm_stop(vm, "configuration: unknown way to boot: %u", vm->config->boot); return false;
    }
}
