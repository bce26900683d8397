/* See world.h. The functions here are weak: the file under proof has its own. */
#include "world.h"
#include <stdarg.h>

#define ANY __attribute__((weak))
struct kernel kernel;
struct tcb ta, tb, tc;
struct endpoint ep;
struct notification nt;
struct reply ra, rb;
struct sched_context sa, sb;
struct vcpu vc;
struct slot slots[WORLD_SLOTS];
word_t buffer_a[WORLD_BUFFER], buffer_b[WORLD_BUFFER];

struct context nondet_context(void);
struct fault nondet_fault(void);
uint8_t nondet_byte(void);

/* ---- names ---- */

void *object_named(word_t offset)
{
    switch (offset) {
    case AT_TA: return &ta;
    case AT_TB: return &tb;
    case AT_TC: return &tc;
    case AT_EP: return &ep;
    case AT_NT: return &nt;
    case AT_RA: return &ra;
    case AT_RB: return &rb;
    case AT_SA: return &sa;
    case AT_SB: return &sb;
    case AT_VC: return &vc;
    default: return slots;
    }
}

word_t name_of(const void *p)
{
    return p == &ta ? AT_TA : p == &tb ? AT_TB : p == &tc ? AT_TC : p == &ep ? AT_EP : p == &nt ? AT_NT : p == &ra ? AT_RA : p == &rb ? AT_RB
         : p == &sa ? AT_SA : p == &sb ? AT_SB : p == &vc ? AT_VC : AT_SLOTS;
}

struct slot *slot_named(cap_t cnode, word_t i)
{
    HOLDS(cap_tag(cnode) == CAP_CNODE && i < BIT(cnode_radix(cnode)), "a slot of the CNode");
    return &slots[i % WORLD_SLOTS];
}

/* ---- anything ---- */

#define PICK3(i, x, y, z) ((i) == 0 ? (x) : (i) == 1 ? (y) : (z))
#define PICK(x, y) (nondet_bool() ? (x) : (y))
struct tcb *any_thread(void)
{
    unsigned i = nondet_unsigned();
    if (world_threads == 2)
        return PICK(&ta, &tb);
    return PICK3(i, &ta, &tb, &tc);
}
struct tcb *any_thread_or_none(void) { return PICK(NULL, any_thread()); }
struct reply *any_reply(void) { return PICK(&ra, &rb); }
static struct reply *any_reply_or_none(void) { unsigned i = nondet_unsigned(); return PICK3(i, NULL, &ra, &rb); }
struct sched_context *any_context(void) { return PICK(&sa, &sb); }
static struct sched_context *any_context_or_none(void) { unsigned i = nondet_unsigned(); return PICK3(i, NULL, &sa, &sb); }
struct slot *any_slot(void) { return &slots[nondet_below(WORLD_SLOTS)]; }

/* If it names an object, it is one of its kind; a CNode has up to 2^25 slots and resolves up to 64 bits. */
static bool cap_rules(cap_t c)
{
    word_t name = cap_offset48(c);
    switch (cap_tag(c)) {
    case CAP_TCB: return name == AT_TA || name == AT_TB || name == AT_TC;
    case CAP_ENDPOINT: return name == AT_EP;
    case CAP_NOTIFICATION: return name == AT_NT;
    case CAP_REPLY: return name == AT_RA || name == AT_RB;
    case CAP_SC: return (name == AT_SA || name == AT_SB) && sc_cap_size_bits(c) >= SEL4_MIN_SCHED_CONTEXT_BITS && sc_cap_size_bits(c) < 47;
    case CAP_VCPU: return name == AT_VC;
    case CAP_CNODE:
        return cnode_offset(c) == AT_SLOTS && cnode_radix(c) >= 1 && cnode_radix(c) <= CNODE_MAX_RADIX && cnode_radix(c) + cnode_guard_size(c) <= 64;
    case CAP_IRQ_HANDLER: return cap_irq(c) < NUM_IRQS;
    default: return true;
    }
}

cap_t any_cap(void)
{
    cap_t c = {nondet_word(), nondet_word()};
    ASSUME(cap_rules(c));
    return c;
}

