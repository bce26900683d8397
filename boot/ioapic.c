/* 82093AA I/O APIC data sheet, section 3: index at 0, data at 10h; register 1 bits 23..16 last pin; entries from register 10h. */
#include "ioapic.h"
#include "machine.h"

#define INDEX 0x00
#define DATA 0x10
#define REGISTER_VERSION 0x01
#define REGISTER_PIN(i) (0x10 + 2 * (i))
#define PIN_MASKED (1u << 16)

#define PIC_MASTER_MASK 0x21 /* 8259A data sheet, OCW1 */
#define PIC_SLAVE_MASK 0xa1

static uint32_t read(uint64_t paddr, uint32_t index)
{
    mmio_write32(paddr + INDEX, index);
    return mmio_read32(paddr + DATA);
}

uint32_t ioapic_silence(uint64_t paddr)
{
    uint32_t pins = (read(paddr, REGISTER_VERSION) >> 16 & 0xff) + 1;
    for (uint32_t i = 0; i < pins; i++) {
        mmio_write32(paddr + INDEX, REGISTER_PIN(i));
        mmio_write32(paddr + DATA, PIN_MASKED);
    }
    return pins;
}

void pic_silence(void)
{
    port_out8(PIC_MASTER_MASK, 0xff);
    port_out8(PIC_SLAVE_MASK, 0xff);
}
