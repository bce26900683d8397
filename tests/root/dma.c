/* A root task that owns a device which does what it is told by DMA (QEMU's `edu`, docs/specs/edu.rst) and turns it against the machine:
 * what the device may reach is what its I/O space maps, nothing else, at no time. Prints "ok"/"not ok" lines, then a summary. */
#include <atoll/resource_map.h>
#include "lib.h"
#include "root.h"
#include "sel4.h"

#define ROOT SEL4_CAP_INIT_CNODE
#define DEPTH 64
#define PAGE 4096ull
#define ECAM 0xb0000000ull     /* q35's */
#define EDU_ID 0x11e81234u
#define CONFIG_VA 0x10000000ull
#define DEVICE_VA 0x10200000ull /* its registers: first page */
#define BUFFER_VA 0x10400000ull /* a page of our own */
#define LARGE_VA 0x10600000ull
#define IO_ADDRESS 0x40000000ull
#define PATTERN 0x5a

/* edu's registers */
#define DMA_SOURCE 0x80
#define DMA_DESTINATION 0x88
#define DMA_COUNT 0x90
#define DMA_COMMAND 0x98       /* bit 0 run, bit 1 to RAM */
#define DMA_TO_RAM 2u
#define DEVICE_BUFFER 0x40000u

const char component_name[] = "dma";

static const struct sel4_bootinfo *info;
static cptr_t next_slot, untyped, requesters;
static uint64_t requester, tsc_hz;
static unsigned tests, failures;
static int records_faults;

static void must(error_t error, const char *what)
{
    if (error)
        panic("%s: %s", what, sel4_error_name(error));
}

static void claim(int holds, const char *what)
{
    failures += !holds;
    log_line("%s %u - %s", holds ? "ok" : "not ok", ++tests, what);
}

/* ---- objects ---- */

static cptr_t make(uint64_t type)
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
static cptr_t device_frame(uint64_t paddr, uint64_t type, unsigned size_bits)
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

static volatile void *map(cptr_t frame, uint64_t va, uint64_t attributes)
{
    must(page_map(frame, SEL4_CAP_INIT_VSPACE, va, SEL4_ALL_RIGHTS, attributes | ATOLL_X86_EXECUTE_NEVER), "map");
    return (volatile void *)va;
}

static cptr_t requesters_find(void)
{
    const char *at = (const char *)info + PAGE, *end = at + info->extra_len;
    while (at < end) {
        const struct sel4_bootinfo_chunk *c = (const void *)at;
        const struct atoll_named_slots *n = (const void *)(c + 1);
        for (; c->id == ATOLL_BOOTINFO_NAMES && (const char *)n < at + c->len; n++)
            if (n->kind == RESOURCE_REQUESTERS)
                return n->first_slot;
        if (c->id == ATOLL_BOOTINFO_PLATFORM)
            tsc_hz = ((const struct atoll_platform *)(c + 1))->tsc_hz;
        at += c->len;
    }
    return 0;
}

/* ---- the device ---- */

static volatile uint8_t *device;

