/* Claim: x87, SSE and, where offered, AVX state survives exits and interrupts. */
#include "guest.h"

#define CR4_OSXSAVE (1u << 18)

static uint8_t pattern[16][32] __attribute__((aligned(32))), now[16][32] __attribute__((aligned(32)));

#define EACH(m) m(0) m(1) m(2) m(3) m(4) m(5) m(6) m(7) m(8) m(9) m(10) m(11) m(12) m(13) m(14) m(15)
#define LOAD_XMM(n) __asm__ volatile("movups %0, %%xmm" #n : : "m"(pattern[n]));
#define SAVE_XMM(n) __asm__ volatile("movups %%xmm" #n ", %0" : "=m"(now[n]));
#define LOAD_YMM(n) __asm__ volatile("vmovups %0, %%ymm" #n : : "m"(pattern[n]));
#define SAVE_YMM(n) __asm__ volatile("vmovups %%ymm" #n ", %0" : "=m"(now[n]));

static void exits(unsigned n)
{
    while (n--) {
        cpuid(0, 0);
        out8(0x80, (uint8_t)n);
        timer_one_shot(0xf0, 200000);
        __asm__ volatile("sti; hlt; cli" : : : "memory");
    }
}

static void compare(unsigned bytes, const char *what)
{
    for (unsigned r = 0; r < 16; r++)
        for (unsigned i = 0; i < bytes; i++)
            if (now[r][i] != pattern[r][i])
                guest_fail("%s%u, byte %u: 0x%x, was 0x%x", what, r, i, now[r][i], pattern[r][i]);
    print("fpu: %s0 to %s15 kept\n", what, what);
}

void guest_main(void)
{
    uint64_t state = rdtsc() | 1;
    for (unsigned r = 0; r < 16; r++)
        for (unsigned i = 0; i < 32; i++)
            pattern[r][i] = (uint8_t)random_next(&state);
    apic_init();
    apic_timer_hz();

    uint16_t control = 0x0e7f, control_now;
    uint32_t mxcsr = 0x3f80, mxcsr_now;
    double pi;
    uint64_t pi_bits;
    __asm__ volatile("fninit; fldcw %0; ldmxcsr %1; fldpi" : : "m"(control), "m"(mxcsr));
    EACH(LOAD_XMM)
    exits(200);
    EACH(SAVE_XMM)
    __asm__ volatile("fnstcw %0; stmxcsr %1; fstpl %2" : "=m"(control_now), "=m"(mxcsr_now), "=m"(pi));
    memcpy(&pi_bits, &pi, 8);
    compare(16, "xmm");
    if (control_now != control || mxcsr_now != mxcsr)
        guest_fail("control words 0x%x, 0x%x became 0x%x, 0x%x", control, mxcsr, control_now, mxcsr_now);
    if (pi_bits != 0x400921fb54442d18 && pi_bits != 0x400921fb54442d19) /* rounding upwards or to nearest */
        guest_fail("pi became 0x%lx", pi_bits);

    if ((cpuid(1, 0).ecx >> 26 & 1) && (cpuid(1, 0).ecx >> 28 & 1)) {
        cr4_write(cr4_read() | CR4_OSXSAVE);
        __asm__ volatile("xsetbv" : : "a"(7), "d"(0), "c"(0));
        EACH(LOAD_YMM)
        exits(200);
        EACH(SAVE_YMM)
        compare(32, "ymm");
    } else {
        print("fpu: no AVX offered\n");
    }
}
