/* function: requesters_unbind_one, io_space_unbind_one
 * property: one step of a range's or a space's end: one of its requesters is blocked and forgotten, no other is touched; false exactly if none was bound
 * bound: two units, two spaces, 2 bindings; all ranges
 * options: --unwind 4
 */
#include "requesters.inc"

int main(void)
{
    arbitrary_books();
    bool range = nondet_bool(), concerned = range ? ghost_in_range : before == space_meant;
    word_t count = binding_count;

    bool one = range ? requesters_unbind_one(slot.cap) : io_space_unbind_one(space_meant);

    HOLDS(concerned ? ghost_attached == NULL || (one && ghost_attached == before) : ghost_attached == before, "only what belongs to it");
    HOLDS(one || !concerned || !before, "false only if none was bound");
    HOLDS(binding_count + one == count && changed == one, "one at a time, blocked when it is forgotten");
    still_sound();
    REACH(range && one && !ghost_attached && before);
    REACH(!range && one && !ghost_attached && before);
    REACH(!one && before);
}
