/* Two nodes planned and loaded on the host, where "physical" memory is a heap block: what a kernel would find,
 * and what its page tables reach. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <atoll/iommu.h>
#include <atoll/channel.h>
#include "load.h"
#include "print.h"
#include "tables.h"

#define MIB (1ull << 20)
#define MACHINE (64 * MIB)
#define TEXT_SIZE 0x3000
#define LOG_SIZE 0x11000

uint64_t boot_pml4[512];
void memory_zero(uint64_t paddr, uint64_t bytes);
void memory_zero(uint64_t paddr, uint64_t bytes)
{
    assert_int_equal(paddr % 16 | bytes % 4096, 0);
    memset((void *)paddr, 0, bytes);
}

static jmp_buf stopped;
void stop(const char *format, ...)
{
    (void)format;
    longjmp(stopped, 1);
}

static struct boot_input input;
static struct ranges own, kept;
static struct plan plan;
static struct acpi_madt madt;
static struct launch launch;
static uint32_t pins[] = {24}, apic_ids[] = {0, 5};
static union { struct system_header header; uint8_t bytes[sizeof(struct system_header) + 16 * sizeof(struct system_request)]; } s;
static uint8_t kernel_file[0x5000], init_file[0x1800], module_file[5000];
static struct elf_image kernel = {
    .entry = KERNEL_IMAGE_VA, .lowest = KERNEL_IMAGE_VA, .highest = KERNEL_IMAGE_VA + 0x8000, .count = 3,
    .segments = {{0, TEXT_SIZE, KERNEL_IMAGE_VA, TEXT_SIZE, ELF_READ | ELF_EXECUTE},
                 {0x3000, 0x800, KERNEL_IMAGE_VA + 0x3000, 0x800, ELF_READ},
                 {0x4000, 0x1000, KERNEL_IMAGE_VA + 0x4000, 0x3800, ELF_READ | ELF_WRITE}}};
static struct elf_image init = {.entry = 0x401000, .lowest = 0x400000, .highest = 0x402000, .count = 1,
                                .segments = {{0, 0x1800, 0x400010, 0x1900, ELF_READ | ELF_EXECUTE}}};

static void ask(uint32_t kind, uint32_t node, uint64_t size, uint64_t arg0, uint64_t arg1, const char *name)
{
    struct system_request *r = &((struct system_request *)(s.bytes + sizeof s.header))[s.header.request_count++];
    *r = (struct system_request){.kind = kind, .node = node, .size = size, .align = kind == RESOURCE_MEMORY ? 2 * MIB : 0, .arg0 = arg0, .arg1 = arg1};
    strcpy(r->name, name);
    s.header.bytes += sizeof *r;
}

static int load_two_nodes(void **state)
{
    (void)state;
    uint8_t *machine = aligned_alloc(2 * MIB, MACHINE);
    assert_non_null(machine);
    memset(machine, 0xa5, MACHINE); /* what a firmware leaves */
    memset(kernel_file, 0x11, sizeof kernel_file);
    memset(init_file, 0x22, sizeof init_file);
    memset(module_file, 0x33, sizeof module_file);
    ranges_add(&input.ram, (uint64_t)machine, (uint64_t)machine + MACHINE);
    input.module_count = 1;
    input.modules[0] = (struct module){"node.1.spec", (uint64_t)module_file, sizeof module_file};
    madt.ioapic_count = 1;
    madt.ioapics[0] = (struct acpi_ioapic){.paddr = 0xfec00000};

    s.header = (struct system_header){.magic = SYSTEM_MAGIC, .bytes = sizeof s.header, .node_count = 2};
    ask(RESOURCE_PRIVATE, 0, 8 * MIB, 0, 0, "private");
    ask(RESOURCE_PRIVATE, 1, 8 * MIB, 0, 0, "private");
    ask(RESOURCE_LOG_TAIL, 1, 0x1000, 0, 0, "log.tail"); /* before the log: the order in the request must not matter */
    ask(RESOURCE_LOG, 1, LOG_SIZE, 0, 0x50, "log");
    ask(RESOURCE_SHARED, 0, LOG_SIZE, 0, 0, "log");
    ask(RESOURCE_SHARED, 0, 0x1000, 1, 0, "log.tail");
    ask(RESOURCE_MEMORY, 1, 4 * MIB, 0, 0, "vm.ram");
    ask(RESOURCE_MODULE, 1, 0, 0, 0, "node.1.spec");
    ask(RESOURCE_IPI, 0, 0, 1, 0x50, "bell");
    ask(RESOURCE_CHANNEL, 1, CHANNEL_BYTES, 1, 0, "channel");
    ask(RESOURCE_CHANNEL, 0, CHANNEL_BYTES, 0, 0, "channel");
    ask(RESOURCE_MOVABLE, 0, 0, 10, 6, "memory passes");
    ask(RESOURCE_MOVABLE, 1, 0, 9, 8, "the bell passes");
    struct plan_input in = {.boot = &input, .own = &own, .kept = &kept, .system = (uint8_t *)&s, .system_size = s.header.bytes,
                            .kernel_size = kernel.highest - kernel.lowest, .init_size = init.highest - init.lowest,
                            .phys_limit = 1ull << 48, .core_count = 2, .ioapic_count = 1};
    if (!plan_make(&in, &plan))
        fail_msg("%s", plan.reason);
    launch = (struct launch){.input = &input, .plan = &plan, .kernel = &kernel, .init = &init, .kernel_file = kernel_file,
                             .init_file = init_file, .madt = &madt, .ioapic_pins = pins, .apic_ids = apic_ids,
                             .clock = {.tsc_hz = 1000, .apic_timer_hz = 100}, .rsdp = 0xf5000, .boot_tsc = 42,
                             .phys_limit = in.phys_limit};
    if (setjmp(stopped))
        return -1;
    load_shared(&launch);
    load_node(&launch, 0);
    load_node(&launch, 1);
    return 0;
}

