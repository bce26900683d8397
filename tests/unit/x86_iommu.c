/* I/O spaces and the carousel, with a unit in memory that reads its commands as hardware would. Formats are compared with words put
 * together by hand from the manuals. */
#include <stdlib.h>
#include <string.h>
#include <x86/amdvi.h>
#include <x86/vtd.h>
#include "kernel/x86/iospace.h"
#include "kernel/x86/irq.h"
#include "x86_host.h"

#define ROOT SEL4_CAP_INIT_CNODE
#define BLOCK 0xa0000000ull
#define NODE 2
#define NODES 3
#define RING_BYTES 4096
#define REQUESTER 0x130
#define COMMANDS 4096

static char *base;
static struct iommu *unit;
static struct { uint64_t low, high; } seen[COMMANDS]; /* commands that were no waits */
static unsigned seen_count, step_limit;
static word_t range; /* a requesters capability: 0x100 to 0x1ff */

static uint64_t *reg(unsigned vtd, unsigned amd)
{
    return (uint64_t *)(base + (unit->kind == IOMMU_KIND_VTD ? vtd : amd));
}

/* From head to tail, at most step_limit commands a time. */
static void play_unit(volatile void *at)
{
    uint64_t *head = reg(VTD_QUEUE_HEAD, AMDVI_COMMAND_HEAD), *tail = reg(VTD_QUEUE_TAIL, AMDVI_COMMAND_TAIL);
    if (at != tail)
        return;
    assert_true(*tail < RING_BYTES && *tail % 16 == 0);
    for (unsigned n = 0; *head != *tail && n < step_limit; n++) {
        const uint64_t *c = (const uint64_t *)(unit->tables + IOMMU_QUEUE + *head);
        bool vtd = unit->kind == IOMMU_KIND_VTD, wait = vtd ? (c[0] & 15) == 5 : c[0] >> 60 == 1;
        uint64_t paddr = vtd ? c[1] : c[0] & 0xffffffffffff8, value = vtd ? c[0] >> 32 : c[1];
        if (wait) {
            assert_true(paddr >= BLOCK + IOMMU_STATUS && paddr < BLOCK + IOMMU_STATUS + IOMMU_STATUS_SIZE);
            memcpy(unit->tables + (paddr - BLOCK), &value, vtd ? 4 : 8);
        } else {
            assert_true(seen_count < COMMANDS);
            seen[seen_count].low = c[0];
            seen[seen_count++].high = c[1];
        }
        *head = (*head + 16) % RING_BYTES;
    }
    *tail = *head; /* an interrupted round looks like another kernel's earlier tail */
}

static bool was_seen(uint64_t low, uint64_t high)
{
    bool found = false;
    for (unsigned i = 0; i < seen_count; i++)
        found |= seen[i].low == low && seen[i].high == high;
    return found;
}

static void ring_reset(void)
{
    for (unsigned i = 0; i < RING_BYTES / 16; i++) {
        uint64_t *c = (uint64_t *)(unit->tables + IOMMU_QUEUE) + 2 * i, status = BLOCK + IOMMU_STATUS + 16;
        struct vtd_entry v = vtd_wait(status, 0);
        struct amdvi_entry a = amdvi_wait(status, 0);
        c[0] = unit->kind == IOMMU_KIND_VTD ? v.low : a.low;
        c[1] = unit->kind == IOMMU_KIND_VTD ? v.high : a.high;
    }
    *reg(VTD_QUEUE_HEAD, AMDVI_COMMAND_HEAD) = *reg(VTD_QUEUE_TAIL, AMDVI_COMMAND_TAIL) = 0;
    seen_count = 0;
    step_limit = RING_BYTES;
}

static int boot(void **state)
{
    (void)state;
    host_boot();
    base = calloc(1, KERNEL_IOMMU_STRIDE);
    struct resource_map *m = calloc(1, RESOURCE_MAP_MAX_BYTES);
    m->node = NODE;
    m->node_count = NODES;
    m->apic_id = 0x1000007;
    m->entry_count = 2;
    m->entries[0] = (struct resource_entry){.kind = RESOURCE_IOMMU, .arg0 = IOMMU_KIND_VTD};
    m->entries[1] = (struct resource_entry){.kind = RESOURCE_IOMMU_TABLES, .paddr = BLOCK, .size = iommu_block_size(NODES),
                                            .arg0 = 201, .arg1 = 2};
    *(uint64_t *)(base + VTD_CAP) = 0xd2008c222f0606;
    *(uint64_t *)(base + VTD_ECAP) = 0xf00f5a;
    m->entry_count = 1; /* without its tables */
    assert_false(iommu_add(m, 0, base));
    m->entry_count = 2;
    assert_true(iommu_add(m, 0, base));
    free(m);
    unit = iommu_at(0);
    unit_written = play_unit;
    ring_reset();
    range = new_slot();
    slot_insert_original(cap_requesters(0, 0x100, 0x1ff), slot_at(range));
    return 0;
}

