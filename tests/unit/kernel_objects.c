/* Retype, CNode operations, derivation: results and refusals. Every refusal is also checked to change nothing (host_call). */
#include "host_arch.h"

static int start(void **state)
{
    (void)state;
    host_start();
    return 0;
}

#define RETYPE(type, bits, offset, count) CALL(UNTYPED, SEL4_UNTYPED_RETYPE, CAPS(CNODE), type, bits, 0, 0, offset, count)

static void retype_makes_every_object(void **state)
{
    (void)state;
    static const struct { word_t type, bits; enum cap_tag tag; } kinds[] = {
        {SEL4_UNTYPED, 12, CAP_UNTYPED}, {SEL4_TCB, 0, CAP_TCB}, {SEL4_ENDPOINT, 0, CAP_ENDPOINT},
        {SEL4_NOTIFICATION, 0, CAP_NOTIFICATION}, {SEL4_CNODE, 4, CAP_CNODE}, {SEL4_SCHED_CONTEXT, 8, CAP_SC},
        {SEL4_REPLY, 0, CAP_REPLY}, {SEL4_X86_4K_PAGE, 0, CAP_FRAME}};
    for (word_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        assert_int_equal(RETYPE(kinds[i].type, kinds[i].bits, FREE + 2 * i, 2), SEL4_NO_ERROR);
        assert_int_equal(cap_tag(slot_of(FREE + 2 * i)->cap), kinds[i].tag);
        assert_int_equal(cap_tag(slot_of(FREE + 2 * i + 1)->cap), kinds[i].tag);
        assert_true(slot_is_parent(slot_of(UNTYPED), slot_of(FREE + 2 * i)));
    }
    assert_true(slot_has_children(slot_of(UNTYPED)));
}

static void retype_refusals(void **state)
{
    (void)state;
    assert_int_equal(CALL(UNTYPED, SEL4_UNTYPED_RETYPE, CAPS(0), SEL4_TCB, 0, 0, 0, FREE, 1), SEL4_TRUNCATED_MESSAGE);
    assert_int_equal(CALL(UNTYPED, SEL4_UNTYPED_RETYPE, CAPS(CNODE), SEL4_TCB, 0, 0, 0, FREE), SEL4_TRUNCATED_MESSAGE);
    assert_int_equal(CALL(UNTYPED, SEL4_TCB_SUSPEND, CAPS(0)), SEL4_ILLEGAL_OPERATION);
    assert_int_equal(RETYPE(ATOLL_OBJECT_TYPES, 0, FREE, 1), SEL4_INVALID_ARGUMENT);
    assert_int_equal(RETYPE(~0ull, 0, FREE, 1), SEL4_INVALID_ARGUMENT);
    assert_int_equal(RETYPE(SEL4_UNTYPED, 3, FREE, 1), SEL4_RANGE_ERROR);
    assert_int_equal(RETYPE(SEL4_UNTYPED, 48, FREE, 1), SEL4_RANGE_ERROR);
    assert_int_equal(RETYPE(SEL4_UNTYPED, 1ull << 40, FREE, 1), SEL4_RANGE_ERROR);
    assert_int_equal(RETYPE(SEL4_CNODE, 0, FREE, 1), SEL4_INVALID_ARGUMENT);
    assert_int_equal(RETYPE(SEL4_CNODE, CNODE_MAX_RADIX + 1, FREE, 1), SEL4_RANGE_ERROR);
    assert_int_equal(RETYPE(SEL4_SCHED_CONTEXT, 6, FREE, 1), SEL4_INVALID_ARGUMENT);
    assert_int_equal(RETYPE(SEL4_ENDPOINT, 0, FREE, 0), SEL4_RANGE_ERROR);
    assert_int_equal(RETYPE(SEL4_ENDPOINT, 0, FREE, 257), SEL4_RANGE_ERROR);
    assert_int_equal(RETYPE(SEL4_ENDPOINT, 0, 1024, 1), SEL4_RANGE_ERROR);
    assert_int_equal(RETYPE(SEL4_ENDPOINT, 0, 1023, 2), SEL4_RANGE_ERROR);
    assert_int_equal(RETYPE(SEL4_ENDPOINT, 0, TCB, 1), SEL4_DELETE_FIRST);
    assert_int_equal(RETYPE(SEL4_ENDPOINT, 0, FREE, 1), SEL4_NO_ERROR);
    assert_int_equal(RETYPE(SEL4_ENDPOINT, 0, FREE - 1, 2), SEL4_DELETE_FIRST);
    assert_int_equal(RETYPE(SEL4_UNTYPED, 22, FREE + 1, 1), SEL4_NOT_ENOUGH_MEMORY);
    assert_int_equal(RETYPE(SEL4_UNTYPED, 20, FREE + 1, 2), SEL4_NOT_ENOUGH_MEMORY);
    /* the destination: not a CNode, unresolvable, too deep */
    assert_int_equal(CALL(UNTYPED, SEL4_UNTYPED_RETYPE, CAPS(TCB), SEL4_ENDPOINT, 0, 0, 0, 0, 1), SEL4_FAILED_LOOKUP);
    assert_int_equal(CALL(UNTYPED, SEL4_UNTYPED_RETYPE, CAPS(CNODE), SEL4_ENDPOINT, 0, TCB, 64, 0, 1), SEL4_FAILED_LOOKUP);
    assert_int_equal(CALL(UNTYPED, SEL4_UNTYPED_RETYPE, CAPS(CNODE), SEL4_ENDPOINT, 0, CNODE, 65, 0, 1), SEL4_RANGE_ERROR);
    assert_int_equal(CALL(UNTYPED, SEL4_UNTYPED_RETYPE, CAPS(CNODE), SEL4_ENDPOINT, 0, CNODE, 64, FREE + 9, 1), SEL4_NO_ERROR);
}

