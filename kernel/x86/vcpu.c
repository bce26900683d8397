/* Virtual CPUs, the vendor-neutral half: invocations, exit messages and replies (<atoll/vcpu.h>), and the run loop. */
#include "vcpu.h"
#include "../core.h"
#include "../state.h"
#include "fpu.h"
#include "paging.h"
#include "predictor.h"
#include "timer.h"
#include "trap.h"

static unsigned words_of(word_t groups)
{
    unsigned n = 0;
    for (; groups; groups &= groups - 1)
        n += vcpu_group_words((unsigned)__builtin_ctzll(groups));
    return n;
}

/* Words for `groups`, in order. Returns the first bad one as group bit << 8 | word, or -1 after all are written. */
static int write_groups(struct vcpu *v, word_t groups, const word_t *words)
{
    const word_t *w = words;
    for (word_t rest = groups; rest; rest &= rest - 1) {
        unsigned g = (unsigned)__builtin_ctzll(rest);
        int word = vcpu_check_group(g, w);
        if (word >= 0)
            return 1 << g << 8 | word;
        w += vcpu_group_words(g);
    }
    for (word_t rest = groups; rest; rest &= rest - 1) {
        unsigned g = (unsigned)__builtin_ctzll(rest);
        guest_write_group(v, g, words);
        words += vcpu_group_words(g);
    }
    if (groups & (VCPU_GROUP_RIP | VCPU_GROUP_CONTROL | VCPU_GROUP_SEGMENTS | VCPU_GROUP_EVENT))
        v->hindered |= VCPU_UNCHECKED;
    return -1;
}

/* ---- running ---- */

static void refuse_state(struct vcpu *v, word_t group, word_t word)
{
    v->hindered |= VCPU_REFUSED;
    v->exit = (struct vcpu_exit_info){EXIT_BAD_STATE, 0, group, word};
}

static bool check_entry(struct vcpu *v)
{
    word_t control[VCPU_MAX_GROUP_WORDS], segments[VCPU_MAX_GROUP_WORDS], rip[VCPU_MAX_GROUP_WORDS],
        event[VCPU_MAX_GROUP_WORDS];
    guest_read_group(v, __builtin_ctz(VCPU_GROUP_CONTROL), control);
    guest_read_group(v, __builtin_ctz(VCPU_GROUP_SEGMENTS), segments);
    guest_read_group(v, __builtin_ctz(VCPU_GROUP_RIP), rip);
    guest_read_group(v, __builtin_ctz(VCPU_GROUP_EVENT), event);
    int wrong = vcpu_check_entry(control, segments, rip[1], event[0]);
    if (wrong >= 0)
        refuse_state(v, (word_t)wrong >> 8, (word_t)wrong & 0xff);
    v->hindered &= (uint8_t)~VCPU_UNCHECKED;
    return wrong < 0;
}

static __attribute__((noinline)) struct vcpu *prepare_slowly(const struct tcb *t, struct vcpu *v)
{
    paddr_t root = vspace_nested_paddr(t);
    if (!root)
        refuse_state(v, 0, 0); /* no nested address space to run in */
    if ((v->hindered & VCPU_REFUSED) || ((v->hindered & VCPU_UNCHECKED) && !check_entry(v))) {
        v->counters[EXIT_BAD_STATE]++;
        v->hindered &= (uint8_t)~VCPU_REFUSED;
        handle_vcpu_fault();
        return NULL;
    }
    predictor_switch_guest(v);
    guest_load(v, root);
    guest_loaded.nested = t->vspace.cap.w0;
    return v;
}

/* Mostly it goes on as it was: the last guest of this core, in the same nested address space, and nothing has changed meanwhile. */
struct vcpu *vcpu_prepare(void)
{
    const struct tcb *t = kernel.current;
    struct vcpu *v = t->vcpu;
    if (v == predictor.guest && t->vspace.cap.w0 == guest_loaded.nested && !guest_loaded.refresh && !v->hindered)
        return v;
    return prepare_slowly(t, v);
}

void vcpu_exited(struct vcpu *v)
{
    v->counters[v->exit.class]++;
    handle_vcpu_fault();
}

void vcpu_interrupted(struct vcpu *v)
{
    v->counters[EXIT_INTERRUPT]++;
    take_interrupt();
}

/* ---- messages ---- */

word_t vcpu_message_groups(const struct vcpu *v, word_t groups, word_t *words)
{
    for (word_t rest = groups; rest; rest &= rest - 1) {
        unsigned g = (unsigned)__builtin_ctzll(rest);
        guest_read_group(v, g, words);
        words += vcpu_group_words(g);
    }
    return VCPU_EXIT_WORDS + words_of(groups);
}

bool vcpu_reply_groups(struct vcpu *v, struct tcb *replier, word_t groups)
{
    const struct context *c = &replier->context;
    word_t length = message_length(c->rsi), words[VCPU_ALL_WORDS] = {c->r10, c->r8, c->r9, c->r15};
    word_t refused = groups & ~(word_t)v->transfer_in[v->exit.class];
    unsigned n = refused ? 0 : words_of(groups);
    const word_t *buffer = tcb_ipc_buffer(replier, false);
    if (refused || n > length || (n > SEL4_MSG_REGISTERS && !buffer)) {
        refuse_state(v, refused ? refused : groups, 0xff);
        return false;
    }
    for (unsigned i = SEL4_MSG_REGISTERS; i < n; i++)
        words[i] = buffer[SEL4_IPC_MSG_WORD + i];
    int wrong = write_groups(v, groups, words);
    if (wrong >= 0)
        refuse_state(v, (word_t)wrong >> 8, (word_t)wrong & 0xff);
    return wrong < 0;
}

