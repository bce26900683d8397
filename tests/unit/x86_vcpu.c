/* A vCPU from its making to its end, with a function as the guest: what exits tell the VMM, what replies may do, and that
 * refused state stops the guest with the word's name. */
#include <string.h>
#include "kernel/x86/boot_objects.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/svm.h"
#include "kernel/x86/timer.h"
#include "x86_host.h"

#define ROOT SEL4_CAP_INIT_CNODE
#define GROUP(g) ((unsigned)__builtin_ctz(g))

static word_t vcpu_slot, tcb_slot, endpoint_slot, reply_slot, nested_slot, timer_slot;
static struct vcpu *vcpu;
static struct tcb *thread;
static struct vmcb *vmcb;
static uint64_t exit_code, info1, info2, interrupt_info;
static unsigned entries, tlb_control;

/* The guest does nothing but leave. */
static void leaves(struct vcpu *v)
{
    struct vmcb *b = (void *)v->hardware;
    entries++;
    tlb_control = b->tlb_control;
    b->exit_code = exit_code;
    b->exit_info1 = info1;
    b->exit_info2 = info2;
    b->exit_interrupt_info = interrupt_info;
}

static void guest_exits_with(uint64_t code, uint64_t i1, uint64_t i2)
{
    exit_code = code, info1 = i1, info2 = i2, interrupt_info = 0;
    guest_does = leaves;
}

/* kernel_exit's loop (entry.S): a vCPU thread runs until something else is current. */
static void run(void)
{
    while (kernel.current == thread)
        vcpu_run();
    assert_ptr_equal(kernel.current, init_thread());
}

static int boot(void **state)
{
    (void)state;
    host_boot();
    vcpu_slot = retype(ATOLL_VCPU, 0);
    tcb_slot = retype(SEL4_TCB, 0);
    endpoint_slot = retype(SEL4_ENDPOINT, 0);
    reply_slot = retype(SEL4_REPLY, 0);
    nested_slot = retype(ATOLL_NESTED_PML4, 0);
    timer_slot = retype(SEL4_NOTIFICATION, 0);
    word_t sc = retype(SEL4_SCHED_CONTEXT, 8);
    vcpu = object_at(cap_offset48(slot_at(vcpu_slot)->cap));
    vmcb = (void *)vcpu->hardware;
    thread = object_at(cap_offset48(slot_at(tcb_slot)->cap));
    assert_int_equal(CALL(SEL4_CAP_INIT_ASID_POOL, SEL4_X86_ASID_POOL_ASSIGN, CAPS(nested_slot)), SEL4_NO_ERROR);
    assert_int_equal(CALL(tcb_slot, SEL4_TCB_SET_SPACE, CAPS(endpoint_slot, ROOT, nested_slot), 0, 0), SEL4_NO_ERROR);
    assert_int_equal(CALL(bootinfo->schedcontrol.start, SEL4_SCHED_CONTROL_CONFIGURE_FLAGS, CAPS(sc), 5000, 5000, 0, 0, 0), SEL4_NO_ERROR);
    assert_int_equal(CALL(sc, SEL4_SCHED_CONTEXT_BIND, CAPS(tcb_slot)), SEL4_NO_ERROR);
    assert_int_equal(CALL(tcb_slot, SEL4_TCB_SET_PRIORITY, CAPS(SEL4_CAP_INIT_TCB), 255), SEL4_NO_ERROR);
    return 0;
}

static void binding(void **state)
{
    (void)state;
    assert_int_equal(CALL(vcpu_slot, ATOLL_VCPU_BIND, CAPS(vcpu_slot)), SEL4_INVALID_CAPABILITY);
    assert_int_equal(CALL(vcpu_slot, ATOLL_VCPU_BIND, CAPS(0)), SEL4_TRUNCATED_MESSAGE);
    assert_int_equal(CALL(vcpu_slot, ATOLL_VCPU_BIND, CAPS(SEL4_CAP_INIT_TCB)), SEL4_ILLEGAL_OPERATION);
    assert_int_equal(CALL(vcpu_slot, ATOLL_VCPU_BIND, CAPS(tcb_slot)), SEL4_NO_ERROR);
    assert_int_equal(CALL(vcpu_slot, ATOLL_VCPU_BIND, CAPS(tcb_slot)), SEL4_DELETE_FIRST);
    assert_ptr_equal(thread->vcpu, vcpu);
    assert_int_equal(CALL(vcpu_slot, ATOLL_VCPU_SET_TRANSFER, CAPS(0), EXIT_CLASSES, 0, 0), SEL4_RANGE_ERROR);
    assert_int_equal(CALL(vcpu_slot, ATOLL_VCPU_SET_TRANSFER, CAPS(0), EXIT_CPUID, 0x200, 0), SEL4_INVALID_ARGUMENT);
}

