/* A root task whose device raises interrupts by messages (MSI): the one that the handler names arrives, no other does, and none does
 * after the handler or the function is taken away. Prints "ok"/"not ok" lines, then a summary. */
#include "edu.h"
#include "lib.h"
#include "root.h"

#define IO_BUFFER 0x1000ull
#define BUFFER_VA 0x10400000ull
#define RAISE 0x60              /* edu's registers: bits to raise; to acknowledge */
#define ACKNOWLEDGE 0x64
#define MSI_CAPABILITY 5
#define VECTOR 0x40             /* user vectors: ours, and one that is only opened */
#define OTHER 0x41
#define NEIGHBOUR 0x42          /* open to the function behind ours, which does not exist */
#define INTERRUPTS 0xfee00000ull
#define CPU_VECTOR(v) ((v) + SEL4_IRQ_CPU_VECTOR_BASE + SEL4_IRQ_USER_MIN)

const char component_name[] = "message";

static cptr_t notification;
static volatile uint8_t *buffer;

static cptr_t handler_make(cptr_t range, uint64_t vector, uint64_t function)
{
    cptr_t handler = next_slot++;
    must(range ? irq_control_get_msi(SEL4_CAP_IRQ_CONTROL, ROOT, handler, DEPTH, range, function, vector)
               : irq_control_get(SEL4_CAP_IRQ_CONTROL, vector, ROOT, handler, DEPTH), "a handler");
    must(irq_handler_set_notification(handler, notification), "set the notification");
    return handler;
}

/* Something arrived within 10 ms. */
static int arrives(void)
{
    uint64_t badge = 0, start = tsc();
    while (!badge && tsc() - start < tsc_hz / 100)
        badge = sel4_poll(notification);
    return badge != 0;
}

static int raised(void)
{
    *(volatile uint32_t *)(device + RAISE) = 1;
    int arrived = arrives();
    *(volatile uint32_t *)(device + ACKNOWLEDGE) = 1;
    return arrived;
}

/* Bytes: 32-bit words of configuration space in little-endian order. */
static unsigned capability_find(uint8_t id)
{
    unsigned at = config[0x34 / 4] & 0xfc;
    while (at && (config[at / 4] & 0xff) != id)
        at = config[at / 4] >> 8 & 0xfc;
    return at;
}

/* PCI 6.8.1: address, upper address, data; then enable, with one vector. */
static void program(uint64_t address, uint64_t data)
{
    unsigned at = capability_find(MSI_CAPABILITY);
    if (!at)
        panic("the device has no MSI");
    int wide = config[at / 4] >> 23 & 1;
    config[at / 4 + 1] = (uint32_t)address;
    if (wide)
        config[at / 4 + 2] = (uint32_t)(address >> 32);
    config[at / 4 + 2 + (unsigned)wide] = (uint32_t)data;
    config[at / 4] = (config[at / 4] & ~(7u << 20)) | 1u << 16;
}

/* The device's own mechanism sends a message of our choice, so that the IOMMU sees who it comes from. */
static int forged(uint64_t address, uint64_t data)
{
    program(address, data);
    return raised();
}

/* The same by DMA: under QEMU such a write comes from nobody in particular. */
static int written(cptr_t space, uint64_t address, uint32_t data)
{
    *(volatile uint32_t *)buffer = data;
    must(requesters_bind(requesters, space, requester), "bind");
    edu_transfer(IO_BUFFER, 4, 0);
    edu_transfer(address, 4, 1);
    must(requesters_unbind(requesters, requester), "unbind");
    return arrives();
}

/* `other` is a vector that is open, but not to any message; `neighbour` is one that is open to a message of another function. */
static void forge(uint64_t own_address, uint64_t own_data, uint64_t neighbour_address, uint64_t neighbour_data)
{
    int vtd = (own_address & 0x10) != 0, by_number = 0;
    uint64_t old_format = forged(INTERRUPTS, CPU_VECTOR(OTHER)) | (uint64_t)forged(INTERRUPTS | 4, CPU_VECTOR(OTHER)) << 1 |
                          (uint64_t)forged(INTERRUPTS | 0xff004, CPU_VECTOR(OTHER)) << 2;
    for (uint64_t vector = CPU_VECTOR(0); vector <= CPU_VECTOR(SEL4_MAX_USER_VECTOR); vector++)
        if (vector != CPU_VECTOR(VECTOR) && vector != CPU_VECTOR(NEIGHBOUR))
            by_number += vtd ? forged(own_address ^ (CPU_VECTOR(VECTOR) ^ vector) << 5, own_data) : forged(INTERRUPTS, vector);
    claim(by_number == 0, "the number of no other entry of the table raises anything");
    for (uint64_t kind = 1; kind < 8; kind++) /* SMI, NMI, INIT and others (APM vol. 2, 16.5): an NMI would stop the kernel */
        by_number += forged(own_address, own_data | kind << 8);
    log_line("old format: 0x%lx arrived; unusual deliveries: %u", old_format, by_number);
    if (vtd) {
        claim(!forged(neighbour_address, neighbour_data), "the message of a neighbouring function does not arrive from this one");
    } else {
        claim(old_format == 0, "a message for a vector that is open to no function does not arrive"); /* vtd: the model, CAVEATS */
        log_line("the message of a neighbouring function of this node: %u arrived", forged(neighbour_address, neighbour_data));
    }
}

