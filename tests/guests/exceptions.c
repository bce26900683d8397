/* Claim: the guest takes its own exceptions with the vectors, error codes, addresses and CR2 of a real CPU. */
#include "guest.h"

#define CR0_WP (1u << 16)
#define EFER_NXE (1u << 11)
#define WINDOW 0x140000000ull /* 2 MiB pages whose rights the test sets */
#define NON_CANONICAL 0x8000000000000000ull

static uint64_t table[512] __attribute__((aligned(4096)));

static void divide(void *p) { (void)p; __asm__ volatile("xorl %%edx, %%edx; movl $1, %%eax; xorl %%ecx, %%ecx; divl %%ecx" : : : "eax", "ecx", "edx"); }
static void breakpoint(void *p) { (void)p; __asm__ volatile("int3"); }
static void overflow(void *p) { (void)p; __asm__ volatile("int $4"); }
static void undefined(void *p) { (void)p; __asm__ volatile("ud2"); }
static void step(void *p) { (void)p; __asm__ volatile("pushfq; orq $0x100, (%rsp); popfq; nop; nop"); }
static void no_fpu(void *p)
{
    (void)p;
    __asm__ volatile("movq %%cr0, %%rax; orq $8, %%rax; movq %%rax, %%cr0; fldz" : : : "rax"); /* CR0.TS */
}
static void load(void *p) { __asm__ volatile("movq (%0), %%rax" : : "r"(p) : "rax", "memory"); }
static void store(void *p) { __asm__ volatile("movq %%rax, (%0)" : : "r"(p) : "memory"); }
static void jump(void *p) { ((void (*)(void))(uintptr_t)p)(); }
static void load_stack_selector(void *p) { __asm__ volatile("movl %0, %%ss" : : "r"((uint32_t)(uintptr_t)p)); }
static void load_selector(void *p) { __asm__ volatile("movl %0, %%es" : : "r"((uint32_t)(uintptr_t)p)); }
static void software_interrupt(void *p) { (void)p; __asm__ volatile("int $0x60"); }

static void expect(const char *what, void (*f)(void *), uint64_t argument, unsigned vector, uint64_t error, uint64_t cr2)
{
    uint64_t trap = trap_run(f, (void *)argument);
    __asm__ volatile("clts");
    print("exceptions: %s: vector %d, error code 0x%lx\n", what, (int)trap - 1, trap_last.error);
    if (trap != vector + 1)
        guest_fail("%s: vector %d instead of %u", what, (int)trap - 1, vector);
    if (trap_last.error != error)
        guest_fail("%s: error code 0x%lx instead of 0x%lx", what, trap_last.error, error);
    if (vector == TRAP_PF && trap_last.cr2 != cr2)
        guest_fail("%s: CR2 is 0x%lx instead of 0x%lx", what, trap_last.cr2, cr2);
}

void guest_main(void)
{
    guest_pdpt[5] = (uint64_t)table + 3;
    expect("#DE", divide, 0, TRAP_DE, 0, 0);
    expect("#DB", step, 0, TRAP_DB, 0, 0);
    expect("#BP", breakpoint, 0, TRAP_BP, 0, 0);
    expect("#OF", overflow, 0, TRAP_OF, 0, 0);
    expect("#UD", undefined, 0, TRAP_UD, 0, 0);
    expect("#NM", no_fpu, 0, TRAP_NM, 0, 0);
    expect("#NP", load_selector, 0x20, TRAP_NP, 0x20, 0);
    expect("#SS", load_stack_selector, 0x20, TRAP_SS, 0x20, 0);
    expect("#GP, address", load, NON_CANONICAL, TRAP_GP, 0, 0);
    expect("#GP, selector", load_selector, 0x1f0, TRAP_GP, 0x1f0, 0);
    expect("#PF, read", load, WINDOW + 0x1238, TRAP_PF, 0, WINDOW + 0x1238);
    expect("#PF, write", store, WINDOW + 0x1238, TRAP_PF, 2, WINDOW + 0x1238);
    expect("#PF, fetch", jump, WINDOW + 0x1238, TRAP_PF, 0, WINDOW + 0x1238);

    uint64_t cr0;
    __asm__ volatile("movq %%cr0, %0" : "=r"(cr0));
    __asm__ volatile("movq %0, %%cr0" : : "r"(cr0 | CR0_WP));
    table[1] = 0x81; /* read-only page of physical 0 */
    expect("#PF, write to read-only", store, WINDOW + 0x200008, TRAP_PF, 3, WINDOW + 0x200008);
    table[2] = 0x83 | 1ull << 51; /* beyond the physical addresses of the CPU: reserved bit */
    if (trap_run(load, (void *)(WINDOW + 0x400000)) != TRAP_PF + 1 || (trap_last.error | 1) != 9) /* TCG leaves "present" out */
        guest_fail("#PF, reserved bit: error code 0x%lx", trap_last.error);
    if (cpuid(0x80000001, 0).edx >> 20 & 1) {
        wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
        table[3] = 0x83 | 1ull << 63;
        expect("#PF, fetch of no-execute", jump, WINDOW + 0x600010, TRAP_PF, 0x11, WINDOW + 0x600010);
        expect("#PF, fetch with NXE", jump, WINDOW + 0x1000, TRAP_PF, 0x10, WINDOW + 0x1000);
    }
    for (unsigned i = 0; i < 20000; i++) /* exceptions and exits mixed */
        if (trap_run(undefined, NULL) != TRAP_UD + 1 || (i % 16 == 0 && cpuid(0, 0).eax == 0) || trap_run(software_interrupt, NULL))
            guest_fail("round %u of mixed exceptions", i);
    if (irq_count[0x60] != 20000)
        guest_fail("%lu of 20000 software interrupts", irq_count[0x60]);
}