/* Every group reads back as written; a bad word writes nothing at all. */
static void reading_and_writing(void **state)
{
    (void)state;
    word_t w[1 + VCPU_ALL_WORDS] = {VCPU_ALL_GROUPS};
    assert_int_equal(CALL(vcpu_slot, ATOLL_VCPU_READ, CAPS(0), VCPU_ALL_GROUPS), SEL4_NO_ERROR);
    for (unsigned i = 0; i < VCPU_ALL_WORDS; i++)
        w[i + 1] = result(i);
    assert_int_equal(w[1 + 18], CR0_CD | CR0_NW | CR0_ET); /* INIT's CR0: groups in order, control behind 18 words */
    w[1] = 0x1111, w[5] = 0x5555, w[17] = 0x7c00, w[18] = RFLAGS_ONE | RFLAGS_IF, w[19] = CR0_ET, w[20] = 0xcafe;
    assert_int_equal(call(vcpu_slot, ATOLL_VCPU_WRITE, (word_t[4]){0}, 1 + VCPU_ALL_WORDS, w), SEL4_NO_ERROR);
    assert_int_equal(CALL(vcpu_slot, ATOLL_VCPU_READ, CAPS(0), VCPU_ALL_GROUPS), SEL4_NO_ERROR);
    for (unsigned i = 0; i < VCPU_ALL_WORDS; i++)
        assert_int_equal(result(i), w[i + 1]);
    assert_true(vmcb->efer & EFER_SVME);

    static struct vcpu before;
    memcpy(&before, vcpu, sizeof(before));
    w[1] = 0xbad, w[19] = 1ull << 40;
    assert_int_equal(call(vcpu_slot, ATOLL_VCPU_WRITE, (word_t[4]){0}, 1 + VCPU_ALL_WORDS, w), SEL4_INVALID_ARGUMENT);
    assert_memory_equal(&before, vcpu, sizeof(before));
    assert_int_equal(call(vcpu_slot, ATOLL_VCPU_WRITE, (word_t[4]){0}, VCPU_ALL_WORDS, w), SEL4_TRUNCATED_MESSAGE);
}

/* Init receives on the fault endpoint and so lets the vCPU run; label and MR0.. of what comes. */
static word_t receive(void)
{
    struct tcb *t = init_thread();
    t->context.rdi = endpoint_slot;
    t->context.r12 = reply_slot;
    handle_syscall(SEL4_SYS_RECV);
    run();
    return message_label(t->context.rsi);
}

static word_t reply(word_t label, unsigned length, const word_t *words)
{
    struct tcb *t = init_thread();
    for (unsigned i = 0; i < length; i++)
        message_set_word(t, i, words[i]);
    t->context.rdi = endpoint_slot;
    t->context.r12 = reply_slot;
    t->context.rsi = message_info(label, 0, 0, length);
    handle_syscall(SEL4_SYS_REPLY_RECV);
    run();
    return message_label(t->context.rsi);
}

static word_t exit_class(void) { return result(0) & EXIT_CLASS_MASK; }

static void first_exit(void **state)
{
    (void)state;
    guest_exits_with(SVM_EXIT_CPUID, 0, 0);
    assert_int_equal(CALL(vcpu_slot, ATOLL_VCPU_SET_TRANSFER, CAPS(0), EXIT_CPUID, VCPU_GROUP_ABCD | VCPU_GROUP_RIP, VCPU_GROUP_ABCD),
                     SEL4_NO_ERROR);
    assert_int_equal(CALL(tcb_slot, SEL4_TCB_RESUME, CAPS(0)), SEL4_NO_ERROR);
    unsigned barriers = machine.barriers;
    assert_int_equal(receive(), ATOLL_FAULT_VCPU);
    assert_int_equal(entries, 1);
    assert_int_equal(vmcb->nested_cr3, table_offset(slot_at(nested_slot)->cap) + WINDOW_PADDR);
    assert_int_equal(tlb_control, TLB_FLUSH_ALL); /* this processor has no flush by ASID */
    assert_int_not_equal(machine.barriers, barriers);
    assert_int_equal(result(0), EXIT_CPUID | EXIT_INTERRUPTIBLE);
    assert_int_equal(result(3), 0x7c00);
    assert_int_equal(result(4), 0x1111);
    assert_int_equal(result(8), 0x7c00);
    assert_int_equal(message_length(init_thread()->context.rsi), 4 + 4 + 2);
}

