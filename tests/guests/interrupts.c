/* Claim: NMIs, task priority, interrupt windows, and exceptions in the middle of an interrupt's delivery are as on a real CPU (AMD APM
 * volume 2, sections 8.2, 8.5, 8.9, 16.6). */
#include "guest.h"

#define ICR 0x830
#define TPR 0x808
#define PPR 0x80a
#define ISR0 0x810
#define IRR0 0x820
#define EOI MSR_X2APIC_EOI
#define ICR_NMI 0x400u
#define WINDOW 0x140000000ull /* its 2 MiB pages are mapped by the test */

static void self(unsigned vector) { wrmsr(MSR_X2APIC_SELF_IPI, vector); }
static void self_nmi(void) { wrmsr(ICR, rdmsr(MSR_X2APIC_ID) << 32 | ICR_NMI); }

static unsigned order[16];
static volatile unsigned taken, nmis, nmi_depth, nmi_deepest;

static void check(const char *what, unsigned n, const unsigned *vectors)
{
    if (taken != n)
        guest_fail("%s: %u interrupts instead of %u", what, taken, n);
    for (unsigned i = 0; i < n; i++)
        if (order[i] != vectors[i])
            guest_fail("%s: interrupt %u is 0x%x instead of 0x%x", what, i, order[i], vectors[i]);
    taken = 0;
    print("interrupts: %s\n", what);
}
#define CHECK(what, ...) check(what, sizeof((unsigned[]){__VA_ARGS__}) / sizeof(unsigned), (const unsigned[]){__VA_ARGS__})

static void take(uint64_t vector)
{
    order[taken++ % 16] = (unsigned)vector;
    wrmsr(EOI, 0);
}

static void settle(void)
{
    for (unsigned i = 0; i < 4; i++)
        cpuid(0, 0);
}

/* ---- NMI ---- */

static unsigned nmi_sends; /* how many the handler sends itself */

static void take_nmi(struct trap_frame *f)
{
    if (f->vector != 2)
        guest_fail("exception %lu, error code 0x%lx at 0x%lx, cr2 0x%lx", f->vector, f->error, f->rip, trap_last.cr2);
    nmis++;
    if (++nmi_depth > nmi_deepest)
        nmi_deepest = nmi_depth;
    for (; nmi_sends; nmi_sends--)
        self_nmi();
    settle();
    nmi_depth--;
}

static void nmi(void)
{
    trap_hook = take_nmi;
    self_nmi();
    settle();
    if (nmis != 1)
        guest_fail("an NMI with interrupts off: %u taken", nmis);
    nmi_sends = 3;
    self_nmi();
    settle();
    settle();
    if (nmis != 3 || nmi_deepest != 1)
        guest_fail("three NMIs inside an NMI handler: %u taken instead of one more, %u deep", nmis - 2, nmi_deepest);
    nmi_sends = 0;
    for (unsigned i = 0; i < 1000; i++) {
        self_nmi();
        settle();
    }
    if (nmis != 1003)
        guest_fail("%u of 1000 NMIs", nmis - 3);
    print("interrupts: NMI\n");
}

/* ---- priority ---- */

static void set_cr8(uint64_t value) { __asm__ volatile("movq %0, %%cr8" : : "r"(value) : "memory"); }
static uint64_t get_cr8(void) { uint64_t v; __asm__ volatile("movq %%cr8, %0" : "=r"(v)); return v; }
static void open(void) { __asm__ volatile("sti; nop; nop; cli" : : : "memory"); }

static void nested(uint64_t vector)
{
    order[taken++ % 16] = (unsigned)vector;
    if (vector == 0x61) { /* in service: its own class waits, a higher one does not */
        self(0x62);
        self(0x71);
        open();
        settle();
        open();
        if (rdmsr(PPR) != 0x60)
            guest_fail("processor priority 0x%lx while 0x61 is in service", rdmsr(PPR));
        order[taken++ % 16] = 0;
    }
    wrmsr(EOI, 0);
}

static void priority(void)
{
    irq_hook = take;
    self(0x41);
    self(0x91);
    self(0x61);
    settle();
    if (rdmsr(IRR0 + 2) != 2 || rdmsr(IRR0 + 3) != 2 || rdmsr(IRR0 + 4) != 0x20000)
        guest_fail("IRR: 0x%lx 0x%lx 0x%lx", rdmsr(IRR0 + 2), rdmsr(IRR0 + 3), rdmsr(IRR0 + 4));
    open();
    CHECK("the highest first", 0x91, 0x61, 0x41);

    set_cr8(5);
    if (rdmsr(TPR) != 0x50 || get_cr8() != 5)
        guest_fail("CR8 5: TPR reads 0x%lx", rdmsr(TPR));
    self(0x51);
    self(0x61);
    open();
    settle();
    open();
    CHECK("task priority holds 0x51 back", 0x61);
    set_cr8(4);
    open();
    CHECK("and lets it through", 0x51);
    wrmsr(TPR, 0x7f);
    if (get_cr8() != 7)
        guest_fail("TPR 0x7f: CR8 reads %lu", get_cr8());
    interrupts_on();
    self(0x75);
    settle();
    if (taken)
        guest_fail("0x75 came at TPR 0x7f");
    wrmsr(TPR, 0x6f);
    settle();
    interrupts_off();
    CHECK("lowering the TPR is enough", 0x75);
    set_cr8(0);

    irq_hook = nested;
    self(0x61);
    open();
    CHECK("nesting by class", 0x61, 0x71, 0, 0x62);
    if (rdmsr(ISR0 + 3))
        guest_fail("still in service: 0x%lx", rdmsr(ISR0 + 3));
}

