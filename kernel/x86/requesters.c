/* Ranges of requester IDs on one unit. A range is never copied, only divided into smaller ones that do not overlap, so whoever holds
 * one decides alone which I/O space its functions see. When the capability goes, its functions are blocked. */
#include "iospace.h"
#include "../core.h"
#include "irq.h"

static struct io_space *bound_spaces;

static struct io_space *space_of(const struct iommu *unit, word_t requester, word_t *index)
{
    for (struct io_space *s = bound_spaces; s; s = s->next)
        for (word_t i = 0; i < s->bound_count && s->unit == unit; i++)
            if (s->bound[i] == requester) {
                *index = i;
                return s;
            }
    return NULL;
}

/* ---- domains: this node's numbers of each unit ---- */

static word_t domain_find(const struct iommu *u)
{
    word_t i = 0;
    while (i < u->domain_count && u->domains_used[i / 64] >> i % 64 & 1)
        i++;
    return i;
}

static void domain_mark(struct iommu *u, word_t i, bool used)
{
    u->domains_used[i / 64] = (u->domains_used[i / 64] & ~BIT(i % 64)) | (word_t)used << i % 64;
}

/* ---- bind, unbind ---- */

static void space_join(struct io_space *s, struct iommu *u, word_t domain)
{
    domain_mark(u, domain, true);
    s->unit = u;
    s->domain = u->domain_first + domain;
    s->prev = NULL;
    s->next = bound_spaces;
    if (bound_spaces)
        bound_spaces->prev = s;
    bound_spaces = s;
}

static void space_leave(struct io_space *s)
{
    domain_mark(s->unit, s->domain - s->unit->domain_first, false);
    if (s->prev)
        s->prev->next = s->next;
    else
        bound_spaces = s->next;
    if (s->next)
        s->next->prev = s->prev;
    s->unit = NULL;
    s->next = s->prev = NULL;
}

/* On return the function's requests are refused and those under way are done. */
static void unbind(struct io_space *s, word_t index)
{
    iommu_device_block(s->unit, s->bound[index], s->domain);
    s->bound[index] = s->bound[--s->bound_count];
    if (s->bound_count == 0)
        space_leave(s);
}

static status_t bind_invoke(struct invocation *inv)
{
    struct iommu *unit = iommu_at(requesters_unit(inv->cap));
    struct root root;
    word_t index, requester = invocation_arg(inv, 0), domain = 0;
    status_t status = root_from_cap(inv->extra[0], CAP_IO_SPACE, &root);
    if (status != STATUS_OK)
        return status;
    struct io_space *s = object_at(root.offset);
    if (space_of(unit, requester, &index))
        return refuse_plain(SEL4_DELETE_FIRST);
    if (s->bound_count && s->unit != unit)
        return refuse_capability(1); /* one unit per space: its domain number is the unit's */
    if (s->bound_count == IO_SPACE_BOUND_MAX)
        return refuse_plain(SEL4_NOT_ENOUGH_MEMORY);
    if (!s->bound_count && (domain = domain_find(unit)) == unit->domain_count)
        return refuse_plain(SEL4_NOT_ENOUGH_MEMORY);

    if (!s->bound_count) {
        space_join(s, unit, domain);
        iommu_memory_written(unit, s->table, sizeof(s->table));
    }
    s->bound[s->bound_count++] = (uint16_t)requester;
    iommu_device_attach(unit, requester, object_paddr(s->table), s->domain);
    return STATUS_OK;
}

static status_t unbind_invoke(struct invocation *inv)
{
    word_t index;
    struct io_space *s = space_of(iommu_at(requesters_unit(inv->cap)), invocation_arg(inv, 0), &index);
    if (!s)
        return refuse_argument(0);
    unbind(s, index);
    return STATUS_OK;
}

/* ---- divide ---- */

