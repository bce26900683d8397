/* What the image loaders share: where their own structures go, CPU start states, and the memory map. */
#pragma once
#include "vm.h"

/* Guest-physical layout below 1 MiB. */
#define LOADER_INFO 0x10000u     /* zero page, or multiboot information */
#define LOADER_CMDLINE 0x12000u  /* up to 4 KiB */
#define LOADER_GDT 0x14000u
#define LOADER_TABLES 0x15000u   /* six pages of page tables */
#define LOADER_LOW_END 0x9fc00u  /* usable memory below the hole of the old PC */
#define LOADER_RESET_VECTOR 0xffff0u
#define LOADER_HIGH_START 0x100000u

struct memory_range {
    uint64_t start, bytes;
    bool usable;
};
#define LOADER_RANGES 4
/* The guest's memory map; returns how many ranges. */
unsigned loader_memory_map(const struct vm *vm, struct memory_range ranges[LOADER_RANGES]);

uint64_t loader_low_end(const struct vm *vm); /* first address behind RAM below the hole */

/* Registers as at power-on, then flat segments: 64-bit mode with an identity map of 4 GiB, or 32-bit mode without paging. */
void loader_enter_64(struct vm *vm, uint64_t rip);
void loader_enter_32(struct vm *vm, uint32_t rip);
void loader_enter_real(struct vm *vm, unsigned page); /* as a start-up IPI for 4 KiB page `page` does */

void loader_write_reset_vector(struct vm *vm);

/* Note a refusal. Returns false. */
bool loader_refuse(struct vm *vm, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Place the initrd at the highest page below `limit`, above `floor`. */
bool loader_place_initrd(struct vm *vm, uint64_t floor, uint64_t limit, uint64_t *address);
