/* The probe: is this machine good enough? All requirements, one line each, and a description to start from. Boot runs it instead of a system
 * where the system request has SYSTEM_FLAG_PROBE, by multiboot and by UEFI (there with the firmware's services still up, so that the result can be
 * written to the medium). It only looks: no register of a device is written. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "input.h"

#define PROBE_PAGE_MAX 24000
#define PROBE_STARTER_MAX 6000

struct probe {
    char page[PROBE_PAGE_MAX], starter[PROBE_STARTER_MAX]; /* text, with its ends of line */
    size_t page_length, starter_length;
    unsigned passed, warned, failed;
};

bool probe_wanted(const struct boot_input *);
/* Fills `result` and prints it. */
void probe_run(const struct boot_input *, struct probe *result);
/* The last line. */
__attribute__((noreturn)) void probe_end(const struct probe *, const char *written_to);
