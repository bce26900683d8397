/* The two halves of a signal, for notification.c and the fast path. */
#pragma once
#include "object.h"

/* A signal that wakes nobody. False: somebody waits, or is bound and may wait; nothing was done. */
static inline bool notification_note(struct notification *n, word_t badge)
{
    if (n->state == NOTIFICATION_ACTIVE) {
        n->word |= badge;
        return true;
    }
    if (n->state == NOTIFICATION_WAITING || n->bound_tcb)
        return false;
    n->word = badge;
    n->state = NOTIFICATION_ACTIVE;
    return true;
}

void notification_wake(struct notification *, word_t badge); /* where that said false */
