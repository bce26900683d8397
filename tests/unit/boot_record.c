/* The record of the last run, at its real place: this process has memory mapped there. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>
#include <atoll/queue.h>
#include "print.h"
#include "record.h"

#define MIB (1ull << 20)
#define LOG_PLACE (RECORD_PLACE + 0x10000)
#define LOG_DATA 0x10000u
#define LOG_BYTES (QUEUE_PAGE + LOG_DATA)

static char printed[65536];
static size_t printed_size;

void print(const char *format, ...) /* as print.c: everything goes to the record, too */
{
    va_list arguments;
    va_start(arguments, format);
    size_t at = printed_size;
    printed_size += (size_t)vsnprintf(printed + at, sizeof printed - at, format, arguments);
    va_end(arguments);
    for (; at < printed_size; at++)
        record_put(printed[at]);
}

static struct ranges ram, own;

static void start(void)
{
    printed_size = 0;
    memset(printed, 0, sizeof printed);
    own.count = 0;
    record_open(&ram, &own);
}

static int make_ram(void **state)
{
    (void)state;
    void *at = mmap((void *)RECORD_PLACE, 2 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (at != (void *)RECORD_PLACE)
        return -1;
    return ranges_add(&ram, MIB, RECORD_PLACE + 2 * MIB) ? 0 : -1;
}

/* One program is one boot; here the runs follow each other, so the record that is open stays open until the next start(). */
static void a_first_run_reports_nothing(void **state)
{
    (void)state;
    print("early\n");
    record_stage(STAGE_ENTERED);
    start();
    assert_string_equal(printed, "");
    assert_true(ranges_contain(&own, RECORD_PLACE, RECORD_PLACE + RECORD_BYTES));
    assert_int_equal(own.count, 1);
}

static void the_next_run_reports_it(void **state)
{
    (void)state;
    print("one\nevent: boot stopped: two\n");
    record_stage(STAGE_STOPPED);
    start();
    assert_string_equal(printed, "boot: last run: it reached stage 0xaf, stopped by boot\nboot: last run: early\nboot: last run: one\n"
                                 "boot: last run: event: boot stopped: two\n");
}

static void a_report_is_not_recorded(void **state)
{
    (void)state;
    record_stage(STAGE_PLAN);
    start();
    assert_null(strstr(printed, "one"));
    assert_non_null(strstr(printed, "stage 0xa4, plan"));
}

static void only_the_last_whole_lines_of_a_long_log(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3000; i++)
        print("line %u\n", i);
    printed_size = 0;
    start();
    assert_non_null(strstr(printed, "last run: line 2999\n"));
    assert_null(strstr(printed, "last run: line 1000\n"));
    for (const char *line = strchr(printed, '\n') + 1; *line; line = strchr(line, '\n') + 1)
        assert_int_equal(strncmp(line, "boot: last run: line ", 21), 0);
}

static void logs_of_kernels(void **state)
{
    (void)state;
    static struct { struct system_header header; struct system_request requests[3]; } system = {.header = {.node_count = 2, .request_count = 3}};
    static struct plan plan = {.system = &system.header};
    static const char words[] = "half a line\n\x1b[2Jready\npanic: no\x07 more\nevent: node 0 died\n";
    struct queue_producer *log = (struct queue_producer *)LOG_PLACE;
    system.requests[0].kind = RESOURCE_SHARED;
    system.requests[1].kind = system.requests[2].kind = RESOURCE_LOG;
    plan.memory[1] = (struct range){LOG_PLACE, LOG_PLACE + LOG_BYTES};
    plan.memory[2] = (struct range){RECORD_PLACE + 2 * MIB - LOG_BYTES, RECORD_PLACE + 2 * MIB}; /* there, but never a queue */
    log->magic = QUEUE_MAGIC;
    log->status = QUEUE_DEAD;
    log->head = 3 * LOG_DATA + sizeof words - 1;
    memcpy(log + 1, words, sizeof words - 1);
    record_kernel_logs(&plan);
    start();
    assert_non_null(strstr(printed, "boot: last run: kernel 0: [2Jready\nboot: last run: kernel 0: panic: no more\n"
                                    "boot: last run: kernel 0: event: node 0 died\n"));
    assert_null(strstr(printed, "kernel 1"));
}

/* Whatever stands there: nothing outside RAM is read, and what is printed is lines of the report. */
static void garbage_is_harmless(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (unsigned round = 0; round < 300; round++) {
        uint64_t *word = (uint64_t *)RECORD_PLACE, magic = word[0], inverted = word[7];
        for (unsigned i = 0; i < RECORD_BYTES / 8; i++) {
            seed = seed * 1664525 + 1013904223;
            word[i] = (uint64_t)seed << (round % 3 * 16) | seed >> 7;
        }
        word[0] = magic;
        word[7] = inverted;
        if (round % 2) {
            word[8] = LOG_PLACE; /* the first log's address and size */
            word[9] = LOG_DATA << round % 5;
            ((struct queue_producer *)LOG_PLACE)->head = seed;
        }
        start();
        for (const char *c = printed; *c; c++)
            assert_true(*c == '\n' || (*c >= ' ' && *c <= '~'));
        for (const char *line = printed; *line; line = strchr(line, '\n') + 1)
            assert_int_equal(strncmp(line, "boot: last run: ", 16), 0);
    }
}

static void no_place_no_record(void **state)
{
    (void)state;
    struct ranges taken = {0};
    printed_size = 0;
    assert_true(ranges_add(&taken, RECORD_PLACE, RECORD_PLACE + 0x1000));
    record_open(&ram, &taken);
    assert_non_null(strstr(printed, "would not survive a reset"));
    assert_int_equal(ranges_total(&taken), 0x1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_run_reports_nothing), cmocka_unit_test(the_next_run_reports_it),
        cmocka_unit_test(a_report_is_not_recorded), cmocka_unit_test(only_the_last_whole_lines_of_a_long_log),
        cmocka_unit_test(logs_of_kernels), cmocka_unit_test(garbage_is_harmless), cmocka_unit_test(no_place_no_record),
    };
    return cmocka_run_group_tests(tests, make_ram, NULL);
}