static void replies(void **state)
{
    (void)state;
    /* Registers in, two bytes on; the same VMM: no barrier, no flush. */
    vmcb->interrupt_shadow = INTERRUPT_SHADOW;
    unsigned barriers = machine.barriers;
    assert_int_equal(reply(VCPU_GROUP_ABCD | 2 << VCPU_REPLY_ADVANCE_SHIFT, 4, (word_t[]){1, 2, 3, 4}), ATOLL_FAULT_VCPU);
    assert_int_equal(vmcb->rip, 0x7c02);
    assert_int_equal(vmcb->interrupt_shadow, 0);
    assert_int_equal(vmcb->rax, 1);
    assert_int_equal(vcpu->registers.rdx, 4);
    assert_int_equal(reply(0, 0, NULL), ATOLL_FAULT_VCPU);
    assert_int_equal(machine.barriers, barriers);
    assert_int_equal(tlb_control, TLB_KEEP);

    /* What the descriptor does not let in, is too short or not sound: nothing runs, and the group is named. */
    unsigned before = entries;
    assert_int_equal(reply(VCPU_GROUP_CONTROL, 9, (word_t[9]){0}), ATOLL_FAULT_VCPU);
    assert_int_equal(exit_class(), EXIT_BAD_STATE);
    assert_int_equal(result(1), VCPU_GROUP_CONTROL);
    assert_int_equal(reply(VCPU_GROUP_GPR, 4, (word_t[4]){0}), ATOLL_FAULT_VCPU);
    assert_int_equal(result(1), VCPU_GROUP_GPR);
    assert_int_equal(reply(VCPU_GROUP_EVENT, 2, (word_t[2]){VCPU_EVENT_VALID | 5 << 8, 0}), ATOLL_FAULT_VCPU);
    assert_int_equal(exit_class(), EXIT_BAD_STATE);
    assert_int_equal(result(1), VCPU_GROUP_EVENT);
    assert_int_equal(result(2), 0);
    assert_int_equal(entries, before);

    /* Sound words that don't agree: found before the entry. */
    assert_int_equal(reply(VCPU_GROUP_CONTROL, 9, (word_t[9]){CR0_ET, 0, 0, 0, 0, EFER_LMA, 1, 0, 0}), ATOLL_FAULT_VCPU);
    assert_int_equal(exit_class(), EXIT_BAD_STATE);
    assert_int_equal(result(2), 5);
    assert_int_equal(entries, before);
    assert_int_equal(reply(VCPU_GROUP_CONTROL, 9, (word_t[9]){CR0_ET, 0, 0, 0, 0, 0, 1, 0, 0}), ATOLL_FAULT_VCPU);
    assert_int_equal(entries, before + 1);
}

static void exits(void **state)
{
    (void)state;
    vmcb->rip = 0x1000;
    /* IN AL, DX at port 0x3f8, two bytes long; REP OUTSW with 32-bit addresses. */
    guest_exits_with(SVM_EXIT_IOIO, 0x3f8ull << 16 | 1 << 4 | 1, 0x1002);
    reply(0, 0, NULL);
    assert_int_equal(result(0) & 0xffff, EXIT_PORT | 2 << EXIT_LENGTH_SHIFT);
    assert_int_equal(result(1), 0x3f8 | 1 << 16 | 1 << 17 | 7ull << 22);
    guest_exits_with(SVM_EXIT_IOIO, 0x70ull << 16 | 1 << 8 | 1 << 5 | 1 << 3 | 1 << 2, 0x1003);
    reply(0, 0, NULL);
    assert_int_equal(result(1), 0x70 | 2 << 17 | 1 << 20 | 1 << 21 | 7ull << 22 | 2ull << 25);
    vcpu->registers.rcx = 0xffffffffc0000080;
    guest_exits_with(SVM_EXIT_MSR, 1, 0);
    reply(0, 0, NULL);
    assert_int_equal(exit_class(), EXIT_MSR);
    assert_true(result(1) == 0xc0000080 && result(2) == 1);
    guest_exits_with(SVM_EXIT_NPF, NPF_WRITE | NPF_TABLE_WALK | 4, 0xfee00000);
    reply(0, 0, NULL);
    assert_int_equal(exit_class(), EXIT_NESTED);
    assert_true(result(1) == 0xfee00000 && result(2) == (2 | 16));
    guest_exits_with(SVM_EXIT_EXCEPTION + 17, 0, 0);
    reply(0, 0, NULL);
    assert_true(exit_class() == EXIT_EXCEPTION && result(1) == 17);
    guest_exits_with(0x6e5, 9, 0);
    reply(0, 0, NULL);
    assert_true(exit_class() == EXIT_OTHER && result(1) == 0x6e5 && result(2) == 9);
    /* VMEXIT_INVALID as QEMU writes it: the state is lost, and the vCPU starts over. */
    vmcb->rip = 0xffffffff80001234;
    guest_exits_with(SVM_EXIT_INVALID, 0, 0);
    reply(0, 0, NULL);
    assert_int_equal(exit_class(), EXIT_BAD_STATE);
    assert_int_equal(result(3), 0xfff0);
}

