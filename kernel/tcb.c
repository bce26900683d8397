/* Threads: their life, and the invocations on TCB capabilities (manual, "TCB"). */
#include "core.h"
#include "state.h"

word_t thread_restart_pc(const struct tcb *t)
{
    /* Blocked by a system call (cause < 0: entered by SYSCALL, two bytes) that is not done yet. */
    bool blocked = t->state >= THREAD_BLOCKED_ON_RECEIVE && t->state <= THREAD_BLOCKED_ON_NOTIFICATION;
    return blocked && t->fault.type == SEL4_FAULT_NULL && (int64_t)t->context.cause < 0 ? t->context.rip - 2 : t->context.rip;
}

void thread_restart_syscall(struct tcb *t)
{
    if ((int64_t)t->context.cause < 0) {
        t->context.rip -= 2;
        t->context.cause = 0;
    }
}

void thread_suspend(struct tcb *t)
{
    ipc_cancel(t);
    thread_set_state(t, THREAD_INACTIVE);
    thread_dequeue(t);
    if (t->yield_to) {
        t->yield_to->yield_from = NULL;
        t->yield_to = NULL;
    }
}

void thread_resume(struct tcb *t)
{
    if (thread_runnable(t) || t->state == THREAD_IDLE)
        return;
    ipc_cancel(t);
    thread_set_state(t, THREAD_RUNNING);
    if (t->sc && t->sc->refill_max != 0) {
        sched_context_unblock(t->sc);
        sched_context_resume(t->sc);
    }
    thread_wake(t);
}

void thread_finalise(struct tcb *t)
{
    notification_unbind(t);
    thread_suspend(t);
    if (t->sc)
        sched_context_unbind_tcb(t->sc);
    arch_vcpu_unbind(t);
    struct tcb *prev = t->all_link.prev, *next = t->all_link.next;
    *(prev ? &prev->all_link.next : &kernel.all_threads) = next;
    if (next)
        next->all_link.prev = prev;
}

static void set_priority(struct tcb *t, uint8_t priority)
{
    bool queued = t->in_ready_queue;
    ready_dequeue(t);
    t->priority = priority;
    switch (t->state) {
    case THREAD_BLOCKED_ON_SEND:
    case THREAD_BLOCKED_ON_RECEIVE: endpoint_requeue(t); break;
    case THREAD_BLOCKED_ON_NOTIFICATION: notification_requeue(t); break;
    case THREAD_RUNNING:
        if (t != kernel.current && !queued)
            break;
        if (queued)
            ready_enqueue(t, true); /* first among its new equals, as seL4's tests expect */
        reschedule();
        break;
    default: break;
    }
}

static status_t check_priority(cap_t authority, word_t priority)
{
    if (cap_tag(authority) != CAP_TCB)
        return refuse_capability(1);
    word_t most = ((struct tcb *)object_at(cap_offset48(authority)))->mcp;
    return priority > most ? refuse_range(0, most) : STATUS_OK;
}

static status_t check_fault_handler(cap_t c, word_t which)
{
    if (cap_tag(c) == CAP_NULL)
        return STATUS_OK;
    bool fits = cap_tag(c) == CAP_ENDPOINT && (cap_rights(c) & SEL4_RIGHT_WRITE) &&
                (cap_rights(c) & (SEL4_RIGHT_GRANT | SEL4_RIGHT_GRANT_REPLY));
    return fits ? STATUS_OK : refuse_capability(which);
}

static bool still_invoked(const struct invocation *inv) { return cap_same_object(inv->slot->cap, inv->cap); }

/* One of the TCB's own slots gets a copy of `cap`, derived from `from`. The deletion of the old one may be preempted, and it may
 * even take the source along, or the TCB itself: then there is nothing to copy, or nowhere. */
static status_t set_slot(const struct invocation *inv, struct slot *slot, cap_t cap, struct slot *from)
{
    status_t s = slot_delete(slot);
    if (s != STATUS_OK)
        return s;
    if (cap_tag(cap) != CAP_NULL && cap_same_object(cap, from->cap) && still_invoked(inv))
        slot_insert(cap, from, slot);
    return STATUS_OK;
}

struct space { /* what Configure and SetSpace set */
    cap_t cspace, vspace;
    struct slot *cspace_from, *vspace_from;
};

