/* A small world of kernel objects: two or three threads, an endpoint, a notification, two reply objects, two scheduling contexts, a vCPU, four slots,
 * and any links between them that the kernel's own rules allow (world_any). For proofs that no function of a file does anything
 * undefined, whatever state it finds. What the file calls elsewhere is in world.c: it may change the world in any way that keeps the rules. */
#pragma once
#include "../proof.h"
#include "kernel/core.h"
#include "kernel/state.h"
#include "kernel/endpoint.h"
#include "kernel/reply.h"
#include "kernel/x86/vcpu.h"

#define WORLD_SLOTS 4
#define WORLD_BUFFER 128 /* words of an IPC buffer */
extern struct tcb ta, tb, tc;
extern struct endpoint ep;
extern struct notification nt;
extern struct reply ra, rb; /* if both are of one stack, ra is above rb */
extern struct sched_context sa, sb;
extern struct vcpu vc;
extern struct slot slots[WORLD_SLOTS];
extern word_t buffer_a[WORLD_BUFFER], buffer_b[WORLD_BUFFER];

/* Objects by the name that a capability has for them. */
enum { AT_TA = 0x800, AT_TB = 0x1000, AT_TC = 0x1800, AT_EP = 0x2000, AT_NT = 0x2040, AT_RA = 0x2080, AT_RB = 0x20a0, AT_SA = 0x2100,
       AT_SB = 0x2180, AT_SLOTS = 0x2200, AT_VC = 0x4000, AT_ELSEWHERE = 0x8000 };
void *object_named(word_t offset);
word_t name_of(const void *);
#define object_at object_named
#define object_offset name_of
#define object_paddr(p) (name_of(p) + kernel.window_paddr)
#define cnode_slot(cnode, i) slot_named(cnode, i)
struct slot *slot_named(cap_t cnode, word_t i);

extern void *const world_queue; /* the harness's: what blocked threads wait at, the endpoint or the notification */
extern const unsigned world_threads; /* the harness's, too: 2 or 3 */
/* The endpoint's head and state, apart: a pointer made from a word with other bits in it costs the prover too much. Harnesses put them in the
 * place of endpoint.h's accessors, which queue_endpoint proves. */
extern struct tcb *ep_head;
extern enum endpoint_state ep_state;
struct tcb *world_head(const struct endpoint *);
enum endpoint_state world_state(const struct endpoint *);
bool world_has(const struct endpoint *, enum endpoint_state, struct tcb **head);
void world_set_head(struct endpoint *, struct tcb *, enum endpoint_state);
void world_pop(struct endpoint *, struct tcb *head, enum endpoint_state);
/* The same for reply objects' links, which reply_links proves. */
struct sched_context *world_reply_sc(const struct reply *);
struct reply *world_reply_below(const struct reply *);

void world_any(void); /* arbitrary, but by the rules. Threads are alike, and so are contexts: a harness names ta and sa without loss */
struct tcb *any_thread(void); /* one of them */
struct tcb *any_thread_or_none(void);
struct reply *any_reply(void);
struct sched_context *any_context(void);
struct slot *any_slot(void);
cap_t any_cap(void); /* of any kind; if it names an object, one of its kind */

/* An invocation of a capability of this kind, as the system call has decoded it. */
struct invocation any_invocation(enum cap_tag);
