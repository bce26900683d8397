/* Claim: a 16550 at 0x3f8 with its interrupt on I/O APIC pin 4, complete enough for drivers that poll and drivers that are interrupted; the masks of
 * the legacy PICs take writes; PCI mechanism 1 answers in every width. */
#include "guest.h"

enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR };
#define IOAPIC 0xfec00000u
#define PIN 4
#define VECTOR 0x54

static uint8_t in(unsigned reg) { return in8((uint16_t)(PORT_COM1 + reg)); }
static void out(unsigned reg, uint8_t value) { out8((uint16_t)(PORT_COM1 + reg), value); }

static void ioapic_write(unsigned reg, uint32_t value)
{
    *(volatile uint32_t *)(uintptr_t)IOAPIC = reg;
    *(volatile uint32_t *)(uintptr_t)(IOAPIC + 0x10) = value;
}

static volatile unsigned transmit, receive, nothing;
static uint8_t got[32];
static const char *rest;

/* A driver's handler: as long as there is a cause. */
static void interrupt(uint64_t vector)
{
    (void)vector;
    for (unsigned turns = 0; turns < 64; turns++) {
        uint8_t cause = in(IIR);

        if (cause & 1)
            break;
        if ((cause & 0xe) == 2) {
            transmit++;
            if (rest && *rest)
                out(DATA, (uint8_t)*rest++);
        } else {
            while (in(LSR) & 1)
                got[receive++ % sizeof got] = in(DATA);
        }
    }
    nothing++;
    wrmsr(MSR_X2APIC_EOI, 0);
}

static void expect(const char *what, uint32_t is, uint32_t should)
{
    if (is != should)
        guest_fail("%s: 0x%x instead of 0x%x", what, is, should);
}

static void registers(void)
{
    out(SCR, 0x5a);
    expect("scratch register", in(SCR), 0x5a);
    out(LCR, 0x83);
    out(DATA, 0x0c);
    out(IER, 0x01);
    expect("divisor", in(DATA) | in(IER) << 8, 0x10c);
    out(DATA, 1);
    out(IER, 0);
    out(LCR, 3);
    expect("line control", in(LCR), 3);
    expect("transmitter empty", in(LSR) & 0x60, 0x60);
    out(IIR, 7);
    expect("FIFOs on", in(IIR) & 0xc1, 0xc1);
    out(MCR, 0x1b); /* loop: what is sent comes back, and so do the modem lines */
    expect("modem lines in loop mode", in(MSR) & 0xf0, 0xb0);
    for (unsigned i = 0; i < 14; i++)
        out(DATA, (uint8_t)('a' + i));
    for (unsigned i = 0; i < 14; i++) {
        for (uint64_t end = rdtsc() + tsc_hz(); !(in(LSR) & 1);)
            if (rdtsc() > end)
                guest_fail("loop mode: byte %u does not come back", i);
        expect("looped byte", in(DATA), 'a' + i);
    }
    expect("nothing left", in(LSR) & 1, 0);
    out(MCR, 0x0b);
    in(MSR);
    print("serial: registers, FIFOs, loop mode\n");
}

static void interrupts(void)
{
    static const char text[] = "serial: this line went out by interrupts, a byte for each\n";

    irq_hook = interrupt;
    ioapic_write(0x10 + 2 * PIN + 1, 0);
    ioapic_write(0x10 + 2 * PIN, VECTOR); /* edge */
    rest = text;
    interrupts_on();
    out(IER, 2);
    for (uint64_t end = rdtsc() + 5 * tsc_hz(); *rest;)
        if (rdtsc() > end)
            guest_fail("by interrupts: %u bytes of %lu went out", transmit, sizeof text - 1);
    while (!(in(LSR) & 0x40))
        ;
    interrupts_off();
    out(IER, 0);
    out(MCR, 0x1b);
    receive = 0;
    out(IER, 1);
    interrupts_on();
    for (unsigned i = 0; i < 8; i++)
        out(DATA, (uint8_t)('0' + i));
    for (uint64_t end = rdtsc() + 5 * tsc_hz(); receive < 8;)
        if (rdtsc() > end)
            guest_fail("by interrupts: %u bytes of 8 came back", receive);
    interrupts_off();
    out(IER, 0);
    out(MCR, 0x0b);
    for (unsigned i = 0; i < 8; i++)
        expect("received byte", got[i], '0' + i);
    ioapic_write(0x10 + 2 * PIN, 0x10000);
    print("serial: bytes by interrupts, in and out\n");
}

static void pic(void)
{
    static const uint8_t words[] = {0x11, 0x20, 4, 1}; /* what an operating system writes before it masks them */

    for (unsigned base = 0x20; base <= 0xa0; base += 0x80) {
        out8((uint16_t)base, words[0]);
        for (unsigned i = 1; i < 4; i++)
            out8((uint16_t)(base + 1), base == 0xa0 && i == 2 ? 2 : words[i]);
        out8((uint16_t)(base + 1), 0xff);
        expect("interrupt mask", in8((uint16_t)(base + 1)), 0xff);
    }
    interrupts_on();
    for (unsigned i = 0; i < 16; i++)
        cpuid(0, 0);
    interrupts_off();
    print("serial: PIC masks\n");
}

static void mechanism_1(void)
{
    uint32_t id, devices = 0;

    out32(0xcf8, 0x80000008);
    expect("address register", in32(0xcf8), 0x80000008);
    out32(0xcf8, 0x80000000);
    id = in32(0xcfc);
    expect("low half", in16(0xcfc), id & 0xffff);
    expect("high half", in16(0xcfe), id >> 16);
    for (unsigned i = 0; i < 4; i++)
        expect("byte", in8((uint16_t)(0xcfc + i)), id >> 8 * i & 0xff);
    out8(0xcf8, 0); /* a byte is not for the address register */
    out16(0xcfa, 0);
    expect("after narrow writes", in32(0xcfc), id);
    for (unsigned d = 0; d < 32; d++) {
        out32(0xcf8, 0x80000000 | d << 11);
        devices += in16(0xcfc) != 0xffff;
    }
    out32(0xcf8, 0x80ff0000); /* no such bus */
    expect("an absent bus", in32(0xcfc), 0xffffffff);
    out32(0xcf8, 0);
    expect("without the enable bit", in32(0xcfc), 0xffffffff);
    print("serial: PCI mechanism 1, %u devices\n", devices);
}

void guest_main(void)
{
    apic_init();
    registers();
    interrupts();
    pic();
    mechanism_1();
}
