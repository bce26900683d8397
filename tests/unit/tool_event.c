/* Event lines, and the verdict that they add up to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "event.h"

static void events_are_understood(void **state)
{
    (void)state;
    static const struct {
        const char *line, *vm, *text;
        enum event_kind kind;
        unsigned long number;
    } cases[] = {
        {"event: vm alpha started", "alpha", NULL, EVENT_VM_STARTED, 0},
        {"event: vm a-1 powered-off", "a-1", NULL, EVENT_VM_POWERED_OFF, 0},
        {"event: vm alpha reset", "alpha", NULL, EVENT_VM_RESET, 0},
        {"event: vm alpha stopped: triple fault", "alpha", "triple fault", EVENT_VM_STOPPED, 0},
        {"event: vm alpha exit-code 17", "alpha", NULL, EVENT_VM_EXIT_CODE, 17},
        {"event: vm alpha counters cpuid=3 port=4", "alpha", " cpuid=3 port=4", EVENT_VM_COUNTERS, 0},
        {"event: node 2 died: page fault", "", "page fault", EVENT_NODE_DIED, 2},
        {"event: boot stopped: no SVM", "", "no SVM", EVENT_BOOT_STOPPED, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct event e = event_parse(cases[i].line);
        assert_int_equal(e.kind, cases[i].kind);
        assert_string_equal(e.vm, cases[i].vm);
        assert_int_equal(e.number, cases[i].number);
        if (cases[i].text != NULL)
            assert_string_equal(e.text, cases[i].text);
    }
}

static void other_lines_are_no_events(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "", "hello", "vm alpha started", " event: vm alpha started", "[node 1] event: vm alpha started", /* forged */
        "event: vm", "event: vm ", "event: vm alpha", "event: vm alpha started twice", "event: vm alpha stopped", "event: vm  started",
        "event: vm alpha exit-code", "event: vm alpha exit-code x", "event: vm alpha exit-code 1x", "event: vm alpha exit-code -1",
        "event: vm aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa started", "event: node died: x", "event: node 1 dead", "event: boot",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_int_equal(event_parse(lines[i]).kind, EVENT_NONE);
}

static struct description_vm vms[] = {{.name = "alpha", .vcpus = 1, .first_node = 1}, {.name = "beta", .vcpus = 2, .first_node = 2}};
static const struct description two = {.vms = vms, .vm_count = 2};

/* Feed lines; -1: not complete, else the exit code. */
static int verdict(const char *const *lines)
{
    struct outcome o;
    assert_int_equal(outcome_init(&o, &two), 0);
    for (; *lines != NULL; lines++) {
        struct event e = event_parse(*lines);
        outcome_event(&o, &e);
    }
    int code = outcome_complete(&o) ? outcome_exit_code(&o) : -1;
    outcome_free(&o);
    return code;
}

#define VERDICT(...) verdict((const char *const[]){__VA_ARGS__, NULL})
#define ALPHA_OFF "event: vm alpha powered-off"
#define BETA_OFF "event: vm beta powered-off"

static void verdicts(void **state)
{
    (void)state;
    assert_int_equal(VERDICT("event: vm alpha started"), -1);
    assert_int_equal(VERDICT(ALPHA_OFF), -1);
    assert_int_equal(VERDICT(ALPHA_OFF, BETA_OFF), 0);
    assert_int_equal(VERDICT(ALPHA_OFF, "event: vm beta reset"), -1);
    assert_int_equal(VERDICT(ALPHA_OFF, "event: vm beta stopped: x"), 1);
    assert_int_equal(VERDICT("event: vm alpha stopped: x"), -1);
    assert_int_equal(VERDICT("event: vm alpha exit-code 0", ALPHA_OFF, BETA_OFF), 0);
    assert_int_equal(VERDICT("event: vm alpha exit-code 3", ALPHA_OFF, BETA_OFF), 1);
    assert_int_equal(VERDICT("event: node 2 died: x", ALPHA_OFF), 1); /* node 2 runs beta */
    assert_int_equal(VERDICT(BETA_OFF, "event: node 2 died: x", ALPHA_OFF), 0); /* beta had ended before */
    assert_int_equal(VERDICT("event: node 3 died: x", ALPHA_OFF), 1); /* beta's second vCPU */
    assert_int_equal(VERDICT("event: vm alpha exit-code 3", "event: vm alpha restarts in 100 ms: x", ALPHA_OFF, BETA_OFF), 0); /* a new life */
    assert_int_equal(VERDICT("event: node 4 died: x", ALPHA_OFF, BETA_OFF), 0); /* an idle node's death hurts nobody */
    assert_int_equal(VERDICT("event: node 0 died: x"), 1);
    assert_int_equal(VERDICT("event: boot stopped: x"), 1);
    assert_int_equal(VERDICT("event: vm gamma stopped: x", ALPHA_OFF, BETA_OFF), 0);
}

static void the_first_reason_stays(void **state)
{
    (void)state;
    struct outcome o;
    outcome_init(&o, &two);
    static const char *const lines[] = {"event: vm alpha stopped: the cause", "event: node 1 died: a consequence"};
    for (int i = 0; i < 2; i++) {
        struct event e = event_parse(lines[i]);
        outcome_event(&o, &e);
    }
    assert_string_equal(o.vms[0].reason, "the cause");
    outcome_free(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_understood),
        cmocka_unit_test(other_lines_are_no_events),
        cmocka_unit_test(verdicts),
        cmocka_unit_test(the_first_reason_stays),
    };
    return cmocka_run_group_tests_name("tool_event", tests, NULL, NULL);
}
