#include "clock.h"
#include "lib.h"

#define SYSTEM_ENABLE 1u
#define FLAG_TSC_STABLE 1u

struct clock_page { /* pvclock_vcpu_time_info */
    uint32_t version; /* even: consistent */
    uint32_t pad0;
    uint64_t tsc_timestamp; /* guest TSC at ... */
    uint64_t system_time;   /* ... this many nanoseconds */
    uint32_t multiplier;
    int8_t shift;
    uint8_t flags;
    uint8_t pad1[2];
};
_Static_assert(sizeof(struct clock_page) == 32, "guests map it");

struct wall_clock { /* pvclock_wall_clock: the time of day when system_time was 0 */
    uint32_t version, seconds, nanoseconds;
};

void clock_reset(struct clock *c) { *c = (struct clock){0}; }

void clock_scale(uint64_t hz, uint32_t *multiplier, int8_t *shift)
{
    uint64_t billion = 1000000000;

    *shift = 0;
    while (hz > 2 * billion) { /* ticks are shifted so that their rate lies in (1e9, 2e9]: the multiplier then fits 32 bits */
        hz >>= 1;
        --*shift;
    }
    while (hz <= billion && hz) {
        hz <<= 1;
        ++*shift;
    }
    *multiplier = hz ? (uint32_t)((billion << 32) / hz) : 0;
}

void clock_write_wall(struct clock *c, const struct guest_memory *m, uint64_t value, uint64_t epoch)
{
    const struct wall_clock wall = {.version = 2, .seconds = (uint32_t)epoch};
    void *at = guest_memory_at(m, value, sizeof wall);

    c->wall = value;
    if (at)
        memcpy(at, &wall, sizeof wall);
}

/* Guest TSC 0 is system time 0, so the page needs no present time. */
void clock_write_system(struct clock *c, const struct guest_memory *m, uint64_t value, uint64_t tsc_hz)
{
    struct clock_page page = {.version = 2, .flags = FLAG_TSC_STABLE};
    void *at;

    c->system = value;
    if (!(value & SYSTEM_ENABLE))
        return;
    at = guest_memory_at(m, value & ~(uint64_t)SYSTEM_ENABLE, sizeof page);
    clock_scale(tsc_hz, &page.multiplier, &page.shift);
    if (at)
        memcpy(at, &page, sizeof page);
}
