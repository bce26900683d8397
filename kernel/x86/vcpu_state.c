/* What a VMM may write into a vCPU, checked so that the processor's own entry check (APM vol 2, 15.5.1 "Canonicalization and
 * consistency checks") never is the first to notice. Words are checked alone when they are written; what several words
 * must agree on is checked once before the next entry, so groups may arrive in any order. Pure: host tests run this file. */
#include "cpu.h"
#include "vcpu.h"

#define CR0_DEFINED (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG)
#define EFER_GUEST (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)
#define RFLAGS_DEFINED 0x3f7fd7ull
#define XCR0_SSE BIT(1)
#define XCR0_AVX BIT(2)
#define SEGMENT_ATTRIBUTES_UNDEFINED 0xf0000000ull /* attribute bits 15..12 */
#define SEGMENT_L BIT(16 + 9)
#define SEGMENT_DB BIT(16 + 10)

/* Vectors that exist as exceptions, those of them with an error code (APM vol 2, table 8-1). */
#define EXCEPTIONS 0x003f7dfbull /* 0 1 3-8 10-14 16-21 */
#define EXCEPTIONS_WITH_ERROR 0x00227d00ull
#define EVENT_UNDEFINED 0x7ffff000ull
#define EVENT_TYPE(e) ((e) & 0x700)
#define EVENT_VECTOR(e) ((e) & 0xff)

static const uint8_t words_of_group[VCPU_GROUPS] = VCPU_GROUP_WORDS;

unsigned vcpu_group_words(unsigned group) { return words_of_group[group]; }

/* Canonical for five-level paging, which includes four-level: the guest's own mode decides beyond that. */
static bool canonical(word_t v) { return (word_t)((int64_t)(v << 7) >> 7) == v; }
static bool fits32(word_t v) { return v <= UINT32_MAX; }

static bool pat_ok(word_t pat)
{
    for (unsigned i = 0; i < 8; i++) {
        word_t type = pat >> 8 * i & 0xff;
        if (type > 7 || type == 2 || type == 3) /* APM vol 2, 7.8.1 */
            return false;
    }
    return true;
}

static bool control_ok(unsigned word, word_t v)
{
    switch (word) {
    case 0: return !(v & ~CR0_DEFINED) && !((v & CR0_NW) && !(v & CR0_CD)) && !((v & CR0_PG) && !(v & CR0_PE));
    case 1: return true;
    case 2: return !(v & ~cpu.phys_mask);
    case 3: return !(v & ~cpu.guest_cr4_mask);
    case 4: return v <= 15;
    case 5: return !(v & ~EFER_GUEST);
    case 6: return (v & 1) && !(v & ~(cpu.xsave ? cpu.xcr0_mask : 1)) && !((v & XCR0_AVX) && !(v & XCR0_SSE));
    default: return fits32(v);
    }
}

static bool msr_ok(unsigned word, word_t v)
{
    switch (word) {
    case 0: return true;           /* STAR */
    case 3: case 5: return fits32(v); /* SFMASK, SYSENTER_CS */
    case 8: return pat_ok(v);
    default: return canonical(v);
    }
}

int vcpu_check_event(word_t event, bool long_mode)
{
    if (!(event & VCPU_EVENT_VALID))
        return event == 0 ? 0 : -1;
    word_t vector = EVENT_VECTOR(event);
    bool error = event & VCPU_EVENT_ERROR_VALID;
    if ((event & EVENT_UNDEFINED) || (!error && event >> 32))
        return -1;
    switch (EVENT_TYPE(event)) {
    case VCPU_EVENT_INTERRUPT: case VCPU_EVENT_SOFT_INTERRUPT: return error ? -1 : 0;
    case VCPU_EVENT_NMI: return error || vector != 2 ? -1 : 0;
    case VCPU_EVENT_EXCEPTION:
        if (vector > 31 || !(EXCEPTIONS & BIT(vector)) || (error && !(EXCEPTIONS_WITH_ERROR & BIT(vector))))
            return -1;
        return long_mode && (vector == 4 || vector == 5) ? -1 : 0; /* INTO and BOUND don't exist there */
    default: return -1;
    }
}

static bool word_ok(unsigned group, unsigned word, word_t v)
{
    switch (1u << group) {
    case VCPU_GROUP_RIP: return word == 0 ? canonical(v) : !(v & ~RFLAGS_DEFINED);
    case VCPU_GROUP_CONTROL: return control_ok(word, v);
    case VCPU_GROUP_SEGMENTS: return word % 2 == 0 ? !(v & SEGMENT_ATTRIBUTES_UNDEFINED) : canonical(v);
    case VCPU_GROUP_TABLES: return word % 2 == 0 ? v <= 0xffff : canonical(v);
    case VCPU_GROUP_MSRS: return msr_ok(word, v);
    case VCPU_GROUP_EVENT: return word == 0 ? vcpu_check_event(v, false) == 0 : !(v & ~0xffull);
    case VCPU_GROUP_TSC: return word == 0 || fits32(v);
    default: return true; /* general registers hold anything */
    }
}

int vcpu_check_group(unsigned group, const word_t *words)
{
    for (unsigned i = 0; i < words_of_group[group]; i++)
        if (!word_ok(group, i, words[i]))
            return (int)i;
    return -1;
}

/* Group bit << 8 | word of what is wrong. */
static int bad(unsigned group, unsigned word) { return (int)(group << 8 | word); }

int vcpu_check_entry(const word_t *control, const word_t *segments, word_t rflags, word_t event)
{
    word_t cr0 = control[0], cr4 = control[3], efer = control[5], cs = segments[2];
    bool paging = cr0 & CR0_PG, long_mode = paging && (efer & EFER_LME);
    if (!!(efer & EFER_LMA) != long_mode)
        return bad(VCPU_GROUP_CONTROL, 5);
    if (long_mode && !(cr4 & CR4_PAE))
        return bad(VCPU_GROUP_CONTROL, 3);
    if ((cr4 & CR4_PCIDE) && !long_mode)
        return bad(VCPU_GROUP_CONTROL, 3);
    if (long_mode && (cs & SEGMENT_L) && (cs & SEGMENT_DB))
        return bad(VCPU_GROUP_SEGMENTS, 2);
    if (long_mode && (rflags & RFLAGS_VM))
        return bad(VCPU_GROUP_RIP, 1);
    if (vcpu_check_event(event, long_mode && (cs & SEGMENT_L)) != 0)
        return bad(VCPU_GROUP_EVENT, 0);
    return -1;
}
