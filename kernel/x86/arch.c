/* arch.h for x86-64: objects, capabilities and threads, handed to the file that owns each kind. */
#include <machine.h>
#include "../core.h"
#include "context.h"
#include "cpu.h"
#include "faults.h"
#include "fpu.h"
#include "ioport.h"
#include "iospace.h"
#include "ipi.h"
#include "irq.h"
#include "paging.h"
#include "resources.h"
#include "vcpu.h"

/* ---- objects ---- */

static const struct object_kind {
    enum cap_tag tag; /* CAP_NULL: not an arch type */
    uint8_t bits;
    enum frame_size size;
} kinds[ATOLL_OBJECT_TYPES] = {
    [SEL4_X86_PDPT] = {CAP_PDPT, SEL4_TABLE_BITS, 0},
    [SEL4_X86_PML4] = {CAP_PML4, SEL4_TABLE_BITS, 0},
    [SEL4_X86_HUGE_PAGE] = {CAP_FRAME, SEL4_HUGE_PAGE_BITS, FRAME_1G},
    [SEL4_X86_4K_PAGE] = {CAP_FRAME, SEL4_PAGE_BITS, FRAME_4K},
    [SEL4_X86_LARGE_PAGE] = {CAP_FRAME, SEL4_LARGE_PAGE_BITS, FRAME_2M},
    [SEL4_X86_PAGE_TABLE] = {CAP_PT, SEL4_TABLE_BITS, 0},
    [SEL4_X86_PAGE_DIRECTORY] = {CAP_PD, SEL4_TABLE_BITS, 0},
    [ATOLL_VCPU] = {CAP_VCPU, ATOLL_VCPU_BITS, 0},
    [ATOLL_NESTED_PML4] = {CAP_NPML4, SEL4_TABLE_BITS, 0},
    [ATOLL_NESTED_PDPT] = {CAP_NPDPT, SEL4_TABLE_BITS, 0},
    [ATOLL_NESTED_PD] = {CAP_NPD, SEL4_TABLE_BITS, 0},
    [ATOLL_NESTED_PT] = {CAP_NPT, SEL4_TABLE_BITS, 0},
    [ATOLL_IO_SPACE] = {CAP_IO_SPACE, ATOLL_IO_SPACE_BITS, 0},
    [ATOLL_IO_PDPT] = {CAP_IO_TABLE, SEL4_TABLE_BITS, 0},
    [ATOLL_IO_PD] = {CAP_IO_TABLE, SEL4_TABLE_BITS, 0},
    [ATOLL_IO_PT] = {CAP_IO_TABLE, SEL4_TABLE_BITS, 0},
};

unsigned arch_object_bits(word_t type, word_t user_bits)
{
    (void)user_bits; /* all of fixed size */
    if (type >= ATOLL_OBJECT_TYPES || (type == ATOLL_VCPU && !guest_hardware_present()) ||
        (type >= ATOLL_IO_SPACE && iommu_count() == 0))
        return 0;
    return kinds[type].bits;
}

bool arch_frame_type(word_t type) { return type < ATOLL_OBJECT_TYPES && kinds[type].tag == CAP_FRAME; }

cap_t arch_object_create(word_t type, paddr_t pa, bool frame_only)
{
    const struct object_kind *kind = &kinds[type];
    word_t offset = pa - kernel.window_paddr;
    switch (kind->tag) {
    case CAP_FRAME:
        return cap_frame(pa, kind->size, frame_only && resource_is_read_only(pa) ? FRAME_READ : FRAME_READ_WRITE, frame_only);
    case CAP_PML4: vspace_root_init(object_at(offset)); return cap_table(CAP_PML4, offset);
    case CAP_VCPU: vcpu_init(object_at(offset)); return cap_vcpu(offset);
    case CAP_IO_TABLE: return table_set_mapping(cap_table(CAP_IO_TABLE, offset), false, 0, ATOLL_IO_PT - type); /* w1: its level */
    default: return cap_table(kind->tag, offset);
    }
}

/* ---- invocations ---- */

bool arch_owns(enum cap_tag tag)
{
    switch (tag) {
    case CAP_FRAME: case CAP_PT: case CAP_PD: case CAP_PDPT: case CAP_PML4: case CAP_NPT: case CAP_NPD: case CAP_NPDPT:
    case CAP_NPML4: case CAP_ASID_CONTROL: case CAP_ASID_POOL: case CAP_IO_PORT: case CAP_IO_PORT_CONTROL: case CAP_VCPU:
    case CAP_IPI: case CAP_IO_SPACE: case CAP_IO_TABLE: case CAP_REQUESTERS:
        return true;
    default: return false;
    }
}