struct invocation any_invocation(enum cap_tag tag)
{
    struct invocation inv = {.slot = any_slot(), .cap = any_cap(), .label = nondet_word(), .length = nondet_below(SEL4_MSG_MAX_LENGTH + 1),
                             .blocking = nondet_bool(), .call = nondet_bool(), .donate = nondet_bool(), .caller = kernel.current};
    ASSUME(cap_tag(inv.cap) == tag);
    unsigned extras = nondet_below(SEL4_MSG_MAX_EXTRA_CAPS + 1);
    for (unsigned i = 0; i < SEL4_MSG_MAX_EXTRA_CAPS; i++)
        inv.extra[i] = i < extras ? any_slot() : NULL;
    return inv;
}

static struct queue_link any_link(void) { return (struct queue_link){any_thread_or_none(), any_thread_or_none()}; }

static void slot_any(struct slot *s, cap_t cap)
{
    s->cap = cap;
    s->prev = s->next = 0;
}

static void thread_any(struct tcb *t)
{
    t->context = nondet_context();
    t->fault = nondet_fault();
    slot_any(&t->cspace, any_cap());
    slot_any(&t->vspace, any_cap());
    slot_any(&t->ipc_buffer, any_cap());
    slot_any(&t->fault_handler, any_cap());
    slot_any(&t->timeout_handler, any_cap());
    t->cspace_window = (struct cspace_window){nondet_word(), nondet_word(), nondet_below(WORLD_SLOTS + 1), slots};
    t->state = (enum thread_state)nondet_below(THREAD_IDLE);
    t->fpu_disabled = nondet_bool();
    t->in_ready_queue = nondet_bool();
    t->in_release_queue = nondet_bool();
    t->priority = nondet_byte();
    t->mcp = nondet_byte();
    t->blocked_on = world_queue;
    t->blocked_badge = nondet_word();
    t->blocked_can_grant = nondet_bool();
    t->blocked_can_grant_reply = nondet_bool();
    t->blocked_is_call = nondet_bool();
    t->reply = any_reply_or_none();
    t->ipc_link = any_link();
    t->ready_link = any_link();
    t->release_link = any_link();
    t->all_link = any_link();
    t->bound_notification = nondet_bool() ? &nt : NULL;
    t->sc = any_context_or_none();
    t->yield_to = any_context_or_none();
    t->vcpu = nondet_bool() ? &vc : NULL;
    t->ipc_buffer_vaddr = nondet_word();
    t->ipc_buffer_words = cap_tag(t->ipc_buffer.cap) != CAP_FRAME ? NULL : nondet_bool() ? buffer_a : buffer_b;
    t->name[0] = (char)nondet_byte();
}

static void context_any(struct sched_context *s)
{
    s->period = nondet_word();
    s->budget_consumed = nondet_word();
    s->tcb = any_thread_or_none();
    s->reply = any_reply_or_none();
    s->notification = nondet_bool() ? &nt : NULL;
    s->yield_from = any_thread_or_none();
    s->badge = nondet_word();
    s->refill_max = nondet_bool() ? 2 : 0;
    s->refill_head = (uint16_t)nondet_below(2);
    s->refill_count = s->refill_max ? (uint16_t)(1 + nondet_below(2)) : 0;
    s->sporadic = nondet_bool();
    s->budget = nondet_word();
    ASSUME(s->budget != 0);
    s->refills[0] = (struct refill){nondet_word(), nondet_word()};
    s->refills[1] = (struct refill){nondet_word(), nondet_word()};
}

static void reply_any(struct reply *r)
{
    r->tcb = any_thread_or_none();
    r->prev = r == &ra && nondet_bool() ? (word_t)&rb : 0;
    r->next = nondet_bool() ? (word_t)any_context() | REPLY_NEXT_IS_SC : r == &rb && nondet_bool() ? (word_t)&ra : 0;
    r->can_grant = nondet_bool();
}

/* ---- the rules: who names whom, and is named back ---- */