/* Physical address and leaf entry of a virtual address; 0: not mapped. Flags of upper levels are ANDed in by the caller's checks. */
static uint64_t leaf(uint64_t pml4, uint64_t va, uint64_t *pa)
{
    uint64_t table = pml4;
    for (int level = 3; level >= 0; level--) {
        uint64_t entry = ((uint64_t *)table)[va >> (12 + 9 * level) & 511];
        if (!(entry & PAGE_PRESENT))
            return 0;
        assert_int_equal(entry & 4, 0); /* nothing for user level */
        uint64_t size = 4096ull << 9 * level;
        if (level == 0 || (level < 3 && (entry & PAGE_LARGE))) {
            *pa = (entry & 0x000ffffffffff000ull & ~(size - 1)) + (va & (size - 1));
            return entry;
        }
        table = entry & 0x000ffffffffff000ull;
    }
    return 0;
}

static void check_page(unsigned node, uint64_t va, uint64_t pa, uint64_t flags)
{
    uint64_t found = 0, entry = leaf(load_pml4(&plan.nodes[node]), va, &found);
    assert_true(entry != 0);
    assert_true(found == pa);
    assert_true((entry & (PAGE_WRITE | PAGE_NO_EXECUTE | PAGE_CACHE_DISABLE)) ==
                (flags & (PAGE_WRITE | PAGE_NO_EXECUTE | PAGE_CACHE_DISABLE)));
    assert_true((entry & PAGE_ACCESSED) && (!(entry & PAGE_WRITE) || (entry & PAGE_DIRTY)));
}

static void every_planned_page_is_mapped_as_planned(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 2; n++) {
        const struct plan_node *p = &plan.nodes[n];
        for (uint64_t at = 0; at < 0x8000; at += 0x1000)
            check_page(n, KERNEL_IMAGE_VA + at, p->image + at,
                       at < TEXT_SIZE ? PAGE_TEXT : at < 0x4000 ? PAGE_READ_ONLY : PAGE_READ_WRITE);
        for (uint64_t at = 0; at < RESOURCE_MAP_MAX_BYTES; at += 0x1000)
            check_page(n, KERNEL_MAP_VA + at, p->map + at, PAGE_READ_ONLY);
        for (uint64_t at = 0; at < p->window.end - p->window.start; at += 0x1000)
            check_page(n, KERNEL_WINDOW_VA + at, p->window.start + at, PAGE_READ_WRITE);
    }
    for (uint64_t at = 0; at < LOG_SIZE; at += 0x1000)
        check_page(1, KERNEL_LOG_VA + at, plan.memory[3].start + at, PAGE_READ_WRITE);
    check_page(1, KERNEL_LOG_VA + LOG_SIZE, plan.memory[2].start, PAGE_READ_ONLY);
    check_page(0, KERNEL_IOAPIC_VA, 0xfec00000, PAGE_UNCACHED);
    for (unsigned n = 0; n < 2; n++) { /* each end writes its own page */
        check_page(n, KERNEL_CHANNEL_VA, plan.memory[9].start, n ? PAGE_READ_WRITE : PAGE_READ_ONLY);
        check_page(n, KERNEL_CHANNEL_VA + 0x1000, plan.memory[9].start + 0x1000, n ? PAGE_READ_ONLY : PAGE_READ_WRITE);
    }
}

