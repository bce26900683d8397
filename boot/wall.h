/* The time of day, from the battery-backed clock that every PC has (MC146818 and its descendants). It is taken to run on UTC. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct wall_registers { uint8_t second, minute, hour, day, month, year, century, mode; }; /* mode: register B */

/* Seconds since 1970, or 0 for a time that cannot be. Pure. */
uint64_t wall_seconds(const struct wall_registers *r);

/* Unix time of TSC 0, or 0 if the clock does not answer sensibly. */
uint64_t wall_at_tsc_zero(uint64_t tsc_hz);
