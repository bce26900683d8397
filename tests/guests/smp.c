/* Several CPUs: INIT and start-up IPI, interrupts of every delivery mode to every kind of destination in both APIC modes, one clock, one
 * memory, devices from any CPU. `cpus=N` says how many there must be. */
#include "guest.h"

#define MAX_CPUS 16
#define APIC 0xfee00000u
#define REG_ID 0x02
#define REG_EOI 0x0b
#define REG_LDR 0x0d
#define REG_DFR 0x0e
#define REG_SPURIOUS 0x0f
#define REG_ICR 0x30
#define REG_ICR_HIGH 0x31
#define BASE_X2APIC 0xc00
#define TRAMPOLINE 0x70000u
#define NMI 2
#define WAKE 0xe0
#define INCREMENTS 5000

#define ICR_LOWEST 0x100u
#define ICR_NMI 0x400u
#define ICR_INIT 0x4500u
#define ICR_START 0x4600u
#define ICR_LOGICAL 0x800u
#define ICR_SELF 0x40000u
#define ICR_ALL 0x80000u
#define ICR_OTHERS 0xc0000u

enum work { WORK_NONE, WORK_X2APIC, WORK_LOGICAL, WORK_COUNT, WORK_CLOCK, WORK_PRINT, WORK_MODIFY };

extern char cpu_trampoline[], cpu_trampoline_end[];
void trap_init(void);
void cpu_begin(void);
void *volatile cpu_stack;

static uint8_t stacks[MAX_CPUS][16384] __attribute__((aligned(16)));
static volatile uint64_t taken[MAX_CPUS][256], started[MAX_CPUS], done[MAX_CPUS];
static volatile uint64_t order; /* number of the present work */
static volatile enum work work;
static volatile bool x2apic;
static unsigned cpus;

static uint32_t apic_read(unsigned reg)
{
    return x2apic ? (uint32_t)rdmsr(0x800 + reg) : *(volatile uint32_t *)(uintptr_t)(APIC + 16 * reg);
}

static void apic_write(unsigned reg, uint32_t value)
{
    if (x2apic)
        wrmsr(0x800 + reg, value);
    else
        *(volatile uint32_t *)(uintptr_t)(APIC + 16 * reg) = value;
}

static unsigned id(void) { return (x2apic ? apic_read(REG_ID) : apic_read(REG_ID) >> 24) % MAX_CPUS; }

static void send(uint32_t destination, uint32_t command)
{
    if (x2apic) {
        wrmsr(0x800 + REG_ICR, (uint64_t)destination << 32 | command);
        return;
    }
    apic_write(REG_ICR_HIGH, destination << 24);
    apic_write(REG_ICR, command);
}

static void take(uint64_t vector)
{
    __atomic_fetch_add(&taken[id()][vector], 1, __ATOMIC_SEQ_CST);
    apic_write(REG_EOI, 0);
}

static void take_exception(struct trap_frame *f)
{
    if (f->vector != NMI)
        guest_fail("CPU %u: exception %lu, error code 0x%lx at 0x%lx", id(), f->vector, f->error, f->rip);
    __atomic_fetch_add(&taken[id()][NMI], 1, __ATOMIC_SEQ_CST);
}

static void wait_us(uint64_t us)
{
    uint64_t end = rdtsc() + mul_div(us, tsc_hz(), 1000000);
    while ((int64_t)(end - rdtsc()) > 0)
        __asm__ volatile("pause");
}

/* ---- what each CPU does when told ---- */

static volatile uint64_t shared_count, baton, clock_last, clock_errors;
static volatile uint8_t *modified;

static void count(void)
{
    for (unsigned i = 0; i < INCREMENTS; i++)
        __atomic_fetch_add(&shared_count, 1, __ATOMIC_SEQ_CST);
}

/* The baton goes round; nobody may see an earlier time than the one before. */
static void compare_clocks(void)
{
    unsigned self = id();

    for (unsigned round = 0; round < 60; round++) {
        while (baton % cpus != self)
            __asm__ volatile("pause");
        uint64_t now = rdtsc();
        clock_errors += (int64_t)(now - clock_last) < 0;
        clock_last = now;
        __atomic_fetch_add(&baton, 1, __ATOMIC_SEQ_CST);
    }
}

