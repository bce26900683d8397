/* The invariants over the whole kernel: every slot that there is, every object, every page-table entry (design: "what must stay true",
 * 1 to 3), and threads and queues (tests/unit/kernel_invariants.c). */
#pragma clang section bss = "" data = ""
#include "kernel_world.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../unit/kernel_invariants.h"
#include "kernel/x86/boot_objects.h"
#include "kernel/x86/vcpu.h"

#define MAX_SLOTS 4096u
#define WINDOW_SLOTS (WINDOW_BYTES >> SEL4_SLOT_BITS)

static struct slot *slots[MAX_SLOTS]; /* those that hold something */
static unsigned slot_count;
static uint8_t seen[WINDOW_SLOTS];    /* 1: an empty slot, 2: a full one */
static uint8_t owned[WINDOW_SLOTS];   /* by slot: an untyped's descendant that lies in its memory */

static _Noreturn void broken(const char *what, const struct slot *s)
{
    fprintf(stderr, "invariant broken: %s", what);
    if (s)
        fprintf(stderr, " (slot at offset 0x%lx, capability %lx %lx)", (unsigned long)object_offset(s), (unsigned long)s->cap.w0,
                (unsigned long)s->cap.w1);
    fprintf(stderr, "\n");
    abort();
}

static bool in_window(const void *p) { return object_offset(p) < kernel.window_size; }

/* ---- every slot ---- */

static void scan(struct slot *first, word_t count);

/* A capability to a container: its slots, once. */
static void scan_object(const struct slot *s)
{
    switch (cap_tag(s->cap)) {
    case CAP_CNODE:
        if (object_at(cnode_offset(s->cap)) == (void *)slot_at(0))
            scan(slot_at(0), world_init_slots); /* the rest is empty, and nobody can reach it */
        else
            scan(object_at(cnode_offset(s->cap)), BIT(cnode_radix(s->cap)));
        break;
    case CAP_TCB: scan(&((struct tcb *)object_at(cap_offset48(s->cap)))->cspace, TCB_SLOTS); break;
    case CAP_ZOMBIE: /* a half-deleted container, and others that were inside it: they form a ring (kernel/delete.c) */
        scan(object_at(zombie_first(s->cap) << SEL4_SLOT_BITS), zombie_count(s->cap));
        scan(object_at(zombie_next(s->cap) << SEL4_SLOT_BITS), 1);
        break;
    case CAP_VCPU: scan(&((struct vcpu *)object_at(cap_offset48(s->cap)))->timer_slot, 1); break;
    default: break;
    }
}

static void scan(struct slot *first, word_t count)
{
    for (word_t i = 0; i < count; i++) {
        struct slot *s = &first[i];
        bool empty = cap_tag(s->cap) == CAP_NULL;
        if (in_window(s)) {
            uint8_t *mark = &seen[object_offset(s) >> SEL4_SLOT_BITS];
            if (*mark)
                continue;
            *mark = empty ? 1 : 2;
        }
        if (empty) {
            if (s->prev || s->next)
                broken("an empty slot is linked", s);
            continue;
        }
        if (slot_count == MAX_SLOTS)
            broken("more capabilities than there can be", NULL);
        slots[slot_count++] = s;
        scan_object(s);
    }
}

static void gather(void)
{
    slot_count = 0;
    memset(seen, 0, sizeof(seen));
    scan(slot_at(0), world_init_slots);
    scan(kernel.irq_slots, NUM_IRQS);
    for (struct tcb *t = kernel.all_threads; t; t = t->all_link.next)
        scan(&t->cspace, TCB_SLOTS);
}

static bool is_slot(const struct slot *s)
{
    if (!in_window(s))
        return s >= kernel.irq_slots && s < kernel.irq_slots + NUM_IRQS;
    return !((uintptr_t)s & MASK(SEL4_SLOT_BITS)) && seen[object_offset(s) >> SEL4_SLOT_BITS] == 2;
}

/* The list leads through living slots only, both ways the same. */
static void check_links(void)
{
    for (unsigned i = 0; i < slot_count; i++) {
        struct slot *s = slots[i], *next = slot_next(s), *prev = slot_prev(s);
        if (next && (!is_slot(next) || slot_prev(next) != s))
            broken("what follows in the derivation list is no slot, or does not point back", s);
        if (prev && (!is_slot(prev) || slot_next(prev) != s))
            broken("what precedes in the derivation list is no slot, or does not point here", s);
    }
}

/* ---- every object ---- */

struct object {
    word_t start, end;
    enum cap_tag tag;
    const struct slot *slot;
};

static struct object objects[MAX_SLOTS], untypeds[MAX_SLOTS];
static unsigned object_count, untyped_count;

