#include "apic_bus.h"
#include "lib.h"

/* Register numbers: MMIO offset / 16, MSR - 0x800 (APM volume 2, table 16-2 and 16-6). */
enum {
    REG_ID = 0x02, REG_VERSION = 0x03, REG_TPR = 0x08, REG_PPR = 0x0a, REG_EOI = 0x0b, REG_LDR = 0x0d, REG_DFR = 0x0e,
    REG_SPURIOUS = 0x0f, REG_ISR = 0x10, REG_TMR = 0x18, REG_IRR = 0x20, REG_ERROR = 0x28, REG_LVT_CMCI = 0x2f,
    REG_ICR = 0x30, REG_ICR_HIGH = 0x31, REG_LVT_TIMER = 0x32, REG_LVT_ERROR = 0x37, REG_INITIAL = 0x38, REG_CURRENT = 0x39,
    REG_DIVIDE = 0x3e, REG_SELF_IPI = 0x3f,
};

#define APIC_VERSION 0x00050014u /* version 14h, six LVT entries: 0..5 */
#define LVT_MASKED 0x10000u
#define LVT_MODE_SHIFT 17
#define LVT_PENDING 0x1000u
#define ICR_ASSERT 0x4000u
#define SPURIOUS_ENABLE 0x100u
#define ERROR_SEND_VECTOR 0x20u
#define ERROR_RECEIVE_VECTOR 0x40u
#define TIMER_ONE_SHOT 0u
#define TIMER_PERIODIC 1u
#define TIMER_DEADLINE 2u
#define MIN_PERIOD 20000u /* TSC ticks: a shorter period would spend the core on the timer alone */

static const uint32_t lvt_mask[LVT_COUNT] = { /* writable bits */
    [LVT_TIMER] = 0x700ff, [LVT_THERMAL] = 0x107ff, [LVT_PERFORMANCE] = 0x107ff, [LVT_LINT0] = 0x1a7ff,
    [LVT_LINT1] = 0x1a7ff, [LVT_ERROR] = 0x100ff, [LVT_CMCI] = 0,
};

static void publish(struct lapic *l)
{
    if (l->bus)
        apic_bus_publish(l->bus);
}

void lapic_init(struct lapic *l)
{
    *l = (struct lapic){.id = l->id, .bus = l->bus, .base = l->base, .spurious = 0xff, .dfr = 0xffffffffu, .start = -1};
    for (unsigned i = 0; i < LVT_COUNT; i++)
        l->lvt[i] = LVT_MASKED;
    publish(l);
}

void lapic_reset(struct lapic *l, bool x2apic)
{
    l->base = LAPIC_MMIO | (l->id ? 0 : LAPIC_BASE_BSP) | (x2apic ? LAPIC_BASE_X2APIC : 0) | LAPIC_BASE_ENABLED;
    lapic_init(l);
}

static bool hardware_enabled(const struct lapic *l) { return l->base & LAPIC_BASE_ENABLED; }
static bool x2apic(const struct lapic *l) { return l->base & LAPIC_BASE_X2APIC; }
bool lapic_enabled(const struct lapic *l) { return hardware_enabled(l) && (l->spurious & SPURIOUS_ENABLE); }

/* Allowed steps: disabled -> xAPIC -> x2APIC, any -> disabled (Intel SDM volume 3, figure 11-27). */
bool lapic_write_base(struct lapic *l, uint64_t value)
{
    uint64_t mode = value & (LAPIC_BASE_ENABLED | LAPIC_BASE_X2APIC);
    uint64_t old = l->base & (LAPIC_BASE_ENABLED | LAPIC_BASE_X2APIC);

    if ((value & ~mode) != (LAPIC_MMIO | (l->base & LAPIC_BASE_BSP)) || mode == LAPIC_BASE_X2APIC)
        return false;
    if (old == (LAPIC_BASE_ENABLED | LAPIC_BASE_X2APIC) && mode == LAPIC_BASE_ENABLED)
        return false;
    if (old == 0 && mode == (LAPIC_BASE_ENABLED | LAPIC_BASE_X2APIC))
        return false;
    l->base = value;
    if (mode == 0 && old != 0)
        lapic_init(l);
    publish(l);
    return true;
}