static uint64_t *device_entry(unsigned bytes) { return (uint64_t *)(unit->tables + IOMMU_DEVICES + REQUESTER * bytes); }

static word_t space_new(void)
{
    word_t space = retype(ATOLL_IO_SPACE, 0);
    assert_int_equal(CALL(SEL4_CAP_INIT_ASID_POOL, SEL4_X86_ASID_POOL_ASSIGN, CAPS(space)), SEL4_NO_ERROR);
    return space;
}

/* Devices reach frame-only memory alone. */
static word_t device_frame(word_t type)
{
    const struct atoll_named_slots *ram = named(type == SEL4_X86_HUGE_PAGE ? "huge" : "ram");
    word_t slot = 0;
    for (word_t i = 0; i < ram->slot_count && !slot; i++)
        slot = retype_from(ram->first_slot + i, type, 0);
    assert_int_not_equal(slot, 0);
    return slot;
}

static word_t bind(word_t cap, word_t space, word_t requester) { return CALL(cap, ATOLL_REQUESTERS_BIND, CAPS(space), requester); }
static word_t io_map(word_t frame, word_t space, word_t at, word_t rights) { return CALL(frame, ATOLL_IO_PAGE_MAP, CAPS(space), at, rights); }
static word_t io_table(word_t type, word_t space, word_t at)
{
    word_t table = retype(type, 0);
    assert_int_equal(CALL(table, ATOLL_IO_TABLE_MAP, CAPS(space), at), SEL4_NO_ERROR);
    return table;
}
static paddr_t table_paddr(word_t slot) { return table_offset(slot_at(slot)->cap) + WINDOW_PADDR; }

