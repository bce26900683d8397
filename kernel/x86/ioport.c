/* I/O ports. IOPortControl issues ranges inside what the resource map gives this node; live ranges never overlap. */
#include <machine.h>
#include "ioport.h"
#include "../core.h"

#define PORTS 65536
#define MAX_RANGES 64

static struct range {
    word_t first, last;
} allowed[MAX_RANGES];
static unsigned allowed_count;
static uint64_t issued[PORTS / 64];

bool ioport_allow(word_t first, word_t last)
{
    if (allowed_count == MAX_RANGES)
        return false;
    allowed[allowed_count++] = (struct range){first, last};
    return true;
}

static bool inside_allowed(word_t first, word_t last)
{
    for (unsigned i = 0; i < allowed_count; i++)
        if (first >= allowed[i].first && last <= allowed[i].last)
            return true;
    return false;
}

/* The bits of one word of `issued` that [first, last] takes. */
static uint64_t bits_in_word(word_t word, word_t first, word_t last)
{
    uint64_t from = word == first / 64 ? ~0ull << first % 64 : ~0ull;
    uint64_t to = word == last / 64 ? ~0ull >> (63 - last % 64) : ~0ull;
    return from & to;
}

static bool overlaps_issued(word_t first, word_t last)
{
    for (word_t word = first / 64; word <= last / 64; word++)
        if (issued[word] & bits_in_word(word, first, last))
            return true;
    return false;
}

static void mark(word_t first, word_t last, bool on)
{
    for (word_t word = first / 64; word <= last / 64; word++) {
        uint64_t bits = bits_in_word(word, first, last);
        issued[word] = on ? issued[word] | bits : issued[word] & ~bits;
    }
}

status_t ioport_control_invoke(struct invocation *inv)
{
    if (inv->label != SEL4_X86_IOPORT_CONTROL_ISSUE)
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    if (inv->length < 4 || !inv->extra[0])
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    word_t first = invocation_arg(inv, 0), last = invocation_arg(inv, 1);
    if (first > last)
        return refuse_argument(0);
    if (last >= PORTS)
        return refuse_range(0, PORTS - 1);
    if (!inside_allowed(first, last))
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    if (overlaps_issued(first, last))
        return refuse_plain(SEL4_REVOKE_FIRST);
    struct lookup to = cspace_lookup_target(inv->extra[0]->cap, invocation_arg(inv, 2), invocation_arg(inv, 3));
    if (to.status != STATUS_OK)
        return to.status;
    if (!slot_is_empty(to.slot))
        return refuse_plain(SEL4_DELETE_FIRST);

    mark(first, last, true);
    slot_insert(cap_io_port(first, last), inv->slot, to.slot);
    return STATUS_OK;
}

static bool inside_cap(cap_t cap, word_t port, unsigned bytes)
{
    return port >= io_port_first(cap) && port <= io_port_last(cap) && port + bytes - 1 <= io_port_last(cap);
}

status_t ioport_invoke(struct invocation *inv)
{
    if (inv->label < SEL4_X86_IOPORT_IN8 || inv->label > SEL4_X86_IOPORT_OUT32)
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    bool out = inv->label >= SEL4_X86_IOPORT_OUT8;
    unsigned bytes = 1u << (inv->label - (out ? SEL4_X86_IOPORT_OUT8 : SEL4_X86_IOPORT_IN8));
    if (inv->length < (out ? 2 : 1))
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    word_t port = invocation_arg(inv, 0) & MASK(16), data = out ? invocation_arg(inv, 1) : 0;
    if (!inside_cap(inv->cap, port, bytes))
        return refuse_plain(SEL4_ILLEGAL_OPERATION);

    uint16_t p = (uint16_t)port;
    switch (inv->label) {
    case SEL4_X86_IOPORT_IN8: invocation_result(inv, 0, in8(p)); break;
    case SEL4_X86_IOPORT_IN16: invocation_result(inv, 0, in16(p)); break;
    case SEL4_X86_IOPORT_IN32: invocation_result(inv, 0, in32(p)); break;
    case SEL4_X86_IOPORT_OUT8: out8(p, (uint8_t)data); break;
    case SEL4_X86_IOPORT_OUT16: out16(p, (uint16_t)data); break;
    case SEL4_X86_IOPORT_OUT32: out32(p, (uint32_t)data); break;
    default: break;
    }
    return STATUS_OK;
}

void ioport_deleted(cap_t cap) { mark(io_port_first(cap), io_port_last(cap), false); }
