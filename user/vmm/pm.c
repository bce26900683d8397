#include "pm.h"
#include "vm.h"

#define SLEEP_ENABLE 0x20u
#define SLEEP_TYPE_SHIFT 2
#define SLEEP_TYPE_MASK 7u
#define SLEEP_TYPE_S5 5u /* as in dsdt.dsl */

/* PM1 registers (4.8.3.1, 4.8.3.2). */
#define PM1_BUTTON 0x100u
#define PM1_SCI_ENABLED 0x1u
#define PM1_SLEEP_ENABLE 0x2000u
#define PM1_SLEEP_TYPE_SHIFT 10
#define PM1_CONTROL_KEPT (SLEEP_TYPE_MASK << PM1_SLEEP_TYPE_SHIFT)
#define TIMER_MASK 0xffffffu

static bool fixed_hardware(const struct vm *vm) { return vm->config->boot == VM_BOOT_MULTIBOOT; }

static void update_interrupt(struct vm *vm)
{
    ioapic_set_line(&vm->ioapic, &vm->bus, PM_SCI, vm->pm.status & vm->pm.enable);
}

void pm_reset(struct vm *vm) { vm->pm = (struct pm){0}; }

/* The 64-bit product of a second's fraction and the rate cannot overflow: both are below 2^33. */
static uint32_t timer(const struct vm *vm)
{
    uint64_t now = host_tsc(), seconds = now / vm->tsc_hz, rest = now % vm->tsc_hz;

    return (uint32_t)(seconds * PM_TIMER_HZ + rest * PM_TIMER_HZ / vm->tsc_hz) & TIMER_MASK;
}

/* The registers as the bytes that they are: any width that lies within one of the blocks. */
static bool covers(uint32_t block, uint32_t block_bytes, uint16_t port, unsigned bytes)
{
    return port >= block && port + bytes <= block + block_bytes;
}

bool pm_read(struct vm *vm, uint16_t port, unsigned bytes, uint32_t *value)
{
    uint32_t block;

    if (port == PM_SLEEP_CONTROL || port == PM_SLEEP_STATUS) {
        *value = 0;
        return true;
    }
    if (!fixed_hardware(vm))
        return false;
    if (covers(PM_EVENT, PM_EVENT_BYTES, port, bytes))
        block = (vm->pm.status | (uint32_t)vm->pm.enable << 16) >> 8 * (port - PM_EVENT);
    else if (covers(PM_CONTROL, PM_CONTROL_BYTES, port, bytes))
        block = (uint32_t)(vm->pm.control | PM1_SCI_ENABLED) >> 8 * (port - PM_CONTROL);
    else if (covers(PM_TIMER, PM_TIMER_BYTES, port, bytes))
        block = timer(vm) >> 8 * (port - PM_TIMER);
    else
        return false;
    *value = block;
    return true;
}

static void write_event(struct vm *vm, uint32_t mask, uint32_t value)
{
    vm->pm.status &= (uint16_t)~(value & mask); /* a one clears */
    vm->pm.enable = (uint16_t)((vm->pm.enable & ~(mask >> 16)) | (value & mask) >> 16) & PM1_BUTTON;
    update_interrupt(vm);
}

static void write_control(struct vm *vm, uint32_t mask, uint32_t value)
{
    vm->pm.control = (uint16_t)((vm->pm.control & ~mask) | (value & mask)) & PM1_CONTROL_KEPT;
    if ((value & mask & PM1_SLEEP_ENABLE) && vm->pm.control >> PM1_SLEEP_TYPE_SHIFT == SLEEP_TYPE_S5)
        vm->next = VM_POWER_OFF;
}

bool pm_write(struct vm *vm, uint16_t port, unsigned bytes, uint32_t value)
{
    uint64_t mask = (1ull << 8 * bytes) - 1;

    if (port == PM_SLEEP_CONTROL && (value & 0xff) == (SLEEP_ENABLE | SLEEP_TYPE_S5 << SLEEP_TYPE_SHIFT))
        vm->next = VM_POWER_OFF;
    if (port == PM_SLEEP_CONTROL || port == PM_SLEEP_STATUS)
        return true;
    if (!fixed_hardware(vm))
        return false;
    if (covers(PM_EVENT, PM_EVENT_BYTES, port, bytes))
        write_event(vm, (uint32_t)(mask << 8 * (port - PM_EVENT)), (uint32_t)((uint64_t)value << 8 * (port - PM_EVENT)));
    else if (covers(PM_CONTROL, PM_CONTROL_BYTES, port, bytes))
        write_control(vm, (uint32_t)(mask << 8 * (port - PM_CONTROL)), value << 8 * (port - PM_CONTROL));
    else
        return covers(PM_TIMER, PM_TIMER_BYTES, port, bytes); /* read-only */
    return true;
}

void pm_press(struct vm *vm)
{
    if (fixed_hardware(vm)) {
        vm->pm.status |= PM1_BUTTON;
        update_interrupt(vm);
        return;
    }
    ioapic_set_line(&vm->ioapic, &vm->bus, PM_BUTTON_PIN, true);
    ioapic_set_line(&vm->ioapic, &vm->bus, PM_BUTTON_PIN, false);
}
