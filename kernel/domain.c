/* Domains: the interface has them, this configuration has exactly one, number 0. */
#include "core.h"
#include "state.h"

status_t domain_invoke(struct invocation *inv)
{
    if (inv->label == SEL4_DOMAIN_SET_SCHEDULE_CONFIGURE || inv->label == SEL4_DOMAIN_SET_SCHEDULE_SET_START) {
        if (inv->length < (inv->label == SEL4_DOMAIN_SET_SCHEDULE_CONFIGURE ? 3u : 1u))
            return refuse_plain(SEL4_TRUNCATED_MESSAGE);
        return refuse_argument(0); /* the schedule has one entry, and it isn't changed */
    }
    if (inv->label != SEL4_DOMAIN_SET_SET)
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    if (inv->length < 1 || !inv->extra[0])
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    if (invocation_arg(inv, 0) != 0)
        return refuse_argument(0);
    if (cap_tag(inv->extra[0]->cap) != CAP_TCB)
        return refuse_argument(1);
    return STATUS_OK;
}
