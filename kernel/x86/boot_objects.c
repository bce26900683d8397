/* Init: its CNode, address space, thread, and the boot information (manual, "System bootstrapping"; slots as in seL4). */
#include "boot_objects.h"
#include <atoll/channel.h>
#include <sel4/bootinfo.h>
#include "../core.h"
#include "../state.h"
#include "faults.h"
#include "channels.h"
#include "paging.h"
#include "resources.h"

#define PAGE BIT(SEL4_PAGE_BITS)
#define INIT_ASID 1
#define INIT_BUDGET_US 5000 /* round robin, as seL4's CONFIG_BOOT_THREAD_TIME_SLICE */

static paddr_t free_start, free_end; /* private memory not used yet; objects are taken from its end */
static struct slot *cnode;
static word_t next_slot = SEL4_CAP_FIRST_FREE;
static struct root init_root;
static struct tcb *init;

struct tcb *init_thread(void) { return init; }

/* ---- memory and slots ---- */

static void memory_init(const struct resource_map *m)
{
    for (unsigned i = 0; i < m->entry_count; i++) {
        const struct resource_entry *e = &m->entries[i];
        if (e->kind == RESOURCE_PRIVATE && e->size > free_end - free_start) {
            free_start = e->paddr;
            free_end = e->paddr + e->size;
        }
    }
}

static word_t take(word_t bytes, unsigned align_bits)
{
    if (free_end - free_start < bytes + BIT(align_bits))
        panic("not enough private memory for init's objects: give the node more");
    free_end = ALIGN_DOWN(free_end - bytes, align_bits);
    return free_end - kernel.window_paddr;
}

static word_t take_page(void) { return take(PAGE, SEL4_PAGE_BITS); }

static void put(word_t slot, cap_t cap) { slot_insert_original(cap, &cnode[slot]); }

static word_t put_next(cap_t cap)
{
    if (next_slot == BIT(SEL4_INIT_CNODE_BITS))
        panic("more capabilities than init's CNode has slots");
    put(next_slot, cap);
    return next_slot++;
}

/* ---- the address space ---- */

static const struct {
    enum cap_tag tag;
    enum level level;
} paging_levels[] = {{CAP_PDPT, LEVEL_PDPT}, {CAP_PD, LEVEL_PD}, {CAP_PT, LEVEL_PT}};

/* Every table that [va, end) needs: all PDPTs, then all PDs, then all PTs. */
static void map_tables(word_t va, word_t end)
{
    for (unsigned i = 0; i < ARRAY_SIZE(paging_levels); i++) {
        enum level parent = paging_levels[i].level + 1;
        for (word_t at = ALIGN_DOWN(va, level_bits(parent)); at < end; at += BIT(level_bits(parent))) {
            word_t table = take_page();
            *table_walk(init_root.offset, at, parent).entry =
                (table + kernel.window_paddr) | PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED;
            put_next(table_set_mapping(cap_table(paging_levels[i].tag, table), true, INIT_ASID, at));
        }
    }
}

static cap_t map_page(word_t va, word_t offset)
{
    paddr_t pa = offset + kernel.window_paddr;
    *table_walk(init_root.offset, va, LEVEL_PT).entry = pa | leaf_attributes(LEVEL_PT, FRAME_READ_WRITE, 0);
    return frame_set_mapping(cap_frame(pa, FRAME_4K, FRAME_READ_WRITE, false), FRAME_IN_PML4, INIT_ASID, va);
}

static struct sel4_slot_region map_pages(word_t va, word_t offset, word_t bytes)
{
    struct sel4_slot_region region = {next_slot, next_slot};
    for (word_t i = 0; i < bytes; i += PAGE)
        put_next(map_page(va + i, offset + i));
    region.end = next_slot;
    return region;
}

/* ---- boot information ---- */

struct chunks {
    char *at, *end;
};

static void *chunk(struct chunks *c, word_t id, word_t payload)
{
    struct sel4_bootinfo_chunk *header = (void *)c->at;
    *header = (struct sel4_bootinfo_chunk){id, sizeof(*header) + payload};
    c->at += header->len;
    return header + 1;
}

static word_t name_count(const struct resource_map *m)
{
    word_t n = 0;
    for (unsigned i = 0; i < m->entry_count; i++)
        n += resource_has_capability(m->entries[i].kind);
    return n;
}

static word_t chunks_size(const struct resource_map *m)
{
    return 3 * sizeof(struct sel4_bootinfo_chunk) + sizeof(uint32_t) + sizeof(struct atoll_platform) +
           name_count(m) * sizeof(struct atoll_named_slots);
}

/* An untyped capability per naturally aligned piece; the list in the boot information has room for the first 230, the name table
 * tells all. */
