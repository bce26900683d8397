#include "lib.h"
#include "vm.h"
#include "watchdog.h"

#define SLOT 15u
#define VENDOR 0x8086
#define DEVICE 0x25ab
#define CLASS 0x08800000u /* system peripheral, other */

/* Configuration space (16.4): the double words that the registers are in. */
#define CONFIGURATION 0x60u
#define CONFIGURATION_FAST 0x4u           /* ticks of about 1 us instead of 1 ms */
#define CONFIGURATION_OUTPUT_OFF 0x20u    /* running down has no effect */
#define CONFIGURATION_WRITABLE 0x27u
#define LOCK 0x68u
#define LOCK_LOCKED 0x1u                  /* until the machine's reset this register stays as it is */
#define LOCK_ENABLE 0x2u
#define LOCK_WRITABLE 0x7u

/* The BAR (16.5). */
enum { PRELOAD_1 = 0x00, PRELOAD_2 = 0x04, INTERRUPT_STATUS = 0x08, RELOAD = 0x0c };
#define BAR_BYTES 4096u
#define PRELOAD_MASK 0xfffffu
#define RELOAD_RELOAD 0x100u
#define UNLOCK_1 0x80u
#define UNLOCK_2 0x86u

/* The counter has 35 bits, runs at 33 MHz, and a preload value gives its upper 20, or with _FAST bits 24..5. */
#define CLOCK_HZ 33000000u
#define SLOW_SHIFT 15u
#define FAST_SHIFT 5u

static struct watchdog *watchdog_of(struct pci_function *f) { return f->device; }

static uint64_t ticks_to_tsc(const struct vm *vm, uint64_t ticks, unsigned shift)
{
    return (ticks << shift) / CLOCK_HZ * vm->tsc_hz + (ticks << shift) % CLOCK_HZ * vm->tsc_hz / CLOCK_HZ;
}

/* Both stages from their beginning. */
static void start(struct watchdog *w)
{
    struct vm *vm = w->function.vm;
    unsigned shift = w->function.config[CONFIGURATION / 4] & CONFIGURATION_FAST ? FAST_SHIFT : SLOW_SHIFT;
    bool runs = w->function.config[LOCK / 4] & LOCK_ENABLE;

    w->deadline = runs ? host_tsc() + ticks_to_tsc(vm, (uint64_t)w->preload[0] + w->preload[1] + 2, shift) : 0;
    if (vm->timer_changed)
        vm->timer_changed();
}

static uint64_t bar_read(struct pci_function *f, unsigned bar, uint32_t offset, unsigned bytes)
{
    const struct watchdog *w = watchdog_of(f);

    (void)bar, (void)bytes;
    return offset == PRELOAD_1 ? w->preload[0] : offset == PRELOAD_2 ? w->preload[1] : 0;
}

/* Each of these writes needs the two bytes before it. */
static void bar_write(struct pci_function *f, unsigned bar, uint32_t offset, unsigned bytes, uint64_t value)
{
    struct watchdog *w = watchdog_of(f);

    (void)bar, (void)bytes;
    if (w->unlocked < 2) {
        bool right = offset == RELOAD && (value & 0xff) == (w->unlocked ? UNLOCK_2 : UNLOCK_1);

        w->unlocked = right ? w->unlocked + 1 : 0;
        return;
    }
    w->unlocked = 0;
    if (offset == PRELOAD_1 || offset == PRELOAD_2)
        w->preload[offset / 4] = (uint32_t)value & PRELOAD_MASK;
    else if (offset == RELOAD && (value & RELOAD_RELOAD))
        start(w);
}

static void config_written(struct pci_function *f, unsigned offset, uint32_t mask)
{
    if (offset != LOCK || !(mask & LOCK_WRITABLE) || !f->writable[LOCK / 4])
        return;
    if (f->config[LOCK / 4] & LOCK_LOCKED)
        f->writable[LOCK / 4] = 0;
    start(watchdog_of(f));
}

static void reset(struct pci_function *f)
{
    struct watchdog *w = watchdog_of(f);

    w->preload[0] = w->preload[1] = PRELOAD_MASK;
    w->unlocked = 0;
    w->deadline = 0;
    f->writable[LOCK / 4] = LOCK_WRITABLE;
}

static const struct pci_ops ops = {.bar_read = bar_read, .bar_write = bar_write, .config_written = config_written, .reset = reset};

void watchdog_add(struct vm *vm)
{
    struct watchdog *w = &vm->watchdog;

    pci_function_init(&w->function, VENDOR, DEVICE, CLASS, VENDOR, DEVICE);
    pci_bar_add(&w->function, 0, BAR_BYTES);
    w->function.writable[CONFIGURATION / 4] = CONFIGURATION_WRITABLE;
    pci_add(vm, SLOT, &w->function, &ops, w);
    reset(&w->function);
}

void watchdog_tick(struct vm *vm, uint64_t now)
{
    struct watchdog *w = &vm->watchdog;

    if (!w->deadline || now < w->deadline)
        return;
    w->deadline = 0;
    if (!(w->function.config[CONFIGURATION / 4] & CONFIGURATION_OUTPUT_OFF))
        vm->next = vm_stop(vm, "its watchdog ran down: the guest has not reloaded it in time");
}