/* VT-d 9.3, 9.8, 6.5.2. */
static void vtd_words(void **state)
{
    (void)state;
    word_t space = space_new(), top = table_paddr(space), frame = device_frame(SEL4_X86_4K_PAGE);
    assert_int_equal(bind(range, space, REQUESTER), SEL4_NO_ERROR);
    assert_true(device_entry(16)[0] == (top | 1) && device_entry(16)[1] == (201 << 8 | 2));
    assert_true(was_seen(0x1 | 3 << 4 | 201 << 16 | (uint64_t)REQUESTER << 32, 0)); /* context cache, one device */
    assert_true(was_seen(0x2 | 2 << 4 | 3 << 6 | 201 << 16, 0));                    /* IOTLB, one domain, drained */

    assert_int_equal(io_map(frame, space, 0x7f40201000, 3), SEL4_FAILED_LOOKUP);
    word_t pdpt = io_table(ATOLL_IO_PDPT, space, 0x7f40201000), pd = io_table(ATOLL_IO_PD, space, 0x7f40201000);
    word_t pt = io_table(ATOLL_IO_PT, space, 0x7f40201000);
    assert_int_equal(io_map(frame, space, 0x7f40201000, SEL4_RIGHT_READ), SEL4_NO_ERROR);
    assert_true(((uint64_t *)object_at(top - WINDOW_PADDR))[0] == (table_paddr(pdpt) | 3));
    assert_true(((uint64_t *)object_at(table_paddr(pdpt) - WINDOW_PADDR))[0x1fd] == (table_paddr(pd) | 3));
    assert_true(((uint64_t *)object_at(table_paddr(pt) - WINDOW_PADDR))[1] == (frame_paddr(slot_at(frame)->cap) | 1));
    seen_count = 0;
    assert_int_equal(CALL(frame, SEL4_X86_PAGE_UNMAP, CAPS(0)), SEL4_NO_ERROR);
    assert_int_equal(((uint64_t *)object_at(table_paddr(pt) - WINDOW_PADDR))[1], 0);
    assert_true(was_seen(0x2 | 3 << 4 | 3 << 6 | 201 << 16, 0x7f40201000)); /* that page alone */

    word_t large = device_frame(SEL4_X86_LARGE_PAGE);
    unit->capability &= ~VTD_CAP_LARGE_PAGES;
    assert_int_equal(io_map(large, space, 0x7f40400000, 3), SEL4_ILLEGAL_OPERATION);
    unit->capability |= VTD_CAP_LARGE_PAGES;
    assert_int_equal(io_map(large, space, 0x7f40400000, 3), SEL4_NO_ERROR);
    assert_true(((uint64_t *)object_at(table_paddr(pd) - WINDOW_PADDR))[2] == (frame_paddr(slot_at(large)->cap) | 0x83));
    word_t huge = device_frame(SEL4_X86_HUGE_PAGE);
    assert_int_equal(io_map(huge, space, 0x7f40200000, 3), SEL4_ALIGNMENT_ERROR);
    assert_int_equal(io_map(huge, space, 0x7f40000000, 3), SEL4_DELETE_FIRST); /* there is a table */
    unit->capability &= ~VTD_CAP_HUGE_PAGES;
    assert_int_equal(io_map(huge, space, 0x7f80000000, 3), SEL4_ILLEGAL_OPERATION);
    unit->capability |= VTD_CAP_HUGE_PAGES;
    seen_count = 0;
    assert_int_equal(io_map(huge, space, 0x7f80000000, 3), SEL4_NO_ERROR);
    assert_true(((uint64_t *)object_at(table_paddr(pdpt) - WINDOW_PADDR))[0x1fe] == (HUGE_PADDR | 0x83));
    assert_true(was_seen(0x2 | 3 << 4 | 3 << 6 | 201 << 16, 0x7f80000000 | 18)); /* 2^18 pages */
    assert_int_equal(CALL(ROOT, SEL4_CNODE_DELETE, CAPS(0), huge, 64), SEL4_NO_ERROR);
    assert_int_equal(((uint64_t *)object_at(table_paddr(pdpt) - WINDOW_PADDR))[0x1fe], 0);
    seen_count = 0;
    assert_int_equal(CALL(pt, ATOLL_IO_TABLE_UNMAP, CAPS(0)), SEL4_NO_ERROR);
    assert_int_equal(((uint64_t *)object_at(table_paddr(pd) - WINDOW_PADDR))[1], 0);
    assert_true(was_seen(0x2 | 2 << 4 | 3 << 6 | 201 << 16, 0)); /* all that came by way of the table */

    seen_count = 0;
    assert_int_equal(CALL(range, ATOLL_REQUESTERS_UNBIND, CAPS(0), REQUESTER), SEL4_NO_ERROR);
    assert_true(device_entry(16)[0] == 0 && device_entry(16)[1] == 0);
    assert_true(was_seen(0x1 | 3 << 4 | 201 << 16 | (uint64_t)REQUESTER << 32, 0));
    assert_int_equal(CALL(large, SEL4_X86_PAGE_UNMAP, CAPS(0)), SEL4_NO_ERROR);
    assert_int_equal(CALL(ROOT, SEL4_CNODE_DELETE, CAPS(0), space, 64), SEL4_NO_ERROR);
    assert_int_equal(CALL(ROOT, SEL4_CNODE_REVOKE, CAPS(0), named("ram")->first_slot, 64), SEL4_NO_ERROR);
}

