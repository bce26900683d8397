/* Node 0's kernel sorts the faults of both families' units: records in memory as hardware writes them, pages as the nodes find them. */
#include <stdlib.h>
#include <string.h>
#include <x86/amdvi.h>
#include <x86/vtd.h>
#include "kernel/x86/faults.h"
#include "x86_host.h"

#define BLOCK 0xa0000000ull
#define NODES 3
#define RECORDS 0x220 /* CAP: 34 * 16 */

static struct iommu *unit;
static char *base;

static int boot(void **state)
{
    (void)state;
    host_boot();
    base = calloc(1, KERNEL_IOMMU_STRIDE);
    struct resource_map *m = calloc(1, RESOURCE_MAP_MAX_BYTES);
    m->node_count = NODES;
    m->entry_count = 2;
    m->entries[0] = (struct resource_entry){.kind = RESOURCE_IOMMU, .arg0 = IOMMU_KIND_VTD};
    m->entries[1] = (struct resource_entry){.kind = RESOURCE_IOMMU_TABLES, .paddr = BLOCK, .size = iommu_block_size(NODES),
                                            .arg0 = 1, .arg1 = 2};
    *(uint64_t *)(base + VTD_CAP) = 0xd2008c222f0606 | 3ull << 40; /* four records */
    assert_true(iommu_add(m, 0, base));
    free(m);
    unit = iommu_at(0);
    return 0;
}

static struct iommu_fault_page *page(unsigned node)
{
    return (struct iommu_fault_page *)(unit->tables + iommu_faults(NODES) + node * 4096);
}

static void owner(uint16_t requester, unsigned node_plus_one) { ((uint16_t *)(unit->tables + IOMMU_OWNERS))[requester] = (uint16_t)node_plus_one; }

static int begin(void **state)
{
    (void)state;
    unit->kind = IOMMU_KIND_VTD;
    for (unsigned n = 0; n < NODES; n++) {
        memset(page(n), 0, sizeof(*page(n)));
        page(n)->apic_id = 0x100 + n;
    }
    memset(unit->tables + IOMMU_OWNERS, 0, IOMMU_OWNERS_SIZE);
    memset(base + RECORDS, 0, 64);
    memset(base + AMDVI_COMMAND_HEAD, 0, 0x40);
    memset(unit->tables + IOMMU_EVENTS, 0, 4096);
    machine.icr = 0;
    unit->lost_seen = unit->overflows_seen = unit->next_record = 0;
    return 0;
}

static void record(unsigned i, uint64_t address, uint16_t requester, uint64_t upper)
{
    uint64_t *r = (uint64_t *)(base + RECORDS + 16 * i);
    r[0] = address;
    r[1] = 1ull << 63 | upper << 32 | requester;
}

/* The unit frees a record whose uppermost bit is written as 1. */
static void free_record(volatile void *at)
{
    for (unsigned i = 0; i < 4; i++)
        if ((volatile char *)at == base + RECORDS + 16 * i + 12)
            *(volatile uint32_t *)at = 0;
}

static const struct iommu_record *first_full(unsigned node)
{
    for (unsigned i = 0; i < IOMMU_RECORDS; i++)
        if (page(node)->records[i].full)
            return &page(node)->records[i];
    return NULL;
}

/* VT-d 11.4.14 and 7.1.3: T1 in bit 30 of the upper word's upper half, T2 in bit 28 of its lower half, reason in 39..32. */
static void vtd_records(void **state)
{
    (void)state;
    owner(0x108, 2), owner(0x110, 3), faults_own(0, 0x30, 0x31);
    record(0, 0x1234000, 0x108, 5);                       /* a write */
    record(1, 0x5678000, 0x110, 1u << 30 | 6);            /* a read */
    record(2, 0x51ull << 48, 0x30, 0x22);                 /* an interrupt message */
    unit_written = free_record;
    faults_poll(1000);
    unit_written = NULL;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(*(uint32_t *)(base + RECORDS + 16 * i + 12), 0);
    assert_true(page(0)->count == 1 && page(1)->count == 1 && page(2)->count == 1);
    assert_true(first_full(1)->address == 0x1234000 && first_full(1)->requester == 0x108 && first_full(1)->what == (5 | 1 << 8));
    assert_true(first_full(2)->address == 0x5678000 && first_full(2)->requester == 0x110 && first_full(2)->what == 6);
    assert_true(first_full(0)->requester == 0x30 && first_full(0)->what == (0x22 | 1 << 9));
    assert_true(machine.icr == (0x102ull << 32 | IOMMU_FAULT_VECTOR)); /* node 2 was the last one told */
}

/* In the model of this test a record that was freed comes back at once: a storm. It is taken a bounded number of times, fills its part
 * of its own node's page, and nothing of the others'. */
