/* function: slot_delete, slot_revoke, preemption_point
 * property: Delete succeeds only with every zombie of the ring worked off and out of the tree; a preemption leaves the rest in the ring; a zombie that is at home is taken out of its ring and worked off alone; Revoke succeeds only when no child is left
 * bound: rings of up to 2 zombies with one slot each, one of which may hold another container; up to 2 children; preempted at any point
 * options: --unwind 8
 * replace: zombie_step:step_contract slot_wind_down:wind_contract
 */
#define SLOTS 3
#include "delete_world.inc"

/* zombie_step (delete_step.c): less to do, the ring is whole, the root in it. */
static unsigned joins;
void step_contract(struct slot *z, struct slot **root)
{
    HOLDS(cap_tag(z->cap) == CAP_ZOMBIE && zombie_count(z->cap) != 0, "there is something left to do");
    HOLDS(cap_tag((*root)->cap) == CAP_ZOMBIE, "the root is a zombie");
    unsigned free = nondet_below(SLOTS);
    if (joins == 0 && is(CAP_NULL, free) && nondet_bool()) {
        joins++;
        slots[free].cap = cap_zombie(0, nondet_below(2), free);
        if (nondet_bool() && z != *root) { /* the root's zombie goes home, and another name for it */
            ring_merge(*root, &slots[free]);
            *root = &slots[free];
        } else {
            ring_merge(z, &slots[free]);
        }
    } else {
        zombie_set_count(z, zombie_count(z->cap) - 1);
    }
}
static void clear_contract(struct slot *s)
{
    HOLDS(cap_tag(s->cap) != CAP_ZOMBIE || (zombie_count(s->cap) == 0 && ring_next(s) == s), "a zombie goes when its work is done and its ring was left");
    s->cap = cap_null();
}

int main(void)
{
    arbitrary_world();
    unsigned s = nondet_below(SLOTS), other = nondet_below(SLOTS);
    small_kernel.work_units = nondet_below(WORK_UNITS_PER_CHECK);
    for (unsigned i = 0; i < SLOTS; i++)
        ASSUME(!zombie(i) || zombie_count(slots[i].cap) <= 1);
    ASSUME(is(CAP_NULL, 0)); /* 2 at most */
    bool was_zombie = zombie(s), alone = was_zombie && zombie_self_hosted(slots[s].cap);
    bool of_ring = was_zombie && zombie(other) && in_ring(s, other);
    cap_t before = slots[other].cap;

    status_t status = slot_delete(&slots[s]);

    HOLDS(status == STATUS_OK || status == STATUS_PREEMPTED, "done, or preempted");
    HOLDS(ring_agrees(other), "rings are whole");
    HOLDS(status != STATUS_OK || is(CAP_NULL, s) || zombie(s), "nothing else is left there");
    HOLDS(status != STATUS_OK || !of_ring || alone || !zombie(other) || joins, "no zombie of the ring is left");
    HOLDS(!of_ring || !alone || other == s || (zombie(other) && zombie_count(slots[other].cap) == zombie_count(before)), "the others of its ring keep their work");
    REACH(status == STATUS_OK && of_ring && other != s && !alone);
    REACH(status == STATUS_OK && alone && of_ring && other != s);
    REACH(status == STATUS_PREEMPTED && !was_zombie && zombie(s));
    REACH(status == STATUS_OK && is(CAP_NULL, s) && joins);
}