static void thread_rules(const struct tcb *t)
{
    ASSUME(!t->reply || t->reply->tcb == t);
    ASSUME(t->state != THREAD_BLOCKED_ON_REPLY || t->reply);
    ASSUME(!t->sc || t->sc->tcb == t);
    ASSUME(!t->yield_to || t->yield_to->yield_from == t);
    ASSUME(!t->bound_notification || nt.bound_tcb == t);
    ASSUME(!t->vcpu || vc.tcb == t);
    ASSUME(!t->in_release_queue || t->sc);
}
static void context_rules(const struct sched_context *s)
{
    ASSUME(!s->tcb || s->tcb->sc == s);
    ASSUME(!s->yield_from || s->yield_from->yield_to == s);
    ASSUME((s->notification != NULL) == (nt.sc == s));
    ASSUME(!s->reply || s->reply->next == ((word_t)s | REPLY_NEXT_IS_SC));
}
static void reply_rules(const struct reply *r)
{
    ASSUME(!r->tcb || r->tcb->reply == r);
    ASSUME(!world_reply_sc(r) || world_reply_sc(r)->reply == r);
}

/* Three lists of threads, each with an order of its own: a link leads on in it, so every list ends. */
static unsigned place(const struct tcb *t, const unsigned *places) { return places[t == &ta ? 0 : t == &tb ? 1 : 2]; }
static void link_rules(const struct tcb *t, struct queue_link l, const unsigned *places)
{
    ASSUME(!l.next || place(l.next, places) > place(t, places));
    ASSUME(!l.prev || place(l.prev, places) < place(t, places));
}
static void order_rules(void)
{
    unsigned ipc[3] = {nondet_below(3), nondet_below(3), nondet_below(3)}, release[3] = {nondet_below(3), nondet_below(3), nondet_below(3)};
    unsigned all[3] = {nondet_below(3), nondet_below(3), nondet_below(3)};
    link_rules(&ta, ta.ipc_link, ipc), link_rules(&ta, ta.release_link, release), link_rules(&ta, ta.all_link, all);
    link_rules(&tb, tb.ipc_link, ipc), link_rules(&tb, tb.release_link, release), link_rules(&tb, tb.all_link, all);
    if (world_threads == 3)
        link_rules(&tc, tc.ipc_link, ipc), link_rules(&tc, tc.release_link, release), link_rules(&tc, tc.all_link, all);
}

void world_any(void)
{
    thread_any(&ta), thread_any(&tb);
    if (world_threads == 3)
        thread_any(&tc);
    context_any(&sa), context_any(&sb);
    reply_any(&ra), reply_any(&rb);
    for (unsigned i = 0; i < WORLD_SLOTS; i++)
        slot_any(&slots[i], any_cap());

    ep_head = any_thread_or_none();
    ep_state = !ep_head ? ENDPOINT_IDLE : nondet_bool() ? ENDPOINT_SENDING : ENDPOINT_RECEIVING;
    ep.tail = ep_head ? any_thread() : NULL;
    nt.head = any_thread_or_none();
    nt.tail = nt.head ? any_thread() : NULL;
    nt.state = nt.head ? NOTIFICATION_WAITING : nondet_bool() ? NOTIFICATION_ACTIVE : NOTIFICATION_IDLE;
    nt.word = nondet_word();
    nt.bound_tcb = any_thread_or_none();
    nt.sc = any_context_or_none();
    vc.tcb = any_thread_or_none();

    thread_rules(&ta), thread_rules(&tb);
    if (world_threads == 3)
        thread_rules(&tc);
    context_rules(&sa), context_rules(&sb);
    reply_rules(&ra), reply_rules(&rb);
    ASSUME((ra.prev != 0) == (rb.next == (word_t)&ra));
    ASSUME(!nt.bound_tcb || nt.bound_tcb->bound_notification == &nt);
    ASSUME(!vc.tcb || vc.tcb->vcpu == &vc);
    order_rules();

    kernel.current = any_thread();
    kernel.current_sc = any_context_or_none();
    ASSUME(!kernel.current_sc || kernel.current_sc->refill_max);
    kernel.reschedule = nondet_bool();
    kernel.switch_to = any_thread_or_none();
    kernel.ready_summary = nondet_below(16);
    for (unsigned i = 0; i < SEL4_NUM_PRIORITIES / 64; i++) {
        kernel.ready_bits[i] = nondet_word();
        ASSUME((kernel.ready_bits[i] != 0) == (kernel.ready_summary >> i & 1));
    }
    kernel.release_head = any_thread_or_none();
    ASSUME(!kernel.release_head || kernel.release_head->in_release_queue);
    kernel.all_threads = any_thread();
    kernel.now = nondet_word();
    kernel.consumed = nondet_word();
    kernel.reprogram = nondet_bool();
    kernel.ticks_per_us = 1 + nondet_below(10000);
    kernel.min_budget = kernel.ticks_per_us * SEL4_MIN_BUDGET_US;
    kernel.window_paddr = nondet_word() & MASK(46) & ~MASK(21);
    kernel.work_units = nondet_below(WORK_UNITS_PER_CHECK);
    kernel.refusal.length = nondet_below(7);
}