static void put_untyped(struct sel4_bootinfo *bi, paddr_t start, paddr_t end, bool frames_only, unsigned most)
{
    while (start < end) {
        unsigned bits = resource_piece_bits(start, end, most);
        word_t slot = put_next(cap_untyped(start, bits, frames_only, 0));
        word_t i = slot - bi->untyped.start;
        if (i < SEL4_BOOTINFO_MAX_UNTYPEDS) {
            bi->untyped_list[i] = (struct sel4_untyped_desc){start, (uint8_t)bits, frames_only, {0}};
            bi->untyped.end = slot + 1;
        }
        start += BIT(bits);
    }
}

static void put_untypeds_of(const struct resource_map *m, bool private, struct sel4_bootinfo *bi,
                            struct atoll_named_slots *names)
{
    for (unsigned i = 0; i < m->entry_count; i++) {
        const struct resource_entry *e = &m->entries[i];
        if (resource_is_untyped(e->kind) && (e->kind == RESOURCE_PRIVATE) == private) {
            paddr_t start = e->paddr, end = start + resource_memory_bytes(e);
            if (free_start == start) /* the entry that init's objects came from */
                end = ALIGN_DOWN(free_end, SEL4_PAGE_BITS);
            names->first_slot = next_slot;
            put_untyped(bi, start, end, !private, channels_move(m, e) ? CHANNEL_MAX_BITS : SEL4_MAX_UNTYPED_BITS);
            names->slot_count = (uint32_t)(next_slot - names->first_slot);
        }
        if (resource_has_capability(e->kind))
            names++;
    }
}

static void put_small(const struct resource_map *m, struct atoll_named_slots *names)
{
    word_t channels = 0;
    for (unsigned i = 0; i < m->entry_count; i++) {
        const struct resource_entry *e = &m->entries[i];
        if (!resource_has_capability(e->kind))
            continue;
        *names = (struct atoll_named_slots){.kind = e->kind, .paddr = e->paddr, .size = e->size};
        for (unsigned c = 0; c < ATOLL_NAME_MAX; c++)
            names->name[c] = e->name[c];
        if (e->kind == RESOURCE_IPI) {
            names->first_slot = put_next(cap_ipi(e->arg0, e->arg1));
            names->slot_count = 1;
        }
        if (e->kind == RESOURCE_CHANNEL) {
            names->first_slot = put_next(cap_channel(channels++));
            names->slot_count = 1;
        }
        if (e->kind == RESOURCE_REQUESTERS) {
            names->first_slot = put_next(cap_requesters(e->arg0, e->arg1 & 0xffff, e->arg1 >> 16));
            faults_own(e->arg0, e->arg1 & 0xffff, e->arg1 >> 16);
            names->slot_count = 1;
        }
        names++;
    }
}

static struct atoll_named_slots *write_chunks(const struct resource_map *m, ticks_t kernel_start, char *at)
{
    struct chunks c = {at, NULL};
    struct atoll_platform *platform = chunk(&c, ATOLL_BOOTINFO_PLATFORM, sizeof(*platform));
    *platform = (struct atoll_platform){.tsc_hz = m->tsc_hz, .apic_timer_hz = m->apic_timer_hz, .boot_tsc = m->boot_tsc, .wall_clock = m->wall_clock,
                                        .kernel_tsc = kernel_start, .node = m->node, .apic_id = m->apic_id};
    struct atoll_named_slots *names = chunk(&c, ATOLL_BOOTINFO_NAMES, name_count(m) * sizeof(*names));
    uint32_t *mhz = chunk(&c, SEL4_BOOTINFO_TSC_FREQ, sizeof(*mhz)); /* last: its length is no multiple of 8 */
    *mhz = (uint32_t)(m->tsc_hz / 1000000);
    return names;
}

/* ---- the thread ---- */

static void make_thread(word_t cnode_offset, word_t buffer_va, word_t buffer, word_t bootinfo_va, word_t entry)
{
    word_t tcb = take(BIT(SEL4_TCB_BITS), SEL4_TCB_BITS);
    word_t sc = take(BIT(SEL4_MIN_SCHED_CONTEXT_BITS), SEL4_MIN_SCHED_CONTEXT_BITS);
    init = object_at(tcb);
    arch_tcb_init(init);
    init->context.rip = entry;
    init->context.rdi = bootinfo_va;
    init->priority = init->mcp = SEL4_NUM_PRIORITIES - 1;
    init->all_link.next = kernel.all_threads;
    if (kernel.all_threads)
        kernel.all_threads->all_link.prev = init;
    kernel.all_threads = init;
    put(SEL4_CAP_INIT_TCB, cap_tcb(tcb));
    put(SEL4_CAP_INIT_SC, cap_sc(sc, SEL4_MIN_SCHED_CONTEXT_BITS));

    slot_insert(cap_cnode(cnode_offset, SEL4_INIT_CNODE_BITS, 64 - SEL4_INIT_CNODE_BITS, 0), &cnode[SEL4_CAP_INIT_CNODE],
                &init->cspace);
    cspace_changed(init);
    slot_insert(cnode[SEL4_CAP_INIT_VSPACE].cap, &cnode[SEL4_CAP_INIT_VSPACE], &init->vspace);
    slot_insert(frame_set_mapping(cnode[SEL4_CAP_INIT_IPC_BUFFER].cap, FRAME_UNMAPPED, 0, 0), &cnode[SEL4_CAP_INIT_IPC_BUFFER],
                &init->ipc_buffer);
    init->ipc_buffer_vaddr = buffer_va;
    init->ipc_buffer_words = object_at(buffer);

    struct sched_context *context = object_at(sc);
    sched_context_configure(context, INIT_BUDGET_US * kernel.ticks_per_us, 0, sched_context_max_refills(SEL4_MIN_SCHED_CONTEXT_BITS),
                            0, false);
    context->tcb = init;
    init->sc = context;
}

