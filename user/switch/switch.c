#include "switch.h"
#include "lib.h"

#define TYPE_OFFSET 12u
/* Ethernet types of tagged frames: 802.1Q, 802.1ad, and the one that came before it. */
static bool is_tag(const uint8_t type[2])
{
    return (type[0] == 0x81 && type[1] == 0x00) || (type[0] == 0x88 && type[1] == 0xa8) || (type[0] == 0x91 && type[1] == 0x00);
}

static bool put(struct switch_state *s, uint32_t p, const void *record, uint32_t bytes)
{
    if (!queue_put(&s->to[p], 0, record, bytes)) {
        s->counters[p].full++;
        return false;
    }
    queue_publish(&s->to[p], bytes);
    return true;
}

static void forward(struct switch_state *s, uint32_t p, const void *record, const uint8_t *frame, uint32_t bytes, uint64_t rung[2])
{
    struct switch_counters *c = &s->counters[p];
    bool group = frame[0] & 1, any = false;

    if (memcmp(frame + ETHER_ADDRESS, s->ports[p].address, ETHER_ADDRESS) != 0) {
        c->spoofed++;
        return;
    }
    if (is_tag(frame + TYPE_OFFSET)) {
        c->tagged++;
        return;
    }
    for (uint32_t i = 0; i < s->port_count; i++) {
        if (i == p || s->ports[i].vlan != s->ports[p].vlan || s->dead[i] ||
            (!group && memcmp(frame, s->ports[i].address, ETHER_ADDRESS) != 0))
            continue;
        any = true;
        if (put(s, i, record, ETHER_RECORD(bytes)))
            rung[i / 64] |= 1ull << i % 64;
    }
    if (any)
        c->forwarded++;
    else
        c->nowhere++;
}

bool switch_turn(struct switch_state *s, uint32_t p, uint64_t rung[2])
{
    static struct { /* a private copy: what the port writes meanwhile is not seen */
        struct ether_record record;
        uint8_t frame[ETHER_RECORD_MAX];
    } in;
    struct queue *from = &s->from[p];

    rung[0] = rung[1] = 0;
    if (queue_began_anew(from)) {
        s->dead[p] = false;
        return true;
    }
    if (s->dead[p] || !queue_used(from))
        return false;
    if (!queue_get(from, 0, &in.record, sizeof in.record) || in.record.bytes < ETHER_HEADER || in.record.bytes > ETHER_MAX ||
        !queue_get(from, sizeof in.record, in.frame, ETHER_RECORD(in.record.bytes) - sizeof in.record)) {
        s->dead[p] = true;
        queue_skip(from, queue_used(from)); /* so that nobody takes the queue for a new one */
        return true;
    }
    queue_skip(from, ETHER_RECORD(in.record.bytes));
    forward(s, p, &in, in.frame, in.record.bytes, rung);
    return true;
}