/* AMD-Vi 2.2.2.1, 2.2.3, 2.4. */
static void amdvi_words(void **state)
{
    (void)state;
    unit->kind = IOMMU_KIND_AMDVI;
    ring_reset();
    device_entry(32)[2] = AMDVI_DEVICE_INTERRUPTS_BLOCKED;
    word_t space = space_new(), frame = device_frame(SEL4_X86_4K_PAGE);
    assert_int_equal(bind(range, space, REQUESTER), SEL4_NO_ERROR);
    assert_true(device_entry(32)[0] == (table_paddr(space) | 3 | 4 << 9 | 3ull << 61) && device_entry(32)[1] == 201);
    assert_int_equal(device_entry(32)[2], AMDVI_DEVICE_INTERRUPTS_BLOCKED); /* the other half is not touched */
    assert_true(was_seen(2ull << 60 | REQUESTER, 0));
    assert_true(was_seen(3ull << 60 | 201ull << 32, 0x7ffffffffffff003));
    word_t pdpt = io_table(ATOLL_IO_PDPT, space, 0), pd = io_table(ATOLL_IO_PD, space, 0), pt = io_table(ATOLL_IO_PT, space, 0);
    assert_int_equal(io_map(frame, space, 0x1000, SEL4_RIGHT_WRITE), SEL4_NO_ERROR);
    assert_true(((uint64_t *)object_at(table_paddr(space) - WINDOW_PADDR))[0] == (table_paddr(pdpt) | 1 | 3 << 9 | 3ull << 61));
    assert_true(((uint64_t *)object_at(table_paddr(pdpt) - WINDOW_PADDR))[0] == (table_paddr(pd) | 1 | 2 << 9 | 3ull << 61));
    assert_true(((uint64_t *)object_at(table_paddr(pd) - WINDOW_PADDR))[0] == (table_paddr(pt) | 1 | 1 << 9 | 3ull << 61));
    assert_true(((uint64_t *)object_at(table_paddr(pt) - WINDOW_PADDR))[1] ==
                (frame_paddr(slot_at(frame)->cap) | 1 | 1ull << 60 | 1ull << 62));
    word_t huge = device_frame(SEL4_X86_HUGE_PAGE);
    assert_int_equal(io_map(huge, space, 0x40000000, 3), SEL4_NO_ERROR); /* next level 0: a leaf of its level's size */
    assert_true(((uint64_t *)object_at(table_paddr(pdpt) - WINDOW_PADDR))[1] == (HUGE_PADDR | 1 | 1ull << 60 | 3ull << 61));
    assert_true(was_seen(3ull << 60 | 201ull << 32, 0x5ffff003)); /* 1 GiB: bits 28 to 12 set, 29 clear */
    assert_int_equal(CALL(huge, SEL4_X86_PAGE_UNMAP, CAPS(0)), SEL4_NO_ERROR);
    assert_int_equal(((uint64_t *)object_at(table_paddr(pdpt) - WINDOW_PADDR))[1], 0);
    seen_count = 0;
    assert_int_equal(CALL(ROOT, SEL4_CNODE_DELETE, CAPS(0), frame, 64), SEL4_NO_ERROR); /* deleting unmaps */
    assert_int_equal(((uint64_t *)object_at(table_paddr(pt) - WINDOW_PADDR))[1], 0);
    assert_true(was_seen(3ull << 60 | 201ull << 32, 0x1002));
    iommu_flush_pages(unit, 7, 0x40200000, 21);
    assert_true(was_seen(3ull << 60 | 7ull << 32, 0x402ff003)); /* 2 MiB: bits 19 to 12 set, 20 clear */
    assert_int_equal(CALL(ROOT, SEL4_CNODE_DELETE, CAPS(0), space, 64), SEL4_NO_ERROR); /* unbinds */
    assert_true(device_entry(32)[0] == 3 && device_entry(32)[1] == 0);
    unit->kind = IOMMU_KIND_VTD;
    ring_reset();
}

static void refusals(void **state)
{
    (void)state;
    word_t a = space_new(), b = space_new(), c = space_new(), bare = retype(ATOLL_IO_SPACE, 0), child = new_slot(), other = new_slot();
    word_t frame = device_frame(SEL4_X86_4K_PAGE);
    assert_int_equal(bind(range, bare, REQUESTER), SEL4_INVALID_CAPABILITY); /* no ASID */
    assert_int_equal(bind(range, frame, REQUESTER), SEL4_INVALID_CAPABILITY);
    assert_int_equal(bind(range, a, 0xff), SEL4_RANGE_ERROR);
    assert_int_equal(bind(range, a, 0x200), SEL4_RANGE_ERROR);
    assert_int_equal(bind(range, a, REQUESTER), SEL4_NO_ERROR);
    assert_int_equal(bind(range, b, REQUESTER), SEL4_DELETE_FIRST);
    assert_int_equal(bind(range, b, REQUESTER + 1), SEL4_NO_ERROR);
    assert_int_equal(bind(range, c, REQUESTER + 2), SEL4_NOT_ENOUGH_MEMORY); /* this node has two domains */
    assert_int_equal(bind(range, b, REQUESTER + 2), SEL4_NO_ERROR);
    assert_int_equal(CALL(range, ATOLL_REQUESTERS_UNBIND, CAPS(0), REQUESTER + 3), SEL4_INVALID_ARGUMENT);
    assert_int_equal(io_map(retype(SEL4_X86_4K_PAGE, 0), a, 0x1000, 3), SEL4_INVALID_CAPABILITY); /* private memory */
    assert_int_equal(io_map(frame, a, 0x1001, 3), SEL4_ALIGNMENT_ERROR);
    assert_int_equal(io_map(frame, a, 1ull << 48, 3), SEL4_INVALID_ARGUMENT);
    assert_int_equal(io_map(frame, a, 0x1000, 0), SEL4_INVALID_ARGUMENT);

    assert_int_equal(CALL(ROOT, SEL4_CNODE_COPY, CAPS(ROOT), child, 64, range, 64, 15), SEL4_ILLEGAL_OPERATION);
    assert_int_equal(CALL(range, ATOLL_REQUESTERS_DIVIDE, CAPS(ROOT), child, 64, 0x100, 0x1ff), SEL4_ILLEGAL_OPERATION);
    assert_int_equal(CALL(range, ATOLL_REQUESTERS_DIVIDE, CAPS(ROOT), child, 64, 0x100, 0x200), SEL4_RANGE_ERROR);
    assert_int_equal(CALL(range, ATOLL_REQUESTERS_DIVIDE, CAPS(ROOT), child, 64, REQUESTER, REQUESTER + 1), SEL4_NO_ERROR);
    assert_int_equal(CALL(range, ATOLL_REQUESTERS_DIVIDE, CAPS(ROOT), other, 64, REQUESTER + 1, REQUESTER + 2), SEL4_REVOKE_FIRST);
    assert_int_equal(CALL(child, ATOLL_REQUESTERS_DIVIDE, CAPS(ROOT), other, 64, REQUESTER, REQUESTER), SEL4_NO_ERROR);
    assert_int_equal(CALL(ROOT, SEL4_CNODE_REVOKE, CAPS(0), child, 64), SEL4_NO_ERROR);
    assert_true(slot_is_empty(slot_at(other)));
    assert_int_equal(device_entry(16)[0], 0); /* it went with the range that held it */
    assert_int_not_equal(device_entry(16)[2], 0);
    assert_int_equal(CALL(ROOT, SEL4_CNODE_REVOKE, CAPS(0), range, 64), SEL4_NO_ERROR);
    assert_int_equal(device_entry(16)[2], 0);
    assert_int_not_equal(device_entry(16)[4], 0);
    assert_int_equal(bind(range, c, REQUESTER), SEL4_NO_ERROR); /* the domain is free again */
    assert_int_equal(CALL(ROOT, SEL4_CNODE_DELETE, CAPS(0), c, 64), SEL4_NO_ERROR);
    assert_int_equal(CALL(ROOT, SEL4_CNODE_DELETE, CAPS(0), b, 64), SEL4_NO_ERROR);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(device_entry(16)[i], 0);
}

