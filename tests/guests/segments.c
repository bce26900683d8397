/* Claim: segment registers, descriptor tables, the task register, 32-bit code in long mode and the FS/GS bases behave across exits. */
#include "guest.h"

struct __attribute__((packed)) table_pointer { uint16_t limit; uint64_t base; };

static uint64_t local[4] = {0, 0x00cf93000000ffff};
static uint32_t task[26];
static uint32_t from_32bit __attribute__((used));

static void system_descriptor(unsigned selector, const void *base, unsigned limit, unsigned type)
{
    uint64_t at = (uint64_t)base;
    guest_gdt[selector / 8] = limit | (at & 0xffffff) << 16 | (uint64_t)(0x80 | type) << 40 | (at >> 24 & 0xff) << 56;
    guest_gdt[selector / 8 + 1] = at >> 32;
}

static void expect(const char *what, uint64_t is, uint64_t should)
{
    if (is != should)
        guest_fail("%s is 0x%lx, should be 0x%lx", what, is, should);
    print("segments: %s 0x%lx\n", what, is);
}

/* Far return into 32-bit code, CPUID there, and far return out again (AMD APM volume 1, section 3.7.3). */
static uint32_t compatibility_mode(void)
{
    __asm__ volatile("pushq %%rbx; leaq 1f(%%rip), %%rax; pushq $0x18; pushq %%rax; lretq\n"
                     ".code32\n1: movl %%esp, %%ebx; movl $0x12345678, from_32bit; movl $0, %%eax; pushl %%ebx; cpuid; popl %%ebx\n"
                     "movl $0xbeef, %%edx; pushl $8; pushl $2f; lretl\n.code64\n2: popq %%rbx" : : : "rax", "rcx", "rdx", "memory", "cc");
    return from_32bit;
}

void guest_main(void)
{
    struct table_pointer pointer;
    uint64_t value = 0;
    uint16_t selector;
    system_descriptor(0x28, task, sizeof task - 1, 9);
    system_descriptor(0x38, local, sizeof local - 1, 2);
    __asm__ volatile("ltr %w0" : : "r"(0x28));
    __asm__ volatile("lldt %w0" : : "r"(0x38));
    cpuid(0, 0);
    __asm__ volatile("str %0" : "=r"(selector));
    expect("TR", selector, 0x28);
    __asm__ volatile("sldt %0" : "=r"(selector));
    expect("LDTR", selector, 0x38);
    expect("TSS type (busy)", guest_gdt[5] >> 40 & 0xff, 0x8b);
    __asm__ volatile("sgdt %0" : "=m"(pointer));
    expect("GDT base", pointer.base, (uint64_t)guest_gdt);
    expect("GDT limit", pointer.limit, 9 * 8 - 1);

    __asm__ volatile("movl %0, %%es; movl %1, %%fs" : : "r"(0x10), "r"(0x0c)); /* 0x0c: the local table's entry 1 */
    cpuid(0, 0);
    __asm__ volatile("movw %%fs, %0" : "=r"(selector));
    expect("FS", selector, 0x0c);
    wrmsr(MSR_FS_BASE, (uint64_t)&local);
    wrmsr(MSR_GS_BASE, 0xffff800012345678);
    wrmsr(MSR_KERNEL_GS_BASE, 0x123456789a);
    cpuid(0, 0);
    __asm__ volatile("movq %%fs:8, %0" : "=r"(value));
    expect("word through FS", value, local[1]);
    __asm__ volatile("swapgs");
    expect("GS base after SWAPGS", rdmsr(MSR_GS_BASE), 0x123456789a);
    expect("kernel GS base after SWAPGS", rdmsr(MSR_KERNEL_GS_BASE), 0xffff800012345678);
    expect("word written by 32-bit code", compatibility_mode(), 0x12345678);
    for (unsigned i = 0; i < 1000; i++)
        compatibility_mode();
    print("segments: 1000 times to 32-bit code and back\n");
}
