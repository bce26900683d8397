/* Exceptions are caught by trap_run, interrupts are counted. */
#include "guest.h"

struct trap trap_last;
uint64_t trap_recover; /* stack pointer of the trap_run under way, 0: none */
void (*trap_hook)(struct trap_frame *);
volatile uint64_t irq_count[256];
volatile uint64_t irq_tsc;
void (*irq_hook)(uint64_t vector);
bool apic_on;

static struct { uint16_t low, selector, attributes, middle; uint32_t high, zero; } idt[256];
_Static_assert(sizeof idt[0] == 16, "AMD APM volume 2, section 4.8.4");

extern char trap_stubs[], trap_return[];
void trap_init(void);
void trap_dispatch(struct trap_frame *frame);

void trap_init(void)
{
    for (unsigned i = 0; i < 256; i++) {
        uint64_t at = (uint64_t)(trap_stubs + 16 * i);
        idt[i].low = (uint16_t)at;
        idt[i].selector = 8;
        idt[i].attributes = 0x8e00; /* present interrupt gate */
        idt[i].middle = (uint16_t)(at >> 16);
        idt[i].high = (uint32_t)(at >> 32);
    }
    struct __attribute__((packed)) { uint16_t limit; void *base; } pointer = {sizeof idt - 1, idt};
    __asm__ volatile("lidt %0" : : "m"(pointer));
}

void trap_dispatch(struct trap_frame *f)
{
    if (f->vector >= 32 && irq_hook) {
        irq_hook(f->vector);
        return;
    }
    if (f->vector >= 32) {
        irq_tsc = rdtsc();
        irq_count[f->vector]++;
        if (apic_on)
            wrmsr(MSR_X2APIC_EOI, 0);
        return;
    }
    trap_last.vector = f->vector;
    trap_last.error = f->error;
    trap_last.rip = f->rip;
    __asm__ volatile("movq %%cr2, %0" : "=r"(trap_last.cr2));
    if (trap_recover) {
        f->rip = (uint64_t)trap_return;
        f->rsp = trap_recover;
        f->cs = 8;
        f->ss = 0x10;
        f->rflags = 2;
    } else if (trap_hook) {
        trap_hook(f);
    } else {
        guest_fail("unexpected exception %lu, error code 0x%lx at 0x%lx, cr2 0x%lx", f->vector, f->error, f->rip, trap_last.cr2);
    }
}
