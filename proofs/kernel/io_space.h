/* Operations on an arbitrary I/O space, of either family. The walk is its contract (io_walk.c): some entry, at the level asked for or above it where the
 * walk ended. An operation may write that one entry and nothing else. What a present entry is, is written here on the bit numbers of the manuals: VT-d 9.8
 * and 9.9, AMD-Vi 2.2.3. */
#pragma once
#include "../proof.h"
#include "kernel/x86/iospace.h"

static struct io_space space;
static struct iommu unit;
static unsigned zeroed, published;
static void *object_named(word_t offset) { return (char *)&space + (offset & 0); }
#define object_at object_named

struct kernel kernel;
static word_t entry, args[3], walked_address;
static enum level reached;
static struct root root;
static bool walked, final_slot;
static unsigned flushes;
static struct tcb caller;

static bool vtd(void) { return unit.kind == IOMMU_KIND_VTD; }
static bool present(word_t e) { return vtd() ? (e & 3) != 0 : e & 1; }
static bool leaf(word_t e, enum level l) { return l == LEVEL_PT || (vtd() ? e >> 7 & 1 : (e >> 9 & 7) == 0); }
static bool readable(word_t e) { return vtd() ? e & 1 : (e & 1) && (e >> 61 & 1); }
static bool writable(word_t e) { return vtd() ? e >> 1 & 1 : (e & 1) && (e >> 62 & 1); }
static word_t address_of(word_t e) { return e & 0x000ffffffffff000ull; }

struct walk walk_contract(struct io_space *s, word_t address, enum level level)
{
    HOLDS(s == &space, "the walk begins at the space's own table");
    HOLDS(address < BIT(48), "and is of an address that the tables have");
    reached = (enum level)nondet_below(4);
    ASSUME(reached >= level && (reached == level || !present(entry) || leaf(entry, reached)));
    ASSUME(reached != LEVEL_PML4 || !present(entry) || !leaf(entry, LEVEL_PML4));
    walked = true;
    walked_address = address;
    return (struct walk){&entry, reached};
}
word_t iommu_count(void) { return 1; }
struct iommu *iommu_at(word_t n) { (void)n; return &unit; }
void iommu_memory_written(const struct iommu *u, const void *p, word_t bytes) { (void)u, (void)p, (void)bytes; published++; }
void machine_memzero(void *p, word_t n)
{
    (void)p;
    HOLDS(n == 4096, "a whole table");
    zeroed++;
}
void iommu_flush_pages(struct iommu *u, word_t domain, word_t address, unsigned bits)
{
    HOLDS(u == space.unit && domain == space.domain, "the flush is of this space");
    HOLDS(address == walked_address && bits == 12 + 9 * (unsigned)reached, "and of what changed");
    flushes++;
}
void iommu_flush_domain(struct iommu *u, word_t domain)
{
    HOLDS(u == space.unit && domain == space.domain, "the flush is of this space");
    flushes++;
}
word_t invocation_arg(const struct invocation *inv, unsigned i) { (void)inv; return args[i]; }
status_t refuse_plain(status_t s) { return s; }
status_t refuse_argument(word_t w) { (void)w; return SEL4_INVALID_ARGUMENT; }
status_t refuse_capability(word_t w) { (void)w; return SEL4_INVALID_CAPABILITY; }
status_t lookup_refused(enum level missing)
{
    HOLDS(missing < LEVEL_PML4, "a level that can be missing");
    return SEL4_FAILED_LOOKUP;
}
bool slot_is_final(const struct slot *s) { (void)s; return final_slot; }
struct root root_of_asid(word_t asid) { (void)asid; return root; }
status_t root_from_cap(const struct slot *slot, enum cap_tag want, struct root *out)
{
    HOLDS(want == CAP_IO_SPACE, "an I/O space");
    if (!slot)
        return SEL4_TRUNCATED_MESSAGE;
    if (nondet_bool())
        return nondet_bool() ? SEL4_INVALID_CAPABILITY : SEL4_FAILED_LOOKUP;
    ASSUME(root.kind == ROOT_IO);
    *out = root;
    return STATUS_OK;
}
static void arbitrary_io_space(void)
{
    entry = nondet_word();
    unit.kind = nondet_bool() ? IOMMU_KIND_VTD : IOMMU_KIND_AMDVI;
    unit.capability = nondet_word();
    space.unit = nondet_bool() ? &unit : NULL;
    space.domain = nondet_word();
    kernel.window_paddr = nondet_word() & ~MASK(21);
    ASSUME(kernel.window_paddr < BIT(46));
    root = (struct root){nondet_bool() ? ROOT_IO : ROOT_PML4, nondet_word() & MASK(37) & ~MASK(13), nondet_below(4096)};
    for (unsigned i = 0; i < 3; i++)
        args[i] = nondet_word();
    final_slot = nondet_bool();
}
