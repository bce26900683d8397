/* CPUID and MSRs: what is on the lists, and that nothing else is. */
#include "vmm_fixture.h"
#include "rtc.h"
#include "clock.h"
#include "exit.h"
#include "msr.h"

static struct cpuid_regs ask(struct fixture *f, uint32_t leaf, uint32_t subleaf)
{
    struct vcpu *v = &f->vm.vcpu;
    struct cpuid_regs r;

    fixture_exit(f, EXIT_CPUID, 0, 0);
    fixture_exit_length(v, 2);
    v->words[W_RAX] = 0xffffffff00000000ull | leaf;
    v->words[W_RCX] = subleaf;
    assert_int_equal(exit_handle(&f->vm), VM_RESUME);
    assert_int_equal(v->advance, 2);
    assert_int_equal(v->changed, VCPU_GROUP_ABCD);
    assert_int_equal(v->words[W_RAX] >> 32, 0);
    r = (struct cpuid_regs){(uint32_t)v->words[W_RAX], (uint32_t)v->words[W_RBX], (uint32_t)v->words[W_RCX], (uint32_t)v->words[W_RDX]};
    return r;
}

static void what_must_not_be_offered(void **state)
{
    struct fixture *f = *state;

    assert_false(ask(f, 1, 0).ecx & (1u << 3 | 1u << 5 | 1u << 15 | 1u << 17 | 1u << 18)); /* MONITOR VMX PDCM PCID DCA */
    assert_false(ask(f, 0x80000001, 0).ecx & (1u << 2 | 1u << 10 | 1u << 12 | 1u << 23)); /* SVM IBS SKINIT PMU */
    assert_int_equal(ask(f, 0x8000000a, 0).edx, 0);
    assert_int_equal(ask(f, 0x8000001f, 0).eax, 0);
    assert_false(ask(f, 7, 0).ecx & 1u << 16); /* LA57 */
    assert_false(ask(f, 7, 0).ebx & (1u << 16 | 1u << 10 | 1u << 12 | 1u << 4)); /* AVX-512 INVPCID PQM HLE */
    assert_int_equal(ask(f, 7, 1).eax, 0);
    assert_int_equal(ask(f, 5, 0).ecx, 0);
    assert_int_equal(ask(f, 0xd, 9).eax, 0);
}

static void what_must_be_offered(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask(f, 0, 0).eax, 0xd);
    assert_true(ask(f, 1, 0).ecx >> 31 & 1);
    assert_true(ask(f, 1, 0).ecx >> 21 & 1);
    assert_true(ask(f, 1, 0).ecx >> 24 & 1);
    assert_true(ask(f, 1, 0).edx >> 9 & 1);
    assert_int_equal(ask(f, 1, 0).ebx >> 16, 1);
    assert_int_equal(ask(f, 6, 0).eax, 4);
    assert_int_equal(ask(f, 0x80000007, 0).edx, 0x100);
    assert_int_equal(ask(f, 0x80000008, 0).eax, 0x3034);
    assert_int_equal(ask(f, 0x80000008, 0).ecx, 0);
}

static void hypervisor_leaves(void **state)
{
    struct fixture *f = *state;
    struct cpuid_regs r = ask(f, 0x40000000, 0);

    assert_int_equal(r.eax, 0x40000010);
    assert_memory_equal(&r.ebx, "KVMKVMKVM\0\0\0", 12);
    assert_int_equal(ask(f, 0x40000001, 0).eax, 0x0100000b);
    assert_int_equal(ask(f, 0x40000010, 0).eax, 2500000);
    assert_int_equal(f->vm.counters[VMM_COUNT_CPUID_UNKNOWN], 0);
    assert_int_equal(ask(f, 0x40000011, 0).eax, 0);
    assert_int_equal(ask(f, 0xe, 0).eax, 0);
    assert_int_equal(ask(f, 0x80000022, 0).eax, 0);
    assert_int_equal(ask(f, 0xffffffff, 0).eax, 0);
    assert_int_equal(f->vm.counters[VMM_COUNT_CPUID_UNKNOWN], 4);
}