static int highest(const uint32_t bits[8], uint8_t words)
{
    int i = words ? 31 - __builtin_clz(words) : -1;

    return i < 0 ? -1 : i * 32 + 31 - __builtin_clz(bits[i]);
}

static uint32_t processor_priority(const struct lapic *l)
{
    int serviced = highest(l->isr, l->isr_words);
    uint32_t in_service = serviced < 0 ? 0 : (uint32_t)serviced & 0xf0;

    return (l->tpr & 0xf0) >= in_service ? l->tpr : in_service;
}

int lapic_candidate(const struct lapic *l)
{
    int vector = highest(l->irr, l->irr_words);

    return vector >> 4 > highest(l->isr, l->isr_words) >> 4 && lapic_enabled(l) ? vector : -1;
}

static bool test_bit(const uint32_t *bits, unsigned n) { return bits[n / 32] >> n % 32 & 1; }

static void set_bit(uint32_t *bits, uint8_t *words, unsigned n)
{
    bits[n / 32] |= 1u << n % 32;
    *words |= (uint8_t)(1u << n / 32);
}

static void clear_bit(uint32_t *bits, uint8_t *words, unsigned n)
{
    bits[n / 32] &= ~(1u << n % 32);
    if (!bits[n / 32])
        *words &= (uint8_t)~(1u << n / 32);
}

void lapic_accept(struct lapic *l, unsigned vector)
{
    clear_bit(l->irr, &l->irr_words, vector & 0xff);
    set_bit(l->isr, &l->isr_words, vector & 0xff);
}

static void raise_error(struct lapic *l, uint32_t error)
{
    bool first = !(l->error_pending & error);

    l->error_pending |= error;
    if (first && !(l->lvt[LVT_ERROR] & LVT_MASKED) && (l->lvt[LVT_ERROR] & 0xff) >= 16)
        lapic_deliver(l, LAPIC_MODE_FIXED, l->lvt[LVT_ERROR] & 0xff, false);
}

void lapic_deliver(struct lapic *l, unsigned mode, unsigned vector, bool level)
{
    if (!hardware_enabled(l))
        return;
    switch (mode) {
    case LAPIC_MODE_FIXED: case LAPIC_MODE_LOWEST:
        if (!(l->spurious & SPURIOUS_ENABLE))
            return;
        if (vector < 16) {
            raise_error(l, ERROR_RECEIVE_VECTOR);
            return;
        }
        set_bit(l->irr, &l->irr_words, vector);
        l->tmr[vector / 32] = (l->tmr[vector / 32] & ~(1u << vector % 32)) | (uint32_t)level << vector % 32;
        break;
    case LAPIC_MODE_NMI: l->nmi_pending = true; break;
    case LAPIC_MODE_INIT:
        l->init_pending = true;
        l->start = -1;
        break;
    case LAPIC_MODE_START:
        if ((l->init_pending || l->waiting) && l->start < 0) /* the first one counts */
            l->start = (int)vector;
        break;
    default: break; /* SMI, ExtINT: nothing here would answer */
    }
}

static unsigned timer_mode(const struct lapic *l) { return l->lvt[LVT_TIMER] >> LVT_MODE_SHIFT & 3; }

/* Ticks of the TSC per count (APM volume 2, 16.4.1: bits 3, 1, 0). */
static unsigned divide_shift(const struct lapic *l)
{
    return (((l->divide & 3) | (l->divide >> 1 & 4)) + 1) & 7;
}

static uint64_t timer_period(const struct lapic *l)
{
    uint64_t period = (uint64_t)l->initial_count << divide_shift(l);

    return timer_mode(l) == TIMER_PERIODIC && period < MIN_PERIOD ? MIN_PERIOD : period;
}

static void timer_start(struct lapic *l, uint32_t count, uint64_t now)
{
    if (timer_mode(l) == TIMER_DEADLINE)
        return;
    l->initial_count = count;
    l->deadline = count ? now + timer_period(l) : 0;
}