static word_t object_size_bits(cap_t c)
{
    switch (cap_tag(c)) {
    case CAP_ENDPOINT: return SEL4_ENDPOINT_BITS;
    case CAP_NOTIFICATION: return SEL4_NOTIFICATION_BITS;
    case CAP_REPLY: return SEL4_REPLY_BITS;
    case CAP_TCB: return SEL4_TCB_BITS;
    case CAP_SC: return sc_cap_size_bits(c);
    case CAP_CNODE: return cnode_radix(c) + SEL4_SLOT_BITS;
    default: return arch_owns(cap_tag(c)) && arch_cap_is_physical(c) ? arch_cap_size_bits(c) : 0;
    }
}

static word_t object_start(cap_t c)
{
    if (cap_tag(c) == CAP_CNODE)
        return kernel.window_paddr + cnode_offset(c);
    return arch_owns(cap_tag(c)) ? arch_cap_paddr(c) : kernel.window_paddr + cap_offset48(c);
}

static int by_place(const void *a, const void *b)
{
    const struct object *x = a, *y = b;
    return x->start != y->start ? (x->start < y->start ? -1 : 1) : x->end != y->end ? (x->end < y->end ? -1 : 1) : 0;
}

static void list_objects(void)
{
    object_count = untyped_count = 0;
    for (unsigned i = 0; i < slot_count; i++) {
        cap_t c = slots[i]->cap;
        if (cap_tag(c) == CAP_UNTYPED) {
            word_t start = untyped_paddr(c);
            untypeds[untyped_count++] = (struct object){start, start + BIT(untyped_size_bits(c)), CAP_UNTYPED, slots[i]};
        } else if (cap_tag(c) == CAP_ZOMBIE) {
            word_t start = kernel.window_paddr + (zombie_first(c) << SEL4_SLOT_BITS);
            if (zombie_count(c) != 0) /* the slots that are left */
                objects[object_count++] = (struct object){start, start + (zombie_count(c) << SEL4_SLOT_BITS), CAP_ZOMBIE, slots[i]};
        } else if (object_size_bits(c) != 0) {
            word_t start = object_start(c);
            objects[object_count++] = (struct object){start, start + BIT(object_size_bits(c)), cap_tag(c), slots[i]};
        }
    }
    qsort(objects, object_count, sizeof(objects[0]), by_place);
}

static bool frames_only(cap_t c)
{
    return cap_tag(c) == CAP_UNTYPED ? untyped_frame_only(c) : cap_tag(c) == CAP_FRAME && frame_only(c);
}

/* Objects are aligned, inside the window unless frames, and disjoint; frame-only memory is the window's complement. */
static void check_objects(void)
{
    for (unsigned i = 0; i < object_count; i++) {
        const struct object *o = &objects[i], *next = o + 1;
        bool inside = o->start >= kernel.window_paddr && o->end <= kernel.window_paddr + kernel.window_size;
        if (inside == frames_only(o->slot->cap))
            broken("a kernel object outside private memory, or frame-only memory inside", o->slot);
        if (o->tag != CAP_ZOMBIE && o->start & (o->end - o->start - 1))
            broken("an object that is not aligned", o->slot);
        if (i + 1 < object_count && next->start < o->end &&
            (next->start != o->start || next->end != o->end || next->tag != o->tag || o->tag == CAP_ZOMBIE))
            broken("two objects overlap", o->slot);
    }
}

/* What lies in an untyped's memory is below its free offset, and a descendant: revoking the untyped would end it. */
static void check_untypeds(void)
{
    memset(owned, 0, sizeof(owned));
    for (unsigned i = 0; i < untyped_count; i++) {
        const struct object *u = &untypeds[i];
        word_t used = u->start + untyped_free(u->slot->cap);
        for (struct slot *s = slot_next(u->slot); s && slot_is_parent(u->slot, s); s = slot_next(s)) {
            if (in_window(s))
                owned[object_offset(s) >> SEL4_SLOT_BITS] = 1;
            bool sub = cap_tag(s->cap) == CAP_UNTYPED;
            word_t start = sub ? untyped_paddr(s->cap) : 0, end = sub ? start + BIT(untyped_size_bits(s->cap)) : 0;
            if (!sub && object_size_bits(s->cap)) {
                start = object_start(s->cap);
                end = start + BIT(object_size_bits(s->cap));
            }
            if (end && (start < u->start || end > used))
                broken("an untyped's descendant lies beyond the part that is used", s);
            if (sub && frames_only(s->cap) != frames_only(u->slot->cap))
                broken("frame-only memory became private, or private frame-only", s);
        }
    }
    for (unsigned i = 0; i < object_count; i++)
        for (unsigned j = 0; j < untyped_count; j++)
            if (objects[i].start >= untypeds[j].start && objects[i].end <= untypeds[j].end && in_window(objects[i].slot) &&
                !owned[object_offset(objects[i].slot) >> SEL4_SLOT_BITS])
                broken("an object in an untyped's memory that is nobody's descendant", objects[i].slot);
}

