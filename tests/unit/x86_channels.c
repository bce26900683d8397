/* Node channels from the resource map on: what is refused there, which capabilities init gets, and the two kinds of things that the
 * machine side knows: requester IDs and IPIs. One kernel has both ends; the mailbox is memory of this program. */
#include <stdlib.h>
#include <string.h>
#include <atoll/channel.h>
#include "kernel/x86/channels.h"
#include "kernel/x86/iospace.h"
#include "kernel/x86/resources.h"
#include "x86_host.h"

#define MAILBOX 0xa0000000ull
#define REQUESTERS_VALUE (0x1ffull << 16 | 0x100)
#define IPI_VALUE (0x50ull << 32 | 3)

static struct resource_entry *add(struct resource_map *m, uint32_t kind, const char *name, uint64_t arg0, uint64_t arg1)
{
    struct resource_entry *e = &m->entries[m->entry_count++];
    *e = (struct resource_entry){.kind = kind, .arg0 = arg0, .arg1 = arg1};
    strcpy(e->name, name);
    m->bytes = (uint32_t)(sizeof(*m) + m->entry_count * sizeof(*e));
    return e;
}

/* host_map() with two channel ends, and things to be moved; row i of them is spoilt by the test. */
enum { OUT, IN, RAM, FOREIGN, BELL, DEVICES, ROWS };
static struct resource_map *channel_map(struct resource_entry *rows[ROWS])
{
    struct resource_map *m = host_map();
    struct resource_entry *e = add(m, RESOURCE_IOMMU, "iommu.0", IOMMU_KIND_VTD, 0);
    e->paddr = 0xfed90000, e->size = 4096;
    e = add(m, RESOURCE_IOMMU_TABLES, "iommu.0.tables", 1, 10);
    e->paddr = 0xb0000000, e->size = iommu_block_size(1);
    add(m, RESOURCE_REQUESTERS, "devices", 0, REQUESTERS_VALUE);
    for (unsigned i = 0; i < 2; i++) {
        rows[i] = add(m, RESOURCE_CHANNEL, i ? "in" : "out", !i, 0);
        rows[i]->paddr = MAILBOX + i * CHANNEL_BYTES, rows[i]->size = CHANNEL_BYTES;
    }
    rows[RAM] = add(m, RESOURCE_MOVABLE, "ram", 3, 0);
    rows[RAM]->flags = RESOURCE_MEMORY, rows[RAM]->paddr = GUEST_PADDR, rows[RAM]->size = 4ull << 20;
    rows[FOREIGN] = add(m, RESOURCE_MOVABLE, "foreign", 2, 0);
    rows[FOREIGN]->flags = RESOURCE_MEMORY, rows[FOREIGN]->paddr = 5ull << 30, rows[FOREIGN]->size = 2ull << 30;
    rows[BELL] = add(m, RESOURCE_MOVABLE, "bell", 3, IPI_VALUE);
    rows[BELL]->flags = RESOURCE_IPI;
    rows[DEVICES] = add(m, RESOURCE_MOVABLE, "devices", 3, REQUESTERS_VALUE);
    rows[DEVICES]->flags = RESOURCE_REQUESTERS;
    return m;
}

static const char *check(struct resource_map *m)
{
    int entry;
    return resource_map_check(m, &entry);
}