static void run(enum work w)
{
    switch (w) {
    case WORK_X2APIC:
        wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | BASE_X2APIC);
        wrmsr(0x800 + REG_SPURIOUS, 0x1ff);
        break;
    case WORK_LOGICAL: /* flat model: a bit each */
        apic_write(REG_DFR, 0xffffffff);
        apic_write(REG_LDR, 1u << (24 + id()));
        break;
    case WORK_COUNT: count(); break;
    case WORK_CLOCK: compare_clocks(); break;
    case WORK_PRINT:
        while (baton % cpus != id())
            __asm__ volatile("pause");
        print("CPU %u speaks\n", id());
        __atomic_fetch_add(&baton, 1, __ATOMIC_SEQ_CST);
        break;
    case WORK_MODIFY: /* code that another CPU has written */
        if (((unsigned (*)(void))(uintptr_t)modified)() != 0x12345678)
            guest_fail("CPU %u runs old code", id());
        break;
    case WORK_NONE: break;
    }
}

void cpu_begin(void)
{
    trap_init();
    x2apic = rdmsr(MSR_APIC_BASE) >> 10 & 1;
    unsigned self = id();
    apic_write(REG_SPURIOUS, 0x1ff);
    done[self] = order;
    __atomic_fetch_add(&started[self], 1, __ATOMIC_SEQ_CST);
    for (;;) {
        interrupts_off();
        if (done[self] != order) {
            run(work);
            done[self] = order;
        } else {
            __asm__ volatile("sti; hlt" : : : "memory");
        }
    }
}

/* ---- CPU 0 ---- */

#define EXPECT(condition, ...)                                        \
    do {                                                              \
        uint64_t end_ = rdtsc() + 20 * tsc_hz();                      \
        while (!(condition))                                          \
            if ((int64_t)(end_ - rdtsc()) < 0)                        \
                guest_fail(__VA_ARGS__);                              \
    } while (0)

static void all_do(enum work w)
{
    work = w;
    __atomic_fetch_add(&order, 1, __ATOMIC_SEQ_CST);
    send(0, ICR_OTHERS | WAKE);
    run(w);
    for (unsigned i = 1; i < cpus; i++)
        EXPECT(done[i] == order, "CPU %u does not come to the end of work %u", i, w);
}

static void start(unsigned cpu)
{
    uint64_t before = started[cpu];

    cpu_stack = stacks[cpu] + sizeof stacks[cpu];
    send(cpu, ICR_INIT);
    wait_us(10000);
    if (started[cpu] != before)
        guest_fail("CPU %u runs after INIT alone", cpu);
    send(cpu, ICR_START | TRAMPOLINE >> 12);
    EXPECT(started[cpu] == before + 1, "CPU %u does not start", cpu);
    send(cpu, ICR_START | TRAMPOLINE >> 12); /* a running CPU ignores it */
}

/* Exactly the CPUs of the mask take the vector, once each. */
static void expect(const char *what, uint32_t destination, uint32_t command, unsigned vector, unsigned mask)
{
    uint64_t before[MAX_CPUS];

    for (unsigned i = 0; i < cpus; i++)
        before[i] = taken[i][vector];
    send(destination, command | (command & ICR_NMI && !(command & ICR_LOWEST) ? 0 : vector));
    interrupts_on();
    for (unsigned i = 0; i < cpus; i++)
        if (mask >> i & 1)
            EXPECT(taken[i][vector] != before[i], "%s: CPU %u got nothing", what, i);
    wait_us(200);
    interrupts_off();
    for (unsigned i = 0; i < cpus; i++)
        if (taken[i][vector] - before[i] != (mask >> i & 1))
            guest_fail("%s: CPU %u took it %lu times", what, i, taken[i][vector] - before[i]);
}

static void lowest_priority(uint32_t destination, uint32_t command)
{
    uint64_t sum = 0, after = 0;

    for (unsigned i = 0; i < cpus; i++)
        sum += taken[i][0x61];
    interrupts_on();
    for (unsigned n = 1; n <= 8; n++) {
        send(destination, command | ICR_LOWEST | 0x61);
        do {
            after = 0;
            for (unsigned i = 0; i < cpus; i++)
                after += taken[i][0x61];
        } while (after < sum + n);
    }
    wait_us(200);
    interrupts_off();
    for (unsigned i = after = 0; i < cpus; i++)
        after += taken[i][0x61];
    if (after != sum + 8)
        guest_fail("lowest priority: 8 interrupts were taken %lu times", after - sum);
}

