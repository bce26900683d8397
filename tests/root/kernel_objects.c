/* Memory and capabilities: Retype, CNode operations, address spaces, frames, ports, domains. */
#include "kernel.h"

void group_untyped(void)
{
    cptr_t memory = make(SEL4_UNTYPED, 14), node = make(SEL4_CNODE, 3), to = next_slot++;
    static const struct {
        uint64_t type, bits, depth, offset, count;
        error_t error;
        const char *what;
    } refusals[] = {
        {99, 0, 0, 0, 1, SEL4_INVALID_ARGUMENT, "an unknown type: invalid argument"},
        {SEL4_UNTYPED, 3, 0, 0, 1, SEL4_RANGE_ERROR, "untyped memory of 8 bytes: range error"},
        {SEL4_UNTYPED, 64, 0, 0, 1, SEL4_RANGE_ERROR, "of 2^64 bytes: range error"},
        {SEL4_CNODE, 0, 0, 0, 1, SEL4_INVALID_ARGUMENT, "a CNode of one slot: invalid argument"},
        {SEL4_SCHED_CONTEXT, 6, 0, 0, 1, SEL4_INVALID_ARGUMENT, "a scheduling context that is too small: invalid argument"},
        {SEL4_ENDPOINT, 0, 0, 8, 1, SEL4_RANGE_ERROR, "a slot beyond the CNode: range error"},
        {SEL4_ENDPOINT, 0, 0, 0, 0, SEL4_RANGE_ERROR, "no object at all: range error"},
        {SEL4_ENDPOINT, 0, 0, 0, 257, SEL4_RANGE_ERROR, "257 objects: range error"},
        {SEL4_ENDPOINT, 0, 0, 6, 3, SEL4_RANGE_ERROR, "more objects than slots: range error"},
        {SEL4_TCB, 0, 65, 0, 1, SEL4_RANGE_ERROR, "a depth of 65: range error"},
        {SEL4_UNTYPED, 15, 0, 0, 1, SEL4_NOT_ENOUGH_MEMORY, "more than there is: not enough memory"},
        {SEL4_TCB, 0, 0, 0, 8, SEL4_NO_ERROR, "as much as there is"},
        {SEL4_ENDPOINT, 0, 0, 0, 1, SEL4_DELETE_FIRST, "into a slot in use: delete first"},
    };
    for (unsigned i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        claim_error(untyped_retype(memory, refusals[i].type, refusals[i].bits, node, 0, refusals[i].depth, refusals[i].offset, refusals[i].count),
                    refusals[i].error, refusals[i].what);
    REFUSED(SEL4_NOT_ENOUGH_MEMORY, memory, SEL4_UNTYPED_RETYPE, CAPS(ROOT), WORDS(SEL4_ENDPOINT, 0, 0, 0, to, 1), "nothing is left");
    claim(answer.mr[0] == 0, "and the reply says so");
    REFUSED(SEL4_ILLEGAL_OPERATION, memory, 77, CAPS(ROOT), WORDS(0, 0, 0, 0, 0, 0), "another label: illegal operation");
    REFUSED(SEL4_TRUNCATED_MESSAGE, memory, SEL4_UNTYPED_RETYPE, CAPS(ROOT), WORDS(SEL4_ENDPOINT, 0, 0), "too few words: truncated");
    REFUSED(SEL4_FAILED_LOOKUP, memory, SEL4_UNTYPED_RETYPE, CAPS(memory), WORDS(SEL4_ENDPOINT, 0, 0, 0, 0, 1), "a root that is no CNode: failed lookup");
    REFUSED(SEL4_REVOKE_FIRST, ROOT, SEL4_CNODE_COPY, CAPS(ROOT), WORDS(to, DEPTH, memory, DEPTH, SEL4_ALL_RIGHTS), "memory with objects is not copied: revoke first");
    must(cnode_revoke(ROOT, memory, DEPTH), "revoke");
    claim_error(untyped_retype(memory, SEL4_X86_4K_PAGE, 0, node, 0, 0, 0, 4), SEL4_NO_ERROR, "revoked, the memory is free again");
    must(cnode_revoke(ROOT, memory, DEPTH), "revoke");
    claim_error(cnode_copy(ROOT, to, DEPTH, ROOT, memory, DEPTH, SEL4_ALL_RIGHTS), SEL4_NO_ERROR, "memory without objects can be copied");
    claim_error(untyped_retype(memory, SEL4_ENDPOINT, 0, node, 0, 0, 0, 1), SEL4_NOT_ENOUGH_MEMORY, "but then the copy has it");
    drop(to);
    cptr_t device = 0;
    for (uint64_t i = 0; i < info->untyped.end - info->untyped.start; i++)
        if (info->untyped_list[i].is_device && info->untyped_list[i].size_bits >= 12)
            device = info->untyped.start + i;
    claim_error(untyped_retype(device, SEL4_ENDPOINT, 0, node, 0, 0, 0, 1), SEL4_INVALID_ARGUMENT, "frame-only memory becomes no kernel object");
    claim_error(untyped_retype(device, SEL4_CNODE, 4, node, 0, 0, 0, 1), SEL4_INVALID_ARGUMENT, "nor a CNode");
    claim_error(untyped_retype(device, SEL4_X86_4K_PAGE, 0, node, 0, 0, 0, 1), SEL4_NO_ERROR, "but a frame");
    struct thread *t = thread_make(NULL, 0, 90, 0);
    claim_error(cnode_copy(ROOT, to, DEPTH, node, 0, 3, SEL4_ALL_RIGHTS), SEL4_NO_ERROR, "its capability is copied out of a CNode of three bits");
    REFUSED(SEL4_ILLEGAL_OPERATION, t->tcb, SEL4_TCB_SET_IPC_BUFFER, CAPS(to), WORDS(0x10000), "which is no IPC buffer");
    drop(to);
    must(cnode_revoke(ROOT, device, DEPTH), "revoke");
    drop(node), drop(memory);
}

void group_cnode(void)
{
    cptr_t endpoint = make(SEL4_ENDPOINT, 0), node = make(SEL4_CNODE, 2), a = next_slot++, b = next_slot++, c = next_slot++;
    static const uint64_t all = SEL4_ALL_RIGHTS;
    claim_error(cnode_copy(ROOT, a, DEPTH, ROOT, endpoint, DEPTH, all), SEL4_NO_ERROR, "Copy");
    claim_error(cnode_copy(ROOT, a, DEPTH, ROOT, endpoint, DEPTH, all), SEL4_DELETE_FIRST, "onto a capability: delete first");
    claim_error(cnode_copy(ROOT, c, DEPTH, ROOT, b, DEPTH, all), SEL4_FAILED_LOOKUP, "of an empty slot: failed lookup");
    claim_error(cnode_copy(ROOT, c, 65, ROOT, a, DEPTH, all), SEL4_RANGE_ERROR, "to a depth of 65: range error");
    claim_error(cnode_copy(ROOT, c, 0, ROOT, a, DEPTH, all), SEL4_RANGE_ERROR, "to a depth of 0: range error");
    claim_error(cnode_copy(ROOT, c, 12, ROOT, a, DEPTH, all), SEL4_FAILED_LOOKUP, "to a depth that ends before the guard: failed lookup");
    claim_error(cnode_copy(ROOT, c, DEPTH, endpoint, a, DEPTH, all), SEL4_FAILED_LOOKUP, "from a root that is no CNode: failed lookup");
    claim_error(cnode_mint(ROOT, b, DEPTH, ROOT, endpoint, DEPTH, all, 9), SEL4_NO_ERROR, "Mint with a badge");
    claim_error(cnode_mint(ROOT, c, DEPTH, ROOT, b, DEPTH, all, 10), SEL4_ILLEGAL_OPERATION, "of a badged one: illegal operation");
    claim_error(cnode_move(ROOT, c, DEPTH, ROOT, b, DEPTH), SEL4_NO_ERROR, "Move");
    claim_error(cnode_move(ROOT, c, DEPTH, ROOT, b, DEPTH), SEL4_DELETE_FIRST, "onto a capability: delete first");
    claim_error(cnode_move(ROOT, b, DEPTH, ROOT, b + 100, DEPTH), SEL4_FAILED_LOOKUP, "of an empty slot: failed lookup");
    REFUSED(SEL4_NO_ERROR, ROOT, SEL4_CNODE_MUTATE, CAPS(ROOT), WORDS(b, DEPTH, node, DEPTH, 1ull << 6 | 2), "Mutate sets a CNode's guard");
    REFUSED(SEL4_FAILED_LOOKUP, b, SEL4_CNODE_COPY, CAPS(ROOT), WORDS(0, 2, endpoint, DEPTH, all), "which has to be in the address then");
    REFUSED(SEL4_NO_ERROR, b, SEL4_CNODE_COPY, CAPS(ROOT), WORDS(1 << 2 | 3, 4, endpoint, DEPTH, all), "and with it the slot is found");
    REFUSED(SEL4_ILLEGAL_OPERATION, ROOT, SEL4_CNODE_MUTATE, CAPS(ROOT), WORDS(node, DEPTH, b, DEPTH, 63), "a guard that does not fit: illegal operation");
    must(cnode_move(ROOT, node, DEPTH, ROOT, b, DEPTH), "move");
    /* Rotate: c to b, a to c's place */
    REFUSED(SEL4_NO_ERROR, ROOT, SEL4_CNODE_ROTATE, CAPS(ROOT, ROOT), WORDS(b, DEPTH, 0, c, DEPTH, 0, a, DEPTH), "Rotate moves two");
    REFUSED(SEL4_DELETE_FIRST, ROOT, SEL4_CNODE_ROTATE, CAPS(ROOT, ROOT), WORDS(b, DEPTH, 0, c, DEPTH, 0, a, DEPTH), "again, its destination is in use: delete first");
    claim_error(cnode_move(ROOT, b + 100, DEPTH, ROOT, a, DEPTH), SEL4_FAILED_LOOKUP, "and the source was left empty");
    REFUSED(SEL4_NO_ERROR, ROOT, SEL4_CNODE_ROTATE, CAPS(ROOT, ROOT), WORDS(b, DEPTH, 0, c, DEPTH, 0, b, DEPTH), "onto itself it swaps");
    REFUSED(SEL4_ILLEGAL_OPERATION, ROOT, SEL4_CNODE_ROTATE, CAPS(ROOT, ROOT), WORDS(a, DEPTH, 0, c, DEPTH, 0, c, DEPTH), "a pivot that is the source: illegal operation");
    REFUSED(SEL4_TRUNCATED_MESSAGE, ROOT, SEL4_CNODE_ROTATE, CAPS(ROOT), WORDS(b, DEPTH, 0, c, DEPTH, 0, a, DEPTH), "without its third root: truncated");
    /* families */
    must(cnode_revoke(ROOT, endpoint, DEPTH), "revoke");
    claim_error(cnode_copy(ROOT, a, DEPTH, ROOT, b, DEPTH, all), SEL4_FAILED_LOOKUP, "Revoke takes the copies");
    claim_error(cnode_copy(ROOT, a, DEPTH, ROOT, c, DEPTH, all), SEL4_FAILED_LOOKUP, "and the badged ones");
    must(cnode_mint(ROOT, a, DEPTH, ROOT, endpoint, DEPTH, all, 1), "mint");
    must(cnode_copy(ROOT, b, DEPTH, ROOT, a, DEPTH, all), "copy");
    must(cnode_mint(ROOT, c, DEPTH, ROOT, endpoint, DEPTH, all, 2), "mint");
    must(cnode_revoke(ROOT, a, DEPTH), "revoke");
    claim_error(cnode_delete(ROOT, b, DEPTH), SEL4_NO_ERROR, "deleting an empty slot is no error");
    claim_error(cnode_move(ROOT, b, DEPTH, ROOT, c, DEPTH), SEL4_NO_ERROR, "Revoke of one badge leaves another's capability");
    claim_error(cnode_mint(ROOT, c, DEPTH, ROOT, b, DEPTH, SEL4_RIGHT_READ, 0), SEL4_ILLEGAL_OPERATION, "Mint of a badged capability, even with badge 0");
    claim_error(cnode_copy(ROOT, c, DEPTH, ROOT, SEL4_CAP_IRQ_CONTROL, DEPTH, all), SEL4_ILLEGAL_OPERATION, "IRQControl is not copied");
    drop(a), drop(b), drop(endpoint), drop(node);
}

/* ---- address spaces ---- */

#define VA 0x50000000ull
static volatile uint64_t looked;
static void look(uint64_t va) { looked = *(volatile uint64_t *)va; }

void group_spaces(void)
{
    cptr_t root = make(SEL4_X86_PML4, 0), pdpt = make(SEL4_X86_PDPT, 0), directory = make(SEL4_X86_PAGE_DIRECTORY, 0),
           table = make(SEL4_X86_PAGE_TABLE, 0), frame = make(SEL4_X86_4K_PAGE, 0), large = make(SEL4_X86_LARGE_PAGE, 0);
    claim_error(page_map(frame, root, VA, SEL4_ALL_RIGHTS, 0), SEL4_INVALID_CAPABILITY, "a root without an ASID maps nothing: invalid capability");
    claim_error(asid_pool_assign(SEL4_CAP_INIT_ASID_POOL, root), SEL4_NO_ERROR, "assign an ASID");
    claim_error(asid_pool_assign(SEL4_CAP_INIT_ASID_POOL, root), SEL4_INVALID_CAPABILITY, "a second one: invalid capability");
    claim_error(asid_pool_assign(SEL4_CAP_INIT_ASID_POOL, frame), SEL4_INVALID_CAPABILITY, "to a frame: invalid capability");
    claim_error(page_map(frame, root, VA, SEL4_ALL_RIGHTS, 0), SEL4_FAILED_LOOKUP, "without tables: failed lookup");
    claim(page_directory_map(directory, root, VA, 0) == SEL4_FAILED_LOOKUP, "a directory needs its PDPT");
    must(pdpt_map(pdpt, root, VA, 0), "map");
    claim_error(page_table_map(table, root, VA, 0), SEL4_FAILED_LOOKUP, "a page table needs its directory");
    must(page_directory_map(directory, root, VA, 0), "map");
    must(page_table_map(table, root, VA, 0), "map");
    claim_error(page_table_map(table, root, VA, 0), SEL4_INVALID_CAPABILITY, "a table is mapped once");
    claim_error(page_map(frame, root, VA + 8, SEL4_ALL_RIGHTS, 0), SEL4_ALIGNMENT_ERROR, "a page across its alignment");
    claim_error(page_map(frame, root, 0x800000000000ull, SEL4_ALL_RIGHTS, 0), SEL4_INVALID_ARGUMENT, "at an address of the kernel's: invalid argument");
    claim_error(page_map(frame, root, VA, SEL4_ALL_RIGHTS, 0), SEL4_NO_ERROR, "map a page");
    claim_error(page_map(frame, root, VA, SEL4_RIGHT_READ, 0), SEL4_NO_ERROR, "again with other rights");
    claim_error(page_map(frame, root, VA + PAGE, SEL4_ALL_RIGHTS, 0), SEL4_INVALID_ARGUMENT, "elsewhere as well: invalid argument");
    claim_error(page_map(frame, SEL4_CAP_INIT_VSPACE, VA, SEL4_ALL_RIGHTS, 0), SEL4_INVALID_CAPABILITY, "in another space as well: invalid capability");
    claim_error(page_map(large, root, VA, SEL4_ALL_RIGHTS, 0), SEL4_DELETE_FIRST, "a large page over a table: delete first");
    cptr_t copy = mint(frame, SEL4_ALL_RIGHTS, 0);
    claim_error(page_map(copy, root, VA, SEL4_ALL_RIGHTS, 0), SEL4_DELETE_FIRST, "a copy over the first: delete first");
    claim_error(page_map(copy, root, VA + PAGE, SEL4_ALL_RIGHTS, 0), SEL4_NO_ERROR, "beside it");
    cptr_t table_copy = next_slot++;
    must(cnode_copy(ROOT, table_copy, DEPTH, ROOT, table, DEPTH, SEL4_ALL_RIGHTS), "copy");
    REFUSED(SEL4_REVOKE_FIRST, table, SEL4_X86_PAGE_TABLE_UNMAP, CAPS(), WORDS(), "a table that has copies is not unmapped: revoke first");
    drop(table_copy);
    REFUSED(SEL4_NO_ERROR, table, SEL4_X86_PAGE_TABLE_UNMAP, CAPS(), WORDS(), "unmap it");
    must(page_table_map(table, root, VA, 0), "map");
    claim_error(page_unmap(frame), SEL4_NO_ERROR, "a page whose table went is unmapped all the same");

    /* here: what is mapped is seen, what is deleted is not */
    cptr_t own[3] = {make(SEL4_X86_PAGE_DIRECTORY, 0), make(SEL4_X86_PAGE_TABLE, 0), make(SEL4_X86_4K_PAGE, 0)};
    cptr_t endpoint = make(SEL4_ENDPOINT, 0), reply = make(SEL4_REPLY, 0), alias = mint(own[2], SEL4_ALL_RIGHTS, 0);
    must(page_directory_map(own[0], SEL4_CAP_INIT_VSPACE, VA, 0), "map");
    must(page_table_map(own[1], SEL4_CAP_INIT_VSPACE, VA, 0), "map");
    must(page_map(own[2], SEL4_CAP_INIT_VSPACE, VA, SEL4_ALL_RIGHTS, 0), "map");
    must(page_map(alias, SEL4_CAP_INIT_VSPACE, VA + PAGE, SEL4_RIGHT_READ, 0), "map");
    *(volatile uint64_t *)VA = 0xabcd;
    claim(*(volatile uint64_t *)(VA + PAGE) == 0xabcd, "two mappings show one page");
    struct sel4_message m = {0};
    must(page_unmap(own[2]), "unmap");
    thread_start(thread_make(look, VA, 120, endpoint));
    sel4_recv(endpoint, reply, &m);
    claim(sel4_info_label(m.info) == SEL4_FAULT_VM && m.mr[1] == VA, "an unmapped page is gone");
    threads_end();
    drop(alias);
    thread_start(thread_make(look, VA + PAGE, 120, endpoint));
    sel4_recv(endpoint, reply, &m);
    claim(sel4_info_label(m.info) == SEL4_FAULT_VM && m.mr[1] == VA + PAGE, "deleting a page's capability unmaps it");
    threads_end();

    /* pools */
    unsigned made = 0;
    cptr_t pools = next_slot, pages = make_many(SEL4_UNTYPED, SEL4_TABLE_BITS, 9);
    next_slot += 9;
    error_t e = SEL4_NO_ERROR;
    for (; made < 9 && e == SEL4_NO_ERROR; made += e == SEL4_NO_ERROR)
        e = invoke(SEL4_CAP_ASID_CONTROL, SEL4_X86_ASID_CONTROL_MAKE_POOL, CAPS(pages + made, ROOT), WORDS(pools + 9 + made, DEPTH));
    claim(made == 7 && e == SEL4_DELETE_FIRST, "seven more ASID pools can be made, then: delete first");
    REFUSED(SEL4_DELETE_FIRST, SEL4_CAP_ASID_CONTROL, SEL4_X86_ASID_CONTROL_MAKE_POOL, CAPS(frame, ROOT), WORDS(pools + 17, DEPTH), "with all pools made, nothing else is looked at");
    drop(pools + 9 + 6);
    REFUSED(SEL4_INVALID_CAPABILITY, SEL4_CAP_ASID_CONTROL, SEL4_X86_ASID_CONTROL_MAKE_POOL, CAPS(frame, ROOT), WORDS(pools + 17, DEPTH), "from a frame: invalid capability");
    cptr_t roots = make_many(SEL4_X86_PML4, 0, 513);
    unsigned assigned = 0;
    while (assigned < 513 && asid_pool_assign(pools + 9, roots + assigned) == SEL4_NO_ERROR)
        assigned++;
    claim(assigned == 512, "a pool takes 512 address spaces");
    drop(pools + 9);
    claim_error(page_map(copy, roots, VA, SEL4_ALL_RIGHTS, 0), SEL4_FAILED_LOOKUP, "in an address space whose pool is gone: failed lookup");
    for (unsigned i = 0; i < 513; i++)
        drop(roots + i);
    for (unsigned i = 1; i < 6; i++)
        drop(pools + 9 + i);
    for (unsigned i = 0; i < 9; i++)
        drop(pages + i);
    drop(copy), drop(frame), drop(large), drop(table), drop(directory), drop(pdpt), drop(root);
    for (unsigned i = 3; i-- > 0;)
        drop(own[i]);
    drop(endpoint), drop(reply);
}

/* ---- ports, domains ---- */

void group_ports(void)
{
    cptr_t ports = next_slot++, more = next_slot++;
    uint8_t value = 0;
    claim_error(ioport_control_issue(SEL4_CAP_IOPORT_CONTROL, 0x3fa, 0x3f9, ROOT, ports, DEPTH), SEL4_INVALID_ARGUMENT, "a range that ends before it begins: invalid argument");
    claim_error(ioport_control_issue(SEL4_CAP_IOPORT_CONTROL, 0x3ff, 0x3ff, ROOT, ports, DEPTH), SEL4_NO_ERROR, "issue one port");
    claim_error(ioport_control_issue(SEL4_CAP_IOPORT_CONTROL, 0x3f8, 0x3ff, ROOT, more, DEPTH), SEL4_REVOKE_FIRST, "a range across it: revoke first");
    must(ioport_out8(ports, 0x3ff, 0x5a), "out");
    claim(ioport_in8(ports, 0x3ff, &value) == SEL4_NO_ERROR && value == 0x5a, "what is written to COM1's scratch register is read from it");
    claim_error(ioport_in8(ports, 0x3fe, &value), SEL4_ILLEGAL_OPERATION, "a port outside the range: illegal operation");
    REFUSED(SEL4_ILLEGAL_OPERATION, ports, SEL4_X86_IOPORT_IN16, CAPS(), WORDS(0x3ff), "two bytes across its end: illegal operation");
    drop(ports);
    claim_error(ioport_control_issue(SEL4_CAP_IOPORT_CONTROL, 0x3f8, 0x3ff, ROOT, more, DEPTH), SEL4_NO_ERROR, "deleted, the port is free again");
    drop(more);
}

void group_domains(void)
{
    struct thread *t = thread_make(NULL, 0, 90, 0);
    REFUSED(SEL4_NO_ERROR, SEL4_CAP_DOMAIN, SEL4_DOMAIN_SET_SET, CAPS(t->tcb), WORDS(0), "domain 0 is there");
    REFUSED(SEL4_INVALID_ARGUMENT, SEL4_CAP_DOMAIN, SEL4_DOMAIN_SET_SET, CAPS(t->tcb), WORDS(1), "domain 1 is not: invalid argument");
    REFUSED(SEL4_INVALID_ARGUMENT, SEL4_CAP_DOMAIN, SEL4_DOMAIN_SET_SET, CAPS(ROOT), WORDS(0), "for a thread only");
    REFUSED(SEL4_ILLEGAL_OPERATION, t->tcb, SEL4_DOMAIN_SET_SET, CAPS(t->tcb), WORDS(0), "by a thread's capability: illegal operation");
    REFUSED(SEL4_TRUNCATED_MESSAGE, SEL4_CAP_DOMAIN, SEL4_DOMAIN_SET_SET, CAPS(), WORDS(0), "without a thread: truncated");
}
