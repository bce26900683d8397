/* Capabilities: 16 bytes, read and written through the accessors below only.
 *
 * Objects are named by their byte offset from the node's object window (state.h), never by pointer or physical
 * address: one conversion point, cap_object(). Frames and untypeds carry physical addresses, as frame-only memory is not
 * mapped by the kernel.
 *
 * Tag values are those that DebugCapIdentify reports; Atoll's own take free odd numbers (arch) of the 5-bit space.
 *
 *   common      w0 63..59 tag
 *   untyped     w0 58 frame-only, 57..52 size bits, 47..0 paddr >> 4     w1 first free byte (offset)
 *   endpoint, notification
 *               w0 58..55 rights, 47..0 object                             w1 badge
 *   reply       w0 58..55 rights (grant), 47..0 object
 *   cnode       w0 58..53 radix, 52..47 guard size, 46..0 object           w1 guard
 *   tcb, vcpu   w0 47..0 object
 *   sc          w0 58..53 size bits, 47..0 object
 *   requesters  w0 15..0 unit     w1 first | last << 16
 *   channel     w1 its number in kernel.channels
 *   frame       w0 58..57 size (0: 4K, 1: 2M, 2: 1G), 56..55 rights (VM: 1 kernel-only, 2 read, 3 read-write), 54 frame-only,
 *               53..52 mapped in (0 not, 1 PML4, 2 nested, 3 I/O space), 51..40 ASID, 39..0 paddr >> 12      w1 mapped address
 *   pt pd pdpt npt npd npdpt
 *               w0 58 mapped, 57..46 ASID, 45..0 object                    w1 mapped address
 *   io_table    the same, w1 1..0 its level
 *   pml4 npml4 io_space
 *               w0 58 assigned, 57..46 ASID, 45..0 object
 *   asid_pool   w0 57..46 first ASID, 45..0 object
 *   irq_handler w1 IRQ        io_port  w1 first | last << 16        ipi  w1 x2APIC id | vector << 32
 *   zombie      w0 58 lives in its own container, 57..32 slots left, 31..0 first slot     w1 63..32 previous, 31..0 next of its ring
 *               (delete.c; slots as slot numbers in the window: window offset >> 5, hence a window of at most 128 GiB, and at
 *               most 2^CNODE_MAX_RADIX slots in a CNode)
 */
#pragma once
#include "types.h"

enum cap_tag {
    CAP_NULL = 0,
    CAP_FRAME = 1,
    CAP_UNTYPED = 2,
    CAP_PT = 3,
    CAP_ENDPOINT = 4,
    CAP_PD = 5,
    CAP_NOTIFICATION = 6,
    CAP_PDPT = 7,
    CAP_REPLY = 8,
    CAP_PML4 = 9,
    CAP_CNODE = 10,
    CAP_ASID_CONTROL = 11,
    CAP_TCB = 12,
    CAP_ASID_POOL = 13,
    CAP_IRQ_CONTROL = 14,
    CAP_IRQ_HANDLER = 16,
    CAP_ZOMBIE = 18,
    CAP_IO_PORT = 19,
    CAP_DOMAIN = 20,
    CAP_SC = 22,
    CAP_SCHED_CONTROL = 24,
    CAP_IO_PORT_CONTROL = 31,
    /* Atoll's own */
    CAP_VCPU = 15,
    CAP_NPML4 = 17,
    CAP_NPDPT = 21,
    CAP_NPD = 23,
    CAP_NPT = 25,
    CAP_IPI = 27,
    CAP_IO_SPACE = 26,
    CAP_IO_TABLE = 28,
    CAP_REQUESTERS = 29,
    CAP_CHANNEL = 30,
};

typedef struct cap {
    word_t w0, w1;
} cap_t;

/* A capability slot: the capability and its place in the derivation tree, a doubly linked list in preorder.
 * prev, next: pointers to slots as words (0: none); slots are 32-byte aligned, so low bits are flags, in `next`:
 * bit 0 revocable (an original), bit 1 first badged. */
struct slot {
    cap_t cap;
    word_t prev, next;
} __attribute__((aligned(32)));
#define SLOT_REVOCABLE 1ull
#define SLOT_FIRST_BADGED 2ull
#define SLOT_FLAGS (SLOT_REVOCABLE | SLOT_FIRST_BADGED)
static inline struct slot *slot_next(const struct slot *s) { return (struct slot *)(s->next & ~SLOT_FLAGS); }
static inline struct slot *slot_prev(const struct slot *s) { return (struct slot *)s->prev; }
_Static_assert(sizeof(struct slot) == BIT(SEL4_SLOT_BITS), "slot size is part of the interface");

