#include <atoll/resource_map.h>
#include "edu.h"
#include "lib.h"
#include "root.h"

#define ECAM 0xb0000000ull     /* q35's */
#define EDU_ID 0x11e81234u
#define DMA_SOURCE 0x80
#define DMA_DESTINATION 0x88
#define DMA_COUNT 0x90
#define DMA_COMMAND 0x98       /* bit 0 run, bit 1 to RAM */
#define DEVICE_BUFFER 0x40000u

const struct sel4_bootinfo *info;
cptr_t next_slot, untyped, requesters;
uint64_t requester, tsc_hz;
unsigned tests, failures;

void must(error_t error, const char *what)
{
    if (error)
        panic("%s: %s", what, sel4_error_name(error));
}

void claim(int holds, const char *what)
{
    failures += !holds;
    log_line("%s %u - %s", holds ? "ok" : "not ok", ++tests, what);
}

/* ---- objects ---- */

cptr_t make(uint64_t type)
{
    must(untyped_retype(untyped, type, 0, ROOT, 0, 0, next_slot, 1), "retype");
    return next_slot++;
}

static void untyped_find(void)
{
    uint8_t bits = 0;
    for (uint64_t i = 0; i < info->untyped.end - info->untyped.start; i++)
        if (!info->untyped_list[i].is_device && info->untyped_list[i].size_bits > bits) {
            bits = info->untyped_list[i].size_bits;
            untyped = info->untyped.start + i;
        }
}

/* The frame at a physical address, cut out of device memory by halving; once for each piece of device memory. */
cptr_t device_frame(uint64_t paddr, uint64_t type, unsigned size_bits)
{
    for (uint64_t i = 0; i < info->untyped.end - info->untyped.start; i++) {
        const struct sel4_untyped_desc *d = &info->untyped_list[i];
        if (!d->is_device || paddr < d->paddr || paddr - d->paddr >= 1ull << d->size_bits)
            continue;
        cptr_t piece = info->untyped.start + i;
        uint64_t at = d->paddr;
        for (uint64_t bits = d->size_bits; bits-- > size_bits;) {
            must(untyped_retype(piece, SEL4_UNTYPED, bits, ROOT, 0, 0, next_slot, 2), "halve");
            int upper = paddr - at >= 1ull << bits;
            at += upper ? 1ull << bits : 0;
            piece = next_slot + (uint64_t)upper;
            next_slot += 2;
        }
        must(untyped_retype(piece, type, 0, ROOT, 0, 0, next_slot, 1), "frame");
        return next_slot++;
    }
    panic("no device memory at 0x%lx", paddr);
}

volatile void *map(cptr_t frame, uint64_t va, uint64_t attributes)
{
    must(page_map(frame, SEL4_CAP_INIT_VSPACE, va, SEL4_ALL_RIGHTS, attributes | ATOLL_X86_EXECUTE_NEVER), "map");
    return (volatile void *)va;
}

/* Entries of the name table, of one kind; NULL behind the last. */
static const struct atoll_named_slots *named(uint32_t kind, unsigned skip)
{
    const char *at = (const char *)info + PAGE, *end = at + info->extra_len;
    for (const struct sel4_bootinfo_chunk *c; at < end; at += c->len) {
        c = (const void *)at;
        const struct atoll_named_slots *n = (const void *)(c + 1);
        for (; c->id == ATOLL_BOOTINFO_NAMES && (const char *)n < at + c->len; n++)
            if (n->kind == kind && skip-- == 0)
                return n;
        if (c->id == ATOLL_BOOTINFO_PLATFORM)
            tsc_hz = ((const struct atoll_platform *)(c + 1))->tsc_hz;
    }
    return NULL;
}

cptr_t frame_only(uint64_t type)
{
    const struct atoll_named_slots *n;
    for (unsigned i = 0; (n = named(RESOURCE_MEMORY, i)); i++)
        for (uint64_t slot = n->first_slot; slot < n->first_slot + n->slot_count; slot++)
            if (!untyped_retype(slot, type, 0, ROOT, 0, 0, next_slot, 1))
                return next_slot++;
    panic("no frame-only memory is left");
}

/* ---- the device ---- */

volatile uint8_t *device;
volatile uint32_t *config;

uint64_t tsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static void device_find(void)
{
    volatile char *ecam = map(device_frame(ECAM, SEL4_X86_LARGE_PAGE, 21), CONFIG_VA, SEL4_X86_UNCACHEABLE);
    for (unsigned slot = 1; slot < 31; slot++) {
        config = (volatile uint32_t *)(ecam + slot * 8 * PAGE);
        if (config[0] != EDU_ID)
            continue;
        requester = slot << 3;
        claim(!(config[1] & 4), "boot left the device without bus mastering");
        config[1] = 6; /* memory, bus master */
        device = map(device_frame(config[4] & ~15u, SEL4_X86_4K_PAGE, 12), DEVICE_VA, SEL4_X86_UNCACHEABLE);
        return;
    }
    panic("no edu device");
}

static void write64(unsigned offset, uint64_t value)
{
    *(volatile uint64_t *)(device + offset) = value; /* at once: the device ignores a second half */
}

void edu_transfer(uint64_t address, uint64_t count, int to_ram)
{
    write64(DMA_SOURCE, to_ram ? DEVICE_BUFFER : address);
    write64(DMA_DESTINATION, to_ram ? address : DEVICE_BUFFER);
    write64(DMA_COUNT, count);
    write64(DMA_COMMAND, 1 | (to_ram ? DMA_TO_RAM : 0));
    uint64_t start = tsc();
    while (*(volatile uint32_t *)(device + DMA_COMMAND) & 1)
        if (tsc() - start > 5 * tsc_hz)
            panic("the device does not finish");
}

void edu_init(const struct sel4_bootinfo *bootinfo)
{
    info = bootinfo;
    next_slot = info->empty.start;
    untyped_find();
    const struct atoll_named_slots *range = named(RESOURCE_REQUESTERS, 0);
    if (!range)
        panic("no requester IDs: this machine has no usable IOMMU");
    requesters = range->first_slot;
    named(RESOURCE_NONE, 0); /* to the end: there is the clock's rate */
    must(page_table_map(make(SEL4_X86_PAGE_TABLE), SEL4_CAP_INIT_VSPACE, DEVICE_VA, 0), "page table");
    device_find();
}
