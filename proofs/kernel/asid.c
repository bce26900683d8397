/* function: asid_control_invoke, asid_pool_invoke, asid_root_deleted, pool_of, root_stop (asid.c); root_of_asid, root_kind_of, root_from_cap, lookup_refused, thread_root, vspace_find, vspace_nested_paddr, vspace_forget, vspace_root_gone, tlb_flush_page, tlb_flush_root, vspace_init, vspace_root_init (vspace.c)
 * property: a root found through an ASID is the one that the capability names, or none; a pool gives an ASID to one root, which then finds it; what goes is found no more and is not loaded; an ASID pool is made of a whole free untyped; nothing undefined
 * bound: one pool, of 512 ASIDs, at any place; all capabilities
 * options: --unwind 9 --unwindset asid_pool_invoke.0:513
 * seconds: 300
 */
#include "../proof.h"
#include <machine.h>
#include "kernel/core.h"
#include "kernel/state.h"
#include "kernel/x86/iospace.h"
static struct asid_pool pool;
static struct io_space space;
#define AT_POOL 0x10000ull
static void *object_named(word_t offset) { return offset == AT_POOL ? (void *)&pool : (void *)&space; }
#define object_at object_named
#include "kernel/x86/asid.c"
#include "kernel/x86/vspace.c"

struct kernel kernel;
struct cpu_features cpu;
static struct slot slots[3];
static bool nested_flushed;
static unsigned stopped, zeroed;
void vcpu_flush_tlb(void) { nested_flushed = true; }
void predictor_forget(paddr_t r) { (void)r; }
void io_space_unbind_all(struct io_space *s) { HOLDS(s == &space, "an I/O space"); stopped++; }
bool io_space_unbind_one(struct io_space *s) { HOLDS(s == &space, "an I/O space"); return nondet_bool(); }
bool io_spaces_bound(void) { return nondet_bool(); }
void machine_memzero(void *p, word_t n) { HOLDS(p == &pool && n == sizeof(pool), "the new pool"); zeroed++; }
bool slot_has_children(const struct slot *s) { (void)s; return nondet_bool(); }
bool slot_is_empty(const struct slot *s) { return cap_tag(s->cap) == CAP_NULL; }
void slot_insert(cap_t cap, struct slot *from, struct slot *to) { HOLDS(from == &slots[0] && slot_is_empty(to), "a child of the untyped, in an empty slot"); to->cap = cap; }
struct lookup cspace_lookup_target(cap_t root, word_t index, word_t depth) { (void)root, (void)index, (void)depth; return nondet_bool() ? (struct lookup){STATUS_OK, &slots[2], 0} : (struct lookup){SEL4_FAILED_LOOKUP, NULL, 0}; }
word_t invocation_arg(const struct invocation *inv, unsigned i) { HOLDS(i < inv->length, "a word of the message"); return nondet_word(); }
status_t refuse_plain(status_t s) { return s; }
status_t refuse_capability(word_t w) { (void)w; return SEL4_INVALID_CAPABILITY; }

