/* The spec's rules (<atoll/spec.h>), one function per kind of item. */
#include "spec_check.h"
#include "lib.h"
#include <sel4/abi.h>

#define USER_TOP 0x800000000000ull /* canonical lower half */
#define MAX_BUDGET_US 3600000000ull /* one hour: no product with a TSC rate can overflow */
#define IOAPIC_PINS 240             /* the redirection table's limit (I/O APIC version register, bits 23..16) */

struct check {
    const struct spec_view *v;
    const char *rule; /* what was broken, once something was */
};

static int refuse(struct check *c, const char *rule)
{
    c->rule = rule;
    return -1;
}

static int terminated(const char *s, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!s[i])
            return 1;
    return 0;
}

/* Bits of a kernel object's size; 0: not a type that a spec may name. */
static unsigned kernel_bits(uint32_t type, uint32_t size_bits)
{
    switch (type) {
    case SEL4_TCB: return SEL4_TCB_BITS;
    case SEL4_ENDPOINT: return SEL4_ENDPOINT_BITS;
    case SEL4_NOTIFICATION: return SEL4_NOTIFICATION_BITS;
    case SEL4_REPLY: return SEL4_REPLY_BITS;
    case SEL4_CNODE: return size_bits >= 1 && size_bits <= 20 ? size_bits + SEL4_SLOT_BITS : 0;
    case SEL4_SCHED_CONTEXT: return size_bits >= SEL4_MIN_SCHED_CONTEXT_BITS && size_bits <= 12 ? size_bits : 0;
    case SEL4_X86_4K_PAGE: return SEL4_PAGE_BITS;
    case SEL4_X86_PML4: case SEL4_X86_PDPT: case SEL4_X86_PAGE_DIRECTORY: case SEL4_X86_PAGE_TABLE:
    case ATOLL_NESTED_PML4: case ATOLL_NESTED_PDPT: case ATOLL_NESTED_PD: case ATOLL_NESTED_PT: return SEL4_TABLE_BITS;
    case ATOLL_VCPU: return ATOLL_VCPU_BITS;
    case ATOLL_IO_SPACE: return ATOLL_IO_SPACE_BITS;
    default: return 0;
    }
}

unsigned spec_object_bits(const struct spec_object *o)
{
    return o->kind == SPEC_OBJECT_UNTYPED ? o->size_bits : kernel_bits(o->type, o->size_bits);
}

static int check_object(struct check *c, uint32_t i)
{
    const struct spec_object *o = &c->v->objects[i];

    if (!terminated(o->name, sizeof o->name) || !terminated(o->resource, sizeof o->resource))
        return refuse(c, "a name has no end");
    switch (o->kind) {
    case SPEC_OBJECT_KERNEL:
        return kernel_bits(o->type, o->size_bits) ? 0 : refuse(c, "this type or size cannot be made");
    case SPEC_OBJECT_UNTYPED:
        return o->size_bits >= SEL4_MIN_UNTYPED_BITS && o->size_bits <= SEL4_HUGE_PAGE_BITS
                   ? 0 : refuse(c, "an untyped's size is out of range");
    case SPEC_OBJECT_NAMED:
        return o->resource[0] ? 0 : refuse(c, "the resource has no name");
    case SPEC_OBJECT_SHARED:
        return o->resource[0] && o->page < 1u << 20 ? 0 : refuse(c, "the resource has no name, or the page is out of range");
    case SPEC_OBJECT_IOPORTS:
        return (o->page & 0xffff) <= o->page >> 16 ? 0 : refuse(c, "the first port is above the last");
    case SPEC_OBJECT_IRQ: {
        unsigned n = 0;
        for (uint32_t q = 0; q < c->v->header->irq_count; q++)
            n += c->v->irqs[q].object == i;
        return n == 1 ? 0 : refuse(c, "an interrupt object needs exactly one interrupt item");
    }
    default:
        return refuse(c, "the kind is unknown");
    }
}

/* Is `index` an object that init makes, of this type? */
static int is_kernel(const struct spec_view *v, uint32_t index, uint32_t type)
{
    return index < v->header->object_count && v->objects[index].kind == SPEC_OBJECT_KERNEL && v->objects[index].type == type;
}

static int is_kernel_or_none(const struct spec_view *v, uint32_t index, uint32_t type)
{
    return index == SPEC_NONE || is_kernel(v, index, type);
}

