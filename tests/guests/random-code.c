/* The hostile guest: 4 KiB streams of random bytes, run at CPL 0 from random places in them, with registers that hold addresses, ports and MSR numbers
 * of devices as often as memory of its own. Its own code is mapped read-only meanwhile; each stream ends by an exception, or by an NMI that the
 * second CPU sends when nothing moves. Some streams end the machine: its next life goes on with another seed. Device registers in memory are not
 * mapped: the first instruction that cannot be done there would end the machine (the guest `pokes` is for those).
 * Options: seed, seconds (of TSC time, over all lives). */
#include "guest.h"

#define WINDOW 0x200000000ull      /* 2 MiB of RAM that the streams may write */
#define RAM 0x2000000ull           /* where they are */
#define CODE_BYTES 4096u
#define STACK (WINDOW + 0x100000)  /* of the streams */
#define TRAP_STACK (WINDOW + 0x200000)
#define CR0_WP 0x10000u
#define EFER_NXE 0x800u
#define NO_EXECUTE (1ull << 63)
#define ICR_NMI 0x400u
#define ICR_INIT 0x4500u
#define ICR_START 0x4600u
#define ICR 0x830
#define TRAMPOLINE 0x70000u
#define RUNS 8u                    /* of one stream */

void random_run(const uint64_t registers[16], uint64_t ip, uint64_t flags);
void cpu_begin(void);
extern char random_trap[], cpu_trampoline[], cpu_trampoline_end[];
void *volatile cpu_stack;
uint64_t random_tables;
extern volatile uint32_t random_inside;
struct __attribute__((packed)) { uint16_t limit; uint64_t base; } random_idt_pointer;

static struct { uint16_t low, selector, attributes, middle; uint32_t high, zero; } idt[256];
static struct __attribute__((packed)) { uint32_t zero; uint64_t rsp[3], reserved, ist[7], reserved2; uint16_t zero2, iomap; } task;
static uint64_t pml4[512] __attribute__((aligned(4096))), pdpt[512] __attribute__((aligned(4096))),
    low[512] __attribute__((aligned(4096))), window[512] __attribute__((aligned(4096))),
    pages[512] __attribute__((aligned(4096)));
static uint8_t second_stack[8192] __attribute__((aligned(16)));
static volatile uint64_t runs;

/* The second CPU: whoever makes no progress for a while is interrupted. */
void cpu_begin(void)
{
    uint64_t before = 0;

    wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | 0xc00);
    for (;;) {
        for (uint64_t begin = rdtsc(); rdtsc() - begin < tsc_hz() / 100;)
            __asm__ volatile("pause");
        if (runs == before && random_inside)
            wrmsr(ICR, ICR_NMI); /* to APIC 0 */
        before = runs;
    }
}

static void set_up(void)
{
    uint64_t at = (uint64_t)&task, cr0;

    guest_gdt[5] = (sizeof task - 1) | (at & 0xffffff) << 16 | 0x89ull << 40 | (at >> 24 & 0xff) << 56;
    guest_gdt[6] = at >> 32;
    task.ist[0] = TRAP_STACK;
    __asm__ volatile("ltr %w0" : : "r"(0x28));
    for (unsigned i = 0; i < 256; i++) {
        uint64_t handler = (uint64_t)random_trap;

        idt[i].low = (uint16_t)handler;
        idt[i].selector = 8;
        idt[i].attributes = 0x8e01; /* interrupt gate, stack 1 */
        idt[i].middle = (uint16_t)(handler >> 16);
        idt[i].high = (uint32_t)(handler >> 32);
    }
    random_idt_pointer.limit = sizeof idt - 1;
    random_idt_pointer.base = (uint64_t)idt;
    pml4[0] = (uint64_t)pdpt | 3;
    pdpt[0] = (uint64_t)low | 3;
    pdpt[WINDOW >> 30] = (uint64_t)window | 3;
    for (unsigned i = 0; i < 16; i++)
        low[i] = (uint64_t)i << 21 | 0x81; /* our own: read-only */
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
    window[0] = (uint64_t)pages | 3;
    for (unsigned i = 0; i < 512; i++) /* the stream is code and nothing else is, so that what fill() left out stays out */
        pages[i] = i ? (RAM + i * 4096u) | 3 | NO_EXECUTE : RAM | 1;
    random_tables = (uint64_t)pml4;
    __asm__ volatile("movq %%cr0, %0; orq %1, %0; movq %0, %%cr0; lidt %2" : "=&r"(cr0) : "i"(CR0_WP), "m"(random_idt_pointer));
}

