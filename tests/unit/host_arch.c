/* See host_arch.h. Frames and one-level "page tables" are the only machine objects here. */
#include <stdlib.h>
#include <string.h>
#include "host_arch.h"
#include "kernel_invariants.h"

struct host host;
struct tcb *root;
static char *window;

/* arch.h */
unsigned arch_object_bits(word_t type, word_t user_bits)
{
    (void)user_bits;
    switch (type) {
    case SEL4_X86_4K_PAGE: return SEL4_PAGE_BITS;
    case SEL4_X86_LARGE_PAGE: return SEL4_LARGE_PAGE_BITS;
    case SEL4_X86_HUGE_PAGE: return SEL4_HUGE_PAGE_BITS;
    case SEL4_X86_PML4: return SEL4_TABLE_BITS;
    default: return 0;
    }
}
bool arch_frame_type(word_t type)
{
    return type == SEL4_X86_4K_PAGE || type == SEL4_X86_LARGE_PAGE || type == SEL4_X86_HUGE_PAGE;
}
cap_t arch_object_create(word_t type, paddr_t pa, bool only)
{
    if (type == SEL4_X86_PML4)
        return cap_table(CAP_PML4, pa - kernel.window_paddr);
    return cap_frame(pa, type == SEL4_X86_4K_PAGE ? FRAME_4K : type == SEL4_X86_LARGE_PAGE ? FRAME_2M : FRAME_1G,
                     FRAME_READ_WRITE, only);
}
status_t arch_invoke(struct invocation *inv) { (void)inv; return refuse_plain(SEL4_ILLEGAL_OPERATION); }
bool arch_owns(enum cap_tag t) { return t == CAP_FRAME || t == CAP_PML4; }
status_t arch_cap_derive(struct slot *from, cap_t cap, cap_t *derived)
{
    (void)from;
    *derived = cap;
    return STATUS_OK;
}
cap_t arch_cap_update_data(cap_t cap, word_t data) { (void)data; return cap; }
cap_t arch_cap_mask_rights(cap_t cap, word_t rights) { (void)rights; return cap; }
bool arch_cap_same_object(cap_t a, cap_t b) { return cap_tag(a) == cap_tag(b) && arch_cap_paddr(a) == arch_cap_paddr(b); }
bool arch_cap_same_region(cap_t a, cap_t b) { return arch_cap_same_object(a, b); }
bool arch_cap_is_physical(cap_t cap) { (void)cap; return true; }
word_t arch_cap_paddr(cap_t c) { return cap_tag(c) == CAP_FRAME ? frame_paddr(c) : table_offset(c) + kernel.window_paddr; }
unsigned arch_cap_size_bits(cap_t c) { return cap_tag(c) == CAP_FRAME ? frame_size_bits(c) : SEL4_TABLE_BITS; }
bool arch_cap_in_use(cap_t cap) { (void)cap; return host.in_use; }
bool arch_cap_wind_down(cap_t cap) { (void)cap; return true; }
void arch_cap_finalise(cap_t cap, bool final) { (void)cap; (void)final; }

