#include <machine.h>
#include "iommu.h"
#include <atoll/resource_map.h>
#include <x86/amdvi.h>
#include <x86/vtd.h>
#include "../core.h"
#include "../state.h"

#define PATIENCE_US 1000000
#define CACHE_LINE 64

static struct iommu units[KERNEL_IOMMU_MAX];
static word_t count;
static word_t own_node, node_count, queue_bytes;
static uint32_t own_apic_id;

word_t iommu_count(void) { return count; }
word_t iommu_own_node(void) { return own_node; }
word_t iommu_node_count(void) { return node_count; }
struct iommu *iommu_at(word_t unit) { return &units[unit]; }

bool iommu_add(const struct resource_map *m, unsigned entry, char *base)
{
    const struct resource_entry *e = &m->entries[entry];
    if (count == KERNEL_IOMMU_MAX || entry + 1 == m->entry_count || e[1].kind != RESOURCE_IOMMU_TABLES ||
        e[1].size < iommu_block_size(m->node_count) || m->node_count > IOMMU_MAX_NODES)
        return false;
    char *va = base + count * KERNEL_IOMMU_STRIDE;
    struct iommu *u = &units[count++];
    *u = (struct iommu){.kind = e->arg0, .segment = (uint32_t)e->arg1, .domain_first = e[1].arg0, .domain_count = e[1].arg1,
                        .block = e[1].paddr, .registers = va, .tables = va + KERNEL_IOMMU_BLOCK, .coherent = true};
    if (u->kind == IOMMU_KIND_VTD) {
        u->capability = mmio_read64(u->registers + VTD_CAP);
        u->coherent = mmio_read64(u->registers + VTD_ECAP) & VTD_ECAP_COHERENT;
    }
    own_node = m->node;
    node_count = m->node_count;
    own_apic_id = m->apic_id;
    queue_bytes = sizeof(struct iommu_command) << iommu_queue_bits(m->node_count);
    return true;
}

/* ---- the carousel ---- */

static struct iommu_command wait_command(const struct iommu *u, word_t status, word_t value)
{
    paddr_t at = u->block + IOMMU_STATUS + own_node * sizeof(struct iommu_status) + status;
    if (u->kind == IOMMU_KIND_VTD) {
        struct vtd_entry e = vtd_wait(at, (uint32_t)value);
        return (struct iommu_command){e.low, e.high};
    }
    struct amdvi_entry e = amdvi_wait(at, value);
    return (struct iommu_command){e.low, e.high};
}

struct iommu_command iommu_idle(const struct iommu *u) { return wait_command(u, offsetof(struct iommu_status, idle), 0); }

/* If the unit stands still, send it round: past every slot but the last one. Whoever else does this at the same time helps. */
static void kick(const struct iommu *u)
{
    bool vtd = u->kind == IOMMU_KIND_VTD;
    char *head = u->registers + (vtd ? VTD_QUEUE_HEAD : AMDVI_COMMAND_HEAD);
    char *tail = u->registers + (vtd ? VTD_QUEUE_TAIL : AMDVI_COMMAND_TAIL);
    word_t at = mmio_read64(head) & (queue_bytes - 1); /* QEMU's AMD-Vi shows the queue's end, not 0, at the wrap */
    if (at == mmio_read64(tail))
        mmio_write64(tail, (at - sizeof(struct iommu_command)) & (queue_bytes - 1));
}

static void wait_for(const struct iommu *u, const volatile uint64_t *status, word_t value)
{
    ticks_t start = rdtsc();
    while (*status != value) {
        kick(u);
        if (rdtsc() - start > PATIENCE_US * kernel.ticks_per_us)
            panic("the IOMMU with tables at 0x%lx does not carry out commands", (unsigned long)u->block);
    }
}

/* The front wait tells that the unit came past after all four slots were written, so it then reads the commands as they are now; the
 * rear wait, cleared in between, that it has carried them out. */
void iommu_execute(struct iommu *u, struct iommu_command first, struct iommu_command second)
{
    struct iommu_command *slot = (struct iommu_command *)(u->tables + IOMMU_QUEUE) + IOMMU_SLOTS * own_node;
    volatile struct iommu_status *status = (volatile struct iommu_status *)(u->tables + IOMMU_STATUS) + own_node;
    word_t ticket = u->ticket = (u->ticket & 0x7fffffff) + 1;
    struct iommu_command idle = iommu_idle(u);

    status->front = 0;
    status->rear = 0;
    store16(&slot[1], first.low, first.high);
    store16(&slot[2], second.low, second.high);
    struct iommu_command rear = wait_command(u, offsetof(struct iommu_status, rear), ticket);
    store16(&slot[3], rear.low, rear.high);
    struct iommu_command front = wait_command(u, offsetof(struct iommu_status, front), ticket);
    store16(&slot[0], front.low, front.high);

    wait_for(u, &status->front, ticket);
    status->rear = 0;
    wait_for(u, &status->rear, ticket);
    for (unsigned i = 0; i < IOMMU_SLOTS; i++)
        store16(&slot[i], idle.low, idle.high);
}

