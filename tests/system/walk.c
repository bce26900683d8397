/* Walk the kernels' own page tables in the RAM of a running server, and show that no kernel reaches another node or a guest.
 *
 * usage: walk SYSTEM-LOG RAM-FILE
 *
 * Boot's lines in the log say where each kernel's top table is; everything else is read from memory: the resource maps that the
 * kernels hold are found through their own tables at KERNEL_MAP_VA. Prints one TAP line per claim; status 1 when one fails. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <atoll/resource_map.h>

#define MAX_NODES 256
#define MAX_REGIONS 8192
#define PAGE 4096ull

/* Page-table entries (AMD APM volume 2, section 5.3). */
#define ENTRY_PRESENT 1ull
#define ENTRY_WRITABLE 2ull
#define ENTRY_USER 4ull
#define ENTRY_LARGE 0x80ull
#define ENTRY_NO_EXECUTE (1ull << 63)
#define ENTRY_ADDRESS 0x000ffffffffff000ull

/* q35 of QEMU: RAM up to 2816 MiB lies below 4 GiB in one piece; of more, 2 GiB lie below and the rest begins at 4 GiB. */
#define Q35_ALL_LOW 0xb0000000ull
#define Q35_LOW 0x80000000ull
#define FOUR_GIB 0x100000000ull

struct region {
    unsigned node, kind;
    uint64_t start, end;
    bool writable;
    char name[RESOURCE_NAME_MAX];
};

struct node {
    uint64_t pml4;
    const struct resource_map *map;
    uint64_t pages, bytes_private;
    unsigned wrong; /* leaves or tables that break a rule */
};

static const uint8_t *ram;
static uint64_t ram_size;
static struct node nodes[MAX_NODES];
static unsigned node_count, failed, tests;
static struct region regions[MAX_REGIONS];
static unsigned region_count;

__attribute__((format(printf, 2, 3))) static void claim(bool holds, const char *format, ...)
{
    va_list list;
    printf("%s %u - ", holds ? "ok" : "not ok", ++tests);
    va_start(list, format);
    vprintf(format, list);
    va_end(list);
    printf("\n");
    failed += !holds;
}

/* `size` bytes of RAM at a physical address, or NULL. */
static const void *ram_at(uint64_t physical, uint64_t size)
{
    uint64_t offset = physical;
    if (ram_size > Q35_ALL_LOW && physical >= Q35_LOW) {
        if (physical < FOUR_GIB)
            return NULL;
        offset = physical - FOUR_GIB + Q35_LOW;
    }
    return offset <= ram_size && size <= ram_size - offset ? ram + offset : NULL;
}

static uint64_t entry_at(uint64_t table, unsigned index)
{
    const uint64_t *t = ram_at(table, PAGE);
    return t ? ((const volatile uint64_t *)t)[index] : 0;
}

static bool translate(uint64_t pml4, uint64_t va, uint64_t *physical)
{
    uint64_t table = pml4;
    for (unsigned shift = 39;; shift -= 9) {
        uint64_t e = entry_at(table, va >> shift & 511), offset = va & ((1ull << shift) - 1);
        if (!(e & ENTRY_PRESENT))
            return false;
        if (shift == 12 || (shift < 39 && e & ENTRY_LARGE)) {
            *physical = (e & ENTRY_ADDRESS & ~((1ull << shift) - 1)) + offset;
            return true;
        }
        table = e & ENTRY_ADDRESS;
    }
}

static bool inside(uint64_t start, uint64_t end, uint64_t from, uint64_t size)
{
    return start >= from && end <= from + size;
}

static void wrong(unsigned n, const char *what, uint64_t va, uint64_t physical)
{
    if (nodes[n].wrong++ < 10)
        printf("# node %u: %s: virtual 0x%llx, physical 0x%llx\n", n, what, (unsigned long long)va, (unsigned long long)physical);
}