static uint32_t timer_current(const struct lapic *l, uint64_t now)
{
    uint64_t left;

    if (timer_mode(l) == TIMER_DEADLINE || l->deadline <= now)
        return 0;
    left = (l->deadline - now) >> divide_shift(l);
    return left > l->initial_count ? l->initial_count : (uint32_t)left;
}

void lapic_tick(struct lapic *l, uint64_t now)
{
    if (!l->deadline || now < l->deadline)
        return;
    if (timer_mode(l) == TIMER_PERIODIC) {
        uint64_t period = timer_period(l);

        l->deadline += period;
        if (l->deadline <= now) /* missed some: they are one interrupt, as IRR holds one */
            l->deadline = now + period - (now - l->deadline) % period;
    } else {
        l->deadline = 0;
    }
    if (!(l->lvt[LVT_TIMER] & LVT_MASKED))
        lapic_deliver(l, LAPIC_MODE_FIXED, l->lvt[LVT_TIMER] & 0xff, false);
}

bool lapic_write_deadline(struct lapic *l, uint64_t value)
{
    if (timer_mode(l) == TIMER_DEADLINE && hardware_enabled(l)) /* in other modes the write is ignored, SDM 11.5.4.1 */
        l->deadline = value;
    return true;
}

uint64_t lapic_read_deadline(const struct lapic *l) { return timer_mode(l) == TIMER_DEADLINE ? l->deadline : 0; }

static void write_lvt(struct lapic *l, enum lapic_lvt i, uint32_t value)
{
    unsigned old_mode = timer_mode(l);

    value &= lvt_mask[i];
    if (!(l->spurious & SPURIOUS_ENABLE))
        value |= LVT_MASKED;
    l->lvt[i] = value;
    if (i == LVT_TIMER && (old_mode == TIMER_DEADLINE) != (timer_mode(l) == TIMER_DEADLINE)) {
        l->deadline = 0;
        l->initial_count = 0;
    }
}

static void write_eoi(struct lapic *l)
{
    int vector = highest(l->isr, l->isr_words);

    if (vector < 0)
        return;
    clear_bit(l->isr, &l->isr_words, (unsigned)vector);
    if (test_bit(l->tmr, (unsigned)vector))
        l->ended_level = (uint8_t)vector;
}

unsigned lapic_take_eoi(struct lapic *l)
{
    unsigned vector = l->ended_level;

    l->ended_level = 0;
    return vector;
}

static void send_ipi(struct lapic *l)
{
    struct apic_message m = {
        .destination = x2apic(l) ? (uint32_t)(l->icr >> 32) : (uint32_t)(l->icr >> 56),
        .wide = x2apic(l),
        .logical = l->icr >> 11 & 1,
        .shorthand = l->icr >> 18 & 3,
        .mode = l->icr >> 8 & 7,
        .vector = l->icr & 0xff,
    };

    if ((m.mode == LAPIC_MODE_FIXED || m.mode == LAPIC_MODE_LOWEST) && m.vector < 16) {
        raise_error(l, ERROR_SEND_VECTOR);
        return;
    }
    if (m.mode == LAPIC_MODE_INIT && !(l->icr & ICR_ASSERT)) /* INIT de-assert does nothing */
        return;
    if (l->bus)
        apic_bus_send(l->bus, &m);
}

static bool read_register(const struct lapic *l, unsigned reg, uint64_t now, uint32_t *value)
{
    if (reg >= REG_ISR && reg < REG_ISR + 8)
        *value = l->isr[reg - REG_ISR];
    else if (reg >= REG_TMR && reg < REG_TMR + 8)
        *value = l->tmr[reg - REG_TMR];
    else if (reg >= REG_IRR && reg < REG_IRR + 8)
        *value = l->irr[reg - REG_IRR];
    else if (reg >= REG_LVT_TIMER && reg <= REG_LVT_ERROR)
        *value = l->lvt[reg - REG_LVT_TIMER];
    else
        switch (reg) {
        case REG_ID: *value = x2apic(l) ? l->id : l->id << 24; break;
        case REG_VERSION: *value = APIC_VERSION; break;
        case REG_TPR: *value = l->tpr; break;
        case REG_PPR: *value = processor_priority(l); break;
        case REG_LDR: *value = x2apic(l) ? (l->id >> 4) << 16 | 1u << (l->id & 15) : l->ldr; break;
        case REG_DFR: *value = l->dfr; return !x2apic(l);
        case REG_SPURIOUS: *value = l->spurious; break;
        case REG_ERROR: *value = l->error_status; break;
        case REG_ICR: *value = (uint32_t)l->icr; break;
        case REG_ICR_HIGH: *value = (uint32_t)(l->icr >> 32); return !x2apic(l);
        case REG_INITIAL: *value = l->initial_count; break;
        case REG_CURRENT: *value = timer_current(l, now); break;
        case REG_DIVIDE: *value = l->divide; break;
        default: return false;
        }
    return true;
}

