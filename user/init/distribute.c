/* Address spaces and CNodes of the components. */
#include "init.h"
#include <atoll/resource_map.h>

static uint8_t mapped[SPEC_MAX_OBJECTS]; /* objects whose own capability holds a mapping already */
static uint32_t copies[SPEC_MAX_OBJECTS], copy_count;

/* A frame's capability holds one mapping (manual, "Mapping"): further ones take copies. */
static void frame_map(const struct spec_mapping *m, const char *name, cptr_t vspace)
{
    cptr_t frame = object_slot(m->object);

    if (mapped[m->object]) {
        cptr_t copy = slot_new();
        check(cnode_copy(SEL4_CAP_INIT_CNODE, copy, INIT_DEPTH, SEL4_CAP_INIT_CNODE, frame, INIT_DEPTH, SEL4_ALL_RIGHTS),
              "copy frame", name);
        frame = copy;
        copies[copy_count++] = (uint32_t)copy;
    }
    mapped[m->object] = 1;
    check(page_map(frame, vspace, m->vaddr, m->rights, (m->executable ? 0 : ATOLL_X86_EXECUTE_NEVER) |
                                                            (m->uncached ? SEL4_X86_UNCACHEABLE : 0)), "map frame", name);
}

void copies_keep(void)
{
    for (uint32_t i = 0; i < copy_count; i++)
        seal_keep(copies[i]);
}

void mappings_make(const struct spec_view *v)
{
    for (uint32_t i = 0; i < v->header->mapping_count; i++) {
        const struct spec_mapping *m = &v->mappings[i];
        const struct spec_object *o = &v->objects[m->object];
        cptr_t vspace = object_slot(m->vspace), object = object_slot(m->object);

        if (o->kind == SPEC_OBJECT_SHARED || o->type == SEL4_X86_4K_PAGE)
            frame_map(m, o->name, vspace);
        else if (o->type == SEL4_X86_PAGE_TABLE)
            check(page_table_map(object, vspace, m->vaddr, 0), "map page table", o->name);
        else if (o->type == SEL4_X86_PAGE_DIRECTORY)
            check(page_directory_map(object, vspace, m->vaddr, 0), "map page directory", o->name);
        else
            check(pdpt_map(object, vspace, m->vaddr, 0), "map page-directory-pointer table", o->name);
    }
}

static bool is_memory(uint32_t kind) { return kind == RESOURCE_MEMORY || kind == RESOURCE_MODULE || kind == RESOURCE_DEVICE; }

void caps_give(const struct spec_view *v)
{
    for (uint32_t i = 0; i < v->header->cap_count; i++) {
        const struct spec_cap *c = &v->caps[i];
        const struct spec_object *o = &v->objects[c->object];
        cptr_t cnode = object_slot(c->cnode), from = object_slot(c->object);
        uint64_t depth = v->objects[c->cnode].size_bits;
        const struct atoll_named_slots *n = o->kind == SPEC_OBJECT_NAMED ? named(o->resource) : NULL;

        if (n && is_memory(n->kind)) {
            if (n->slot_count > c->span)
                init_stop("resource %s came in %u pieces, %s has room for %u", n->name, n->slot_count,
                          v->objects[c->cnode].name, c->span);
            for (uint32_t k = 0; k < n->slot_count; k++)
                check(cnode_move(cnode, c->slot + k, depth, SEL4_CAP_INIT_CNODE, from + k, INIT_DEPTH), "hand over", n->name);
        } else if (o->kind == SPEC_OBJECT_UNTYPED || (n && n->kind == RESOURCE_REQUESTERS)) { /* neither can be copied */
            check(cnode_move(cnode, c->slot, depth, SEL4_CAP_INIT_CNODE, from, INIT_DEPTH), "hand over", o->name);
        } else if (c->badge) {
            check(cnode_mint(cnode, c->slot, depth, SEL4_CAP_INIT_CNODE, from, INIT_DEPTH, c->rights, c->badge), "mint", o->name);
        } else {
            check(cnode_copy(cnode, c->slot, depth, SEL4_CAP_INIT_CNODE, from, INIT_DEPTH, c->rights), "copy", o->name);
        }
    }
}