static void frame_only_memory_holds_no_objects(void **state)
{
    (void)state;
    for (word_t type = SEL4_TCB; type <= SEL4_REPLY; type++)
        assert_int_equal(CALL(FRAMES, SEL4_UNTYPED_RETYPE, CAPS(CNODE), type, 8, 0, 0, FREE, 1), SEL4_INVALID_ARGUMENT);
    assert_int_equal(CALL(FRAMES, SEL4_UNTYPED_RETYPE, CAPS(CNODE), SEL4_X86_PML4, 0, 0, 0, FREE, 1), SEL4_INVALID_ARGUMENT);
    assert_int_equal(CALL(FRAMES, SEL4_UNTYPED_RETYPE, CAPS(CNODE), SEL4_UNTYPED, 20, 0, 0, FREE, 1), SEL4_NO_ERROR);
    assert_true(untyped_frame_only(slot_of(FREE)->cap));
    assert_int_equal(CALL(FREE, SEL4_UNTYPED_RETYPE, CAPS(CNODE), SEL4_TCB, 0, 0, 0, FREE + 1, 1), SEL4_INVALID_ARGUMENT);
    assert_int_equal(CALL(FREE, SEL4_UNTYPED_RETYPE, CAPS(CNODE), SEL4_X86_4K_PAGE, 0, 0, 0, FREE + 1, 4), SEL4_NO_ERROR);
    assert_int_equal(frame_paddr(slot_of(FREE + 4)->cap), FRAMES_PADDR + 0x3000);
    assert_int_equal(CALL(TCB, SEL4_TCB_SET_IPC_BUFFER, CAPS(FREE + 1), 0x10000), SEL4_ILLEGAL_OPERATION);
}

static void memory_is_cleared_before_it_is_used_again(void **state)
{
    (void)state;
    assert_int_equal(RETYPE(SEL4_X86_4K_PAGE, 0, FREE, 200), SEL4_NO_ERROR);
    char *page = object_at(frame_paddr(slot_of(FREE + 199)->cap) - WINDOW_PADDR);
    page[17] = 0x55;
    assert_int_equal(CALL(CNODE, SEL4_CNODE_REVOKE, CAPS(0), UNTYPED, 64), SEL4_NO_ERROR);
    host.interrupt_pending = true; /* each chunk is a preemption point */
    word_t tries = 0;
    while (RETYPE(SEL4_X86_4K_PAGE, 0, FREE, 200) == HOST_PREEMPTED)
        assert_true(++tries < 100);
    assert_true(tries > 10);
    assert_int_equal(cap_tag(slot_of(FREE + 199)->cap), CAP_FRAME);
    assert_int_equal(page[17], 0);
}