int main(void)
{
    __CPROVER_havoc_object(&pool);
    word_t asid = nondet_below(ASID_POOLS * ASIDS_PER_POOL), n = nondet_below(ASID_POOLS);
    kernel.asid_pools[n] = nondet_bool() ? &pool : NULL;
    kernel.window_paddr = nondet_word() & ~MASK(21) & MASK(46);
    for (unsigned i = 0; i < 3; i++)
        slots[i].cap = (cap_t){nondet_word(), nondet_word()};
    vspace_init(nondet_word(), nondet_word(), nondet_word());
    vspace.root = nondet_word();
    enum cap_tag want = nondet_bool() ? CAP_PML4 : nondet_bool() ? CAP_NPML4 : CAP_IO_SPACE;
    cap_t cap = slots[1].cap;
    static struct tcb t;
    switch (nondet_below(6)) {
    case 0: {
        struct root r = {ROOT_NONE, 0, 0};
        status_t s = root_from_cap(nondet_bool() ? &slots[1] : NULL, want, &r);
        HOLDS(s != STATUS_OK || (cap_tag(cap) == want && r.kind == root_kind_of(want) && r.offset == table_offset(cap) && r.asid == table_asid(cap)), "the root that the capability names");
        HOLDS(s != STATUS_OK || pool.roots[table_asid(cap) % 512] == (r.offset | r.kind), "as its pool has it");
        REACH(s == STATUS_OK);
        break;
    }
    case 1: {
        struct invocation inv = {.slot = &slots[2], .cap = table_set_mapping(cap_table(CAP_ASID_POOL, AT_POOL), true, n << 9, 0), .label = SEL4_X86_ASID_POOL_ASSIGN, .extra = {&slots[1]}};
        status_t s = asid_pool_invoke(&inv);
        if (s == STATUS_OK) {
            struct root r = root_of_asid(table_asid(slots[1].cap));
            HOLDS(r.kind == root_kind_of(cap_tag(cap)) && r.offset == table_offset(cap) && table_mapped(slots[1].cap), "found through its ASID");
            HOLDS(table_asid(slots[1].cap) != 0, "which is not none");
        } else {
            HOLDS(slots[1].cap.w0 == cap.w0, "a refusal changes nothing");
        }
        REACH(s == STATUS_OK && n == 0 && table_asid(slots[1].cap) == 511);
        break;
    }
    case 2: {
        struct invocation inv = {.slot = &slots[2], .cap = cap_make(CAP_ASID_CONTROL, 0, 0), .label = nondet_word(), .length = nondet_below(4), .extra = {nondet_bool() ? &slots[0] : NULL, nondet_bool() ? &slots[1] : NULL}};
        ASSUME(cap_tag(slots[0].cap) != CAP_UNTYPED || untyped_frame_only(slots[0].cap) || untyped_paddr(slots[0].cap) == kernel.window_paddr + AT_POOL);
        status_t s = asid_control_invoke(&inv);
        HOLDS(s != STATUS_OK || (zeroed == 1 && untyped_free(slots[0].cap) == BIT(12) && cap_tag(slots[2].cap) == CAP_ASID_POOL), "made of all of the untyped");
        HOLDS(s == STATUS_OK || zeroed == 0, "a refusal changes nothing");
        REACH(s == STATUS_OK);
        break;
    }
    case 3: {
        cap_t going = table_set_mapping(cap_table(CAP_PML4, nondet_word() & MASK(46)), true, asid, 0);
        struct root before = root_of_asid(asid);
        bool found = before.kind == ROOT_PML4 && before.offset == table_offset(going);
        asid_root_deleted(going);
        struct root r = root_of_asid(asid);
        HOLDS(r.kind != ROOT_PML4 || r.offset != table_offset(going), "found no more");
        HOLDS(!found || vspace.root != table_offset(going) + kernel.window_paddr || vspace.root == kernel_pml4, "not loaded");
        REACH(found);
        break;
    }
    case 4: {
        t.vspace.cap = cap;
        paddr_t found = vspace_find(&t), nested = vspace_nested_paddr(&t);
        HOLDS(found == kernel_pml4 || (cap_tag(cap) == CAP_PML4 && found == table_offset(cap) + kernel.window_paddr), "the thread's own root, or the kernel's");
        HOLDS(nested == 0 || (cap_tag(cap) == CAP_NPML4 && nested == table_offset(cap) + kernel.window_paddr), "its own, or none");
        REACH(found != kernel_pml4);
        REACH(nested != 0);
        break;
    }
    default: {
        struct root r = {(enum root_kind)nondet_below(4), nondet_word() & MASK(46), asid};
        bool loaded = r.offset + kernel.window_paddr == vspace.root;
        if (nondet_bool())
            tlb_flush_page(&r, nondet_word());
        else
            tlb_flush_root(&r);
        HOLDS(r.kind == ROOT_NESTED ? nested_flushed : !loaded || processor.flushes, "flushed where it may be cached");
        lookup_refused((enum level)nondet_below(3));
        HOLDS(kernel.refusal.length == 3, "the missing level");
        static word_t pml4[512];
        vspace_root_init(pml4);
        HOLDS(pml4[256] == window_entry && pml4[511] == image_entry && pml4[0] == 0, "the kernel's two entries");
    }
    }
}
