/* The lease of one virtual function: who may use it, and what has been proved about it since the last user. No hardware is touched
 * here: each step is a function of the caller's. See docs/decisions/0014-vf-leases.md. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The numbers are told to people and tests: stable. */
enum lease_state {
    LEASE_FREE = 0,        /* nobody's; blocked, reset, without identity */
    LEASE_QUIESCED = 1,    /* its DMA is blocked and its queues take nothing from the wire */
    LEASE_RESET = 2,       /* a function level reset was done */
    LEASE_VERIFIED = 3,    /* the reset has left what a reset leaves */
    LEASE_PROGRAMMED = 4,  /* the PF driver gave it its identity */
    LEASE_LEASED = 5,      /* bound to its VM's memory */
    LEASE_QUARANTINED = 6, /* a step failed: blocked until the machine restarts; `reason` says which, and why */
    LEASE_BLOCKED = 7,     /* the PF driver did not answer: blocked likewise, but nothing speaks against the function itself, so that a new lease
                              may begin, with all its steps */
    LEASE_STATES
};
enum lease_step { LEASE_QUIESCE, LEASE_DO_RESET, LEASE_VERIFY, LEASE_PROGRAM, LEASE_GRANT, LEASE_GIVE_BACK, LEASE_STEPS };

enum lease_outcome {
    LEASE_STEP_FAILED,     /* this function cannot be trusted any more */
    LEASE_STEP_DONE,
    LEASE_STEP_UNANSWERED, /* who had to do it did not say anything */
};

enum lease_result {
    LEASE_DONE,
    LEASE_STALE,       /* a command of another lease than the present one: nothing was done */
    LEASE_OUT_OF_TURN, /* not a step from this state: nothing was done */
    LEASE_FAILED,      /* the step failed: quarantined, or blocked */
};

#define LEASE_REASON_MAX 160
struct lease {
    enum lease_state state;
    uint64_t number; /* of the present or latest lease: 1, 2, ... never used twice */
    char reason[LEASE_REASON_MAX];
};

struct lease_hardware {
    /* Carry out `step`. If it was not done, `why` says what was wrong, in words. Steps that need nothing done are never asked for. */
    enum lease_outcome (*step)(void *context, enum lease_step step, uint64_t number, char *why, size_t why_size);
    /* The last resort: whatever the device does, its DMA and interrupts end. Cannot fail. */
    void (*block)(void *context);
    void *context;
};

/* One step of lease `number`. */
enum lease_result lease_step(struct lease *, const struct lease_hardware *, uint64_t number, enum lease_step step);

/* A free or blocked function to a leased one, by all steps: the new lease's number, or 0 (then it is quarantined or blocked, or was somebody's). */
uint64_t lease_take(struct lease *, const struct lease_hardware *);
/* A leased one back to free. */
enum lease_result lease_end(struct lease *, const struct lease_hardware *, uint64_t number);

const char *lease_state_name(enum lease_state);
