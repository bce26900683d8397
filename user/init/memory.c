/* Private memory and capability slots. */
#include "init.h"
#include "private.h"

static struct private_memory memory;
static cptr_t next_slot, end_slot;

void memory_init(const struct sel4_bootinfo *info)
{
    uint64_t n = info->untyped.end - info->untyped.start;

    next_slot = info->empty.start;
    end_slot = info->empty.end;
    for (uint64_t i = 0; i < n && i < SEL4_BOOTINFO_MAX_UNTYPEDS && memory.count < PRIVATE_MAX; i++) {
        const struct sel4_untyped_desc *u = &info->untyped_list[i];
        if (u->is_device || u->size_bits > SEL4_MAX_UNTYPED_BITS)
            continue;
        memory.pieces[memory.count].slot = info->untyped.start + i;
        memory.pieces[memory.count++].size = 1ull << u->size_bits;
    }
}

cptr_t slots_new(uint32_t count)
{
    if (end_slot - next_slot < count)
        init_stop("no capability slots are left");
    next_slot += count;
    return next_slot - count;
}

cptr_t slot_new(void) { return slots_new(1); }
cptr_t slots_end(void) { return next_slot; }

error_t memory_make(uint64_t type, uint64_t size_bits, unsigned object_bits, cptr_t to)
{
    int piece = private_choose(&memory, object_bits);
    error_t error;

    if (piece < 0)
        return SEL4_NOT_ENOUGH_MEMORY;
    error = untyped_retype(memory.pieces[piece].slot, type, size_bits, SEL4_CAP_INIT_CNODE, 0, 0, to, 1);
    if (!error)
        private_take(&memory, piece, object_bits);
    return error;
}
