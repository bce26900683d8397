/* A root task's way to QEMU's `edu` device (docs/specs/edu.rst): a device that does what it is told by DMA and raises interrupts. */
#pragma once
#include <stdint.h>
#include "sel4.h"

#define ROOT SEL4_CAP_INIT_CNODE
#define DEPTH 64
#define PAGE 4096ull
#define CONFIG_VA 0x10000000ull
#define DEVICE_VA 0x10200000ull /* its registers: first page */
#define DMA_TO_RAM 2u

extern const struct sel4_bootinfo *info;
extern cptr_t next_slot, untyped, requesters;
extern uint64_t requester, tsc_hz;
extern volatile uint8_t *device; /* its registers */
extern volatile uint32_t *config; /* its configuration space */
extern unsigned tests, failures;

void must(error_t error, const char *what);   /* panics */
void claim(int holds, const char *what);      /* an "ok" or "not ok" line */
cptr_t make(uint64_t type);                   /* an object from private memory */
cptr_t device_frame(uint64_t paddr, uint64_t type, unsigned size_bits);
cptr_t frame_only(uint64_t type);               /* a frame from frame-only memory: what devices may reach */
volatile void *map(cptr_t frame, uint64_t va, uint64_t attributes);
uint64_t tsc(void);
void edu_init(const struct sel4_bootinfo *); /* all of the above; memory decoding and bus mastering on */
/* One transfer of `count` bytes between the device's buffer and `address`; over when the device says so. */
void edu_transfer(uint64_t address, uint64_t count, int to_ram);