static status_t check_space(struct tcb *t, struct slot *cspace, word_t cspace_data, struct slot *vspace, word_t vspace_data,
                            struct space *space)
{
    if (cap_tag(t->cspace.cap) == CAP_ZOMBIE || cap_tag(t->vspace.cap) == CAP_ZOMBIE)
        return refuse_plain(SEL4_ILLEGAL_OPERATION); /* the deletion of the old one is under way */
    cap_t c = cspace->cap, v = vspace->cap;
    if (cspace_data != 0)
        c = cap_update_data(c, false, cspace_data);
    status_t s = cap_derive(cspace, c, &c);
    if (s != STATUS_OK)
        return s;
    if (cap_tag(c) != CAP_CNODE)
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    if (vspace_data != 0 && arch_owns(cap_tag(v)))
        v = arch_cap_update_data(v, vspace_data);
    s = cap_derive(vspace, v, &v);
    if (s == STATUS_OK)
        s = arch_check_vspace(v);
    if (s != STATUS_OK)
        return s;
    *space = (struct space){c, v, cspace, vspace};
    return STATUS_OK;
}

static status_t set_space(const struct invocation *inv, struct tcb *t, const struct space *space)
{
    status_t s = set_slot(inv, &t->cspace, space->cspace, space->cspace_from);
    cspace_changed(t);
    if (s == STATUS_OK)
        s = set_slot(inv, &t->vspace, space->vspace, space->vspace_from);
    if (s == STATUS_OK && t == kernel.current && still_invoked(inv))
        arch_switch_to(t);
    return s;
}

static status_t check_ipc_buffer(struct slot *from, word_t vaddr, cap_t *frame)
{
    *frame = cap_null();
    if (vaddr == 0)
        return STATUS_OK;
    status_t s = cap_derive(from, from->cap, frame);
    return s != STATUS_OK ? s : arch_check_ipc_buffer(vaddr, *frame);
}

static status_t set_ipc_buffer(const struct invocation *inv, struct tcb *t, word_t vaddr, cap_t frame, struct slot *from)
{
    status_t s = set_slot(inv, &t->ipc_buffer, frame, from);
    if (s != STATUS_OK)
        return s;
    t->ipc_buffer_vaddr = vaddr;
    t->ipc_buffer_words = NULL;
    if (cap_tag(t->ipc_buffer.cap) == CAP_FRAME)
        t->ipc_buffer_words =
            object_at(frame_paddr(frame) - kernel.window_paddr + (vaddr & MASK(frame_size_bits(frame))));
    return STATUS_OK;
}

static status_t decode_configure(struct invocation *inv, struct tcb *t)
{
    if (inv->length < 3 || !inv->extra[0] || !inv->extra[1] || !inv->extra[2])
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    word_t buffer = invocation_arg(inv, 2);
    cap_t frame;
    struct space space;
    status_t s = check_ipc_buffer(inv->extra[2], buffer, &frame);
    if (s == STATUS_OK)
        s = check_space(t, inv->extra[0], invocation_arg(inv, 0), inv->extra[1], invocation_arg(inv, 1), &space);
    if (s == STATUS_OK)
        s = set_space(inv, t, &space);
    return s == STATUS_OK ? set_ipc_buffer(inv, t, buffer, frame, inv->extra[2]) : s;
}

static status_t decode_set_space(struct invocation *inv, struct tcb *t)
{
    if (inv->length < 2 || !inv->extra[0] || !inv->extra[1] || !inv->extra[2])
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    cap_t handler = inv->extra[0]->cap;
    struct space space;
    status_t s = check_space(t, inv->extra[1], invocation_arg(inv, 0), inv->extra[2], invocation_arg(inv, 1), &space);
    if (s == STATUS_OK)
        s = check_fault_handler(handler, 1);
    if (s == STATUS_OK)
        s = set_slot(inv, &t->fault_handler, handler, inv->extra[0]);
    return s == STATUS_OK ? set_space(inv, t, &space) : s;
}

static status_t decode_set_ipc_buffer(struct invocation *inv, struct tcb *t)
{
    if (inv->length < 1 || !inv->extra[0])
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    word_t buffer = invocation_arg(inv, 0);
    cap_t frame;
    status_t s = check_ipc_buffer(inv->extra[0], buffer, &frame);
    return s == STATUS_OK ? set_ipc_buffer(inv, t, buffer, frame, inv->extra[0]) : s;
}

