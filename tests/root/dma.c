/* A root task that turns a device against the machine (edu.h): what the device may reach is what its I/O space maps, nothing else, at no
 * time. Prints "ok"/"not ok" lines, then a summary. */
#include <atoll/iommu.h>
#include "edu.h"
#include "lib.h"
#include "root.h"

#define BUFFER_VA 0x10400000ull /* a page of our own */
#define LARGE_VA 0x10600000ull
#define OWN_VA 0x10401000ull
#define TABLES 0x400000ull     /* boot says so in its log: tests/system/iommu-cases.sh compares */
#define IO_ADDRESS 0x40000000ull
#define PATTERN 0x5a

const char component_name[] = "dma";

static int records_faults;
static cptr_t faults; /* a notification with a badge, signalled when there are records */

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
    edu_transfer(address, 256, 1);
    claim(intact(PATTERN), what);
    fault_claim(address, "the fault names the requester and the address");
}

/* Memory of every kind that is nobody's to write for a device. All of it is there, so that a hole in the protection would show. */
static void attack_all(uint64_t own_frame)
{
    const struct { uint64_t address; const char *what; } targets[] = {
        {own_frame & ~0x1fffffull, "the node's private memory: its kernel's objects"},
        {TABLES, "the IOMMU's own tables: the device table"},
        {TABLES + IOMMU_QUEUE, "the IOMMU's own tables: the commands"},
        {TABLES + IOMMU_INTERRUPTS, "the IOMMU's own tables: the interrupts"},
        {0x1000, "the first pages"},
        {0x100000, "what boot was"},
        {0xb0000000, "configuration space"},
        {0xfec00000, "an IOAPIC"},
        {0xfed90000, "the IOMMU's registers, or what is there"},
        {0x4000000000, "beyond RAM"},
        {0x7fffffff000, "beyond the processor's physical addresses"},
    };
    for (unsigned i = 0; i < sizeof targets / sizeof targets[0]; i++)
        blocked(targets[i].address, targets[i].what);
}

/* Nobody takes the records of a function that faults without end: few wait, the others are counted, and all goes on. */
static void storm(uint64_t address)
{
    struct requesters_fault fault;
    unsigned waiting = 0;
    uint64_t lost = 0, signals = 0;
    for (unsigned i = 0; i < 20; i++) {
        edu_transfer(address, 16, 1);
        signals += sel4_poll(faults) != 0;
    }
    for (int more = 1; more; waiting += (unsigned)more) {
        must(requesters_take_fault(requesters, &fault), "take a fault");
        lost += fault.lost;
        more = (int)fault.there;
    }
    log_line("20 faults in a row: %u records, %lu lost, %lu signals", waiting, lost, signals);
    if (records_faults)
        claim(waiting == 4 && lost == 16 && signals > 0 && signals <= 20, "of a storm of faults four records are kept, the others are counted");
}

/* What was in RAM at `from` comes back to RAM at `to`. */
static void passes(uint64_t io_base, const char *what)
{
    fill(PATTERN);
    for (unsigned i = 0; i < 256; i++)
        buffer[i] = (uint8_t)i;
    edu_transfer(io_base, 256, 0);
    edu_transfer(io_base + 2048, 256, 1);
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
    edu_init(bootinfo);
    must(page_table_map(make(SEL4_X86_PAGE_TABLE), SEL4_CAP_INIT_VSPACE, BUFFER_VA, 0), "page table");
    cptr_t frame = frame_only(SEL4_X86_4K_PAGE), copy = next_slot++, own = make(SEL4_X86_4K_PAGE);
    uint64_t paddr;
    buffer = map(frame, BUFFER_VA, 0);
    must(page_get_address(frame, &paddr), "address");

    cptr_t plain = make(SEL4_NOTIFICATION), handler = next_slot++;
    faults = next_slot++;
    must(cnode_mint(ROOT, faults, DEPTH, ROOT, plain, DEPTH, SEL4_ALL_RIGHTS, 1), "a badge");
    must(irq_control_get(SEL4_CAP_IRQ_CONTROL, FAULT_USER_VECTOR, ROOT, handler, DEPTH), "the faults' interrupt");
    must(irq_handler_set_notification(handler, faults), "set the notification");

    faults_drop();
    fill(PATTERN);
    edu_transfer(paddr, 256, 1);
    uint64_t start = tsc(), signalled = 0;
    while (!signalled && tsc() - start < tsc_hz / 4)
        signalled = sel4_poll(faults);
    struct requesters_fault fault;
    must(requesters_take_fault(requesters, &fault), "take a fault");
    records_faults = (int)fault.there;
    log_line("the unit %s faults: requester 0x%lx, address 0x%lx, reason 0x%lx", records_faults ? "records" : "does not record",
             fault.requester, fault.address, fault.reason);
    claim(intact(PATTERN), "a device that nobody bound reaches no memory");
    claim(!records_faults || signalled, "the fault is signalled");
    if (records_faults)
        claim((fault.reason & 0x300) == 0x100, "it was a write");
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
    claim(io_page_map(own, space, IO_ADDRESS, SEL4_ALL_RIGHTS) == SEL4_INVALID_CAPABILITY, "private memory is mapped for no device");
    must(io_page_map(copy, space, IO_ADDRESS, SEL4_ALL_RIGHTS), "I/O page");
    passes(IO_ADDRESS, "a mapped page is read and written");
    blocked(paddr, "and is reached by its device address only");
    blocked(IO_ADDRESS + PAGE, "not the page behind it");

    uint64_t own_paddr;
    must(page_get_address(own, &own_paddr), "address");
    volatile uint8_t *own_bytes = map(own, OWN_VA, 0);
    own_bytes[0] = 1;
    blocked(own_paddr, "the node's private memory: a frame");
    claim(own_bytes[0] == 1, "which is as it was");
    attack_all(own_paddr);
    storm(paddr);
    passes(IO_ADDRESS, "after all that, the mapped page is read and written");

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

    cptr_t large = frame_only(SEL4_X86_LARGE_PAGE), large_copy = next_slot++;
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