/* ---- windows ---- */

static void windows(void)
{
    irq_hook = take;
    self(0x55);
    for (unsigned i = 0; i < 100; i++)
        __asm__ volatile("sti; cli" : : : "memory"); /* the shadow of STI */
    if (taken)
        guest_fail("an interrupt in the shadow of STI");
    __asm__ volatile("sti; nop; cli" : : : "memory");
    CHECK("the shadow of STI is one instruction", 0x55);
    self(0x55);
    __asm__ volatile("sti; cpuid; cli" : : "a"(0), "c"(0) : "rbx", "rdx", "memory"); /* one that exits */
    CHECK("also if that exits", 0x55);
    interrupts_on();
    for (unsigned i = 0; i < 100; i++) {
        uint64_t a = 0x56, c = MSR_X2APIC_SELF_IPI, d = 0;

        __asm__ volatile("wrmsr; movl %%ss, %%eax; movl %%eax, %%ss; cpuid; nop" : "+a"(a), "+c"(c), "+d"(d) : : "rbx", "memory");
    }
    settle();
    interrupts_off();
    if (taken != 100)
        guest_fail("%u of 100 interrupts around the shadow of MOV SS", taken);
    taken = 0;
    self(0x57);
    __asm__ volatile("sti; hlt; cli" : : : "memory");
    CHECK("one that is pending ends HLT", 0x57);
}

/* ---- exceptions in the middle of a delivery ---- */

struct __attribute__((packed)) table_pointer { uint16_t limit; uint64_t base; };
struct gate { uint16_t low, selector, attributes, middle; uint32_t high, zero; };
#define GATE_PRESENT 0x8000u

static uint64_t table[512] __attribute__((aligned(4096)));
static struct __attribute__((packed)) { uint32_t zero; uint64_t rsp[3], reserved, ist[7], reserved2; uint16_t zero2, iomap; } task;
static uint8_t other_stack[4096] __attribute__((aligned(16)));
static volatile unsigned faults;
static uint64_t fault_error, fault_cr2;

/* Gives the stack that the delivery did not find. */
static void map_stack(struct trap_frame *f)
{
    if (f->vector != TRAP_PF)
        guest_fail("exception %lu, error code 0x%lx at 0x%lx", f->vector, f->error, f->rip);
    faults++;
    fault_error = f->error;
    fault_cr2 = trap_last.cr2;
    table[0] = 0x1000083;
}

static void unmap_stack(void)
{
    table[0] = 0;
    faults = 0;
    tlb_flush();
}

static void double_fault(void *p) { __asm__ volatile("movq (%0), %%rax" : : "r"(p) : "rax", "memory"); }
static void software(void *p) { (void)p; __asm__ volatile("int $0x58"); }

static void delivery(void)
{
    struct table_pointer idtr;
    struct gate *idt;
    uint64_t at = (uint64_t)&task;

    guest_gdt[5] = (sizeof task - 1) | (at & 0xffffff) << 16 | 0x89ull << 40 | (at >> 24 & 0xff) << 56;
    guest_gdt[6] = at >> 32;
    __asm__ volatile("ltr %w0" : : "r"(0x28));
    __asm__ volatile("sidt %0" : "=m"(idtr));
    idt = (struct gate *)idtr.base;
    guest_pdpt[5] = (uint64_t)table + 3;
    task.ist[0] = WINDOW + 0x10000;
    task.ist[1] = (uint64_t)other_stack + sizeof other_stack;
    irq_hook = take;
    trap_hook = map_stack;

    idt[0x58].attributes |= 1; /* on a stack that is not there */
    unmap_stack();
    software(NULL);
    if (faults != 1 || fault_error != 2 || fault_cr2 != WINDOW + 0xfff8)
        guest_fail("INT n without a stack: %u page faults, error code 0x%lx, CR2 0x%lx", faults, fault_error, fault_cr2);
    CHECK("INT n is done again after a page fault in its delivery", 0x58);

    unmap_stack();
    self(0x58);
    open();
    settle();
    if (faults != 1 || taken > 1 || (taken == 0 && rdmsr(ISR0 + 2) != 1u << 24))
        guest_fail("an interrupt without a stack: %u page faults, taken %u times, in service: 0x%lx", faults, taken, rdmsr(ISR0 + 2));
    print("interrupts: a page fault in the delivery of an interrupt (which is then %s)\n", taken ? "delivered again" : "in service, as on a PC");
    if (!taken)
        wrmsr(EOI, 0);
    taken = 0;
    idt[0x58].attributes &= (uint16_t)~7u;

    idt[0x58].attributes &= (uint16_t)~GATE_PRESENT;
    if (trap_run(software, NULL) != TRAP_NP + 1 || (trap_last.error & ~1ull) != 0x58 * 8 + 2)
        guest_fail("INT n by an absent gate: exception %lu, error code 0x%lx", trap_last.vector, trap_last.error);
    idt[0x58].attributes |= GATE_PRESENT;
    print("interrupts: an absent gate\n");

    idt[8].attributes |= 2;
    idt[TRAP_PF].attributes &= (uint16_t)~GATE_PRESENT;
    for (unsigned i = 0; i < 100; i++)
        if (trap_run(double_fault, (void *)(WINDOW + 0x200000)) != 8 + 1 || trap_last.error || trap_last.cr2 != WINDOW + 0x200000)
            guest_fail("#PF by an absent gate: exception %lu, error code 0x%lx", trap_last.vector, trap_last.error);
    idt[TRAP_PF].attributes |= GATE_PRESENT;
    print("interrupts: double fault\n");
}

void guest_main(void)
{
    apic_init();
    nmi();
    priority();
    windows();
    delivery();
}
