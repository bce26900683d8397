/* A component being assembled: what every one of them has, and how it is given more. */
#include "compile_part.h"
#include <stdio.h>
#include <atoll/component.h>
#include <sel4/abi.h>

uint32_t page_new(struct spec_builder *s, const char *owner, const char *what)
{
    return spec_object(s, SEL4_X86_4K_PAGE, 0, "%s.%s", owner, what);
}

static void part_image(struct part *p, struct spec_builder *s, const struct component_image *image)
{
    for (unsigned i = 0; i < image->count; i++) {
        const struct image_segment *g = &image->segments[i];
        for (uint64_t at = 0; at < g->memory_size; at += PAGE) {
            uint32_t frame = page_new(s, p->name, g->executable ? "text" : g->writable ? "data" : "rodata");
            if (at < g->size)
                spec_fill(s, frame, 0, g->bytes + at, g->size - at < PAGE ? g->size - at : PAGE);
            space_map(&p->space, s, frame, g->vaddr + at, g->writable ? RIGHTS_WRITE : RIGHTS_READ, g->executable);
        }
    }
}

/* Thread, CNode, address space, image, stack, IPC buffer: what every component has. */
void part_new(struct part *p, struct spec_builder *s, const char *name, const struct component_image *image,
              uint32_t cnode_bits, uint32_t priority, bool resume)
{
    p->name = name;
    p->cnode_bits = cnode_bits;
    p->tcb = spec_object(s, SEL4_TCB, 0, "%s.tcb", name);
    p->cnode = spec_object(s, SEL4_CNODE, cnode_bits, "%s.cnode", name);
    space_new(&p->space, s, name);
    part_image(p, s, image);
    for (unsigned i = 1; i <= COMPONENT_STACK_PAGES; i++)
        space_map(&p->space, s, page_new(s, name, "stack"), COMPONENT_STACK_TOP - i * PAGE, RIGHTS_WRITE, false);
    uint32_t ipc = page_new(s, name, "ipc");
    space_map(&p->space, s, ipc, COMPONENT_IPC_VA, RIGHTS_WRITE, false);

    struct spec_thread *t = spec_thread(s);
    t->tcb = p->tcb;
    t->cnode = p->cnode;
    t->cnode_guard = 64 - cnode_bits;
    t->vspace = p->space.root;
    t->ipc_frame = ipc;
    t->ipc_vaddr = COMPONENT_IPC_VA;
    t->ip = image->entry;
    t->sp = COMPONENT_STACK_TOP;
    t->argument = COMPONENT_CONFIG_VA;
    t->sc = spec_object(s, SEL4_SCHED_CONTEXT, SEL4_MIN_SCHED_CONTEXT_BITS, "%s.sc", name);
    t->budget_us = t->period_us = priority == PRIORITY_SERVICE ? TURN_US : BUDGET_US;
    t->priority = priority;
    t->mcp = 0;
    t->flags = SEL4_TCB_FLAG_FPU_DISABLED;
    t->resume = resume;
    p->thread = t;
}

void part_cap(struct part *p, struct spec_builder *s, uint32_t slot, uint32_t object, uint32_t rights, uint64_t badge)
{
    spec_cap(s, p->cnode, slot, object, rights, badge);
}

/* One end of a queue: the own region read-write, the peer's read-only. */
void part_queue(struct part *p, struct spec_builder *s, uint32_t index, const char *resource, bool produces)
{
    uint64_t at = COMPONENT_QUEUES_VA + index * COMPONENT_QUEUE_STRIDE;
    char tail[sizeof((struct spec_object *)0)->resource + 8];

    for (uint32_t i = 0; i < QUEUE_PAGES; i++)
        space_map(&p->space, s, spec_shared(s, resource, i), at + i * PAGE, produces ? RIGHTS_WRITE : RIGHTS_READ, false);
    snprintf(tail, sizeof tail, "%s.tail", resource);
    space_map(&p->space, s, spec_shared(s, tail, 0), at + COMPONENT_QUEUE_TAIL, produces ? RIGHTS_READ : RIGHTS_WRITE, false);
}

void part_queue_between(struct part *producer, uint32_t producer_index, struct part *consumer, uint32_t consumer_index,
                        struct spec_builder *s, const char *name)
{
    uint64_t at = COMPONENT_QUEUES_VA + producer_index * COMPONENT_QUEUE_STRIDE;
    uint64_t to = COMPONENT_QUEUES_VA + consumer_index * COMPONENT_QUEUE_STRIDE;

    for (uint32_t i = 0; i <= QUEUE_PAGES; i++) { /* the last one is the consumer's */
        uint32_t page = page_new(s, name, i < QUEUE_PAGES ? "queue" : "tail"), offset = i < QUEUE_PAGES ? i * PAGE : COMPONENT_QUEUE_TAIL;

        space_map(&producer->space, s, page, at + offset, i < QUEUE_PAGES ? RIGHTS_WRITE : RIGHTS_READ, false);
        space_map(&consumer->space, s, page, to + offset, i < QUEUE_PAGES ? RIGHTS_READ : RIGHTS_WRITE, false);
    }
}

void part_config(struct part *p, struct spec_builder *s, uint32_t frame, unsigned page)
{
    space_map(&p->space, s, frame, COMPONENT_CONFIG_VA + page * PAGE, RIGHTS_READ, false);
}