static void leaves_that_follow_state(void **state)
{
    struct fixture *f = *state;

    assert_false(ask(f, 1, 0).ecx >> 27 & 1);
    f->vm.vcpu.words[W_CR4] |= CR4_OSXSAVE;
    assert_true(ask(f, 1, 0).ecx >> 27 & 1);
    assert_int_equal(ask(f, 0xd, 0).eax, 7);
    assert_int_equal(ask(f, 0xd, 0).ebx, 576);
    assert_int_equal(ask(f, 0xd, 0).ecx, 832);
    f->vm.vcpu.words[W_XCR0] = 7;
    assert_int_equal(ask(f, 0xd, 0).ebx, 832);
    assert_int_equal(ask(f, 0xd, 1).eax, 7);
    assert_int_equal(ask(f, 0xd, 2).eax, 256);
    assert_true(lapic_write_base(&f->vm.lapic, 0xfee00100));
    assert_false(ask(f, 1, 0).edx >> 9 & 1);
    assert_int_equal(ask(f, 0xb, 0).ebx, 1);
    assert_int_equal(ask(f, 0xb, 0).ecx, 0x100);
    assert_int_equal(ask(f, 0xb, 1).ecx, 0x201);
    assert_int_equal(ask(f, 0xb, 2).ebx, 0);
}

static struct cpuid_regs small_cpu(uint32_t leaf, uint32_t subleaf)
{
    if (leaf == 0)
        return (struct cpuid_regs){1, 0, 0, 0};
    if (leaf == 0x80000000)
        return (struct cpuid_regs){0x80000008, 0, 0, 0};
    if (leaf == 1)
        return (struct cpuid_regs){0x600, 0x800, 0, ~0u};
    return (struct cpuid_regs){0, 0, subleaf, 0};
}

static void a_small_cpu_offers_no_more_than_it_has(void **state)
{
    struct cpuid c;

    (void)state;
    cpuid_init(&c, small_cpu, 1000000000);
    assert_int_equal(c.xcr0, 0);
    assert_int_equal(c.basic[1].ecx, 0x81200000);
    assert_int_equal(c.basic[7].ebx, 0);
    assert_int_equal(c.save[0].eax, 0);
    assert_int_equal(c.extended[4].eax, 0);
}

static bool rd(struct fixture *f, uint32_t msr, uint64_t *value)
{
    struct vcpu *v = &f->vm.vcpu;

    fixture_exit(f, EXIT_MSR, msr, 0);
    fixture_exit_length(v, 2);
    v->words[W_RAX] = v->words[W_RDX] = ~0ull;
    assert_int_equal(exit_handle(&f->vm), VM_RESUME);
    if (event_vector(f) == VECTOR_GP) {
        assert_int_equal(v->advance, 0);
        return false;
    }
    assert_int_equal(v->advance, 2);
    assert_int_equal(v->words[W_RAX] >> 32 | v->words[W_RDX] >> 32, 0);
    *value = v->words[W_RAX] | v->words[W_RDX] << 32;
    return true;
}

static bool wr(struct fixture *f, uint32_t msr, uint64_t value)
{
    struct vcpu *v = &f->vm.vcpu;

    fixture_exit(f, EXIT_MSR, msr, 1);
    fixture_exit_length(v, 2);
    v->words[W_RAX] = value & 0xffffffff;
    v->words[W_RDX] = value >> 32;
    assert_int_equal(exit_handle(&f->vm), VM_RESUME);
    return event_vector(f) != VECTOR_GP;
}

