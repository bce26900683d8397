/* CNode operations: Copy, Mint, Move, Mutate, Rotate, Delete, Revoke, CancelBadgedSends (manual, "CNode"). */
#include "core.h"
#include "state.h"

static status_t source_check(const struct slot *slot, word_t depth)
{
    if (!slot_is_empty(slot) && cap_tag(slot->cap) != CAP_ZOMBIE)
        return STATUS_OK;
    kernel.current->lookup_failure[0] = SEL4_LOOKUP_MISSING;
    kernel.current->lookup_failure[1] = depth;
    return refuse_lookup(true);
}

static status_t source_lookup(cap_t root, word_t index, word_t depth, struct slot **slot)
{
    struct lookup l = cspace_lookup_target(root, index, depth);
    if (l.status == SEL4_FAILED_LOOKUP)
        return refuse_lookup(true);
    if (l.status != STATUS_OK)
        return l.status;
    *slot = l.slot;
    return source_check(l.slot, depth);
}

/* Copy, Mint, Move and Mutate: from the slot in extra[0]'s space to `to`. */
static status_t decode_transfer(struct invocation *inv, struct slot *to)
{
    static const uint8_t words[] = {5, 6, 4, 5};
    if (inv->length < words[inv->label - SEL4_CNODE_COPY] || !inv->extra[0])
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    if (!slot_is_empty(to))
        return refuse_plain(SEL4_DELETE_FIRST);
    struct slot *from = NULL;
    status_t s = source_lookup(inv->extra[0]->cap, invocation_arg(inv, 2), invocation_arg(inv, 3), &from);
    if (s != STATUS_OK)
        return s;
    cap_t cap = from->cap;
    bool moves = inv->label == SEL4_CNODE_MOVE || inv->label == SEL4_CNODE_MUTATE;
    if (!moves)
        cap = cap_mask_rights(cap, invocation_arg(inv, 4));
    if (inv->label == SEL4_CNODE_MINT)
        cap = cap_update_data(cap, false, invocation_arg(inv, 5));
    if (inv->label == SEL4_CNODE_MUTATE)
        cap = cap_update_data(cap, true, invocation_arg(inv, 4));
    if (!moves) {
        s = cap_derive(from, cap, &cap);
        if (s != STATUS_OK)
            return s;
    }
    if (cap_tag(cap) == CAP_NULL)
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    if (moves)
        slot_move(cap, from, to);
    else
        slot_insert(cap, from, to);
    return STATUS_OK;
}

/* pivot goes to `to`, source to pivot's place; `to` may be the source's slot: a swap. No word of the message is read twice: what
 * was checked must be what is used, even if a device can write the IPC buffer. */
static status_t decode_rotate(struct invocation *inv, struct slot *to)
{
    if (inv->length < 8 || !inv->extra[0] || !inv->extra[1])
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    word_t pivot_data = invocation_arg(inv, 2), pivot_depth = invocation_arg(inv, 4);
    word_t from_data = invocation_arg(inv, 5), from_depth = invocation_arg(inv, 7);
    struct slot *from, *pivot;
    struct lookup l = cspace_lookup_target(inv->extra[1]->cap, invocation_arg(inv, 6), from_depth);
    if (l.status != STATUS_OK)
        return l.status == SEL4_FAILED_LOOKUP ? refuse_lookup(true) : l.status;
    from = l.slot;
    l = cspace_lookup_target(inv->extra[0]->cap, invocation_arg(inv, 3), pivot_depth);
    if (l.status != STATUS_OK)
        return l.status;
    pivot = l.slot;
    if (pivot == from || pivot == to)
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    if (from != to && !slot_is_empty(to))
        return refuse_plain(SEL4_DELETE_FIRST);
    status_t s = source_check(from, from_depth);
    if (s == STATUS_OK)
        s = source_check(pivot, pivot_depth);
    if (s != STATUS_OK)
        return s;
    cap_t from_cap = from_data == 0 ? from->cap : cap_update_data(from->cap, true, from_data);
    cap_t pivot_cap = pivot_data == 0 ? pivot->cap : cap_update_data(pivot->cap, true, pivot_data);
    if (cap_tag(from_cap) == CAP_NULL || cap_tag(pivot_cap) == CAP_NULL)
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    if (from == to) {
        slot_swap(from_cap, from, pivot_cap, pivot);
    } else {
        slot_move(pivot_cap, pivot, to);
        slot_move(from_cap, from, pivot);
    }
    return STATUS_OK;
}

static status_t decode_cancel_badged_sends(struct slot *to)
{
    /* Whoever cancels other people's messages must be able to do anything on that endpoint. */
    if (cap_tag(to->cap) != CAP_ENDPOINT || cap_rights(to->cap) != SEL4_ALL_RIGHTS)
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    if (cap_badge(to->cap) == 0)
        return STATUS_OK;
    return endpoint_cancel_badged(object_at(cap_offset48(to->cap)), cap_badge(to->cap));
}

status_t cnode_invoke(struct invocation *inv)
{
    if (inv->label < SEL4_CNODE_REVOKE || inv->label > SEL4_CNODE_ROTATE)
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    if (inv->length < 2)
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    struct lookup l = cspace_lookup_target(inv->cap, invocation_arg(inv, 0), invocation_arg(inv, 1));
    if (l.status != STATUS_OK)
        return l.status;
    switch (inv->label) {
    case SEL4_CNODE_REVOKE: return slot_revoke(l.slot);
    case SEL4_CNODE_DELETE: return slot_delete(l.slot);
    case SEL4_CNODE_CANCEL_BADGED_SENDS: return decode_cancel_badged_sends(l.slot);
    case SEL4_CNODE_ROTATE: return decode_rotate(inv, l.slot);
    default: return decode_transfer(inv, l.slot);
    }
}
