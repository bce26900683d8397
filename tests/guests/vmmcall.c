/* Claim: hypercalls with random registers do nothing: #UD, or a refusal in RAX with every other register kept. Options: seed, count. */
#include "guest.h"

static uint64_t before[14] __attribute__((used)), after[14] __attribute__((used)); /* rbx rcx rdx rsi rdi rbp r8..r15 */
static uint64_t rax __attribute__((used));

#define CALL(name, instruction) \
    static void name(void *unused) \
    { \
        (void)unused; \
        __asm__ volatile( \
            "pushq %%rbx; pushq %%rbp; movq rax, %%rax; movq before+0, %%rbx; movq before+8, %%rcx; movq before+16, %%rdx; " \
            "movq before+24, %%rsi; movq before+32, %%rdi; movq before+40, %%rbp; movq before+48, %%r8; movq before+56, %%r9; " \
            "movq before+64, %%r10; movq before+72, %%r11; movq before+80, %%r12; movq before+88, %%r13; movq before+96, %%r14; " \
            "movq before+104, %%r15; " instruction "; movq %%rbx, after+0; movq %%rcx, after+8; movq %%rdx, after+16; " \
            "movq %%rsi, after+24; movq %%rdi, after+32; movq %%rbp, after+40; movq %%r8, after+48; movq %%r9, after+56; " \
            "movq %%r10, after+64; movq %%r11, after+72; movq %%r12, after+80; movq %%r13, after+88; movq %%r14, after+96; " \
            "movq %%r15, after+104; movq %%rax, rax; popq %%rbp; popq %%rbx" \
            : : : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc"); \
    }
CALL(do_vmmcall, "vmmcall")
CALL(do_vmcall, "vmcall")

void guest_main(void)
{
    uint64_t seed = 1, count = 20000, refused = 0, undefined = 0;
    guest_option("seed", &seed);
    guest_option("count", &count);
    print("vmmcall: seed %lu, %lu calls\n", seed, count);
    uint64_t state = seed ? seed : 1;
    for (uint64_t i = 0; i < count; i++) {
        for (unsigned r = 0; r < 14; r++)
            before[r] = random_next(&state);
        rax = i & 1 ? random_next(&state) : random_next(&state) & 0xff;
        uint64_t trap = trap_run(i & 2 ? do_vmcall : do_vmmcall, NULL);
        if (trap && trap != TRAP_UD + 1)
            guest_fail("call %lu raised exception %lu", i, trap - 1);
        undefined += trap != 0;
        refused += trap == 0;
        if (trap)
            continue;
        if ((int64_t)rax >= 0)
            guest_fail("call %lu answered 0x%lx", i, rax);
        for (unsigned r = 0; r < 14; r++)
            if (after[r] != before[r])
                guest_fail("call %lu changed register %u from 0x%lx to 0x%lx", i, r, before[r], after[r]);
    }
    print("vmmcall: %lu refused, %lu #UD\n", refused, undefined);
}