static void leaf(unsigned n, uint64_t va, uint64_t start, uint64_t size, bool writable, bool executable, bool user)
{
    const struct resource_map *m = nodes[n].map;
    uint64_t end = start + size;
    nodes[n].pages += size / PAGE;
    if (writable && executable)
        wrong(n, "writable and executable", va, start);
    if (user)
        wrong(n, "a user page in the kernel's tables", va, start);
    if (inside(start, end, m->private_paddr, m->private_size)) {
        nodes[n].bytes_private += size;
        if (writable && inside(start, end, m->private_paddr, m->window_paddr - m->private_paddr) &&
            !inside(start, end, m->image_paddr, m->image_size))
            wrong(n, "a writable mapping of the kernel's own tables or map", va, start);
        return;
    }
    for (unsigned i = 0; i < region_count; i++) {
        const struct region *r = &regions[i];
        bool kind = r->kind == RESOURCE_LOG || r->kind == RESOURCE_LOG_TAIL || r->kind == RESOURCE_IOAPIC ||
                    r->kind == RESOURCE_IOMMU || r->kind == RESOURCE_IOMMU_TABLES;
        if (r->node == n && kind && inside(start, end, r->start, r->end - r->start)) {
            if (writable && r->kind == RESOURCE_LOG_TAIL)
                wrong(n, "a writable mapping of the log's consumer page", va, start);
            return;
        }
    }
    wrong(n, "outside the node's private memory, its log, its IOAPICs and IOMMUs", va, start);
}

static void walk(unsigned n, uint64_t table, uint64_t va, unsigned shift, bool writable, bool executable, bool user)
{
    const struct resource_map *m = nodes[n].map;
    if (!inside(table, table + PAGE, m->private_paddr, m->private_size) || !ram_at(table, PAGE)) {
        wrong(n, "a page table outside the node's private memory", va, table);
        return;
    }
    if (inside(table, table + PAGE, m->window_paddr, m->window_size))
        wrong(n, "a page table inside the window, which the kernel may write", va, table);
    for (unsigned i = 0; i < 512; i++) {
        uint64_t e = entry_at(table, i), here = va + ((uint64_t)i << shift);
        if (!(e & ENTRY_PRESENT))
            continue;
        if (shift == 39 && i >= 256)
            here |= 0xffff000000000000ull;
        bool w = writable && e & ENTRY_WRITABLE, x = executable && !(e & ENTRY_NO_EXECUTE), u = user && e & ENTRY_USER;
        if (shift == 12 || (shift < 39 && e & ENTRY_LARGE))
            leaf(n, here, e & ENTRY_ADDRESS & ~((1ull << shift) - 1), 1ull << shift, w, x, u);
        else
            walk(n, e & ENTRY_ADDRESS, here, shift - 9, w, x, u);
    }
}

static void region_add(unsigned n, unsigned kind, uint64_t start, uint64_t size, bool writable, const char *name)
{
    if (region_count == MAX_REGIONS) {
        fprintf(stderr, "walk: more than %d regions\n", MAX_REGIONS);
        exit(2);
    }
    struct region *r = &regions[region_count++];
    *r = (struct region){n, kind, start, start + size, writable, ""};
    snprintf(r->name, sizeof r->name, "%s", name);
}

/* Find and check node n's map through its own tables. */
static bool map_find(unsigned n)
{
    uint64_t at;
    if (!translate(nodes[n].pml4, KERNEL_MAP_VA, &at))
        return false;
    const struct resource_map *m = ram_at(at, RESOURCE_MAP_MAX_BYTES);
    if (!m || m->magic != RESOURCE_MAP_MAGIC || m->node != n || m->kernel_pml4_paddr != nodes[n].pml4 ||
        m->entry_count > RESOURCE_MAP_MAX_ENTRIES)
        return false;
    nodes[n].map = m;
    region_add(n, RESOURCE_NONE, m->private_paddr, m->private_size, true, "private");
    for (unsigned i = 0; i < m->entry_count; i++) {
        const struct resource_entry *e = &m->entries[i];
        if (e->kind == RESOURCE_MODULE)
            region_add(n, e->kind, e->paddr, (e->size + PAGE - 1) & ~(PAGE - 1), false, e->name);
        else if (e->kind == RESOURCE_IOAPIC)
            region_add(n, e->kind, e->paddr, PAGE, true, e->name);
        else if (e->kind == RESOURCE_MEMORY || e->kind == RESOURCE_SHARED || e->kind == RESOURCE_LOG || e->kind == RESOURCE_LOG_TAIL ||
                 e->kind == RESOURCE_DEVICE || e->kind == RESOURCE_IOMMU || e->kind == RESOURCE_IOMMU_TABLES)
            region_add(n, e->kind, e->paddr, e->size, e->arg0 || e->kind != RESOURCE_SHARED, e->name);
    }
    return true;
}