/* ---- the endpoint's word ---- */

struct tcb *ep_head;
enum endpoint_state ep_state;
struct tcb *world_head(const struct endpoint *e) { HOLDS(e == &ep, "the endpoint"); return ep_head; }
enum endpoint_state world_state(const struct endpoint *e) { HOLDS(e == &ep, "the endpoint"); return ep_state; }
bool world_has(const struct endpoint *e, enum endpoint_state s, struct tcb **head) { HOLDS(e == &ep, "the endpoint"); *head = ep_head; return ep_state == s; }
void world_set_head(struct endpoint *e, struct tcb *head, enum endpoint_state s) { HOLDS(e == &ep, "the endpoint"); ep_head = head, ep_state = s; }
void world_pop(struct endpoint *e, struct tcb *head, enum endpoint_state s)
{
    HOLDS(e == &ep && head == ep_head, "the endpoint's head");
    ep_head = head->ipc_link.next;
    ep_state = ep_head ? s : ENDPOINT_IDLE;
}

struct sched_context *world_reply_sc(const struct reply *r)
{
    return r->next == ((word_t)&sa | REPLY_NEXT_IS_SC) ? &sa : r->next == ((word_t)&sb | REPLY_NEXT_IS_SC) ? &sb : NULL;
}
struct reply *world_reply_below(const struct reply *r) { return r->prev == (word_t)&ra ? &ra : r->prev == (word_t)&rb ? &rb : NULL; }

/* ---- what lies elsewhere ---- */

static status_t any_status(void) { return nondet_int(); }

ANY status_t refuse_argument(word_t w) { (void)w; return SEL4_INVALID_ARGUMENT; }
ANY status_t refuse_capability(word_t w) { (void)w; return SEL4_INVALID_CAPABILITY; }
ANY status_t refuse_range(word_t min, word_t max) { (void)min, (void)max; return SEL4_RANGE_ERROR; }
ANY status_t refuse_lookup(bool source) { (void)source; return SEL4_FAILED_LOOKUP; }
ANY status_t refuse_plain(status_t s) { return s; }
ANY void refuse(word_t w0, word_t w1) { (void)w0, (void)w1; }
ANY word_t invocation_arg(const struct invocation *inv, unsigned i) { HOLDS(i < inv->length, "a word of the message"); return nondet_word(); }
ANY void invocation_result(struct invocation *inv, unsigned i, word_t v) { (void)inv, (void)v; HOLDS(i < SEL4_MSG_MAX_LENGTH, "a word that a message has"); }
ANY word_t message_word(struct tcb *t, unsigned i) { (void)t; HOLDS(i < SEL4_MSG_MAX_LENGTH, "a word that a message has"); return nondet_word(); }
ANY bool message_set_word(struct tcb *t, unsigned i, word_t v) { (void)t, (void)v; HOLDS(i < SEL4_MSG_MAX_LENGTH, "a word that a message has"); return nondet_bool(); }
ANY void log_printf(const char *f, ...) { (void)f; }
ANY void panic(const char *f, ...) { (void)f; ASSUME(false); for (;;); }

