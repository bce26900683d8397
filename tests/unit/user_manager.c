/* The node manager's reading of messages: a VMM may send anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "manager.h"

#define VMM(i) (MANAGER_BADGE_VMM + (i))
#define FAULT(i) (MANAGER_BADGE_FAULT + (i))

static uint64_t words[SEL4_MSG_MAX_LENGTH];

static enum vm_action decode(struct vm_record *vm, uint64_t badge, uint64_t label, uint64_t length)
{
    return message_decode(vm, badge, sel4_info(label, 0, length), words);
}

static void a_vm_lives(void **state)
{
    (void)state;
    struct vm_record vm = {.index = 3};
    assert_int_equal(decode(&vm, VMM(3), MANAGER_RESET, 0), ACTION_REFUSE); /* it does not run yet */
    assert_int_equal(decode(&vm, VMM(3), MANAGER_START, 0), ACTION_START);
    vm.state = VM_RUNNING;
    assert_int_equal(decode(&vm, VMM(3), MANAGER_START, 0), ACTION_REFUSE);
    assert_int_equal(decode(&vm, VMM(3), MANAGER_RESET, 0), ACTION_RESET);
    words[0] = 17;
    assert_int_equal(decode(&vm, VMM(3), MANAGER_EXIT_CODE, 1), ACTION_EXIT_CODE);
    assert_int_equal(vm.exit_code, 17);
    assert_int_equal(decode(&vm, VMM(3), MANAGER_POWERED_OFF, 0), ACTION_END);
    vm.state = VM_ENDED;
    assert_int_equal(decode(&vm, VMM(3), MANAGER_START, 0), ACTION_IGNORE);
    assert_int_equal(decode(&vm, FAULT(3), SEL4_FAULT_VM, 4), ACTION_IGNORE);
}

static void strangers_are_ignored(void **state)
{
    (void)state;
    struct vm_record vm = {.index = 3};
    const uint64_t badges[] = {0, 3, VMM(2), VMM(4), FAULT(2), UINT64_MAX};
    for (size_t i = 0; i < sizeof badges / sizeof badges[0]; i++)
        assert_int_equal(decode(&vm, badges[i], MANAGER_START, 0), ACTION_IGNORE);
}

static void counters_are_bounded(void **state)
{
    (void)state;
    struct vm_record vm = {.index = 0};
    words[0] = VMM_COUNTERS;
    for (unsigned i = 0; i < VMM_COUNTERS; i++)
        words[1 + i] = 100 + i;
    assert_int_equal(decode(&vm, VMM(0), MANAGER_COUNTERS, 1 + VMM_COUNTERS), ACTION_ANSWER);
    assert_int_equal(vm.counters[VMM_COUNTERS - 1], 100 + VMM_COUNTERS - 1);
    assert_int_equal(decode(&vm, VMM(0), MANAGER_COUNTERS, VMM_COUNTERS), ACTION_REFUSE); /* fewer words than promised */
    words[0] = UINT64_MAX;
    assert_int_equal(decode(&vm, VMM(0), MANAGER_COUNTERS, 1 + VMM_COUNTERS), ACTION_REFUSE);
    assert_int_equal(decode(&vm, VMM(0), MANAGER_COUNTERS, 0), ACTION_REFUSE);
    assert_int_equal(decode(&vm, VMM(0), MANAGER_EXIT_CODE, 0), ACTION_REFUSE);
    assert_int_equal(decode(&vm, VMM(0), 0, 0), ACTION_REFUSE);
    assert_int_equal(decode(&vm, VMM(0), UINT64_MAX >> SEL4_MSG_LABEL_SHIFT, 127), ACTION_REFUSE);
}

static void reasons_are_harmless(void **state)
{
    (void)state;
    struct vm_record vm = {.index = 0};
    memset(words, 0, sizeof words);
    words[0] = 13;
    memcpy(&words[1], "bad\nevent: \x1d" "x", 13);
    assert_int_equal(decode(&vm, VMM(0), MANAGER_STOPPED, 3), ACTION_STOP);
    assert_string_equal(vm.reason, "bad?event: ?x");
    words[0] = UINT64_MAX;
    memset(&words[1], 'r', sizeof words - sizeof words[0]);
    assert_int_equal(decode(&vm, VMM(0), MANAGER_STOPPED, 3), ACTION_STOP);
    assert_int_equal(strlen(vm.reason), 16);
    assert_int_equal(decode(&vm, VMM(0), MANAGER_STOPPED, 127), ACTION_STOP);
    assert_int_equal(strlen(vm.reason), MANAGER_REASON_MAX);
    assert_int_equal(decode(&vm, VMM(0), MANAGER_STOPPED, 0), ACTION_STOP);
    assert_string_equal(vm.reason, "no reason given");
}

static void faults_become_sentences(void **state)
{
    (void)state;
    struct vm_record vm = {.index = 1};
    memset(words, 0, sizeof words);
    words[0] = 0x401000;
    words[1] = 0xdead;
    words[3] = 6;
    assert_int_equal(decode(&vm, FAULT(1), SEL4_FAULT_VM, 4), ACTION_STOP);
    assert_string_equal(vm.reason, "VMM fault: page fault at address 0xdead, instruction 0x401000, error code 0x6");
    assert_int_equal(decode(&vm, FAULT(1), SEL4_FAULT_USER_EXCEPTION, 5), ACTION_STOP);
    assert_string_equal(vm.reason, "VMM fault: exception 6, error code 0x0, instruction 0x401000");
    assert_int_equal(decode(&vm, FAULT(1), SEL4_FAULT_CAP, 7), ACTION_STOP);
    assert_int_equal(decode(&vm, FAULT(1), SEL4_FAULT_UNKNOWN_SYSCALL, 19), ACTION_STOP);
    assert_string_equal(vm.reason, "VMM fault: type 2");
}

/* However much a VM made its manager report, its counters and its end still fit. */
static void a_flood_leaves_room_for_the_end(void **state)
{
    (void)state;
    uint64_t space = QUEUE_DATA_SIZE;
    unsigned lines = 0;
    for (; event_fits(space, 24, false); lines++)
        space -= 24;
    assert_true(lines > 2000);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(event_fits(space, EVENT_LINE_MAX, true));
        space -= EVENT_LINE_MAX;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vm_lives),           cmocka_unit_test(strangers_are_ignored), cmocka_unit_test(counters_are_bounded),
        cmocka_unit_test(reasons_are_harmless),
        cmocka_unit_test(a_flood_leaves_room_for_the_end), cmocka_unit_test(faults_become_sentences),
    };
    return cmocka_run_group_tests_name("user_manager", tests, NULL, NULL);
}