static void copy_mint_move_mutate(void **state)
{
    (void)state;
    assert_int_equal(RETYPE(SEL4_ENDPOINT, 0, 20, 1), SEL4_NO_ERROR);
    assert_int_equal(CALL(CNODE, SEL4_CNODE_MINT, CAPS(CNODE), 21, 64, 20, 64, SEL4_ALL_RIGHTS, 77), SEL4_NO_ERROR);
    assert_int_equal(cap_badge(slot_of(21)->cap), 77);
    assert_int_equal(CALL(CNODE, SEL4_CNODE_COPY, CAPS(CNODE), 22, 64, 21, 64, SEL4_RIGHT_READ), SEL4_NO_ERROR);
    assert_int_equal(cap_badge(slot_of(22)->cap), 77);
    assert_int_equal(cap_rights(slot_of(22)->cap), SEL4_RIGHT_READ);
    /* a badge is set once */
    assert_int_equal(CALL(CNODE, SEL4_CNODE_MINT, CAPS(CNODE), 23, 64, 21, 64, SEL4_ALL_RIGHTS, 5), SEL4_ILLEGAL_OPERATION);
    assert_int_equal(CALL(CNODE, SEL4_CNODE_MUTATE, CAPS(CNODE), 23, 64, 20, 64, 5), SEL4_ILLEGAL_OPERATION);
    assert_int_equal(CALL(CNODE, SEL4_CNODE_COPY, CAPS(CNODE), 21, 64, 20, 64, SEL4_ALL_RIGHTS), SEL4_DELETE_FIRST);
    assert_int_equal(CALL(CNODE, SEL4_CNODE_COPY, CAPS(CNODE), 23, 64, 500, 64, SEL4_ALL_RIGHTS), SEL4_FAILED_LOOKUP);
    assert_int_equal(host_mr(0), 1); /* the source's lookup failed */
    assert_int_equal(CALL(CNODE, SEL4_CNODE_COPY, CAPS(TCB), 23, 64, 20, 64, SEL4_ALL_RIGHTS), SEL4_FAILED_LOOKUP);
    assert_int_equal(CALL(CNODE, SEL4_CNODE_COPY, CAPS(CNODE), 23, 0, 20, 64, SEL4_ALL_RIGHTS), SEL4_RANGE_ERROR);
    assert_int_equal(CALL(CNODE, SEL4_CNODE_COPY, CAPS(CNODE), 23, 64, 20, 64), SEL4_TRUNCATED_MESSAGE);
    assert_int_equal(CALL(CNODE, SEL4_CNODE_COPY, CAPS(0), 23, 64, 20, 64, SEL4_ALL_RIGHTS), SEL4_TRUNCATED_MESSAGE);
    assert_int_equal(CALL(CNODE, SEL4_CNODE_COPY, CAPS(CNODE), 23, 64, IRQ_CONTROL, 64, SEL4_ALL_RIGHTS), SEL4_ILLEGAL_OPERATION);
    /* moving keeps the place in the tree */
    assert_int_equal(CALL(CNODE, SEL4_CNODE_MOVE, CAPS(CNODE), 23, 64, 21, 64), SEL4_NO_ERROR);
    assert_true(slot_is_empty(slot_of(21)));
    assert_true(slot_is_parent(slot_of(23), slot_of(22)));
    assert_int_equal(CALL(CNODE, SEL4_CNODE_MOVE, CAPS(CNODE), 24, 64, 21, 64), SEL4_FAILED_LOOKUP);
    /* a CNode's guard */
    assert_int_equal(RETYPE(SEL4_CNODE, 4, 30, 1), SEL4_NO_ERROR);
    assert_int_equal(CALL(CNODE, SEL4_CNODE_MINT, CAPS(CNODE), 31, 64, 30, 64, SEL4_ALL_RIGHTS, 61), SEL4_ILLEGAL_OPERATION);
    assert_int_equal(CALL(CNODE, SEL4_CNODE_MUTATE, CAPS(CNODE), 31, 64, 30, 64, 0x5 << 6 | 8), SEL4_NO_ERROR);
    assert_int_equal(cnode_guard_size(slot_of(31)->cap), 8);
    assert_int_equal(cnode_guard(slot_of(31)->cap), 5);
    /* a badged endpoint in the second level: index 5:3 of 12 bits */
    assert_int_equal(CALL(31, SEL4_CNODE_COPY, CAPS(CNODE), 0x53, 12, 23, 64, SEL4_ALL_RIGHTS), SEL4_NO_ERROR);
    assert_int_equal(CALL(31, SEL4_CNODE_COPY, CAPS(CNODE), 0x64, 12, 23, 64, SEL4_ALL_RIGHTS), SEL4_FAILED_LOOKUP);
    assert_int_equal(CALL(31, SEL4_CNODE_COPY, CAPS(CNODE), 0x54, 13, 23, 64, SEL4_ALL_RIGHTS), SEL4_FAILED_LOOKUP);
    assert_int_equal(CALL(31, SEL4_CNODE_COPY, CAPS(CNODE), 0x54, 11, 23, 64, SEL4_ALL_RIGHTS), SEL4_FAILED_LOOKUP);
}

