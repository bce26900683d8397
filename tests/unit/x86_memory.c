/* Init's objects, address spaces and nested ones: what the hardware would find in the tables after each operation. */
#include <string.h>
#include "x86_host.h"

#define VSPACE SEL4_CAP_INIT_VSPACE
#define VA 0x10000000ull
#define RW (SEL4_RIGHT_READ | SEL4_RIGHT_WRITE)

static int boot(void **state)
{
    (void)state;
    host_boot();
    return 0;
}

static void boot_information(void **state)
{
    (void)state;
    assert_int_equal(bootinfo->init_cnode_bits, 13);
    assert_int_equal(bootinfo->user_image_frames.end - bootinfo->user_image_frames.start, IMAGE_BYTES / 4096);
    assert_int_equal(bootinfo->ipc_buffer, IMAGE_VA + IMAGE_BYTES);
    assert_int_equal(kernel.current->context.rdi, IMAGE_VA + IMAGE_BYTES + 4096);
    assert_int_equal(kernel.current->context.rip, IMAGE_VA + 0x10);
    static const enum cap_tag slots[16] = {CAP_NULL, CAP_TCB, CAP_CNODE, CAP_PML4, CAP_IRQ_CONTROL, CAP_ASID_CONTROL,
                                           CAP_ASID_POOL, CAP_IO_PORT_CONTROL, CAP_NULL, CAP_FRAME, CAP_FRAME, CAP_DOMAIN,
                                           CAP_NULL, CAP_NULL, CAP_SC, CAP_NULL};
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(cap_tag(slot_at(i)->cap), slots[i]);
    assert_int_equal(cap_tag(slot_at(bootinfo->schedcontrol.start)->cap), CAP_SCHED_CONTROL);

    /* The list says what the capabilities say; private memory ends where init's objects begin, and nothing overlaps. */
    for (word_t s = bootinfo->untyped.start; s < bootinfo->untyped.end; s++) {
        const struct sel4_untyped_desc *d = &bootinfo->untyped_list[s - bootinfo->untyped.start];
        cap_t c = slot_at(s)->cap;
        assert_int_equal(untyped_paddr(c), d->paddr);
        assert_int_equal(untyped_size_bits(c), d->size_bits);
        assert_int_equal(untyped_frame_only(c), d->is_device);
        assert_int_equal(d->paddr % (1ull << d->size_bits), 0);
        if (!d->is_device)
            assert_true(d->paddr + (1ull << d->size_bits) <= object_paddr(kernel.current));
    }
    assert_int_equal(named("ram")->slot_count, 1);
    assert_int_equal(named("ram")->paddr, GUEST_PADDR);
    assert_int_equal(named("file")->size, 12345);
    assert_int_equal(untyped_size_bits(slot_at(named("file")->first_slot)->cap), 14); /* whole pages */
    assert_int_equal(cap_tag(slot_at(named("bell")->first_slot)->cap), CAP_IPI);
    for (word_t va = IMAGE_VA; va < IMAGE_VA + IMAGE_BYTES; va += 4096)
        assert_int_equal(pte(VSPACE, va, LEVEL_PT) & PTE_ADDRESS, WINDOW_PADDR + va - IMAGE_VA);
}

static word_t map(word_t frame, word_t va, word_t rights, word_t attr)
{
    return CALL(frame, SEL4_X86_PAGE_MAP, CAPS(VSPACE), va, rights, attr);
}

