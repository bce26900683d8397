/* function: asid_pool_deleted, asid_pool_unbind_one (asid.c), vspace_forget, vspace_root_gone (vspace.c)
 * property: when a pool goes, each of its roots is stopped, none of its ASIDS finds a root any more and none is remembered or loaded; functions are unbound one by one, each of a space that has some; nothing undefined
 * bound: one pool, of 512 ASIDs, at any place, any contents
 * replace: pool_of:pool_here
 * options: --unwind 9 --unwindset asid_pool_deleted.0:513,asid_pool_unbind_one.0:513
 * seconds: 300
 */
#include "../proof.h"
#include <machine.h>
#include "kernel/core.h"
#include "kernel/state.h"
#include "kernel/x86/iospace.h"
static struct asid_pool pool;
static struct io_space space;
static void *object_named(word_t offset) { (void)offset; return &space; }
#define object_at object_named
#include "kernel/x86/asid.c"
#include "kernel/x86/vspace.c"

struct kernel kernel;
static bool there;
struct asid_pool *pool_here(cap_t cap) { (void)cap; return there ? &pool : NULL; }
static unsigned stopped, unbound;
void vcpu_flush_tlb(void) {}
void predictor_forget(paddr_t r) { (void)r; }
void io_space_unbind_all(struct io_space *s) { HOLDS(s == &space, "an I/O space"); stopped++; }
bool io_space_unbind_one(struct io_space *s) { HOLDS(s == &space && s->bound_count, "a space that has functions"); unbound++; return true; }
bool io_spaces_bound(void) { return true; }
void machine_memzero(void *p, word_t n) { (void)p, (void)n; }
bool slot_has_children(const struct slot *s) { (void)s; return nondet_bool(); }
bool slot_is_empty(const struct slot *s) { (void)s; return nondet_bool(); }
void slot_insert(cap_t cap, struct slot *from, struct slot *to) { (void)cap, (void)from, (void)to; }
struct lookup cspace_lookup_target(cap_t root, word_t index, word_t depth) { (void)root, (void)index, (void)depth; return (struct lookup){SEL4_FAILED_LOOKUP, NULL, 0}; }
word_t invocation_arg(const struct invocation *inv, unsigned i) { (void)inv, (void)i; return 0; }
status_t refuse_plain(status_t s) { return s; }
status_t refuse_capability(word_t w) { (void)w; return SEL4_INVALID_CAPABILITY; }

int main(void)
{
    __CPROVER_havoc_object(&pool);
    word_t n = nondet_below(ASID_POOLS), asid = nondet_below(ASIDS_PER_POOL);
    there = nondet_bool();
    kernel.asid_pools[n] = there ? &pool : NULL;
    kernel.window_paddr = nondet_word() & ~MASK(21) & MASK(46);
    vspace_init(nondet_word(), 0, 0);
    vspace.root = nondet_word();
    space.bound_count = nondet_below(3);
    vspace.known[asid % VSPACE_KNOWN].cap = nondet_word();
    cap_t cap = table_set_mapping(cap_table(CAP_ASID_POOL, 0x10000), true, n << 9, 0);
    word_t root = pool.roots[asid];
    bool bound = (root & 3) == ROOT_IO && space.bound_count;
    if (nondet_bool()) {
        asid_pool_deleted(cap);
        HOLDS(!there || root_of_asid(n * ASIDS_PER_POOL + asid).kind == ROOT_NONE, "none of its ASIDs is found any more");
        HOLDS(!there || vspace.known[asid % VSPACE_KNOWN].cap == VSPACE_UNKNOWN, "nor remembered");
        HOLDS(!there || (root & 3) != ROOT_PML4 || vspace.root != (root & ~3ull) + kernel.window_paddr || vspace.root == kernel_pml4, "nor loaded");
        HOLDS(!there || (root & 3) != ROOT_IO || stopped, "its functions are unbound");
        REACH(there && stopped == 2);
    } else {
        bool one = asid_pool_unbind_one(cap);
        HOLDS(one == (unbound == 1) && (!there || !bound || one), "one, if there is one");
        REACH(one);
    }
}
