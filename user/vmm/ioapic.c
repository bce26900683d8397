#include "ioapic.h"
#include "lib.h"

#define OFFSET_SELECT 0x00u
#define OFFSET_WINDOW 0x10u
#define OFFSET_EOI 0x40u
#define REGISTER_ID 0u
#define REGISTER_VERSION 1u
#define REGISTER_ARBITRATION 2u
#define REGISTER_REDIRECT 0x10u
#define VERSION 0x20u

/* Redirection entry (82093AA, 3.2.4). */
#define ENTRY_REMOTE_IRR (1u << 14)
#define ENTRY_LEVEL (1u << 15)
#define ENTRY_MASKED (1u << 16)
#define ENTRY_READ_ONLY ((1u << 12) | ENTRY_REMOTE_IRR)

void ioapic_reset(struct ioapic *io)
{
    memset(io, 0, sizeof *io);
    for (unsigned i = 0; i < IOAPIC_PINS; i++)
        io->redirect[i] = ENTRY_MASKED;
}

static void fire(struct ioapic *io, struct apic_bus *bus, unsigned pin)
{
    uint64_t *entry = &io->redirect[pin];
    bool level = *entry & ENTRY_LEVEL;

    if ((*entry & ENTRY_MASKED) || (level && (*entry & ENTRY_REMOTE_IRR)))
        return;
    if (level)
        *entry |= ENTRY_REMOTE_IRR;
    apic_bus_send(bus, &(struct apic_message){.destination = (uint32_t)(*entry >> 56), .logical = *entry >> 11 & 1, .level = level,
                                              .mode = *entry >> 8 & 7, .vector = *entry & 0xff});
}

void ioapic_set_line(struct ioapic *io, struct apic_bus *bus, unsigned pin, bool level)
{
    uint32_t bit = 1u << pin;
    bool before = io->lines & bit;

    io->lines = level ? io->lines | bit : io->lines & ~bit;
    if (level && (!before || (io->redirect[pin] & ENTRY_LEVEL)))
        fire(io, bus, pin);
}

void ioapic_eoi(struct ioapic *io, struct apic_bus *bus, unsigned vector)
{
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
        uint64_t *entry = &io->redirect[pin];

        if (!(*entry & ENTRY_LEVEL) || (*entry & 0xff) != vector)
            continue;
        *entry &= ~(uint64_t)ENTRY_REMOTE_IRR;
        if (io->lines & 1u << pin)
            fire(io, bus, pin);
    }
}

uint32_t ioapic_read(const struct ioapic *io, uint32_t offset)
{
    unsigned half = io->select - REGISTER_REDIRECT;

    if (offset == OFFSET_SELECT)
        return io->select;
    if (offset != OFFSET_WINDOW)
        return ~0u;
    switch (io->select) {
    case REGISTER_ID: case REGISTER_ARBITRATION: return io->id;
    case REGISTER_VERSION: return VERSION | (IOAPIC_PINS - 1) << 16;
    default:
        if (io->select < REGISTER_REDIRECT || half >= 2 * IOAPIC_PINS)
            return ~0u;
        return (uint32_t)(io->redirect[half / 2] >> (half & 1 ? 32 : 0));
    }
}

static void write_window(struct ioapic *io, struct apic_bus *bus, uint32_t value)
{
    unsigned half = io->select - REGISTER_REDIRECT, pin = half / 2;
    uint64_t *entry;

    if (io->select == REGISTER_ID) {
        io->id = value & 0x0f000000u;
        return;
    }
    if (io->select < REGISTER_REDIRECT || half >= 2 * IOAPIC_PINS)
        return;
    entry = &io->redirect[pin];
    if (half & 1) {
        *entry = (uint32_t)*entry | (uint64_t)value << 32;
        return;
    }
    *entry = (*entry & ~0xffffffffull) | (*entry & ENTRY_READ_ONLY) | (value & 0x1ffffu & ~ENTRY_READ_ONLY);
    if (!(*entry & ENTRY_LEVEL))
        *entry &= ~(uint64_t)ENTRY_REMOTE_IRR; /* how software without an EOI register ends one */
    else if (io->lines & 1u << pin)
        fire(io, bus, pin);
}

void ioapic_write(struct ioapic *io, struct apic_bus *bus, uint32_t offset, uint32_t value)
{
    switch (offset) {
    case OFFSET_SELECT: io->select = (uint8_t)value; break;
    case OFFSET_WINDOW: write_window(io, bus, value); break;
    case OFFSET_EOI: ioapic_eoi(io, bus, value & 0xff); break;
    default: break;
    }
}
