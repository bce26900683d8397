/* Claim: single step stops behind every instruction, also those that exit, and breakpoints of the debug registers hit where they are set
 * (AMD APM volume 2, section 13.1). */
#include "guest.h"

#define FLAG_TF 0x100u
#define FLAG_RF 0x10000u
#define DR6_STEP 0x4000u
#define DR7_FIXED 0x400u
#define DR7_EXECUTE(n) (2ull << 2 * (n))
#define DR7_WRITE_4(n) (2ull << 2 * (n) | 13ull << (16 + 4 * (n)))
#define IOAPIC 0xfec00000u
#define MAX 64

static uint64_t seen[MAX], reason[MAX];
static unsigned count;

static uint64_t dr6_take(void)
{
    uint64_t value, clear = 0xffff0ff0;

    __asm__ volatile("movq %%dr6, %0; movq %1, %%dr6" : "=&r"(value) : "r"(clear));
    return value;
}

static void hook(struct trap_frame *f)
{
    if (f->vector != TRAP_DB)
        guest_fail("exception %lu, error code 0x%lx at 0x%lx", f->vector, f->error, f->rip);
    if (count == MAX)
        guest_fail("more than %u debug exceptions", MAX);
    seen[count] = f->rip;
    reason[count++] = dr6_take();
    f->rflags |= FLAG_RF; /* go on behind an instruction breakpoint */
}

/* Each line a label; single step from 0 on to the last one. */
#define LINES "pushfq; orq $0x100, (%%rsp); popfq\n" \
              "0: nop\n"                             \
              "1: cpuid\n"                           \
              "2: cpuid\n"                           \
              "3: outb %%al, $0x80\n"                \
              "4: inb $0x80, %%al\n"                 \
              "5: movl $0x1b, %%ecx\n" \
              "6: rdmsr\n"                           \
              "7: movl (%%rsi), %%eax\n"             \
              "8: movl $0, (%%rsi)\n"                \
              "9: wbinvd\n"                          \
              "10: pushfq\n" \
              "11: andq $~0x100, (%%rsp)\n" \
              "12: popfq\n"                          \
              "13: nop\n"

static void single_step(void)
{
    static uint64_t at[16] __attribute__((used));
    static const unsigned expected = 13;

    count = 0;
    __asm__ volatile(LINES
                     "leaq 1b(%%rip), %%rax; movq %%rax, %0\n"
                     "leaq 2b(%%rip), %%rax; movq %%rax, 8+%0\n"
                     "leaq 3b(%%rip), %%rax; movq %%rax, 16+%0\n"
                     "leaq 4b(%%rip), %%rax; movq %%rax, 24+%0\n"
                     "leaq 5b(%%rip), %%rax; movq %%rax, 32+%0\n"
                     "leaq 6b(%%rip), %%rax; movq %%rax, 40+%0\n"
                     "leaq 7b(%%rip), %%rax; movq %%rax, 48+%0\n"
                     "leaq 8b(%%rip), %%rax; movq %%rax, 56+%0\n"
                     "leaq 9b(%%rip), %%rax; movq %%rax, 64+%0\n"
                     "leaq 10b(%%rip), %%rax; movq %%rax, 72+%0\n"
                     "leaq 11b(%%rip), %%rax; movq %%rax, 80+%0\n"
                     "leaq 12b(%%rip), %%rax; movq %%rax, 88+%0\n"
                     "leaq 13b(%%rip), %%rax; movq %%rax, 96+%0\n"
                     : "=m"(at)
                     : "S"(IOAPIC)
                     : "rax", "rbx", "rcx", "rdx", "memory", "cc");
    for (unsigned i = 0; i < count && i < expected; i++)
        if (seen[i] != at[i] || !(reason[i] & DR6_STEP))
            guest_fail("step %u stopped at 0x%lx with DR6 0x%lx, should be 0x%lx", i, seen[i], reason[i], at[i]);
    if (count != expected)
        guest_fail("%u steps instead of %u", count, expected);
    print("debug: %u single steps over instructions that exit\n", count);
}

/* A repeated string instruction stops after each element. */
static void single_step_string(void)
{
    static const uint8_t bytes[4];
    const void *from = bytes;
    uint64_t n = 4;

    count = 0;
    __asm__ volatile("pushfq; pushfq; orq $0x100, (%%rsp); popfq\n rep outsb\n popfq\n nop"
                     : "+S"(from), "+c"(n) : "d"(0x80) : "memory", "cc");
    if (count < 4 || count > 6 || n || from != bytes + 4) /* the popfq itself, and the one behind it */
        guest_fail("rep outsb of 4 bytes under single step: %u steps, %lu left", count, n);
    print("debug: %u steps over a repeated string instruction\n", count);
}

static void breakpoints(void)
{
    static volatile uint32_t watched;
    static uint64_t place[2];
    uint64_t dr7, now;

    count = 0;
    __asm__ volatile("leaq 1f(%%rip), %%rax; movq %%rax, %%dr0; movq %%rax, (%0)\n"
                     "leaq 2f(%%rip), %%rax; movq %%rax, %%dr1; movq %%rax, 8(%0)\n"
                     "movq %1, %%dr2\n"
                     "movq %2, %%rax; movq %%rax, %%dr7\n"
                     "xorl %%eax, %%eax\n"
                     "1: cpuid\n"
                     "2: nop\n"
                     "movl $5, (%1)\n"
                     "nop\n"
                     :
                     : "r"(place), "r"(&watched), "i"(DR7_FIXED | DR7_EXECUTE(0) | DR7_EXECUTE(1) | DR7_WRITE_4(2))
                     : "rax", "rbx", "rcx", "rdx", "memory", "cc");
    __asm__ volatile("movq %%dr7, %0; movq %1, %%dr7" : "=&r"(dr7) : "r"((uint64_t)DR7_FIXED));
    __asm__ volatile("movq %%dr1, %0" : "=r"(now));
    if (dr7 != (DR7_FIXED | DR7_EXECUTE(0) | DR7_EXECUTE(1) | DR7_WRITE_4(2)) || now != place[1])
        guest_fail("DR7 reads 0x%lx, DR1 0x%lx", dr7, now);
    if (count != 3 || seen[0] != place[0] || seen[1] != place[1] || (reason[0] & 15) != 1 || (reason[1] & 15) != 2 || (reason[2] & 15) != 4)
        guest_fail("%u breakpoints, DR6 0x%lx, 0x%lx, 0x%lx, the second at 0x%lx instead of 0x%lx", count, reason[0], reason[1], reason[2],
                   seen[1], place[1]);
    print("debug: breakpoints on an instruction that exits, on the one behind it, and on data\n");
}

void guest_main(void)
{
    trap_hook = hook;
    dr6_take();
    cpuid(0, 0);
    single_step();
    single_step(); /* once more: the VMM now knows the page */
    single_step_string();
    breakpoints();
}
