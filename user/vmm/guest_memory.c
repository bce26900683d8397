/* Guest-physical RAM and the walk of the guest's page tables (AMD APM volume 2, chapter 5). */
#include <atoll/component.h>
#include "guest_memory.h"
#include "lib.h"

#define ENTRY_PRESENT 0x1u
#define ENTRY_WRITE 0x2u
#define ENTRY_USER 0x4u
#define ENTRY_ACCESSED 0x20u
#define ENTRY_DIRTY 0x40u
#define ENTRY_LARGE 0x80u
#define ENTRY_NX 0x8000000000000000ull
#define ENTRY_ADDRESS 0x000ffffffffff000ull

#define ERROR_PRESENT 0x1u
#define ERROR_WRITE 0x2u
#define ERROR_USER 0x4u
#define ERROR_RESERVED 0x8u
#define ERROR_FETCH 0x10u

#define PAGE 4096u
#define MAX_LEVELS 5

uint64_t guest_memory_room(const struct guest_memory *m, uint64_t address)
{
    uint64_t low = m->bytes < VM_HOLE_START ? m->bytes : VM_HOLE_START;
    uint64_t high = m->bytes - low;

    if (address < low)
        return low - address;
    if (address >= VM_HOLE_END && address - VM_HOLE_END < high)
        return high - (address - VM_HOLE_END);
    return 0;
}

void *guest_memory_at(const struct guest_memory *m, uint64_t address, uint64_t length)
{
    return length && length <= guest_memory_room(m, address) ? m->base + address : NULL;
}

static bool refuse(struct guest_fault *fault, uint64_t linear, uint32_t error)
{
    fault->address = linear;
    fault->error = error;
    return false;
}

/* How the present mode walks: levels, bits per level, entry size, and where the top table is. */
struct walk {
    unsigned levels, index_bits, entry_bytes;
    uint64_t table;
};

static struct walk walk_mode(struct vcpu *v)
{
    uint64_t cr3 = v->words[W_CR3], cr4 = v->words[W_CR4];

    if (v->words[W_EFER] & EFER_LMA)
        return (struct walk){cr4 & CR4_LA57 ? 5 : 4, 9, 8, cr3 & ENTRY_ADDRESS};
    if (cr4 & CR4_PAE)
        return (struct walk){3, 9, 8, cr3 & 0xffffffe0u};
    return (struct walk){2, 10, 4, cr3 & 0xfffff000u};
}

/* Read an entry and say where it is. Memory that is not there reads as all ones, like on a bus. */
static uint64_t walk_entry(const struct guest_memory *m, uint64_t address, unsigned bytes, void **place)
{
    uint32_t low;
    uint64_t entry;

    *place = guest_memory_at(m, address, bytes);
    if (!*place)
        return ~0ull;
    if (bytes == 8) {
        __builtin_memcpy(&entry, *place, 8);
        return entry;
    }
    __builtin_memcpy(&low, *place, 4);
    return low;
}

/* May an entry end the walk at this level (0: the last)? Large pages: 2 MiB, 1 GiB, or 4 MiB with 32-bit entries. */
static bool walk_is_leaf(const struct walk *w, unsigned level, uint64_t entry, uint64_t cr4)
{
    if (level == 0)
        return true;
    if (!(entry & ENTRY_LARGE))
        return false;
    if (w->entry_bytes == 4)
        return level == 1 && (cr4 & CR4_PSE);
    return level == 1 || (level == 2 && w->levels >= 4);
}

static bool walk_permits(struct vcpu *v, uint64_t rights, unsigned access, bool user)
{
    bool wp = v->words[W_CR0] & CR0_WP;

    if (user && !(rights & ENTRY_USER))
        return false;
    if ((access & GUEST_WRITE) && !(rights & ENTRY_WRITE) && (user || wp))
        return false;
    if ((access & GUEST_FETCH) && (rights & ENTRY_NX))
        return false;
    if (!user && !(access & GUEST_FETCH) && (rights & ENTRY_USER) && (v->words[W_CR4] & CR4_SMAP) &&
        ((access & GUEST_SYSTEM) || !(v->words[W_RFLAGS] & RFLAGS_AC)))
        return false;
    return true;
}