static void rotate(void **state)
{
    (void)state;
    assert_int_equal(RETYPE(SEL4_ENDPOINT, 0, 20, 1), SEL4_NO_ERROR);
    assert_int_equal(RETYPE(SEL4_NOTIFICATION, 0, 21, 1), SEL4_NO_ERROR);
    /* 21 (pivot) to 22, 20 to 21 */
    assert_int_equal(CALL(CNODE, SEL4_CNODE_ROTATE, CAPS(CNODE, CNODE), 22, 64, 0, 21, 64, 0, 20, 64), SEL4_NO_ERROR);
    assert_int_equal(cap_tag(slot_of(22)->cap), CAP_NOTIFICATION);
    assert_int_equal(cap_tag(slot_of(21)->cap), CAP_ENDPOINT);
    assert_true(slot_is_empty(slot_of(20)));
    /* swap 21 and 22 */
    assert_int_equal(CALL(CNODE, SEL4_CNODE_ROTATE, CAPS(CNODE, CNODE), 21, 64, 0, 22, 64, 0, 21, 64), SEL4_NO_ERROR);
    assert_int_equal(cap_tag(slot_of(21)->cap), CAP_NOTIFICATION);
    assert_int_equal(cap_tag(slot_of(22)->cap), CAP_ENDPOINT);
    assert_int_equal(CALL(CNODE, SEL4_CNODE_ROTATE, CAPS(CNODE, CNODE), 23, 64, 0, 22, 64, 0, 22, 64), SEL4_ILLEGAL_OPERATION);
    assert_int_equal(CALL(CNODE, SEL4_CNODE_ROTATE, CAPS(CNODE, CNODE), 22, 64, 0, 22, 64, 0, 21, 64), SEL4_ILLEGAL_OPERATION);
    assert_int_equal(CALL(CNODE, SEL4_CNODE_ROTATE, CAPS(CNODE, CNODE), TCB, 64, 0, 22, 64, 0, 21, 64), SEL4_DELETE_FIRST);
    assert_int_equal(CALL(CNODE, SEL4_CNODE_ROTATE, CAPS(CNODE, CNODE), 23, 64, 0, 24, 64, 0, 21, 64), SEL4_FAILED_LOOKUP);
    assert_int_equal(CALL(CNODE, SEL4_CNODE_ROTATE, CAPS(CNODE, CNODE), 23, 64, 0, 22, 64, 0, 24, 64), SEL4_FAILED_LOOKUP);
}

static void invocation_on_nothing(void **state)
{
    (void)state;
    assert_int_equal(CALL(FREE, 0, CAPS(0)), SEL4_INVALID_CAPABILITY);
    assert_int_equal(CALL(CNODE, 0, CAPS(0)), SEL4_ILLEGAL_OPERATION);
    assert_int_equal(CALL(TCB, 0, CAPS(0)), SEL4_ILLEGAL_OPERATION);
    assert_int_equal(CALL(DOMAIN, SEL4_DOMAIN_SET_SET, CAPS(TCB), 1), SEL4_INVALID_ARGUMENT);
    assert_int_equal(CALL(DOMAIN, SEL4_DOMAIN_SET_SET, CAPS(CNODE), 0), SEL4_INVALID_ARGUMENT);
    assert_int_equal(CALL(DOMAIN, SEL4_DOMAIN_SET_SET, CAPS(TCB), 0), SEL4_NO_ERROR);
}

