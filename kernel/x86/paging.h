/* Page tables: the four-level tables of user address spaces and of nested (guest-physical) ones. Both have the same shape and the
 * same entry format (APM vol 2, 5.3 and 15.25.5), so one walk serves both. Tables are objects in the window; the
 * hardware's entries hold physical addresses. */
#pragma once
#include "../arch.h"
#include "../state.h"

#define PTE_PRESENT BIT(0)
#define PTE_WRITE BIT(1)
#define PTE_USER BIT(2)
#define PTE_WRITE_THROUGH BIT(3)
#define PTE_CACHE_DISABLE BIT(4)
#define PTE_ACCESSED BIT(5)
#define PTE_DIRTY BIT(6)
#define PTE_LARGE BIT(7)        /* in a PD or PDPT: a leaf */
#define PTE_PAT_4K BIT(7)       /* in a PT */
#define PTE_PAT_LARGE BIT(12)   /* in a 2M or 1G leaf */
#define PTE_NO_EXECUTE BIT(63)
#define PTE_ADDRESS 0x000ffffffffff000ull

/* User and guest-physical addresses end one page below half of a PML4: a SYSCALL in the lower half's last two bytes would return
 * to a non-canonical address, which faults in ring 0. */
#define USER_TOP 0x00007ffffffff000ull
#define TABLE_ENTRIES 512

/* Table levels, named by what one table covers: a PT's entry maps 2^12 bytes, a PD's 2^21, a PDPT's 2^30, a PML4's 2^39. */
enum level { LEVEL_PT = 0, LEVEL_PD = 1, LEVEL_PDPT = 2, LEVEL_PML4 = 3 };
static inline unsigned level_bits(enum level l) { return 12 + 9 * (unsigned)l; }
static inline unsigned table_index(word_t va, enum level l) { return (unsigned)(va >> level_bits(l)) & (TABLE_ENTRIES - 1); }
static inline bool pte_is_leaf(word_t pte, enum level l) { return l == LEVEL_PT || (l != LEVEL_PML4 && (pte & PTE_LARGE)); }
static inline paddr_t leaf_paddr(word_t pte, enum level l) { return pte & PTE_ADDRESS & ~MASK(level_bits(l)); }

struct walk {
    word_t *entry;    /* the entry for the address at level `level`, or where the walk ended */
    enum level level; /* reached */
};
/* Walk from a root table (window offset) down to `level`, or to the first entry that is not a table. */
static inline struct walk table_walk(word_t root, word_t va, enum level level)
{
    word_t *table = object_at(root);
    enum level l = LEVEL_PML4;
    for (;;) {
        word_t *entry = &table[table_index(va, l)];
        if (l == level || !(*entry & PTE_PRESENT) || pte_is_leaf(*entry, l))
            return (struct walk){entry, l};
        table = object_at((*entry & PTE_ADDRESS) - kernel.window_paddr);
        l--;
    }
}

/* vspace.c: what both kinds share */
enum root_kind { ROOT_NONE = 0, ROOT_PML4 = 1, ROOT_IO = 2, ROOT_NESTED = 3 }; /* as asid_pool words' low bits */
struct root {
    enum root_kind kind;
    word_t offset, asid;
};
struct root root_of_asid(word_t asid);
enum root_kind root_kind_of(enum cap_tag); /* ROOT_NONE: not a root */
/* A root capability given to a mapping operation: STATUS_OK and *out, or the refusal. */
status_t root_from_cap(const struct slot *, enum cap_tag want, struct root *out);
status_t lookup_refused(enum level missing); /* details of SEL4_FAILED_LOOKUP */
void tlb_flush_page(const struct root *, word_t va);
void tlb_flush_root(const struct root *);
word_t leaf_attributes(enum level, enum frame_rights, word_t attr); /* 0: nothing is to be seen */

/* asid.c */
status_t asid_control_invoke(struct invocation *);
status_t asid_pool_invoke(struct invocation *);
bool asid_pool_unbind_one(cap_t); /* of the functions that its I/O spaces have; false: there was none */
void asid_pool_deleted(cap_t);
void asid_root_deleted(cap_t);

/* table.c: PDPT, PD, PT of either kind; frame.c */
status_t table_invoke(struct invocation *);
void table_deleted(cap_t);
status_t frame_invoke(struct invocation *);
void frame_deleted(cap_t);
enum frame_rights frame_rights_mask(enum frame_rights, word_t rights);

/* Address spaces of threads */
void vspace_init(paddr_t kernel_pml4, word_t window_entry, word_t image_entry);
void vspace_root_init(word_t *pml4);          /* copy the kernel's two entries into a new PML4 */
void vspace_root_gone(word_t offset);         /* stop using a root that is going away; vspace_forget() is due, too */
paddr_t vspace_nested_paddr(const struct tcb *); /* a vCPU thread's nested root, 0: none that is valid */
void vspace_forget(void);                     /* an ASID goes */
paddr_t vspace_find(const struct tcb *);      /* the thread's root, or else the kernel's own; remembers the former */

/* Which root CR3 holds, and the capability words whose roots were found valid: a switch to the same again needs no second
 * look. They are forgotten whenever an ASID goes. */
#define VSPACE_KNOWN 8u
#define VSPACE_UNKNOWN 1ull /* no root's capability word */
struct known_root {
    word_t cap;
    paddr_t root;
};
extern struct vspace_state {
    struct known_root known[VSPACE_KNOWN]; /* by ASID */
    paddr_t root; /* CR3 */
} vspace;
static inline struct known_root *vspace_known(word_t cap)
{
    return &vspace.known[table_asid((cap_t){cap, 0}) % VSPACE_KNOWN];
}
