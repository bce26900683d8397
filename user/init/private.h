/* Private memory as init takes it: untypeds, and how full each of them is. Pure: the compiler counts with the same rule how much a node needs. */
#pragma once
#include <stdint.h>

#define PRIVATE_MAX 64

struct private_memory {
    unsigned count;
    struct { uint64_t slot, size, used; } pieces[PRIVATE_MAX];
};

/* The piece that an object of 2^bits bytes is made from, or -1: none has room. */
int private_choose(const struct private_memory *m, unsigned bits);
/* It was made there. */
void private_take(struct private_memory *m, int piece, unsigned bits);
