/* The objects of the spec, in its order: one slot of init's CNode each. */
#include "init.h"
#include <atoll/resource_map.h>

static uint32_t slots[SPEC_MAX_OBJECTS];

cptr_t object_slot(uint32_t object) { return slots[object]; }

static const struct atoll_named_slots *resource_of(const struct spec_object *o)
{
    const struct atoll_named_slots *n = named(o->resource);
    if (!n)
        init_stop("object %s: the resource map of this node names no %s", o->name, o->resource);
    return n;
}

static cptr_t object_make(const struct spec_object *o)
{
    cptr_t slot;

    switch (o->kind) {
    case SPEC_OBJECT_NAMED:
        return resource_of(o)->first_slot;
    case SPEC_OBJECT_SHARED: {
        uint32_t pages;
        cptr_t first = named_frames(resource_of(o), SEL4_PAGE_BITS, &pages);
        if (o->page >= pages)
            init_stop("object %s: %s has %u pages only", o->name, o->resource, pages);
        return first + o->page;
    }
    case SPEC_OBJECT_IOPORTS:
        slot = slot_new();
        check(ioport_control_issue(SEL4_CAP_IOPORT_CONTROL, o->page & 0xffff, o->page >> 16, SEL4_CAP_INIT_CNODE, slot,
                                   INIT_DEPTH), "issue I/O ports", o->name);
        return slot;
    case SPEC_OBJECT_IRQ: /* interrupts_make() */
        return slot_new();
    case SPEC_OBJECT_UNTYPED:
        slot = slot_new();
        check(memory_make(SEL4_UNTYPED, o->size_bits, o->size_bits, slot), "make untyped memory", o->name);
        return slot;
    default:
        slot = slot_new();
        check(memory_make(o->type, o->size_bits, spec_object_bits(o), slot), "make object", o->name);
        if (o->type == SEL4_X86_PML4 || o->type == ATOLL_NESTED_PML4 || o->type == ATOLL_IO_SPACE)
            check(asid_pool_assign(SEL4_CAP_INIT_ASID_POOL, slot), "assign an ASID to", o->name);
        return slot;
    }
}

void objects_make(const struct spec_view *v)
{
    for (uint32_t i = 0; i < v->header->object_count; i++)
        slots[i] = (uint32_t)object_make(&v->objects[i]);
}

/* A message belongs to one function, which boot found: the range has just its number. */
static void message_make(const struct spec_view *v, const struct spec_irq *q, cptr_t handler, const char *name)
{
    const struct atoll_named_slots *n = resource_of(&v->objects[q->requesters]);
    uint64_t first, last;

    if (n->kind != RESOURCE_REQUESTERS)
        init_stop("interrupt %s: %s is no requester ID", name, n->name);
    check(requesters_range(n->first_slot, SEL4_CAP_INIT_CNODE, &first, &last), "ask for the number of", n->name);
    if (first != last)
        init_stop("interrupt %s: %s are several requester IDs", name, n->name);
    check(irq_control_get_msi(SEL4_CAP_IRQ_CONTROL, SEL4_CAP_INIT_CNODE, handler, INIT_DEPTH, n->first_slot, first, q->vector),
          "get the message", name);
}

void interrupts_make(const struct spec_view *v)
{
    for (uint32_t i = 0; i < v->header->irq_count; i++) {
        const struct spec_irq *q = &v->irqs[i];
        const char *name = v->objects[q->object].name;
        cptr_t handler = object_slot(q->object), badged = slot_new();

        if (q->requesters != SPEC_NONE)
            message_make(v, q, handler, name);
        else if (q->ioapic_pin == SPEC_NONE)
            check(irq_control_get(SEL4_CAP_IRQ_CONTROL, q->vector, SEL4_CAP_INIT_CNODE, handler, INIT_DEPTH), "get interrupt", name);
        else
            check(irq_control_get_ioapic(SEL4_CAP_IRQ_CONTROL, SEL4_CAP_INIT_CNODE, handler, INIT_DEPTH, 0, q->ioapic_pin, q->level,
                                         q->polarity, q->vector), "get interrupt", name);
        check(cnode_mint(SEL4_CAP_INIT_CNODE, badged, INIT_DEPTH, SEL4_CAP_INIT_CNODE, object_slot(q->notification), INIT_DEPTH,
                         SEL4_RIGHT_WRITE, q->badge), "badge the notification of", name);
        check(irq_handler_set_notification(handler, badged), "connect interrupt", name);
    }
}

void frames_fill(const struct spec_view *v)
{
    for (uint32_t i = 0; i < v->header->fill_count; i++) {
        const struct spec_fill *f = &v->fills[i];
        const char *name = v->objects[f->frame].name;
        cptr_t frame = object_slot(f->frame);

        check(page_map(frame, SEL4_CAP_INIT_VSPACE, INIT_FILL_VA, SEL4_RIGHT_READ | SEL4_RIGHT_WRITE, ATOLL_X86_EXECUTE_NEVER),
              "map to fill", name);
        memcpy((uint8_t *)INIT_FILL_VA + f->offset, v->data + f->data, f->length);
        check(page_unmap(frame), "unmap", name);
    }
}
