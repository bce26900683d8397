/* function: vspace_root_init, root_from_cap, root_of_asid, thread_root, vspace_find, vspace_nested_paddr, vspace_root_gone, vspace_forget
 * property: a new address space gets the kernel's two entries and nothing else; a capability leads to a root only while the root's ASID is its own; what was remembered of a root is forgotten when it goes, and a loaded one is left first
 * bound: all capabilities, any contents of the ASID pools
 * options: --unwind 10
 * solver: bitwuzla
 */
#include "../proof.h"
#include "kernel/x86/vspace.c"

struct kernel kernel;
struct host_machine machine;
static struct asid_pool pool;
static struct tcb thread;
static word_t flushes, forgotten;
status_t refuse_plain(status_t s) { return s; }
status_t refuse_capability(word_t w) { (void)w; return SEL4_INVALID_CAPABILITY; }
void vcpu_flush_tlb(void) { flushes++; }
void predictor_forget(paddr_t pa) { forgotten = pa; }

int main(void)
{
    unsigned here = nondet_below(ASID_POOLS);
    __CPROVER_havoc_object(&pool);
    kernel.asid_pools[here] = &pool;
    kernel.window_paddr = nondet_word() & ~MASK(21);
    ASSUME(kernel.window_paddr < BIT(46) && kernel.window_paddr != 0);
    thread.vspace.cap = (cap_t){nondet_word(), nondet_word()};
    cap_t c = thread.vspace.cap;
    word_t asid = table_asid(c), word = asid >> 9 == here ? pool.roots[asid & 511] : 0;
    word_t kernel_root = nondet_word() & ~MASK(12), window = nondet_word(), image = nondet_word();
    vspace_init(kernel_root, window, image);

    switch (nondet_below(4)) {
    case 0: {
        word_t pml4[512] = {0};
        unsigned i = nondet_below(512);
        vspace_root_init(pml4);
        HOLDS(pml4[i] == (i == 256 ? window : i == 511 ? image : 0), "the kernel's two entries, and no others");
        REACH(i == 511);
        break;
    }
    case 1: {
        struct root r;
        struct slot slot = {.cap = c};
        enum cap_tag want = nondet_bool() ? CAP_PML4 : nondet_bool() ? CAP_NPML4 : CAP_IO_SPACE;
        status_t s = root_from_cap(nondet_bool() ? &slot : NULL, want, &r);
        HOLDS(s != STATUS_OK || (cap_tag(c) == want && table_mapped(c) && r.asid == asid && r.offset == table_offset(c)), "the root that the capability names");
        HOLDS(s != STATUS_OK || word == (r.offset | (want == CAP_PML4 ? 1 : want == CAP_IO_SPACE ? 2 : 3)), "whose ASID is its own still");
        REACH(s == STATUS_OK);
        REACH(s == SEL4_FAILED_LOOKUP);
        break;
    }
    case 2: {
        paddr_t found = vspace_find(&thread);
        bool valid = cap_tag(c) == CAP_PML4 && table_mapped(c) && word == (table_offset(c) | 1);
        HOLDS(found == (valid ? table_offset(c) + kernel.window_paddr : kernel_root), "the thread's own root, or the kernel's");
        const struct known_root *k = vspace_known(c.w0);
        HOLDS(valid ? k->cap == c.w0 && k->root == found : k->cap == VSPACE_UNKNOWN, "only a valid one is remembered");
        vspace_root_gone(found - kernel.window_paddr);
        HOLDS(k->cap == VSPACE_UNKNOWN && forgotten == found, "and forgotten when it goes");
        REACH(valid);
        break;
    }
    default: {
        paddr_t found = vspace_nested_paddr(&thread);
        bool valid = cap_tag(c) == CAP_NPML4 && table_mapped(c) && word == (table_offset(c) | 3);
        HOLDS(found == (valid ? table_offset(c) + kernel.window_paddr : 0), "the guest's own root, or none");
        HOLDS(vspace_nested_paddr(&thread) == found, "the same again");
        pool.roots[asid & 511] = 0;
        vspace_forget();
        HOLDS(asid >> 9 != here || vspace_nested_paddr(&thread) == 0, "none once its ASID is gone");
        REACH(valid && asid >> 9 == here);
    }
    }
    /* A root that is loaded is left before its memory is used for something else. */
    vspace.root = nondet_word() & ~MASK(12);
    paddr_t loaded = vspace.root;
    word_t gone = nondet_word() & ~MASK(12) & MASK(46);
    vspace_root_gone(gone);
    HOLDS(vspace.root == (gone + kernel.window_paddr == loaded ? kernel_root : loaded), "a loaded root is left when it goes");
    HOLDS(gone + kernel.window_paddr != loaded || machine.cr3 == kernel_root, "in the register, too");
}
