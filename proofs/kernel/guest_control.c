/* function: every function of kernel/x86/svm.c but guest_hardware_init, and of kernel/x86/svm_exit.c
 * property: whatever a VMM writes (checked by vcpu_state.c) and however the guest leaves, the next VMRUN has nested paging, all intercepts that keep the guest inside, interrupt masking, the kernel's own port and MSR maps, an ASID of a guest, EFER.SVME, and an event that exists; an exit is of a known class; nothing undefined
 * bound: all control blocks, groups, words and exits
 * replace: vmcb_of:vmcb_here vmcb_read:vmcb_read_here
 * options: --unwind 17
 */
#include "../proof.h"
#include <machine.h>
#include "kernel/core.h"
#include "kernel/state.h"
#define object_paddr(p) ((void)(p), 0x1000ull)
#include "kernel/x86/vcpu_state.c"
#include "kernel/x86/svm.c"
#include "kernel/x86/svm_exit.c"

struct kernel kernel;
struct cpu_features cpu;
static struct vmcb block;
struct vspace_state vspace;
static struct vcpu v, other;
static struct tcb guest, vmm;
static word_t vmm_buffer[VCPU_EXIT_WORDS + VCPU_ALL_WORDS + SEL4_IPC_MSG_WORD];
static bool exited;
struct vmcb nondet_block(void);
struct guest_registers nondet_registers(void);

struct vmcb *vmcb_here(struct vcpu *p) { HOLDS(p == &v, "this vCPU's"); return &block; }
const struct vmcb *vmcb_read_here(const struct vcpu *p) { HOLDS(p == &v, "this vCPU's"); return &block; }
void fpu_set_xcr0(word_t x) { HOLDS(x & 1, "x87 state is always on (APM vol 2, 11.5.2)"); }
void log_printf(const char *f, ...) { (void)f; }
void vcpu_exited(struct vcpu *p) { HOLDS(p == &v && p->exit.class > EXIT_NONE && p->exit.class < EXIT_CLASSES, "an exit of a known class"); exited = true; }
void vcpu_interrupted(struct vcpu *p) { HOLDS(p == &v, "this vCPU"); REACH(p == &v); ASSUME(false); for (;;); }
word_t vcpu_message_groups(const struct vcpu *p, word_t groups, word_t *words) { (void)groups; HOLDS(p == &v && words == vmm_buffer + SEL4_IPC_MSG_WORD + VCPU_EXIT_WORDS, "behind the exit's own words"); return nondet_below(65); }
bool vcpu_reply_groups(struct vcpu *p, struct tcb *replier, word_t groups) { HOLDS(p == &v && replier == &vmm && groups, "an answer"); return nondet_bool(); }
void arch_switch_to(struct tcb *t) { HOLDS(t == &guest || t == &vmm, "one of the two"); }
void panic(const char *f, ...) { (void)f; ASSUME(false); for (;;); }

/* What keeps a guest inside, written on the manual's bit numbers (APM vol 2, appendix B; 15.9 to 15.25). */
static bool confined(void)
{
    uint32_t always3 = 1u << 0 | 1u << 1 | 1u << 3 | 1u << 15 | 1u << 18 | 1u << 22 | 1u << 24 | 1u << 26 | 1u << 27 | 1u << 28 | 1u << 31;
    return (block.intercept3 & always3) == always3 && (block.intercept4 & 0x7e7f) == 0x7e7f && (block.intercept5 & 0x1b) == 0x1b &&
           (block.intercept_exceptions & (1u << 1 | 1u << 17 | 1u << 18)) == (1u << 1 | 1u << 17 | 1u << 18) && (block.nested_control & 1) &&
           block.asid != 0 && block.iopm_paddr == io_map_paddr && block.msrpm_paddr == msr_map_paddr && (block.virtual_interrupt >> 24 & 1) &&
           (block.efer >> 12 & 1) && (v.xcr0 & 1);
}
static bool event_exists(void) { return vcpu_check_event(block.event, false) == 0; }

/* VMRUN: the guest's part of the block may hold anything then, its control part but the exit and the virtual interrupt stays. */
static void vmrun(void)
{
    HOLDS(confined() && event_exists(), "the guest is confined");
    HOLDS(block.tlb_control == TLB_KEEP || block.tlb_control == TLB_FLUSH_ALL || (block.tlb_control == TLB_FLUSH_GUEST && cpu.flush_by_asid), "a flush that the processor knows");
    struct vmcb was = block;
    block = nondet_block();
    block.intercept3 = was.intercept3, block.intercept4 = was.intercept4, block.intercept5 = was.intercept5;
    block.intercept_exceptions = was.intercept_exceptions, block.nested_control = was.nested_control, block.asid = was.asid;
    block.iopm_paddr = was.iopm_paddr, block.msrpm_paddr = was.msrpm_paddr;
    block.virtual_interrupt |= was.virtual_interrupt & V_INTR_MASKING;
    block.efer |= EFER_SVME; /* the guest has no write to EFER: it is an MSR that exits */
    /* 15.20: EXITINTINFO has EVENTINJ's form; what it names was raised by the guest or injected, so it exists. QEMU: see event_to_repeat(). */
    ASSUME(!(block.exit_interrupt_info & VCPU_EVENT_VALID) || vcpu_check_event(block.exit_interrupt_info, false) == 0 ||
           ((block.exit_interrupt_info & EVENT_TYPE_MASK) == VCPU_EVENT_EXCEPTION && (block.exit_interrupt_info & 0xff) >= 32 && block.exit_interrupt_info >> 11 == BIT(20)));
    ASSUME((uint32_t)block.exit_code != SVM_EXIT_EXCEPTION + VECTOR_MACHINE_CHECK);
}

