/* Guest memory: bounded access by guest-physical address, and the guest's own page tables. Every address here was chosen
 * by the guest; none is trusted. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "vcpu_state.h"

struct guest_memory {
    uint8_t *base;  /* guest-physical 0 in this address space */
    uint64_t bytes; /* RAM without the hole [VM_HOLE_START, VM_HOLE_END) */
};

/* The bytes at a guest-physical address, or NULL unless all of them are RAM. */
void *guest_memory_at(const struct guest_memory *m, uint64_t address, uint64_t length);

/* Bytes from `address` to the end of its RAM region; 0: not RAM. */
uint64_t guest_memory_room(const struct guest_memory *m, uint64_t address);

#define GUEST_WRITE 1u
#define GUEST_FETCH 2u
#define GUEST_SYSTEM 4u /* an access of the CPU itself: privilege level 0 whatever runs */

struct guest_fault { /* filled when a translation is refused */
    uint64_t address;
    uint32_t error; /* page fault error code, AMD APM volume 2, 8.4.2 */
};

/* Linear to guest-physical through the guest's page tables, setting accessed and dirty bits as the CPU does. */
bool guest_translate(const struct guest_memory *m, struct vcpu *v, uint64_t linear, unsigned access, uint64_t *physical,
                     struct guest_fault *fault);

/* Copy up to `length` bytes of code at CS:RIP; returns how many could be read. */
unsigned guest_fetch(const struct guest_memory *m, struct vcpu *v, uint8_t *to, unsigned length);