/* An event that an exit interrupted comes again; what its instruction raises again does not. */
static void interrupted_delivery(void **state)
{
    (void)state;
    static const struct {
        uint64_t cut_short, again;
    } rows[] = {
        {0x80000040, 0x80000040},                 /* interrupt 0x40 */
        {0x80000341, 0x80000041},                 /* the same by V_IRQ, as QEMU reports it */
        {0x80000b0e | 2ull << 32, 0x80000b0e | 2ull << 32}, /* page fault */
        {0x80000480, 0},                          /* INT 0x80 */
        {0x80000303, 0},                          /* INT3 */
        {0x00000040, 0},                          /* not valid */
    };
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        guest_exits_with(SVM_EXIT_NPF, 0, 0x1000);
        interrupt_info = rows[i].cut_short;
        reply(0, 0, NULL);
        assert_true(vmcb->event == rows[i].again);
        assert_int_equal(!!(result(0) & EXIT_EVENT_PENDING), rows[i].again != 0);
    }
}

static bool interrupt(word_t event)
{
    assert_int_equal(CALL(vcpu_slot, ATOLL_VCPU_INTERRUPT, CAPS(0), event), SEL4_NO_ERROR);
    return result(0);
}

static void interrupts(void **state)
{
    (void)state;
    const word_t valid = VCPU_EVENT_VALID;
    assert_int_equal(CALL(vcpu_slot, ATOLL_VCPU_INTERRUPT, CAPS(0), 0x40), SEL4_INVALID_ARGUMENT);
    assert_int_equal(CALL(vcpu_slot, ATOLL_VCPU_INTERRUPT, CAPS(0), valid | VCPU_EVENT_EXCEPTION | 14), SEL4_INVALID_ARGUMENT);
    vmcb->event = 0, vmcb->rflags = RFLAGS_ONE, vmcb->interrupt_shadow = 0;
    assert_false(interrupt(valid | 0x51)); /* IF is clear: a window of its priority */
    assert_true(vmcb->intercept3 & INTERCEPT_VINTR && vmcb->virtual_interrupt & V_IRQ);
    assert_int_equal(vmcb->virtual_interrupt >> V_PRIORITY_SHIFT & 0xf, 5);
    guest_exits_with(SVM_EXIT_VINTR, 0, 0);
    reply(0, 0, NULL);
    assert_int_equal(exit_class(), EXIT_WINDOW);
    assert_false(vmcb->intercept3 & INTERCEPT_VINTR || vmcb->virtual_interrupt & V_IRQ);
    vmcb->rflags |= RFLAGS_IF;
    vmcb->virtual_interrupt |= 5; /* CR8 */
    assert_false(interrupt(valid | 0x51));
    vmcb->virtual_interrupt &= ~V_TPR_MASK;
    assert_true(interrupt(valid | 0x51));
    assert_int_equal(vmcb->event, valid | 0x51);
    assert_false(interrupt(valid | 0x61)); /* one at a time */

    vmcb->event = 0;
    assert_true(interrupt(valid | VCPU_EVENT_NMI | 2));
    vmcb->event = 0; /* delivered */
    assert_false(interrupt(valid | VCPU_EVENT_NMI | 2));
    guest_exits_with(SVM_EXIT_IRET, 0, 0);
    reply(0, 0, NULL);
    assert_int_equal(exit_class(), EXIT_NMI_WINDOW);
    assert_false(vcpu->nmi_masked);

    /* The same by a reply: the event masks, the state asks for the window. */
    const word_t nmi[2] = {valid | VCPU_EVENT_NMI | 2, 0}, window[2] = {0, 4 | 8};
    guest_exits_with(SVM_EXIT_HLT, 0, 0);
    reply(VCPU_GROUP_EVENT, 2, nmi);
    assert_true(vcpu->nmi_masked && vmcb->intercept3 & INTERCEPT_IRET);
    vmcb->event = 0; /* delivered */
    guest_exits_with(SVM_EXIT_HLT, 0, 0);
    reply(VCPU_GROUP_EVENT, 2, window);
    guest_exits_with(SVM_EXIT_IRET, 0, 0);
    reply(0, 0, NULL);
    assert_int_equal(exit_class(), EXIT_NMI_WINDOW);
    assert_false(vcpu->nmi_masked);
}

