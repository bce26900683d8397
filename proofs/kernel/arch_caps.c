/* function: every function of kernel/x86/arch.c but the machine's
 * property: rights are only lost, a copy of a frame is mapped nowhere, a range of requesters and the control of ports are not copied, a copy of a table names a place; what is the same object is of the same region; registers from user level are what an IRET or WRFSBASE takes; an object's size is its kind's; nothing undefined
 * bound: all capabilities, types and registers
 * options: --unwind 9
 */
#include "../proof.h"
#include <machine.h>
#include "kernel/core.h"
#include "kernel/state.h"
#include "kernel/x86/vcpu.h"
static struct vcpu vcpu;
static struct slot slots[2];
static void *object_named(word_t offset) { (void)offset; return &vcpu; }
#define object_at object_named
#include "kernel/x86/arch.c"

struct kernel kernel;
struct cpu_features cpu;
static bool guests;
bool guest_hardware_present(void) { return guests; }
static word_t units;
word_t iommu_count(void) { return units; }
bool resource_is_read_only(paddr_t pa) { (void)pa; return nondet_bool(); }
static unsigned made, gone;
void vspace_root_init(word_t *p) { (void)p; made++; }
void vcpu_init(struct vcpu *v) { (void)v; made++; }
status_t refuse_plain(status_t s) { return s; }
enum frame_rights frame_rights_mask(enum frame_rights vm, word_t rights)
{ /* frame.c's, proved by cnode_transfer */
    bool read = vm >= FRAME_READ && (rights & SEL4_RIGHT_READ), write = vm == FRAME_READ_WRITE && (rights & SEL4_RIGHT_WRITE);
    return !read && !write ? FRAME_KERNEL_ONLY : write && read ? FRAME_READ_WRITE : FRAME_READ;
}
#define INVOKE(name, tags) status_t name(struct invocation *inv) { enum cap_tag t = cap_tag(inv->cap); HOLDS(tags, "a capability of the kind that it is for"); return nondet_int(); }
INVOKE(frame_invoke, t == CAP_FRAME)
INVOKE(table_invoke, t == CAP_PT || t == CAP_PD || t == CAP_PDPT || t == CAP_NPT || t == CAP_NPD || t == CAP_NPDPT)
INVOKE(asid_control_invoke, t == CAP_ASID_CONTROL)
INVOKE(asid_pool_invoke, t == CAP_ASID_POOL)
INVOKE(ioport_invoke, t == CAP_IO_PORT)
INVOKE(ioport_control_invoke, t == CAP_IO_PORT_CONTROL)
INVOKE(vcpu_invoke, t == CAP_VCPU)
INVOKE(ipi_invoke, t == CAP_IPI)
INVOKE(io_table_invoke, t == CAP_IO_TABLE)
INVOKE(requesters_invoke, t == CAP_REQUESTERS)
bool requesters_in_use(cap_t c) { HOLDS(cap_tag(c) == CAP_REQUESTERS, "requesters"); return nondet_bool(); }
bool requesters_unbind_one(cap_t c) { HOLDS(cap_tag(c) == CAP_REQUESTERS, "requesters"); return nondet_bool(); }
bool io_space_unbind_one(struct io_space *s) { (void)s; return nondet_bool(); }
bool asid_pool_unbind_one(cap_t c) { HOLDS(cap_tag(c) == CAP_ASID_POOL, "a pool"); return nondet_bool(); }
bool slot_wind_down(struct slot *s) { HOLDS(s == &vcpu.timer_slot, "the vCPU's slot"); return nondet_bool(); }
void faults_own(word_t unit, word_t first, word_t last) { (void)unit; HOLDS(first <= 0xffff && last <= 0xffff, "requester IDs"); }
#define GONE(name, tags) void name(cap_t c) { enum cap_tag t = cap_tag(c); HOLDS(tags, "a capability of the kind that it is for"); gone++; }
GONE(frame_deleted, t == CAP_FRAME)
GONE(table_deleted, t == CAP_PT || t == CAP_PD || t == CAP_PDPT || t == CAP_NPT || t == CAP_NPD || t == CAP_NPDPT)
GONE(asid_root_deleted, (t == CAP_PML4 || t == CAP_NPML4 || t == CAP_IO_SPACE) && table_mapped(c))
GONE(asid_pool_deleted, t == CAP_ASID_POOL)
GONE(ioport_deleted, t == CAP_IO_PORT)
GONE(io_table_deleted, t == CAP_IO_TABLE)
GONE(requesters_deleted, t == CAP_REQUESTERS)
void vcpu_deleted(struct vcpu *v) { HOLDS(v == &vcpu, "the vCPU"); gone++; }
void fpu_tcb_init(struct tcb *t) { (void)t; }
bool lapic_pending(void) { return nondet_bool(); }

static bool canonical(word_t v) { return v >> 47 == 0 || v >> 47 == MASK(17); }

