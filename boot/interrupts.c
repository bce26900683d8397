#include "cpu.h"
#include "interrupts.h"
#include "machine.h"
#include "print.h"

#define VECTORS 256
#define EXCEPTIONS 32
#define STUB_SIZE 16
#define SPURIOUS_VECTOR 0xff
#define SELECTOR_CODE64 0x08
#define GATE_INTERRUPT 0x8e00u /* present, DPL 0, interrupt gate. AMD APM vol. 2, 4.8.4 */

struct gate { uint64_t low, high; };
static struct gate gates[VECTORS];
volatile uint64_t interrupts_timer_tsc;

extern const uint8_t exception_stubs[], timer_stub[], stray_stub[], spurious_stub[];
__attribute__((noreturn)) void exception_stop(uint64_t vector, uint64_t error, uint64_t rip);

void exception_stop(uint64_t vector, uint64_t error, uint64_t rip)
{
    stop("internal error: exception %lu, error code 0x%lx, at 0x%lx, address 0x%lx", vector, error, rip, cr2_read());
}

static void set(unsigned vector, const uint8_t *handler)
{
    uint64_t at = (uint64_t)handler;
    gates[vector].low = (at & 0xffff) | SELECTOR_CODE64 << 16 | (uint64_t)GATE_INTERRUPT << 32 | (at >> 16 & 0xffff) << 48;
    gates[vector].high = at >> 32;
}

void interrupts_init(void)
{
    for (unsigned v = 0; v < EXCEPTIONS; v++)
        set(v, exception_stubs + v * STUB_SIZE);
    for (unsigned v = EXCEPTIONS; v < VECTORS; v++)
        set(v, stray_stub);
    set(APIC_TIMER_VECTOR, timer_stub);
    set(SPURIOUS_VECTOR, spurious_stub);
    interrupts_load();
}

void interrupts_load(void)
{
    struct { uint16_t limit; uint64_t base; } __attribute__((packed)) pointer = {sizeof gates - 1, (uint64_t)gates};
    __asm__ volatile("lidt %0" : : "m"(pointer));
}