int main(void)
{
    cpu.phys_mask = nondet_word(), cpu.guest_cr4_mask = nondet_word(), cpu.xcr0_mask = 7, cpu.xsave = nondet_bool();
    cpu.flush_by_asid = nondet_bool(), cpu.decode_assists = nondet_bool(), cpu.next_rip = nondet_bool();
    io_map_paddr = nondet_word(), msr_map_paddr = nondet_word(), host_state_paddr = nondet_word();
    has_tsc_aux = nondet_bool();
    flush_needed = nondet_bool();
    last = nondet_bool() ? &v : nondet_bool() ? &other : NULL;
    last_root = nondet_word();
    guest_loaded.refresh = nondet_bool();
    block = nondet_block();
    block.tlb_control = TLB_KEEP; /* as every run leaves it */
    v.registers = nondet_registers();
    v.xcr0 = nondet_word(), v.paddr = nondet_word();
    v.nmi_masked = nondet_bool(), v.nmi_window = nondet_bool();
    ASSUME(confined() && event_exists());

    word_t words[VCPU_MAX_GROUP_WORDS];
    for (unsigned i = 0; i < VCPU_MAX_GROUP_WORDS; i++)
        words[i] = nondet_word();
    unsigned group = nondet_below(VCPU_GROUPS);
    guest.vcpu = &v;
    v.exit = (struct vcpu_exit_info){nondet_below(EXIT_CLASSES), nondet_below(16), nondet_word(), nondet_word()};
    v.transfer_in[v.exit.class] = (uint16_t)nondet_below(VCPU_ALL_GROUPS + 1), v.transfer_out[v.exit.class] = (uint16_t)nondet_below(VCPU_ALL_GROUPS + 1);
    vmm.ipc_buffer.cap = (cap_t){nondet_word(), nondet_word()};
    vmm.ipc_buffer_words = nondet_bool() ? vmm_buffer : NULL;
    vmm.context.rsi = nondet_word(), vmm.context.r10 = nondet_word(), vmm.context.r8 = nondet_word();
    switch (nondet_below(10)) {
    case 0:
        guest_init(&v);
        REACH(last == NULL);
        break;
    case 1:
        if (vcpu_check_group(group, words) < 0) {
            guest_write_group(&v, group, words);
            REACH(group == 7 && v.nmi_masked);
        }
        break;
    case 2: guest_read_group(&v, group, words); break;
    case 3: HOLDS(arch_vcpu_fault_message(&guest, &vmm) <= SEL4_MSG_MAX_LENGTH, "a message"); break;
    case 4:
        arch_vcpu_tell(&guest, &vmm);
        HOLDS((vmm.context.r10 & EXIT_CLASS_MASK) == v.exit.class && message_label(vmm.context.rsi) == ATOLL_FAULT_VCPU, "tells the exit");
        REACH(message_length(vmm.context.rsi) == VCPU_EXIT_WORDS + 4);
        break;
    case 5: {
        word_t rax = block.rax, label = message_label(vmm.context.rsi);
        arch_vcpu_resume(&vmm, &guest);
        HOLDS(block.rax == rax || ((label & VCPU_GROUP_ABCD) && (v.transfer_in[v.exit.class] & VCPU_GROUP_ABCD)), "no word of a group that may not travel in");
        REACH(block.rax != rax);
        break;
    }
    case 8: arch_vcpu_fault_reply(&vmm, &guest); break;
    case 6: {
        word_t event = words[0], type = event & 0x700;
        ASSUME((event & VCPU_EVENT_VALID) && vcpu_check_event(event, false) == 0 && (type == VCPU_EVENT_INTERRUPT || type == VCPU_EVENT_NMI));
        bool now = guest_try_event(&v, event);
        HOLDS(!now || block.event == event, "delivered at the next entry");
        HOLDS(now || (block.intercept3 >> 4 & 1) || v.nmi_window, "or the guest comes back when it can be");
        REACH(!now && v.nmi_window);
        break;
    }
    case 7: vcpu_flush_tlb(); guest_forget(&v); HOLDS(last != &v, "forgotten"); HOLDS(guest_hardware_present() == present, "as found"); break;
    default: {
        word_t root = nondet_word();
        bool stale = flush_needed || last != &v || root != last_root;
        if (stale || nondet_bool())
            guest_load(&v, root);
        HOLDS(!stale || block.tlb_control != TLB_KEEP, "flushed");
        vmrun();
        guest_ended(&v);
        HOLDS(block.tlb_control == TLB_KEEP && !flush_needed, "flushed once");
        REACH(stale && exited && v.exit.class == EXIT_NESTED);
        REACH(!exited);
        REACH(exited && v.exit.class == EXIT_BAD_STATE);
        REACH(exited && v.exit.class == EXIT_NMI_WINDOW);
    }
    }
    HOLDS(confined(), "the guest is confined");
    HOLDS(event_exists(), "an event that exists");
}