static void timer(void **state)
{
    (void)state;
    const struct notification *n = object_at(cap_offset48(slot_at(timer_slot)->cap));
    assert_int_equal(CALL(vcpu_slot, ATOLL_VCPU_SET_TIMER, CAPS(endpoint_slot), 5), SEL4_INVALID_CAPABILITY);
    assert_int_equal(CALL(vcpu_slot, ATOLL_VCPU_SET_TIMER, CAPS(timer_slot), machine.tsc + 1000), SEL4_NO_ERROR);
    machine.tsc += 500;
    timer_interrupt();
    assert_int_equal(n->state, NOTIFICATION_IDLE);
    machine.tsc += 500;
    timer_interrupt();
    assert_int_equal(n->state, NOTIFICATION_ACTIVE);
    assert_int_equal(vcpu->timer_deadline, 0);
    /* With the notification gone, the timer signals nothing. */
    assert_int_equal(CALL(vcpu_slot, ATOLL_VCPU_SET_TIMER, CAPS(0), machine.tsc + 10), SEL4_NO_ERROR);
    assert_int_equal(CALL(ROOT, SEL4_CNODE_REVOKE, CAPS(0), timer_slot, 64), SEL4_NO_ERROR);
    assert_true(slot_is_empty(&vcpu->timer_slot));
    machine.tsc += 10;
    timer_interrupt();
}

static void counters_and_end(void **state)
{
    (void)state;
    assert_int_equal(CALL(vcpu_slot, ATOLL_VCPU_COUNTERS, CAPS(0)), SEL4_NO_ERROR);
    assert_int_equal(result(EXIT_CPUID), 4);
    assert_int_equal(result(EXIT_PORT), 2);
    assert_int_equal(result(EXIT_BAD_STATE), 5);
    /* The nested root goes: the guest has nowhere to run. */
    guest_exits_with(SVM_EXIT_HLT, 0, 0);
    assert_int_equal(CALL(SEL4_CAP_INIT_TCB, 0xfff, CAPS(0)), SEL4_ILLEGAL_OPERATION);
    assert_int_equal(CALL(ROOT, SEL4_CNODE_REVOKE, CAPS(0), nested_slot, 64), SEL4_NO_ERROR);
    reply(0, 0, NULL);
    assert_int_equal(exit_class(), EXIT_BAD_STATE);
    assert_int_equal(result(1), 0);
    /* The vCPU goes while its timer runs and its thread waits. */
    assert_int_equal(CALL(vcpu_slot, ATOLL_VCPU_SET_TIMER, CAPS(0), machine.tsc + 10), SEL4_NO_ERROR);
    assert_int_equal(CALL(ROOT, SEL4_CNODE_DELETE, CAPS(0), vcpu_slot, 64), SEL4_NO_ERROR);
    assert_null(thread->vcpu);
    assert_int_equal(thread->state, THREAD_INACTIVE);
    memset(vcpu, 0xff, sizeof(*vcpu)); /* its memory is someone else's now */
    machine.tsc += 100;
    timer_interrupt();
    assert_int_equal(CALL(ROOT, SEL4_CNODE_DELETE, CAPS(0), tcb_slot, 64), SEL4_NO_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binding), cmocka_unit_test(reading_and_writing), cmocka_unit_test(first_exit),
        cmocka_unit_test(replies), cmocka_unit_test(exits),               cmocka_unit_test(interrupted_delivery),
        cmocka_unit_test(interrupts), cmocka_unit_test(timer),            cmocka_unit_test(counters_and_end),
    };
    return cmocka_run_group_tests(tests, boot, NULL);
}
