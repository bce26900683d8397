/* A small populated kernel for the system-call fuzzer: the whole kernel on the host (tests/unit/x86_host.h), and in it six threads
 * that hold capabilities of every kind. Saved once, restored for each input. */
#pragma once
#include "../unit/x86_host.h"

#define ACTORS 5u            /* threads 1 to 5 of `space`: 5 is a vCPU; 4 has a CSpace of two levels */
#define SPACE_BITS 8u
#define SPACE_SLOTS (1u << SPACE_BITS)

/* Slots of the actors' CNode, which is at the same addresses in each one's CSpace. */
enum world_slot {
    W_NULL, W_TCB, W_SC = W_TCB + ACTORS, W_CNODE = W_SC + ACTORS, W_VSPACE, W_IRQ_CONTROL, W_SCHED_CONTROL, W_DOMAIN, W_ASID_CONTROL,
    W_ASID_POOL, W_PORT_CONTROL, W_ENDPOINT, W_ENDPOINT_BADGED, W_ENDPOINT_2, W_NOTIFICATION, W_NOTIFICATION_BADGED, W_NOTIFICATION_2,
    W_REPLY, W_SPARE_SC = W_REPLY + ACTORS, W_BUFFER, W_UNTYPED = W_BUFFER + ACTORS, W_UNTYPED_PAGE, W_FRAMES, W_VCPU, W_NPML4, W_NPDPT, W_NPD, W_NPT,
    W_PML4, W_PDPT, W_PD, W_PT, W_FRAME, W_GUEST_FRAME = W_FRAME + 3, W_INNER = W_GUEST_FRAME + 3, W_IPI, W_IRQ_HANDLER, W_PORTS,
    W_END
};

void world_make(void);                   /* once */
void world_restore(void);                /* as world_make() left it */
struct slot *world_slot(word_t cptr);    /* in the actors' CNode */
extern word_t world_init_slots;          /* of init's CNode are in use */

/* Everything that the kernel keeps. A call that is refused changes none of it, but what belongs to the refusal: the caller's
 * registers, lookup failure and message, and the clock as it was last read. */
void world_remember(void);
void world_compare(const struct tcb *caller); /* with what was remembered; aborts */

void world_check(void);                  /* kernel_check.c: the invariants; aborts */
