#include "apic_bus.h"

/* A local APIC's identity, in one word so that it is read whole: its mode, and in xAPIC mode its logical address. */
#define IDENTITY_ENABLED 0x1u
#define IDENTITY_X2APIC 0x2u
#define IDENTITY_ACCEPTS 0x4u /* enabled by its spurious register, too */
#define IDENTITY_LDR_SHIFT 8
#define IDENTITY_FLAT 0x10000u

void apic_bus_publish(struct apic_bus *bus)
{
    const struct lapic *l = bus->own;
    uint64_t identity = (l->base & LAPIC_BASE_ENABLED ? IDENTITY_ENABLED : 0) | (l->base & LAPIC_BASE_X2APIC ? IDENTITY_X2APIC : 0) |
                        (lapic_enabled(l) ? IDENTITY_ACCEPTS : 0) | (l->ldr >> 24) << IDENTITY_LDR_SHIFT |
                        (l->dfr >> 28 == 0xf ? IDENTITY_FLAT : 0);

    __atomic_store_n(&bus->boxes[bus->self].identity, identity, __ATOMIC_RELEASE);
}

static bool logical_match(uint64_t identity, unsigned id, const struct apic_message *m)
{
    uint32_t ldr = identity >> IDENTITY_LDR_SHIFT & 0xff, destination = m->destination;

    if (identity & IDENTITY_X2APIC) /* cluster: bits 31..16, member: one of 15..0 */
        return destination >> 16 == id >> 4 && (destination >> (id & 15) & 1);
    destination &= 0xff;
    if (identity & IDENTITY_FLAT)
        return destination & ldr;
    return (destination >> 4 == ldr >> 4 || destination >> 4 == 0xf) && (destination & ldr & 0xf);
}

static bool match(const struct apic_bus *bus, unsigned id, const struct apic_message *m)
{
    uint64_t identity = __atomic_load_n(&bus->boxes[id].identity, __ATOMIC_ACQUIRE);

    if (!(identity & IDENTITY_ENABLED))
        return false;
    switch (m->shorthand) {
    case APIC_SELF: return id == bus->self;
    case APIC_ALL: return true;
    case APIC_OTHERS: return id != bus->self;
    case APIC_NO_SHORTHAND: break;
    }
    if (m->destination == (m->wide ? 0xffffffffu : 0xffu))
        return true;
    return m->logical ? logical_match(identity, id, m) : m->destination == id;
}

static void set_atomic(uint32_t *word, uint32_t bits) { __atomic_fetch_or(word, bits, __ATOMIC_SEQ_CST); }

/* INIT ends whatever a start-up IPI before it would have started. */
static void post_init(struct vm_mailbox *box)
{
    uint32_t orders = __atomic_load_n(&box->orders, __ATOMIC_SEQ_CST);

    while (!__atomic_compare_exchange_n(&box->orders, &orders, (orders & ~MAILBOX_START) | MAILBOX_INIT, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST))
        ;
}

static void post(struct apic_bus *bus, unsigned id, const struct apic_message *m)
{
    struct vm_mailbox *box = &bus->boxes[id];
    uint32_t bit = 1u << m->vector % 32;

    switch (m->mode) {
    case LAPIC_MODE_FIXED: case LAPIC_MODE_LOWEST:
        if (m->level)
            set_atomic(&box->level[m->vector / 32], bit);
        else
            __atomic_fetch_and(&box->level[m->vector / 32], ~bit, __ATOMIC_SEQ_CST);
        set_atomic(&box->irr[m->vector / 32], bit);
        break;
    case LAPIC_MODE_NMI: set_atomic(&box->orders, MAILBOX_NMI); break;
    case LAPIC_MODE_INIT: post_init(box); break;
    case LAPIC_MODE_START:
        __atomic_store_n(&box->start_page, m->vector, __ATOMIC_SEQ_CST);
        set_atomic(&box->orders, MAILBOX_START);
        break;
    default: return; /* SMI, ExtINT: nobody has a use for them */
    }
    if (mailbox_ring(box))
        bus->kick(id);
}

static void deliver(struct apic_bus *bus, unsigned id, const struct apic_message *m)
{
    if (id == bus->self)
        lapic_deliver(bus->own, m->mode, m->vector, m->level);
    else if (bus->kick)
        post(bus, id, m);
}

/* "Lowest priority" goes to one of those that match: which one follows from the vector, so that vectors spread. */
static bool deliver_to_one(struct apic_bus *bus, const struct apic_message *m)
{
    for (unsigned i = 0; i < bus->count; i++) {
        unsigned id = (m->vector + i) % bus->count;

        if (match(bus, id, m) && (__atomic_load_n(&bus->boxes[id].identity, __ATOMIC_ACQUIRE) & IDENTITY_ACCEPTS)) {
            deliver(bus, id, m);
            return true;
        }
    }
    return false;
}

bool apic_bus_send(struct apic_bus *bus, const struct apic_message *m)
{
    bool taken = false;

    if (m->mode == LAPIC_MODE_LOWEST)
        return deliver_to_one(bus, m);
    for (unsigned id = 0; id < bus->count; id++)
        if (match(bus, id, m)) {
            deliver(bus, id, m);
            taken = true;
        }
    return taken;
}

void apic_bus_receive(struct apic_bus *bus)
{
    struct vm_mailbox *box = &bus->boxes[bus->self];
    uint32_t orders;

    mailbox_quiet(box);
    for (unsigned i = 0; i < 8; i++) {
        uint32_t bits = __atomic_load_n(&box->irr[i], __ATOMIC_RELAXED) ? __atomic_exchange_n(&box->irr[i], 0, __ATOMIC_SEQ_CST) : 0;
        uint32_t level = __atomic_load_n(&box->level[i], __ATOMIC_SEQ_CST);

        for (; bits; bits &= bits - 1) {
            unsigned bit = (unsigned)__builtin_ctz(bits);

            lapic_deliver(bus->own, LAPIC_MODE_FIXED, 32 * i + bit, level >> bit & 1);
        }
    }
    orders = __atomic_exchange_n(&box->orders, 0, __ATOMIC_SEQ_CST);
    if (orders & MAILBOX_NMI)
        lapic_deliver(bus->own, LAPIC_MODE_NMI, 0, false);
    if (orders & MAILBOX_INIT)
        lapic_deliver(bus->own, LAPIC_MODE_INIT, 0, false);
    if (orders & MAILBOX_START)
        lapic_deliver(bus->own, LAPIC_MODE_START, __atomic_load_n(&box->start_page, __ATOMIC_SEQ_CST) & 0xff, false);
}