void arch_tcb_init(struct tcb *t) { t->context.rflags = 0x202; }
status_t arch_check_vspace(cap_t c) { return cap_tag(c) == CAP_PML4 ? STATUS_OK : SEL4_INVALID_CAPABILITY; }
status_t arch_check_ipc_buffer(word_t vaddr, cap_t c)
{
    if (cap_tag(c) != CAP_FRAME || frame_only(c))
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    return vaddr & MASK(SEL4_IPC_BUFFER_BITS) ? refuse_plain(SEL4_ALIGNMENT_ERROR) : STATUS_OK;
}
void arch_switch_to(struct tcb *t) { assert_int_equal(t->state, THREAD_RUNNING); }
void arch_switch_to_idle(void) {}
word_t arch_sanitise_register(unsigned index, word_t value) { (void)index; return value; }
word_t *arch_context_word(struct context *c, unsigned i)
{
    word_t *words[] = {&c->rip, &c->rsp, &c->rflags, &c->rax, &c->rbx, &c->rcx, &c->rdx, &c->rsi, &c->rdi, &c->rbp, &c->r8,
                       &c->r9, &c->r10, &c->r11, &c->r12, &c->r13, &c->r14, &c->r15, &c->fs_base, &c->gs_base};
    return words[i];
}
void arch_tls_base_changed(struct tcb *t) { (void)t; }
void arch_fpu_flags_changed(struct tcb *t) { (void)t; }
void arch_vcpu_unbind(struct tcb *t) { t->vcpu = NULL; }
word_t arch_vcpu_fault_message(struct tcb *sender, struct tcb *receiver)
{
    message_set_word(receiver, 0, sender->fault.w[0]);
    return 1;
}
void arch_vcpu_fault_reply(struct tcb *replier, struct tcb *t)
{
    t->fault.w[1] = message_label(replier->context.rsi);
    t->fault.w[2] = message_length(replier->context.rsi);
}
void arch_vcpu_tell(struct tcb *sender, struct tcb *receiver)
{
    receiver->context.rsi = message_info(ATOLL_FAULT_VCPU, 0, 0, arch_vcpu_fault_message(sender, receiver));
    arch_switch_to(receiver);
}
void arch_vcpu_resume(struct tcb *replier, struct tcb *t)
{
    arch_vcpu_fault_reply(replier, t);
    arch_switch_to(t);
}
bool machine_interrupt_pending(void)
{
    host.looks++;
    return host.interrupt_pending || (host.interrupt_every && host.looks % host.interrupt_every == 0);
}
ticks_t machine_time(void) { return host.time; }
void machine_set_deadline(ticks_t t) { host.deadline = t; }
void machine_memzero(void *p, word_t n) { memset(p, 0, n); }
void arch_irq_mask(word_t irq, bool masked) { host.masked_irq = masked ? irq : 0; }
void arch_cap_arrived(cap_t cap) { (void)cap; }
status_t arch_irq_message(struct invocation *inv, word_t irq)
{
    (void)inv, (void)irq;
    return refuse_plain(SEL4_ILLEGAL_OPERATION);
}
void arch_irq_handler_deleted(word_t irq) { kernel.irq_state[irq] = IRQ_INACTIVE; }
status_t arch_irq_control_invoke(struct invocation *inv)
{
    if (inv->label != SEL4_IRQ_CONTROL_GET)
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    word_t irq = invocation_arg(inv, 0);
    if (kernel.irq_state[irq] != IRQ_INACTIVE)
        return refuse_plain(SEL4_REVOKE_FIRST);
    struct lookup l = cspace_lookup_target(inv->extra[0]->cap, invocation_arg(inv, 1), invocation_arg(inv, 2));
    if (l.status != STATUS_OK)
        return l.status;
    kernel.irq_state[irq] = IRQ_SIGNAL;
    slot_insert(cap_irq_handler(irq), inv->slot, l.slot);
    return STATUS_OK;
}
void machine_put_char(char c)
{
    if (host.log_length < sizeof host.log - 1)
        host.log[host.log_length++] = c;
}
void arch_snapshot(const struct tcb *caller) { (void)caller; }
void machine_last_words(void) {}
void machine_halt(void) { fail_msg("the kernel panicked: %s", host.log); abort(); }

/* A small kernel */
struct slot *slot_of(word_t cptr) { return (struct slot *)object_at(0) + cptr; }
struct tcb *tcb_of(word_t cptr) { return object_at(cap_offset48(slot_of(cptr)->cap)); }
struct sched_context *sc_of(word_t cptr) { return object_at(cap_offset48(slot_of(cptr)->cap)); }
struct notification *notification_of(word_t cptr) { return object_at(cap_offset48(slot_of(cptr)->cap)); }

