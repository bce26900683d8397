/* A software switch: ports with one address and one VLAN each. Pure: the queues are the caller's.
 *
 * A port sends from its own address only, untagged, and reaches ports of its own VLAN only; the same that a VF's driver makes its
 * hardware enforce. There is no learning: every address is known. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <atoll/component.h>
#include <atoll/ether.h>
#include <atoll/queue.h>

struct switch_counters {
    uint64_t forwarded; /* frames taken from this port and put somewhere */
    uint64_t spoofed;   /* from an address that is not the port's */
    uint64_t tagged;    /* with a VLAN tag of the sender's own */
    uint64_t nowhere;   /* to an address that no port of the VLAN has */
    uint64_t full;      /* to this port: they did not fit into its queue */
};

struct switch_state {
    uint32_t port_count;
    struct switch_port ports[SWITCH_MAX_PORTS];
    struct queue from[SWITCH_MAX_PORTS], to[SWITCH_MAX_PORTS];
    bool dead[SWITCH_MAX_PORTS]; /* wrote something that is no frame: not served until its VMM starts again */
    struct switch_counters counters[SWITCH_MAX_PORTS];
};

/* One frame of port p, or a new beginning of it. True: there was one. Then `rung` holds a bit for each port whose queue got something. */
bool switch_turn(struct switch_state *s, uint32_t p, uint64_t rung[2]);
