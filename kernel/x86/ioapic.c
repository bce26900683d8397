/* IOAPICs (82093AA data sheet): an index register at 0x00, a data window at 0x10. */
#include "iommu.h"
#include "irq.h"

#define INDEX 0 /* in 32-bit words */
#define WINDOW 4
#define REDIRECTION(pin) (0x10u + 2u * (unsigned)(pin))
#define ENTRY_LOW_ACTIVE BIT(13)
#define ENTRY_LEVEL BIT(15)
#define ENTRY_MASKED BIT(16)
#define ENTRY_DESTINATION_SHIFT 56 /* 8 bits, where nothing is remapped */

struct ioapic {
    volatile uint32_t *page;
    word_t pins;
    uint32_t apic_id, remapped;
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

/* Masked while the two halves differ. */
static void route(const struct ioapic *a, word_t pin, uint64_t entry)
{
    write(a, REDIRECTION(pin), ENTRY_MASKED);
    write(a, REDIRECTION(pin) + 1, (uint32_t)(entry >> 32));
    write(a, REDIRECTION(pin), (uint32_t)entry);
}

static bool is_remapped(const struct ioapic *a) { return a->remapped & IOAPIC_REMAPPED; }
static struct iommu *unit_of(const struct ioapic *a) { return iommu_at(a->remapped >> IOAPIC_UNIT_SHIFT & 0xff); }

bool ioapic_add(volatile uint32_t *page, word_t pins, uint32_t apic_id, uint32_t remapped)
{
    struct ioapic a = {page, pins, apic_id, remapped};
    if (count == IOAPIC_MAX || pins == 0 || pins > 240)
        return false;
    if (is_remapped(&a) ? (remapped >> IOAPIC_UNIT_SHIFT & 0xff) >= iommu_count() : apic_id > 0xff)
        return false;
    ioapics[count++] = a;
    for (word_t pin = 0; pin < pins; pin++)
        route(&a, pin, ENTRY_MASKED);
    return true;
}

word_t ioapic_count(void) { return count; }
word_t ioapic_pins(word_t ioapic) { return ioapics[ioapic].pins; }

bool ioapic_is_requester(word_t unit, word_t requester)
{
    bool is = false;
    for (word_t i = 0; i < count && !is; i++)
        is = is_remapped(&ioapics[i]) && (ioapics[i].remapped >> IOAPIC_UNIT_SHIFT & 0xff) == unit &&
             (ioapics[i].remapped & IOAPIC_REQUESTER) == requester;
    return is;
}

void ioapic_connect(word_t ioapic, word_t pin, word_t vector, bool level, bool low)
{
    const struct ioapic *a = &ioapics[ioapic];
    uint64_t entry = (uint64_t)a->apic_id << ENTRY_DESTINATION_SHIFT | vector;
    if (is_remapped(a)) {
        iommu_interrupt_allow(unit_of(a), vector, a->remapped & IOAPIC_REQUESTER, a->apic_id, level);
        entry = iommu_ioapic_entry(unit_of(a), vector);
    }
    route(a, pin, entry | ENTRY_MASKED | (level ? ENTRY_LEVEL : 0) | (low ? ENTRY_LOW_ACTIVE : 0));
}

void ioapic_disconnect(word_t ioapic, word_t pin, word_t vector)
{
    const struct ioapic *a = &ioapics[ioapic];
    route(a, pin, ENTRY_MASKED);
    if (is_remapped(a))
        iommu_interrupt_block(unit_of(a), vector, a->remapped & IOAPIC_REQUESTER);
}

void ioapic_mask(word_t ioapic, word_t pin, bool masked)
{
    const struct ioapic *a = &ioapics[ioapic];
    uint32_t low = read(a, REDIRECTION(pin)), wanted = masked ? low | ENTRY_MASKED : low & ~(uint32_t)ENTRY_MASKED;
    if (wanted != low)
        write(a, REDIRECTION(pin), wanted);
}

uint32_t ioapic_redirection(word_t ioapic, word_t pin) { return read(&ioapics[ioapic], REDIRECTION(pin)); }
