/* How much private memory a node needs: what boot puts there, what the kernel makes for init, and what init makes of the spec. */
#include "compile.h"
#include <atoll/resource_map.h>
#include <private.h>
#include <sel4/abi.h>
#include <spec_check.h>

#define PAGE 4096ull
#define MIB2 (1ull << 21)
#define GIB (1ull << 30)
#define STEP (1ull << (SEL4_INIT_CNODE_BITS + SEL4_SLOT_BITS)) /* PLAN_WINDOW_STEP: init's CNode ends where the window ends */
#define WINDOW_MAX (64 * STEP * 64)
/* boot/plan.c: resource map, stack, and page tables for a machine of 8 IOMMUs and a window of less than 1 GiB. */
#define BOOT_PAGES (RESOURCE_MAP_MAX_BYTES / PAGE + 2 + 14 + 1 + 4 * 8)
/* kernel/x86/boot_objects.c: boot information (14 pages for the names of a full resource map), the tables that map it and init, IPC
 * buffer, address space, ASID pool, thread. With room to spare, which also serves pieces that are cut otherwise than here. */
#define KERNEL_BYTES (STEP + 32 * PAGE)

static uint64_t pages(uint64_t bytes) { return (bytes + PAGE - 1) & ~(PAGE - 1); }

static uint64_t span(const struct component_image *i)
{
    const struct image_segment *last = &i->segments[i->count - 1];
    return pages(last->vaddr + last->memory_size - i->segments[0].vaddr);
}

/* The kernel cuts memory into naturally aligned powers of two. */
static void cut(struct private_memory *m, uint64_t start, uint64_t end)
{
    *m = (struct private_memory){0};
    while (start < end && m->count < PRIVATE_MAX) {
        uint64_t size = PAGE;
        while (!(start & size) && 2 * size <= end - start)
            size *= 2;
        m->pieces[m->count++].size = size;
        start += size;
    }
}

static bool make(struct private_memory *m, unsigned bits)
{
    int piece = private_choose(m, bits);
    if (piece >= 0)
        private_take(m, piece, bits);
    return piece >= 0;
}

/* What init makes, in its order (user/init/main.c). */
static bool fits(const struct spec_builder *s, size_t spec_bytes, struct private_memory *m)
{
    unsigned vault_bits = 0;
    bool good = make(m, SEL4_TABLE_BITS) && make(m, SEL4_TABLE_BITS);
    for (uint64_t at = 0; good && at < spec_bytes; at += MIB2)
        good = make(m, SEL4_TABLE_BITS);
    for (uint32_t i = 0; good && i < s->header.object_count; i++)
        if (s->objects[i].kind == SPEC_OBJECT_KERNEL || s->objects[i].kind == SPEC_OBJECT_UNTYPED)
            good = make(m, spec_object_bits(&s->objects[i]));
    while (1ull << vault_bits < 2ull + s->header.object_count + s->header.mapping_count)
        vault_bits++;
    return good && make(m, vault_bits + SEL4_SLOT_BITS);
}

struct node_memory compile_memory(const struct compile_input *in, const struct spec_builder *s, size_t spec_bytes)
{
    struct private_memory m;
    uint64_t init = span(&in->init), window = 0;

    do {
        window += STEP;
        if (window > WINDOW_MAX)
            return (struct node_memory){0};
        if (window > init + KERNEL_BYTES)
            cut(&m, init, window - KERNEL_BYTES);
    } while (window <= init + KERNEL_BYTES || !fits(s, spec_bytes, &m));
    return (struct node_memory){span(&in->kernel) + BOOT_PAGES * PAGE + window, window};
}