/* Unmapped tables are named by their level; each level goes in once. */
static void tables_top_down(void **state)
{
    (void)state;
    word_t frame = retype(SEL4_X86_4K_PAGE, 0), pdpt = retype(SEL4_X86_PDPT, 0), pd = retype(SEL4_X86_PAGE_DIRECTORY, 0),
           pt = retype(SEL4_X86_PAGE_TABLE, 0), va = 5ull << 39;
    assert_int_equal(map(frame, va, RW, 0), SEL4_FAILED_LOOKUP);
    assert_int_equal(result(2), 39);
    assert_int_equal(CALL(pd, SEL4_X86_PAGE_DIRECTORY_MAP, CAPS(VSPACE), va, 0), SEL4_FAILED_LOOKUP);
    assert_int_equal(CALL(pdpt, SEL4_X86_PDPT_MAP, CAPS(VSPACE), USER_TOP + 4096, 0), SEL4_INVALID_ARGUMENT);
    assert_int_equal(CALL(pdpt, SEL4_X86_PDPT_MAP, CAPS(VSPACE), 0xffffff8000000000ull, 0), SEL4_INVALID_ARGUMENT);
    assert_int_equal(CALL(pdpt, SEL4_X86_PDPT_MAP, CAPS(VSPACE), va, 0), SEL4_NO_ERROR);
    assert_int_equal(CALL(pdpt, SEL4_X86_PDPT_MAP, CAPS(VSPACE), va, 0), SEL4_INVALID_CAPABILITY);
    assert_int_equal(map(frame, va, RW, 0), SEL4_FAILED_LOOKUP);
    assert_int_equal(result(2), 30);
    assert_int_equal(CALL(pd, SEL4_X86_PAGE_DIRECTORY_MAP, CAPS(VSPACE), va + 4096, 0), SEL4_NO_ERROR);
    assert_int_equal(map(frame, va, RW, 0), SEL4_FAILED_LOOKUP);
    assert_int_equal(result(2), 21);
    assert_int_equal(CALL(pt, SEL4_X86_PAGE_TABLE_MAP, CAPS(VSPACE), va, 0), SEL4_NO_ERROR);
    assert_int_equal(map(frame, va, RW, 0), SEL4_NO_ERROR);

    /* A table that is unmapped is empty and out of the tree; a copy keeps it from being unmapped. */
    word_t copy = new_slot();
    assert_int_equal(CALL(SEL4_CAP_INIT_CNODE, SEL4_CNODE_COPY, CAPS(SEL4_CAP_INIT_CNODE), copy, 64, pt, 64, SEL4_ALL_RIGHTS),
                     SEL4_NO_ERROR);
    assert_int_equal(CALL(pt, SEL4_X86_PAGE_TABLE_UNMAP, CAPS(0)), SEL4_REVOKE_FIRST);
    assert_int_equal(CALL(SEL4_CAP_INIT_CNODE, SEL4_CNODE_DELETE, CAPS(0), copy, 64), SEL4_NO_ERROR);
    unsigned flushes = machine.cr3_writes;
    assert_int_equal(CALL(pt, SEL4_X86_PAGE_TABLE_UNMAP, CAPS(0)), SEL4_NO_ERROR);
    assert_int_equal(machine.cr3_writes, flushes + 1);
    assert_int_equal(pte(VSPACE, va, LEVEL_PT), 0);
    assert_int_equal(CALL(pt, SEL4_X86_PAGE_TABLE_MAP, CAPS(VSPACE), va, 0), SEL4_NO_ERROR);
    assert_int_equal(pte(VSPACE, va, LEVEL_PT), 0);
    assert_int_equal(CALL(frame, SEL4_X86_PAGE_UNMAP, CAPS(0)), SEL4_NO_ERROR); /* a stale place is no error */
}