static uint64_t tsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static void device_find(void)
{
    const volatile char *ecam = map(device_frame(ECAM, SEL4_X86_LARGE_PAGE, 21), CONFIG_VA, SEL4_X86_UNCACHEABLE);
    for (unsigned slot = 1; slot < 31; slot++) {
        volatile uint32_t *config = (volatile uint32_t *)(ecam + slot * 8 * PAGE);
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
    *(volatile uint32_t *)(device + offset) = (uint32_t)value;
    *(volatile uint32_t *)(device + offset + 4) = (uint32_t)(value >> 32);
}

/* One transfer of `count` bytes between the device's buffer and `address`; over when the device says so. */
static void transfer(uint64_t address, uint64_t count, int to_ram)
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

/* ---- what the device did ---- */

static volatile uint8_t *buffer;

static void fill(uint8_t with)
{
    for (unsigned i = 0; i < PAGE; i++)
        buffer[i] = with;
}

static int intact(uint8_t with)
{
    for (unsigned i = 0; i < PAGE; i++)
        if (buffer[i] != with)
            return 0;
    return 1;
}

static void faults_drop(void)
{
    struct requesters_fault fault;
    do
        must(requesters_take_fault(requesters, &fault), "take a fault");
    while (fault.there);
}

/* The unit recorded who tried to reach what (AMD-Vi under QEMU records nothing: CAVEATS). */
static void fault_claim(uint64_t address, const char *what)
{
    struct requesters_fault fault;
    must(requesters_take_fault(requesters, &fault), "take a fault");
    if (fault.there || records_faults)
        claim(fault.there && fault.requester == requester && (fault.address & ~(PAGE - 1)) == (address & ~(PAGE - 1)), what);
    faults_drop();
}

static void blocked(uint64_t address, const char *what)
{
    fill(PATTERN);
    transfer(address, 256, 1);
    claim(intact(PATTERN), what);
    fault_claim(address, "the fault names the requester and the address");
}

/* What was in RAM at `from` comes back to RAM at `to`. */
static void passes(uint64_t io_base, const char *what)
{
    fill(PATTERN);
    for (unsigned i = 0; i < 256; i++)
        buffer[i] = (uint8_t)i;
    transfer(io_base, 256, 0);
    transfer(io_base + 2048, 256, 1);
    int good = 1;
    for (unsigned i = 0; i < 256; i++)
        good &= buffer[2048 + i] == (uint8_t)i;
    claim(good, what);
}

/* ---- the tests ---- */

static cptr_t space_make(uint64_t address)
{
    cptr_t space = make(ATOLL_IO_SPACE);
    must(asid_pool_assign(SEL4_CAP_INIT_ASID_POOL, space), "assign an ASID");
    must(io_table_map(make(ATOLL_IO_PDPT), space, address), "I/O PDPT");
    must(io_table_map(make(ATOLL_IO_PD), space, address), "I/O PD");
    return space;
}

void root_main(const struct sel4_bootinfo *bootinfo)
{
    info = bootinfo;
    next_slot = info->empty.start;
    untyped_find();
    requesters = requesters_find();
    if (!requesters)
        panic("no requester IDs: this machine has no usable IOMMU");
    must(page_table_map(make(SEL4_X86_PAGE_TABLE), SEL4_CAP_INIT_VSPACE, DEVICE_VA, 0), "page table");
    must(page_table_map(make(SEL4_X86_PAGE_TABLE), SEL4_CAP_INIT_VSPACE, BUFFER_VA, 0), "page table");
    cptr_t frame = make(SEL4_X86_4K_PAGE), copy = next_slot++;
    uint64_t paddr;
    buffer = map(frame, BUFFER_VA, 0);
    must(page_get_address(frame, &paddr), "address");
    device_find();

    faults_drop();
    fill(PATTERN);
    transfer(paddr, 256, 1);
    struct requesters_fault fault;
    must(requesters_take_fault(requesters, &fault), "take a fault");
    records_faults = (int)fault.there;
    log_line("the unit %s faults: requester 0x%lx, address 0x%lx, reason 0x%lx", records_faults ? "records" : "does not record",
             fault.requester, fault.address, fault.reason);
    claim(intact(PATTERN), "a device that nobody bound reaches no memory");
    if (records_faults)
        claim(fault.requester == requester && (fault.address & ~(PAGE - 1)) == paddr, "the first fault names requester and address");
    faults_drop();

    cptr_t space = space_make(IO_ADDRESS);
    must(io_table_map(make(ATOLL_IO_PT), space, IO_ADDRESS), "I/O PT");
    claim(requesters_bind(requesters, space, 0x10000) == SEL4_RANGE_ERROR, "no binding outside the range");
    must(requesters_bind(requesters, space, requester), "bind");
    claim(requesters_bind(requesters, space, requester) == SEL4_DELETE_FIRST, "no second binding");
    blocked(paddr, "bound to an empty space, it reaches no memory");
    blocked(IO_ADDRESS, "nor through an address that is not mapped");

    must(cnode_copy(ROOT, copy, DEPTH, ROOT, frame, DEPTH, SEL4_ALL_RIGHTS), "copy the frame");
    must(io_page_map(copy, space, IO_ADDRESS, SEL4_ALL_RIGHTS), "I/O page");
    passes(IO_ADDRESS, "a mapped page is read and written");
    blocked(paddr, "and is reached by its device address only");
    blocked(IO_ADDRESS + PAGE, "not the page behind it");

    must(page_unmap(copy), "unmap");
    blocked(IO_ADDRESS, "an unmapped page is out of reach when the call returns");
    must(io_page_map(copy, space, IO_ADDRESS, SEL4_RIGHT_READ), "I/O page, read only");
    blocked(IO_ADDRESS, "a read-only page is not written");
    must(page_unmap(copy), "unmap");
    must(io_page_map(copy, space, IO_ADDRESS, SEL4_ALL_RIGHTS), "I/O page");
    passes(IO_ADDRESS, "mapped again, it is reached again");
    must(requesters_unbind(requesters, requester), "unbind");
    blocked(IO_ADDRESS, "a device that was unbound is out of reach when the call returns");
    must(requesters_bind(requesters, space, requester), "bind");
    passes(IO_ADDRESS, "bound again");
    must(cnode_delete(ROOT, copy, DEPTH), "delete the frame's capability");
    blocked(IO_ADDRESS, "deleting the frame's capability unmaps it");

    cptr_t large = make(SEL4_X86_LARGE_PAGE), large_copy = next_slot++;
    must(cnode_copy(ROOT, large_copy, DEPTH, ROOT, large, DEPTH, SEL4_ALL_RIGHTS), "copy the frame");
    must(io_page_map(large_copy, space, IO_ADDRESS + 0x200000, SEL4_ALL_RIGHTS), "a 2 MiB leaf");
    buffer = map(large, LARGE_VA, 0);
    passes(IO_ADDRESS + 0x200000, "a 2 MiB leaf is read and written");
    must(page_unmap(large_copy), "unmap");
    blocked(IO_ADDRESS + 0x200000, "and is gone when it is unmapped");
    must(io_page_map(large_copy, space, IO_ADDRESS + 0x200000, SEL4_ALL_RIGHTS), "a 2 MiB leaf");

    cptr_t child = next_slot++, other = next_slot++;
    claim(cnode_copy(ROOT, other, DEPTH, ROOT, requesters, DEPTH, SEL4_ALL_RIGHTS) != SEL4_NO_ERROR, "a range is not copied");
    must(requesters_unbind(requesters, requester), "unbind");
    must(requesters_divide(requesters, ROOT, child, DEPTH, requester, requester), "divide");
    claim(requesters_divide(requesters, ROOT, other, DEPTH, requester - 8, requester) == SEL4_REVOKE_FIRST, "nothing is given twice");
    claim(requesters_bind(child, space, requester + 1) == SEL4_RANGE_ERROR, "the smaller range reaches less");
    must(requesters_bind(child, space, requester), "bind by the smaller range");
    passes(IO_ADDRESS + 0x200000, "bound by the smaller range");
    must(cnode_revoke(ROOT, requesters, DEPTH), "revoke");
    blocked(IO_ADDRESS + 0x200000, "revoking the range blocks what was bound by it");
    must(requesters_bind(requesters, space, requester), "bind");
    passes(IO_ADDRESS + 0x200000, "bound by the larger range");
    must(cnode_delete(ROOT, space, DEPTH), "delete the space");
    blocked(IO_ADDRESS + 0x200000, "deleting the space blocks its devices");

    log_line("done: %u claims, %u failed", tests, failures);
    for (;;)
        sel4_yield();
}
