#include "mmio.h"

static bool in(uint64_t address, uint64_t start, uint64_t size) { return address - start < size; }

/* The local APIC answers only in xAPIC mode (AMD APM volume 2, 16.9). */
static bool xapic(const struct vm *vm)
{
    return (vm->lapic.base & (LAPIC_BASE_ENABLED | LAPIC_BASE_X2APIC)) == LAPIC_BASE_ENABLED;
}

uint64_t mmio_read(struct vm *vm, uint64_t address, unsigned bytes)
{
    uint64_t wide;
    struct device_access remote = {.kind = ACCESS_MMIO_READ, .bytes = bytes, .address = address};
    bool own = in(address, LAPIC_MMIO, LAPIC_MMIO_SIZE);
    uint32_t value;

    if (vm->remote && !own) {
        vm->remote(vm, &remote);
        return remote.value;
    }
    if (in(address, IOAPIC_MMIO, IOAPIC_MMIO_SIZE))
        value = ioapic_read(&vm->ioapic, (uint32_t)(address & 0xffc));
    else if (own && xapic(vm))
        value = lapic_read_mmio(&vm->lapic, (uint32_t)(address & 0xffc), vm_tsc(vm));
    else {
        if (pci_mmio_read(vm, address, bytes, &wide))
            return wide;
        vm_count(vm, VMM_COUNT_MMIO_UNKNOWN);
        return ~0ull;
    }
    value >>= 8 * (address & 3);
    return bytes <= 4 ? value : value | ~0ull << 32;
}

void mmio_write(struct vm *vm, uint64_t address, unsigned bytes, uint64_t value)
{
    struct device_access remote = {.kind = ACCESS_MMIO_WRITE, .bytes = bytes, .address = address, .value = value};
    bool whole = bytes == 4 && !(address & 3); /* both devices take aligned 32-bit writes only */
    bool own = in(address, LAPIC_MMIO, LAPIC_MMIO_SIZE);

    if (vm->remote && !own)
        vm->remote(vm, &remote);
    else if (in(address, IOAPIC_MMIO, IOAPIC_MMIO_SIZE) && whole)
        ioapic_write(&vm->ioapic, &vm->bus, (uint32_t)(address & 0xfff), (uint32_t)value);
    else if (own && xapic(vm) && whole)
        lapic_write_mmio(&vm->lapic, (uint32_t)(address & 0xfff), (uint32_t)value, vm_tsc(vm));
    else if (!pci_mmio_write(vm, address, bytes, value))
        vm_count(vm, VMM_COUNT_MMIO_UNKNOWN);
}
