#include "machine.h"
#include "wall.h"

#define PORT_INDEX 0x70 /* bit 7 masks NMI */
#define PORT_DATA 0x71
#define REGISTER_A 0x0a
#define REGISTER_B 0x0b
#define REGISTER_CENTURY 0x32
#define A_UPDATING 0x80u
#define TRIES 1000000

static uint8_t cmos(uint8_t reg)
{
    port_out8(PORT_INDEX, reg);
    return port_in8(PORT_DATA);
}

static struct wall_registers read_all(void)
{
    return (struct wall_registers){.second = cmos(0), .minute = cmos(2), .hour = cmos(4), .day = cmos(7), .month = cmos(8), .year = cmos(9),
                                   .century = cmos(REGISTER_CENTURY), .mode = cmos(REGISTER_B)};
}

/* Between two updates, which come once a second. */
uint64_t wall_at_tsc_zero(uint64_t tsc_hz)
{
    struct wall_registers now;
    uint64_t seconds;

    for (unsigned i = 0; i < TRIES && (cmos(REGISTER_A) & A_UPDATING); i++)
        ;
    now = read_all();
    if (now.second != cmos(0)) /* one came in between: the next is a second away */
        now = read_all();
    seconds = wall_seconds(&now);
    return seconds > tsc_read() / tsc_hz ? seconds - tsc_read() / tsc_hz : 0;
}
