/* A root task (linked with root_start.S) and a component (start.S) define one of these. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sel4/bootinfo.h>

_Static_assert(offsetof(struct sel4_bootinfo, ipc_buffer) == 32, "root_start.S reads it");

__attribute__((noreturn)) void root_main(const struct sel4_bootinfo *info);
extern uint64_t component_wall_clock; /* Unix time of TSC 0, seconds; 0: unknown */
__attribute__((noreturn)) void component_main(const void *config, uint64_t tsc_hz);