/* A node has few bound functions at a time: what takes them away all at once has a bound. */
static void as_many_as_there_may_be(void **state)
{
    (void)state;
    word_t space = space_new();
    for (word_t i = 0; i < IO_BOUND_MAX; i++)
        assert_int_equal(bind(range, space, 0x100 + i), SEL4_NO_ERROR);
    assert_int_equal(bind(range, space, 0x100 + IO_BOUND_MAX), SEL4_NOT_ENOUGH_MEMORY);
    seen_count = 0;
    assert_int_equal(CALL(ROOT, SEL4_CNODE_DELETE, CAPS(0), space, 64), SEL4_NO_ERROR);
    const uint64_t *entries = (const uint64_t *)(unit->tables + IOMMU_DEVICES + 0x100 * 16);
    for (word_t i = 0; i < 2 * IO_BOUND_MAX; i++)
        assert_int_equal(entries[i], 0);
    assert_true(seen_count >= 2 * IO_BOUND_MAX && seen_count <= 8 * IO_BOUND_MAX); /* what was read before is read twice */
}

/* The unit stops after every few commands, as if other kernels kept setting its tail: the call still gets its work done, and leaves
 * idle slots behind. */
static void slow_rounds(void **state)
{
    (void)state;
    for (step_limit = 1; step_limit < 300; step_limit += 7) {
        seen_count = 0;
        iommu_flush_domain(unit, step_limit);
        assert_true(was_seen(0x2 | 2 << 4 | 3 << 6 | (uint64_t)step_limit << 16, 0));
        const uint64_t *own = (const uint64_t *)(unit->tables + IOMMU_QUEUE) + 2 * IOMMU_SLOTS * NODE;
        for (unsigned i = 0; i < IOMMU_SLOTS; i++)
            assert_true((own[2 * i] & 0xf) == 5 && own[2 * i + 1] == BLOCK + IOMMU_STATUS + NODE * 64 + 16);
    }
    step_limit = RING_BYTES;
}

