/* function: bits_in_word, overlaps_issued, mark, inside_cap, ioport_deleted
 * property: a range is issued exactly if each of its ports is marked, ranges that overlap a live one are noticed, other ports keep their mark, an access stays inside its capability
 * bound: any ranges of up to 128 ports, any ports issued before
 * options: --unwind 5
 * solver: bitwuzla
 */
#include "../proof.h"
#include "kernel/x86/ioport.c"

struct kernel kernel;

static bool marked(word_t port) { return issued[port / 64] >> port % 64 & 1; }

int main(void)
{
    __CPROVER_havoc_object(issued);
    word_t first = nondet_word(), last = nondet_word(), port = nondet_below(PORTS);
    ASSUME(first <= last && last < PORTS && last - first < 128);
    bool inside = port >= first && port <= last, before = marked(port);

    HOLDS(!(inside && before) || overlaps_issued(first, last), "a port that is issued already is noticed");
    bool free = !overlaps_issued(first, last);
    mark(first, last, true);
    HOLDS(marked(port) == (inside || before), "just these ports are issued");
    cap_t cap = cap_io_port(first, last);
    unsigned bytes = 1u << nondet_below(3);
    HOLDS(!inside_cap(cap, port, bytes) || (port >= first && port + bytes - 1 <= last), "an access stays inside its capability");
    ioport_deleted(cap);
    HOLDS(marked(port) == (before && !inside), "and free again afterwards");
    REACH(free && last - first == 127);
    REACH(!free);
    REACH(inside_cap(cap, port, 4));
}