bool guest_translate(const struct guest_memory *m, struct vcpu *v, uint64_t linear, unsigned access, uint64_t *physical,
                     struct guest_fault *fault)
{
    void *places[MAX_LEVELS];
    struct walk w;
    uint64_t entry = 0, rights = ENTRY_USER | ENTRY_WRITE, offset_mask = 0;
    uint32_t error;
    bool user, nx;
    unsigned level;

    vcpu_need(v, VCPU_GROUP_CONTROL | VCPU_GROUP_SEGMENTS | VCPU_GROUP_RIP);
    if (!(v->words[W_CR0] & CR0_PG)) {
        *physical = (uint32_t)linear;
        return true;
    }
    w = walk_mode(v);
    if (w.levels < 4)
        linear = (uint32_t)linear;
    nx = w.entry_bytes == 8 && (v->words[W_EFER] & EFER_NXE);
    user = !(access & GUEST_SYSTEM) && vcpu_privilege(v) == 3;
    error = (access & GUEST_WRITE ? ERROR_WRITE : 0) | (user ? ERROR_USER : 0) |
            (nx && (access & GUEST_FETCH) ? ERROR_FETCH : 0);

    for (level = w.levels; level-- > 0;) {
        unsigned shift = 12 + level * w.index_bits;
        uint64_t index = linear >> shift & ((1u << w.index_bits) - 1);

        entry = walk_entry(m, w.table + index * w.entry_bytes, w.entry_bytes, &places[level]);
        if (!places[level])
            return refuse(fault, linear, error | ERROR_PRESENT | ERROR_RESERVED);
        if (!(entry & ENTRY_PRESENT))
            return refuse(fault, linear, error);
        if (w.entry_bytes == 8 && !nx && (entry & ENTRY_NX))
            return refuse(fault, linear, error | ERROR_PRESENT | ERROR_RESERVED);
        if (!(w.levels == 3 && level == 2)) { /* the four PAE pointers carry no rights */
            rights &= entry | ~(uint64_t)(ENTRY_USER | ENTRY_WRITE);
            rights |= entry & ENTRY_NX;
        }
        if (walk_is_leaf(&w, level, entry, v->words[W_CR4])) {
            offset_mask = (1ull << shift) - 1;
            break;
        }
        if (level >= 3 && (entry & ENTRY_LARGE))
            return refuse(fault, linear, error | ERROR_PRESENT | ERROR_RESERVED);
        w.table = entry & (w.entry_bytes == 8 ? ENTRY_ADDRESS : 0xfffff000u);
    }
    if (!walk_permits(v, rights, access, user))
        return refuse(fault, linear, error | ERROR_PRESENT);

    for (unsigned i = w.levels; i-- > level;) {
        uint32_t low;

        if (w.levels == 3 && i == 2)
            continue;
        __builtin_memcpy(&low, places[i], 4);
        low |= ENTRY_ACCESSED | (i == level && (access & GUEST_WRITE) ? ENTRY_DIRTY : 0);
        __builtin_memcpy(places[i], &low, 4);
    }
    if (w.entry_bytes == 4 && level == 1) /* PSE-36: bits 39..32 in bits 20..13 */
        *physical = (entry & 0xffc00000u) | (entry >> 13 & 0xff) << 32 | (linear & offset_mask);
    else
        *physical = (entry & ENTRY_ADDRESS & ~offset_mask) | (linear & offset_mask);
    return true;
}

unsigned guest_fetch(const struct guest_memory *m, struct vcpu *v, uint8_t *to, unsigned length)
{
    uint64_t linear = v->exit_rip;
    unsigned done = 0;

    if (vcpu_code_bits(v) != 64)
        linear = (uint32_t)(linear + v->words[W_CS_BASE]);
    while (done < length) {
        uint64_t at = linear + done, physical, chunk = PAGE - (at & (PAGE - 1));
        struct guest_fault fault;
        const void *from;

        if (chunk > length - done)
            chunk = length - done;
        if (!guest_translate(m, v, at, GUEST_FETCH, &physical, &fault))
            break;
        from = guest_memory_at(m, physical, chunk);
        if (!from)
            break;
        memcpy(to + done, from, chunk);
        done += (unsigned)chunk;
    }
    return done;
}
