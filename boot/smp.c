/* Multiprocessor start: Intel SDM vol. 3, 9.4.4 (INIT, SIPI, SIPI); interrupt command register in x2APIC mode: 11.12.9;
 * AMD APM vol. 2, 16.5. */
#include <stdbool.h>
#include "bytes.h"
#include "cpu.h"
#include "interrupts.h"
#include "machine.h"
#include "print.h"
#include "requirements.h"
#include "smp.h"

#define PAGE 4096ull
#define MSR_ICR 0x830
#define ICR_INIT 0x4500u    /* delivery mode INIT, level assert */
#define ICR_STARTUP 0x4600u /* delivery mode start-up; bits 7..0 page number */
#define ICR_OTHERS 0xc0000u /* shorthand: all excluding self */

#define AFTER_SIPI_MICROSECONDS 1000
#define COMPARE_ROUNDS 64        /* messages there and back, to compare two time stamp counters */
#define COMPARE_MICROSECONDS 500 /* after that, no further one: an emulator may take long for each */
#define TIME_OUT_MICROSECONDS 2000000

extern const uint8_t trampoline_start[], trampoline_end[], trampoline_protected[], trampoline_long[], trampoline_gdt[];
extern const uint8_t trampoline_gdt_base[], trampoline_to_protected[], trampoline_to_long[], trampoline_pml4[], trampoline_entry[];
extern const uint64_t boot_pml4[512];
void processor_entry64(void);                             /* start.S, which reads processor_stack_top and calls processor_main */
uint64_t processor_stack_top;
__attribute__((noreturn)) void processor_main(void);

static const struct launch *volatile common;
static volatile uint32_t starting; /* the node whose core is being started */
static volatile uint32_t arrived;  /* the last node whose core is there */
static volatile uint32_t released;
static volatile uint32_t asked, answered; /* node << 16 | round, of the comparison of time stamp counters */
static volatile uint64_t seen;            /* the core's, with its answer */

static void send(uint32_t apic_id, uint32_t command)
{
    __asm__ volatile("mfence; lfence" : : : "memory"); /* the ICR write does not order earlier stores (SDM vol. 3, 11.12.3) */
    msr_write(MSR_ICR, (uint64_t)apic_id << 32 | command);
}

void smp_stop_others(void)
{
    send(0, ICR_OTHERS | ICR_INIT);
}

static int wait_for(uint32_t node, const struct clock *clock, uint64_t microseconds)
{
    uint64_t start = tsc_read();
    while (arrived != node)
        if (tsc_read() - start > clock->tsc_hz * microseconds / 1000000)
            return 0;
        else
            cpu_pause();
    return 1;
}

/* --- time stamp counters --- */

/* RDTSC alone may be executed early or late (Intel SDM vol. 2, RDTSC; AMD APM vol. 3, RDTSC). */
static uint64_t tsc_read_ordered(void)
{
    __asm__ volatile("mfence; lfence" : : : "memory");
    uint64_t now = tsc_read();
    __asm__ volatile("lfence" : : : "memory");
    return now;
}

/* On the core that waits for its release. */
static void answer(uint32_t node)
{
    uint32_t question = asked;
    if (question >> 16 != node || question == answered)
        return;
    seen = tsc_read_ordered();
    answered = question;
}

static bool shares_memory(const struct launch *l, uint32_t node)
{
    for (unsigned i = 0; i < l->plan->system->request_count; i++) {
        const struct system_request *r = &l->plan->system->requests[i];
        if (r->node == node && r->kind == RESOURCE_MEMORY && r->arg0 > 1)
            return true;
    }
    return false;
}

/* A VM of several vCPUs takes its cores' counters for one clock. For others it is a matter of time stamps in logs. */
static void compare_clocks(const struct launch *l, uint32_t node)
{
    struct tsc_distance distance = TSC_DISTANCE_UNKNOWN;
    char reason[256];
    uint64_t end = tsc_read() + l->clock.tsc_hz / 1000000 * COMPARE_MICROSECONDS, limit = l->clock.tsc_hz / 1000000 * TIME_OUT_MICROSECONDS;

    for (uint32_t round = 1; round <= COMPARE_ROUNDS && (round == 1 || tsc_read() < end); round++) {
        uint64_t before = tsc_read_ordered();
        asked = node << 16 | round;
        while (answered != asked)
            if (tsc_read() - before > limit)
                stop("node %u: the core with APIC id %u started and then stood still", node, l->apic_ids[node]);
            else
                cpu_pause();
        tsc_distance_narrow(&distance, before, seen, tsc_read_ordered());
    }
    if (requirement_tsc(l->apic_ids[node], &distance, reason, sizeof reason))
        return;
    if (shares_memory(l, node))
        stop("node %u is one of a VM's with several vCPUs, and %s", node, reason);
    print("boot: clock: node %u: %s\n", node, reason);
}

static void start_one(const struct launch *l, uint32_t node, uint64_t page)
{
    uint32_t id = l->apic_ids[node], sipi = ICR_STARTUP | (uint32_t)(page >> 12);
    processor_stack_top = l->plan->nodes[node].stack + PLAN_STACK_SIZE;
    starting = node;
    send(id, sipi);
    if (wait_for(node, &l->clock, AFTER_SIPI_MICROSECONDS))
        return;
    send(id, sipi);
    if (!wait_for(node, &l->clock, TIME_OUT_MICROSECONDS))
        stop("node %u: the core with APIC id %u did not start within %u ms; check that the firmware has not disabled it", node, id,
             TIME_OUT_MICROSECONDS / 1000);
}

/* Where a part of the trampoline is in the copy at `page`. */
static uint64_t copied(uint64_t page, const uint8_t *part)
{
    return page + (uint64_t)(part - trampoline_start);
}

static void put(uint64_t page, const uint8_t *field, uint64_t value, size_t bytes)
{
    memcpy((void *)copied(page, field), &value, bytes);
}

/* The second page is a copy of the top page table: boot's own may lie above 4 GiB, where CR3 cannot reach in 32-bit mode. */
static void trampoline_write(uint64_t page)
{
    memcpy((void *)page, trampoline_start, (uint64_t)(trampoline_end - trampoline_start));
    memcpy((void *)(page + PAGE), boot_pml4, PAGE);
    put(page, trampoline_gdt_base, copied(page, trampoline_gdt), 4);
    put(page, trampoline_to_protected, copied(page, trampoline_protected), 4);
    put(page, trampoline_to_long, copied(page, trampoline_long), 4);
    put(page, trampoline_pml4, page + PAGE, 4);
    put(page, trampoline_entry, (uint64_t)processor_entry64, 8);
}

void smp_start(const struct launch *l, uint64_t page)
{
    common = l;
    trampoline_write(page);
    for (uint32_t node = 1; node < l->plan->system->node_count; node++) {
        start_one(l, node, page);
        compare_clocks(l, node);
    }
}

void smp_release(void)
{
    __atomic_store_n(&released, 1, __ATOMIC_RELEASE);
}

void processor_main(void)
{
    const struct launch *l = common;
    uint32_t node = starting;
    interrupts_load();
    cpu_check();
    cpu_enable_x2apic();
    if (cpu_apic_id() != l->apic_ids[node])
        stop("node %u: the core that started says its APIC id is %u; the firmware's table says %u", node, cpu_apic_id(),
             l->apic_ids[node]);
    arrived = node;
    while (!__atomic_load_n(&released, __ATOMIC_ACQUIRE)) {
        answer(node);
        cpu_pause();
    }
    load_node(l, node);
    load_enter(l, node);
}