static void refuses_each_contradiction(void **state)
{
    (void)state;
    static const struct { unsigned row; size_t offset; uint64_t value; const char *says; } rows[] = {
#define FIELD(row, field, value, says) {row, offsetof(struct resource_entry, field), value, says}
        FIELD(OUT, size, 4096, "not two pages"),
        FIELD(OUT, arg0, 2, "neither direction"),
        FIELD(OUT, paddr, GUEST_PADDR, "memory that another entry has, too"),
        FIELD(OUT, paddr, WINDOW_PADDR, "frame-only memory inside the private memory"),
        FIELD(IN, paddr, MAILBOX + 4096, "memory that another entry has, too"),
        FIELD(RAM, paddr, WINDOW_PADDR, "inside the private memory"),
        FIELD(RAM, paddr, GUEST_PADDR + 4096, "not a multiple of 2 MiB"),
        FIELD(RAM, size, 2ull << 20, "part of another entry's"),
        FIELD(RAM, size, 6ull << 20, "part of another entry's"),
        FIELD(RAM, arg0, 0, "a channel that is not there"),
        FIELD(RAM, arg0, 4, "a channel that is not there"),
        FIELD(FOREIGN, size, ~0ull << 21, "beyond the physical limit"),
        FIELD(FOREIGN, paddr, GUEST_PADDR, "part of another entry's"),
        FIELD(FOREIGN, paddr, MAILBOX, "part of another entry's"),
        FIELD(FOREIGN, paddr, SHARED_PADDR & ~0x1fffffull, "part of another entry's"),
        FIELD(FOREIGN, paddr, 0xfe000000, "part of another entry's"), /* the IOAPIC */
        FIELD(BELL, arg1, 3, "impossible IPI target"),
        FIELD(BELL, arg1, 0x100ull << 32, "impossible IPI target"),
        FIELD(DEVICES, arg1, 0x100ull << 16 | 0x1ff, "impossible range"),
        FIELD(DEVICES, arg1, 0x180ull << 16 | 0x100, "part of another entry's"),
        FIELD(DEVICES, arg1, 1ull << 32 | REQUESTERS_VALUE, "an IOMMU that is not there"),
    };
    struct resource_entry *row[ROWS];
    struct resource_map *m = channel_map(row);
    assert_null(check(m));
    free(m);
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        m = channel_map(row);
        memcpy((char *)row[rows[i].row] + rows[i].offset, &rows[i].value, 8);
        const char *why = check(m);
        if (!why || !strstr(why, rows[i].says))
            fail_msg("row %u: %s", i, why ? why : "was not refused");
        free(m);
    }
    m = channel_map(row);
    row[RAM]->flags = RESOURCE_SHARED;
    assert_string_equal(check(m), "a thing to be moved that cannot be");
    memcpy(row[RAM], row[BELL], sizeof *row[RAM]);
    assert_string_equal(check(m), "a thing to be moved that is part of another entry's"); /* twice the same */
    free(m);
    m = channel_map(row);
    for (unsigned i = 0; i < CHANNEL_MAX; i++) {
        struct resource_entry *e = add(m, RESOURCE_CHANNEL, "", 1, 0);
        e->paddr = MAILBOX + (i + 2) * CHANNEL_BYTES, e->size = CHANNEL_BYTES;
        e->name[0] = (char)('A' + i), e->name[1] = '\0';
    }
    assert_string_equal(check(m), "more channels than a node can have");
    free(m);
}

/* ---- a kernel with such a map ---- */

static word_t out, in;
static char *unit_memory;
static struct resource_map *booted;

static int boot(void **state)
{
    (void)state;
    struct resource_entry *row[ROWS];
    struct resource_map *m = booted = channel_map(row);
    host_boot();
    unit_memory = calloc(1, KERNEL_IOMMU_STRIDE);
    assert_true(iommu_add(m, (unsigned)(row[OUT] - m->entries) - 3, unit_memory));
    word_t bytes = channels_bytes(m);
    /* 4 MiB at 2 GiB: a word; 2 GiB at 5 GiB: 16; one for each of the others */
    assert_int_equal(bytes, 2 * sizeof(struct channel) + 4 * sizeof(struct movable) + 8 * (1 + 16 + 1 + 1));
    channels_init(m, aligned_alloc(4096, 2 * CHANNEL_BYTES), calloc(1, bytes));
    memset((void *)kernel.channels[0].sent, 0, 2 * CHANNEL_BYTES);
    assert_true(kernel.channels[0].sends && !kernel.channels[1].sends);
    assert_true((char *)kernel.channels[1].sent == (char *)kernel.channels[0].sent + CHANNEL_BYTES);
    kernel.channels[1].sent = kernel.channels[0].sent; /* our own peer */
    kernel.channels[1].taken = kernel.channels[0].taken;
    out = new_slot(), in = new_slot();
    slot_insert_original(cap_channel(0), slot_at(out));
    slot_insert_original(cap_channel(1), slot_at(in));
    return 0;
}

static word_t send(word_t slot) { return CALL(out, ATOLL_CHANNEL_SEND, CAPS(slot)); }
static word_t receive(word_t slot) { return CALL(in, ATOLL_CHANNEL_RECEIVE, CAPS(SEL4_CAP_INIT_CNODE), slot, 64); }