static void all_destinations(void)
{
    unsigned all = (1u << cpus) - 1;

    for (unsigned to = 0; to < cpus; to++) {
        expect("physical", to, 0, 0x50, 1u << to);
        expect("NMI", to, ICR_NMI, NMI, 1u << to);
    }
    expect("to nobody", cpus, 0, 0x51, 0);
    expect("broadcast", x2apic ? 0xffffffff : 0xff, 0, 0x52, all);
    expect("self", 0, ICR_SELF, 0x53, 1);
    expect("all", 0, ICR_ALL, 0x54, all);
    expect("others", 0, ICR_OTHERS, 0x55, all & ~1u);
    expect("NMI to others", 0, ICR_OTHERS | ICR_NMI, NMI, all & ~1u);
    if (cpus <= 8) {
        expect("logical, one", 2, ICR_LOGICAL, 0x56, 2);
        expect("logical, all", all, ICR_LOGICAL, 0x57, all);
        lowest_priority(all, ICR_LOGICAL);
    }
}

static unsigned cpus_in_madt(void)
{
    const uint8_t *madt = acpi_table("APIC");
    unsigned n = 0;

    if (!madt)
        guest_fail("no MADT");
    uint32_t length;
    memcpy(&length, madt + 4, 4);
    for (uint32_t at = 44; at + 2 <= length && madt[at + 1]; at += madt[at + 1])
        n += madt[at] == 0 && (madt[at + 4] & 1);
    return n;
}

static void self_modifying(void)
{
    static const uint8_t code[] = {0xb8, 0x78, 0x56, 0x34, 0x12, 0xc3}; /* mov eax, 12345678h; ret */
    static uint8_t place[64] __attribute__((aligned(64)));

    place[0] = 0xb8; /* mov eax, 0; ret: run once, so that something may have kept it */
    place[5] = 0xc3;
    modified = place;
    ((unsigned (*)(void))(uintptr_t)place)();
    memcpy(place, code, sizeof code);
    all_do(WORK_MODIFY);
}

void guest_main(void)
{
    uint64_t wanted = 0;

    out8(0x21, 0xff);
    out8(0xa1, 0xff);
    cpus = cpus_in_madt();
    if (guest_option("cpus", &wanted) && wanted != cpus)
        guest_fail("the MADT names %u CPUs instead of %lu", cpus, wanted);
    if (cpus > MAX_CPUS)
        guest_fail("%u CPUs are too many for this guest", cpus);
    irq_hook = take;
    trap_hook = take_exception;
    x2apic = rdmsr(MSR_APIC_BASE) >> 10 & 1;
    if (x2apic)
        guest_fail("a PC starts in xAPIC mode");
    apic_write(REG_SPURIOUS, 0x1ff);
    memcpy((void *)(uintptr_t)TRAMPOLINE, cpu_trampoline, (size_t)(cpu_trampoline_end - cpu_trampoline));
    for (unsigned i = 1; i < cpus; i++)
        start(i);
    print("%u CPUs are there\n", cpus);
    if (cpus <= 8)
        all_do(WORK_LOGICAL);
    all_destinations();
    start(cpus - 1); /* INIT and start-up of a CPU that runs */
    if (cpus <= 8)
        all_do(WORK_LOGICAL);
    print("xAPIC: all destinations\n");
    work = WORK_X2APIC;
    __atomic_fetch_add(&order, 1, __ATOMIC_SEQ_CST);
    send(0, ICR_OTHERS | WAKE);
    for (unsigned i = 1; i < cpus; i++)
        EXPECT(done[i] == order, "CPU %u does not go to x2APIC mode", i);
    run(WORK_X2APIC);
    x2apic = true;
    all_destinations();
    start(cpus - 1);
    print("x2APIC: all destinations\n");
    all_do(WORK_COUNT);
    if (shared_count != (uint64_t)INCREMENTS * cpus)
        guest_fail("%lu of %u increments", shared_count, INCREMENTS * cpus);
    all_do(WORK_CLOCK);
    if (clock_errors)
        guest_fail("the TSC went back %lu times between CPUs", clock_errors);
    all_do(WORK_PRINT);
    self_modifying();
}
