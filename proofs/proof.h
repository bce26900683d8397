/* What every harness uses. A harness is one main(): it builds an arbitrary state that satisfies the invariants, calls one function of
 * the code that ships, and asserts what must hold afterwards. scripts/prove runs them; docs/assurance.md lists them. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint64_t nondet_word(void);
unsigned nondet_unsigned(void);
int nondet_int(void);
bool nondet_bool(void);

#ifndef PROVE /* set by scripts/prove: the prover knows these; other compilers only look at this header */
void __CPROVER_assume(_Bool);
void __CPROVER_assert(_Bool, const char *);
#endif
#define ASSUME(condition) __CPROVER_assume(condition)
/* The property: its text is the sentence that a failing proof prints. */
#define HOLDS(condition, sentence) __CPROVER_assert(condition, sentence)
/* Outcomes that must be possible, else the harness assumes too much and proves nothing: a second run looks for a way to each. */
#ifdef COVER
#define REACH(condition) __CPROVER_cover(condition)
#else
#define REACH(condition) ((void)0)
#endif

/* An arbitrary number below n. */
static inline unsigned nondet_below(unsigned n)
{
    unsigned i = nondet_unsigned();
    ASSUME(i < n);
    return i;
}