static bool write_register(struct lapic *l, unsigned reg, uint32_t value, uint64_t now)
{
    if (reg >= REG_LVT_TIMER && reg <= REG_LVT_ERROR) {
        write_lvt(l, reg - REG_LVT_TIMER, value);
        return true;
    }
    switch (reg) {
    case REG_TPR: l->tpr = value & 0xff; break;
    case REG_EOI: write_eoi(l); break;
    case REG_LDR: case REG_DFR:
        if (x2apic(l))
            return false;
        if (reg == REG_LDR)
            l->ldr = value & 0xff000000u;
        else
            l->dfr = value | 0x0fffffffu;
        publish(l);
        break;
    case REG_SPURIOUS:
        l->spurious = value & 0x1ff;
        if (!(value & SPURIOUS_ENABLE))
            for (unsigned i = 0; i < LVT_COUNT; i++)
                l->lvt[i] |= LVT_MASKED;
        publish(l);
        break;
    case REG_ERROR: /* a write moves what has been gathered to where it can be read */
        l->error_status = l->error_pending;
        l->error_pending = 0;
        break;
    case REG_ICR:
        l->icr = (l->icr & ~0xffffffffull) | (value & 0xcdfffu & ~LVT_PENDING);
        send_ipi(l);
        break;
    case REG_ICR_HIGH: l->icr = (uint32_t)l->icr | (uint64_t)value << 32; return !x2apic(l);
    case REG_INITIAL: timer_start(l, value, now); break;
    case REG_DIVIDE: l->divide = value & 0xb; break;
    default: return false;
    }
    return true;
}

bool lapic_read_msr(const struct lapic *l, uint32_t msr, uint64_t now, uint64_t *value)
{
    uint32_t low;

    if (!hardware_enabled(l) || !x2apic(l) || !read_register(l, msr - LAPIC_MSR_FIRST, now, &low))
        return false;
    *value = msr == LAPIC_MSR_FIRST + REG_ICR ? l->icr : low;
    return true;
}

bool lapic_write_msr(struct lapic *l, uint32_t msr, uint64_t value, uint64_t now)
{
    unsigned reg = msr - LAPIC_MSR_FIRST;

    if (!hardware_enabled(l) || !x2apic(l))
        return false;
    switch (reg) {
    case REG_ICR:
        if (value & 0xfff32000u) /* reserved bits */
            return false;
        l->icr = value & ~(uint64_t)LVT_PENDING;
        send_ipi(l);
        return true;
    case REG_SELF_IPI:
        if (value > 0xff)
            return false;
        lapic_deliver(l, LAPIC_MODE_FIXED, (unsigned)value, false);
        return true;
    case REG_EOI: case REG_ERROR:
        if (value)
            return false;
        break;
    case REG_TPR:
        if (value > 0xff)
            return false;
        break;
    default:
        if (value >> 32)
            return false;
    }
    return write_register(l, reg, (uint32_t)value, now);
}

uint32_t lapic_read_mmio(const struct lapic *l, uint32_t offset, uint64_t now)
{
    uint32_t value;

    return !(offset & 0xf) && read_register(l, offset >> 4, now, &value) ? value : 0;
}

void lapic_write_mmio(struct lapic *l, uint32_t offset, uint32_t value, uint64_t now)
{
    if (!(offset & 0xf))
        write_register(l, offset >> 4, value, now);
}