ANY struct lookup cspace_lookup(struct tcb *t, word_t cptr)
{
    (void)t, (void)cptr;
    return nondet_bool() ? (struct lookup){STATUS_OK, any_slot(), nondet_below(64)} : (struct lookup){SEL4_FAILED_LOOKUP, NULL, nondet_below(65)};
}
ANY struct lookup cspace_lookup_target(cap_t root, word_t index, word_t depth)
{
    (void)root, (void)index, (void)depth;
    return nondet_bool() ? (struct lookup){STATUS_OK, any_slot(), 0} : (struct lookup){SEL4_FAILED_LOOKUP, NULL, 0};
}
ANY void cspace_changed(struct tcb *t) { (void)t; }
ANY void slot_insert(cap_t cap, struct slot *parent, struct slot *to) { (void)parent; to->cap = cap; }
ANY void slot_insert_original(cap_t cap, struct slot *to) { to->cap = cap; }
ANY void slot_move(cap_t cap, struct slot *from, struct slot *to) { to->cap = cap; from->cap = cap_null(); }
ANY void slot_swap(cap_t cap_a, struct slot *a, cap_t cap_b, struct slot *b) { a->cap = cap_b; b->cap = cap_a; }
ANY void slot_clear(struct slot *s) { s->cap = cap_null(); }
ANY bool slot_wind_down(struct slot *s) { (void)s; world_any(); return nondet_bool(); }
ANY status_t slot_delete(struct slot *s) { (void)s; world_any(); return nondet_bool() ? STATUS_OK : STATUS_PREEMPTED; }
ANY status_t slot_revoke(struct slot *s) { (void)s; world_any(); return nondet_bool() ? STATUS_OK : STATUS_PREEMPTED; }
ANY bool slot_has_children(const struct slot *s) { (void)s; return nondet_bool(); }
ANY bool slot_is_final(const struct slot *s) { (void)s; return nondet_bool(); }
ANY bool slot_is_empty(const struct slot *s) { return cap_tag(s->cap) == CAP_NULL; }
ANY bool slot_is_parent(const struct slot *a, const struct slot *b) { (void)a, (void)b; return nondet_bool(); }
ANY status_t cap_derive(struct slot *from, cap_t cap, cap_t *derived)
{
    (void)from;
    *derived = nondet_bool() ? cap : cap_null();
    return nondet_bool() ? STATUS_OK : SEL4_ILLEGAL_OPERATION;
}
ANY bool cap_same_object(cap_t a, cap_t b) { (void)a, (void)b; return nondet_bool(); }
ANY cap_t cap_mask_rights(cap_t cap, word_t rights) { (void)rights; return cap; }
ANY cap_t cap_update_data(cap_t cap, bool preserve, word_t data) { (void)preserve, (void)data; return nondet_bool() ? cap : cap_null(); }
ANY bool preemption_point(void) { return nondet_bool(); }