/* All leaves under a table, counted in bytes; each must lie in the node's private range outside its tables, or be its log or an
 * IOAPIC page. */
static uint64_t count_reach(unsigned node, uint64_t table, int level)
{
    const struct plan_node *p = &plan.nodes[node];
    uint64_t bytes = 0, size = 4096ull << 9 * level;
    for (unsigned i = 0; i < 512; i++) {
        uint64_t entry = ((uint64_t *)table)[i], pa = entry & 0x000ffffffffff000ull;
        if (!entry)
            continue;
        if (level > 0 && !(entry & PAGE_LARGE)) {
            assert_true(pa >= p->tables.start && pa < p->tables.end);
            bytes += count_reach(node, pa, level - 1);
            continue;
        }
        assert_true(!(entry & PAGE_WRITE) || (entry & PAGE_NO_EXECUTE));
        bool private = pa >= p->private.start && pa + size <= p->private.end;
        bool tables = pa < p->stack + PLAN_STACK_SIZE && pa + size > p->tables.start;
        bool log = node == 1 && ((pa >= plan.memory[3].start && pa + size <= plan.memory[3].end) || pa == plan.memory[2].start);
        bool ioapic = node == 0 && pa == 0xfec00000;
        bool channel = pa >= plan.memory[9].start && pa + size <= plan.memory[9].end;
        assert_true((private && !tables) || log || ioapic || channel);
        bytes += size;
    }
    return bytes;
}

static void nothing_else_is_mapped(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 2; n++) {
        const struct plan_node *p = &plan.nodes[n];
        uint64_t expected = 0x8000 + RESOURCE_MAP_MAX_BYTES + (p->window.end - p->window.start);
        expected += n == 0 ? 0x1000 : LOG_SIZE + 0x1000;
        expected += CHANNEL_BYTES;
        assert_int_equal(count_reach(n, load_pml4(p), 3), expected);
    }
}

static bool all(uint64_t start, uint64_t end, uint8_t value)
{
    for (uint64_t at = start; at < end; at++)
        if (*(uint8_t *)at != value)
            return false;
    return true;
}

static void contents(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 2; n++) {
        const struct plan_node *p = &plan.nodes[n];
        assert_true(all(p->image, p->image + 0x3800, 0x11) && all(p->image + 0x3800, p->image + 0x4000, 0));
        assert_true(all(p->image + 0x4000, p->image + 0x5000, 0x11) && all(p->image + 0x5000, p->image + 0x8000, 0));
        uint64_t w = p->window.start;
        assert_true(all(w, w + 16, 0) && all(w + 16, w + 0x1810, 0x22) && all(w + 0x1810, p->window.end, 0));
    }
    assert_true(all(plan.memory[6].start, plan.memory[6].end, 0));
    assert_true(all(plan.memory[3].start, plan.memory[3].end, 0) && all(plan.memory[2].start, plan.memory[2].end, 0));
    uint64_t m = plan.memory[7].start;
    assert_true(all(m, m + sizeof module_file, 0x33) && all(m + sizeof module_file, plan.memory[7].end, 0));
}

static const struct resource_entry *entry_of(const struct resource_map *map, uint32_t kind)
{
    for (unsigned i = 0; i < map->entry_count; i++)
        if (map->entries[i].kind == kind)
            return &map->entries[i];
    fail_msg("no entry of kind %u", kind);
    return NULL;
}

