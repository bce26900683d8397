/* Node channels: capabilities leave for, and arrive from, one other kernel (docs/decisions/0016-node-channel.md).
 *
 * A capability is named by this node's slot, then by the mailbox, then by the other node's slot. The record is written before the slot
 * is cleared, the slot cleared before the record counts; the other kernel fills its slot before it says that it did. So a kernel that
 * dies between any two accesses leaves every capability named somewhere, and usable on one side at most. */
#include "channel.h"
#include "core.h"

/* ---- records ---- */

static bool record_of(cap_t cap, struct channel_record *r)
{
    *r = (struct channel_record){0};
    switch (cap_tag(cap)) {
    case CAP_UNTYPED:
        r->kind = CHANNEL_MEMORY;
        r->value = untyped_paddr(cap);
        r->size_bits = untyped_size_bits(cap);
        return untyped_frame_only(cap);
    case CAP_REQUESTERS:
        r->kind = CHANNEL_REQUESTERS;
        r->value = requesters_unit(cap) << 32 | requesters_last(cap) << 16 | requesters_first(cap);
        return true;
    case CAP_IPI:
        r->kind = CHANNEL_IPI;
        r->value = ipi_vector(cap) << 32 | ipi_apic_id(cap);
        return true;
    default: return false;
    }
}

/* Of a record that a movable thing covers. */
static cap_t record_cap(const struct channel_record *r)
{
    switch (r->kind) {
    case CHANNEL_MEMORY: return cap_untyped(r->value, (unsigned)r->size_bits, true, 0);
    case CHANNEL_REQUESTERS: return cap_requesters(r->value >> 32, r->value & MASK(16), r->value >> 16 & MASK(16));
    default: return cap_ipi(r->value & MASK(32), r->value >> 32);
    }
}

/* What boot lets pass through this channel. */
static const struct movable *movable_find(word_t channel, const struct channel_record *r)
{
    for (word_t i = 0; i < kernel.movable_count; i++) {
        const struct movable *m = &kernel.movables[i];
        if ((m->channels & BIT(channel)) && movable_covers(m, r))
            return m;
    }
    return NULL;
}

/* ---- send ---- */

/* Everything that names the thing is this slot: no copy, nothing made from it, and nothing that it was made from. */
static status_t check_alone(const struct slot *s)
{
    if (slot_has_children(s) || !slot_is_final(s))
        return refuse_plain(SEL4_REVOKE_FIRST);
    if (slot_prev(s)) /* the first of its list has no ancestor; of the others we would have to look for one */
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    return arch_cap_in_use(s->cap) ? refuse_plain(SEL4_DELETE_FIRST) : STATUS_OK;
}

static status_t send_invoke(struct invocation *inv, struct channel *c)
{
    struct slot *from = inv->extra[0];
    struct channel_record r;
    if (!from)
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    if (!record_of(from->cap, &r))
        return refuse_capability(1);
    if (r.kind == CHANNEL_MEMORY && (r.size_bits < CHANNEL_UNIT_BITS || r.size_bits > CHANNEL_MAX_BITS))
        return refuse_range(CHANNEL_UNIT_BITS, CHANNEL_MAX_BITS);
    const struct movable *m = movable_find(channel_number(inv->cap), &r);
    if (!m)
        return refuse_capability(1);
    status_t s = check_alone(from);
    if (s != STATUS_OK)
        return s;
    if (channel_full(c)) {
        refuse(0, 0);
        return SEL4_NOT_ENOUGH_MEMORY;
    }

    channel_write(c, &r);
    slot_clear(from);
    movable_mark(m, &r, false);
    channel_publish(c);
    return STATUS_OK;
}

/* ---- receive ---- */

/* No kernel of ours writes such a record. It stays where it is: nothing is taken behind it, and nothing is forgotten. */
static status_t accuse(struct channel *c, const struct channel_record *r)
{
    if (!c->accused)
        log_printf("channel %s: record %lu (kind %lu, 0x%lx, size %lu) is nothing that may come here: the sending node's kernel is "
                   "faulty; nothing more is taken from it, restart the machine\n", c->name, (unsigned long)r->sequence,
                   (unsigned long)r->kind, (unsigned long)r->value, (unsigned long)r->size_bits);
    c->accused = true;
    return refuse_capability(0);
}

static status_t tell(struct invocation *inv, word_t kind, word_t value, word_t size_bits)
{
    invocation_result(inv, 0, kind);
    invocation_result(inv, 1, value);
    invocation_result(inv, 2, size_bits);
    return STATUS_OK;
}

static status_t receive_invoke(struct invocation *inv, struct channel *c)
{
    if (inv->length < 2 || !inv->extra[0])
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    struct lookup to = cspace_lookup_target(inv->extra[0]->cap, invocation_arg(inv, 0), invocation_arg(inv, 1));
    if (to.status != STATUS_OK)
        return to.status;
    if (!slot_is_empty(to.slot))
        return refuse_plain(SEL4_DELETE_FIRST);
    struct channel_record r;
    if (!channel_peek(c, &r))
        return tell(inv, CHANNEL_NOTHING, 0, 0);
    const struct movable *m = movable_find(channel_number(inv->cap), &r);
    if (!m || !movable_absent(m, &r))
        return accuse(c, &r);

    slot_insert_original(record_cap(&r), to.slot);
    arch_cap_arrived(to.slot->cap);
    movable_mark(m, &r, true);
    channel_take(c);
    return tell(inv, r.kind, r.value, r.size_bits);
}

status_t channel_invoke(struct invocation *inv)
{
    struct channel *c = &kernel.channels[channel_number(inv->cap)];
    if (inv->label != (c->sends ? ATOLL_CHANNEL_SEND : ATOLL_CHANNEL_RECEIVE))
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    return c->sends ? send_invoke(inv, c) : receive_invoke(inv, c);
}
