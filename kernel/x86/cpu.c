/* One core's set-up: features, control registers, descriptor tables, SYSCALL. Boot checked the features with a sentence for the
 * operator before; the kernel checks again what its own correctness stands on. */
#include <machine.h>
#include "../core.h"
#include "context.h"
#include "cpu.h"
#include "trap.h"

struct cpu_features cpu;

/* Segment descriptors (APM vol 2, 4.8): in long mode only type, DPL, P, L and D count. Order: context.h. */
#define CODE_SEGMENT(dpl) (0x00209a0000000000ull | (uint64_t)(dpl) << 45)
#define DATA_SEGMENT(dpl) (0x0000920000000000ull | (uint64_t)(dpl) << 45)
static uint64_t gdt[7] = {0, CODE_SEGMENT(0), DATA_SEGMENT(0), DATA_SEGMENT(3), CODE_SEGMENT(3), 0, 0};

struct tss { /* APM vol 2, 12.2.5 */
    uint32_t reserved0;
    uint64_t rsp[3] __attribute__((packed));
    uint64_t reserved1 __attribute__((packed));
    uint64_t ist[7] __attribute__((packed));
    uint64_t reserved2 __attribute__((packed));
    uint16_t reserved3, io_map_base;
};
_Static_assert(sizeof(struct tss) == 104, "64-bit TSS");
static struct tss tss;

struct gate { /* APM vol 2, 4.8.4 */
    uint16_t offset_low, selector;
    uint8_t ist, type;
    uint16_t offset_middle;
    uint32_t offset_high, reserved;
};
_Static_assert(sizeof(struct gate) == 16, "64-bit gate");
static struct gate idt[256];

#define GATE_INTERRUPT 0x8e /* present, DPL 0, interrupt gate: IF is cleared */
#define STUB_SIZE 16        /* entry.S */

struct table_register {
    uint16_t limit;
    uint64_t base __attribute__((packed));
};

static void features_find(void)
{
    struct cpuid one = cpuid(1, 0), seven = cpuid(7, 0), ext1 = cpuid(0x80000001, 0), ext8 = cpuid(0x80000008, 0);
    cpu.xsave = one.ecx >> 26 & 1;
    cpu.avx = cpu.xsave && (one.ecx >> 28 & 1);
    cpu.tsc_deadline = one.ecx >> 24 & 1;
    cpu.ibpb = ext8.ebx >> 12 & 1;
    cpu.x87_pointers_saved = ext8.ebx >> 2 & 1;
    cpu.auto_ibrs = cpuid(0x80000000, 0).eax >= 0x80000021 && (cpuid(0x80000021, 0).eax >> 8 & 1);
    cpu.phys_mask = MASK(ext8.eax & 0xff);
    cpu.xcr0_mask = cpu.avx ? 7 : 3;
    if (!(ext1.edx >> 20 & 1))
        panic("the processor has no execute-disable bit (CPUID 8000_0001 EDX 20)");
    if (!(seven.ebx & 1))
        panic("the processor has no FSGSBASE instructions (CPUID 7 EBX 0)");
    if (!(seven.ebx >> 7 & 1) || !(seven.ebx >> 20 & 1))
        panic("the processor cannot keep the kernel from user memory (SMEP, SMAP: CPUID 7 EBX 7 and 20)");
    if (!(one.edx >> 25 & 1) || !(one.edx >> 24 & 1))
        panic("the processor has no SSE or FXSAVE");

    cpu.guest_cr4_mask = 0x7ff; /* VME .. OSXMMEXCPT: every 64-bit processor */
    cpu.guest_cr4_mask |= CR4_FSGSBASE | (one.ecx >> 17 & 1 ? CR4_PCIDE : 0) | (cpu.xsave ? CR4_OSXSAVE : 0) |
                          (seven.ebx >> 7 & 1 ? CR4_SMEP : 0) | (seven.ebx >> 20 & 1 ? CR4_SMAP : 0) |
                          (seven.ecx >> 2 & 1 ? CR4_UMIP : 0) | (seven.ecx >> 3 & 1 ? CR4_PKE : 0) |
                          (seven.ecx >> 16 & 1 ? CR4_LA57 : 0);
}

static void control_registers_init(void)
{
    word_t optional = cpu.guest_cr4_mask & (CR4_UMIP | CR4_OSXSAVE);
    write_cr0(CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG);
    /* While a VMM's exits are handled, the VMM's tables are in use, which map its guest's memory: SMAP and SMEP keep the kernel out. */
    write_cr4(CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_FSGSBASE | CR4_SMEP | CR4_SMAP | optional);
    if (cpu.xsave)
        xsetbv(3); /* user level has x87 and SSE, as in seL4's FXSAVE configuration */
    if (cpu.xsave && (cpuid(0xd, 1).eax >> 3 & 1))
        wrmsr(MSR_XSS, 0); /* no supervisor state that a guest's XSAVES could reach */
    write_dr(7, DR7_RESET); /* whatever the firmware's debugger left */
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE | EFER_NXE | (cpu.auto_ibrs ? EFER_AUTO_IBRS : 0));
    /* Entries 0..3 as after reset, 4 write-combining: attribute word 4 of a mapping (sel4/abi.h) is then its PAT index. */
    wrmsr(MSR_PAT, 0x0007040100070406ull);
}

static void tables_init(void)
{
    word_t base = (word_t)&tss;
    tss.rsp[0] = (word_t)kernel_stack_top;
    tss.ist[0] = (word_t)emergency_stack_top;
    tss.io_map_base = sizeof(tss); /* no I/O permission map: user-level IN and OUT fault */
    gdt[5] = (sizeof(tss) - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
    gdt[6] = base >> 32;
    for (unsigned n = 0; n < 256; n++) {
        word_t stub = (word_t)vector_stubs + n * STUB_SIZE;
        /* NMI, double fault and machine check can come at any instruction, also before SYSCALL's entry has a stack. */
        uint8_t ist = n == VECTOR_NMI || n == VECTOR_DOUBLE_FAULT || n == VECTOR_MACHINE_CHECK;
        idt[n] = (struct gate){(uint16_t)stub, SELECTOR_KERNEL_CODE, ist, GATE_INTERRUPT, (uint16_t)(stub >> 16),
                               (uint32_t)(stub >> 32), 0};
    }
    struct table_register gdtr = {sizeof(gdt) - 1, (word_t)gdt}, idtr = {sizeof(idt) - 1, (word_t)idt};
    lgdt(&gdtr);
    lidt(&idtr);
    segments_load();
    lldt(0);
    ltr(SELECTOR_TSS);
}

void cpu_init(void)
{
    features_find();
    control_registers_init();
    tables_init();
    clear_selectors();
    wrmsr(MSR_STAR, (word_t)SELECTOR_KERNEL_CODE << 32 | (word_t)(SELECTOR_USER_CODE - 16) << 48);
    wrmsr(MSR_LSTAR, (word_t)syscall_entry);
    wrmsr(MSR_CSTAR, (word_t)syscall_entry); /* no compatibility-mode code segment exists, so this is never taken */
    wrmsr(MSR_SFMASK, ~RFLAGS_ONE & 0xffffffff);
    wrmsr(MSR_SYSENTER_CS, 0); /* SYSENTER faults */
}