status_t arch_invoke(struct invocation *inv)
{
    switch (cap_tag(inv->cap)) {
    case CAP_FRAME: return frame_invoke(inv);
    case CAP_PT: case CAP_PD: case CAP_PDPT: case CAP_NPT: case CAP_NPD: case CAP_NPDPT: return table_invoke(inv);
    case CAP_ASID_CONTROL: return asid_control_invoke(inv);
    case CAP_ASID_POOL: return asid_pool_invoke(inv);
    case CAP_IO_PORT: return ioport_invoke(inv);
    case CAP_IO_PORT_CONTROL: return ioport_control_invoke(inv);
    case CAP_VCPU: return vcpu_invoke(inv);
    case CAP_IPI: return ipi_invoke(inv);
    case CAP_IO_TABLE: return io_table_invoke(inv);
    case CAP_REQUESTERS: return requesters_invoke(inv);
    default: return refuse_plain(SEL4_ILLEGAL_OPERATION); /* roots have no operations of their own */
    }
}

/* ---- capabilities ---- */

static bool is_table(cap_t c)
{
    switch (cap_tag(c)) {
    case CAP_PT: case CAP_PD: case CAP_PDPT: case CAP_PML4: case CAP_NPT: case CAP_NPD: case CAP_NPDPT: case CAP_NPML4:
    case CAP_IO_SPACE: case CAP_IO_TABLE:
        return true;
    default: return false;
    }
}

status_t arch_cap_derive(struct slot *from, cap_t cap, cap_t *derived)
{
    (void)from;
    if (cap_tag(cap) == CAP_FRAME)
        cap = frame_set_mapping(cap, FRAME_UNMAPPED, 0, 0);
    else if (is_table(cap) && !table_mapped(cap))
        return refuse_plain(SEL4_ILLEGAL_OPERATION); /* copies of a table name where it is, so it must be somewhere */
    else if (cap_tag(cap) == CAP_IO_PORT_CONTROL || cap_tag(cap) == CAP_REQUESTERS)
        cap = cap_null(); /* there is one */
    *derived = cap;
    return STATUS_OK;
}

cap_t arch_cap_update_data(cap_t cap, word_t data)
{
    (void)data;
    return cap;
}

cap_t arch_cap_mask_rights(cap_t cap, word_t rights)
{
    if (cap_tag(cap) == CAP_FRAME)
        cap.w0 = cap_set(cap.w0, frame_rights_mask(frame_rights(cap), rights), 55, 2);
    return cap;
}

bool arch_cap_same_region(cap_t a, cap_t b)
{
    enum cap_tag tag = cap_tag(a);
    if (tag == CAP_IO_PORT_CONTROL)
        return cap_tag(b) == CAP_IO_PORT_CONTROL || cap_tag(b) == CAP_IO_PORT;
    if (tag != cap_tag(b))
        return false;
    switch (tag) {
    case CAP_FRAME:
        return frame_paddr(a) <= frame_paddr(b) &&
               frame_paddr(a) + BIT(frame_size_bits(a)) >= frame_paddr(b) + BIT(frame_size_bits(b));
    case CAP_ASID_CONTROL: return true;
    case CAP_REQUESTERS:
        return requesters_unit(a) == requesters_unit(b) && requesters_first(a) <= requesters_first(b) &&
               requesters_last(a) >= requesters_last(b);
    case CAP_IO_PORT: case CAP_IPI: return a.w1 == b.w1;
    case CAP_VCPU: return cap_offset48(a) == cap_offset48(b);
    default: return table_offset(a) == table_offset(b); /* tables, roots, ASID pools */
    }
}

bool arch_cap_same_object(cap_t a, cap_t b)
{
    if (cap_tag(a) != cap_tag(b))
        return false;
    if (cap_tag(a) == CAP_FRAME)
        return frame_paddr(a) == frame_paddr(b) && frame_size(a) == frame_size(b) && frame_only(a) == frame_only(b);
    if (cap_tag(a) == CAP_REQUESTERS)
        return a.w0 == b.w0 && a.w1 == b.w1;
    return arch_cap_same_region(a, b);
}

bool arch_cap_is_physical(cap_t cap)
{
    return is_table(cap) || cap_tag(cap) == CAP_FRAME || cap_tag(cap) == CAP_ASID_POOL || cap_tag(cap) == CAP_VCPU;
}

word_t arch_cap_paddr(cap_t cap)
{
    switch (cap_tag(cap)) {
    case CAP_FRAME: return frame_paddr(cap);
    case CAP_VCPU: return cap_offset48(cap) + kernel.window_paddr;
    default: return table_offset(cap) + kernel.window_paddr;
    }
}

unsigned arch_cap_size_bits(cap_t cap)
{
    switch (cap_tag(cap)) {
    case CAP_FRAME: return frame_size_bits(cap);
    case CAP_VCPU: return ATOLL_VCPU_BITS;
    case CAP_IO_SPACE: return ATOLL_IO_SPACE_BITS;
    default: return SEL4_TABLE_BITS;
    }
}

bool arch_cap_in_use(cap_t cap) { return cap_tag(cap) == CAP_REQUESTERS && requesters_in_use(cap); }

