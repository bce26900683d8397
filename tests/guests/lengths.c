/* Claim: after every instruction that exits, the guest goes on exactly behind it: with prefixes, and across a page boundary. */
#include "guest.h"

#define CR4_OSXSAVE (1u << 18)
#define MARK 0x600d

static uint8_t code[8192] __attribute__((aligned(4096)));
static const uint8_t tail[] = {0xbe, MARK & 0xff, MARK >> 8, 0, 0, 0xc3}; /* mov $MARK, %esi; ret */

static const struct { const char *name; uint8_t length, bytes[6]; uint32_t eax, ecx, edx; } instructions[] = {
    {"cpuid", 2, {0x0f, 0xa2}, 0, 0, 0},
    {"66 cpuid", 3, {0x66, 0x0f, 0xa2}, 1, 0, 0},
    {"rex.w cpuid", 3, {0x48, 0x0f, 0xa2}, 0x80000000, 0, 0},
    {"2e 66 rex cpuid", 5, {0x2e, 0x66, 0x40, 0x0f, 0xa2}, 0x80000001, 0, 0},
    {"rdmsr", 2, {0x0f, 0x32}, 0, MSR_APIC_BASE, 0},
    {"66 rdmsr", 3, {0x66, 0x0f, 0x32}, 0, MSR_APIC_BASE, 0},
    {"rex.w rdmsr", 3, {0x48, 0x0f, 0x32}, 0, MSR_EFER, 0},
    {"wrmsr", 2, {0x0f, 0x30}, 0, MSR_X2APIC_EOI, 0},
    {"rex.w wrmsr", 3, {0x48, 0x0f, 0x30}, 0, MSR_X2APIC_EOI, 0},
    {"out al, imm8", 2, {0xe6, 0x80}, 0, 0, 0},
    {"out ax, imm8", 3, {0x66, 0xe7, 0x80}, 0, 0, 0},
    {"out al, dx", 1, {0xee}, 0, 0, 0x80},
    {"rex.w out eax, dx", 2, {0x48, 0xef}, 0, 0, 0x80},
    {"in al, imm8", 2, {0xe4, 0x80}, 0, 0, 0},
    {"66 in ax, dx", 2, {0x66, 0xed}, 0, 0, 0x80},
    {"f3 in al, dx", 2, {0xf3, 0xec}, 0, 0, 0x80},
    {"vmmcall", 3, {0x0f, 0x01, 0xd9}, 0, 0, 0},
    {"wbinvd", 2, {0x0f, 0x09}, 0, 0, 0},
    {"rex.w wbinvd", 3, {0x48, 0x0f, 0x09}, 0, 0, 0},
    {"pause", 2, {0xf3, 0x90}, 0, 0, 0},
    {"66 pause", 3, {0x66, 0xf3, 0x90}, 0, 0, 0},
    {"clts", 2, {0x0f, 0x06}, 0, 0, 0},
    {"mov rax, cr8", 4, {0x44, 0x0f, 0x20, 0xc0}, 0, 0, 0},
    {"mov cr8, rax", 4, {0x44, 0x0f, 0x22, 0xc0}, 0, 0, 0},
    {"mov rax, cr4", 3, {0x0f, 0x20, 0xe0}, 0, 0, 0},
    {"mov rax, dr7", 3, {0x0f, 0x21, 0xf8}, 0, 0, 0},
    {"rdtsc", 2, {0x0f, 0x31}, 0, 0, 0},
    {"xgetbv", 3, {0x0f, 0x01, 0xd0}, 0, 0, 0},
    {"xsetbv", 3, {0x0f, 0x01, 0xd1}, 3, 0, 0},
    {"66 cpuid again", 3, {0x66, 0x0f, 0xa2}, 0, 0, 0},
};

static uint32_t mark;

static void run(void *at)
{
    unsigned i = *(const unsigned *)at;
    uint64_t place = *((const uint64_t *)at + 1);
    uint32_t a = instructions[i].eax, c = instructions[i].ecx, d = instructions[i].edx;
    uint32_t found = 0;
    __asm__ volatile("call *%[place]" : "+a"(a), "+c"(c), "+d"(d), "+S"(found) : [place] "r"(place) : "rbx", "memory", "cc");
    mark = found;
}

void guest_main(void)
{
    bool xsave = cpuid(1, 0).ecx >> 26 & 1;
    apic_init();
    if (xsave)
        cr4_write(cr4_read() | CR4_OSXSAVE);
    for (unsigned i = 0; i < sizeof instructions / sizeof instructions[0]; i++) {
        if ((instructions[i].bytes[2] == 0xd0 || instructions[i].bytes[2] == 0xd1) && !xsave)
            continue;
        if (instructions[i].bytes[2] == 0xd9 && guest_plain)
            continue;
        for (unsigned before = 0; before <= instructions[i].length; before++) { /* bytes in front of the page boundary */
            struct { uint64_t index; uint64_t place; } what = {i, (uint64_t)&code[4096 - before]};
            memcpy(&code[4096 - before], instructions[i].bytes, instructions[i].length);
            memcpy(&code[4096 - before + instructions[i].length], tail, sizeof tail);
            mark = 0;
            for (unsigned twice = 0; twice < 2; twice++) {
                uint64_t trap = trap_run(run, &what);
                if (trap || mark != MARK)
                    guest_fail("%s with %u bytes before the page boundary: %s %lu, at 0x%lx", instructions[i].name, before,
                               trap ? "exception" : "lost its way, exception", trap - 1, trap_last.rip - what.place);
            }
        }
        print("lengths: %s\n", instructions[i].name);
    }
}