static void a_storm(void **state)
{
    struct iommu_fault f;
    word_t lost, overflows;
    (void)state;
    owner(0x108, 2), owner(0x109, 2), owner(0x110, 3);
    *(uint32_t *)(base + VTD_FAULT_STATUS) = 1;
    record(0, 0x1000, 0x108, 5);
    record(1, 0x2000, 0x109, 5);
    record(2, 0x3000, 0x110, 5);
    for (unsigned i = 0; i < 100; i++) {
        faults_poll(1000);
        record(2, 0x3000, 0x109, 5); /* 0x110's was the only one */
    }
    unsigned of[2] = {0, 0};
    for (unsigned i = 0; i < IOMMU_RECORDS; i++) {
        of[0] += page(1)->records[i].full && page(1)->records[i].requester == 0x108;
        of[1] += page(1)->records[i].full && page(1)->records[i].requester == 0x109;
    }
    assert_true(of[0] == 4 && of[1] == 4 && page(1)->lost > 1000);
    assert_true(page(2)->count >= 1 && page(2)->lost <= 64 && first_full(2)->address == 0x3000);
    assert_null(first_full(0));
    assert_int_equal(page(0)->overflows, page(2)->overflows);
    assert_true(page(1)->overflows == 100); /* the bit stays set in this model: once per look */
    assert_false(faults_take(unit, 0, 0xffff, &f, &lost, &overflows)); /* node 0 has none, is told of the overflows */
    assert_true(lost == 0 && overflows == 101);
}

/* Functions that faulted and then went to another node leave room to those that stayed. */
static void gone_to_another_node(void **state)
{
    (void)state;
    owner(0x200, 2);
    for (unsigned i = 0; i < IOMMU_RECORDS; i++) {
        page(1)->records[i] = (struct iommu_record){.requester = 0x108 + i / 4, .full = 1};
        owner((uint16_t)(0x108 + i / 4), 2);
    }
    record(0, 0x7000, 0x200, 5);
    unit_written = free_record;
    faults_poll(1000);
    assert_true(page(1)->lost == 1 && page(1)->count == 0);
    owner(0x110, 3);
    record(0, 0x7000, 0x200, 5);
    faults_poll(1000);
    unit_written = NULL;
    assert_true(page(1)->lost == 1 && page(1)->count == 1);
    unsigned of[2] = {0, 0};
    for (unsigned i = 0; i < IOMMU_RECORDS; i++) {
        of[0] += page(1)->records[i].full && page(1)->records[i].requester == 0x110;
        of[1] += page(1)->records[i].full && page(1)->records[i].requester == 0x200 && page(1)->records[i].address == 0x7000;
    }
    assert_true(of[0] == 3 && of[1] == 1);
}

static void nobodys_and_odd_ones(void **state)
{
    (void)state;
    owner(0x111, 77); /* no such node: a damaged table reaches nothing */
    record(0, 0x1000, 0x222, 5);
    record(1, 0x1000, 0x111, 5);
    machine.icr = 0;
    faults_poll(1ull << 40);
    for (unsigned n = 0; n < NODES; n++)
        assert_null(first_full(n));
    assert_int_equal(machine.icr, 0);
}

/* AMD-Vi 2.5.3: IO_PAGE_FAULT is event 2; flags: I bit 51, RW bit 53 of the first half. 2.5.6: event 5 is about no function. */
static void amdvi_events(void **state)
{
    struct iommu_fault f;
    word_t lost, overflows;
    (void)state;
    unit->kind = IOMMU_KIND_AMDVI;
    uint64_t *log = (uint64_t *)(unit->tables + IOMMU_EVENTS), *head = (uint64_t *)(base + AMDVI_EVENT_HEAD),
             *tail = (uint64_t *)(base + AMDVI_EVENT_TAIL);
    owner(0x108, 2), owner(0x30, 1);
    *head = 4096 - 32; /* across the end */
    log[2 * 254] = 5ull << 60 | 0x108, log[2 * 254 + 1] = 0xb000;
    log[2 * 255] = 2ull << 60 | 1ull << 53 | 0x108, log[2 * 255 + 1] = 0x1234000;
    log[0] = 2ull << 60 | 1ull << 51 | 0x30, log[1] = 0xfee00000;
    log[2] = 0x108, log[3] = 0x77; /* its code is not written yet */
    *tail = 32;
    faults_poll(1000);
    assert_true(first_full(1)->address == 0x1234000 && first_full(1)->requester == 0x108 && first_full(1)->what == (2 | 1 << 8));
    assert_int_equal(page(1)->count, 1);
    assert_true(first_full(0)->what == (2 | 1 << 9) && first_full(0)->requester == 0x30);
    assert_int_equal(*head, 16);
    log[2] |= 1ull << 60;
    faults_poll(1000);
    assert_true(*head == 32 && page(1)->count == 2 && log[2] == 0);

    /* 3.4.16, 3.4.4: a log that stands still is switched off and on, when it is empty. */
    uint64_t *status = (uint64_t *)(base + AMDVI_STATUS), *control = (uint64_t *)(base + AMDVI_CONTROL);
    *control = AMDVI_CONTROL_ENABLE | AMDVI_CONTROL_EVENTS;
    *status = 1;
    log[4] = 2ull << 60 | 0x30, *tail = 48;
    faults_poll(1000);
    assert_int_equal(page(0)->overflows, 0);
    faults_poll(1000);
    assert_true(page(0)->overflows == 1 && *control == (AMDVI_CONTROL_ENABLE | AMDVI_CONTROL_EVENTS));
    assert_true(faults_take(unit, 0x30, 0x30, &f, &lost, &overflows) && f.address == 0xfee00000 && lost == 0);
    unit->kind = IOMMU_KIND_VTD;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(vtd_records, begin), cmocka_unit_test_setup(a_storm, begin),
        cmocka_unit_test_setup(gone_to_another_node, begin),
        cmocka_unit_test_setup(nobodys_and_odd_ones, begin), cmocka_unit_test_setup(amdvi_events, begin),
    };
    return cmocka_run_group_tests(tests, boot, NULL);
}
