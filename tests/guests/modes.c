/* Claim: a guest may leave long mode: protected mode without paging, hardware task switches by JMP, CALL and a task gate, 16-bit protected mode,
 * real mode with its interrupts, and back (AMD APM volume 2, sections 12.4 and 14.7). In each, instructions exit. */
#include "guest.h"

#define BASE 0x60000u
#define DIRECTORY ((uint32_t *)0x50000)
#define POINTERS ((uint64_t *)0x51000)
#define ROUNDS 50
#define TSS_AVAILABLE 0x89ull

extern char modes_begin[], modes_enter[], modes_end[], modes_gdt[], modes_results[], modes_tss_a[], modes_tss_b[], modes_task_b[], stack_b_end[];

static uint32_t at(const char *label) { return BASE + (uint32_t)(label - modes_begin); }

/* 32-bit task state segment (section 12.2.3), as double words. */
enum { TSS_EIP = 8, TSS_EFLAGS = 9, TSS_ESP = 14, TSS_ES = 18, TSS_CS = 19, TSS_SS = 20, TSS_DS = 21, TSS_FS = 22, TSS_GS = 23, TSS_DWORDS = 26 };

static uint64_t descriptor(uint32_t base)
{
    return (TSS_DWORDS * 4 - 1) | (uint64_t)(base & 0xffffff) << 16 | TSS_AVAILABLE << 40 | (uint64_t)(base >> 24) << 56;
}

static void fill(void)
{
    uint64_t *gdt = (uint64_t *)(uintptr_t)at(modes_gdt);
    uint32_t *b = (uint32_t *)(uintptr_t)at(modes_tss_b);

    for (uint32_t i = 0; i < 1024; i++)
        DIRECTORY[i] = i << 22 | 0x83;
    for (unsigned i = 0; i < 4; i++)
        POINTERS[i] = (uint64_t)&guest_pd[512 * i] | 1;
    memcpy((void *)(uintptr_t)BASE, modes_begin, (size_t)(modes_end - modes_begin));
    gdt[6] = descriptor(at(modes_tss_a));
    gdt[7] = descriptor(at(modes_tss_b));
    b[TSS_EIP] = at(modes_task_b);
    b[TSS_EFLAGS] = 2;
    b[TSS_ESP] = at(stack_b_end);
    b[TSS_CS] = 0x18;
    for (unsigned s = TSS_SS; s <= TSS_GS; s++)
        b[s] = 0x10;
    b[TSS_ES] = 0x10;
}

static void expect(const char *what, uint32_t is, uint32_t should)
{
    if (is != should)
        guest_fail("%s: 0x%x instead of 0x%x", what, is, should);
}

void guest_main(void)
{
    struct __attribute__((packed)) { uint16_t limit; uint64_t base; } idtr;
    const volatile uint32_t *r = (const volatile uint32_t *)(uintptr_t)at(modes_results);
    volatile uint32_t *ioapic = (volatile uint32_t *)0xfec00000u;
    uint32_t vendor = cpuid(0, 0).ebx, version;

    apic_init();
    ioapic[0] = 1;
    version = ioapic[4];
    __asm__ volatile("sidt %0" : "=m"(idtr));
    for (unsigned round = 0; round < ROUNDS; round++) {
        fill();
        ((void (*)(void))(uintptr_t)at(modes_enter))();
        __asm__ volatile("lidt %0; lgdt guest_gdt_pointer" : : "m"(idtr));
        expect("CPUID in protected mode", r[0], vendor);
        expect("I/O APIC in protected mode", r[1], version);
        expect("I/O APIC through a 4 MiB page", r[10], version);
        expect("I/O APIC with three levels of tables", r[11], version);
        expect("entries of the other task", r[2], 3);
        expect("task register afterwards", r[3] & 0xffff, 0x30);
        expect("CPUID in 16-bit protected mode", r[4], vendor);
        expect("interrupts in real mode", r[5], 3);
        expect("CPUID in real mode", r[6], vendor);
        expect("I/O APIC in real mode", r[7], version);
        expect("REP OUTSB in real mode: SI", r[8] & 0xffff, at(modes_results) - BASE + 4);
        expect("APIC base in real mode", r[9], (uint32_t)rdmsr(MSR_APIC_BASE));
        cpuid(0, 0);
    }
    print("modes: %u times to real mode and back, with three task switches and back\n", ROUNDS);
}
