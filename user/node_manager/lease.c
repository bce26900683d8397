/* One table: which step leads from where to where. Everything else is: check, act, or quarantine. */
#include "lease.h"
#include "lib.h"

static const struct {
    uint16_t from; /* states that it may start from, a mask */
    enum lease_state to;
    bool hardware; /* there is something to do */
    const char *name;
} steps[LEASE_STEPS] = {
    [LEASE_QUIESCE] = {1u << LEASE_FREE | 1u << LEASE_LEASED | 1u << LEASE_BLOCKED, LEASE_QUIESCED, true, "quiesce"},
    [LEASE_DO_RESET] = {1u << LEASE_QUIESCED, LEASE_RESET, true, "reset"},
    [LEASE_VERIFY] = {1u << LEASE_RESET, LEASE_VERIFIED, true, "verify the reset"},
    [LEASE_PROGRAM] = {1u << LEASE_VERIFIED, LEASE_PROGRAMMED, true, "program"},
    [LEASE_GRANT] = {1u << LEASE_PROGRAMMED, LEASE_LEASED, true, "bind"},
    [LEASE_GIVE_BACK] = {1u << LEASE_VERIFIED, LEASE_FREE, false, "give back"},
};

const char *lease_state_name(enum lease_state s)
{
    static const char *const names[LEASE_STATES] = {"free", "quiesced", "reset", "verified", "programmed", "leased", "quarantined",
                                                     "blocked"};
    return s < LEASE_STATES ? names[s] : "unknown";
}

enum lease_result lease_step(struct lease *l, const struct lease_hardware *hw, uint64_t number, enum lease_step step)
{
    char why[LEASE_REASON_MAX - 40] = "";
    enum lease_outcome outcome = LEASE_STEP_DONE;

    if (number != l->number)
        return LEASE_STALE;
    if (!(steps[step].from >> l->state & 1))
        return LEASE_OUT_OF_TURN;
    if (steps[step].hardware)
        outcome = hw->step(hw->context, step, number, why, sizeof why);
    if (outcome != LEASE_STEP_DONE) {
        hw->block(hw->context);
        text_format(l->reason, sizeof l->reason, "cannot %s: %s", steps[step].name, why);
        l->state = outcome == LEASE_STEP_UNANSWERED ? LEASE_BLOCKED : LEASE_QUARANTINED;
        return LEASE_FAILED;
    }
    l->state = steps[step].to;
    return LEASE_DONE;
}

static enum lease_result run(struct lease *l, const struct lease_hardware *hw, uint64_t number, const enum lease_step *list, unsigned n)
{
    enum lease_result r = LEASE_DONE;

    for (unsigned i = 0; i < n && r == LEASE_DONE; i++)
        r = lease_step(l, hw, number, list[i]);
    return r;
}

uint64_t lease_take(struct lease *l, const struct lease_hardware *hw)
{
    static const enum lease_step all[] = {LEASE_QUIESCE, LEASE_DO_RESET, LEASE_VERIFY, LEASE_PROGRAM, LEASE_GRANT};

    if (l->state != LEASE_FREE && l->state != LEASE_BLOCKED)
        return 0;
    l->number++;
    return run(l, hw, l->number, all, sizeof all / sizeof all[0]) == LEASE_DONE ? l->number : 0;
}

enum lease_result lease_end(struct lease *l, const struct lease_hardware *hw, uint64_t number)
{
    static const enum lease_step all[] = {LEASE_QUIESCE, LEASE_DO_RESET, LEASE_VERIFY, LEASE_GIVE_BACK};

    if (number == l->number && l->state != LEASE_LEASED)
        return LEASE_OUT_OF_TURN; /* the first step alone would also start from a free one */
    return run(l, hw, number, all, sizeof all / sizeof all[0]);
}
