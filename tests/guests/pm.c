/* Claim: the fixed power hardware that the FADT names is there (ACPI 6.4, section 4.8): the PM timer counts at its rate, and the power button
 * raises the SCI, through the I/O APIC, once it is enabled. Ends by the PM1 control register. On plain QEMU nobody presses the button. */
#include "guest.h"

#define FADT_FACS 36
#define FADT_DSDT 40
#define FADT_SCI 46
#define FADT_PM1A_EVENT 56
#define FADT_PM1A_CONTROL 64
#define FADT_PM_TIMER 76
#define FADT_PM1_EVENT_BYTES 88
#define FADT_FLAGS 112
#define FADT_RESET 116
#define FADT_FIXED_BUTTON_ABSENT (1u << 4)
#define FADT_TIMER_32 (1u << 8)
#define FADT_HARDWARE_REDUCED (1u << 20)
#define PM_TIMER_HZ 3579545u
#define BUTTON 0x100u
#define SCI_ENABLED 1u
#define SLEEP_ENABLE 0x2000u
#define SLEEP_TYPE_S5 5u
#define IOAPIC 0xfec00000u
#define VECTOR 0x51
#define ENTRY_LEVEL 0x8000u
#define ENTRY_LOW 0x2000u

static uint32_t read32(const uint8_t *p) { return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24; }

static void ioapic_write(unsigned reg, uint32_t value)
{
    *(volatile uint32_t *)(uintptr_t)IOAPIC = reg;
    *(volatile uint32_t *)(uintptr_t)(IOAPIC + 0x10) = value;
}

static uint16_t event_port;
static volatile unsigned presses;

static void sci(uint64_t vector)
{
    (void)vector;
    if (in16(event_port) & BUTTON)
        presses++;
    out16(event_port, BUTTON); /* before the end of the interrupt: the line is level-triggered */
    wrmsr(MSR_X2APIC_EOI, 0);
}

static void timer_counts(uint16_t port, uint32_t mask)
{
    uint64_t hz = tsc_hz(), begin = rdtsc(), took;
    uint32_t first = in32(port), ticks;

    if (first & ~mask)
        guest_fail("the PM timer reads 0x%x, more than its width", first);
    while (rdtsc() - begin < hz / 10)
        ;
    ticks = (in32(port) - first) & mask;
    took = mul_div(rdtsc() - begin, PM_TIMER_HZ, hz);
    print("pm: %u ticks of the PM timer in what the TSC says are %lu\n", ticks, took);
    if (ticks + took / 10 < took || ticks > took + took / 10)
        guest_fail("the PM timer is more than a tenth away from the TSC");
}

void guest_main(void)
{
    const uint8_t *fadt = acpi_table("FACP"), *facs;
    uint16_t control;

    if (!fadt)
        guest_fail("no FADT");
    if (read32(fadt + FADT_FLAGS) & (FADT_HARDWARE_REDUCED | FADT_FIXED_BUTTON_ABSENT))
        guest_fail("FADT flags 0x%x: no fixed hardware, or no button", read32(fadt + FADT_FLAGS));
    facs = (const uint8_t *)(uintptr_t)read32(fadt + FADT_FACS);
    if (read32(facs) != 0x53434146 || (uintptr_t)facs % 64) /* "FACS" */
        guest_fail("no FACS at %lx", (uint64_t)facs);
    event_port = (uint16_t)read32(fadt + FADT_PM1A_EVENT);
    control = (uint16_t)read32(fadt + FADT_PM1A_CONTROL);
    timer_counts((uint16_t)read32(fadt + FADT_PM_TIMER), read32(fadt + FADT_FLAGS) & FADT_TIMER_32 ? ~0u : 0xffffff);
    if (!guest_plain && !(in16(control) & SCI_ENABLED))
        guest_fail("PM1 control reads 0x%x: the machine is not in ACPI mode", in16(control));
    if (guest_plain)
        return;

    apic_init();
    irq_hook = sci;
    unsigned pin = fadt[FADT_SCI];
    ioapic_write(0x10 + 2 * pin + 1, 0); /* to CPU 0 */
    ioapic_write(0x10 + 2 * pin, ENTRY_LEVEL | VECTOR);
    out16(event_port + 2, BUTTON);
    print("pm: press the button\n");
    interrupts_on();
    while (!presses)
        __asm__ volatile("cli; cmpl $0, %0; jne 1f; sti; hlt; 1: sti" : : "m"(presses) : "memory", "cc");
    for (uint64_t begin = rdtsc(); rdtsc() - begin < tsc_hz() / 100;)
        ;
    interrupts_off();
    print("pm: pressed %u times\n", presses);
    if (presses != 1 || in16(event_port) & BUTTON)
        guest_fail("the button's interrupt does not end");
    out16(control, (uint16_t)(SLEEP_ENABLE | SLEEP_TYPE_S5 << 10));
    guest_fail("power-off came back");
}
