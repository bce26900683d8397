/* function: every function of kernel/x86/ioapic.c
 * property: a pin's register lies in the IOAPIC's own range; its entry is masked whenever its halves don't belong together, and after connecting and disconnecting; masking and unmasking change that bit alone; a remapped one is opened for its own requester alone
 * bound: two IOAPICs, all pins, vectors and flags
 * options: --unwind 242
 */
#include "../proof.h"
#include "kernel/x86/ioapic.c"

/* The hardware: one entry, of an arbitrary pin, is looked at; a write goes where the index says. */
static volatile uint32_t page[8];
static struct iommu unit;
static unsigned allowed, blocked;
static word_t opened_vector;
word_t iommu_count(void) { return 2; }
struct iommu *iommu_at(word_t n) { HOLDS(n < 2, "a unit that is there"); return &unit; }
word_t iommu_ioapic_entry(const struct iommu *u, word_t vector) { (void)u, (void)vector; return nondet_word() & ~ENTRY_MASKED; }
void iommu_interrupt_allow(struct iommu *u, word_t vector, word_t requester, uint32_t apic, bool level)
{
    (void)u, (void)apic, (void)level;
    HOLDS(requester == (ioapics[0].remapped & 0xffff) || requester == (ioapics[1].remapped & 0xffff), "its own requester");
    opened_vector = vector;
    allowed++;
}
void iommu_interrupt_block(struct iommu *u, word_t vector, word_t requester) { (void)u, (void)requester; opened_vector = vector; blocked++; }

int main(void)
{
    for (unsigned i = 0; i < 2; i++) {
        word_t pins = 1 + nondet_below(240);
        ioapics[i] = (struct ioapic){page, pins, nondet_unsigned(), nondet_unsigned()};
        ASSUME(is_remapped(&ioapics[i]) ? (ioapics[i].remapped >> IOAPIC_UNIT_SHIFT & 0xff) < 2 : ioapics[i].apic_id <= 0xff);
    }
    count = 1 + nondet_below(2);
    word_t n = nondet_below(2), pin = nondet_word(), vector = nondet_below(256);
    ASSUME(n < count && pin < ioapics[n].pins);
    page[WINDOW] = nondet_unsigned();
    bool remapped = is_remapped(&ioapics[n]);
    switch (nondet_below(6)) {
    case 0:
        ioapic_connect(n, pin, vector, nondet_bool(), nondet_bool());
        HOLDS(page[INDEX] == 0x10 + 2 * pin && (page[WINDOW] >> 16 & 1), "left masked");
        HOLDS(allowed == remapped && (!remapped || opened_vector == vector), "opened, for this vector");
        REACH(remapped);
        break;
    case 1:
        ioapic_disconnect(n, pin, vector);
        HOLDS(page[INDEX] == 0x10 + 2 * pin && (page[WINDOW] >> 16 & 1) && blocked == remapped, "masked, and closed");
        break;
    case 2: {
        uint32_t before = page[WINDOW];
        bool masked = nondet_bool();
        ioapic_mask(n, pin, masked);
        HOLDS(page[INDEX] == 0x10 + 2 * pin && (page[WINDOW] >> 16 & 1) == masked && !((page[WINDOW] ^ before) & ~(1u << 16)), "this bit alone");
        REACH(page[WINDOW] != before);
        break;
    }
    case 3: {
        word_t pins = nondet_word();
        uint32_t apic = nondet_unsigned(), flags = nondet_unsigned();
        ASSUME(count == 1);
        ioapics[1] = (struct ioapic){0};
        bool added = ioapic_add(page, pins, apic, flags);
        HOLDS(!added || (pins >= 1 && pins <= 240 && count == 2 && ioapic_pins(1) == pins && (page[WINDOW] >> 16 & 1)), "with as many pins as one can have, masked");
        HOLDS(!added || (flags >> 31 ? (flags >> 16 & 0xff) < 2 : apic <= 0xff), "with a way to this core");
        REACH(added && pins == 240);
        REACH(!added);
        break;
    }
    case 4: ioapic_redirection(n, pin); break;
    default: {
        word_t unit_number = nondet_below(2), requester = nondet_below(65536);
        HOLDS(ioapic_is_requester(unit_number, requester) || !(remapped && (ioapics[n].remapped >> 16 & 0xff) == unit_number && (ioapics[n].remapped & 0xffff) == requester) , "each is known");
        HOLDS(ioapic_count() == count, "as many as were added");
    }
    }
}
