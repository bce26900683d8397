/* function: every function of kernel/x86/faults.c but page_of, owners_of
 * property: a record goes to the page of the node whose function it is about, or to none; no requester fills more than its part; what is taken is the oldest record of the range that was asked for, and its place is free then; nothing undefined, whatever a peer writes into the shared pages
 * bound: 2 nodes, pages of 4 records, 2 records at one look; all contents of the pages
 * options: --unwind 6
 * replace: page_of:page_at owners_of:owners_at
 * seconds: 300
 */
#include "../proof.h"
#include <machine.h>
#include "kernel/core.h"
#include "kernel/state.h"
#include "kernel/x86/iommu.h"
#undef IOMMU_RECORDS
#define IOMMU_RECORDS 4 /* the loops over a page's records are alike for each */
#include "kernel/x86/faults.c"

struct kernel kernel;
static struct iommu unit;
static struct iommu_fault_page pages[2];
static volatile uint16_t owners[65536];
static word_t own, reported, units;
struct iommu_fault_page *page_at(const struct iommu *u, word_t node) { HOLDS(u == &unit && node < 2, "a node's page"); return &pages[node]; }
volatile uint16_t *owners_at(const struct iommu *u) { HOLDS(u == &unit, "the unit's owners"); return owners; }
word_t iommu_count(void) { return units; }
word_t iommu_own_node(void) { return own; }
word_t iommu_node_count(void) { return 2; }
struct iommu *iommu_at(word_t n) { HOLDS(n < units, "a unit that is there"); return &unit; }
bool iommu_fault_next(struct iommu *u, struct iommu_fault *f)
{
    (void)u;
    *f = (struct iommu_fault){nondet_word(), nondet_word(), nondet_word()};
    return reported++ < 2 && nondet_bool();
}
bool iommu_faults_overflowed(struct iommu *u) { (void)u; return nondet_bool(); }
static unsigned rung;
void lapic_send(uint32_t apic, word_t vector) { (void)apic; HOLDS(vector == IOMMU_FAULT_VECTOR, "the vector for this"); rung++; }
void handle_interrupt(word_t irq) { HOLDS(irq < NUM_IRQS, "an interrupt"); }
void log_printf(const char *f, ...) { (void)f; }

static unsigned waiting(unsigned node, word_t requester)
{
    unsigned n = 0;
    for (unsigned i = 0; i < IOMMU_RECORDS; i++)
        n += pages[node].records[i].full && pages[node].records[i].requester == requester;
    return n;
}

int main(void)
{
    __CPROVER_havoc_object(pages);
    __CPROVER_havoc_object((void *)owners);
    own = nondet_below(2), units = 1;
    kernel.ticks_per_us = nondet_below(10000);
    switch (nondet_below(4)) {
    case 0: {
        struct iommu_fault f = {nondet_below(65536), nondet_word(), nondet_word()};
        word_t node = nondet_below(2);
        ASSUME(owners[f.requester] == node + 1);
        unsigned before = waiting((unsigned)node, f.requester);
        uint64_t others = pages[1 - node].count;
        put(&unit, node, &f);
        HOLDS(waiting((unsigned)node, f.requester) <= (before > PER_REQUESTER ? before : PER_REQUESTER), "no more than its part");
        HOLDS(pages[1 - node].count == others, "in that node's page");
        REACH(waiting((unsigned)node, f.requester) == before + 1);
        break;
    }
    case 1: {
        word_t first = nondet_below(65536), last = nondet_below(65536), lost, overflows;
        struct iommu_fault f;
        ASSUME(own != 0);
        unsigned ghost = nondet_below(IOMMU_RECORDS);
        struct iommu_record was = pages[own].records[ghost];
        bool taken = faults_take(&unit, first, last, &f, &lost, &overflows);
        HOLDS(!taken || (f.requester >= first && f.requester <= last), "of the range");
        bool meant = was.full && was.requester >= first && was.requester <= last;
        HOLDS(!meant || taken, "one that waits is taken");
        HOLDS(meant || pages[own].records[ghost].full == was.full, "no other's");
        REACH(taken && !pages[own].records[ghost].full && was.full);
        break;
    }
    case 2: {
        ticks_t now = nondet_word(), next = faults_poll(now);
        HOLDS(own == 0 || next == UINT64_MAX, "node 0 alone looks");
        HOLDS(rung <= 1, "each node is told once");
        REACH(own == 0 && rung);
        break;
    }
    default: {
        word_t first = nondet_below(65536), ghost = nondet_below(65536);
        word_t last = first + nondet_below(4);
        ASSUME(last < 65536);
        uint16_t was = owners[ghost];
        faults_own(0, first, last);
        HOLDS(owners[ghost] == (ghost >= first && ghost <= last ? own + 1 : was), "just these");
    }
    }
}