/* VT-d 9.9 and 5.1.2.2; AMD-Vi 2.2.5.2. Node 2's vector 0x51 is entry 0x251 of VT-d's table, 0x51 of its page. */
static void interrupts(void **state)
{
    (void)state;
    uint64_t *entry = (uint64_t *)(unit->tables + IOMMU_INTERRUPTS + NODE * 4096 + 0x51 * 16);
    seen_count = 0;
    iommu_interrupt_allow(unit, 0x51, 0xf0f8, 0x12345, true);
    assert_true(entry[0] == (0x12345ull << 32 | 0x51 << 16 | 1 << 4 | 1) && entry[1] == (1 << 18 | 0xf0f8));
    assert_true(was_seen(4 | 1 << 4 | 0x251ull << 32, 0));
    assert_true(iommu_ioapic_entry(unit, 0x51) == (0x251ull << 49 | 1ull << 48 | 0x51));
    iommu_interrupt_block(unit, 0x51, 0xf0f8);
    assert_true(entry[0] == 0 && entry[1] == 0);
    unit->kind = IOMMU_KIND_AMDVI;
    ring_reset();
    iommu_interrupt_allow(unit, 0x51, 0xa0, 0x1012345, false);
    assert_true(entry[0] == (0x012345ull << 8 | 1) && entry[1] == (1ull << 56 | 0x51));
    assert_true(was_seen(5ull << 60 | 0xa0, 0));
    assert_int_equal(iommu_ioapic_entry(unit, 0x51), 0x51);
    iommu_interrupt_block(unit, 0x51, 0xa0);
    unit->kind = IOMMU_KIND_VTD;
    ring_reset();
}

static word_t get_message(word_t slot, word_t cap, word_t requester, word_t vector)
{
    return CALL(SEL4_CAP_IRQ_CONTROL, SEL4_IRQ_CONTROL_GET_MSI, CAPS(ROOT, cap), slot, 64, requester >> 8, requester >> 3 & 31,
                requester & 7, 0, vector);
}

/* VT-d 5.1.5.2, 9.9; AMD-Vi 2.2.2.1, 2.2.5. User vector 0x20 is CPU vector 0x50; this node's core is x2APIC 0x1000007. */
static void messages(void **state)
{
    (void)state;
    word_t a = new_slot(), b = new_slot(), child = new_slot();
    uint64_t *entry = (uint64_t *)(unit->tables + IOMMU_INTERRUPTS + NODE * 4096 + 0x50 * 16);
    assert_int_equal(get_message(a, ROOT, REQUESTER, 0x20), SEL4_INVALID_CAPABILITY);
    assert_int_equal(get_message(a, range, 0x200, 0x20), SEL4_RANGE_ERROR);
    assert_int_equal(get_message(a, range, 0xff, 0x20), SEL4_RANGE_ERROR);
    assert_int_equal(get_message(a, range, REQUESTER, 0x30), SEL4_ILLEGAL_OPERATION); /* not this node's vector */
    assert_int_equal(get_message(ROOT, range, REQUESTER, 0x20), SEL4_DELETE_FIRST);
    assert_true(entry[0] == 0 && entry[1] == 0);

    assert_int_equal(get_message(a, 0, REQUESTER, 0x20), SEL4_NO_ERROR); /* seL4's form: the vector alone */
    assert_true(entry[0] == 0 && entry[1] == 0);
    assert_int_equal(CALL(a, ATOLL_IRQ_HANDLER_MESSAGE, CAPS(0)), SEL4_ILLEGAL_OPERATION);
    assert_int_equal(CALL(ROOT, SEL4_CNODE_DELETE, CAPS(0), a, 64), SEL4_NO_ERROR);

    seen_count = 0;
    assert_int_equal(get_message(a, range, REQUESTER, 0x20), SEL4_NO_ERROR);
    assert_true(entry[0] == (0x1000007ull << 32 | 0x50 << 16 | 1) && entry[1] == (1 << 18 | REQUESTER));
    assert_true(was_seen(4 | 1 << 4 | 0x250ull << 32, 0));
    assert_int_equal(CALL(a, ATOLL_IRQ_HANDLER_MESSAGE, CAPS(0)), SEL4_NO_ERROR);
    assert_true(result(0) == (0xfee00000 | 0x250 << 5 | 1 << 4) && result(1) == 0);
    assert_int_equal(get_message(b, range, REQUESTER, 0x20), SEL4_REVOKE_FIRST);
    assert_int_equal(vtd_message_address(0x8001), 0xfee00000 | 1 << 5 | 1 << 4 | 1 << 2); /* bit 15 of the index is bit 2 */
    seen_count = 0;
    assert_int_equal(CALL(ROOT, SEL4_CNODE_DELETE, CAPS(0), a, 64), SEL4_NO_ERROR);
    assert_true(entry[0] == 0 && entry[1] == 0 && was_seen(4 | 1 << 4 | 0x250ull << 32, 0));

    assert_int_equal(CALL(range, ATOLL_REQUESTERS_DIVIDE, CAPS(ROOT), child, 64, REQUESTER, REQUESTER), SEL4_NO_ERROR);
    assert_int_equal(get_message(a, child, REQUESTER, 0x20), SEL4_NO_ERROR);
    assert_int_equal(get_message(b, range, REQUESTER + 1, 0x21), SEL4_NO_ERROR);
    assert_int_equal(CALL(ROOT, SEL4_CNODE_REVOKE, CAPS(0), range, 64), SEL4_NO_ERROR);
    assert_true(entry[0] == 0 && entry[1] == 0);          /* went with the range */
    assert_true(entry[2] != 0);                           /* the other one was not in it */
    assert_int_equal(CALL(a, ATOLL_IRQ_HANDLER_MESSAGE, CAPS(0)), SEL4_ILLEGAL_OPERATION);
    assert_int_equal(get_message(child, range, REQUESTER, 0x20), SEL4_REVOKE_FIRST); /* its handler still has the vector */
    assert_int_equal(CALL(ROOT, SEL4_CNODE_DELETE, CAPS(0), a, 64), SEL4_NO_ERROR);
    assert_int_equal(CALL(ROOT, SEL4_CNODE_DELETE, CAPS(0), b, 64), SEL4_NO_ERROR);
    assert_true(entry[2] == 0);
}