/* Two regions may meet only as one named, shared range. Prints and counts the others. */
static unsigned overlaps(void)
{
    unsigned bad = 0;
    for (unsigned i = 0; i < region_count; i++)
        for (unsigned j = i + 1; j < region_count; j++) {
            const struct region *a = &regions[i], *b = &regions[j];
            if (a->start >= b->end || b->start >= a->end)
                continue;
            bool queue = a->kind >= RESOURCE_SHARED && a->kind <= RESOURCE_LOG_TAIL && b->kind >= RESOURCE_SHARED &&
                         b->kind <= RESOURCE_LOG_TAIL;
            bool unit = a->kind == b->kind && (a->kind == RESOURCE_IOMMU || a->kind == RESOURCE_IOMMU_TABLES);
            if ((queue || unit) && a->start == b->start && a->end == b->end && strcmp(a->name, b->name) == 0)
                continue;
            bad++;
            printf("# node %u %s [0x%llx-0x%llx) meets node %u %s [0x%llx-0x%llx)\n", a->node, a->name, (unsigned long long)a->start,
                   (unsigned long long)a->end, b->node, b->name, (unsigned long long)b->start, (unsigned long long)b->end);
        }
    return bad;
}

static void log_read(const char *path)
{
    char line[1024];
    FILE *f = fopen(path, "r");
    if (!f) {
        perror(path);
        exit(2);
    }
    while (fgets(line, sizeof line, f)) {
        const char *node = strstr(line, "boot: node "), *pml4 = strstr(line, "kernel pml4 0x");
        if (!node || !pml4)
            continue;
        unsigned n = (unsigned)strtoul(node + strlen("boot: node "), NULL, 10);
        if (n != node_count || n == MAX_NODES) {
            fprintf(stderr, "walk: node %u comes after %u nodes in %s\n", n, node_count, path);
            exit(2);
        }
        nodes[node_count++].pml4 = strtoull(pml4 + strlen("kernel pml4 "), NULL, 16);
    }
    fclose(f);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: walk SYSTEM-LOG RAM-FILE\n");
        return 2;
    }
    log_read(argv[1]);
    int file = open(argv[2], O_RDONLY);
    struct stat s;
    if (file < 0 || fstat(file, &s) != 0) {
        perror(argv[2]);
        return 2;
    }
    ram_size = (uint64_t)s.st_size;
    void *mapped = mmap(NULL, ram_size, PROT_READ, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED) {
        perror(argv[2]);
        return 2;
    }
    ram = mapped;

    claim(node_count >= 2, "boot named the tables of %u kernels", node_count);
    for (unsigned n = 0; n < node_count; n++)
        claim(map_find(n), "node %u: the kernel's resource map is found through its own tables", n);
    if (failed)
        return 1;
    unsigned guests = 0;
    for (unsigned i = 0; i < region_count; i++)
        guests += regions[i].kind == RESOURCE_MEMORY;
    claim(guests > 0, "%u ranges of guest memory in the maps", guests);
    claim(overlaps() == 0, "%u ranges in %u maps are pairwise disjoint, but for the named queues", region_count, node_count);
    for (unsigned n = 0; n < node_count; n++) {
        walk(n, nodes[n].pml4, 0, 39, true, true, true);
        claim(!nodes[n].wrong, "node %u: %llu pages are mapped: private memory, own log, IOAPICs and IOMMUs only, never writable and executable", n,
              (unsigned long long)nodes[n].pages);
        claim(nodes[n].bytes_private >= nodes[n].map->window_size, "node %u: the whole window is among them", n);
    }
    return failed != 0;
}
