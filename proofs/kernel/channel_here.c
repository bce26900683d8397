/* function: movable_covers, movable_bits, movable_absent, movable_mark
 * property: a record covers only aligned pieces within the memory; marking one changes the bits of its own units, all of them, and no other; a piece of which a unit is here is not absent; no access beside the record
 * bound: memory of up to 1 GiB at any address, any record, any of its units
 * options: --unwind 10
 * solver: bitwuzla
 * seconds: 300
 */
#include "../proof.h"
#include "kernel/channel.h"

#define WORDS 9 /* 1 GiB at any address */
static word_t here[WORDS];

int main(void)
{
    struct movable m = {CHANNEL_MEMORY, 1, nondet_word(), nondet_word(), here};
    ASSUME((m.value | m.size) % BIT(CHANNEL_UNIT_BITS) == 0 && m.value < BIT(46) && m.size != 0 && m.size <= BIT(30));
    HOLDS(movable_words(m.value, m.size) <= WORDS, "so many words are enough");
    struct channel_record r = {0, nondet_word(), nondet_word(), nondet_word()};
    if (!movable_covers(&m, &r))
        return 0;
    HOLDS(r.kind == CHANNEL_MEMORY && r.size_bits >= 21 && r.size_bits <= 30 && (r.value & (BIT(r.size_bits) - 1)) == 0, "an aligned piece");
    HOLDS(r.value >= m.value && r.value + BIT(r.size_bits) <= m.value + m.size, "within the memory");

    /* any unit of the record: the code's address of its first bit, said again */
    unsigned w = nondet_below(WORDS), b = nondet_below(64);
    word_t unit = (m.value & ~(BIT(27) - 1)) + ((word_t)w << 27) + ((word_t)b << 21);
    bool about = unit >= r.value && unit < r.value + BIT(r.size_bits);
    here[w] = nondet_word();
    bool was = here[w] >> b & 1, to = nondet_bool();
    HOLDS(!(about && was && movable_absent(&m, &r)), "what is here is not absent");
    movable_mark(&m, &r, to);
    HOLDS((here[w] >> b & 1) == (about ? to : was), "exactly the units of the piece are marked");
    REACH(r.size_bits == 30 && about && !was && to);
    REACH(r.size_bits == 21 && about && was && !to);
    REACH(!about && was);
    REACH(r.size_bits == 26 && (r.value & (BIT(27) - 1)) != 0);
}