static const struct resource_entry *root_image(const struct resource_map *m)
{
    unsigned i = 0;
    while (m->entries[i].kind != RESOURCE_ROOT_IMAGE) /* there is one: the map was checked */
        i++;
    return &m->entries[i];
}

void init_create(const struct resource_map *m, ticks_t kernel_start)
{
    memory_init(m);
    word_t cnode_offset = take(BIT(SEL4_INIT_CNODE_BITS + SEL4_SLOT_BITS), SEL4_INIT_CNODE_BITS + SEL4_SLOT_BITS);
    cnode = object_at(cnode_offset);

    word_t channels = ALIGN_UP(channels_bytes(m), SEL4_PAGE_BITS);
    if (channels)
        channels_init(m, (char *)KERNEL_CHANNEL_VA, object_at(take(channels, SEL4_PAGE_BITS)));

    word_t pool = take_page();
    init_root = (struct root){ROOT_PML4, take_page(), INIT_ASID};
    vspace_root_init(object_at(init_root.offset));
    kernel.asid_pools[0] = object_at(pool);
    kernel.asid_pools[0]->roots[INIT_ASID] = init_root.offset | ROOT_PML4;

    put(SEL4_CAP_INIT_CNODE, cap_cnode(cnode_offset, SEL4_INIT_CNODE_BITS, 64 - SEL4_INIT_CNODE_BITS, 0));
    put(SEL4_CAP_INIT_VSPACE, table_set_mapping(cap_table(CAP_PML4, init_root.offset), true, INIT_ASID, 0));
    put(SEL4_CAP_IRQ_CONTROL, cap_make(CAP_IRQ_CONTROL, 0, 0));
    put(SEL4_CAP_ASID_CONTROL, cap_make(CAP_ASID_CONTROL, 0, 0));
    put(SEL4_CAP_INIT_ASID_POOL, table_set_mapping(cap_table(CAP_ASID_POOL, pool), true, 0, 0));
    put(SEL4_CAP_IOPORT_CONTROL, cap_make(CAP_IO_PORT_CONTROL, 0, 0));
    put(SEL4_CAP_DOMAIN, cap_make(CAP_DOMAIN, 0, 0));
    word_t sched_control = put_next(cap_make(CAP_SCHED_CONTROL, 0, 0));

    /* Behind the image: IPC buffer, boot information, its extra pages. */
    const struct resource_entry *image = root_image(m);
    word_t extra_bytes = ALIGN_UP(chunks_size(m), SEL4_PAGE_BITS);
    word_t buffer_va = image->arg0 + image->size, bootinfo_va = buffer_va + PAGE;
    word_t buffer = take_page(), bootinfo = take(PAGE + extra_bytes, SEL4_PAGE_BITS);
    struct sel4_bootinfo *bi = object_at(bootinfo);
    bi->user_image_paging.start = next_slot;
    map_tables(image->arg0, bootinfo_va + PAGE + extra_bytes);
    bi->user_image_paging.end = next_slot;
    put(SEL4_CAP_INIT_IPC_BUFFER, map_page(buffer_va, buffer));
    put(SEL4_CAP_BOOTINFO_FRAME, map_page(bootinfo_va, bootinfo));
    bi->extra_bi_pages = map_pages(bootinfo_va + PAGE, bootinfo + PAGE, extra_bytes);

    struct atoll_named_slots *names = write_chunks(m, kernel_start, (char *)bi + PAGE);
    put_small(m, names);
    bi->user_image_frames = map_pages(image->arg0, image->paddr - kernel.window_paddr, image->size);
    make_thread(cnode_offset, buffer_va, buffer, bootinfo_va, image->arg1);

    /* Untyped last, private memory first: nothing is taken from it any more. */
    bi->untyped = (struct sel4_slot_region){next_slot, next_slot};
    put_untypeds_of(m, true, bi, names);
    put_untypeds_of(m, false, bi, names);

    bi->extra_len = chunks_size(m);
    bi->node_id = 0;
    bi->num_nodes = 1; /* as this kernel sees it: one core */
    bi->num_iopt_levels = ~0ull;
    bi->ipc_buffer = buffer_va;
    bi->empty = (struct sel4_slot_region){next_slot, BIT(SEL4_INIT_CNODE_BITS)};
    bi->init_cnode_bits = SEL4_INIT_CNODE_BITS;
    bi->schedcontrol = (struct sel4_slot_region){sched_control, sched_control + 1};
}
