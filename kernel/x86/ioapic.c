/* IOAPICs (82093AA data sheet): an index register at 0x00, a data window at 0x10. */
#include "irq.h"

#define INDEX 0 /* in 32-bit words */
#define WINDOW 4
#define REDIRECTION(pin) (0x10u + 2u * (unsigned)(pin))
#define ENTRY_LOW_ACTIVE BIT(13)
#define ENTRY_LEVEL BIT(15)
#define ENTRY_MASKED BIT(16)
#define ENTRY_DESTINATION_SHIFT 56 /* 8 bits: boot gives IOAPICs to a node with a small APIC id, or remaps */

struct ioapic {
    volatile uint32_t *page;
    word_t pins;
};
static struct ioapic ioapics[IOAPIC_MAX];
static word_t count;

static uint32_t read(const struct ioapic *a, uint32_t reg)
{
    a->page[INDEX] = reg;
    return a->page[WINDOW];
}

static void write(const struct ioapic *a, uint32_t reg, uint32_t value)
{
    a->page[INDEX] = reg;
    a->page[WINDOW] = value;
}

bool ioapic_add(volatile uint32_t *page, word_t pins, uint32_t apic_id)
{
    if (count == IOAPIC_MAX || pins == 0 || pins > 240 || apic_id > 0xff)
        return false;
    ioapics[count++] = (struct ioapic){page, pins};
    for (word_t pin = 0; pin < pins; pin++)
        ioapic_route(count - 1, pin, ENTRY_MASKED);
    return true;
}

word_t ioapic_count(void) { return count; }
word_t ioapic_pins(word_t ioapic) { return ioapics[ioapic].pins; }

uint64_t ioapic_entry(uint32_t apic_id, word_t vector, bool level, bool low)
{
    return (uint64_t)apic_id << ENTRY_DESTINATION_SHIFT | ENTRY_MASKED | (level ? ENTRY_LEVEL : 0) |
           (low ? ENTRY_LOW_ACTIVE : 0) | vector;
}

/* Masked while the two halves differ. */
void ioapic_route(word_t ioapic, word_t pin, uint64_t entry)
{
    const struct ioapic *a = &ioapics[ioapic];
    write(a, REDIRECTION(pin), ENTRY_MASKED);
    write(a, REDIRECTION(pin) + 1, (uint32_t)(entry >> 32));
    write(a, REDIRECTION(pin), (uint32_t)entry);
}

void ioapic_mask(word_t ioapic, word_t pin, bool masked)
{
    const struct ioapic *a = &ioapics[ioapic];
    uint32_t low = read(a, REDIRECTION(pin)), wanted = masked ? low | ENTRY_MASKED : low & ~(uint32_t)ENTRY_MASKED;
    if (wanted != low)
        write(a, REDIRECTION(pin), wanted);
}