/* ---- entries ---- */

void iommu_memory_written(const struct iommu *u, const void *p, word_t bytes)
{
    if (u->coherent)
        return;
    for (word_t i = 0; i < bytes; i += CACHE_LINE)
        cache_flush((const char *)p + i);
    memory_fence();
}

void iommu_entry_write(struct iommu *u, volatile void *entry, word_t low, word_t high)
{
    store16(entry, low, high);
    iommu_memory_written(u, (const void *)(uintptr_t)entry, sizeof(struct iommu_command));
}

static void interrupt_write(struct iommu *u, word_t vector, word_t requester, word_t low, word_t high)
{
    iommu_entry_write(u, u->tables + IOMMU_INTERRUPTS + own_node * 4096 + vector * 16, low, high);
    struct iommu_command drop;
    if (u->kind == IOMMU_KIND_VTD) {
        struct vtd_entry e = vtd_invalidate_interrupt((uint16_t)(own_node << 8 | vector));
        drop = (struct iommu_command){e.low, e.high};
    } else {
        struct amdvi_entry e = amdvi_invalidate_interrupts((uint16_t)requester);
        drop = (struct iommu_command){e.low, e.high};
    }
    iommu_execute(u, drop, iommu_idle(u));
}

void iommu_interrupt_allow(struct iommu *u, word_t vector, word_t requester, uint32_t apic_id, bool level)
{
    if (u->kind == IOMMU_KIND_VTD) {
        struct vtd_entry e = vtd_interrupt(apic_id, (uint8_t)vector, level, (uint16_t)requester);
        return interrupt_write(u, vector, requester, e.low, e.high);
    }
    struct amdvi_entry e = amdvi_interrupt(apic_id, (uint8_t)vector);
    interrupt_write(u, vector, requester, e.low, e.high);
}

void iommu_interrupt_block(struct iommu *u, word_t vector, word_t requester)
{
    interrupt_write(u, vector, requester, 0, 0);
}

static paddr_t own_interrupts(const struct iommu *u) { return u->block + IOMMU_INTERRUPTS + own_node * 4096; }

bool iommu_message_elsewhere(const struct iommu *u, word_t requester)
{
    return u->kind == IOMMU_KIND_AMDVI && amdvi_interrupts_elsewhere(u, requester, own_interrupts(u));
}

/* AMD-Vi: the function's device entry leads to this node's entries, while it has any vector. */
void iommu_message_allow(struct iommu *u, word_t vector, word_t requester)
{
    iommu_interrupt_allow(u, vector, requester, own_apic_id, false);
    if (u->kind == IOMMU_KIND_AMDVI)
        amdvi_interrupts_set(u, requester, own_interrupts(u));
}

void iommu_message_block(struct iommu *u, word_t vector, word_t requester, bool last)
{
    iommu_interrupt_block(u, vector, requester);
    if (u->kind == IOMMU_KIND_AMDVI && last)
        amdvi_interrupts_set(u, requester, 0);
}

struct iommu_message iommu_message(const struct iommu *u, word_t vector)
{
    if (u->kind == IOMMU_KIND_VTD)
        return (struct iommu_message){vtd_message_address((uint16_t)(own_node << 8 | vector)), 0};
    return (struct iommu_message){AMDVI_MESSAGE_ADDRESS, (uint32_t)vector};
}

/* ---- families ---- */

static bool is_vtd(const struct iommu *u) { return u->kind == IOMMU_KIND_VTD; }

void iommu_device_attach(struct iommu *u, word_t requester, paddr_t table, word_t domain)
{
    (is_vtd(u) ? vtd_device_attach : amdvi_device_attach)(u, requester, table, domain);
}

void iommu_device_block(struct iommu *u, word_t requester, word_t domain)
{
    (is_vtd(u) ? vtd_device_block : amdvi_device_block)(u, requester, domain);
}

void iommu_flush_domain(struct iommu *u, word_t domain) { (is_vtd(u) ? vtd_flush_domain : amdvi_flush_domain)(u, domain); }

void iommu_flush_pages(struct iommu *u, word_t domain, word_t address, unsigned bits)
{
    (is_vtd(u) ? vtd_flush_pages : amdvi_flush_pages)(u, domain, address, bits);
}

bool iommu_fault_next(struct iommu *u, struct iommu_fault *fault) { return (is_vtd(u) ? vtd_fault_next : amdvi_fault_next)(u, fault); }
bool iommu_faults_overflowed(struct iommu *u) { return (is_vtd(u) ? vtd_faults_overflowed : amdvi_faults_overflowed)(u); }

/* The index is chosen so that the entry's vector field holds the vector itself: that is what an IOAPIC compares an EOI with. */
word_t iommu_ioapic_entry(const struct iommu *u, word_t vector)
{
    return u->kind == IOMMU_KIND_VTD ? vtd_ioapic_entry((uint16_t)(own_node << 8 | vector), (uint8_t)vector) : vector;
}
