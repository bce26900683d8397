/* The hostile guest that knows where devices are: random values, in every width, to the registers of the local APIC (by memory, then as MSRs),
 * of the I/O APIC, to configuration space by both ways, to what its BARs then decode, and to the platform's ports. What would end it in
 * order is left out (exit port, resets, power-off, INIT, and its own watchdog's start). Options: seed, count. */
#include "guest.h"

#define APIC 0xfee00000u
#define IOAPIC 0xfec00000u
#define ECAM 0xe0000000u
#define WATCHDOG (15u << 3)
#define WATCHDOG_FIRST 0x60u /* its own registers, and what a wide access before them reaches */
#define WATCHDOG_END 0x70u
#define REG_ICR 0x30u
#define MODE_INIT 0x500u

static uint64_t state;
static uint64_t next(void) { return random_next(&state); }

static void store(uint64_t at, uint64_t value, unsigned width)
{
    volatile void *p = (volatile void *)(uintptr_t)at;

    switch (width) {
    case 0: *(volatile uint8_t *)p = (uint8_t)value; break;
    case 1: *(volatile uint16_t *)p = (uint16_t)value; break;
    case 2: *(volatile uint32_t *)p = (uint32_t)value; break;
    default: *(volatile uint64_t *)p = value;
    }
    (void)*(volatile uint32_t *)(uintptr_t)(at & ~3ull);
}

static bool sends_init(unsigned reg, uint64_t value) { return reg == REG_ICR && (value & 0x700) == MODE_INIT; }

static void local_apic(bool x2apic)
{
    unsigned reg = (unsigned)(next() % 0x40);
    uint64_t value = next() >> next() % 64;

    if (sends_init(reg, value))
        return;
    if (x2apic)
        wrmsr(0x800 + reg, value);
    else
        store(APIC + 16 * reg + (next() % 8 ? 0 : next() % 16), value, (unsigned)(next() % 8 ? 2 : next() % 4));
}

static void refused(void *p) { local_apic(p != NULL); }

static void io_apic(void)
{
    uint64_t value = next();

    *(volatile uint32_t *)(uintptr_t)IOAPIC = (uint32_t)(next() % 0x50);
    if ((value & 0x700) != MODE_INIT)
        store(IOAPIC + (next() % 4 ? 0x10 : next() % 0x1000), value, (unsigned)(next() % 4 ? 2 : next() % 4));
}

static bool harmless(unsigned function, unsigned offset) { return function != WATCHDOG || offset < WATCHDOG_FIRST - 8 || offset >= WATCHDOG_END; }

static void configuration(void)
{
    unsigned function = (unsigned)(next() % 4 ? next() % 18 << 3 : next() & 0xff), offset = (unsigned)(next() % 4 ? next() & 0x7f : next() & 0xfff);
    uint64_t value = next() % 2 ? next() : 0xc0000000 | (next() & 0x1fffffff);

    if (!harmless(function, offset))
        return;
    if (next() % 2) {
        store(ECAM + (function << 12) + offset, value, (unsigned)(next() % 4));
        return;
    }
    out32(0xcf8, (uint32_t)(0x80000000 | function << 8 | (offset & 0xfc) | (next() % 16 ? 0 : next() & 0x7f000000)));
    switch (next() % 3) {
    case 0: out8((uint16_t)(0xcfc + next() % 4), (uint8_t)value); break;
    case 1: out16((uint16_t)(0xcfc + next() % 4), (uint16_t)value); break;
    default: out32(0xcfc, (uint32_t)value);
    }
    (void)in32(0xcfc);
}

static void ports(void)
{
    static const uint16_t from[] = {0x3f8, 0x3f9, 0x3fa, 0x3fc, 0x3fd, 0x70, 0x71, 0x20, 0x21, 0xa0, 0xa1, 0x80, 0x61, 0x42, 0x43, 0x608, 0x60a, 0x610, 0x601};
    uint16_t port = from[next() % (sizeof from / sizeof from[0])];
    uint64_t value = next();

    if (port == 0x3f8 && next() % 64) /* not too much of a flood */
        return;
    switch (next() % 3) {
    case 0: out8(port, (uint8_t)value); break;
    case 1: out16(port, (uint16_t)value); break;
    default: out32(port, (uint32_t)value & 0x00ffffff);
    }
    (void)in32(port);
}

static void ignore(struct trap_frame *f)
{
    if (f->vector != 2)
        guest_fail("exception %lu, error code 0x%lx at 0x%lx", f->vector, f->error, f->rip);
}

void guest_main(void)
{
    uint64_t seed = 1, count = 100000;

    guest_option("seed", &seed);
    guest_option("count", &count);
    state = seed * 0x9e3779b97f4a7c15ull | 1;
    trap_hook = ignore;
    for (uint64_t i = 0; i < count; i++) {
        if (i == count / 2)
            wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | 0xc00);
        switch (next() % 5) {
        case 0: trap_run(refused, i >= count / 2 ? &state : NULL); break;
        case 1: io_apic(); break;
        case 2: configuration(); break;
        case 3: store(0xc0000000 + (next() & (next() % 2 ? 0xffff : 0x1fffffff)), next() >> next() % 64, (unsigned)(next() % 4)); break;
        default: ports();
        }
    }
    serial_init();
    print("\npokes: %lu pokes\n", count);
}