ANY void endpoint_send(struct tcb *t, struct endpoint *e, word_t badge, word_t rights, bool blocking, bool call, bool donate)
{
    (void)t, (void)badge, (void)rights, (void)blocking, (void)call, (void)donate;
    HOLDS(e == &ep, "an endpoint");
    world_any();
}
ANY void endpoint_receive(struct tcb *t, cap_t cap, struct reply *r, bool blocking) { (void)t, (void)cap, (void)r, (void)blocking; world_any(); }
ANY bool endpoint_cancel_one(struct endpoint *e) { HOLDS(e == &ep, "an endpoint"); world_any(); return nondet_bool(); }
ANY status_t endpoint_cancel_badged(struct endpoint *e, word_t badge) { (void)badge; HOLDS(e == &ep, "an endpoint"); world_any(); return any_status(); }
ANY void endpoint_remove(struct tcb *t) { t->ipc_link = any_link(); }
ANY void endpoint_requeue(struct tcb *t) { t->ipc_link = any_link(); }
ANY void ipc_transfer(struct tcb *from, struct tcb *to, struct endpoint *e, word_t badge, bool grant)
{
    (void)from, (void)e, (void)badge, (void)grant;
    to->context = nondet_context();
}
ANY void ipc_cancel(struct tcb *t) { (void)t; world_any(); }
ANY void notification_signal(struct notification *n, word_t badge) { (void)badge; HOLDS(n == &nt, "a notification"); world_any(); }
ANY void notification_wait(struct tcb *t, struct notification *n, bool blocking) { (void)t, (void)blocking; HOLDS(n == &nt, "a notification"); world_any(); }
ANY void notification_take(struct tcb *t, struct notification *n) { (void)t; HOLDS(n == &nt, "a notification"); world_any(); }
ANY bool notification_cancel_one(struct notification *n) { HOLDS(n == &nt, "a notification"); world_any(); return nondet_bool(); }
ANY void notification_remove(struct tcb *t) { t->ipc_link = any_link(); }
ANY void notification_requeue(struct tcb *t) { t->ipc_link = any_link(); }
ANY void notification_bind(struct notification *n, struct tcb *t) { (void)t; HOLDS(n == &nt, "a notification"); world_any(); }
ANY void notification_unbind(struct tcb *t)
{
    if (t->bound_notification)
        nt.bound_tcb = NULL;
    t->bound_notification = NULL;
}
ANY void notification_return_sc(struct notification *n, struct tcb *t)
{
    if (n->sc && n->sc == t->sc)
        t->sc = n->sc->tcb = NULL;
}
ANY void notification_finalise(struct notification *n) { HOLDS(n == &nt, "a notification"); world_any(); }
ANY void reply_push(struct tcb *caller, struct tcb *callee, struct reply *r, bool donate)
{
    HOLDS(r == &ra || r == &rb, "a reply object");
    caller->reply = r;
    r->tcb = caller;
    caller->state = THREAD_BLOCKED_ON_REPLY;
    if (donate && caller->sc && !callee->sc) {
        callee->sc = caller->sc;
        callee->sc->tcb = callee;
        caller->sc = NULL;
    }
}
ANY void reply_unlink(struct reply *r)
{
    HOLDS(r->tcb, "somebody's");
    r->tcb->reply = NULL;
    r->tcb = NULL;
}
ANY void reply_remove(struct reply *r) { HOLDS(r->tcb, "somebody's"); world_any(); }
ANY void reply_cut(struct reply *r) { HOLDS(r->tcb, "somebody's"); world_any(); }
ANY void reply_send(struct tcb *t, struct reply *r, bool grant) { (void)t, (void)grant; HOLDS(r == &ra || r == &rb, "a reply object"); world_any(); }
ANY void reply_finalise(struct reply *r) { HOLDS(r == &ra || r == &rb, "a reply object"); world_any(); }
ANY void fault_send(struct tcb *t) { (void)t; world_any(); }
ANY bool fault_timeout(struct tcb *t) { (void)t; world_any(); return nondet_bool(); }
ANY bool fault_has_timeout_handler(const struct tcb *t) { (void)t; return nondet_bool(); }
ANY word_t fault_message(struct tcb *t, struct tcb *to) { (void)t; to->context = nondet_context(); return nondet_below(20); }
ANY bool fault_reply(struct tcb *t, struct tcb *replier) { (void)replier; t->context = nondet_context(); return nondet_bool(); }

ANY void fastpath_call(struct tcb *t) { (void)t; world_any(); }
ANY void fastpath_reply_recv(struct tcb *t) { (void)t; world_any(); }
ANY void fastpath_send(struct tcb *t, int64_t number) { (void)t, (void)number; world_any(); }
ANY void fastpath_vcpu_fault(struct tcb *t) { (void)t; world_any(); }
ANY void syscall_general(struct tcb *t, int64_t number) { (void)t, (void)number; world_any(); }
ANY void vcpu_fault_general(struct tcb *t) { (void)t; world_any(); }