static void maps(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 2; n++) {
        const struct plan_node *p = &plan.nodes[n];
        const struct resource_map *map = (const struct resource_map *)p->map;
        assert_true(map->magic == RESOURCE_MAP_MAGIC && map->version == RESOURCE_MAP_VERSION && map->node == n);
        assert_true(map->node_count == 2 && map->apic_id == apic_ids[n] && map->entry_count == p->entry_count);
        assert_int_equal(map->bytes, sizeof *map + map->entry_count * sizeof map->entries[0]);
        assert_true(map->window_paddr == p->window.start && map->image_paddr == p->image && map->image_size == 0x8000);
        assert_true(map->pml4_window_entry == ((uint64_t *)load_pml4(p))[256] && map->pml4_window_entry);
        assert_true(map->pml4_image_entry == ((uint64_t *)load_pml4(p))[511] && map->pml4_image_entry);
        assert_true(map->tsc_hz == 1000 && map->apic_timer_hz == 100 && map->boot_tsc == 42 && map->rsdp_paddr == 0xf5000);
        assert_int_equal(map->entries[0].kind, RESOURCE_ROOT_IMAGE);
        assert_true(map->entries[0].paddr == p->window.start && map->entries[0].size == 0x2000);
        assert_true(map->entries[0].arg0 == 0x400000 && map->entries[0].arg1 == 0x401000);
        assert_int_equal(map->entries[1].kind, RESOURCE_PRIVATE);
        assert_true(map->entries[1].paddr == p->window.start + 0x2000 &&
                    map->entries[1].paddr + map->entries[1].size == p->window.end);
    }
    const struct resource_map *first = (const struct resource_map *)plan.nodes[0].map;
    const struct resource_map *second = (const struct resource_map *)plan.nodes[1].map;
    assert_int_equal(entry_of(first, RESOURCE_IPI)->arg0, 5);      /* node 1's core */
    assert_int_equal(entry_of(second, RESOURCE_LOG)->arg0, 0);
    assert_int_equal(entry_of(second, RESOURCE_MODULE)->size, sizeof module_file);
    assert_int_equal(entry_of(first, RESOURCE_IOAPIC)->arg1, 24);
    assert_string_equal(entry_of(second, RESOURCE_MEMORY)->name, "vm.ram");
    for (unsigned n = 0; n < 2; n++) {
        const struct resource_map *map = n ? second : first;
        const struct resource_entry *e = entry_of(map, RESOURCE_CHANNEL);
        assert_true(e->paddr == plan.memory[9].start && e->size == CHANNEL_BYTES && e->arg0 == n);
        assert_true(all(e->paddr, e->paddr + e->size, 0));
        e = entry_of(map, RESOURCE_MOVABLE);
        assert_true(e->flags == RESOURCE_MEMORY && e->paddr == plan.memory[6].start && e->size == 4 * MIB && e->arg0 == 1);
        assert_string_equal(e->name, "vm.ram");
        e++;
        assert_true(e->kind == RESOURCE_MOVABLE && e->flags == RESOURCE_IPI && e->arg1 == (0x50ull << 32 | 5) && e->arg0 == 1);
        assert_string_equal(e->name, "bell");
    }
}

static void writable_code_and_double_mapping_stop(void **state)
{
    static uint64_t pages[4][512] __attribute__((aligned(4096)));
    struct table_stock stock = {(uint64_t)pages[1], (uint64_t)pages[4]};
    volatile unsigned stops = 0;
    (void)state;
    if (setjmp(stopped))
        stops++;
    switch (stops) {
    case 0: table_map(&stock, (uint64_t)pages[0], 0, 0x1000, 0x1000, PAGE_PRESENT | PAGE_WRITE); break;
    case 1:
        table_map(&stock, (uint64_t)pages[0], 0, 0x1000, 0x1000, PAGE_READ_ONLY);
        table_map(&stock, (uint64_t)pages[0], 0, 0x2000, 0x1000, PAGE_READ_ONLY);
        break;
    case 2: table_map(&stock, (uint64_t)pages[0], 1ull << 40, 0x1000, 0x1000, PAGE_READ_ONLY); break; /* no tables left */
    }
    assert_int_equal(stops, 3);
}

/* No two nodes share a domain number, none is 0, all fit; bit 8 is left out on AMD-Vi (QEMU's model refuses it). */
static void domains(void **state)
{
    (void)state;
    for (unsigned kind = IOMMU_KIND_VTD; kind <= IOMMU_KIND_AMDVI; kind++)
        for (unsigned nodes = 1; nodes <= IOMMU_MAX_NODES; nodes *= 4) {
            static uint8_t taken[1 << 16];
            memset(taken, 0, sizeof taken);
            for (unsigned node = 0; node < nodes; node++) {
                uint64_t first, count;
                iommu_node_domains(kind, 16, nodes, node, &first, &count);
                assert_true(first > 0 && count > 0 && count <= IOMMU_MAX_DOMAINS && first + count <= 1 << 16);
                for (uint64_t d = first; d < first + count; d++) {
                    assert_false(taken[d]);
                    assert_false(kind == IOMMU_KIND_AMDVI && (d & 0x100));
                    taken[d] = 1;
                }
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_planned_page_is_mapped_as_planned),
        cmocka_unit_test(nothing_else_is_mapped),
        cmocka_unit_test(contents),
        cmocka_unit_test(maps), cmocka_unit_test(domains),
        cmocka_unit_test(writable_code_and_double_mapping_stop),
    };
    return cmocka_run_group_tests(tests, load_two_nodes, NULL);
}