bool arch_cap_wind_down(cap_t cap)
{
    switch (cap_tag(cap)) {
    case CAP_VCPU: return slot_wind_down(&((struct vcpu *)object_at(cap_offset48(cap)))->timer_slot);
    case CAP_IO_SPACE:
        kernel.work_units = WORK_UNITS_PER_CHECK; /* each function waits for its unit: look after each */
        return !io_space_unbind_one(object_at(table_offset(cap)));
    case CAP_ASID_POOL:
        kernel.work_units = WORK_UNITS_PER_CHECK;
        return !asid_pool_unbind_one(cap);
    case CAP_REQUESTERS:
        kernel.work_units = WORK_UNITS_PER_CHECK;
        return !requesters_unbind_one(cap);
    default: return true;
    }
}

void arch_cap_arrived(cap_t cap)
{
    if (cap_tag(cap) == CAP_REQUESTERS)
        faults_own(requesters_unit(cap), requesters_first(cap), requesters_last(cap));
}

void arch_cap_finalise(cap_t cap, bool final)
{
    if (cap_tag(cap) == CAP_FRAME)
        return frame_deleted(cap); /* each copy has a mapping of its own */
    if (!final)
        return;
    switch (cap_tag(cap)) {
    case CAP_PT: case CAP_PD: case CAP_PDPT: case CAP_NPT: case CAP_NPD: case CAP_NPDPT: table_deleted(cap); break;
    case CAP_PML4: case CAP_NPML4: case CAP_IO_SPACE:
        if (table_mapped(cap))
            asid_root_deleted(cap);
        break;
    case CAP_ASID_POOL: asid_pool_deleted(cap); break;
    case CAP_IO_PORT: ioport_deleted(cap); break;
    case CAP_IO_TABLE: io_table_deleted(cap); break;
    case CAP_REQUESTERS: requesters_deleted(cap); break;
    case CAP_VCPU: vcpu_deleted(object_at(cap_offset48(cap))); break;
    default: break;
    }
}

/* ---- threads ---- */

void arch_tcb_init(struct tcb *t)
{
    t->context.rflags = RFLAGS_ONE | RFLAGS_IF;
    fpu_tcb_init(t);
}

status_t arch_check_vspace(cap_t cap)
{
    enum cap_tag tag = cap_tag(cap);
    return (tag == CAP_PML4 || tag == CAP_NPML4) && table_mapped(cap) ? STATUS_OK : refuse_plain(SEL4_ILLEGAL_OPERATION);
}

status_t arch_check_ipc_buffer(word_t vaddr, cap_t cap)
{
    if (cap_tag(cap) != CAP_FRAME || frame_only(cap))
        return refuse_plain(SEL4_ILLEGAL_OPERATION);
    return vaddr & MASK(SEL4_IPC_BUFFER_BITS) ? refuse_plain(SEL4_ALIGNMENT_ERROR) : STATUS_OK;
}

/* seL4_UserContext order, as indices. */
enum { REGISTER_RIP = 0, REGISTER_RFLAGS = 2, REGISTER_FS_BASE = 18, REGISTER_GS_BASE = 19 };
#define RFLAGS_USER 0xdd5ull /* CF PF AF ZF SF TF DF OF */

/* IRET to a non-canonical address and WRFSBASE of a non-canonical base fault in the kernel. */
word_t arch_sanitise_register(unsigned index, word_t value)
{
    switch (index) {
    case REGISTER_RIP: return value & MASK(47);
    case REGISTER_RFLAGS: return (value & RFLAGS_USER) | RFLAGS_ONE | RFLAGS_IF;
    case REGISTER_FS_BASE: case REGISTER_GS_BASE: return (word_t)((int64_t)(value << 16) >> 16);
    default: return value;
    }
}

word_t *arch_context_word(struct context *c, unsigned index)
{
    static const uint8_t offsets[SEL4_CONTEXT_WORDS] = {
        CONTEXT_RIP, CONTEXT_RSP, CONTEXT_RFLAGS, CONTEXT_RAX, CONTEXT_RBX, CONTEXT_RCX, CONTEXT_RDX, CONTEXT_RSI,
        CONTEXT_RDI, CONTEXT_RBP, CONTEXT_R8, CONTEXT_R9, CONTEXT_R10, CONTEXT_R11, CONTEXT_R12, CONTEXT_R13,
        CONTEXT_R14, CONTEXT_R15, offsetof(struct context, fs_base), offsetof(struct context, gs_base)};
    return (word_t *)((char *)c + offsets[index]);
}

/* ---- the machine ---- */

bool machine_interrupt_pending(void) { return lapic_pending(); }

void machine_memzero(void *p, word_t bytes)
{
    word_t words = bytes / 8;
    __asm__ volatile("rep stosq" : "+D"(p), "+c"(words) : "a"(0) : "memory");
}