static void tcb_refusals(void **state)
{
    (void)state;
    host_thread(20, 100, false);
    assert_int_equal(CALL(20, SEL4_TCB_SET_PRIORITY, CAPS(TCB), 256), SEL4_RANGE_ERROR);
    assert_int_equal(CALL(20, SEL4_TCB_SET_PRIORITY, CAPS(CNODE), 1), SEL4_INVALID_CAPABILITY);
    assert_int_equal(CALL(20, SEL4_TCB_SET_PRIORITY, CAPS(0), 1), SEL4_TRUNCATED_MESSAGE);
    assert_int_equal(CALL(20, SEL4_TCB_SET_SPACE, CAPS(0, TCB, VSPACE), 0, 0), SEL4_ILLEGAL_OPERATION);
    assert_int_equal(CALL(20, SEL4_TCB_SET_SPACE, CAPS(0, CNODE, TCB), 0, 0), SEL4_INVALID_CAPABILITY);
    assert_int_equal(CALL(20, SEL4_TCB_SET_SPACE, CAPS(TCB, CNODE, VSPACE), 0, 0), SEL4_INVALID_CAPABILITY);
    assert_int_equal(CALL(20, SEL4_TCB_SET_IPC_BUFFER, CAPS(22), 0x10008), SEL4_ALIGNMENT_ERROR);
    assert_int_equal(CALL(20, SEL4_TCB_READ_REGISTERS, CAPS(0), 0, 0), SEL4_RANGE_ERROR);
    assert_int_equal(CALL(20, SEL4_TCB_READ_REGISTERS, CAPS(0), 0, 21), SEL4_RANGE_ERROR);
    assert_int_equal(CALL(TCB, SEL4_TCB_READ_REGISTERS, CAPS(0), 0, 20), SEL4_ILLEGAL_OPERATION);
    assert_int_equal(CALL(20, SEL4_TCB_WRITE_REGISTERS, CAPS(0), 0, 2, 1), SEL4_TRUNCATED_MESSAGE);
    assert_int_equal(CALL(20, SEL4_TCB_UNBIND_NOTIFICATION, CAPS(0)), SEL4_ILLEGAL_OPERATION);
    assert_int_equal(CALL(20, SEL4_TCB_BIND_NOTIFICATION, CAPS(TCB)), SEL4_INVALID_CAPABILITY);
    assert_int_equal(CALL(20, SEL4_TCB_SET_TIMEOUT_ENDPOINT, CAPS(CNODE)), SEL4_INVALID_CAPABILITY);
    assert_int_equal(CALL(20, SEL4_TCB_SET_SCHED_PARAMS, CAPS(TCB, SC, 0), 1, 1), SEL4_ILLEGAL_OPERATION);
    /* registers go both ways, in seL4_UserContext order */
    assert_int_equal(CALL(20, SEL4_TCB_WRITE_REGISTERS, CAPS(0), 0, 4, 0x1000, 0x2000, 0x202, 42), SEL4_NO_ERROR);
    assert_int_equal(CALL(20, SEL4_TCB_READ_REGISTERS, CAPS(0), 0, 20), SEL4_NO_ERROR);
    assert_int_equal(message_length(root->context.rsi), 20);
    assert_int_equal(host_mr(0), 0x1000);
    assert_int_equal(host_mr(1), 0x2000);
    assert_int_equal(host_mr(3), 42);
    assert_int_equal(CALL(20, SEL4_TCB_SET_FLAGS, CAPS(0), 0, 1), SEL4_NO_ERROR);
    assert_int_equal(host_mr(0), 1);
    assert_int_equal(CALL(20, SEL4_TCB_SET_FLAGS, CAPS(0), 1, 0), SEL4_NO_ERROR);
    assert_int_equal(host_mr(0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(retype_makes_every_object, start),
        cmocka_unit_test_setup(retype_refusals, start),
        cmocka_unit_test_setup(frame_only_memory_holds_no_objects, start),
        cmocka_unit_test_setup(memory_is_cleared_before_it_is_used_again, start),
        cmocka_unit_test_setup(copy_mint_move_mutate, start),
        cmocka_unit_test_setup(rotate, start),
        cmocka_unit_test_setup(invocation_on_nothing, start),
        cmocka_unit_test_setup(tcb_refusals, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