static void frames(void **state)
{
    (void)state;
    word_t a = retype(SEL4_X86_4K_PAGE, 0), b = retype(SEL4_X86_4K_PAGE, 0), va = IMAGE_VA + 0x100000, copy = new_slot();
    paddr_t pa = frame_paddr(slot_at(a)->cap);
    assert_int_equal(map(a, va + 1, RW, 0), SEL4_ALIGNMENT_ERROR);
    assert_int_equal(map(a, USER_TOP, RW, 0), SEL4_INVALID_ARGUMENT);
    assert_int_equal(map(a, 0xffff800000000000ull, RW, 0), SEL4_INVALID_ARGUMENT);
    assert_int_equal(map(a, 0xfffffffffffff000ull, RW, 0), SEL4_INVALID_ARGUMENT);
    assert_int_equal(map(a, va, RW, 0), SEL4_NO_ERROR);
    word_t e = pte(VSPACE, va, LEVEL_PT);
    assert_int_equal(e & PTE_ADDRESS, pa);
    assert_int_equal(e & (PTE_USER | PTE_WRITE | PTE_NO_EXECUTE), PTE_USER | PTE_WRITE);
    assert_int_equal(map(b, va, RW, 0), SEL4_DELETE_FIRST);

    /* Rights and attributes change in place, and the TLB forgets the page; the address does not change. */
    unsigned flushes = machine.invlpgs;
    assert_int_equal(map(a, va, SEL4_RIGHT_READ, ATOLL_X86_EXECUTE_NEVER | SEL4_X86_UNCACHEABLE), SEL4_NO_ERROR);
    e = pte(VSPACE, va, LEVEL_PT);
    assert_int_equal(e & (PTE_USER | PTE_WRITE), PTE_USER);
    assert_true((e & PTE_NO_EXECUTE) && (e & PTE_CACHE_DISABLE) && (e & PTE_WRITE_THROUGH));
    assert_int_equal(machine.invlpgs, flushes + 1);
    assert_int_equal(machine.invlpg_va, va);
    assert_int_equal(map(a, va + 4096, RW, 0), SEL4_INVALID_ARGUMENT);
    assert_int_equal(map(a, va, SEL4_RIGHT_WRITE, 0), SEL4_NO_ERROR); /* write only: nobody gets anything, the kernel neither */
    assert_int_equal(pte(VSPACE, va, LEVEL_PT), 0);
    assert_int_equal(map(a, va, SEL4_RIGHT_READ, 0), SEL4_NO_ERROR);

    /* A copy is unmapped, can be weaker, and its end does not end the other's mapping. */
    assert_int_equal(CALL(SEL4_CAP_INIT_CNODE, SEL4_CNODE_COPY, CAPS(SEL4_CAP_INIT_CNODE), copy, 64, a, 64, SEL4_RIGHT_READ),
                     SEL4_NO_ERROR);
    assert_int_equal(map(copy, va + 8192, RW, 0), SEL4_NO_ERROR);
    assert_int_equal(pte(VSPACE, va + 8192, LEVEL_PT) & (PTE_USER | PTE_WRITE), PTE_USER);
    assert_int_equal(CALL(a, SEL4_X86_PAGE_GET_ADDRESS, CAPS(0)), SEL4_NO_ERROR);
    assert_int_equal(result(0), pa);
    assert_int_equal(CALL(SEL4_CAP_INIT_CNODE, SEL4_CNODE_DELETE, CAPS(0), copy, 64), SEL4_NO_ERROR);
    assert_int_equal(pte(VSPACE, va + 8192, LEVEL_PT), 0);
    assert_int_not_equal(pte(VSPACE, va, LEVEL_PT), 0);
    assert_int_equal(CALL(SEL4_CAP_INIT_CNODE, SEL4_CNODE_DELETE, CAPS(0), a, 64), SEL4_NO_ERROR);
    assert_int_equal(pte(VSPACE, va, LEVEL_PT), 0);
}

