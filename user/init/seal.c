/* The end of init's authority.
 *
 * A frame is mapped, a table in place, a scheduling context bound for only as long as some capability to it exists, and for most of them
 * the one that init made is the only one. These go into a CNode of their own, the vault. Its only capability then goes into the
 * vault itself: it goes on existing, and no thread can reach it. Everything else that init held is deleted: private memory, the control
 * capabilities, resources that no component was given. What stays in init's CNode is init: its thread, its CNode, its address space. */
#include "init.h"

static cptr_t vault;
static unsigned vault_bits;
static uint64_t kept;

static bool stays_mapped(const struct spec_object *o) { return o->kind == SPEC_OBJECT_KERNEL || o->kind == SPEC_OBJECT_SHARED; }

void seal_keep(cptr_t slot)
{
    check(cnode_move(vault, kept++, vault_bits, SEL4_CAP_INIT_CNODE, slot, INIT_DEPTH), "put away", "a capability");
}

static bool is_thread(const struct spec_view *v, uint32_t object)
{
    for (uint32_t i = 0; i < v->header->thread_count; i++)
        if (v->threads[i].tcb == object)
            return true;
    return false;
}

/* Several objects of the spec may be one frame of shared memory. */
static bool seen_before(const struct spec_view *v, uint32_t object)
{
    for (uint32_t i = 0; i < object && v->objects[object].kind == SPEC_OBJECT_SHARED; i++)
        if (object_slot(i) == object_slot(object))
            return true;
    return false;
}

/* All but the threads, which are started first. */
void seal_open(const struct spec_view *v)
{
    uint64_t most = 2ull + v->header->object_count + v->header->mapping_count;

    while (1ull << vault_bits < most)
        vault_bits++;
    vault = slot_new();
    check(memory_make(SEL4_CNODE, vault_bits, vault_bits + SEL4_SLOT_BITS, vault), "make", "the vault");
    for (uint32_t i = 0; i < v->header->object_count; i++)
        if (stays_mapped(&v->objects[i]) && !is_thread(v, i) && !seen_before(v, i))
            seal_keep(object_slot(i));
    copies_keep();
    seal_keep(SEL4_CAP_INIT_ASID_POOL); /* without its pool an address space is none */
}

static bool within(struct sel4_slot_region r, cptr_t slot) { return slot >= r.start && slot < r.end; }

void seal_close(const struct sel4_bootinfo *info)
{
    struct sel4_slot_region frames = info->user_image_frames, tables = info->user_image_paging; /* info's own page goes, too */

    check(cnode_move(vault, kept, vault_bits, SEL4_CAP_INIT_CNODE, vault, INIT_DEPTH), "close", "the vault");
    for (cptr_t slot = 1; slot < slots_end(); slot++)
        if (slot != SEL4_CAP_INIT_TCB && slot != SEL4_CAP_INIT_CNODE && slot != SEL4_CAP_INIT_VSPACE && slot != SEL4_CAP_INIT_SC &&
            slot != SEL4_CAP_INIT_IPC_BUFFER && !within(frames, slot) && !within(tables, slot))
            check(cnode_delete(SEL4_CAP_INIT_CNODE, slot, INIT_DEPTH), "give up", "a capability");
}
