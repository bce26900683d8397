#include <stdbool.h>
#include "clock.h"
#include "cpu.h"
#include "interrupts.h"
#include "machine.h"
#include "print.h"

#define MEASURE_MICROSECONDS 5000
#define READ_ATTEMPTS 8

/* A free-running counter to measure against. */
struct reference {
    uint64_t hpet; /* registers; 0: the ACPI timer */
    uint16_t port;
    uint64_t hz, mask;
};

/* IA-PC HPET specification 1.0a, 2.3.4 capabilities (bits 63..32 period in femtoseconds), 2.3.5 configuration (bit 0 run),
 * 2.3.7 counter */
#define HPET_PERIOD 0x004
#define HPET_CONFIGURATION 0x010
#define HPET_COUNTER 0x0f0
#define HPET_RUN 1u
#define HPET_MAX_PERIOD 100000000u
#define FEMTOSECONDS 1000000000000000ull
/* ACPI 4.8.3.3: 3.579545 MHz, 24 bits at least */
#define PM_TIMER_HZ 3579545

static uint64_t reference_read(const struct reference *r)
{
    return (r->hpet ? mmio_read32(r->hpet + HPET_COUNTER) : port_in32(r->port)) & r->mask;
}

static bool reference_find(const struct acpi_tables *tables, struct reference *r, struct clock *clock)
{
    const struct acpi_table *hpet = acpi_table(tables, "HPET"), *fadt = acpi_table(tables, "FACP");
    uint64_t registers = hpet ? acpi_read_hpet(hpet->bytes, hpet->size) : 0;
    uint32_t period = registers ? mmio_read32(registers + HPET_PERIOD) : 0;
    if (period && period <= HPET_MAX_PERIOD) {
        *r = (struct reference){.hpet = registers, .hz = FEMTOSECONDS / period, .mask = UINT32_MAX};
        mmio_write32(registers + HPET_CONFIGURATION, mmio_read32(registers + HPET_CONFIGURATION) | HPET_RUN);
        clock->reference = "HPET";
        return true;
    }
    uint16_t port = fadt ? acpi_read_pm_timer(fadt->bytes, fadt->size) : 0;
    *r = (struct reference){.port = port, .hz = PM_TIMER_HZ, .mask = 0xffffff};
    clock->reference = "ACPI timer";
    return port != 0;
}

/* Both clocks at one moment: of several attempts the one during which the least time passed. */
static void read_both(const struct reference *r, uint64_t *tsc, uint64_t *count)
{
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < READ_ATTEMPTS; i++) {
        uint64_t before = tsc_read(), value = reference_read(r), after = tsc_read();
        if (after - before < least) {
            least = after - before;
            *tsc = before + (after - before) / 2;
            *count = value;
        }
    }
}

static uint64_t measure_tsc(const struct reference *r)
{
    uint64_t tsc_start, count_start, tsc_end, count_end, wanted = r->hz * MEASURE_MICROSECONDS / 1000000;
    read_both(r, &tsc_start, &count_start);
    while (((reference_read(r) - count_start) & r->mask) < wanted)
        cpu_pause();
    read_both(r, &tsc_end, &count_end);
    uint64_t counts = (count_end - count_start) & r->mask;
    return (tsc_end - tsc_start) * r->hz / counts;
}

/* Intel SDM vol. 2, CPUID leaf 15h: crystal clock in ECX (0: not told), TSC = crystal * EBX / EAX. The crystal is the APIC
 * timer's clock as well (vol. 3, 11.5.4). */
static bool told_by_cpuid(struct clock *clock)
{
    if (cpuid_read(0, 0).eax < 0x15)
        return false;
    struct cpuid c = cpuid_read(0x15, 0);
    if (!c.eax || !c.ebx || !c.ecx)
        return false;
    clock->tsc_hz = (uint64_t)c.ecx * c.ebx / c.eax;
    clock->apic_timer_hz = c.ecx;
    clock->reference = "CPUID";
    return true;
}

/* x2APIC registers: Intel SDM vol. 3, table 11-6. The current count (0x839) is not read: a counting emulator stops at it, and
 * an interrupt tells as much. */