static uint64_t interesting(uint64_t *state)
{
    static const uint64_t values[] = {0xfee00000, 0xfee00300, 0xfec00000, 0xfec00010, 0xe0000000, 0xe0008000, 0xc0000000, 0xc0001000, 0xfed00000,
                                      0x3f8, 0xcf8, 0xcfc, 0x80, 0x20, 0x21, 0x70, 0x600, 0x608, 0x10, 0x1b, 0x800, 0x830, 0x832, 0x6e0,
                                      0xc0000080, 0xc0000102, 0x277, 0x40000000, 0x80000001, 7, WINDOW + 0x2000, STACK - 64, 0};
    uint64_t r = random_next(state);

    if (r % 3 == 0)
        return random_next(state);
    if (r % 3 == 1)
        return WINDOW + (random_next(state) & 0x1ffff8);
    return values[(r >> 8) % (sizeof values / sizeof values[0])] + (r >> 40 & 3 ? 0 : random_next(state) % 64);
}

/* Beside plain random bytes: instructions that exit. */
static void fill(uint8_t *code, uint64_t *state)
{
    static const uint8_t opcodes[][3] = {{0x0f, 0xa2}, {0x0f, 0x30}, {0x0f, 0x32}, {0xee}, {0xef}, {0xec}, {0xed}, {0x6c}, {0x6f}, {0xf3, 0x6e}, {0xf3, 0x6d},
                                         {0xa4}, {0xab}, {0xf3, 0xa5}, {0x0f, 0x20}, {0x0f, 0x23}, {0x0f, 0x01, 0xd9}, {0x0f, 0x01, 0xd1}, {0x0f, 0x01, 0xd8}, {0xf4},
                                         {0x0f, 0x09}, {0x0f, 0x33}, {0x0f, 0xc7}, {0x88}, {0x8b}, {0x87}, {0x31}, {0x0f, 0xb6}, {0x66, 0x89}, {0xcd, 0x30}, {0x9d}};

    for (unsigned i = 0; i < CODE_BYTES; i += 8) {
        uint64_t r = random_next(state);

        memcpy(code + i, &r, 8);
        if (r >> 60 < 6)
            memcpy(code + i + (r >> 56 & 3), opcodes[(r >> 32) % (sizeof opcodes / sizeof opcodes[0])], 3);
    }
    for (unsigned i = 1; i < CODE_BYTES; i++) /* no LTR: QEMU ends itself ("invalid tss") at the next exception after some of them */
        if (code[i - 1] == 0x0f && code[i] == 0)
            code[i] = 0x0b;
}

void guest_main(void)
{
    uint64_t seed = 1, seconds = 10, state, registers[16];

    guest_option("seed", &seed);
    guest_option("seconds", &seconds);
    state = (seed * 0x9e3779b97f4a7c15ull ^ rdtsc()) | 1;
    print("random-code: a life from seed 0x%lx\n", state);
    apic_init();
    memcpy((void *)(uintptr_t)TRAMPOLINE, cpu_trampoline, (size_t)(cpu_trampoline_end - cpu_trampoline));
    cpu_stack = second_stack + sizeof second_stack;
    tsc_hz();
    wrmsr(ICR, 1ull << 32 | ICR_INIT);
    wrmsr(ICR, 1ull << 32 | ICR_START | TRAMPOLINE >> 12);
    set_up();
    for (uint64_t streams = 0, told = rdtsc(); rdtsc() < seconds * tsc_hz(); streams++) {
        fill((uint8_t *)(uintptr_t)RAM, &state);
        for (unsigned i = 0; i < RUNS; i++) {
            for (unsigned r = 0; r < 16; r++)
                registers[r] = interesting(&state);
            registers[4] = STACK - (random_next(&state) & 0xff8);
            random_run(registers, WINDOW + random_next(&state) % CODE_BYTES, 2 | (random_next(&state) & 0x2ed5));
            runs++;
        }
        if (rdtsc() - told > tsc_hz()) {
            serial_init();
            print("random-code: %lu streams in this life\n", streams + 1);
            told = rdtsc();
        }
    }
    serial_init();
    print("random-code: over, %lu runs in this life\n", runs);
}
