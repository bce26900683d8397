/* The common path: whatever the entry, once it has its input the rest is the same. */
#pragma once
#include "input.h"

/* On boot's own stack, page tables (the first 512 GiB identity-mapped) and descriptors, interrupts off. */
__attribute__((noreturn)) void boot_run(const struct boot_input *input);

#define IDENTITY_BY_ENTRY (512ull << 30) /* what each entry maps */
