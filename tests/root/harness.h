/* What root tasks that test the kernel are written with: objects, threads in the same address space, claims. */
#pragma once
#include "lib.h"
#include "root.h"
#include "sel4.h"

#define ROOT SEL4_CAP_INIT_CNODE
#define DEPTH 64
#define PAGE 4096ull
#define THREADS_MAX 8

extern const struct sel4_bootinfo *info;
extern cptr_t untyped, next_slot;          /* the largest untyped of private memory; the first free slot */
extern uint64_t ticks_per_us;

void harness_start(const struct sel4_bootinfo *);
void must(error_t, const char *what);      /* what the test itself needs */
void claim(int holds, const char *what);   /* one "ok" or "not ok" line */
void claim_error(error_t is, error_t should, const char *what);
_Noreturn void harness_end(void);          /* "NAME: done: N passed, M failed" */
extern unsigned claims, failures;

/* Any invocation; words beyond `words` of the reply are left alone. */
error_t invoke(cptr_t cptr, uint64_t label, unsigned caps, const cptr_t *cap, unsigned words, const uint64_t *word);
extern struct sel4_message answer;         /* of the last one */
#define CAPS(...) sizeof((cptr_t[]){0, ##__VA_ARGS__}) / sizeof(cptr_t) - 1, (cptr_t[]){0, ##__VA_ARGS__} + 1
#define WORDS(...) sizeof((uint64_t[]){0, ##__VA_ARGS__}) / sizeof(uint64_t) - 1, (uint64_t[]){0, ##__VA_ARGS__} + 1

cptr_t make(uint64_t type, uint64_t bits);               /* from `untyped`, into the next slot */
cptr_t make_many(uint64_t type, uint64_t bits, unsigned count); /* the first of `count` slots */
cptr_t make_from(cptr_t from, uint64_t type, uint64_t bits);
cptr_t mint(cptr_t from, uint64_t rights, uint64_t badge);
void drop(cptr_t slot);

/* Threads: a C function on a stack of its own, in this address space and CSpace. One that returns stays suspended. */
struct thread {
    cptr_t tcb, sc, buffer_frame;
    struct sel4_ipc_buffer *buffer;
};
struct thread *thread_make(void (*entry)(uint64_t), uint64_t argument, unsigned priority, cptr_t fault_endpoint);
struct thread *thread_passive(void (*entry)(uint64_t), uint64_t argument, unsigned priority); /* started, and its context unbound once
                                                                                                 it waits */
void thread_start(struct thread *);
void threads_end(void);                                  /* all of them: their objects are deleted */
uint64_t now(void);
void own_priority(unsigned);
