/* Local APIC of one virtual CPU: the register model, its timer, and which interrupt comes next. Pure: time comes in as an
 * argument, effects are read from the structure; IPIs leave by the bus (apic_bus.h). AMD APM volume 2, chapter 16; Intel SDM volume 3,
 * chapter 11.
 *
 * It starts in x2APIC mode, as firmware leaves it on servers, or in xAPIC mode, as on a PC; all modes of IA32_APIC_BASE work.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define LAPIC_MMIO 0xfee00000ull /* fixed: a guest cannot move it */
#define LAPIC_MMIO_SIZE 0x1000u
#define LAPIC_MSR_FIRST 0x800u
#define LAPIC_MSR_LAST 0x8ffu

/* IA32_APIC_BASE bits. */
#define LAPIC_BASE_BSP 0x100u
#define LAPIC_BASE_X2APIC 0x400u
#define LAPIC_BASE_ENABLED 0x800u

/* Delivery modes (APM volume 2, table 16-3). */
#define LAPIC_MODE_FIXED 0u
#define LAPIC_MODE_LOWEST 1u
#define LAPIC_MODE_NMI 4u
#define LAPIC_MODE_INIT 5u
#define LAPIC_MODE_START 6u

enum lapic_lvt { LVT_TIMER, LVT_THERMAL, LVT_PERFORMANCE, LVT_LINT0, LVT_LINT1, LVT_ERROR, LVT_CMCI, LVT_COUNT };

struct apic_bus;
struct lapic {
    uint32_t id;
    struct apic_bus *bus;
    uint64_t base; /* IA32_APIC_BASE */
    uint32_t tpr, spurious, error_status, error_pending, ldr, dfr;
    uint32_t lvt[LVT_COUNT];
    uint32_t irr[8], isr[8], tmr[8];
    uint8_t irr_words, isr_words; /* which of the words above are not zero */
    uint64_t icr;
    /* Timer. It counts at the TSC's rate, so that one clock serves all modes. */
    uint32_t divide, initial_count;
    uint64_t deadline;       /* guest TSC at which it fires next; 0: off. In TSC-deadline mode this is the MSR */
    uint8_t ended_level;     /* vector, see lapic_take_eoi */
    bool nmi_pending;
    bool init_pending;
    bool waiting;            /* after INIT, for a start-up IPI: only then is there one */
    int start;               /* page of a start-up IPI that came, or -1 */
};

void lapic_reset(struct lapic *l, bool x2apic);
void lapic_init(struct lapic *l); /* by INIT: the mode stays */
bool lapic_enabled(const struct lapic *l); /* by IA32_APIC_BASE and the spurious register */

/* All of these say false where a real APIC raises #GP. */
bool lapic_write_base(struct lapic *l, uint64_t value);
bool lapic_read_msr(const struct lapic *l, uint32_t msr, uint64_t now, uint64_t *value);
bool lapic_write_msr(struct lapic *l, uint32_t msr, uint64_t value, uint64_t now);
bool lapic_write_deadline(struct lapic *l, uint64_t value); /* IA32_TSC_DEADLINE */
uint64_t lapic_read_deadline(const struct lapic *l);

/* xAPIC mode's registers in memory: 32-bit accesses; unknown ones read 0. */
uint32_t lapic_read_mmio(const struct lapic *l, uint32_t offset, uint64_t now);
void lapic_write_mmio(struct lapic *l, uint32_t offset, uint32_t value, uint64_t now);

/* An interrupt message arrives, from the I/O APIC or the APIC itself. */
void lapic_deliver(struct lapic *l, unsigned mode, unsigned vector, bool level);

/* Fire the timer if `now` has come. */
void lapic_tick(struct lapic *l, uint64_t now);

/* Nothing waits: the question of every exit. */
static inline bool lapic_quiet(const struct lapic *l) { return !(l->irr_words | l->nmi_pending); }

/* The vector that waits above everything in service, or -1. It may be delivered if its class (vector >> 4) is above the task
 * priority's, which the guest also reaches as CR8, without an exit. lapic_accept moves it in service. */
int lapic_candidate(const struct lapic *l);
void lapic_accept(struct lapic *l, unsigned vector);

/* Vector of a level-triggered interrupt that the last register write ended, else 0: news for the I/O APIC. */
unsigned lapic_take_eoi(struct lapic *l);
