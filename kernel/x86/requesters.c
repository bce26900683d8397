/* Ranges of requester IDs on one unit. A range is never copied, only divided into smaller ones that do not overlap, so whoever holds
 * one decides alone which I/O space its functions see. When the capability goes, its functions are blocked. */
#include "iospace.h"
#include "../core.h"
#include "faults.h"
#include "irq.h"

/* All bindings of this node. Few: so that whatever takes them away has little to wait for. */
static struct binding {
    struct io_space *space;
    uint16_t requester;
} bindings[IO_BOUND_MAX];
static word_t binding_count;

bool io_spaces_bound(void) { return binding_count != 0; }

static struct binding *binding_of(const struct iommu *unit, word_t requester)
{
    for (word_t i = 0; i < binding_count; i++)
        if (bindings[i].space->unit == unit && bindings[i].requester == requester)
            return &bindings[i];
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

/* On return the function's requests are refused and those under way are done. */
static void unbind(struct binding *b)
{
    struct io_space *s = b->space;
    iommu_device_block(s->unit, b->requester, s->domain);
    *b = bindings[--binding_count];
    if (--s->bound_count == 0) {
        domain_mark(s->unit, s->domain - s->unit->domain_first, false);
        s->unit = NULL;
    }
}

static status_t bind_invoke(struct invocation *inv)
{
    struct iommu *unit = iommu_at(requesters_unit(inv->cap));
    struct root root;
    word_t requester = invocation_arg(inv, 0), domain = 0;
    status_t status = root_from_cap(inv->extra[0], CAP_IO_SPACE, &root);
    if (status != STATUS_OK)
        return status;
    struct io_space *s = object_at(root.offset);
    if (binding_of(unit, requester))
        return refuse_plain(SEL4_DELETE_FIRST);
    if (s->bound_count && s->unit != unit)
        return refuse_capability(1); /* one unit per space: its domain number is the unit's */
    if (binding_count == IO_BOUND_MAX)
        return refuse_plain(SEL4_NOT_ENOUGH_MEMORY);
    if (!s->bound_count && (domain = domain_find(unit)) == unit->domain_count)
        return refuse_plain(SEL4_NOT_ENOUGH_MEMORY);

    if (!s->bound_count) {
        domain_mark(unit, domain, true);
        s->unit = unit;
        s->domain = unit->domain_first + domain;
        iommu_memory_written(unit, s->table, sizeof(s->table));
    }
    s->bound_count++;
    bindings[binding_count++] = (struct binding){s, (uint16_t)requester};
    iommu_device_attach(unit, requester, object_paddr(s->table), s->domain);
    return STATUS_OK;
}

static status_t unbind_invoke(struct invocation *inv)
{
    struct binding *b = binding_of(iommu_at(requesters_unit(inv->cap)), invocation_arg(inv, 0));
    if (!b)
        return refuse_argument(0);
    unbind(b);
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
    struct iommu_fault fault = {0, 0, 0};
    word_t lost, overflows;
    bool taken = faults_take(iommu_at(requesters_unit(inv->cap)), requesters_first(inv->cap), requesters_last(inv->cap), &fault, &lost,
                             &overflows);
    invocation_result(inv, 0, taken);
    invocation_result(inv, 1, fault.requester);
    invocation_result(inv, 2, fault.address);
    invocation_result(inv, 3, fault.what);
    invocation_result(inv, 4, lost);
    invocation_result(inv, 5, overflows);
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

static bool in_range(const struct binding *b, cap_t cap)
{
    return b->space->unit == iommu_at(requesters_unit(cap)) && b->requester >= requesters_first(cap) && b->requester <= requesters_last(cap);
}

bool requesters_in_use(cap_t cap)
{
    for (word_t i = 0; i < binding_count; i++)
        if (in_range(&bindings[i], cap))
            return true;
    return irq_requesters_in_use(requesters_unit(cap), requesters_first(cap), requesters_last(cap));
}

bool requesters_unbind_one(cap_t cap)
{
    for (word_t i = binding_count; i-- > 0;)
        if (in_range(&bindings[i], cap)) {
            unbind(&bindings[i]);
            return true;
        }
    return irq_requesters_close_one(requesters_unit(cap), requesters_first(cap), requesters_last(cap));
}

bool io_space_unbind_one(struct io_space *s)
{
    for (word_t i = binding_count; i-- > 0;)
        if (bindings[i].space == s) {
            unbind(&bindings[i]);
            return true;
        }
    return false;
}

void requesters_deleted(cap_t cap)
{
    while (requesters_unbind_one(cap))
        ;
}

void io_space_unbind_all(struct io_space *s)
{
    while (io_space_unbind_one(s))
        ;
}
