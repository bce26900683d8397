/* Claim: reading and writing any model-specific register works or raises #GP, and the guest goes on. */
#include "guest.h"

struct access { uint32_t msr; uint64_t value; };
static uint64_t read_ok, read_gp, write_ok, write_gp;

static void do_read(void *a) { struct access *access = a; access->value = rdmsr(access->msr); }
static void do_write(void *a) { struct access *access = a; wrmsr(access->msr, access->value); }

static bool try(void (*f)(void *), struct access *access, const char *what)
{
    uint64_t trap = trap_run(f, access);
    if (trap && (trap != TRAP_GP + 1 || trap_last.error))
        guest_fail("%s of MSR 0x%x raised exception %lu with error code 0x%lx instead of #GP(0)", what, access->msr, trap - 1,
                   trap_last.error);
    return !trap;
}

static void write(uint32_t msr, uint64_t value)
{
    struct access access = {msr, value};
    if (try(do_write, &access, "write"))
        write_ok++;
    else
        write_gp++;
}

static void sweep(uint32_t first, uint32_t last)
{
    for (uint32_t msr = first; msr <= last; msr++) {
        struct access access = {msr, 0};
        if (guest_plain && msr >= 0x800 && msr < 0x900)
            continue; /* TCG's local APIC stays out of x2APIC mode */
        bool readable = try(do_read, &access, "read");
        read_ok += readable;
        read_gp += !readable;
        if (!guest_plain) {
            write(msr, ~0ull);
            write(msr, 0);
        }
        write(msr, access.value);
    }
}

void guest_main(void)
{
    uint64_t efer = rdmsr(MSR_EFER);
    sweep(0, 0x1fff);
    sweep(0x40000000, 0x400000ff);
    sweep(0x4b564d00, 0x4b564dff);
    sweep(0xc0000000, 0xc0001fff);
    sweep(0xc0010000, 0xc0011fff);
    serial_init();
    print("msr-sweep: reads %lu answered, %lu #GP; writes %lu answered, %lu #GP\n", read_ok, read_gp, write_ok, write_gp);
    if (rdmsr(MSR_EFER) != efer)
        guest_fail("EFER is 0x%lx after the sweep, was 0x%lx", rdmsr(MSR_EFER), efer);
    if (!guest_plain && !read_gp)
        guest_fail("no MSR is refused: the list of MSRs is not an allow-list");
}
