/* Runtime of the test guests: one claim each, 64-bit code from a multiboot loader, on Atoll or on plain QEMU alike.
 *
 * A guest says what it sees on COM1 and ends by guest_exit(status): 0 when its claim held. The word `plain` on its command line
 * tells it that no hypervisor of ours is below (its own validation on QEMU). */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#define PORT_COM1 0x3f8
#define PORT_EXIT 0xf4  /* isa-debug-exit, and Atoll's exit port */
#define PORT_HOOK 0xf5  /* Atoll's test hooks: 1 crashes the VMM, 2 the kernel */

#define MSR_TSC 0x10
#define MSR_APIC_BASE 0x1b
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_X2APIC_ID 0x802
#define MSR_X2APIC_EOI 0x80b
#define MSR_X2APIC_SPURIOUS 0x80f
#define MSR_X2APIC_LVT_TIMER 0x832
#define MSR_X2APIC_TIMER_COUNT 0x838
#define MSR_X2APIC_TIMER_DIVIDE 0x83e
#define MSR_X2APIC_SELF_IPI 0x83f
#define MSR_EFER 0xc0000080
#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102

enum trap_vector { TRAP_DE = 0, TRAP_DB = 1, TRAP_BP = 3, TRAP_OF = 4, TRAP_UD = 6, TRAP_NM = 7, TRAP_NP = 11, TRAP_SS = 12, TRAP_GP = 13,
                   TRAP_PF = 14, TRAP_AC = 17 };

/* The stub's stack picture (start.S). */
struct trap_frame {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

struct trap { uint64_t vector, error, rip, cr2; }; /* start.S reads the first word */
extern struct trap trap_last;
extern void (*trap_hook)(struct trap_frame *); /* sees exceptions that no trap_run catches; returning resumes */

/* Run f(argument). 0: it returned; otherwise vector + 1 of the exception that ended it, details in trap_last. */
uint64_t trap_run(void (*f)(void *), void *argument);

extern volatile uint64_t irq_count[256]; /* interrupts taken per vector from 32 on; each is acknowledged at the local APIC */
extern void (*irq_hook)(uint64_t vector); /* takes and acknowledges interrupts instead, on any CPU */
extern volatile uint64_t irq_tsc;        /* TSC at the last one */

void guest_main(void);
_Noreturn void guest_exit(uint32_t status);
_Noreturn void guest_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
void print(const char *format, ...) __attribute__((format(printf, 1, 2))); /* %s %c %d %u %x, l, width, zero */
void serial_init(void);
void *memset(void *to, int value, size_t n);
void *memcpy(void *to, const void *from, size_t n);
bool guest_option(const char *name, uint64_t *value); /* `name` or `name=NUMBER` on the command line */
extern bool guest_plain;
extern uint64_t guest_ram_end; /* RAM above 1 MiB is contiguous up to here */
extern char guest_image_end[];
extern uint64_t guest_pml4[512], guest_pdpt[512], guest_pd[4 * 512], guest_gdt[];

extern bool apic_on;       /* interrupts are acknowledged */
void apic_init(void);    /* x2APIC mode, legacy PICs masked, timer at divider 1 */
uint64_t tsc_hz(void);
uint64_t apic_timer_hz(void);
void timer_one_shot(uint8_t vector, uint64_t nanoseconds);
void timer_stop(void);
void idle_until(uint64_t tsc); /* halt, woken by the timer (vector 0xf0), until the TSC has come so far */

const void *acpi_table(const char signature[4]); /* by RSDP scan; NULL: none */
void *acpi_rsdp(void);

/* xorshift64*, for repeatable random tests. */
static inline uint64_t random_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dull;
}

static inline void out8(uint16_t port, uint8_t value) { __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory"); }
static inline void out16(uint16_t port, uint16_t value) { __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory"); }
static inline void out32(uint16_t port, uint32_t value) { __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory"); }
static inline uint8_t in8(uint16_t port) { uint8_t v; __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port) : "memory"); return v; }
static inline uint16_t in16(uint16_t port) { uint16_t v; __asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port) : "memory"); return v; }
static inline uint32_t in32(uint16_t port) { uint32_t v; __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port) : "memory"); return v; }

static inline uint64_t rdtsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

static inline uint64_t rdmsr(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
    return (uint64_t)high << 32 | low;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "c"(msr) : "memory");
}

/* a * b / c with a 128-bit product; the quotient must fit 64 bits. */
static inline uint64_t mul_div(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t high;
    __asm__("mulq %2; divq %3" : "+a"(a), "=&d"(high) : "r"(b), "r"(c));
    return a;
}

struct cpuid { uint32_t eax, ebx, ecx, edx; };
static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid r;
    __asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
    return r;
}

static inline uint64_t cr4_read(void) { uint64_t v; __asm__ volatile("movq %%cr4, %0" : "=r"(v)); return v; }
static inline void cr4_write(uint64_t v) { __asm__ volatile("movq %0, %%cr4" : : "r"(v) : "memory"); }
static inline void interrupts_on(void) { __asm__ volatile("sti" : : : "memory"); }
static inline void interrupts_off(void) { __asm__ volatile("cli" : : : "memory"); }
static inline void tlb_flush(void)
{
    uint64_t cr3;
    __asm__ volatile("movq %%cr3, %0; movq %0, %%cr3" : "=r"(cr3) : : "memory");
}
