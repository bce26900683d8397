/* ASID control and pools: which root tables are address spaces. An ASID here is the kernel's name for a root, through which
 * frames and tables find where they are mapped; it isn't a hardware tag. */
#include "../core.h"
#include "iospace.h"
#include "paging.h"

#define ASID_POOL_BITS 9

status_t asid_control_invoke(struct invocation *inv)
{
    if (inv->label != SEL4_X86_ASID_CONTROL_MAKE_POOL)
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    if (inv->length < 2 || !inv->extra[0] || !inv->extra[1])
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    struct slot *untyped = inv->extra[0];
    unsigned n = 0;
    while (n < ASID_POOLS && kernel.asid_pools[n])
        n++;
    if (n == ASID_POOLS)
        return refuse_plain(SEL4_DELETE_FIRST);
    if (cap_tag(untyped->cap) != CAP_UNTYPED || untyped_size_bits(untyped->cap) != SEL4_TABLE_BITS ||
        untyped_frame_only(untyped->cap))
        return refuse_capability(1);
    if (slot_has_children(untyped))
        return refuse_plain(SEL4_REVOKE_FIRST);
    struct lookup to = cspace_lookup_target(inv->extra[1]->cap, invocation_arg(inv, 0), invocation_arg(inv, 1));
    if (to.status != STATUS_OK)
        return to.status;
    if (!slot_is_empty(to.slot))
        return refuse_plain(SEL4_DELETE_FIRST);

    paddr_t pa = untyped_paddr(untyped->cap);
    word_t offset = pa - kernel.window_paddr;
    machine_memzero(object_at(offset), sizeof(struct asid_pool));
    untyped->cap = cap_untyped(pa, SEL4_TABLE_BITS, false, BIT(SEL4_TABLE_BITS)); /* used up */
    kernel.asid_pools[n] = object_at(offset);
    slot_insert(table_set_mapping(cap_table(CAP_ASID_POOL, offset), true, (word_t)n << ASID_POOL_BITS, 0), untyped, to.slot);
    return STATUS_OK;
}

static struct asid_pool *pool_of(cap_t cap)
{
    struct asid_pool *pool = kernel.asid_pools[table_asid(cap) >> ASID_POOL_BITS];
    return pool == object_at(table_offset(cap)) ? pool : NULL;
}

status_t asid_pool_invoke(struct invocation *inv)
{
    if (inv->label != SEL4_X86_ASID_POOL_ASSIGN)
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    struct slot *root = inv->extra[0];
    if (!root)
        return refuse_plain(SEL4_TRUNCATED_MESSAGE);
    enum root_kind kind = root_kind_of(cap_tag(root->cap));
    if (kind == ROOT_NONE || table_mapped(root->cap))
        return refuse_capability(1);
    struct asid_pool *pool = pool_of(inv->cap);
    if (!pool)
        return refuse_capability(0);
    word_t base = table_asid(inv->cap), i = base == 0; /* ASID 0 means none */
    while (i < ASIDS_PER_POOL && pool->roots[i])
        i++;
    if (i == ASIDS_PER_POOL)
        return refuse_plain(SEL4_DELETE_FIRST);

    pool->roots[i] = table_offset(root->cap) | kind;
    root->cap = table_set_mapping(root->cap, true, base + i, 0);
    return STATUS_OK;
}

static void root_stop(word_t word)
{
    struct root r = {(enum root_kind)(word & 3), word & ~3ull, 0};
    if (r.kind == ROOT_PML4)
        vspace_root_gone(r.offset);
    else if (r.kind == ROOT_NESTED)
        tlb_flush_root(&r);
    else if (r.kind == ROOT_IO)
        io_space_unbind_all(object_at(r.offset));
}

bool asid_pool_unbind_one(cap_t cap)
{
    const struct asid_pool *pool = io_spaces_bound() ? pool_of(cap) : NULL; /* looking through all of it takes a while */
    for (unsigned i = 0; pool && i < ASIDS_PER_POOL; i++) {
        struct io_space *space = (pool->roots[i] & 3) == ROOT_IO ? object_at(pool->roots[i] & ~3ull) : NULL;
        if (space && space->bound_count && io_space_unbind_one(space))
            return true;
    }
    return false;
}

void asid_pool_deleted(cap_t cap)
{
    struct asid_pool *pool = pool_of(cap);
    if (!pool)
        return;
    kernel.asid_pools[table_asid(cap) >> ASID_POOL_BITS] = NULL;
    vspace_forget();
    for (unsigned i = 0; i < ASIDS_PER_POOL; i++)
        if (pool->roots[i])
            root_stop(pool->roots[i]);
}

void asid_root_deleted(cap_t cap)
{
    word_t asid = table_asid(cap);
    struct root r = root_of_asid(asid);
    if (r.kind == ROOT_NONE || r.offset != table_offset(cap))
        return;
    word_t *word = &kernel.asid_pools[asid / ASIDS_PER_POOL]->roots[asid % ASIDS_PER_POOL];
    vspace_forget();
    root_stop(*word);
    *word = 0;
}
