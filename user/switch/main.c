/* A software switch between VMs, on the control node. */
#include "switch.h"
#include "lib.h"
#include "root.h"
#include "sel4.h"

const char component_name[] = "switch";

static struct switch_state state;

static void set_up(const struct switch_config *c)
{
    if (c->magic != SWITCH_CONFIG_MAGIC || c->port_count > SWITCH_MAX_PORTS)
        panic("the configuration frame is not a switch's");
    state.port_count = c->port_count;
    memcpy(state.ports, c->ports, c->port_count * sizeof state.ports[0]);
    for (uint32_t p = 0; p < c->port_count; p++) {
        uint8_t *at = (uint8_t *)COMPONENT_QUEUES_VA + 2 * p * COMPONENT_QUEUE_STRIDE;

        queue_init_consumer(&state.from[p], at, at + COMPONENT_QUEUE_TAIL, QUEUE_DATA_SIZE);
        at += COMPONENT_QUEUE_STRIDE;
        queue_init_producer(&state.to[p], at, at + COMPONENT_QUEUE_TAIL, QUEUE_DATA_SIZE);
    }
}

/* Wake who got a frame and sleeps. */
static void ring(uint64_t rung, uint32_t first)
{
    for (; rung; rung &= rung - 1) {
        uint32_t p = first + (uint32_t)__builtin_ctzll(rung);

        if (queue_needs_doorbell(&state.to[p]))
            sel4_signal(SWITCH_SLOT_PORT + p);
    }
}

/* What a port does wrong is told once per doubling: the closing of the port, and what its guest sends from addresses of others. */
static void tell(uint32_t p)
{
    static uint64_t told[SWITCH_MAX_PORTS], closed[SWITCH_MAX_PORTS], closed_told[SWITCH_MAX_PORTS];
    static bool was_dead[SWITCH_MAX_PORTS];
    uint64_t bad = state.counters[p].spoofed + state.counters[p].tagged;

    closed[p] += state.dead[p] && !was_dead[p];
    if (closed[p] > 2 * closed_told[p]) {
        closed_told[p] = closed[p];
        log_line("port %u: its VMM wrote something that is no frame; the port is closed until the VMM starts again (%lu times so far)", p, closed[p]);
    }
    was_dead[p] = state.dead[p];
    if (bad && bad / 2 >= told[p]) {
        told[p] = bad;
        log_line("port %u: refused %lu frames with a false source address and %lu with a VLAN tag so far", p, state.counters[p].spoofed,
                 state.counters[p].tagged);
    }
}

/* One frame of each port in turn: nobody waits for more than that. */
static bool turns(void)
{
    uint64_t rung[2];
    bool any = false;

    for (uint32_t p = 0; p < state.port_count; p++)
        if (switch_turn(&state, p, rung)) {
            any = true;
            ring(rung[0], 0);
            ring(rung[1], 64);
            tell(p);
        }
    return any;
}

static bool may_sleep(void)
{
    bool sleep = true;

    for (uint32_t p = 0; p < state.port_count; p++)
        sleep &= state.dead[p] || queue_sleep(&state.from[p]);
    return sleep;
}

static void awake(void)
{
    for (uint32_t p = 0; p < state.port_count; p++)
        queue_wake(&state.from[p]);
}

void component_main(const void *config, uint64_t tsc_hz)
{
    (void)tsc_hz;
    set_up(config);
    irq_handler_ack(SWITCH_SLOT_IRQ);
    for (;;) {
        while (turns())
            ;
        if (may_sleep()) {
            sel4_wait(SWITCH_SLOT_NOTIFICATION);
            irq_handler_ack(SWITCH_SLOT_IRQ);
        }
        awake();
    }
}
