/* Deleting and revoking capabilities, preemptible at every slot, without recursion.
 *
 * Deleting the last capability to a container (a CNode, or a TCB with its five slots) deletes what it holds. Its slot becomes
 * a zombie that counts the container's slots down. When such a slot itself holds the last capability to a container N, N's
 * zombie moves into N's own last slot ("self-hosted"), and what was there takes its place to be deleted next. So any
 * nesting is flat: all zombies of one deletion form a ring with the slot where it began, its root, in which each is
 * worked off on its own, a slot at a time. Nothing but the ring says what is left to do: after a preemption, deleting the same
 * slot goes on where it stopped, and whoever revokes the memory instead finds the zombies in the derivation tree. */
#include "core.h"
#include "state.h"

static struct slot *slot_numbered(word_t n) { return object_at(n << SEL4_SLOT_BITS); }
static word_t slot_number(const struct slot *s) { return object_offset(s) >> SEL4_SLOT_BITS; }
static struct slot *ring_next(const struct slot *s) { return slot_numbered(zombie_next(s->cap)); }
static struct slot *ring_prev(const struct slot *s) { return slot_numbered(zombie_prev(s->cap)); }

static void ring_join(struct slot *a, struct slot *b) /* b follows a */
{
    a->cap.w1 = cap_set(a->cap.w1, slot_number(b), 0, 32);
    b->cap.w1 = cap_set(b->cap.w1, slot_number(a), 32, 32);
}

static void ring_leave(struct slot *s)
{
    ring_join(ring_prev(s), ring_next(s));
    ring_join(s, s);
}

static void ring_merge(struct slot *a, struct slot *b) /* two different rings become one */
{
    struct slot *after_a = ring_next(a), *before_b = ring_prev(b);
    ring_join(a, b);
    ring_join(before_b, after_a);
}

static void zombie_set_count(struct slot *s, word_t count) { s->cap.w0 = cap_set(s->cap.w0, count, 32, 26); }

/* What an object does when a capability to it goes, `final`: the last one. */
static void object_finalise(cap_t cap, bool final)
{
    if (arch_owns(cap_tag(cap))) {
        arch_cap_finalise(cap, final);
        return;
    }
    if (!final)
        return;
    switch (cap_tag(cap)) {
    case CAP_NOTIFICATION: notification_finalise(object_at(cap_offset48(cap))); break;
    case CAP_REPLY: reply_finalise(object_at(cap_offset48(cap))); break;
    case CAP_SC: sched_context_finalise(object_at(cap_offset48(cap))); break;
    case CAP_TCB: thread_finalise(object_at(cap_offset48(cap))); break;
    case CAP_IRQ_HANDLER: {
        struct slot *s = &kernel.irq_slots[cap_irq(cap)];
        if (!slot_is_empty(s)) { /* always a notification */
            object_finalise(s->cap, slot_is_final(s));
            slot_clear(s);
        }
        arch_irq_handler_deleted(cap_irq(cap));
        break;
    }
    default: break;
    }
}

/* Frame-only memory comes back from what was made of it; it came from nothing itself. Nobody can ask for it again: say so. */
static void check_memory_lost(const struct slot *s)
{
    if (untyped_frame_only(s->cap) && !slot_prev(s) && !slot_has_children(s))
        log_printf("memory [0x%lx-0x%lx): its last capability is deleted; nobody has it until the machine starts again\n",
                   (unsigned long)untyped_paddr(s->cap), (unsigned long)(untyped_paddr(s->cap) + BIT(untyped_size_bits(s->cap))));
}

/* One step of what the object behind a last capability needs before that goes, where it may be a lot: threads that wait there are
 * released, devices are blocked. The capability loses its rights first, so nobody joins them. True: nothing is left to do. */
bool slot_wind_down(struct slot *s)
{
    cap_t cap = s->cap;
    switch (cap_tag(cap)) {
    case CAP_ENDPOINT:
    case CAP_NOTIFICATION:
        if (!slot_is_final(s))
            return true;
        s->cap = cap_mask_rights(cap, 0);
        return cap_tag(cap) == CAP_ENDPOINT ? !endpoint_cancel_one(object_at(cap_offset48(cap)))
                                            : !notification_cancel_one(object_at(cap_offset48(cap)));
    case CAP_IRQ_HANDLER: return !slot_is_final(s) || slot_wind_down(&kernel.irq_slots[cap_irq(cap)]);
    default: return !arch_owns(cap_tag(cap)) || !slot_is_final(s) || arch_cap_wind_down(cap);
    }
}