ANY void thread_suspend(struct tcb *t) { (void)t; world_any(); }
ANY void thread_resume(struct tcb *t) { (void)t; world_any(); }
ANY void thread_finalise(struct tcb *t) { (void)t; world_any(); }
ANY void thread_restart_syscall(struct tcb *t) { t->context.rip = nondet_word(); }
ANY word_t thread_restart_pc(const struct tcb *t) { (void)t; return nondet_word(); }
ANY void thread_set_state(struct tcb *t, enum thread_state s) { t->state = s; }

static bool by_the_rules(const struct sched_context *s) { return s->refill_max != 0; }
ANY bool sched_context_is_ready(struct sched_context *s) { (void)s; kernel.now = nondet_word(); return nondet_bool(); }
ANY bool sched_context_round_robin(const struct sched_context *s) { return s->period == 0; }
ANY void sched_context_charge(struct sched_context *s, ticks_t used) { (void)used; HOLDS(by_the_rules(s), "configured"); s->refills[0] = s->refills[1] = (struct refill){nondet_word(), nondet_word()}; s->refill_head = (uint16_t)nondet_below(2); }
ANY void sched_context_unblock(struct sched_context *s) { s->refills[0] = s->refills[1] = (struct refill){nondet_word(), nondet_word()}; kernel.now = nondet_word(); }
ANY void sched_context_start_now(struct sched_context *s) { HOLDS(by_the_rules(s), "configured"); s->refills[0] = s->refills[1] = (struct refill){nondet_word(), nondet_word()}; kernel.reprogram = true; }
ANY void sched_context_refresh(struct sched_context *s, ticks_t b, ticks_t p, unsigned n) { (void)b, (void)p, (void)n; HOLDS(by_the_rules(s), "configured"); }
ANY void sched_context_configure(struct sched_context *s, ticks_t b, ticks_t p, word_t n, word_t badge, bool sporadic) { (void)b, (void)p, (void)n, (void)badge, (void)sporadic; s->refill_max = 2; }
ANY unsigned sched_context_max_refills(unsigned bits) { (void)bits; return 2 + nondet_below(510); }
ANY struct refill *sched_context_refill(struct sched_context *s, unsigned i) { HOLDS(by_the_rules(s) && i < 2, "a refill"); return &s->refills[i]; }
ANY void sched_context_bind(struct sched_context *s, struct tcb *t) { HOLDS(!s->tcb && !t->sc, "neither is bound"); world_any(); }
ANY void sched_context_unbind_tcb(struct sched_context *s)
{
    if (!s->tcb)
        return;
    s->tcb->sc = NULL;
    s->tcb->in_release_queue = false;
    s->tcb = NULL;
}
ANY void sched_context_donate(struct sched_context *s, struct tcb *to)
{
    HOLDS(!to->sc, "it has none");
    if (s->tcb)
        s->tcb->sc = NULL;
    s->tcb = to;
    to->sc = s;
}
ANY void sched_context_resume(struct sched_context *s) { (void)s; }
ANY void sched_context_finalise(struct sched_context *s) { (void)s; world_any(); }
ANY word_t sched_context_take_consumed(struct sched_context *s) { (void)s; return nondet_word(); }
ANY void sched_context_complete_yield(struct tcb *t) { HOLDS(t->yield_to, "it yielded"); t->yield_to->yield_from = NULL; t->yield_to = NULL; }

ANY void schedule(void) { world_any(); }
ANY void clock_update(void) { kernel.now = nondet_word(); kernel.consumed = nondet_word(); }
ANY void charge_current(void) { kernel.now = nondet_word(); kernel.consumed = 0; }
ANY void thread_wake(struct tcb *t) { t->in_ready_queue = nondet_bool(); kernel.switch_to = any_thread_or_none(); }
ANY void reschedule(void) { kernel.reschedule = true; }
ANY void ready_enqueue(struct tcb *t, bool front) { (void)front; t->in_ready_queue = true; }
ANY void ready_dequeue(struct tcb *t) { t->in_ready_queue = false; }
ANY void release_enqueue(struct tcb *t) { HOLDS(t->sc, "it has a context"); t->in_release_queue = true; }
ANY void release_dequeue(struct tcb *t) { t->in_release_queue = false; }
ANY void thread_dequeue(struct tcb *t) { t->in_ready_queue = t->in_release_queue = false; }
ANY void timeslice_end(bool may_fault) { (void)may_fault; world_any(); }
ANY void yield_current(void) { world_any(); }
ANY bool debug_syscall(int64_t number) { (void)number; world_any(); return nondet_bool(); }

