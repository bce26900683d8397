/* Private memory and capability slots. Init keeps each untyped's fill level itself, as the kernel does (manual, "Untyped
 * memory": the next object starts at the first aligned byte), and takes the fullest that still has room. */
#include "init.h"

#define MAX_PRIVATE 64

static struct {
    cptr_t slot;
    uint64_t size, used;
} private_memory[MAX_PRIVATE];
static unsigned private_count;
static cptr_t next_slot, end_slot;

void memory_init(const struct sel4_bootinfo *info)
{
    uint64_t n = info->untyped.end - info->untyped.start;

    next_slot = info->empty.start;
    end_slot = info->empty.end;
    for (uint64_t i = 0; i < n && i < SEL4_BOOTINFO_MAX_UNTYPEDS && private_count < MAX_PRIVATE; i++) {
        const struct sel4_untyped_desc *u = &info->untyped_list[i];
        if (u->is_device || u->size_bits > SEL4_MAX_UNTYPED_BITS)
            continue;
        private_memory[private_count].slot = info->untyped.start + i;
        private_memory[private_count++].size = 1ull << u->size_bits;
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
    uint64_t size = 1ull << object_bits, least = UINT64_MAX;
    unsigned best = private_count;

    for (unsigned i = 0; i < private_count; i++) {
        uint64_t from = (private_memory[i].used + size - 1) & ~(size - 1);
        if (from > private_memory[i].size || private_memory[i].size - from < size)
            continue;
        uint64_t left = private_memory[i].size - private_memory[i].used;
        if (left < least) {
            least = left;
            best = i;
        }
    }
    if (best == private_count)
        return SEL4_NOT_ENOUGH_MEMORY;
    error_t error = untyped_retype(private_memory[best].slot, type, size_bits, SEL4_CAP_INIT_CNODE, 0, 0, to, 1);
    if (!error)
        private_memory[best].used = ((private_memory[best].used + size - 1) & ~(size - 1)) + size;
    return error;
}
