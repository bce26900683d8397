/* function: the constructors and accessors of kernel/cap.h
 * property: what is put into a capability is what is read out of it, for each kind; setting a mapping changes the mapping alone; no field reaches into another
 * bound: all values
 * options: --unwind 1
 */
#include "../proof.h"
#include "kernel/cap.h"

/* Within its own bits: a value that fits comes back. */
#define FIELD(value, bits) ((value) & MASK(bits))

int main(void)
{
    word_t x = nondet_word(), y = nondet_word(), z = nondet_word(), u = nondet_word();
    bool f = nondet_bool();
    cap_t c = cap_untyped(FIELD(x, 48) << 4, (unsigned)FIELD(y, 6), f, z);
    HOLDS(cap_tag(c) == CAP_UNTYPED && untyped_paddr(c) == FIELD(x, 48) << 4 && untyped_size_bits(c) == FIELD(y, 6) && untyped_frame_only(c) == f && untyped_free(c) == z, "untyped");
    c = cap_endpoint(FIELD(x, 48), FIELD(y, 4), z);
    HOLDS(cap_tag(c) == CAP_ENDPOINT && cap_offset48(c) == FIELD(x, 48) && cap_rights(c) == FIELD(y, 4) && cap_badge(c) == z, "endpoint");
    HOLDS(cap_kind(c) == CAP_KIND(CAP_ENDPOINT, FIELD(y, 4)), "its kind and rights in one word");
    c = cap_notification(FIELD(x, 48), FIELD(y, 4), z);
    HOLDS(cap_tag(c) == CAP_NOTIFICATION && cap_offset48(c) == FIELD(x, 48) && cap_rights(c) == FIELD(y, 4) && cap_badge(c) == z, "notification");
    c = cap_reply(FIELD(x, 48), FIELD(y, 4));
    HOLDS(cap_tag(c) == CAP_REPLY && cap_offset48(c) == FIELD(x, 48) && cap_rights(c) == FIELD(y, 4), "reply");
    c = cap_tcb(FIELD(x, 48));
    HOLDS(cap_tag(c) == CAP_TCB && cap_offset48(c) == FIELD(x, 48), "tcb");
    c = cap_vcpu(FIELD(x, 48));
    HOLDS(cap_tag(c) == CAP_VCPU && cap_offset48(c) == FIELD(x, 48), "vcpu");
    c = cap_sc(FIELD(x, 48), (unsigned)FIELD(y, 6));
    HOLDS(cap_tag(c) == CAP_SC && cap_offset48(c) == FIELD(x, 48) && sc_cap_size_bits(c) == FIELD(y, 6), "scheduling context");
    c = cap_cnode(FIELD(x, 47), (unsigned)FIELD(y, 6), (unsigned)FIELD(z, 6), u);
    HOLDS(cap_tag(c) == CAP_CNODE && cnode_offset(c) == FIELD(x, 47) && cnode_radix(c) == FIELD(y, 6) && cnode_guard_size(c) == FIELD(z, 6) && cnode_guard(c) == u, "CNode");

    enum frame_size size = (enum frame_size)nondet_below(3);
    enum frame_rights rights = (enum frame_rights)(1 + nondet_below(3));
    cap_t frame = cap_frame(FIELD(x, 40) << 12, size, rights, f);
    HOLDS(cap_tag(frame) == CAP_FRAME && frame_paddr(frame) == FIELD(x, 40) << 12 && frame_size(frame) == size && frame_rights(frame) == rights && frame_only(frame) == f, "frame");
    HOLDS(frame_mapped(frame) == FRAME_UNMAPPED && frame_size_bits(frame) == 12 + 9 * (unsigned)size, "mapped nowhere");
    enum frame_mapped in = (enum frame_mapped)nondet_below(4);
    c = frame_set_mapping(frame, in, FIELD(y, 12), z);
    HOLDS(frame_mapped(c) == in && frame_asid(c) == FIELD(y, 12) && frame_vaddr(c) == z, "where it is mapped");
    HOLDS(cap_tag(c) == CAP_FRAME && frame_paddr(c) == frame_paddr(frame) && frame_size(c) == size && frame_rights(c) == rights && frame_only(c) == f, "and nothing else");

    cap_t table = cap_table((enum cap_tag)FIELD(u, 5), FIELD(x, 46));
    HOLDS(cap_tag(table) == (enum cap_tag)FIELD(u, 5) && table_offset(table) == FIELD(x, 46) && !table_mapped(table), "table");
    c = table_set_mapping(table, f, FIELD(y, 12), z);
    HOLDS(table_mapped(c) == f && table_asid(c) == FIELD(y, 12) && table_vaddr(c) == z && table_offset(c) == FIELD(x, 46) && cap_tag(c) == cap_tag(table), "where it is mapped, and nothing else");

    c = cap_zombie(FIELD(x, 32), FIELD(y, 26), FIELD(z, 32));
    HOLDS(cap_tag(c) == CAP_ZOMBIE && zombie_first(c) == FIELD(x, 32) && zombie_count(c) == FIELD(y, 26) && zombie_prev(c) == FIELD(z, 32) && zombie_next(c) == FIELD(z, 32) && !zombie_self_hosted(c), "zombie");
    c = cap_requesters(FIELD(x, 16), FIELD(y, 16), FIELD(z, 16));
    HOLDS(cap_tag(c) == CAP_REQUESTERS && requesters_unit(c) == FIELD(x, 16) && requesters_first(c) == FIELD(y, 16) && requesters_last(c) == FIELD(z, 16), "requesters");
    c = cap_channel(x);
    HOLDS(cap_tag(c) == CAP_CHANNEL && channel_number(c) == x, "channel");
    c = cap_irq_handler(x);
    HOLDS(cap_tag(c) == CAP_IRQ_HANDLER && cap_irq(c) == x, "IRQ handler");
    c = cap_io_port(FIELD(x, 16), FIELD(y, 16));
    HOLDS(cap_tag(c) == CAP_IO_PORT && io_port_first(c) == FIELD(x, 16) && io_port_last(c) == FIELD(y, 16), "ports");
    c = cap_ipi(FIELD(x, 32), FIELD(y, 8));
    HOLDS(cap_tag(c) == CAP_IPI && ipi_apic_id(c) == FIELD(x, 32) && ipi_vector(c) == FIELD(y, 8), "IPI");
    HOLDS(cap_tag(cap_null()) == CAP_NULL, "nothing");
    REACH(in == FRAME_IN_IO && size == FRAME_1G);
}