/* ---- what points to an object ---- */

static bool lives(const void *object, enum cap_tag tag)
{
    struct object key = {.start = object_paddr(object)};
    unsigned low = 0, high = object_count;
    while (low < high) {
        unsigned mid = (low + high) / 2;
        if (objects[mid].start < key.start)
            low = mid + 1;
        else
            high = mid;
    }
    return low < object_count && objects[low].start == key.start && objects[low].tag == tag;
}

/* Being deleted: its slots are a zombie's, but no thread may be left in a queue. */
static void check_thread(const struct tcb *t)
{
    if (!lives(t, CAP_TCB))
        broken("a thread without a capability is among all threads", NULL);
    if (t->sc && !lives(t->sc, CAP_SC))
        broken("a thread's scheduling context is gone", NULL);
    if (t->bound_notification && !lives(t->bound_notification, CAP_NOTIFICATION))
        broken("a thread's notification is gone", NULL);
    if (t->reply && !lives(t->reply, CAP_REPLY))
        broken("a thread's reply object is gone", NULL);
    if (t->yield_to && !lives(t->yield_to, CAP_SC))
        broken("a thread yielded to a scheduling context that is gone", NULL);
    if (t->vcpu && (!lives(t->vcpu, CAP_VCPU) || t->vcpu->tcb != t))
        broken("a thread's vCPU is gone, or another's", NULL);
    bool on_endpoint = t->state == THREAD_BLOCKED_ON_SEND || t->state == THREAD_BLOCKED_ON_RECEIVE;
    if (on_endpoint && !lives(t->blocked_on, CAP_ENDPOINT))
        broken("a thread waits at an endpoint that is gone", NULL);
    if (t->state == THREAD_BLOCKED_ON_NOTIFICATION && !lives(t->blocked_on, CAP_NOTIFICATION))
        broken("a thread waits at a notification that is gone", NULL);
    const word_t *buffer = tcb_ipc_buffer(t, false);
    if (buffer && (frame_only(t->ipc_buffer.cap) || object_paddr(buffer) - frame_paddr(t->ipc_buffer.cap) >
                                                        BIT(frame_size_bits(t->ipc_buffer.cap)) - BIT(SEL4_IPC_BUFFER_BITS)))
        broken("an IPC buffer outside its frame", &t->ipc_buffer);
}

/* A queue of threads that wait for `object`, by falling priority. */
static void check_queue(const void *object, const struct tcb *head, const struct tcb *tail, enum thread_state state)
{
    const struct tcb *prev = NULL;
    for (const struct tcb *t = head; t; prev = t, t = t->ipc_link.next)
        if (t->state != state || t->blocked_on != object || t->ipc_link.prev != prev || (prev && prev->priority < t->priority))
            broken("a queue holds a thread that does not wait there, or is out of order", NULL);
    if (head && prev != tail)
        broken("a queue's end is not its tail", NULL);
}

static void check_object(const struct slot *s)
{
    void *object = object_at(cap_offset48(s->cap));
    switch (cap_tag(s->cap)) {
    case CAP_ENDPOINT: {
        const struct endpoint *e = object;
        enum endpoint_state state = (enum endpoint_state)(e->head_and_state & 3);
        if ((state == ENDPOINT_IDLE) != ((e->head_and_state & ~3ull) == 0))
            broken("an endpoint's state does not fit its queue", s);
        check_queue(e, (const struct tcb *)(e->head_and_state & ~3ull), e->tail,
                    state == ENDPOINT_SENDING ? THREAD_BLOCKED_ON_SEND : THREAD_BLOCKED_ON_RECEIVE);
        break;
    }
    case CAP_NOTIFICATION: {
        const struct notification *n = object;
        if ((n->state == NOTIFICATION_WAITING) != (n->head != NULL))
            broken("a notification's state does not fit its queue", s);
        if ((n->sc && n->sc->notification != n) || (n->bound_tcb && n->bound_tcb->bound_notification != n))
            broken("a notification's thread or scheduling context does not know it", s);
        check_queue(n, n->head, n->tail, THREAD_BLOCKED_ON_NOTIFICATION);
        break;
    }
    case CAP_REPLY: {
        const struct reply *r = object;
        if (r->tcb && (r->tcb->reply != r || (r->tcb->state != THREAD_BLOCKED_ON_REPLY && r->tcb->state != THREAD_BLOCKED_ON_RECEIVE)))
            broken("a reply object's thread does not wait with it", s);
        if (!r->tcb && (r->prev || r->next))
            broken("a reply object of nobody is in a call stack", s);
        break;
    }
    case CAP_SC: {
        const struct sched_context *sc = object;
        if ((sc->tcb && sc->tcb->sc != sc) || (sc->notification && sc->notification->sc != sc) ||
            (sc->yield_from && sc->yield_from->yield_to != sc) || (sc->reply && sc->reply->next != ((word_t)sc | 1)))
            broken("a scheduling context's thread, notification, caller or yielder does not know it", s);
        break;
    }
    case CAP_VCPU: {
        const struct vcpu *v = object;
        if (v->tcb && v->tcb->vcpu != v)
            broken("a vCPU's thread does not know it", s);
        break;
    }
    default: break;
    }
}