/* Does a capability made from this one reach into the range? Descendants follow their parent. */
static bool divided(const struct slot *slot, word_t first, word_t last)
{
    for (const struct slot *s = slot_next(slot); s && slot_is_parent(slot, s); s = slot_next(s))
        if (first <= requesters_last(s->cap) && requesters_first(s->cap) <= last)
            return true;
    return false;
}

static status_t divide_invoke(struct invocation *inv)
{
    if (inv->length < 4 || !inv->extra[0])
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    word_t first = invocation_arg(inv, 2), last = invocation_arg(inv, 3);
    word_t lowest = requesters_first(inv->cap), highest = requesters_last(inv->cap);
    if (first < lowest || last > highest || first > last)
        return refuse_range(lowest, highest);
    if (first == lowest && last == highest)
        return refuse_plain(SEL4_ILLEGAL_OPERATION); /* that would be a copy */
    if (divided(inv->slot, first, last))
        return refuse_plain(SEL4_REVOKE_FIRST);
    struct lookup to = cspace_lookup_target(inv->extra[0]->cap, invocation_arg(inv, 0), invocation_arg(inv, 1));
    if (to.status != STATUS_OK)
        return to.status;
    if (!slot_is_empty(to.slot))
        return refuse_plain(SEL4_DELETE_FIRST);

    slot_insert(cap_requesters(requesters_unit(inv->cap), first, last), inv->slot, to.slot);
    return STATUS_OK;
}

/* ---- faults ---- */

static status_t fault_invoke(struct invocation *inv)
{
    struct iommu_fault fault;
    bool taken = iommu_fault_take(iommu_at(requesters_unit(inv->cap)), requesters_first(inv->cap), requesters_last(inv->cap), &fault);
    invocation_result(inv, 0, taken);
    invocation_result(inv, 1, taken ? fault.requester : 0);
    invocation_result(inv, 2, taken ? fault.address : 0);
    invocation_result(inv, 3, taken ? fault.what : 0);
    return STATUS_OK;
}

status_t requesters_invoke(struct invocation *inv)
{
    switch (inv->label) {
    case ATOLL_REQUESTERS_DIVIDE: return divide_invoke(inv);
    case ATOLL_REQUESTERS_FAULT: return fault_invoke(inv);
    case ATOLL_REQUESTERS_BIND: case ATOLL_REQUESTERS_UNBIND: break;
    default: return refuse_plain(SEL4_ILLEGAL_OPERATION);
    }
    if (inv->length < 1)
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    word_t requester = invocation_arg(inv, 0), first = requesters_first(inv->cap), last = requesters_last(inv->cap);
    if (requester < first || requester > last)
        return refuse_range(first, last);
    return inv->label == ATOLL_REQUESTERS_BIND ? bind_invoke(inv) : unbind_invoke(inv);
}

/* ---- going ---- */

bool requesters_in_use(cap_t cap)
{
    const struct iommu *unit = iommu_at(requesters_unit(cap));
    for (const struct io_space *s = bound_spaces; s; s = s->next)
        for (word_t i = 0; s->unit == unit && i < s->bound_count; i++)
            if (s->bound[i] >= requesters_first(cap) && s->bound[i] <= requesters_last(cap))
                return true;
    return irq_requesters_in_use(requesters_unit(cap), requesters_first(cap), requesters_last(cap));
}

void requesters_deleted(cap_t cap)
{
    const struct iommu *unit = iommu_at(requesters_unit(cap));
    for (struct io_space *s = bound_spaces, *next; s; s = next) {
        next = s->next; /* it may leave the list */
        for (word_t i = s->unit == unit ? s->bound_count : 0; i-- > 0;)
            if (s->bound[i] >= requesters_first(cap) && s->bound[i] <= requesters_last(cap))
                unbind(s, i);
    }
    irq_requesters_deleted(requesters_unit(cap), requesters_first(cap), requesters_last(cap));
}

void io_space_unbind_all(struct io_space *s)
{
    while (s->bound_count)
        unbind(s, s->bound_count - 1);
}