int main(void)
{
    guests = nondet_bool(), units = nondet_below(3);
    kernel.window_paddr = nondet_word();
    cap_t a = {nondet_word(), nondet_word()}, b = {nondet_word(), nondet_word()}, c;
    enum cap_tag tag = cap_tag(a);
    ASSUME(tag != CAP_FRAME || (frame_size(a) <= FRAME_1G && frame_rights(a) != 0));
    ASSUME(cap_tag(b) != CAP_FRAME || frame_size(b) <= FRAME_1G);
    switch (nondet_below(9)) {
    case 0: {
        word_t type = nondet_word(), pa = nondet_word();
        unsigned bits = arch_object_bits(type, nondet_word());
        HOLDS(bits == 0 || (type < ATOLL_OBJECT_TYPES && bits >= 12 && bits <= 30), "a page at least, 1 GiB at most");
        HOLDS(!arch_frame_type(type) || bits != 0, "every frame has a size");
        if (bits != 0 && !(pa & MASK(bits)) && pa < BIT(46)) {
            bool only = arch_frame_type(type) && nondet_bool();
            kernel.window_paddr = only ? kernel.window_paddr : 0;
            c = arch_object_create(type, pa, only);
            HOLDS(arch_owns(cap_tag(c)) && arch_cap_is_physical(c) && arch_cap_size_bits(c) == bits, "its kind and size");
            HOLDS(only || arch_cap_paddr(c) == pa, "where it is");
            HOLDS(cap_tag(c) != CAP_FRAME || (frame_paddr(c) == pa && frame_only(c) == only && frame_mapped(c) == FRAME_UNMAPPED), "mapped nowhere");
            REACH(cap_tag(c) == CAP_IO_TABLE);
            REACH(only && frame_rights(c) == FRAME_READ);
        }
        break;
    }
    case 1: {
        ASSUME(arch_owns(tag));
        status_t s = arch_cap_derive(&slots[0], a, &c);
        HOLDS(s != STATUS_OK || tag != CAP_FRAME || (frame_mapped(c) == FRAME_UNMAPPED && arch_cap_same_object(a, c) && frame_rights(c) == frame_rights(a)), "mapped nowhere");
        HOLDS(s != STATUS_OK || (tag != CAP_REQUESTERS && tag != CAP_IO_PORT_CONTROL) || cap_tag(c) == CAP_NULL, "there is one");
        HOLDS(s != STATUS_OK || !is_table(a) || table_mapped(c), "a copy of a table names a place");
        REACH(s == STATUS_OK && tag == CAP_IO_TABLE);
        REACH(s != STATUS_OK);
        break;
    }
    case 2: {
        word_t rights = nondet_word();
        c = arch_cap_mask_rights(a, rights);
        HOLDS(tag != CAP_FRAME || (frame_rights(c) <= frame_rights(a) && (frame_rights(c) != FRAME_READ_WRITE || (rights & SEL4_RIGHT_WRITE))), "rights are only lost");
        HOLDS(cap_tag(c) == tag && c.w1 == a.w1 && (tag == CAP_FRAME || c.w0 == a.w0), "and nothing else");
        HOLDS(arch_cap_update_data(a, nondet_word()).w0 == a.w0, "no data");
        break;
    }
    case 3:
        ASSUME(arch_owns(tag) && arch_owns(cap_tag(b)));
        HOLDS(!arch_cap_same_object(a, b) || arch_cap_same_region(a, b), "the same object is of the same region");
        HOLDS(!arch_cap_same_region(a, b) || tag == cap_tag(b) || tag == CAP_IO_PORT_CONTROL, "of one kind, or issued from it");
        HOLDS(tag == CAP_ASID_CONTROL || tag == CAP_IO_PORT_CONTROL || arch_cap_same_object(a, a), "itself");
        REACH(arch_cap_same_region(a, b) && !arch_cap_same_object(a, b) && tag == CAP_FRAME);
        break;
    case 4: {
        struct invocation inv = {.cap = a};
        status_t s = arch_invoke(&inv);
        HOLDS((tag != CAP_PML4 && tag != CAP_NPML4) || s == SEL4_ILLEGAL_OPERATION, "roots have no operations");
        break;
    }
    case 5:
        arch_cap_finalise(a, nondet_bool());
        HOLDS(gone <= 1 && (gone || tag != CAP_FRAME), "once, a frame's mapping always");
        arch_cap_in_use(a);
        arch_cap_arrived(a);
        break;
    case 6: arch_cap_wind_down(a); machine_interrupt_pending(); break;
    case 7: {
        static struct tcb t;
        word_t v = nondet_word();
        unsigned i = nondet_below(SEL4_CONTEXT_WORDS);
        word_t s = arch_sanitise_register(i, v);
        HOLDS(i != 0 || s >> 47 == 0, "RIP is a user address");
        HOLDS(i != 2 || ((s & BIT(9)) && (s & BIT(1)) && !(s & ~(0xdd5ull | BIT(9) | BIT(1)))), "RFLAGS: interrupts on, no privilege");
        HOLDS((i != 18 && i != 19) || canonical(s), "bases are canonical");
        word_t *w = arch_context_word(&t.context, i);
        HOLDS(w >= &t.context.rax && w <= &t.context.gs_base, "a register that user level has");
        arch_tcb_init(&t);
        HOLDS(t.context.rflags == (BIT(1) | BIT(9)), "interrupts on");
        REACH(i == 19);
        break;
    }
    default:
        HOLDS(arch_check_vspace(a) != STATUS_OK || ((tag == CAP_PML4 || tag == CAP_NPML4) && table_mapped(a)), "a root with an ASID");
        word_t va = nondet_word();
        HOLDS(arch_check_ipc_buffer(va, a) != STATUS_OK || (tag == CAP_FRAME && !frame_only(a) && !(va & MASK(SEL4_IPC_BUFFER_BITS))), "memory of the kernel's own window, aligned");
    }
}