static void what_is_here(void **state)
{
    (void)state;
    assert_ptr_equal(kernel.channels[1].name, booted->entries[booted->entry_count - 5].name);
    const struct movable *m = kernel.movables;
    assert_int_equal(kernel.movable_count, 4);
    assert_true(m[0].kind == CHANNEL_MEMORY && m[0].here[0] == 3 && m[0].channels == 3);
    assert_true(m[1].kind == CHANNEL_MEMORY && m[1].channels == 2);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(m[1].here[i], 0);
    assert_true(m[2].kind == CHANNEL_IPI && m[2].value == IPI_VALUE && m[2].here[0] == 1);
    assert_true(m[3].kind == CHANNEL_REQUESTERS && m[3].value == REQUESTERS_VALUE && m[3].here[0] == 1);
}

static void an_ipi(void **state)
{
    (void)state;
    word_t bell = named("bell")->first_slot, to = new_slot();
    assert_int_equal(send(bell), SEL4_NO_ERROR);
    assert_true(slot_is_empty(slot_at(bell)));
    assert_int_equal(receive(to), SEL4_NO_ERROR);
    assert_true(result(0) == CHANNEL_IPI && result(1) == IPI_VALUE);
    machine.icr = 0;
    CALL(to, ATOLL_IPI_SIGNAL, CAPS(0));
    assert_int_equal(machine.icr, 3ull << 32 | 0x50);
    /* it is the only one: a record that says it comes again is a lie */
    kernel.channels[0].sent->records[1] = (struct channel_record){2, CHANNEL_IPI, IPI_VALUE, 0};
    assert_int_equal(receive(new_slot()), SEL4_INVALID_CAPABILITY);
    kernel.channels[0].sent->records[1].sequence = 0;
}

static void requester_ids(void **state)
{
    (void)state;
    word_t range = new_slot(), part = new_slot(), to = new_slot();
    slot_insert_original(cap_requesters(0, 0x100, 0x1ff), slot_at(range));
    assert_int_equal(CALL(range, ATOLL_REQUESTERS_DIVIDE, CAPS(SEL4_CAP_INIT_CNODE), part, 64, 0x100, 0x107), SEL4_NO_ERROR);
    assert_int_equal(send(range), SEL4_REVOKE_FIRST);
    assert_int_equal(send(part), SEL4_INVALID_CAPABILITY); /* the whole range moves, as boot stated it */
    assert_int_equal(CALL(SEL4_CAP_INIT_CNODE, SEL4_CNODE_DELETE, CAPS(0), part, 64), SEL4_NO_ERROR);
    /* with a function bound it would be refused: x86_iommu has a unit for that */
    assert_int_equal(send(range), SEL4_NO_ERROR);
    assert_int_equal(receive(to), SEL4_NO_ERROR);
    assert_true(result(0) == CHANNEL_REQUESTERS && result(1) == REQUESTERS_VALUE);
    assert_true(slot_at(to)->cap.w0 == cap_requesters(0, 0x100, 0x1ff).w0 && slot_at(to)->cap.w1 == cap_requesters(0, 0x100, 0x1ff).w1);
}

static void memory(void **state)
{
    (void)state;
    word_t ram = named("ram")->first_slot, to = new_slot(), frame = 0;
    frame = retype_from(ram, SEL4_X86_4K_PAGE, 0);
    assert_int_equal(send(ram), SEL4_REVOKE_FIRST);
    assert_int_equal(CALL(SEL4_CAP_INIT_CNODE, SEL4_CNODE_DELETE, CAPS(0), frame, 64), SEL4_NO_ERROR);
    assert_int_equal(send(ram), SEL4_NO_ERROR);
    assert_int_equal(kernel.movables[0].here[0], 0);
    assert_int_equal(receive(to), SEL4_NO_ERROR);
    assert_true(result(0) == CHANNEL_MEMORY && result(1) == GUEST_PADDR && result(2) == 22);
    assert_int_equal(kernel.movables[0].here[0], 3);
    assert_int_not_equal(retype_from(to, SEL4_X86_LARGE_PAGE, 0), 0);
}

int main(void)
{
    const struct CMUnitTest checks[] = {cmocka_unit_test(refuses_each_contradiction)};
    const struct CMUnitTest moves[] = {cmocka_unit_test(what_is_here), cmocka_unit_test(an_ipi), cmocka_unit_test(requester_ids),
                                       cmocka_unit_test(memory)};
    return cmocka_run_group_tests_name("map", checks, NULL, NULL) + cmocka_run_group_tests_name("moves", moves, boot, NULL);
}
