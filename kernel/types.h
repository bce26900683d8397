/* Words, statuses and small helpers that every kernel file uses. Compiles freestanding and for the host. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sel4/abi.h>

typedef uint64_t word_t;
typedef uint64_t paddr_t;
typedef uint64_t ticks_t; /* TSC ticks */

/* The outcome of a decode: an seL4 error code, or one of the kernel's own below zero. */
typedef int status_t;
#define STATUS_OK SEL4_NO_ERROR
#define STATUS_PREEMPTED (-1) /* the operation stopped at a preemption point; restart the system call */
#define STATUS_BLOCKED (-2)   /* done, and the caller gets no reply now (it blocked, or was replied to already) */

#define BIT(n) (1ull << (n))
#define MASK(n) (BIT(n) - 1)
#define ALIGN_DOWN(x, bits) ((x) & ~MASK(bits))
#define ALIGN_UP(x, bits) (((x) + MASK(bits)) & ~MASK(bits))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))