static void unknown_registers_are_refused(void **state)
{
    static const uint32_t unknown[] = {0, 0x1a0, 0xce, 0x10a, 0x48, 0x49, 0x3a, 0x480, 0xc0010114, 0xc0010117, 0xc0010000, 0xc0011030,
                                       0xc0000104, 0xffffffff, 0x7ff, 0x900, 0x210, 0x251, 0x40000000, 0x4b564d02, 0x400, 0x17b};
    struct fixture *f = *state;
    uint64_t value;

    for (unsigned i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        if (rd(f, unknown[i], &value) || wr(f, unknown[i], 0))
            fail_msg("MSR 0x%x exists", unknown[i]);
    }
    assert_int_equal(f->vm.counters[VMM_COUNT_MSR_REFUSED], 2 * sizeof unknown / sizeof unknown[0]);
}

static void known_registers(void **state)
{
    struct fixture *f = *state;
    uint64_t value, again;

    assert_true(rd(f, 0x1b, &value));
    assert_int_equal(value, 0xfee00d00);
    assert_true(rd(f, 0xfe, &value));
    assert_int_equal(value, 0x508);
    assert_false(wr(f, 0xfe, 0));
    assert_true(rd(f, 0x2ff, &value));
    assert_int_equal(value, 0xc06);
    assert_false(wr(f, 0x2ff, 2));
    assert_true(wr(f, 0x203, 0x7fffff000800));
    assert_true(rd(f, 0x203, &value));
    assert_int_equal(value, 0x7fffff000800);
    assert_false(wr(f, 0x200, 7));
    assert_true(wr(f, 0x26f, 0x0606060606060606));
    assert_false(wr(f, 0x250, 0x0306060606060606));
    assert_true(rd(f, 0x179, &value));
    assert_int_equal(value, 0);
    assert_true(rd(f, 0x10, &value));
    assert_true(rd(f, 0x10, &again));
    assert_true(again >= value);
    assert_true(wr(f, 0x10, 12345));
    assert_true(f->vm.vcpu.changed & VCPU_GROUP_TSC);
    assert_true(rd(f, 0x10, &value));
    assert_true(value >= 12345 && value < 12345 + 100000000000ull);
    /* TSC_ADJUST and the TSC move together. */
    assert_true(wr(f, 0x3b, 0));
    assert_int_equal(f->vm.tsc_offset, 0);
    assert_true(wr(f, 0x3b, 5000000));
    assert_int_equal(f->vm.tsc_offset, 5000000);
    assert_true(wr(f, 0x10, 12345));
    assert_true(rd(f, 0x3b, &value));
    assert_int_equal(value, f->vm.tsc_offset);
    assert_true(wr(f, 0xc0000103, 7));
    assert_false(wr(f, 0xc0000103, 1ull << 32));
    assert_true(rd(f, 0xc0000103, &value));
    assert_int_equal(value, 7);
}

static void efer(void **state)
{
    struct fixture *f = *state;
    uint64_t value;

    assert_true(rd(f, 0xc0000080, &value));
    assert_int_equal(value, EFER_LME | EFER_LMA);
    assert_true(wr(f, 0xc0000080, EFER_LME | EFER_SCE | EFER_NXE));
    assert_int_equal(f->vm.vcpu.words[W_EFER], EFER_LME | EFER_LMA | EFER_SCE | EFER_NXE);
    assert_false(wr(f, 0xc0000080, 0));      /* LME under paging */
    assert_false(wr(f, 0xc0000080, EFER_LME | 0x1000)); /* SVME */
    assert_false(wr(f, 0xc0000080, ~0ull));
    f->vm.vcpu.words[W_CR0] &= ~(uint64_t)CR0_PG;
    assert_true(wr(f, 0xc0000080, 0));
}

static void msr_sweep(void **state)
{
    static const uint32_t ranges[][2] = {{0, 0x2000}, {0x40000000, 0x40000200}, {0x4b564d00, 0x4b564d10}, {0xc0000000, 0xc0000200},
                                         {0xc0010000, 0xc0012000}};
    static const uint64_t values[] = {0, ~0ull, 1ull << 63, 0xffffffff, 0x3ffffe1};
    struct fixture *f = *state;
    uint64_t value;

    for (unsigned r = 0; r < 5; r++)
        for (uint32_t msr = ranges[r][0]; msr < ranges[r][1]; msr++) {
            rd(f, msr, &value);
            for (unsigned i = 0; i < 5; i++)
                wr(f, msr, values[i]);
        }
}