static void large_frames(void **state)
{
    (void)state;
    word_t ram = named("ram")->first_slot, large = retype_from(ram, SEL4_X86_LARGE_PAGE, 0), va = VA & ~MASK(30);
    word_t small = retype(SEL4_X86_4K_PAGE, 0), pt = retype(SEL4_X86_PAGE_TABLE, 0), pd = retype(SEL4_X86_PAGE_DIRECTORY, 0);
    va += 7ull << 30;
    assert_int_equal(retype_from(ram, SEL4_X86_PAGE_TABLE, 0), 0); /* frame-only memory holds no kernel object */
    assert_int_equal(CALL(pd, SEL4_X86_PAGE_DIRECTORY_MAP, CAPS(VSPACE), va, 0), SEL4_NO_ERROR);
    assert_int_equal(map(large, va + 4096, RW, 0), SEL4_ALIGNMENT_ERROR);
    assert_int_equal(map(large, va, RW, SEL4_X86_WRITE_COMBINING), SEL4_NO_ERROR);
    assert_int_equal(pte(VSPACE, va, LEVEL_PD) & ~PTE_PAT_LARGE & PTE_ADDRESS, GUEST_PADDR);
    assert_true(pte(VSPACE, va, LEVEL_PD) & PTE_LARGE && pte(VSPACE, va, LEVEL_PD) & PTE_PAT_LARGE);
    assert_int_equal(CALL(pt, SEL4_X86_PAGE_TABLE_MAP, CAPS(VSPACE), va, 0), SEL4_DELETE_FIRST);
    assert_int_equal(map(small, va, RW, 0), SEL4_FAILED_LOOKUP);
    assert_int_equal(CALL(SEL4_CAP_INIT_CNODE, SEL4_CNODE_REVOKE, CAPS(0), ram, 64), SEL4_NO_ERROR);
    assert_int_equal(pte(VSPACE, va, LEVEL_PD), 0); /* the range revoked, the mapping gone */
}

static void shared_memory_keeps_its_direction(void **state)
{
    (void)state;
    word_t read = retype_from(named("read")->first_slot, SEL4_X86_4K_PAGE, 0);
    word_t write = retype_from(named("write")->first_slot, SEL4_X86_4K_PAGE, 0), va = IMAGE_VA + 0x180000;
    assert_int_equal(map(read, va, RW, 0), SEL4_NO_ERROR);
    assert_int_equal(map(write, va + 4096, RW, 0), SEL4_NO_ERROR);
    assert_false(pte(VSPACE, va, LEVEL_PT) & PTE_WRITE);
    assert_true(pte(VSPACE, va + 4096, LEVEL_PT) & PTE_WRITE);
    assert_int_equal(CALL(SEL4_CAP_INIT_TCB, SEL4_TCB_SET_IPC_BUFFER, CAPS(write), va), SEL4_ILLEGAL_OPERATION);
}

static void asids(void **state)
{
    (void)state;
    word_t root = retype(SEL4_X86_PML4, 0), frame = retype(SEL4_X86_4K_PAGE, 0), slots[ASID_POOLS];
    const word_t *kernel_half = object_at(table_offset(slot_at(root)->cap));
    assert_int_equal(kernel_half[256], 0x111003);
    assert_int_equal(kernel_half[511], 0x222003);
    assert_int_equal(CALL(frame, SEL4_X86_PAGE_MAP, CAPS(root), VA, RW, 0), SEL4_INVALID_CAPABILITY);
    assert_int_equal(CALL(SEL4_CAP_INIT_ASID_POOL, SEL4_X86_ASID_POOL_ASSIGN, CAPS(root)), SEL4_NO_ERROR);
    assert_int_equal(CALL(SEL4_CAP_INIT_ASID_POOL, SEL4_X86_ASID_POOL_ASSIGN, CAPS(root)), SEL4_INVALID_CAPABILITY);
    assert_int_equal(CALL(frame, SEL4_X86_PAGE_MAP, CAPS(root), VA, RW, 0), SEL4_FAILED_LOOKUP);

    for (unsigned i = 1; i < ASID_POOLS; i++) {
        word_t untyped = retype(SEL4_UNTYPED, 12);
        slots[i] = new_slot();
        assert_int_equal(CALL(SEL4_CAP_ASID_CONTROL, SEL4_X86_ASID_CONTROL_MAKE_POOL, CAPS(untyped, SEL4_CAP_INIT_CNODE), slots[i], 64),
                         SEL4_NO_ERROR);
    }
    word_t last = retype(SEL4_UNTYPED, 12);
    assert_int_equal(CALL(SEL4_CAP_ASID_CONTROL, SEL4_X86_ASID_CONTROL_MAKE_POOL, CAPS(last, SEL4_CAP_INIT_CNODE), new_slot(), 64),
                     SEL4_DELETE_FIRST);
    /* A root whose pool goes is no address space any more. */
    word_t other = retype(SEL4_X86_PML4, 0);
    assert_int_equal(CALL(slots[3], SEL4_X86_ASID_POOL_ASSIGN, CAPS(other)), SEL4_NO_ERROR);
    assert_int_equal(CALL(SEL4_CAP_INIT_CNODE, SEL4_CNODE_DELETE, CAPS(0), slots[3], 64), SEL4_NO_ERROR);
    assert_int_equal(CALL(frame, SEL4_X86_PAGE_MAP, CAPS(other), VA, RW, 0), SEL4_FAILED_LOOKUP);
    assert_int_equal(CALL(SEL4_CAP_INIT_CNODE, SEL4_CNODE_DELETE, CAPS(0), other, 64), SEL4_NO_ERROR);
    assert_int_equal(CALL(SEL4_CAP_INIT_CNODE, SEL4_CNODE_DELETE, CAPS(0), root, 64), SEL4_NO_ERROR);
}