void invariants_check(void)
{
    for (word_t i = 0; i < BIT(ROOT_RADIX); i++)
        if (!slot_is_empty(slot_of(i)))
            invariants_check_list(slot_of(i));
    invariants_check_threads();
}

void host_start(void)
{
    if (!window)
        window = aligned_alloc(WINDOW_BYTES, WINDOW_BYTES);
    memset(window, 0, WINDOW_BYTES);
    memset(&kernel, 0, sizeof kernel);
    memset(&host, 0, sizeof host);
    memset(idle_thread(), 0, sizeof *idle_thread());
    host.time = 1000000;
    kernel.window = window;
    kernel.window_size = WINDOW_BYTES;
    kernel.window_paddr = WINDOW_PADDR;
    kernel.ticks_per_us = 1000;
    kernel.min_budget = SEL4_MIN_BUDGET_US * kernel.ticks_per_us;
    scheduler_init();
    /* 0 CNode, 64K TCB, 68K SC, 72K buffer, 76K PML4; 2M untyped */
    struct { word_t slot; cap_t cap; } caps[] = {
        {TCB, cap_tcb(0x10000)}, {CNODE, cap_cnode(0, ROOT_RADIX, 64 - ROOT_RADIX, 0)}, {VSPACE, cap_table(CAP_PML4, 0x13000)},
        {IRQ_CONTROL, cap_make(CAP_IRQ_CONTROL, 0, 0)}, {SCHED_CONTROL, cap_make(CAP_SCHED_CONTROL, 0, 0)},
        {DOMAIN, cap_make(CAP_DOMAIN, 0, 0)}, {SC, cap_sc(0x11000, 8)},
        {BUFFER, cap_frame(WINDOW_PADDR + 0x12000, FRAME_4K, FRAME_READ_WRITE, false)},
        {UNTYPED, cap_untyped(WINDOW_PADDR + (2 << 20), 21, false, BIT(21))}, {FRAMES, cap_untyped(FRAMES_PADDR, 21, true, 0)}};
    for (size_t i = 0; i < ARRAY_SIZE(caps); i++)
        slot_insert_original(caps[i].cap, slot_of(caps[i].slot));
    root = tcb_of(TCB);
    kernel.all_threads = root;
    arch_tcb_init(root);
    slot_insert(slot_of(CNODE)->cap, slot_of(CNODE), &root->cspace);
    cspace_changed(root);
    slot_insert(slot_of(VSPACE)->cap, slot_of(VSPACE), &root->vspace);
    slot_insert(slot_of(BUFFER)->cap, slot_of(BUFFER), &root->ipc_buffer);
    root->ipc_buffer_words = object_at(0x12000);
    root->priority = root->mcp = 255;
    root->context.rip = 0x400000;
    sched_context_configure(sc_of(SC), 5000000, 5000000, 2, 0, false);
    sc_of(SC)->tcb = root;
    root->sc = sc_of(SC);
    tcb_make_runnable_first(root);
    assert_ptr_equal(kernel.current, root);
    invariants_check();
}

void host_syscall(int64_t number)
{
    kernel.current->context.rdx = (word_t)number;
    kernel.current->context.rip += 2;
    kernel.current->context.cause = (word_t)-1;
    handle_syscall(number);
    invariants_check();
}

void host_set_mr(struct tcb *t, unsigned i, word_t value) { assert_true(message_set_word(t, i, value)); }
word_t host_mr(unsigned i) { return message_word(root, i); }