/* Takes the capability out of `s`. True: the slot is empty; false: it is now a zombie, in a ring of its own. */
static bool slot_take(struct slot *s)
{
    cap_t cap = s->cap;
    if (cap_tag(cap) == CAP_NULL)
        return true;
    bool final = slot_is_final(s);
    if (cap_tag(cap) == CAP_UNTYPED)
        check_memory_lost(s);
    object_finalise(cap, final);
    struct slot *first = NULL;
    word_t count = 0;
    if (final && cap_tag(cap) == CAP_CNODE) {
        first = object_at(cnode_offset(cap));
        count = BIT(cnode_radix(cap));
    } else if (final && cap_tag(cap) == CAP_TCB) {
        first = &((struct tcb *)object_at(cap_offset48(cap)))->cspace;
        count = TCB_SLOTS;
    }
    if (!first) {
        slot_clear(s);
        return true;
    }
    s->cap = cap_zombie(slot_number(first), count, slot_number(s));
    return false;
}

static void zombie_moved(struct slot *from, struct slot *to) /* its ring neighbours still name the old place */
{
    if (ring_next(to) == from)
        ring_join(to, to);
    else {
        struct slot *prev = ring_prev(to), *next = ring_next(to);
        ring_join(prev, to);
        ring_join(to, next);
    }
}

/* The zombie in `s` (in another container's memory) moves into its own container's last slot; what that held comes to `s`. */
static struct slot *zombie_move_home(struct slot *s)
{
    struct slot *home = slot_numbered(zombie_first(s->cap) + zombie_count(s->cap) - 1);
    struct slot *before = NULL; /* the other zombie's place in its ring, should one come to `s` */
    if (cap_tag(home->cap) == CAP_ZOMBIE && ring_prev(home) != home) {
        before = ring_prev(home) == s ? home : ring_prev(home);
        ring_leave(home);
    }
    slot_swap(s->cap, s, home->cap, home);
    zombie_moved(s, home);
    if (cap_tag(s->cap) == CAP_ZOMBIE) {
        ring_join(s, s);
        if (before)
            ring_merge(before, s);
    }
    home->cap.w0 = cap_set(home->cap.w0, 1, 58, 1);
    return home;
}

/* One slot less to do for the zombie in `z`, which belongs to the ring whose root is *root. */
static void zombie_step(struct slot *z, struct slot **root)
{
    word_t count = zombie_count(z->cap);
    struct slot *s = slot_numbered(zombie_first(z->cap) + count - 1);
    if (s != z && cap_tag(s->cap) != CAP_ZOMBIE && !slot_wind_down(s))
        return;
    if (s != z && cap_tag(s->cap) != CAP_ZOMBIE && !slot_take(s)) {
        /* a nested container: its zombie goes home, then joins this ring */
        ring_merge(z, zombie_move_home(s));
    } else if (s != z && cap_tag(s->cap) == CAP_ZOMBIE) {
        /* the root of an interrupted deletion, perhaps of this one */
        bool own = s == *root;
        if (zombie_count(s->cap) == 0) {
            struct slot *rest = ring_next(s);
            ring_leave(s);
            slot_clear(s);
            if (own)
                *root = z; /* z is of this ring still */
            else if (rest != s)
                ring_merge(z, rest);
        } else {
            struct slot *home = zombie_move_home(s);
            if (own)
                *root = home;
            else
                ring_merge(z, home);
        }
    } else {
        zombie_set_count(z, count - 1);
    }
}

bool preemption_point(void)
{
    if (++kernel.work_units < WORK_UNITS_PER_CHECK)
        return false;
    kernel.work_units = 0;
    return machine_interrupt_pending();
}

status_t slot_delete(struct slot *slot)
{
    if (cap_tag(slot->cap) != CAP_ZOMBIE) {
        while (!slot_wind_down(slot))
            if (preemption_point())
                return STATUS_PREEMPTED;
        if (slot_take(slot))
            return STATUS_OK;
    } else if (zombie_self_hosted(slot->cap)) {
        ring_leave(slot); /* found by revoking its memory: work on this one only */
    }
    struct slot *root = slot;
    for (;;) {
        struct slot *z = ring_next(root); /* the others first, the root last */
        if (zombie_count(z->cap) != 0) {
            zombie_step(z, &root);
        } else {
            ring_leave(z);
            slot_clear(z);
            if (z == root)
                return STATUS_OK;
        }
        if (preemption_point())
            return STATUS_PREEMPTED;
    }
}

status_t slot_revoke(struct slot *slot)
{
    while (slot_has_children(slot)) {
        status_t s = slot_delete(slot_next(slot));
        if (s != STATUS_OK)
            return s;
        if (preemption_point())
            return STATUS_PREEMPTED;
    }
    return STATUS_OK;
}