static void nested(void **state)
{
    (void)state;
    word_t ram = named("ram")->first_slot, root = retype(ATOLL_NESTED_PML4, 0), pdpt = retype(ATOLL_NESTED_PDPT, 0),
           pd = retype(ATOLL_NESTED_PD, 0), frame = retype_from(ram, SEL4_X86_LARGE_PAGE, 0), wrong = retype(SEL4_X86_PDPT, 0);
    assert_int_equal(CALL(SEL4_CAP_INIT_ASID_POOL, SEL4_X86_ASID_POOL_ASSIGN, CAPS(root)), SEL4_NO_ERROR);
    assert_int_equal(CALL(wrong, SEL4_X86_PDPT_MAP, CAPS(root), 0, 0), SEL4_INVALID_CAPABILITY);
    assert_int_equal(CALL(pdpt, ATOLL_NESTED_TABLE_MAP, CAPS(VSPACE), 0, 0), SEL4_INVALID_CAPABILITY);
    assert_int_equal(CALL(pdpt, SEL4_X86_PDPT_MAP, CAPS(root), 0, 0), SEL4_ILLEGAL_OPERATION);
    assert_int_equal(CALL(pdpt, ATOLL_NESTED_TABLE_MAP, CAPS(root), 0, 0), SEL4_NO_ERROR);
    assert_int_equal(CALL(pd, ATOLL_NESTED_TABLE_MAP, CAPS(root), 0, 0), SEL4_NO_ERROR);
    assert_int_equal(CALL(frame, ATOLL_NESTED_PAGE_MAP, CAPS(VSPACE), 0, RW, 0), SEL4_INVALID_CAPABILITY);
    assert_int_equal(CALL(frame, ATOLL_NESTED_PAGE_MAP, CAPS(root), 0x200000, RW, 0), SEL4_NO_ERROR);
    assert_int_equal(CALL(frame, SEL4_X86_PAGE_MAP, CAPS(VSPACE), 0x200000, RW, 0), SEL4_ILLEGAL_OPERATION);
    word_t e = pte(root, 0x200000, LEVEL_PD);
    assert_int_equal(e & PTE_ADDRESS, GUEST_PADDR);
    assert_int_equal(e & (PTE_USER | PTE_WRITE | PTE_LARGE), PTE_USER | PTE_WRITE | PTE_LARGE);
    assert_int_equal(pte(root, 0, LEVEL_PD), 0);
    const word_t *table = object_at(table_offset(slot_at(root)->cap));
    assert_int_equal(table[256] | table[511], 0); /* nothing of the kernel is in a guest's tables */
    assert_int_equal(CALL(SEL4_CAP_INIT_CNODE, SEL4_CNODE_DELETE, CAPS(0), frame, 64), SEL4_NO_ERROR);
    assert_int_equal(pte(root, 0x200000, LEVEL_PD), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boot_information), cmocka_unit_test(tables_top_down), cmocka_unit_test(frames),
        cmocka_unit_test(large_frames),     cmocka_unit_test(shared_memory_keeps_its_direction),
        cmocka_unit_test(asids),            cmocka_unit_test(nested),
    };
    return cmocka_run_group_tests(tests, boot, NULL);
}
