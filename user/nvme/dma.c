#include "dma.h"
#include "lib.h"

static bool refuse(char *why, size_t size, const char *what, error_t error)
{
    text_format(why, size, "cannot %s: %s", what, sel4_error_name(error));
    return false;
}

bool dma_open(const struct dma *d, char *why, size_t size)
{
    static const uint64_t types[] = {ATOLL_IO_PDPT, ATOLL_IO_PD, ATOLL_IO_PT};
    uint64_t requester, last;
    error_t error = cnode_revoke(d->cnode, d->tables, 64); /* a former life's tables, if there was one, with all mappings in them */

    if (error)
        return refuse(why, size, "take down the device's addresses", error);
    for (unsigned i = 0; i < 3; i++) {
        error = untyped_retype(d->tables, types[i], 0, d->cnode, 0, 0, d->free + i, 1);
        if (!error)
            error = io_table_map(d->free + i, d->space, d->device);
        if (error)
            return refuse(why, size, "make a table of the device's addresses", error);
    }
    for (unsigned i = 0; i < d->count; i++) {
        error = page_unmap(d->frames + i);
        if (!error)
            error = io_page_map(d->frames + i, d->space, d->device + 4096ull * i, SEL4_RIGHT_READ | SEL4_RIGHT_WRITE);
        if (error)
            return refuse(why, size, "show the device its memory", error);
    }
    if (!d->requester)
        return true;
    error = requesters_range(d->requester, d->cnode, &requester, &last);
    if (!error)
        error = requester == last ? requesters_bind(d->requester, d->space, requester) : SEL4_RANGE_ERROR;
    return !error || refuse(why, size, "bind the device to its memory", error);
}