/* ---- the object ---- */

void vcpu_init(struct vcpu *v)
{
    for (unsigned i = 0; i < EXIT_CLASSES; i++)
        v->transfer_in[i] = VCPU_ALL_GROUPS;
    fpu_vcpu_init(v);
    guest_init(v);
}

void vcpu_deleted(struct vcpu *v)
{
    struct tcb *t = v->tcb;
    if (t) {
        thread_suspend(t); /* without its vCPU it would run as an ordinary thread */
        arch_vcpu_unbind(t);
    }
    timer_arm(v, 0);
    slot_delete(&v->timer_slot); /* a notification's capability, wound down already: not preempted */
    fpu_forget(v);
    predictor_forget_guest(v);
    guest_forget(v);
}

/* ---- invocations ---- */

static status_t invoke_bind(struct invocation *inv, struct vcpu *v)
{
    struct slot *slot = inv->extra[0];
    if (!slot)
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    if (cap_tag(slot->cap) != CAP_TCB)
        return refuse_capability(1);
    struct tcb *t = object_at(cap_offset48(slot->cap));
    if (t == kernel.current)
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    if (t->vcpu || v->tcb)
        return refuse_plain(SEL4_DELETE_FIRST);
    t->vcpu = v;
    v->tcb = t;
    return STATUS_OK;
}

static status_t invoke_set_transfer(struct invocation *inv, struct vcpu *v)
{
    if (inv->length < 3)
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    word_t class = invocation_arg(inv, 0), out = invocation_arg(inv, 1), in = invocation_arg(inv, 2);
    if (class >= EXIT_CLASSES)
        return refuse_range(0, EXIT_CLASSES - 1);
    if (out > VCPU_ALL_GROUPS)
        return refuse_argument(1);
    if (in > VCPU_ALL_GROUPS)
        return refuse_argument(2);
    v->transfer_out[class] = (uint16_t)out;
    v->transfer_in[class] = (uint16_t)in;
    return STATUS_OK;
}

static status_t invoke_read(struct invocation *inv, const struct vcpu *v)
{
    if (inv->length < 1)
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    word_t groups = invocation_arg(inv, 0);
    if (groups > VCPU_ALL_GROUPS)
        return refuse_argument(0);
    unsigned n = 0;
    for (; groups; groups &= groups - 1) {
        word_t words[VCPU_MAX_GROUP_WORDS];
        unsigned g = (unsigned)__builtin_ctzll(groups);
        guest_read_group(v, g, words);
        for (unsigned i = 0; i < vcpu_group_words(g); i++)
            invocation_result(inv, n++, words[i]);
    }
    return STATUS_OK;
}

static status_t invoke_write(struct invocation *inv, struct vcpu *v)
{
    if (inv->length < 1)
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    word_t groups = invocation_arg(inv, 0), words[VCPU_ALL_WORDS];
    if (groups > VCPU_ALL_GROUPS)
        return refuse_argument(0);
    unsigned n = words_of(groups);
    if (inv->length < n + 1)
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    for (unsigned i = 0; i < n; i++)
        words[i] = invocation_arg(inv, i + 1);
    int wrong = write_groups(v, groups, words);
    if (wrong < 0)
        return STATUS_OK;
    refuse((word_t)wrong >> 8, (word_t)wrong & 0xff); /* group, word inside it */
    return SEL4_INVALID_ARGUMENT;
}

static status_t invoke_interrupt(struct invocation *inv, struct vcpu *v)
{
    if (inv->length < 1)
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    word_t event = invocation_arg(inv, 0), type = event & (7u << 8);
    if (!(event & VCPU_EVENT_VALID) || vcpu_check_event(event, false) != 0 ||
        (type != VCPU_EVENT_INTERRUPT && type != VCPU_EVENT_NMI))
        return refuse_argument(0);
    invocation_result(inv, 0, guest_try_event(v, event));
    return STATUS_OK;
}

static status_t invoke_set_timer(struct invocation *inv, struct vcpu *v)
{
    if (inv->length < 1)
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    struct slot *slot = inv->extra[0];
    if (slot) {
        cap_t derived;
        if (cap_tag(slot->cap) != CAP_NOTIFICATION || !(cap_rights(slot->cap) & SEL4_RIGHT_WRITE))
            return refuse_capability(1);
        status_t s = cap_derive(slot, slot->cap, &derived);
        if (s != STATUS_OK)
            return s;
        s = slot_delete(&v->timer_slot);
        if (s != STATUS_OK)
            return s;
        slot_insert(derived, slot, &v->timer_slot);
    }
    timer_arm(v, invocation_arg(inv, 0));
    return STATUS_OK;
}

status_t vcpu_invoke(struct invocation *inv)
{
    struct vcpu *v = object_at(cap_offset48(inv->cap));
    switch (inv->label) {
    case ATOLL_VCPU_BIND: return invoke_bind(inv, v);
    case ATOLL_VCPU_SET_TRANSFER: return invoke_set_transfer(inv, v);
    case ATOLL_VCPU_READ: return invoke_read(inv, v);
    case ATOLL_VCPU_WRITE: return invoke_write(inv, v);
    case ATOLL_VCPU_INTERRUPT: return invoke_interrupt(inv, v);
    case ATOLL_VCPU_SET_TIMER: return invoke_set_timer(inv, v);
    case ATOLL_VCPU_COUNTERS:
        for (unsigned i = 0; i < EXIT_CLASSES; i++)
            invocation_result(inv, i, v->counters[i]);
        return STATUS_OK;
    default: return refuse_plain(SEL4_ILLEGAL_OPERATION);
    }
}