ANY status_t invocation_decode(struct invocation *inv) { (void)inv; world_any(); kernel.refusal.length = nondet_below(7); return any_status(); }
#define INVOKE(name) ANY status_t name(struct invocation *inv) { (void)inv; world_any(); return any_status(); }
INVOKE(untyped_invoke) INVOKE(cnode_invoke) INVOKE(tcb_invoke) INVOKE(sched_context_invoke) INVOKE(sched_control_invoke)
INVOKE(irq_control_invoke) INVOKE(irq_handler_invoke) INVOKE(domain_invoke) INVOKE(channel_invoke)
INVOKE(arch_invoke) INVOKE(arch_irq_control_invoke)

/* ---- arch.h ---- */

ANY bool arch_owns(enum cap_tag tag) { (void)tag; return nondet_bool(); }
ANY cap_t arch_cap_update_data(cap_t cap, word_t data) { (void)data; return cap; }
ANY status_t arch_check_vspace(cap_t cap) { (void)cap; return nondet_bool() ? STATUS_OK : SEL4_ILLEGAL_OPERATION; }
ANY status_t arch_check_ipc_buffer(word_t va, cap_t cap) { (void)va; return cap_tag(cap) == CAP_FRAME && nondet_bool() ? STATUS_OK : SEL4_ILLEGAL_OPERATION; }
ANY void arch_switch_to(struct tcb *t) { (void)t; }
ANY void arch_switch_to_idle(void) {}
ANY word_t arch_sanitise_register(unsigned i, word_t v) { HOLDS(i < SEL4_CONTEXT_WORDS, "a register"); return v; }
ANY word_t *arch_context_word(struct context *c, unsigned i)
{
    HOLDS(i < SEL4_CONTEXT_WORDS, "a register");
    return &c->rax;
}
ANY void arch_tls_base_changed(struct tcb *t) { (void)t; }
ANY void arch_fpu_flags_changed(struct tcb *t) { (void)t; }
ANY void arch_vcpu_unbind(struct tcb *t)
{
    if (t->vcpu)
        vc.tcb = NULL;
    t->vcpu = NULL;
}
ANY word_t arch_vcpu_fault_message(struct tcb *t, struct tcb *to) { (void)t, (void)to; return nondet_below(SEL4_MSG_MAX_LENGTH + 1); }
ANY void arch_vcpu_fault_reply(struct tcb *replier, struct tcb *t) { (void)t, (void)replier; }
ANY void arch_vcpu_tell(struct tcb *t, struct tcb *to) { (void)t, (void)to; }
ANY void arch_vcpu_resume(struct tcb *replier, struct tcb *t) { (void)t, (void)replier; }
ANY bool machine_interrupt_pending(void) { return nondet_bool(); }
ANY ticks_t machine_time(void) { return nondet_word(); }
ANY void machine_set_deadline(ticks_t d) { (void)d; }
ANY void machine_memzero(void *p, word_t n) { (void)p, (void)n; }
ANY void arch_irq_mask(word_t irq, bool masked) { (void)masked; HOLDS(irq < NUM_IRQS, "an interrupt"); }
ANY status_t arch_irq_message(struct invocation *inv, word_t irq) { (void)inv; HOLDS(irq < NUM_IRQS, "an interrupt"); return any_status(); }
ANY void arch_irq_handler_deleted(word_t irq) { HOLDS(irq < NUM_IRQS, "an interrupt"); }
ANY void machine_put_char(char c) { (void)c; }
ANY void machine_last_words(void) {}
ANY void machine_halt(void) { ASSUME(false); for (;;); }
ANY void arch_snapshot(const struct tcb *t) { (void)t; }
