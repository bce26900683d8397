/* I/O APIC: 24 pins, in memory at IOAPIC_MMIO (Intel 82093AA data sheet; the EOI register and version 20h as in later chips). */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "apic_bus.h"

#define IOAPIC_MMIO 0xfec00000ull
#define IOAPIC_MMIO_SIZE 0x1000u
#define IOAPIC_PINS 24

struct ioapic {
    uint8_t select;
    uint32_t id;
    uint64_t redirect[IOAPIC_PINS];
    uint32_t lines; /* levels of the pins */
};

void ioapic_reset(struct ioapic *io);
uint32_t ioapic_read(const struct ioapic *io, uint32_t offset);
void ioapic_write(struct ioapic *io, struct apic_bus *bus, uint32_t offset, uint32_t value);
void ioapic_set_line(struct ioapic *io, struct apic_bus *bus, unsigned pin, bool level);
void ioapic_eoi(struct ioapic *io, struct apic_bus *bus, unsigned vector); /* of a level-triggered interrupt */
