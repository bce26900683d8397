#include "msi.h"
#include "vm.h"

/* Intel SDM volume 3, 11.11: address 0xfee, destination in bits 19..12, logical by bit 2; data: vector, delivery mode, level. */
#define ADDRESS_BASE 0xfee00000u
#define ADDRESS_MASK 0xfff00000u
#define ADDRESS_LOGICAL 0x4u

/* The one CPU takes what names it; elsewhere such a write would be a write to memory that is not there. */
void msi_send(struct vm *vm, uint32_t address, uint32_t data)
{
    uint32_t destination = address >> 12 & 0xff;
    bool for_us = address & ADDRESS_LOGICAL ? destination & 1 : destination == 0 || destination == 0xff;

    if ((address & ADDRESS_MASK) == ADDRESS_BASE && for_us)
        lapic_deliver(&vm->lapic, data >> 8 & 7, data & 0xff, false);
}
