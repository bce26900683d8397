#include "channels.h"
#include <atoll/channel.h>
#include "bytes.h"
#include "text.h"

#define REFUSE(plan, ...) (text_format((plan)->reason, sizeof (plan)->reason, __VA_ARGS__), false)

/* The other end's request; request_count: there is none. */
static unsigned other_end(const struct system_header *s, unsigned end)
{
    unsigned i = 0;
    while (i < s->request_count && (i == end || s->requests[i].kind != RESOURCE_CHANNEL || strcmp(s->requests[i].name, s->requests[end].name) != 0))
        i++;
    return i;
}

static bool check_channel(const struct system_header *s, unsigned i, struct plan *plan)
{
    const struct system_request *r = &s->requests[i];
    unsigned other = other_end(s, i), before = 0;
    if (r->size != CHANNEL_BYTES || r->arg0 > 1)
        return REFUSE(plan, "node %u: the channel \"%s\" must have %u bytes and one direction", r->node, r->name, CHANNEL_BYTES);
    if (other == s->request_count || s->requests[other].arg0 == r->arg0)
        return REFUSE(plan, "node %u: the channel \"%s\" needs another node that %s", r->node, r->name, r->arg0 ? "receives" : "sends");
    for (unsigned k = 0; k < i; k++)
        before += s->requests[k].kind == RESOURCE_CHANNEL && s->requests[k].node == r->node;
    if (before == CHANNEL_MAX)
        return REFUSE(plan, "node %u: more than %u channels", r->node, CHANNEL_MAX);
    return true;
}

static bool check_movable(const struct system_header *s, unsigned i, struct plan *plan)
{
    const struct system_request *r = &s->requests[i];
    if (r->arg0 >= s->request_count || s->requests[r->arg0].kind != RESOURCE_CHANNEL || s->requests[r->arg0].node != r->node)
        return REFUSE(plan, "node %u: \"%s\" names no channel of this node", r->node, r->name);
    if (r->arg1 >= s->request_count)
        return REFUSE(plan, "node %u: \"%s\" names nothing that may be moved", r->node, r->name);
    const struct system_request *item = &s->requests[r->arg1];
    if (item->kind != RESOURCE_MEMORY && item->kind != RESOURCE_REQUESTERS && item->kind != RESOURCE_IPI)
        return REFUSE(plan, "node %u: \"%s\" cannot be moved through a channel: only memory, PCI devices and IPIs can", r->node, item->name);
    if (item->kind == RESOURCE_MEMORY && item->arg0 > 1) /* the other holders would keep it */
        return REFUSE(plan, "node %u: \"%s\" is memory of several nodes, so it cannot be moved through a channel", item->node, item->name);
    if (item->kind == RESOURCE_MEMORY && (item->size % PLAN_LARGE_PAGE || item->align < PLAN_LARGE_PAGE))
        return REFUSE(plan, "node %u: \"%s\" moves through a channel in pieces of 2 MiB, so its size and alignment must be multiples of that",
                      item->node, item->name);
    return true;
}

bool channels_check(struct plan *plan)
{
    const struct system_header *s = plan->system;
    for (unsigned i = 0; i < s->request_count; i++)
        if ((s->requests[i].kind == RESOURCE_CHANNEL && !check_channel(s, i, plan)) ||
            (s->requests[i].kind == RESOURCE_MOVABLE && !check_movable(s, i, plan)))
            return false;
    return true;
}

void channels_count_entries(const struct plan_input *in, unsigned i, struct plan *plan)
{
    const struct system_header *s = plan->system;
    unsigned channel = (unsigned)s->requests[i].arg0;
    unsigned entries = s->requests[s->requests[i].arg1].kind == RESOURCE_REQUESTERS ? in->iommu_count : 1;
    plan->nodes[s->requests[channel].node].entry_count += entries;
    plan->nodes[s->requests[other_end(s, channel)].node].entry_count += entries;
}

uint64_t channels_carry(const struct system_header *s, unsigned item, unsigned node)
{
    uint64_t through = 0;
    unsigned number = 0;
    for (unsigned i = 0; i < s->request_count; i++) {
        if (s->requests[i].kind != RESOURCE_CHANNEL || s->requests[i].node != node)
            continue;
        for (unsigned k = 0; k < s->request_count; k++)
            if (s->requests[k].kind == RESOURCE_MOVABLE && s->requests[k].arg1 == item &&
                (s->requests[k].arg0 == i || s->requests[k].arg0 == other_end(s, i)))
                through |= 1ull << number;
        number++;
    }
    return through;
}
