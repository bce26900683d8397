/* Untyped memory: Untyped_Retype makes objects from it (manual, "Retype"). */
#include "core.h"
#include "state.h"

#define FAN_OUT_LIMIT 256u
#define VCPU_FAN_OUT_LIMIT 16u /* there is much to set up in each */
#define RESET_CHUNK_BITS 16 /* cleared between two looks for a pending interrupt */

unsigned object_bits(word_t type, word_t user_bits)
{
    switch (type) {
    case SEL4_UNTYPED:
        return user_bits >= SEL4_MIN_UNTYPED_BITS && user_bits <= SEL4_MAX_UNTYPED_BITS ? (unsigned)user_bits : 0;
    case SEL4_TCB: return SEL4_TCB_BITS;
    case SEL4_ENDPOINT: return SEL4_ENDPOINT_BITS;
    case SEL4_NOTIFICATION: return SEL4_NOTIFICATION_BITS;
    case SEL4_REPLY: return SEL4_REPLY_BITS;
    case SEL4_CNODE: return user_bits >= 1 && user_bits <= CNODE_MAX_RADIX ? (unsigned)user_bits + SEL4_SLOT_BITS : 0;
    case SEL4_SCHED_CONTEXT:
        return user_bits >= SEL4_MIN_SCHED_CONTEXT_BITS && user_bits <= SEL4_MAX_UNTYPED_BITS ? (unsigned)user_bits : 0;
    default: return arch_object_bits(type, user_bits);
    }
}

static cap_t object_create(word_t type, paddr_t pa, unsigned bits, bool frames_only)
{
    word_t off = pa - kernel.window_paddr; /* meaningless for frame-only memory, where the two first cases are the only ones */
    switch (type) {
    case SEL4_UNTYPED: return cap_untyped(pa, bits, frames_only, 0);
    default: return arch_object_create(type, pa, frames_only);
    case SEL4_TCB: {
        struct tcb *t = object_at(off);
        t->state = THREAD_INACTIVE;
        t->all_link.next = kernel.all_threads;
        if (kernel.all_threads)
            kernel.all_threads->all_link.prev = t;
        kernel.all_threads = t;
        arch_tcb_init(t);
        return cap_tcb(off);
    }
    case SEL4_ENDPOINT: return cap_endpoint(off, SEL4_ALL_RIGHTS, 0);
    case SEL4_NOTIFICATION: return cap_notification(off, SEL4_ALL_RIGHTS, 0);
    case SEL4_CNODE: return cap_cnode(off, bits - SEL4_SLOT_BITS, 0, 0);
    case SEL4_SCHED_CONTEXT: return cap_sc(off, bits);
    case SEL4_REPLY: return cap_reply(off, SEL4_ALL_RIGHTS);
    }
}

/* No children are left: all of the memory is free again, and is cleared from its end down to its start, so that the free offset
 * says at each preemption what is left to clear. Frame-only memory isn't mapped here: its next owner clears it. */
static status_t reset(struct slot *slot)
{
    word_t free = untyped_free(slot->cap);
    if (untyped_frame_only(slot->cap))
        free = 0;
    word_t base = untyped_paddr(slot->cap) - kernel.window_paddr;
    while (free != 0) {
        word_t start = ALIGN_DOWN(free - 1, RESET_CHUNK_BITS);
        machine_memzero(object_at(base + start), free - start);
        free = start;
        slot->cap.w1 = free;
        kernel.work_units = WORK_UNITS_PER_CHECK;
        if (free != 0 && preemption_point())
            return STATUS_PREEMPTED;
    }
    slot->cap.w1 = 0;
    return STATUS_OK;
}

static void retype(struct slot *parent, word_t type, unsigned bits, word_t first, word_t count, struct slot *to)
{
    bool frames_only = untyped_frame_only(parent->cap);
    paddr_t pa = untyped_paddr(parent->cap) + first;
    parent->cap.w1 = first + (count << bits);
    for (word_t i = 0; i < count; i++)
        slot_insert_new(object_create(type, pa + (i << bits), bits, frames_only), parent, &to[i]);
}

static status_t decode_retype(struct invocation *inv)
{
    if (inv->length < 6 || !inv->extra[0])
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    word_t type = invocation_arg(inv, 0), user_bits = invocation_arg(inv, 1);
    word_t index = invocation_arg(inv, 2), depth = invocation_arg(inv, 3);
    word_t offset = invocation_arg(inv, 4), count = invocation_arg(inv, 5);
    cap_t untyped = inv->cap;

    if (type >= ATOLL_OBJECT_TYPES)
        return refuse_argument(0);
    if (user_bits >= 64)
        return refuse_range(0, SEL4_MAX_UNTYPED_BITS);
    unsigned bits = object_bits(type, user_bits);
    if (bits == 0 && type == SEL4_CNODE && user_bits == 0)
        return refuse_argument(1);
    if (bits == 0 && (type == SEL4_UNTYPED || type == SEL4_SCHED_CONTEXT || type == SEL4_CNODE))
        return type == SEL4_SCHED_CONTEXT ? refuse_argument(1) : refuse_range(SEL4_MIN_UNTYPED_BITS, SEL4_MAX_UNTYPED_BITS);
    if (bits == 0)
        return refuse_argument(0);
    bool frames_only = untyped_frame_only(untyped);
    if (frames_only && type != SEL4_UNTYPED && !arch_frame_type(type))
        return refuse_argument(1);

    cap_t root = inv->extra[0]->cap;
    if (depth != 0) {
        struct lookup l = cspace_lookup_target(root, index, depth);
        if (l.status != STATUS_OK)
            return l.status;
        root = l.slot->cap;
    }
    if (cap_tag(root) != CAP_CNODE) {
        kernel.current->lookup_failure[0] = SEL4_LOOKUP_MISSING;
        kernel.current->lookup_failure[1] = depth;
        return refuse_lookup(false);
    }
    word_t slots = BIT(cnode_radix(root));
    if (offset >= slots)
        return refuse_range(0, slots - 1);
    word_t most = type == ATOLL_VCPU ? VCPU_FAN_OUT_LIMIT : FAN_OUT_LIMIT;
    if (count < 1 || count > most)
        return refuse_range(1, most);
    if (count > slots - offset)
        return refuse_range(1, slots - offset);
    struct slot *to = cnode_slot(root, offset);
    for (word_t i = 0; i < count; i++)
        if (cap_tag(to[i].cap) != CAP_NULL)
            return refuse_plain(SEL4_DELETE_FIRST);

    bool fresh = !slot_has_children(inv->slot);
    unsigned size_bits = untyped_size_bits(untyped);
    word_t size = BIT(size_bits), free = fresh ? 0 : untyped_free(untyped);
    word_t first = ALIGN_UP(free, bits);
    if (bits > size_bits || first > size || count > (size - first) >> bits) {
        refuse(size - free, 0);
        return SEL4_NOT_ENOUGH_MEMORY;
    }
    if (fresh) {
        status_t s = reset(inv->slot);
        if (s != STATUS_OK)
            return s;
    }
    retype(inv->slot, type, bits, first, count, to);
    return STATUS_OK;
}

status_t untyped_invoke(struct invocation *inv)
{
    if (inv->label != SEL4_UNTYPED_RETYPE)
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    return decode_retype(inv);
}
