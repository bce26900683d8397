/* See faults.h. A node's page holds records in no order: node 0's kernel fills an empty one, the node's kernel empties it; nothing else is
 * shared. No requester may fill more than its part, so one that faults without end leaves room for the others. */
#include "faults.h"
#include <machine.h>
#include "../core.h"
#include "../state.h"
#include "irq.h"

#define POLL_US 10000
#define LOG_US 1000000
#define TAKE_MAX 64           /* records taken from a unit at one look */
#define PER_REQUESTER 4       /* records of one requester that may wait */

static bool signal_self;      /* node 0's own: told at the next look, not inside an invocation */
static ticks_t next_log;
static word_t unowned;

static struct iommu_fault_page *page_of(const struct iommu *u, word_t node)
{
    return (struct iommu_fault_page *)(u->tables + iommu_faults(iommu_node_count()) + node * BIT(SEL4_PAGE_BITS));
}

static volatile uint16_t *owners_of(const struct iommu *u) { return (volatile uint16_t *)(u->tables + IOMMU_OWNERS); }

void faults_own(word_t unit, word_t first, word_t last)
{
    if (unit >= iommu_count())
        return;
    volatile uint16_t *owners = owners_of(iommu_at(unit));
    const uint16_t own = (uint16_t)(iommu_own_node() + 1);
    for (word_t i = first; i <= last; i++) /* up to 65,536 */
        owners[i] = own;
}

/* ---- node 0: sorting ---- */

/* A record about a function that has gone to another node since is taken by nobody any more: its place is free. */
static void put(const struct iommu *u, word_t node, const struct iommu_fault *f)
{
    struct iommu_fault_page *p = page_of(u, node);
    struct iommu_record *room = NULL;
    unsigned waiting = 0;
    for (unsigned i = 0; i < IOMMU_RECORDS; i++) {
        struct iommu_record *r = &p->records[i];
        if (!__atomic_load_n(&r->full, __ATOMIC_ACQUIRE) || owners_of(u)[r->requester & 0xffff] != node + 1)
            room = r;
        else
            waiting += r->requester == f->requester;
    }
    if (!room || waiting >= PER_REQUESTER) {
        p->lost++;
        return;
    }
    room->address = f->address;
    room->requester = (uint32_t)f->requester;
    room->what = (uint32_t)f->what;
    room->number = ++p->count;
    __atomic_store_n(&room->full, 1, __ATOMIC_RELEASE);
}

static void tell_nobody(const struct iommu_fault *f, ticks_t now)
{
    unowned++;
    if (now < next_log)
        return;
    next_log = now + LOG_US * kernel.ticks_per_us;
    log_printf("iommu: a function that nobody owns was blocked: requester 0x%lx, address 0x%lx, reason 0x%lx; %lu such in all\n",
               (unsigned long)f->requester, (unsigned long)f->address, (unsigned long)f->what, (unsigned long)unowned);
}

static void sort_unit(struct iommu *u, ticks_t now)
{
    struct iommu_fault f;
    word_t told[IOMMU_MAX_NODES / 64] = {0};
    if (iommu_faults_overflowed(u))
        for (word_t node = 0; node < iommu_node_count(); node++)
            page_of(u, node)->overflows++;
    for (unsigned n = 0; n < TAKE_MAX && iommu_fault_next(u, &f); n++) {
        word_t owner = owners_of(u)[f.requester & 0xffff];
        if (owner == 0 || owner > iommu_node_count()) {
            tell_nobody(&f, now);
            continue;
        }
        put(u, owner - 1, &f);
        told[(owner - 1) / 64] |= BIT((owner - 1) % 64);
    }
    for (word_t node = 1; node < iommu_node_count(); node++)
        if (told[node / 64] >> node % 64 & 1)
            lapic_send(page_of(u, node)->apic_id, IOMMU_FAULT_VECTOR);
    signal_self |= told[0] & 1;
}

static bool sorts(void) { return iommu_own_node() == 0 && iommu_count() != 0; }

ticks_t faults_poll(ticks_t now)
{
    if (!sorts())
        return UINT64_MAX;
    for (word_t i = 0; i < iommu_count(); i++)
        sort_unit(iommu_at(i), now);
    if (signal_self)
        handle_interrupt(IOMMU_FAULT_VECTOR - SEL4_IRQ_CPU_VECTOR_BASE);
    signal_self = false;
    return now + POLL_US * kernel.ticks_per_us;
}

/* ---- every node: taking ---- */

static word_t since(uint64_t now, word_t *seen)
{
    word_t difference = now - *seen;
    *seen = now;
    return difference;
}

bool faults_take(struct iommu *u, word_t first, word_t last, struct iommu_fault *f, word_t *lost, word_t *overflows)
{
    struct iommu_fault_page *p = page_of(u, iommu_own_node());
    struct iommu_record *oldest = NULL;
    if (sorts())
        sort_unit(u, rdtsc());
    for (unsigned i = 0; i < IOMMU_RECORDS; i++) {
        struct iommu_record *r = &p->records[i];
        if (__atomic_load_n(&r->full, __ATOMIC_ACQUIRE) && r->requester >= first && r->requester <= last &&
            (!oldest || r->number < oldest->number))
            oldest = r;
    }
    *lost = since(__atomic_load_n(&p->lost, __ATOMIC_RELAXED), &u->lost_seen);
    *overflows = since(__atomic_load_n(&p->overflows, __ATOMIC_RELAXED), &u->overflows_seen);
    if (!oldest)
        return false;
    *f = (struct iommu_fault){oldest->requester, oldest->address, oldest->what};
    __atomic_store_n(&oldest->full, 0, __ATOMIC_RELEASE);
    return true;
}