static status_t decode_priority(struct invocation *inv, struct tcb *t)
{
    if (inv->length < 1 || !inv->extra[0])
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    word_t p = invocation_arg(inv, 0);
    status_t s = check_priority(inv->extra[0]->cap, p);
    if (s != STATUS_OK)
        return s;
    if (inv->label == SEL4_TCB_SET_PRIORITY)
        set_priority(t, (uint8_t)p);
    else
        t->mcp = (uint8_t)p;
    return STATUS_OK;
}

static status_t decode_sched_params(struct invocation *inv, struct tcb *t)
{
    if (inv->length < 2 || !inv->extra[0] || !inv->extra[1] || !inv->extra[2])
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    word_t mcp = invocation_arg(inv, 0), priority = invocation_arg(inv, 1);
    cap_t sc_cap = inv->extra[1]->cap, handler = inv->extra[2]->cap;
    struct sched_context *sc = NULL;
    status_t s = check_priority(inv->extra[0]->cap, mcp);
    if (s == STATUS_OK)
        s = check_priority(inv->extra[0]->cap, priority);
    if (s != STATUS_OK)
        return s;
    if (cap_tag(sc_cap) == CAP_SC) {
        sc = object_at(cap_offset48(sc_cap));
        if ((t->sc && t->sc != sc) || (sc->tcb && sc->tcb != t))
            return refuse_plain(SEL4_ILLEGAL_OPERATION);
        if (t->state > THREAD_RUNNING && sc->refill_max != 0 && !sched_context_is_ready(sc))
            return refuse_plain(SEL4_ILLEGAL_OPERATION);
    } else if (cap_tag(sc_cap) != CAP_NULL) {
        return refuse_capability(2);
    } else if (t == inv->caller) {
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    }
    s = check_fault_handler(handler, 3);
    if (s == STATUS_OK)
        s = set_slot(inv, &t->fault_handler, handler, inv->extra[2]);
    if (s != STATUS_OK)
        return s;
    t->mcp = (uint8_t)mcp;
    set_priority(t, (uint8_t)priority);
    if (!sc && t->sc)
        sched_context_unbind_tcb(t->sc);
    else if (sc && t->sc != sc)
        sched_context_bind(sc, t);
    return STATUS_OK;
}

static status_t decode_set_timeout_endpoint(struct invocation *inv, struct tcb *t)
{
    if (!inv->extra[0])
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    status_t s = check_fault_handler(inv->extra[0]->cap, 1);
    return s == STATUS_OK ? set_slot(inv, &t->timeout_handler, inv->extra[0]->cap, inv->extra[0]) : s;
}

static status_t decode_read_registers(struct invocation *inv, struct tcb *t)
{
    if (inv->length < 2)
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    word_t flags = invocation_arg(inv, 0), count = invocation_arg(inv, 1);
    if (count < 1 || count > SEL4_CONTEXT_WORDS)
        return refuse_range(1, SEL4_CONTEXT_WORDS);
    if (t == inv->caller)
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    if (flags & 1)
        thread_suspend(t);
    if (inv->call) {
        invocation_result(inv, 0, thread_restart_pc(t));
        for (unsigned i = 1; i < count; i++)
            invocation_result(inv, i, *arch_context_word(&t->context, i));
    }
    return STATUS_OK;
}

static void write_register(struct tcb *t, unsigned i, word_t value)
{
    *arch_context_word(&t->context, i) = arch_sanitise_register(i, value);
}

static status_t decode_write_registers(struct invocation *inv, struct tcb *t)
{
    if (inv->length < 2)
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    word_t flags = invocation_arg(inv, 0), count = invocation_arg(inv, 1);
    if (inv->length - 2 < count)
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    if (t == inv->caller)
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    if (count > SEL4_CONTEXT_WORDS)
        count = SEL4_CONTEXT_WORDS;
    t->context.rip = thread_restart_pc(t);
    t->context.cause = 0; /* every register counts now: return by IRET */
    for (unsigned i = 0; i < count; i++)
        write_register(t, i, invocation_arg(inv, i + 2));
    arch_tls_base_changed(t);
    if (flags & 1)
        thread_resume(t);
    return STATUS_OK;
}

