/* The guest's watchdog: the one of Intel's 6300ESB (data sheet 300641, chapter 16), which Linux drives as i6300esb. A guest that has started it
 * and then leaves it alone is ended when both of its stages have run down; the VM's `restart:` says what becomes of it.
 *
 * The first stage's interrupt is not there: the function has no interrupt line. Time is the host's TSC. */
#pragma once
#include "pci.h"

struct watchdog {
    struct pci_function function;
    uint32_t preload[2]; /* of each stage, in ticks */
    uint8_t unlocked;    /* how far the sequence has come that must precede a write */
    uint64_t deadline;   /* host TSC; 0: stopped */
};

void watchdog_add(struct vm *vm);
/* Ends the guest if the time has come: vm->next. */
void watchdog_tick(struct vm *vm, uint64_t now);
