/* What a VMM may write into a vCPU: the checks that stand before the processor's own. */
#include <string.h>
#include "kernel/x86/cpu.h"
#include "x86_host.h"

#define GROUP(g) ((unsigned)__builtin_ctz(g))
#define LONG_CR0 0x80050033ull
#define LONG_CR4 0x6a0ull
#define LONG_EFER 0xd01ull

static word_t control[9], segments[16];

static int setup(void **state)
{
    (void)state;
    memset(segments, 0, sizeof(segments));
    memcpy(control, (word_t[9]){LONG_CR0, 0, 0x1000, LONG_CR4, 0, LONG_EFER, 7, 0xffff0ff0, 0x400}, sizeof(control));
    segments[2] = 0x10 | 0xa9bull << 16 | 0xffffffffull << 32;
    return 0;
}

static int bad_control(unsigned word, word_t value)
{
    control[word] = value;
    int wrong = vcpu_check_group(GROUP(VCPU_GROUP_CONTROL), control);
    setup(NULL);
    return wrong;
}

static void control_words(void **state)
{
    (void)state;
    assert_int_equal(vcpu_check_group(GROUP(VCPU_GROUP_CONTROL), control), -1);
    assert_int_equal(bad_control(0, LONG_CR0 | 1ull << 32), 0);
    assert_int_equal(bad_control(0, 0x20000000), 0);          /* NW without CD */
    assert_int_equal(bad_control(0, 0x80000000), 0);          /* PG without PE */
    assert_int_equal(bad_control(0, LONG_CR0 | 1 << 6), 0);
    assert_int_equal(bad_control(1, ~0ull), -1);
    assert_int_equal(bad_control(2, 1ull << 39), 2);          /* beyond the physical address width */
    assert_int_equal(bad_control(2, 1ull << 63), 2);
    assert_int_equal(bad_control(3, LONG_CR4 | 1 << 13), 3);  /* VMXE */
    assert_int_equal(bad_control(3, LONG_CR4 | 1ull << 40), 3);
    assert_int_equal(bad_control(4, 16), 4);
    assert_int_equal(bad_control(5, LONG_EFER | 1 << 12), 5); /* SVME is not the guest's */
    assert_int_equal(bad_control(6, 0), 6);
    assert_int_equal(bad_control(6, 5), 6);                   /* AVX without SSE */
    assert_int_equal(bad_control(6, 0x207), 6);               /* PKRU */
    assert_int_equal(bad_control(7, 1ull << 32), 7);
    assert_int_equal(bad_control(8, 1ull << 32), 8);
}

static void other_words(void **state)
{
    (void)state;
    word_t w[VCPU_MAX_GROUP_WORDS] = {0};
    for (unsigned g = 0; g < VCPU_GROUPS; g++)
        if (g != GROUP(VCPU_GROUP_CONTROL))
            assert_int_equal(vcpu_check_group(g, w), -1);
    w[0] = 1ull << 60;
    assert_int_equal(vcpu_check_group(GROUP(VCPU_GROUP_RIP), w), 0);
    w[0] = 0, w[1] = 1ull << 22;
    assert_int_equal(vcpu_check_group(GROUP(VCPU_GROUP_RIP), w), 1);
    assert_int_equal(vcpu_check_group(GROUP(VCPU_GROUP_MSRS), w), -1);
    w[1] = 1ull << 62;
    assert_int_equal(vcpu_check_group(GROUP(VCPU_GROUP_MSRS), w), 1);
    assert_int_equal(vcpu_check_group(GROUP(VCPU_GROUP_SEGMENTS), w), 1);
    assert_int_equal(vcpu_check_group(GROUP(VCPU_GROUP_TABLES), w), 1);
    assert_int_equal(vcpu_check_group(GROUP(VCPU_GROUP_TSC), w), 1);
    w[1] = 0, w[8] = 0x0707070707070702ull;
    assert_int_equal(vcpu_check_group(GROUP(VCPU_GROUP_MSRS), w), 8);
    w[8] = 0, w[0] = 0x10000;
    assert_int_equal(vcpu_check_group(GROUP(VCPU_GROUP_TABLES), w), 0);
    w[0] = 1ull << 29;
    assert_int_equal(vcpu_check_group(GROUP(VCPU_GROUP_SEGMENTS), w), 0);
    w[0] = 0, w[1] = 0x100;
    assert_int_equal(vcpu_check_group(GROUP(VCPU_GROUP_EVENT), w), 1);
}

