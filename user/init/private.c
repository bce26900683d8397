#include "private.h"

/* As the kernel does (manual, "Untyped memory"): the next object starts at the first aligned byte. */
static uint64_t start_of(const struct private_memory *m, unsigned piece, uint64_t size)
{
    return (m->pieces[piece].used + size - 1) & ~(size - 1);
}

/* The fullest that still has room. */
int private_choose(const struct private_memory *m, unsigned bits)
{
    uint64_t size = 1ull << bits, least = UINT64_MAX;
    int best = -1;

    for (unsigned i = 0; i < m->count; i++) {
        uint64_t from = start_of(m, i, size), left = m->pieces[i].size - m->pieces[i].used;
        if (from <= m->pieces[i].size && m->pieces[i].size - from >= size && left < least) {
            least = left;
            best = (int)i;
        }
    }
    return best;
}

void private_take(struct private_memory *m, int piece, unsigned bits)
{
    m->pieces[piece].used = start_of(m, (unsigned)piece, 1ull << bits) + (1ull << bits);
}
