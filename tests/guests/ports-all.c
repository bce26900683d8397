/* Claim: every I/O port can be read and written, 8, 16 and 32 bits wide and by string instructions, and the guest goes on.
 * Left out: writes that end the guest (exit port, test hook, reset), and on plain QEMU the ports of its system management. */
#include "guest.h"

#define EDGE 0x10000u

/* A wide access to a UART or to another byte register ends plain QEMU by an assertion: there, bytes only. */
static bool wide(void) { return !guest_plain; }

static bool ends_guest(unsigned port, unsigned width)
{
    for (unsigned p = port; p < port + width; p++)
        if ((p >= PORT_EXIT && p < PORT_EXIT + 4) || p == 0xcf9 || (guest_plain && (p == 0xb2 || p == 0x92 || (p >= 0x600 && p < 0x680))))
            return true;
    return false;
}

static void sweep_out(uint32_t value, bool bytes_only)
{
    for (unsigned port = 0; port < EDGE; port++) {
        if (!ends_guest(port, 1))
            out8((uint16_t)port, (uint8_t)value);
        if (bytes_only)
            continue;
        if (!ends_guest(port, 2))
            out16((uint16_t)port, (uint16_t)value);
        if (!ends_guest(port, 4))
            out32((uint16_t)port, value);
    }
}

static void strings(void)
{
    static uint8_t from[64], to[64];
    for (unsigned port = 0; port < EDGE; port += 0x101) {
        if (ends_guest(port, 4))
            continue;
        void *d = to, *s = from;
        uint64_t n = 4;
        __asm__ volatile("rep insb" : "+D"(d), "+c"(n) : "d"(port) : "memory");
        if (d != to + 4 || n)
            guest_fail("rep insb at port 0x%x left rdi %ld, rcx %lu", port, (uint8_t *)d - to, n);
        n = 4;
        __asm__ volatile("rep insl" : "+D"(d), "+c"(n) : "d"(port) : "memory");
        if (d != to + 20 || n)
            guest_fail("rep insl at port 0x%x left rdi %ld, rcx %lu", port, (uint8_t *)d - to, n);
        n = 4;
        __asm__ volatile("rep outsw" : "+S"(s), "+c"(n) : "d"(port) : "memory");
        if (s != from + 8 || n)
            guest_fail("rep outsw at port 0x%x left rsi %ld, rcx %lu", port, (uint8_t *)s - from, n);
        __asm__ volatile("insw" : "+D"(d) : "d"(port) : "memory");
        __asm__ volatile("outsb" : "+S"(s) : "d"(port) : "memory");
        if (d != to + 22 || s != from + 9)
            guest_fail("insw, outsb at port 0x%x moved rdi %ld, rsi %ld", port, (uint8_t *)d - to, (uint8_t *)s - from);
    }
}

void guest_main(void)
{
    uint64_t ones = 0;
    print("ports-all: begin\n");
    for (unsigned port = 0; port < EDGE; port++) {
        ones += in8((uint16_t)port) == 0xff;
        if (wide()) {
            in16((uint16_t)port);
            in32((uint16_t)port);
        }
    }
    sweep_out(0, true);
    sweep_out(0x5a5a5a5a, !wide());
    if (wide())
        strings();
    serial_init();
    print("\nports-all: %lu of 65536 ports read 0xff\n", ones);
    if (ones < 60000 && !guest_plain)
        guest_fail("an absent port must read as all ones");
}