static inline word_t cap_bits(word_t w, unsigned lo, unsigned n) { return (w >> lo) & MASK(n); }
static inline word_t cap_put(word_t v, unsigned lo, unsigned n) { return (v & MASK(n)) << lo; }
static inline word_t cap_set(word_t w, word_t v, unsigned lo, unsigned n)
{
    return (w & ~(MASK(n) << lo)) | cap_put(v, lo, n);
}

static inline enum cap_tag cap_tag(cap_t c) { return (enum cap_tag)cap_bits(c.w0, 59, 5); }
static inline cap_t cap_make(enum cap_tag tag, word_t w0, word_t w1)
{
    return (cap_t){cap_put((word_t)tag, 59, 5) | w0, w1};
}
static inline cap_t cap_null(void) { return (cap_t){0, 0}; }

/* untyped */
static inline cap_t cap_untyped(paddr_t pa, unsigned size_bits, bool frame_only, word_t free)
{
    return cap_make(CAP_UNTYPED, cap_put(frame_only, 58, 1) | cap_put(size_bits, 52, 6) | cap_put(pa >> 4, 0, 48), free);
}
static inline bool untyped_frame_only(cap_t c) { return cap_bits(c.w0, 58, 1) != 0; }
static inline unsigned untyped_size_bits(cap_t c) { return (unsigned)cap_bits(c.w0, 52, 6); }
static inline paddr_t untyped_paddr(cap_t c) { return cap_bits(c.w0, 0, 48) << 4; }
static inline word_t untyped_free(cap_t c) { return c.w1; }

/* endpoint, notification, reply, tcb, vcpu, sc: the object's window offset */
static inline word_t cap_offset48(cap_t c) { return cap_bits(c.w0, 0, 48); }
static inline cap_t cap_endpoint(word_t off, word_t rights, word_t badge)
{
    return cap_make(CAP_ENDPOINT, cap_put(rights, 55, 4) | cap_put(off, 0, 48), badge);
}
static inline cap_t cap_notification(word_t off, word_t rights, word_t badge)
{
    return cap_make(CAP_NOTIFICATION, cap_put(rights, 55, 4) | cap_put(off, 0, 48), badge);
}
static inline cap_t cap_reply(word_t off, word_t rights)
{
    return cap_make(CAP_REPLY, cap_put(rights, 55, 4) | cap_put(off, 0, 48), 0);
}
static inline word_t cap_rights(cap_t c) { return cap_bits(c.w0, 55, 4); } /* endpoint, notification, reply */
/* Tag and rights of those in one word, to be compared at once. */
#define CAP_KIND(tag, rights) ((word_t)(tag) << 4 | (rights))
static inline word_t cap_kind(cap_t c) { return cap_bits(c.w0, 55, 9); }
static inline word_t cap_badge(cap_t c) { return c.w1; }                    /* endpoint, notification */
static inline cap_t cap_tcb(word_t off) { return cap_make(CAP_TCB, cap_put(off, 0, 48), 0); }
static inline cap_t cap_vcpu(word_t off) { return cap_make(CAP_VCPU, cap_put(off, 0, 48), 0); }
static inline cap_t cap_sc(word_t off, unsigned size_bits)
{
    return cap_make(CAP_SC, cap_put(size_bits, 53, 6) | cap_put(off, 0, 48), 0);
}
static inline unsigned sc_cap_size_bits(cap_t c) { return (unsigned)cap_bits(c.w0, 53, 6); }

/* cnode */
static inline cap_t cap_cnode(word_t off, unsigned radix, unsigned guard_size, word_t guard)
{
    return cap_make(CAP_CNODE, cap_put(radix, 53, 6) | cap_put(guard_size, 47, 6) | cap_put(off, 0, 47), guard);
}
static inline unsigned cnode_radix(cap_t c) { return (unsigned)cap_bits(c.w0, 53, 6); }
static inline unsigned cnode_guard_size(cap_t c) { return (unsigned)cap_bits(c.w0, 47, 6); }
static inline word_t cnode_guard(cap_t c) { return c.w1; }
static inline word_t cnode_offset(cap_t c) { return cap_bits(c.w0, 0, 47); }

