/* function: iommu_add, iommu_at, iommu_count, iommu_own_node, iommu_node_count, iommu_message, iommu_message_allow, iommu_message_block, iommu_message_elsewhere, iommu_ioapic_entry, iommu_memory_written (iommu.c)
 * property: a unit is taken only with tables behind it that have room for all nodes, and as many units as there is room for; a message raises the vector that was allowed, in this node's part of the table; on AMD-Vi a function's interrupts lead here exactly while a vector is left to it; nothing undefined
 * bound: 2 units, up to 256 nodes; both families
 * options: --unwind 12
 * replace: iommu_execute:execute_contract iommu_entry_write:write_contract
 */
#include "../proof.h"
#include <machine.h>
#include <atoll/iommu.h>
#undef KERNEL_IOMMU_STRIDE
#undef KERNEL_IOMMU_BLOCK
#define KERNEL_IOMMU_STRIDE 0x400ull /* units closer together than they are */
#define KERNEL_IOMMU_BLOCK 0x200ull
#define mmio_read64(p) (nondet_word())
#include "kernel/x86/iommu.c"

struct kernel kernel;
static char base[2 * 0x400], block[IOMMU_INTERRUPTS + IOMMU_MAX_NODES * 4096];
static struct {
    struct resource_map map;
    struct resource_entry entries[2];
} spec;
struct resource_entry nondet_entry(void);
static unsigned executions, writes, led;
static paddr_t led_to;
void panic(const char *f, ...) { (void)f; ASSUME(false); for (;;); }
void execute_contract(struct iommu *u, struct iommu_command a, struct iommu_command b) { (void)a, (void)b; HOLDS(u == &units[0], "this unit"); executions++; }
void write_contract(struct iommu *u, volatile void *entry, word_t low, word_t high) { (void)entry, (void)low, (void)high; HOLDS(u == &units[0], "this unit"); writes++; }
#define FAMILY(kind_) HOLDS(u == &units[0] && u->kind == (kind_), "the unit's own family")
void vtd_device_attach(struct iommu *u, word_t r, paddr_t t, word_t d) { (void)r, (void)t, (void)d; FAMILY(IOMMU_KIND_VTD); }
void vtd_device_block(struct iommu *u, word_t r, word_t d) { (void)r, (void)d; FAMILY(IOMMU_KIND_VTD); }
void vtd_flush_domain(struct iommu *u, word_t d) { (void)d; FAMILY(IOMMU_KIND_VTD); }
void vtd_flush_pages(struct iommu *u, word_t d, word_t a, unsigned b) { (void)d, (void)a, (void)b; FAMILY(IOMMU_KIND_VTD); }
bool vtd_fault_next(struct iommu *u, struct iommu_fault *f) { (void)f; FAMILY(IOMMU_KIND_VTD); return nondet_bool(); }
bool vtd_faults_overflowed(struct iommu *u) { FAMILY(IOMMU_KIND_VTD); return nondet_bool(); }
void amdvi_device_attach(struct iommu *u, word_t r, paddr_t t, word_t d) { (void)r, (void)t, (void)d; FAMILY(IOMMU_KIND_AMDVI); }
void amdvi_device_block(struct iommu *u, word_t r, word_t d) { (void)r, (void)d; FAMILY(IOMMU_KIND_AMDVI); }
void amdvi_flush_domain(struct iommu *u, word_t d) { (void)d; FAMILY(IOMMU_KIND_AMDVI); }
void amdvi_flush_pages(struct iommu *u, word_t d, word_t a, unsigned b) { (void)d, (void)a, (void)b; FAMILY(IOMMU_KIND_AMDVI); }
bool amdvi_fault_next(struct iommu *u, struct iommu_fault *f) { (void)f; FAMILY(IOMMU_KIND_AMDVI); return nondet_bool(); }
bool amdvi_faults_overflowed(struct iommu *u) { FAMILY(IOMMU_KIND_AMDVI); return nondet_bool(); }
void amdvi_interrupts_set(struct iommu *u, word_t r, paddr_t table) { (void)r; FAMILY(IOMMU_KIND_AMDVI); led++, led_to = table; }
bool amdvi_interrupts_elsewhere(const struct iommu *u, word_t r, paddr_t table) { (void)r, (void)table; FAMILY(IOMMU_KIND_AMDVI); return nondet_bool(); }

int main(void)
{
    bool vtd = nondet_bool();
    spec.map.node_count = nondet_unsigned(), spec.map.node = nondet_unsigned(), spec.map.entry_count = 1 + nondet_below(2);
    spec.entries[0] = nondet_entry(), spec.entries[1] = nondet_entry();
    ASSUME(spec.map.node_count >= 1 && spec.map.node_count <= 300 && spec.map.node < spec.map.node_count);
    spec.entries[0].arg0 = vtd ? IOMMU_KIND_VTD : IOMMU_KIND_AMDVI;
    ASSUME(spec.entries[1].paddr < BIT(46) && spec.entries[1].paddr % IOMMU_BLOCK_ALIGN == 0); /* resource_map */
    bool added = iommu_add(&spec.map, 0, base);
    HOLDS(!added || (spec.entries[1].kind == RESOURCE_IOMMU_TABLES && spec.map.entry_count == 2 && spec.entries[1].size >= iommu_block_size(spec.map.node_count)), "with tables that have room");
    HOLDS(!added || (iommu_count() == 1 && iommu_node_count() <= IOMMU_MAX_NODES && iommu_own_node() < iommu_node_count()), "one more");
    REACH(!added);
    if (!added)
        return 0;
    struct iommu *u = iommu_at(0);
    u->tables = block; /* as large as it is */
    word_t requester = nondet_below(65536), vector = nondet_below(256);
    switch (nondet_below(4)) {
    case 0: {
        struct iommu_message m = iommu_message(u, vector);
        HOLDS(vtd ? m.address >> 20 == 0xfee : m.data == vector, "an interrupt message: VT-d 5.1.2.2, AMD-Vi 2.2.5");
        iommu_ioapic_entry(u, vector);
        break;
    }
    case 1:
        iommu_message_allow(u, vector, requester);
        HOLDS(writes == 1 && executions == 1 && led == !vtd && (vtd || led_to == u->block + IOMMU_INTERRUPTS + own_node * 4096), "opened, and led to this node's entries");
        REACH(vtd);
        break;
    case 2: {
        bool last = nondet_bool();
        iommu_message_block(u, vector, requester, last);
        HOLDS(writes == 1 && executions == 1 && led == (!vtd && last) && led_to == 0, "closed, and led nowhere when it was the last");
        REACH(led);
        break;
    }
    default:
        HOLDS(!vtd || !iommu_message_elsewhere(u, requester), "VT-d has one table");
        iommu_memory_written(u, base, 128);
    }
}