static void clock_page(void **state)
{
    struct fixture *f = *state;
    const struct {
        uint32_t version, pad;
        uint64_t tsc, time;
        uint32_t multiplier;
        int8_t shift;
        uint8_t flags;
    } *page = (const void *)(f->vm.memory.base + 0x5000);

    assert_true(wr(f, MSR_KVM_SYSTEM_TIME_NEW, 0x5001));
    assert_int_equal(page->version, 2);
    assert_int_equal(page->flags, 1);
    assert_int_equal(page->time, 0);
    /* Linux: kHz = (1000000 << 32) / multiplier, shifted back. */
    uint64_t khz = (1000000ull << 32) / page->multiplier;
    khz = page->shift < 0 ? khz << -page->shift : khz >> page->shift;
    assert_in_range(khz, 2499990, 2500010);
    assert_true(wr(f, MSR_KVM_WALL_CLOCK_NEW, 0x6000));
    assert_true(wr(f, MSR_KVM_SYSTEM_TIME_NEW, ~0ull)); /* beyond RAM: nothing is written */
    assert_true(wr(f, MSR_KVM_SYSTEM_TIME_NEW, FIXTURE_MEMORY - 16 + 1));
}

static void clock_rates(void **state)
{
    static const uint64_t rates[] = {1000000, 24000000, 999999999, 1000000000, 1000000001, 2000000000, 2596134000, 5000000000};

    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        uint32_t multiplier;
        int8_t shift;
        uint64_t second;

        clock_scale(rates[i], &multiplier, &shift);
        second = shift < 0 ? rates[i] >> -shift : rates[i] << shift;
        second = (uint64_t)((unsigned __int128)second * multiplier >> 32);
        assert_in_range(second, 999999000, 1000000000);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_new, fixture_free)
static void rtc_shows_the_time(void **state)
{
    static const struct { uint64_t now; uint8_t year, month, day, hour, minute, second, weekday; } cases[] = {
        {0, 0x70, 1, 1, 0, 0, 0, 5}, {951782399, 0x00, 2, 0x28, 0x23, 0x59, 0x59, 2}, {951782400, 0x00, 2, 0x29, 0, 0, 0, 3},
        {1795446245, 0x26, 0x11, 0x23, 0x15, 4, 5, 2}, {4102444799, 0x99, 0x12, 0x31, 0x23, 0x59, 0x59, 5},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t now = cases[i].now;

        assert_int_equal(rtc_read(9, now), cases[i].year);
        assert_int_equal(rtc_read(8, now), cases[i].month);
        assert_int_equal(rtc_read(7, now), cases[i].day);
        assert_int_equal(rtc_read(6, now), cases[i].weekday);
        assert_int_equal(rtc_read(4, now), cases[i].hour);
        assert_int_equal(rtc_read(2, now), cases[i].minute);
        assert_int_equal(rtc_read(0, now), cases[i].second);
    }
    for (unsigned index = 0; index < 256; index++)
        rtc_read((uint8_t)index, ~0ull);
    assert_int_equal(rtc_read(0x0a, 0) & 0x80, 0); /* never in an update */
    assert_int_equal(rtc_read(0x0d, 0), 0x80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {T(rtc_shows_the_time), T(what_must_not_be_offered), T(what_must_be_offered), T(hypervisor_leaves), T(leaves_that_follow_state),
                                       T(a_small_cpu_offers_no_more_than_it_has), T(unknown_registers_are_refused), T(known_registers), T(efer),
                                       T(msr_sweep), T(clock_page), T(clock_rates)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