#define MSR_LVT_TIMER 0x832
#define MSR_INITIAL_COUNT 0x838
#define MSR_DIVIDE 0x83e
#define DIVIDE_BY_1 0xb
#define LVT_MASKED (1u << 16)
#define APIC_RUNS_MAX 400
#define APIC_RUNS_PATIENT 50 /* after so many more runs, as much again may lie between two that agree: at most 4 % of a run */
#define APIC_COUNT_FIRST 10000u
#define APIC_COUNT_MAX (1u << 30)
#define APIC_SHORTEST_MICROSECONDS 1000
#define APIC_LONGEST_SECONDS 1
#define APIC_AGREEMENT 200 /* two runs agree when they differ by less than this part of the shortest long run: 5 us */

/* TSC ticks until a one-shot timer of `count` fires. */
static uint64_t apic_run_once(const struct clock *clock, uint32_t count)
{
    interrupts_timer_tsc = 0;
    uint64_t start = tsc_read();
    msr_write(MSR_INITIAL_COUNT, count);
    interrupts_enable();
    while (!interrupts_timer_tsc)
        if (tsc_read() - start > clock->tsc_hz * APIC_LONGEST_SECONDS)
            stop("the local APIC timer does not fire; this machine cannot keep time");
    interrupts_disable();
    return interrupts_timer_tsc - start;
}

/* An interrupt can only be late (under an emulator the processor may be taken away in the middle), so the shortest run is right once a
 * second one agrees with it. */
static uint64_t apic_run(const struct clock *clock, uint32_t count, uint64_t agreement)
{
    uint64_t least = apic_run_once(clock, count);

    for (unsigned i = 1; i < APIC_RUNS_MAX; i++) {
        uint64_t ticks = apic_run_once(clock, count), apart = ticks > least ? ticks - least : least - ticks;
        if (ticks < least)
            least = ticks;
        if (apart <= agreement * (1 + i / APIC_RUNS_PATIENT))
            return least ? least : 1;
    }
    stop("no two runs of the local APIC timer agree; this machine cannot keep time");
}

/* The rate by the difference of a long and a short run: what it takes to start the timer and to enter the handler is in both. */
static uint64_t measure_apic_timer(const struct clock *clock)
{
    msr_write(MSR_DIVIDE, DIVIDE_BY_1);
    msr_write(MSR_LVT_TIMER, APIC_TIMER_VECTOR);
    uint64_t count = APIC_COUNT_FIRST, wanted = clock->tsc_hz * APIC_SHORTEST_MICROSECONDS / 1000000;
    uint64_t latency = apic_run(clock, APIC_COUNT_FIRST, wanted / APIC_AGREEMENT), ticks = latency;
    do { /* once at least, and until it is long enough to be exact */
        count *= 2 + wanted / ticks;
        if (count > APIC_COUNT_MAX)
            count = APIC_COUNT_MAX;
        ticks = apic_run(clock, (uint32_t)count, wanted / APIC_AGREEMENT);
    } while (ticks < wanted && count < APIC_COUNT_MAX);
    msr_write(MSR_LVT_TIMER, LVT_MASKED | APIC_TIMER_VECTOR);
    if (ticks <= latency)
        stop("the local APIC timer counts too fast to be measured");
    return (count - APIC_COUNT_FIRST) * clock->tsc_hz / (ticks - latency);
}

void clock_measure(const struct acpi_tables *tables, struct clock *clock)
{
    struct reference r;
    if (told_by_cpuid(clock))
        return;
    if (!reference_find(tables, &r, clock))
        stop("neither CPUID nor an HPET nor an ACPI timer tells the rate of the TSC; enable \"HPET\" in the firmware's settings");
    clock->tsc_hz = measure_tsc(&r);
    clock->apic_timer_hz = measure_apic_timer(clock);
}

void clock_wait(const struct clock *clock, uint64_t microseconds)
{
    uint64_t start = tsc_read();
    while (tsc_read() - start < clock->tsc_hz * microseconds / 1000000)
        cpu_pause();
}