static int check_cap(struct check *c, uint32_t i)
{
    const struct spec_view *v = c->v;
    const struct spec_cap *a = &v->caps[i];

    if (!is_kernel(v, a->cnode, SEL4_CNODE))
        return refuse(c, "it goes to something that is no CNode");
    if (a->object >= v->header->object_count)
        return refuse(c, "the object does not exist");
    uint64_t slots = 1ull << v->objects[a->cnode].size_bits;
    if (a->span == 0 || a->slot == 0 || a->slot >= slots || slots - a->slot < a->span)
        return refuse(c, "its slots are outside the CNode");
    if (a->span > 1 && v->objects[a->object].kind != SPEC_OBJECT_NAMED)
        return refuse(c, "only named memory fills several slots");
    if (a->rights & ~(uint32_t)SEL4_ALL_RIGHTS)
        return refuse(c, "the rights are unknown");
    for (uint32_t j = 0; j < i; j++) {
        const struct spec_cap *b = &v->caps[j];
        if (a->cnode == b->cnode && a->slot < (uint64_t)b->slot + b->span && b->slot < (uint64_t)a->slot + a->span)
            return refuse(c, "its slot is taken by an earlier capability");
        if (a->object == b->object && v->objects[a->object].kind == SPEC_OBJECT_UNTYPED)
            return refuse(c, "untyped memory goes to one place only");
    }
    return 0;
}

static int check_mapping(struct check *c, uint32_t i)
{
    const struct spec_view *v = c->v;
    const struct spec_mapping *m = &v->mappings[i];
    unsigned bits;

    if (!is_kernel(v, m->vspace, SEL4_X86_PML4))
        return refuse(c, "it goes into something that is no address space");
    if (m->object >= v->header->object_count)
        return refuse(c, "the object does not exist");
    if (v->objects[m->object].kind == SPEC_OBJECT_SHARED || is_kernel(v, m->object, SEL4_X86_4K_PAGE)) {
        bits = 12;
        if (m->rights != SEL4_RIGHT_READ && m->rights != (SEL4_RIGHT_READ | SEL4_RIGHT_WRITE))
            return refuse(c, "the rights are neither read nor read and write");
        if (m->executable > 1 || m->uncached > 1 || (m->executable && m->rights & SEL4_RIGHT_WRITE))
            return refuse(c, "a page is writable and executable");
    } else if (is_kernel(v, m->object, SEL4_X86_PAGE_TABLE)) {
        bits = 21;
    } else if (is_kernel(v, m->object, SEL4_X86_PAGE_DIRECTORY)) {
        bits = 30;
    } else if (is_kernel(v, m->object, SEL4_X86_PDPT)) {
        bits = 39;
    } else {
        return refuse(c, "the object cannot be mapped");
    }
    if (m->vaddr >= USER_TOP || m->vaddr & ((1ull << bits) - 1))
        return refuse(c, "the address is not aligned, or not user space");
    return 0;
}

static int check_fill(struct check *c, uint32_t i)
{
    const struct spec_view *v = c->v;
    const struct spec_fill *f = &v->fills[i];
    uint64_t room = v->header->bytes - v->header->data;

    if (!is_kernel(v, f->frame, SEL4_X86_4K_PAGE))
        return refuse(c, "the object is no private frame");
    if (f->offset > 4096 || f->length > 4096 - f->offset)
        return refuse(c, "it goes beyond the frame");
    if (f->data > room || f->length > room - f->data)
        return refuse(c, "its bytes lie beyond the spec");
    return 0;
}

static int check_thread(struct check *c, uint32_t i)
{
    const struct spec_view *v = c->v;
    const struct spec_thread *t = &v->threads[i];

    if (!is_kernel(v, t->tcb, SEL4_TCB) || !is_kernel(v, t->cnode, SEL4_CNODE))
        return refuse(c, "it has no TCB or no CNode");
    for (uint32_t j = 0; j < i; j++)
        if (v->threads[j].tcb == t->tcb)
            return refuse(c, "its TCB is another thread's");
    if (!is_kernel_or_none(v, t->vcpu, ATOLL_VCPU))
        return refuse(c, "its vCPU is none");
    if (!is_kernel(v, t->vspace, t->vcpu == SPEC_NONE ? SEL4_X86_PML4 : ATOLL_NESTED_PML4))
        return refuse(c, "its address space does not fit: page tables for a thread, nested ones for a vCPU");
    if (!is_kernel_or_none(v, t->ipc_frame, SEL4_X86_4K_PAGE) || t->ipc_vaddr & ((1u << SEL4_IPC_BUFFER_BITS) - 1))
        return refuse(c, "its IPC buffer is no private frame, or not aligned");
    if (!is_kernel_or_none(v, t->fault_ep, SEL4_ENDPOINT) || !is_kernel_or_none(v, t->notification, SEL4_NOTIFICATION) ||
        !is_kernel_or_none(v, t->sc, SEL4_SCHED_CONTEXT))
        return refuse(c, "its fault endpoint, notification or scheduling context is another kind of object");
    if (t->ip >= USER_TOP || t->sp >= USER_TOP)
        return refuse(c, "it would start outside user space");
    if (t->sc != SPEC_NONE && (t->budget_us < SEL4_MIN_BUDGET_US || t->budget_us > t->period_us || t->period_us > MAX_BUDGET_US))
        return refuse(c, "its budget is below the minimum or above its period");
    if (t->priority >= SEL4_NUM_PRIORITIES || t->mcp >= SEL4_NUM_PRIORITIES || t->flags & ~(uint32_t)SEL4_TCB_FLAG_FPU_DISABLED ||
        t->resume > 1)
        return refuse(c, "its priority or flags are out of range");
    return 0;
}

