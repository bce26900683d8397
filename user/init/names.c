/* The kernel's chunks of boot information: what this node has, by name. */
#include "init.h"
#include <atoll/resource_map.h>

#define BOOTINFO_EXTRA 4096 /* chunks start this far behind the structure (sel4/bootinfo.h) */
#define RETYPE_LIMIT 256    /* objects that one Untyped_Retype makes */
#define MAX_OPENED 512

static const struct atoll_platform *the_platform;
static const struct atoll_named_slots *names;
static uint64_t name_count;

/* Resources whose memory was made into frames. */
static struct {
    const struct atoll_named_slots *resource;
    cptr_t first;
    uint32_t count;
} opened[MAX_OPENED];
static unsigned opened_count;

void names_init(const struct sel4_bootinfo *info)
{
    const uint8_t *at = (const uint8_t *)info + BOOTINFO_EXTRA, *end = at + info->extra_len;

    while ((size_t)(end - at) >= sizeof(struct sel4_bootinfo_chunk)) {
        struct sel4_bootinfo_chunk chunk;
        memcpy(&chunk, at, sizeof chunk);
        if (chunk.len < sizeof chunk || chunk.len > (size_t)(end - at))
            break;
        if (chunk.id == ATOLL_BOOTINFO_PLATFORM)
            the_platform = (const void *)(at + sizeof chunk);
        if (chunk.id == ATOLL_BOOTINFO_NAMES) {
            names = (const void *)(at + sizeof chunk);
            name_count = (chunk.len - sizeof chunk) / sizeof names[0];
        }
        at += chunk.len;
    }
    if (!the_platform || !names)
        init_stop("the boot information has no platform or no name table: this kernel is no Atoll");
}

const struct atoll_platform *platform(void) { return the_platform; }

const struct atoll_named_slots *named(const char *name)
{
    for (uint64_t i = 0; i < name_count; i++)
        if (names[i].slot_count && strcmp(names[i].name, name) == 0)
            return &names[i];
    return NULL;
}

/* The kernel splits memory into naturally aligned powers of two in ascending order; this is the one at pa. */
static unsigned piece_bits(uint64_t pa, uint64_t left)
{
    unsigned bits = SEL4_PAGE_BITS;

    while (bits < SEL4_MAX_UNTYPED_BITS && !(pa & (1ull << bits)) && (2ull << bits) <= left)
        bits++;
    return bits;
}

cptr_t named_frames(const struct atoll_named_slots *n, unsigned bits, uint32_t *count)
{
    for (unsigned i = 0; i < opened_count; i++)
        if (opened[i].resource == n) {
            *count = opened[i].count;
            return opened[i].first;
        }

    uint64_t unit = 1ull << SEL4_PAGE_BITS;
    uint64_t size = (n->size + unit - 1) & ~(unit - 1), pa = n->paddr;
    uint64_t type = bits == SEL4_LARGE_PAGE_BITS ? SEL4_X86_LARGE_PAGE : SEL4_X86_4K_PAGE;
    if (opened_count == MAX_OPENED || size >> bits > UINT32_MAX)
        init_stop("resource %s: too many or too large", n->name);
    *count = (uint32_t)(size >> bits);
    cptr_t first = slots_new(*count), to = first;
    for (uint32_t piece = 0; piece < n->slot_count && size; piece++) {
        unsigned p = piece_bits(pa, size);
        uint64_t frames = p < bits ? 0 : 1ull << (p - bits);
        while (frames) {
            uint64_t now = frames < RETYPE_LIMIT ? frames : RETYPE_LIMIT;
            check(untyped_retype(n->first_slot + piece, type, 0, SEL4_CAP_INIT_CNODE, 0, 0, to, now), "open resource", n->name);
            to += now;
            frames -= now;
        }
        pa += 1ull << p;
        size -= 1ull << p;
    }
    if (to != first + *count)
        init_stop("resource %s: its capabilities do not cover it", n->name);
    opened[opened_count].resource = n;
    opened[opened_count].first = first;
    opened[opened_count++].count = *count;
    return first;
}