static status_t decode_copy_registers(struct invocation *inv, struct tcb *to)
{
    if (inv->length < 1 || !inv->extra[0])
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    if (cap_tag(inv->extra[0]->cap) != CAP_TCB)
        return refuse_capability(1);
    struct tcb *from = object_at(cap_offset48(inv->extra[0]->cap));
    word_t flags = invocation_arg(inv, 0); /* suspend source 1, resume target 2, rip..r15 4, bases 8 */
    if (flags & 1)
        thread_suspend(from);
    if (flags & 12) {
        word_t pc = thread_restart_pc(from);
        to->context.rip = thread_restart_pc(to);
        to->context.cause = 0;
        for (unsigned i = (flags & 4) ? 0 : 18; i < ((flags & 8) ? SEL4_CONTEXT_WORDS : 18u); i++)
            write_register(to, i, i == 0 ? pc : *arch_context_word(&from->context, i));
        arch_tls_base_changed(to);
    }
    if (flags & 2)
        thread_resume(to);
    return STATUS_OK;
}

static status_t decode_bind_notification(struct invocation *inv, struct tcb *t)
{
    if (!inv->extra[0])
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    cap_t c = inv->extra[0]->cap;
    if (t->bound_notification)
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    if (cap_tag(c) != CAP_NOTIFICATION || !(cap_rights(c) & SEL4_RIGHT_READ))
        return refuse_capability(1);
    struct notification *n = object_at(cap_offset48(c));
    if (n->head || n->bound_tcb)
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    notification_bind(n, t);
    return STATUS_OK;
}

static status_t decode_flags(struct invocation *inv, struct tcb *t)
{
    if (inv->length < 2)
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    word_t flags = t->fpu_disabled ? SEL4_TCB_FLAG_FPU_DISABLED : 0;
    flags = (flags & ~invocation_arg(inv, 0)) | (invocation_arg(inv, 1) & SEL4_TCB_FLAG_FPU_DISABLED);
    t->fpu_disabled = (flags & SEL4_TCB_FLAG_FPU_DISABLED) != 0;
    arch_fpu_flags_changed(t);
    invocation_result(inv, 0, flags);
    return STATUS_OK;
}

status_t tcb_invoke(struct invocation *inv)
{
    struct tcb *t = object_at(cap_offset48(inv->cap));
    switch (inv->label) {
    case SEL4_TCB_READ_REGISTERS: return decode_read_registers(inv, t);
    case SEL4_TCB_WRITE_REGISTERS: return decode_write_registers(inv, t);
    case SEL4_TCB_COPY_REGISTERS: return decode_copy_registers(inv, t);
    case SEL4_TCB_CONFIGURE: return decode_configure(inv, t);
    case SEL4_TCB_SET_PRIORITY:
    case SEL4_TCB_SET_MC_PRIORITY: return decode_priority(inv, t);
    case SEL4_TCB_SET_SCHED_PARAMS: return decode_sched_params(inv, t);
    case SEL4_TCB_SET_TIMEOUT_ENDPOINT: return decode_set_timeout_endpoint(inv, t);
    case SEL4_TCB_SET_IPC_BUFFER: return decode_set_ipc_buffer(inv, t);
    case SEL4_TCB_SET_SPACE: return decode_set_space(inv, t);
    case SEL4_TCB_SUSPEND: thread_suspend(t); return STATUS_OK;
    case SEL4_TCB_RESUME: thread_resume(t); return STATUS_OK;
    case SEL4_TCB_BIND_NOTIFICATION: return decode_bind_notification(inv, t);
    case SEL4_TCB_UNBIND_NOTIFICATION:
        if (!t->bound_notification)
            return refuse_plain(SEL4_ILLEGAL_OPERATION);
        notification_unbind(t);
        return STATUS_OK;
    case SEL4_TCB_SET_TLS_BASE:
        if (inv->length < 1)
            return refuse_plain(SEL4_TRUNCATED_MESSAGE);
        write_register(t, 18, invocation_arg(inv, 0));
        arch_tls_base_changed(t);
        return STATUS_OK;
    case SEL4_TCB_SET_FLAGS: return decode_flags(inv, t);
    default: return refuse_plain(SEL4_ILLEGAL_OPERATION);
    }
}