/* ---- page tables ---- */

static bool table_cap_exists(enum root_kind kind, enum level level, word_t asid, word_t va, word_t offset)
{
    static const enum cap_tag tags[2][3] = {{CAP_PT, CAP_PD, CAP_PDPT}, {CAP_NPT, CAP_NPD, CAP_NPDPT}};
    for (unsigned i = 0; i < slot_count; i++) {
        cap_t c = slots[i]->cap;
        if (cap_tag(c) == tags[kind == ROOT_NESTED][level] && table_offset(c) == offset && table_mapped(c) && table_asid(c) == asid &&
            table_vaddr(c) == va)
            return true;
    }
    return false;
}

static bool frame_cap_exists(enum root_kind kind, enum level level, word_t asid, word_t va, word_t pte)
{
    for (unsigned i = 0; i < slot_count; i++) {
        cap_t c = slots[i]->cap;
        if (cap_tag(c) == CAP_FRAME && frame_mapped(c) == (kind == ROOT_NESTED ? FRAME_IN_NESTED : FRAME_IN_PML4) &&
            (enum level)frame_size(c) == level && frame_asid(c) == asid && frame_vaddr(c) == va && frame_paddr(c) == leaf_paddr(pte, level))
            return frame_rights(c) != FRAME_KERNEL_ONLY && (!(pte & PTE_WRITE) || frame_rights(c) == FRAME_READ_WRITE);
    }
    return false;
}

static void check_table(enum root_kind kind, word_t asid, word_t offset, enum level level, word_t va)
{
    const word_t *table = object_at(offset);
    for (word_t i = 0; i < TABLE_ENTRIES; i++) {
        word_t pte = table[i], at = va + (i << level_bits(level));
        if (!(pte & PTE_PRESENT) || (level == LEVEL_PML4 && i >= TABLE_ENTRIES / 2))
            continue; /* the kernel's half */
        if (!(pte & PTE_USER))
            broken("an entry for the kernel in the user's half", NULL);
        if (pte_is_leaf(pte, level)) {
            if (!frame_cap_exists(kind, level, asid, at, pte))
                broken("a mapped page without a capability that allows it", NULL);
        } else {
            word_t below = (pte & PTE_ADDRESS) - kernel.window_paddr;
            if (below >= kernel.window_size || !table_cap_exists(kind, level - 1, asid, at, below))
                broken("a mapped table without its capability", NULL);
            check_table(kind, asid, below, level - 1, at);
        }
    }
}

static void check_spaces(void)
{
    for (word_t p = 0; p < ASID_POOLS; p++)
        for (word_t i = 0; kernel.asid_pools[p] && i < ASIDS_PER_POOL; i++) {
            if (!kernel.asid_pools[p]->roots[i])
                continue;
            struct root r = root_of_asid(p * ASIDS_PER_POOL + i);
            if (r.kind == ROOT_IO)
                continue;
            if (!lives(object_at(r.offset), r.kind == ROOT_NESTED ? CAP_NPML4 : CAP_PML4))
                broken("an ASID names a root that is gone", NULL);
            check_table(r.kind, r.asid, r.offset, LEVEL_PML4, 0);
        }
    const struct tcb *t = kernel.current;
    if (t != idle_thread() && !t->vcpu && vspace.root != vspace_find(t))
        broken("the loaded address space is not the running thread's", NULL);
    for (unsigned i = 0; i < VSPACE_KNOWN; i++)
        if (vspace.known[i].cap != VSPACE_UNKNOWN && !lives(object_at(vspace.known[i].root - kernel.window_paddr), CAP_PML4))
            broken("a remembered address space is gone", NULL);
}

void world_check(void)
{
    gather();
    check_links();
    list_objects();
    check_objects();
    check_untypeds();
    for (const struct tcb *t = kernel.all_threads; t; t = t->all_link.next)
        check_thread(t);
    for (unsigned i = 0; i < slot_count; i++)
        check_object(slots[i]);
    check_spaces();
    invariants_check_threads();
}