/* The event words that APM vol 2, 15.20 calls illegal, and legal ones. */
static void events(void **state)
{
    (void)state;
    const word_t valid = VCPU_EVENT_VALID;
    static const uint8_t no_exceptions[] = {2, 9, 15, 22, 23, 24, 28, 31, 32, 255};
    for (unsigned i = 0; i < sizeof(no_exceptions); i++)
        assert_int_equal(vcpu_check_event(valid | VCPU_EVENT_EXCEPTION | no_exceptions[i], false), -1);
    for (unsigned type = 0; type < 8; type++)
        if (type != 0 && type != 2 && type != 3 && type != 4)
            assert_int_equal(vcpu_check_event(valid | type << 8 | 2, false), -1);
    assert_int_equal(vcpu_check_event(0, false), 0);
    assert_int_equal(vcpu_check_event(1, false), -1);
    assert_int_equal(vcpu_check_event(valid | 0x80, false), 0);
    assert_int_equal(vcpu_check_event(valid | VCPU_EVENT_NMI | 2, false), 0);
    assert_int_equal(vcpu_check_event(valid | VCPU_EVENT_NMI | 3, false), -1);
    assert_int_equal(vcpu_check_event(valid | VCPU_EVENT_EXCEPTION | VCPU_EVENT_ERROR_VALID | 14 | 2ull << 32, true), 0);
    assert_int_equal(vcpu_check_event(valid | VCPU_EVENT_EXCEPTION | VCPU_EVENT_ERROR_VALID | 6, true), -1);
    assert_int_equal(vcpu_check_event(valid | VCPU_EVENT_EXCEPTION | 6 | 1ull << 32, true), -1);
    assert_int_equal(vcpu_check_event(valid | VCPU_EVENT_EXCEPTION | 19, true), 0); /* SIMD floating point */
    assert_int_equal(vcpu_check_event(valid | VCPU_EVENT_EXCEPTION | 4, false), 0);
    assert_int_equal(vcpu_check_event(valid | VCPU_EVENT_EXCEPTION | 4, true), -1);
    assert_int_equal(vcpu_check_event(valid | 1 << 12, false), -1);
}

static int entry(word_t rflags, word_t event) { return vcpu_check_entry(control, segments, rflags, event); }

/* What words must agree on (APM vol 2, 15.5.1). */
static void entry_agreement(void **state)
{
    (void)state;
    assert_int_equal(entry(2, 0), -1);
    control[5] &= ~EFER_LMA;
    assert_int_equal(entry(2, 0), VCPU_GROUP_CONTROL << 8 | 5);
    setup(NULL), control[0] &= ~CR0_PG; /* LMA without paging */
    assert_int_equal(entry(2, 0), VCPU_GROUP_CONTROL << 8 | 5);
    setup(NULL), control[3] &= ~CR4_PAE;
    assert_int_equal(entry(2, 0), VCPU_GROUP_CONTROL << 8 | 3);
    setup(NULL), segments[2] |= 1ull << 26; /* CS.L and CS.D */
    assert_int_equal(entry(2, 0), VCPU_GROUP_SEGMENTS << 8 | 2);
    setup(NULL);
    assert_int_equal(entry(2 | RFLAGS_VM, 0), VCPU_GROUP_RIP << 8 | 1);
    assert_int_equal(entry(2, VCPU_EVENT_VALID | VCPU_EVENT_EXCEPTION | 5), VCPU_GROUP_EVENT << 8);
    control[0] = CR0_PE | CR0_ET, control[3] = CR4_PCIDE, control[5] = 0;
    assert_int_equal(entry(2, 0), VCPU_GROUP_CONTROL << 8 | 3);
    control[3] = 0;
    assert_int_equal(entry(2, 0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(control_words, setup),
        cmocka_unit_test_setup(other_words, setup),
        cmocka_unit_test_setup(events, setup),
        cmocka_unit_test_setup(entry_agreement, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