/* Everything that a refused call may not change, except the caller's registers, lookup failure and IPC buffer. */
struct snapshot {
    struct kernel kernel;
    char *window;
};
static struct snapshot snapshot_take(void)
{
    struct snapshot s = {kernel, malloc(WINDOW_BYTES)};
    memcpy(s.window, window, WINDOW_BYTES);
    return s;
}
static void snapshot_compare(struct snapshot *s, struct tcb *caller)
{
    word_t at = object_offset(caller);
    struct tcb *old = (struct tcb *)(s->window + at);
    old->context = caller->context;
    memcpy(old->lookup_failure, caller->lookup_failure, sizeof old->lookup_failure);
    if (caller->ipc_buffer_words)
        memcpy(s->window + ((char *)caller->ipc_buffer_words - window), caller->ipc_buffer_words, 1024);
    if (memcmp(s->window, window, WINDOW_BYTES) != 0) {
        size_t i = 0;
        while (s->window[i] == window[i])
            i++;
        fail_msg("a refused call changed the window at offset 0x%zx", i);
    }
    s->kernel.refusal = kernel.refusal;
    s->kernel.work_units = kernel.work_units;
    s->kernel.now = kernel.now;
    s->kernel.consumed = kernel.consumed;
    assert_memory_equal(&s->kernel, &kernel, sizeof kernel);
    free(s->window);
}

word_t host_call(word_t cptr, word_t label, unsigned length, const word_t *words, unsigned extras, const word_t *caps)
{
    struct tcb *t = kernel.current;
    for (unsigned i = 0; i < length; i++)
        host_set_mr(t, i, words[i]);
    unsigned n = 0;
    for (unsigned i = 0; i < extras; i++)
        if (caps[i] || extras > 1)
            t->ipc_buffer_words[SEL4_IPC_CAPS_WORD + n++] = caps[i];
    t->context.rdi = cptr;
    t->context.rsi = message_info(label, 0, n, length);
    struct snapshot before = snapshot_take();
    word_t again = t->context.rip;
    host_syscall(SEL4_SYS_CALL);
    bool preempted = kernel.current == t && t->context.rip == again;
    bool refused = kernel.current == t && t->context.rip != again && message_label(t->context.rsi) != SEL4_NO_ERROR;
    if (refused)
        snapshot_compare(&before, t);
    else
        free(before.window);
    return preempted ? HOST_PREEMPTED : message_label(t->context.rsi);
}

word_t host_retype(word_t type, word_t bits, word_t slot, word_t count)
{
    return CALL(UNTYPED, SEL4_UNTYPED_RETYPE, CAPS(CNODE), type, bits, 0, 0, slot, count);
}

struct tcb *host_thread(word_t slot, word_t priority, bool passive)
{
    assert_int_equal(host_retype(SEL4_TCB, 0, slot, 1), SEL4_NO_ERROR);
    assert_int_equal(CALL(slot, SEL4_TCB_SET_SPACE, CAPS(0, CNODE, VSPACE), 0, 0), SEL4_NO_ERROR);
    assert_int_equal(CALL(slot, SEL4_TCB_SET_MC_PRIORITY, CAPS(TCB), 255), SEL4_NO_ERROR);
    assert_int_equal(CALL(slot, SEL4_TCB_SET_PRIORITY, CAPS(TCB), priority), SEL4_NO_ERROR);
    assert_int_equal(host_retype(SEL4_X86_4K_PAGE, 0, slot + 2, 1), SEL4_NO_ERROR);
    assert_int_equal(CALL(slot, SEL4_TCB_SET_IPC_BUFFER, CAPS(slot + 2), 0x10000), SEL4_NO_ERROR);
    if (!passive) {
        assert_int_equal(host_retype(SEL4_SCHED_CONTEXT, 8, slot + 1, 1), SEL4_NO_ERROR);
        assert_int_equal(CALL(SCHED_CONTROL, SEL4_SCHED_CONTROL_CONFIGURE_FLAGS, CAPS(slot + 1), 5000, 5000, 0, 0, 0), SEL4_NO_ERROR);
        assert_int_equal(CALL(slot + 1, SEL4_SCHED_CONTEXT_BIND, CAPS(slot)), SEL4_NO_ERROR);
    }
    struct tcb *t = tcb_of(slot);
    t->context.rip = 0x500000;
    return t;
}

void host_advance(ticks_t ticks)
{
    host.time += ticks;
    if (host.time >= host.deadline) {
        kernel.current->context.cause = 0xf0;
        handle_timer();
        invariants_check();
    }
}