static int check_irq(struct check *c, uint32_t i)
{
    const struct spec_view *v = c->v;
    const struct spec_irq *q = &v->irqs[i];

    if (q->object >= v->header->object_count || v->objects[q->object].kind != SPEC_OBJECT_IRQ)
        return refuse(c, "its object is no interrupt");
    if (!is_kernel(v, q->notification, SEL4_NOTIFICATION))
        return refuse(c, "it signals something that is no notification");
    if (q->vector > SEL4_MAX_USER_VECTOR || (q->ioapic_pin != SPEC_NONE && q->ioapic_pin >= IOAPIC_PINS) || q->level > 1 ||
        q->polarity > 1)
        return refuse(c, "its vector, pin or trigger is out of range");
    if (q->requesters != SPEC_NONE && (q->requesters >= v->header->object_count || v->objects[q->requesters].kind != SPEC_OBJECT_NAMED ||
                                       q->ioapic_pin != SPEC_NONE))
        return refuse(c, "it is a message of something that is no requester ID, or has a pin as well");
    return 0;
}

/* An array inside the spec: aligned, behind the header, at most SPEC_MAX_OBJECTS items. NULL: it is not. */
static const void *array(const struct spec_header *h, uint64_t offset, uint32_t count, size_t item)
{
    if (count > SPEC_MAX_OBJECTS || offset & 7 || offset < sizeof *h || offset > h->bytes || count * item > h->bytes - offset)
        return NULL;
    return (const uint8_t *)h + offset;
}

int spec_check(const void *bytes, size_t size, uint32_t node, struct spec_view *v, char *why, size_t why_size)
{
    const struct spec_header *h = bytes;

    *v = (struct spec_view){.header = h};
    if (size < sizeof *h || h->magic != SPEC_MAGIC || h->bytes < sizeof *h || h->bytes > size) {
        text_format(why, why_size, "it is no spec, or cut off");
        return -1;
    }
    if (h->flags & ~SPEC_FLAG_DUMP) {
        text_format(why, why_size, "it asks for something that this init does not know (flags 0x%x)", h->flags);
        return -1;
    }
    if (h->node != node) {
        text_format(why, why_size, "it is the spec of node %u", h->node);
        return -1;
    }
    v->objects = array(h, h->objects, h->object_count, sizeof *v->objects);
    v->caps = array(h, h->caps, h->cap_count, sizeof *v->caps);
    v->mappings = array(h, h->mappings, h->mapping_count, sizeof *v->mappings);
    v->fills = array(h, h->fills, h->fill_count, sizeof *v->fills);
    v->threads = array(h, h->threads, h->thread_count, sizeof *v->threads);
    v->irqs = array(h, h->irqs, h->irq_count, sizeof *v->irqs);
    v->data = array(h, h->data, 0, 1);
    if (!v->objects || !v->caps || !v->mappings || !v->fills || !v->threads || !v->irqs || !v->data) {
        text_format(why, why_size, "an array of it lies outside the spec");
        return -1;
    }

    const struct {
        const char *kind;
        uint32_t count;
        int (*check)(struct check *, uint32_t);
    } kinds[] = {
        {"object", h->object_count, check_object}, {"interrupt", h->irq_count, check_irq},
        {"capability", h->cap_count, check_cap},   {"mapping", h->mapping_count, check_mapping},
        {"fill", h->fill_count, check_fill},       {"thread", h->thread_count, check_thread},
    };
    for (unsigned k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        for (uint32_t i = 0; i < kinds[k].count; i++) {
            struct check c = {.v = v};
            if (kinds[k].check(&c, i) != 0) {
                text_format(why, why_size, "%s %u: %s", kinds[k].kind, i, c.rule);
                return -1;
            }
        }
    return 0;
}
