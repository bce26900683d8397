/* Init: builds what its node's spec lists, starts it, and stops for good.
 *
 * main.c reads top to bottom; the other files are its steps. A step that fails says which item and why, and nothing is
 * started: threads are resumed last. */
#pragma once
#include <stdbool.h>
#include "lib.h"
#include "sel4.h"
#include "spec_check.h"
#include <sel4/bootinfo.h>

/* Init's own address space beyond its image: one page to fill frames through, and the spec, read-only. */
#define INIT_FILL_VA 0x40000000ull
#define INIT_SPEC_VA 0x40200000ull
#define INIT_SPEC_END 0x80000000ull
#define INIT_DEPTH 64 /* init's CNode: a capability pointer is a slot number */

/* main.c: one sentence, then the end. `check` returns only if error is SEL4_NO_ERROR. */
__attribute__((noreturn)) void init_stop(const char *format, ...) __attribute__((format(printf, 1, 2)));
void check(error_t error, const char *step, const char *name);

/* memory.c: slots of init's CNode, private memory */
void memory_init(const struct sel4_bootinfo *info);
cptr_t slot_new(void);
cptr_t slots_new(uint32_t count); /* the first of `count` in a row */
cptr_t slots_end(void);           /* behind the last one that was handed out */
error_t memory_make(uint64_t type, uint64_t size_bits, unsigned object_bits, cptr_t to);

/* names.c: the kernel's chunks of boot information */
void names_init(const struct sel4_bootinfo *info);
const struct atoll_platform *platform(void);
const struct atoll_named_slots *named(const char *name); /* NULL: not there */
/* All of a resource's memory as frames of 2^bits bytes, made on the first call: the first of `count` slots in a row. */
cptr_t named_frames(const struct atoll_named_slots *n, unsigned bits, uint32_t *count);

/* objects.c: one capability slot per object of the spec */
void objects_make(const struct spec_view *v);
cptr_t object_slot(uint32_t object);
void interrupts_make(const struct spec_view *v);
void frames_fill(const struct spec_view *v);

/* distribute.c */
void mappings_make(const struct spec_view *v);
void caps_give(const struct spec_view *v);
void copies_keep(void); /* the further capabilities that hold mappings go into the vault */

/* seal.c: what must go on existing leaves init's reach, all other authority ends. The spec and the boot information are gone afterwards. */
void seal_open(const struct spec_view *v);
void seal_keep(cptr_t slot);
void seal_close(const struct sel4_bootinfo *info);

/* threads.c */
void threads_configure(const struct spec_view *v, cptr_t schedcontrol, uint64_t tsc_hz, uint64_t wall);
void threads_start(const struct spec_view *v);
