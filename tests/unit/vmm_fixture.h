/* A virtual machine on the host: RAM from malloc, all registers present, no kernel. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "vm.h"

#define FIXTURE_MEMORY 0x8000000ull /* 128 MiB */

struct fixture {
    struct vm vm;
    struct vm_config config;
    struct vm_mailbox boxes[VM_MAX_VCPUS];
    char output[4096];
    unsigned output_bytes;
    const char *input; /* what the console has for the guest */
    uint32_t exit_code;
    unsigned exit_codes;
};

/* cmocka set-up and tear-down; *state is the fixture. */
int fixture_new(void **state);
int fixture_free(void **state);

/* The guest's code: put it at 1 MiB, point RIP there, in 64-bit mode with an identity map. */
void fixture_code(struct fixture *f, const uint8_t *bytes, unsigned n);

/* An exit as the kernel reports it, with all groups present. */
void fixture_exit(struct fixture *f, enum vcpu_exit exit_class, uint64_t q1, uint64_t q2);

/* The CPU told the length of the instruction that exited. */
static inline void fixture_exit_length(struct vcpu *v, unsigned bytes)
{
    v->exit_flags = (v->exit_flags & ~(0xffull << EXIT_LENGTH_SHIFT)) | bytes << EXIT_LENGTH_SHIFT;
}

struct cpuid_regs fixture_cpuid(uint32_t leaf, uint32_t subleaf);

uint64_t event_vector(const struct fixture *f); /* of the queued event; ~0: none */