static void amdvi_messages(void **state)
{
    (void)state;
    word_t a = new_slot(), b = new_slot();
    uint64_t *entry = (uint64_t *)(unit->tables + IOMMU_INTERRUPTS + NODE * 4096 + 0x50 * 16);
    unit->kind = IOMMU_KIND_AMDVI;
    ring_reset();
    uint64_t *device = device_entry(32);
    device[0] = 3, device[1] = 7, device[3] = 0;
    device[2] = 1 | 8 << 1 | 2ull << 60 | (BLOCK + IOMMU_INTERRUPTS); /* as boot leaves an IOAPIC's: node 0's page */
    assert_int_equal(get_message(a, range, REQUESTER, 0x20), SEL4_ILLEGAL_OPERATION);
    assert_true(device[2] == (1 | 8 << 1 | 2ull << 60 | (BLOCK + IOMMU_INTERRUPTS)) && entry[0] == 0 && entry[1] == 0);
    device[2] = 1;
    assert_int_equal(AMDVI_CONTROL_WIDE_ENTRIES, 1 << 17); /* 3.4.4, GAEn: without it, entries have 32 bits */
    assert_int_equal(get_message(a, range, REQUESTER, 0x20), SEL4_NO_ERROR);
    assert_int_equal(get_message(b, range, REQUESTER, 0x21), SEL4_NO_ERROR);
    assert_true(entry[0] == (7ull << 8 | 1) && entry[1] == (1ull << 56 | 0x50));
    assert_true(device[0] == 3 && device[1] == 7); /* the other half */
    /* IV, 2^8 entries, IntCtl 2 (remapped), this node's page, no pass bits */
    assert_true(device[2] == (1 | 8 << 1 | 2ull << 60 | (BLOCK + IOMMU_INTERRUPTS + NODE * 4096)) && device[3] == 0);
    assert_true(was_seen(2ull << 60 | REQUESTER, 0) && was_seen(5ull << 60 | REQUESTER, 0));
    assert_int_equal(CALL(a, ATOLL_IRQ_HANDLER_MESSAGE, CAPS(0)), SEL4_NO_ERROR);
    assert_true(result(0) == 0xfee00000 && result(1) == 0x50);
    assert_int_equal(CALL(ROOT, SEL4_CNODE_DELETE, CAPS(0), a, 64), SEL4_NO_ERROR);
    assert_true(entry[0] == 0 && entry[1] == 0 && device[2] != 1);
    seen_count = 0;
    assert_int_equal(CALL(ROOT, SEL4_CNODE_DELETE, CAPS(0), b, 64), SEL4_NO_ERROR);
    assert_true(device[2] == 1 && device[3] == 0); /* the last one: every interrupt is aborted */
    assert_true(was_seen(2ull << 60 | REQUESTER, 0));
    memset(device, 0, 32);
    unit->kind = IOMMU_KIND_VTD;
    ring_reset();
}

