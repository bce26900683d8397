/* Mediated NVMe functions (docs/decisions/0019): their admin queues, which are here, and the guest's commands for them. */
#pragma once
#include "manager.h"

struct mediated_place {
    const char *name;
    cptr_t frames;                /* NVME_ADMIN_PAGES capabilities, for the device's mapping */
    void *admin;                  /* the same frames, mapped here */
    volatile uint32_t *registers; /* its first two pages */
    cptr_t doorbells;             /* capability of the second one, for the VMM */
};

void mediated_clock(uint64_t tsc_hz);
/* Once for each: the VMM sees its doorbells; the device sees its admin queue, and can write neither it nor the pages that only we write. `slots`: next free one, and the end. */
error_t mediated_open(unsigned index, const struct mediated_place *, const struct vm_config *vm, uint64_t slots[2]);
/* The function is reset, or taken away: its controller is off, whatever it was. Tells what became of commands. */
void mediated_end(unsigned index);
/* MANAGER_VF_CONTROLLER, MANAGER_VF_COMMAND. */
error_t mediated_controller(unsigned index, bool on, uint64_t answer[2]);
void mediated_command(unsigned index, const uint64_t *words, uint64_t answer[2]);
