/* What a VM takes of the machine beyond its RAM, from the compiled request, before anything is started. */
#pragma once
#include <stdint.h>
#include <stdio.h>
#include "description.h"

struct cost { /* bytes */
    uint64_t private; /* its nodes': kernels, their objects, the components */
    uint64_t files;   /* kernel, initrd, disks, as boot copies them */
    uint64_t specs;   /* what init builds on its nodes */
    uint64_t shared;  /* queues, logs, pages between its nodes */
};

/* `dir` holds what compile_system() wrote. 0, or -1: something there cannot be read. */
int cost_of(const struct description *d, const struct description_vm *vm, const char *dir, struct cost *cost);

/* A line for each VM. */
int cost_print(const struct description *d, const char *dir, FILE *to);
