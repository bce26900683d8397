/* Figures of the IOMMU: instructions to map and unmap a page for a device, to bind one, and from a device's message to the thread that waits for
 * it. The least of several, on a machine that counts. Prints "bench NAME VALUE" lines. */
#include "../tests/root/edu.h"
#include "lib.h"
#include "root.h"

const char component_name[] = "iobench";

static void map_and_unmap(const char *leaf, cptr_t f, cptr_t space, uint64_t at)
{
    uint64_t m = ~0ull, u = ~0ull;
    for (int i = 0; i < 5; i++) {
        uint64_t a = tsc();
        must(io_page_map(f, space, at, SEL4_ALL_RIGHTS), "map");
        uint64_t b = tsc();
        must(page_unmap(f), "unmap");
        uint64_t c = tsc();
        m = b - a < m ? b - a : m;
        u = c - b < u ? c - b : u;
    }
    log_line("bench io.map_%s %lu", leaf, m);
    log_line("bench io.unmap_%s %lu", leaf, u);
}

void root_main(const struct sel4_bootinfo *bootinfo)
{
    edu_init(bootinfo);
    cptr_t f = frame_only(SEL4_X86_4K_PAGE), l = frame_only(SEL4_X86_LARGE_PAGE);
    cptr_t space = make(ATOLL_IO_SPACE);
    must(asid_pool_assign(SEL4_CAP_INIT_ASID_POOL, space), "assign an ASID");
    must(io_table_map(make(ATOLL_IO_PDPT), space, 0), "I/O PDPT");
    must(io_table_map(make(ATOLL_IO_PD), space, 0), "I/O PD");
    must(io_table_map(make(ATOLL_IO_PT), space, 0), "I/O PT");
    uint64_t a = tsc();
    must(requesters_bind(requesters, space, requester), "bind");
    log_line("bench io.bind %lu", tsc() - a);
    map_and_unmap("4k", f, space, 0x1000);
    map_and_unmap("2m", l, space, 0x200000);
    a = tsc();
    must(requesters_unbind(requesters, requester), "unbind");
    log_line("bench io.unbind %lu", tsc() - a);
    cptr_t plain = make(SEL4_NOTIFICATION), n = next_slot++, h = next_slot++;
    must(cnode_mint(ROOT, n, DEPTH, ROOT, plain, DEPTH, SEL4_ALL_RIGHTS, 1), "a badge");
    must(irq_control_get_msi(SEL4_CAP_IRQ_CONTROL, ROOT, h, DEPTH, requesters, requester, 0x40), "a handler");
    must(irq_handler_set_notification(h, n), "set the notification");
    uint64_t address, data;
    must(irq_handler_message(h, &address, &data), "the message");
    unsigned at = config[13] & 0xfc;
    while (at && (config[at / 4] & 0xff) != 5) /* MSI, PCI 6.8.1; edu's has 64 address bits */
        at = config[at / 4] >> 8 & 0xfc;
    config[at / 4 + 1] = (uint32_t)address;
    config[at / 4 + 2] = 0;
    config[at / 4 + 3] = (uint32_t)data;
    config[at / 4] |= 1u << 16;
    uint64_t best = ~0ull;
    for (int i = 0; i < 20; i++) {
        uint64_t s = tsc();
        *(volatile uint32_t *)(device + 0x60) = 1;
        sel4_wait(n);
        uint64_t e = tsc() - s;
        *(volatile uint32_t *)(device + 0x64) = 1;
        best = e < best ? e : best;
    }
    log_line("bench io.interrupt %lu", best);
    log_line("bench done");
    for (;;)
        sel4_yield();
}