/* A range of which a function is bound, or may interrupt, does not move to another node. */
static void ranges_in_use(void **state)
{
    (void)state;
    word_t space = space_new(), handler = new_slot();
    cap_t cap = slot_at(range)->cap;
    assert_false(arch_cap_in_use(cap));
    assert_int_equal(bind(range, space, REQUESTER), SEL4_NO_ERROR);
    assert_true(arch_cap_in_use(cap) && arch_cap_in_use(cap_requesters(0, REQUESTER, REQUESTER)));
    assert_false(arch_cap_in_use(cap_requesters(0, 0x100, REQUESTER - 1)) || arch_cap_in_use(cap_requesters(0, REQUESTER + 1, 0x1ff)));
    assert_int_equal(CALL(range, ATOLL_REQUESTERS_UNBIND, CAPS(0), REQUESTER), SEL4_NO_ERROR);
    assert_false(arch_cap_in_use(cap));
    assert_int_equal(get_message(handler, range, REQUESTER, 0x20), SEL4_NO_ERROR);
    assert_true(arch_cap_in_use(cap));
    assert_false(arch_cap_in_use(cap_requesters(0, 0x100, REQUESTER - 1)));
    assert_int_equal(CALL(ROOT, SEL4_CNODE_DELETE, CAPS(0), handler, 64), SEL4_NO_ERROR);
    assert_false(arch_cap_in_use(cap));
}

/* The functions that a pool's I/O spaces have are blocked one by one, with a look for interrupts after each, before it goes. */
static void pool_goes(void **state)
{
    (void)state;
    cap_t pool = slot_at(SEL4_CAP_INIT_ASID_POOL)->cap;
    word_t a = space_new(), b = space_new();
    assert_int_equal(bind(range, a, REQUESTER), SEL4_NO_ERROR);
    assert_int_equal(bind(range, b, REQUESTER + 1), SEL4_NO_ERROR);
    kernel.work_units = 0;
    assert_false(arch_cap_wind_down(pool));
    assert_int_equal(kernel.work_units, WORK_UNITS_PER_CHECK);
    assert_true(arch_cap_in_use(cap_requesters(0, REQUESTER, REQUESTER)) != arch_cap_in_use(cap_requesters(0, REQUESTER + 1, REQUESTER + 1)));
    assert_false(arch_cap_wind_down(pool));
    assert_false(arch_cap_in_use(slot_at(range)->cap));
    assert_true(arch_cap_wind_down(pool));
    assert_int_equal(bind(range, a, REQUESTER), SEL4_NO_ERROR); /* the spaces themselves are as they were */
    assert_int_equal(CALL(range, ATOLL_REQUESTERS_UNBIND, CAPS(0), REQUESTER), SEL4_NO_ERROR);
}

/* What node 0 has put into this node's page: the oldest of the range first, and none of another's. */
static void faults(void **state)
{
    (void)state;
    struct iommu_fault_page *page = (struct iommu_fault_page *)(unit->tables + iommu_faults(NODES) + NODE * 4096);
    assert_int_equal(CALL(range, ATOLL_REQUESTERS_FAULT, CAPS(0)), SEL4_NO_ERROR);
    assert_true(result(0) == 0 && result(4) == 0 && result(5) == 0);
    page->records[7] = (struct iommu_record){0x2000, REQUESTER, 6 | 1 << 8, 9, 1};
    page->records[9] = (struct iommu_record){0x1000, REQUESTER + 1, 5, 8, 1};
    page->records[3] = (struct iommu_record){0x3000, 0x7ff, 5, 1, 1}; /* another range's */
    page->records[4] = (struct iommu_record){0x4000, REQUESTER, 5, 2, 0}; /* empty */
    page->lost = 3, page->overflows = 1;
    assert_int_equal(CALL(range, ATOLL_REQUESTERS_FAULT, CAPS(0)), SEL4_NO_ERROR);
    assert_true(result(0) == 1 && result(1) == REQUESTER + 1 && result(2) == 0x1000 && result(3) == 5 && result(4) == 3 && result(5) == 1);
    assert_int_equal(page->records[9].full, 0);
    assert_int_equal(CALL(range, ATOLL_REQUESTERS_FAULT, CAPS(0)), SEL4_NO_ERROR);
    assert_true(result(0) == 1 && result(1) == REQUESTER && result(2) == 0x2000 && result(3) == (6 | 1 << 8) && result(4) == 0);
    assert_int_equal(CALL(range, ATOLL_REQUESTERS_FAULT, CAPS(0)), SEL4_NO_ERROR);
    assert_true(result(0) == 0 && page->records[3].full == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vtd_words), cmocka_unit_test(amdvi_words), cmocka_unit_test(refusals),
        cmocka_unit_test(as_many_as_there_may_be),
        cmocka_unit_test(slow_rounds), cmocka_unit_test(interrupts), cmocka_unit_test(messages),
        cmocka_unit_test(amdvi_messages), cmocka_unit_test(ranges_in_use), cmocka_unit_test(pool_goes), cmocka_unit_test(faults),
    };
    return cmocka_run_group_tests(tests, boot, NULL);
}
