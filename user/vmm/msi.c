#include "msi.h"
#include "vm.h"

/* Intel SDM volume 3, 11.11: address 0xfee, destination in bits 19..12, logical by bit 2; data: vector, delivery mode, level. */
#define ADDRESS_BASE 0xfee00000u
#define ADDRESS_MASK 0xfff00000u
#define ADDRESS_LOGICAL 0x4u

/* Elsewhere such a write would be a write to memory that is not there. */
void msi_send(struct vm *vm, uint32_t address, uint32_t data)
{
    const struct apic_message m = {.destination = address >> 12 & 0xff, .logical = address & ADDRESS_LOGICAL, .mode = data >> 8 & 7,
                                   .vector = data & 0xff};

    if ((address & ADDRESS_MASK) == ADDRESS_BASE)
        apic_bus_send(&vm->bus, &m);
}
