/* function: zombie_step, slot_take, zombie_move_home, zombie_moved, ring_join, ring_leave, ring_merge
 * property: one step of a deletion: rings stay rings; no zombie drops out of the one that is worked off, unless a container inside holds the very slot where the deletion began; each container keeps its only zombie with as much left to do, or one slot less if that slot is empty; a zombie goes only when nothing is left; what is left to do gets less
 * bound: 4 slots with any capabilities, any rings among them, any containers of them
 * options: --unwind 8
 * seconds: 300
 * replace: slot_wind_down:wind_contract
 */
#define SLOTS 4
#include "delete_world.inc"

static void clear_contract(struct slot *s)
{
    HOLDS(cap_tag(s->cap) != CAP_ZOMBIE || zombie_count(s->cap) == 0, "a zombie goes only when its container is empty");
    s->cap = cap_null();
}

/* What is left to do, in the order of its weight: capabilities that are no zombies, zombies, zombies that are not at home, slots to look at. */
struct work {
    unsigned live, zombies, abroad, left;
};
static struct work work(void)
{
    struct work w = {0, 0, 0, 0};
    for (unsigned i = 0; i < SLOTS; i++) {
        w.live += !is(CAP_NULL, i) && !zombie(i);
        w.zombies += zombie(i);
        w.abroad += zombie(i) && !zombie_self_hosted(slots[i].cap);
        w.left += zombie(i) ? (unsigned)zombie_count(slots[i].cap) : 0;
    }
    return w;
}
static bool less(struct work a, struct work b)
{
    if (a.live != b.live)
        return a.live < b.live;
    if (a.zombies != b.zombies)
        return a.zombies < b.zombies;
    return a.abroad != b.abroad ? a.abroad < b.abroad : a.left < b.left;
}

int main(void)
{
    arbitrary_world();
    unsigned z = nondet_below(SLOTS), r = nondet_below(SLOTS), i = nondet_below(SLOTS), j = nondet_below(SLOTS);
    ASSUME(zombie(z) && zombie(r) && in_ring(r, z) && zombie_count(slots[z].cap) != 0);
    word_t first = zombie_first(slots[z].cap), left = zombie_count(slots[z].cap);
    unsigned s = (unsigned)(first + left - 1);
    bool was_zombie = zombie(i), was_in_ring = was_zombie && in_ring(r, i), s_was_zombie = s != z && zombie(s);
    word_t is_of = was_zombie ? zombie_first(slots[i].cap) : SLOTS, had_left = was_zombie ? zombie_count(slots[i].cap) : 0;
    bool joins = was_zombie && s_was_zombie && in_ring(s, i);
    /* A cycle: what is deleted contains its own beginning. Then the ring may fall apart; the zombies stay in the derivation tree, where
     * whoever revokes their memory finds each. */
    bool cycle = s_was_zombie && s != r && in_ring(r, s);
    if (s != z && (is(CAP_CNODE, s) || s_was_zombie) && (is(CAP_CNODE, s) || zombie_count(slots[s].cap) != 0)) {
        word_t nested = container(slots[s].cap);
        unsigned home = (unsigned)(s_was_zombie ? nested + zombie_count(slots[s].cap) : extent[nested]) - 1;
        cycle |= zombie(home) && in_ring(r, home);
    }
    struct work w = work();
    cap_t before = slots[s].cap;
    struct slot *root = &slots[r];

    zombie_step(&slots[z], &root);

    HOLDS(ring_agrees(i), "neighbours in a ring agree");
    HOLDS(container_sound(i), "zombies stay in their containers' bounds");
    HOLDS(disjoint(i, j), "a container has one zombie");
    unsigned root_now = (unsigned)(offset_of(root) >> SEL4_SLOT_BITS);
    HOLDS(root_now < SLOTS && zombie(root_now), "there is a root");
    if (was_zombie) {
        unsigned now = zombie_of(is_of);
        HOLDS(now < SLOTS || (had_left == 0 && is_of != first), "no zombie is forgotten while something is left to do");
        if (now < SLOTS) {
            word_t left_now = zombie_count(slots[now].cap);
            HOLDS(left_now == had_left || (is_of == first && left_now == left - 1 && (is(CAP_NULL, s) || zombie(s))), "nor is what it has to do");
            HOLDS(!was_in_ring || cycle || in_ring(root_now, now), "what was in the ring is in it still");
            HOLDS(!joins || cycle || in_ring(root_now, now), "and so is the ring that was met");
        }
    }
    bool waits = winds == 1 && !less(work(), w);
    HOLDS(!waits || (slots[s].cap.w0 == before.w0 && slots[s].cap.w1 == before.w1 && zombie_count(slots[z].cap) == left), "while the object has something to do, nothing else happens");
    HOLDS(waits || less(work(), w), "less is left to do");
    REACH(waits);
    REACH(s_was_zombie && root == &slots[r] && s != r);
    REACH(s_was_zombie && s == r);
    REACH(!s_was_zombie && work().zombies > w.zombies);
    REACH(s == z);
    REACH(cycle);
}