void root_main(const struct sel4_bootinfo *bootinfo)
{
    uint64_t address, data, neighbour_address, neighbour_data;
    edu_init(bootinfo);
    must(page_table_map(make(SEL4_X86_PAGE_TABLE), SEL4_CAP_INIT_VSPACE, BUFFER_VA, 0), "page table");
    cptr_t frame = frame_only(SEL4_X86_4K_PAGE), copy = next_slot++;
    must(cnode_copy(ROOT, copy, DEPTH, ROOT, frame, DEPTH, SEL4_ALL_RIGHTS), "copy the frame");
    buffer = map(frame, BUFFER_VA, 0);
    cptr_t plain = make(SEL4_NOTIFICATION);
    notification = next_slot++;
    must(cnode_mint(ROOT, notification, DEPTH, ROOT, plain, DEPTH, SEL4_ALL_RIGHTS, 1), "a badge");

    claim(irq_control_get_msi(SEL4_CAP_IRQ_CONTROL, ROOT, next_slot, DEPTH, notification, requester, VECTOR) == SEL4_INVALID_CAPABILITY,
          "a message needs the range of its function");
    cptr_t handler = handler_make(requesters, VECTOR, requester), bare = handler_make(0, OTHER, 0);
    cptr_t neighbour = handler_make(requesters, NEIGHBOUR, requester + 1);
    must(irq_handler_message(handler, &address, &data), "the message");
    claim(irq_handler_message(bare, &data, &data) == SEL4_ILLEGAL_OPERATION, "a bare vector has no message");
    must(irq_handler_message(handler, &address, &data), "the message");
    log_line("the message of vector %u: 0x%lx at 0x%lx", VECTOR, data, address);
    program(address, data);
    claim(raised(), "the device's message arrives");
    claim(raised(), "and again, without an Ack");

    must(irq_handler_message(neighbour, &neighbour_address, &neighbour_data), "the message");
    forge(address, data, neighbour_address, neighbour_data);
    cptr_t space = make(ATOLL_IO_SPACE);
    must(asid_pool_assign(SEL4_CAP_INIT_ASID_POOL, space), "assign an ASID");
    must(io_table_map(make(ATOLL_IO_PDPT), space, 0), "I/O PDPT");
    must(io_table_map(make(ATOLL_IO_PD), space, 0), "I/O PD");
    must(io_table_map(make(ATOLL_IO_PT), space, 0), "I/O PT");
    must(io_page_map(copy, space, IO_BUFFER, SEL4_ALL_RIGHTS), "I/O page");
    int old_format = written(space, INTERRUPTS, CPU_VECTOR(OTHER));
    if (address & 0x10)
        log_line("a message of the old format, written by DMA: %u arrived", old_format);
    else
        claim(!old_format, "a message for a vector that is open to no function does not arrive by DMA either");
    program(address, data);
    claim(raised(), "the device's own message still arrives");

    must(cnode_delete(ROOT, handler, DEPTH), "delete the handler");
    handler = handler_make(0, VECTOR, 0);
    claim(!raised(), "without its handler the message raises nothing, whoever has the vector now");
    must(cnode_delete(ROOT, handler, DEPTH), "delete the handler");

    cptr_t child = next_slot++;
    must(requesters_divide(requesters, ROOT, child, DEPTH, requester, requester), "divide");
    handler = handler_make(child, VECTOR, requester);
    claim(raised(), "opened again by a smaller range");
    must(cnode_revoke(ROOT, requesters, DEPTH), "revoke");
    claim(!raised(), "revoking the range closes what was opened by it");
    claim(irq_handler_message(handler, &address, &data) == SEL4_ILLEGAL_OPERATION, "and its handler has no message any more");

    log_line("done: %u claims, %u failed", tests, failures);
    for (;;)
        sel4_yield();
}
