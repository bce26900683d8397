/* The whole kernel on the host: its logic and its machine side, over an array as the window and recorded instructions (host/machine.h).
 * Tests act as init, which init_create() made: they put registers into kernel.current and enter a system call. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <machine.h>
#include <atoll/resource_map.h>
#include <sel4/bootinfo.h>
#include "kernel/core.h"
#include "kernel/state.h"
#include "kernel/x86/paging.h"
#include "kernel/x86/vcpu.h"

#ifndef WINDOW_BYTES
#define WINDOW_BYTES (8ull << 20)
#endif
#define WINDOW_PADDR 0x40000000ull
#define GUEST_PADDR 0x80000000ull  /* frame-only memory, 4 MiB */
#define HUGE_PADDR 0x240000000ull  /* frame-only memory, 1 GiB that nothing touches */
#define SHARED_PADDR 0x90000000ull /* one page to read, one page to write */
#define IMAGE_VA 0x400000ull
#define IMAGE_BYTES 0x5000ull

/* A sound map with one entry of most kinds. */
struct resource_map *host_map(void);
void host_boot(void);                   /* once per program */
extern struct sel4_bootinfo *bootinfo;
extern uint32_t ioapic_page[];

/* Init invokes with Call; returns the label. Caps: up to three slots, 0 ends the list. */
word_t call(word_t cptr, word_t label, const word_t *caps, unsigned length, const word_t *words);
#define CALL(cptr, label, caps, ...)                                                                     \
    call(cptr, label, (word_t[4])caps, sizeof((word_t[]){0, ##__VA_ARGS__}) / sizeof(word_t) - 1,        \
         (word_t[]){0, ##__VA_ARGS__} + 1)
#define CAPS(...) {__VA_ARGS__}
word_t result(unsigned i);              /* reply word i */
word_t retype(word_t type, word_t bits); /* one object from private memory: its slot */
word_t retype_from(word_t untyped, word_t type, word_t bits);
word_t new_slot(void);                  /* an empty one */
struct slot *slot_at(word_t cptr);
struct atoll_named_slots *named(const char *name);
word_t pte(word_t root_slot, word_t va, enum level level); /* the entry that the hardware would find there, 0: none */

/* entry.S and svm_enter.S for a current thread that is a vCPU's: one run of its guest, for which this function stands in. */
extern void (*guest_does)(struct vcpu *);
void vcpu_run(void);