/* frame */
enum frame_size { FRAME_4K = 0, FRAME_2M = 1, FRAME_1G = 2 };
enum frame_rights { FRAME_KERNEL_ONLY = 1, FRAME_READ = 2, FRAME_READ_WRITE = 3 };
enum frame_mapped { FRAME_UNMAPPED = 0, FRAME_IN_PML4 = 1, FRAME_IN_NESTED = 2, FRAME_IN_IO = 3 };
static inline cap_t cap_frame(paddr_t pa, enum frame_size size, enum frame_rights rights, bool frame_only)
{
    return cap_make(CAP_FRAME,
                    cap_put(size, 57, 2) | cap_put(rights, 55, 2) | cap_put(frame_only, 54, 1) | cap_put(pa >> 12, 0, 40), 0);
}
static inline enum frame_size frame_size(cap_t c) { return (enum frame_size)cap_bits(c.w0, 57, 2); }
static inline unsigned frame_size_bits(cap_t c) { return 12 + 9 * (unsigned)frame_size(c); }
static inline enum frame_rights frame_rights(cap_t c) { return (enum frame_rights)cap_bits(c.w0, 55, 2); }
/* A frame with at least these rights, FRAME_READ or FRAME_READ_WRITE: their bits are contained in each other. */
static inline bool cap_is_frame(cap_t c, enum frame_rights rights)
{
    return (cap_kind(c) & CAP_KIND(MASK(5), (word_t)rights)) == CAP_KIND(CAP_FRAME, (word_t)rights);
}
static inline bool frame_only(cap_t c) { return cap_bits(c.w0, 54, 1) != 0; }
static inline enum frame_mapped frame_mapped(cap_t c) { return (enum frame_mapped)cap_bits(c.w0, 52, 2); }
static inline word_t frame_asid(cap_t c) { return cap_bits(c.w0, 40, 12); }
static inline paddr_t frame_paddr(cap_t c) { return cap_bits(c.w0, 0, 40) << 12; }
static inline word_t frame_vaddr(cap_t c) { return c.w1; }
static inline cap_t frame_set_mapping(cap_t c, enum frame_mapped in, word_t asid, word_t vaddr)
{
    return (cap_t){cap_set(cap_set(c.w0, in, 52, 2), asid, 40, 12), vaddr};
}

/* page tables of all levels, roots and ASID pools */
static inline cap_t cap_table(enum cap_tag tag, word_t off) { return cap_make(tag, cap_put(off, 0, 46), 0); }
static inline word_t table_offset(cap_t c) { return cap_bits(c.w0, 0, 46); }
static inline bool table_mapped(cap_t c) { return cap_bits(c.w0, 58, 1) != 0; } /* roots: has an ASID */
static inline word_t table_asid(cap_t c) { return cap_bits(c.w0, 46, 12); } /* ASID pool: its first ASID */
static inline word_t table_vaddr(cap_t c) { return c.w1; }
static inline cap_t table_set_mapping(cap_t c, bool mapped, word_t asid, word_t vaddr)
{
    return (cap_t){cap_set(cap_set(c.w0, mapped, 58, 1), asid, 46, 12), vaddr};
}

/* zombie: slot numbers, see delete.c */
#define CNODE_MAX_RADIX 25u
static inline cap_t cap_zombie(word_t first, word_t count, word_t self)
{
    return cap_make(CAP_ZOMBIE, cap_put(count, 32, 26) | cap_put(first, 0, 32), self << 32 | self);
}
static inline bool zombie_self_hosted(cap_t c) { return cap_bits(c.w0, 58, 1) != 0; }
static inline word_t zombie_count(cap_t c) { return cap_bits(c.w0, 32, 26); }
static inline word_t zombie_first(cap_t c) { return cap_bits(c.w0, 0, 32); }
static inline word_t zombie_prev(cap_t c) { return cap_bits(c.w1, 32, 32); }
static inline word_t zombie_next(cap_t c) { return cap_bits(c.w1, 0, 32); }

/* small ones */
static inline cap_t cap_requesters(word_t unit, word_t first, word_t last) { return cap_make(CAP_REQUESTERS, unit, first | last << 16); }
static inline word_t requesters_unit(cap_t c) { return cap_bits(c.w0, 0, 16); }
static inline word_t requesters_first(cap_t c) { return cap_bits(c.w1, 0, 16); }
static inline word_t requesters_last(cap_t c) { return cap_bits(c.w1, 16, 16); }
static inline cap_t cap_channel(word_t number) { return cap_make(CAP_CHANNEL, 0, number); }
static inline word_t channel_number(cap_t c) { return c.w1; }
static inline cap_t cap_irq_handler(word_t irq) { return cap_make(CAP_IRQ_HANDLER, 0, irq); }
static inline word_t cap_irq(cap_t c) { return c.w1; }
static inline cap_t cap_io_port(word_t first, word_t last) { return cap_make(CAP_IO_PORT, 0, first | last << 16); }
static inline word_t io_port_first(cap_t c) { return cap_bits(c.w1, 0, 16); }
static inline word_t io_port_last(cap_t c) { return cap_bits(c.w1, 16, 16); }
static inline cap_t cap_ipi(word_t apic_id, word_t vector) { return cap_make(CAP_IPI, 0, apic_id | vector << 32); }
static inline word_t ipi_apic_id(cap_t c) { return cap_bits(c.w1, 0, 32); }
static inline word_t ipi_vector(cap_t c) { return cap_bits(c.w1, 32, 8); }
