/* Claim: registers in memory answer to every width and every instruction that compilers use for them, aligned or not, through pages of every size;
 * accessed and dirty bits are set as the CPU sets them. The registers are configuration space (ECAM) of the host bridge. */
#include "guest.h"

#define WINDOW 0x180000000ull /* 4 KiB pages of the test */
#define GIGABYTE 0x1c0000000ull /* one page */
#define INTERRUPT_LINE 0x3c /* a byte that only remembers */
#define ACCESSED 0x20u
#define DIRTY 0x40u

static volatile uint64_t directory[512] __attribute__((aligned(4096))), pages[512] __attribute__((aligned(4096)));
static uint8_t bytes[64];

static void expect(const char *what, uint64_t is, uint64_t should)
{
    if (is != should)
        guest_fail("%s: 0x%lx instead of 0x%lx", what, is, should);
}

static uint64_t joined(unsigned offset, unsigned n)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < n; i++)
        value |= (uint64_t)bytes[offset + i] << 8 * i;
    return value;
}

static uint64_t read(const volatile uint8_t *at, unsigned n)
{
    uint64_t value = 0;

    switch (n) {
    case 1: __asm__ volatile("movzbl %1, %k0" : "=r"(value) : "m"(*at)); break;
    case 2: __asm__ volatile("movzwl %1, %k0" : "=r"(value) : "m"(*(const volatile uint16_t *)at)); break;
    case 4: __asm__ volatile("movl %1, %k0" : "=r"(value) : "m"(*(const volatile uint32_t *)at)); break;
    default: __asm__ volatile("movq %1, %0" : "=r"(value) : "m"(*(const volatile uint64_t *)at));
    }
    return value;
}

static void widths(const char *through, const volatile uint8_t *space)
{
    for (unsigned n = 1; n <= 8; n *= 2)
        for (unsigned offset = 0; offset + n <= 16; offset += guest_plain ? n : 1)
            if (read(space + offset, n) != joined(offset, n))
                guest_fail("%s: %u bytes at 0x%x read 0x%lx instead of 0x%lx", through, n, offset, read(space + offset, n), joined(offset, n));
    print("mmio: every width through %s\n", through);
}

static void instructions(volatile uint8_t *line)
{
    uint64_t value = 0, count, flags;
    uint8_t buffer[4] = {1, 2, 3, 4};
    void *to;
    const volatile void *from;

    *line = 0x35;
    __asm__ volatile("movsbq %1, %0" : "=r"(value) : "m"(*line));
    expect("movsx", value, 0x35);
    __asm__ volatile("movb (%1), %%ah" : "=a"(value) : "c"(line), "a"(0x1122334455667788) : "memory"); /* no REX beside ah */
    expect("mov to ah", value, 0x1122334455663588);
    __asm__ volatile("orb $0x42, %0" : "+m"(*line) : : "cc");
    expect("or", *line, 0x77);
    __asm__ volatile("andb $0xf0, %0" : "+m"(*line) : : "cc");
    expect("and", *line, 0x70);
    __asm__ volatile("addb %b1, %0; pushfq; popq %2" : "+m"(*line), "+r"(value), "=r"(flags) : : "cc");
    expect("add", *line, (0x70 + 0x88) & 0xff);
    __asm__ volatile("cmpb $0xf8, %1; pushfq; popq %0" : "=r"(flags) : "m"(*line) : "cc");
    expect("cmp: ZF", flags & 0x40, 0x40);
    __asm__ volatile("testb $0x07, %1; pushfq; popq %0" : "=r"(flags) : "m"(*line) : "cc");
    expect("test: ZF", flags & 0x40, 0x40);
    value = 0xa5;
    __asm__ volatile("xchgb %b0, %1" : "+q"(value), "+m"(*line));
    expect("xchg", value << 8 | *line, 0xf8a5);
    to = (void *)(uintptr_t)line;
    from = buffer;
    count = 1;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
    expect("rep movs to the register", *line, 1);
    to = buffer + 2;
    from = line;
    count = 1;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
    expect("rep movs from the register", buffer[2], 1);
    to = (void *)(uintptr_t)line;
    __asm__ volatile("stosb" : "+D"(to) : "a"(0x5c) : "memory");
    from = line;
    __asm__ volatile("lodsb" : "+S"(from), "=a"(value) : "a"(0x1100) : "memory");
    expect("stos, lods", value, 0x115c);
    *line = 0;
    print("mmio: instructions\n");
}

/* The last bytes of RAM, and those behind that are nobody's. */
static void across_the_end(void)
{
    volatile uint8_t *end = (volatile uint8_t *)(uintptr_t)guest_ram_end;

    for (int i = -8; i < 0; i++)
        end[i] = (uint8_t)(0x10 - i);
    expect("8 bytes across the end of RAM", read(end - 3, 8), 0xffffffffff111213);
    *(volatile uint64_t *)(end - 3) = 0x0102030405060708;
    expect("written across it", read(end - 3, 8), 0xffffffffff060708);
    print("mmio: across the end of RAM\n");
}

void guest_main(void)
{
    const uint8_t *mcfg = acpi_table("MCFG");
    uint64_t ecam;

    if (!mcfg)
        guest_fail("no MCFG");
    memcpy(&ecam, mcfg + 44, 8);
    volatile uint8_t *space = (volatile uint8_t *)(uintptr_t)ecam;
    out32(0xcf8, 0x80000000);
    for (unsigned i = 0; i < sizeof bytes; i++) {
        out32(0xcf8, 0x80000000 | (i & ~3u));
        bytes[i] = in8((uint16_t)(0xcfc + (i & 3)));
    }
    widths("a 2 MiB page", space);
    guest_pdpt[6] = (uint64_t)directory | 3;
    directory[0] = (uint64_t)pages | 3;
    pages[0] = ecam | 3;
    volatile uint8_t *small = (volatile uint8_t *)(uintptr_t)WINDOW;
    (void)read(small, 4);
    expect("a page that was read: accessed, dirty", pages[0] & (ACCESSED | DIRTY), ACCESSED);
    widths("a 4 KiB page", small);
    small[INTERRUPT_LINE] = 0x5a;
    expect("a page that was written: accessed, dirty", pages[0] & (ACCESSED | DIRTY), ACCESSED | DIRTY);
    expect("what was written", space[INTERRUPT_LINE], 0x5a);
    if (cpuid(0x80000001, 0).edx >> 26 & 1) {
        guest_pdpt[7] = (ecam & ~0x3fffffffull) | 0x83;
        widths("a 1 GiB page", (volatile uint8_t *)(uintptr_t)(GIGABYTE + (ecam & 0x3fffffff)));
    }
    instructions(space + INTERRUPT_LINE);
    if (!guest_plain)
        across_the_end();
}
