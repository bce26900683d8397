/* A VM exit, the AMD half, from VMRUN's end to the VMM's message and from its reply back: what every exit passes is here in one piece.
 * Set-up and state are svm.c's. */
#include "../core.h"
#include "../state.h"
#include "cpu.h"
#include "paging.h"
#include "svm.h"
#include "trap.h"
#include "vcpu.h"

/* An event whose delivery an exit cut short is delivered again at the next entry, unless the instruction that raised it is done again
 * anyway: INT n, INT3 and INTO leave RIP where they stand. QEMU reports interrupts that V_IRQ raised as exceptions. */
static word_t event_to_repeat(word_t info)
{
    word_t type = info & EVENT_TYPE_MASK, vector = info & EVENT_VECTOR_MASK;
    if (type == VCPU_EVENT_SOFT_INTERRUPT || (type == VCPU_EVENT_EXCEPTION && (vector == 3 || vector == 4)))
        return 0;
    if (type == VCPU_EVENT_EXCEPTION && vector >= 32)
        return info & ~(word_t)EVENT_TYPE_MASK;
    return info;
}

static inline void end_as(struct vcpu *v, word_t class, word_t q1, word_t q2)
{
    const struct vmcb *b = vmcb_read(v);
    v->exit = (struct vcpu_exit_info){class, cpu.next_rip && b->next_rip ? (b->next_rip - b->rip) & 0xf : 0, q1, q2};
    vcpu_exited(v);
}

static void end_port(struct vcpu *v)
{
    const struct vmcb *b = vmcb_read(v);
    word_t i = b->exit_info1, q = i >> 16 & 0xffff;
    bool string = i & IOIO_STRING;
    q |= (i & IOIO_IN ? BIT(16) : 0) | (i >> 4 & 7) << 17 | (string ? BIT(20) : 0) | (i & IOIO_REP ? BIT(21) : 0);
    q |= (string && cpu.decode_assists ? i >> 10 & 7 : 7) << 22;
    q |= (i >> 7 & 1 ? 1ull : i >> 8 & 1 ? 2ull : i >> 9 & 1 ? 3ull : 0) << 25;
    v->exit = (struct vcpu_exit_info){EXIT_PORT, (b->exit_info2 - b->rip) & 0xf, q, 0};
    vcpu_exited(v);
}

static void end_nested(struct vcpu *v)
{
    const struct vmcb *b = vmcb_read(v);
    word_t i = b->exit_info1;
    bool write = i & NPF_WRITE, fetch = i & NPF_FETCH;
    word_t access = (!write && !fetch ? 1 : 0) | (write ? 2 : 0) | (fetch ? 4 : 0) | (i & NPF_PRESENT ? 8 : 0) |
                    (i & NPF_TABLE_WALK ? 16 : 0);
    end_as(v, EXIT_NESTED, b->exit_info2, access);
}

/* CR and DR accesses: the register number is in the exit code, the GPR in EXITINFO1 with decode assists (15.8.1). Bits 1 and 7..4 of
 * the second word say which. */
static void end_register(struct vcpu *v, word_t class, word_t number, bool write)
{
    const struct vmcb *b = vmcb_read(v);
    end_as(v, class, number, (write ? 1 : 0) | (cpu.decode_assists ? 2 | (b->exit_info1 & 0xf) << 4 : 0));
}

static void end_exception(struct vcpu *v, word_t vector)
{
    struct vmcb *b = vmcb_of(v);
    if (vector == VECTOR_MACHINE_CHECK)
        panic("machine check while a guest ran: the hardware reports an error");
    end_as(v, EXIT_EXCEPTION, vector, b->exit_info1);
}

/* Out of the NMI handler at last. The IRET is still to run; the shadow keeps the next NMI away until it has. */
static void end_iret(struct vcpu *v)
{
    struct vmcb *b = vmcb_of(v);
    b->intercept3 &= ~(uint32_t)INTERCEPT_IRET;
    b->interrupt_shadow |= INTERRUPT_SHADOW;
    v->nmi_masked = false;
    if (!v->nmi_window)
        return;
    v->nmi_window = false;
    end_as(v, EXIT_NMI_WINDOW, 0, 0);
}

static void end_window(struct vcpu *v)
{
    struct vmcb *b = vmcb_of(v);
    b->virtual_interrupt &= ~V_ARMED;
    b->intercept3 &= ~(uint32_t)INTERCEPT_VINTR;
    end_as(v, EXIT_WINDOW, 0, 0);
}

/* The processor refused the state, which vcpu_state.c should have done: say so, and start over from the reset state, since what
 * the VMCB holds now is not the guest's (QEMU leaves the host's registers in it). */
static __attribute__((noinline)) void end_invalid(struct vcpu *v)
{
    log_printf("vcpu: the processor refused the state of a guest; its state is lost\n");
    guest_init(v);
    end_as(v, EXIT_BAD_STATE, 0, 0xfe);
}

/* From guest_enter: the guest has left. Returns for it to run on, or with the VMM current. */
void guest_ended(struct vcpu *v)
{
    struct vmcb *b = vmcb_of(v);
    uint32_t code = (uint32_t)b->exit_code;
    b->tlb_control = TLB_KEEP;
    b->event = b->exit_interrupt_info & VCPU_EVENT_VALID ? event_to_repeat(b->exit_interrupt_info) : 0;
    switch (code) {
    case SVM_EXIT_CPUID: end_as(v, EXIT_CPUID, 0, 0); return;
    case SVM_EXIT_IOIO: end_port(v); return;
    case SVM_EXIT_MSR: end_as(v, EXIT_MSR, (uint32_t)v->registers.rcx, b->exit_info1 & 1); return;
    case SVM_EXIT_HLT: end_as(v, EXIT_HLT, 0, 0); return;
    case SVM_EXIT_INTR: vcpu_interrupted(v);
    case SVM_EXIT_VINTR: end_window(v); return;
    case SVM_EXIT_NMI: case SVM_EXIT_INIT: return; /* it came at STGI */
    case SVM_EXIT_IRET: end_iret(v); return;
    case SVM_EXIT_VMMCALL: end_as(v, EXIT_CALL, 0, 0); return;
    case SVM_EXIT_SHUTDOWN: end_as(v, EXIT_SHUTDOWN, 0, 0); return;
    case SVM_EXIT_XSETBV: end_as(v, EXIT_XSETBV, 0, 0); return;
    case SVM_EXIT_WBINVD: case SVM_EXIT_INVD: end_as(v, EXIT_WBINVD, 0, 0); return;
    case SVM_EXIT_RDPMC: end_as(v, EXIT_RDPMC, 0, 0); return;
    case SVM_EXIT_MONITOR: end_as(v, EXIT_MONITOR, 0, 0); return;
    case SVM_EXIT_MWAIT: case SVM_EXIT_MWAIT_ARMED: end_as(v, EXIT_MONITOR, 1, 0); return;
    case SVM_EXIT_TASK_SWITCH: end_as(v, EXIT_TASK_SWITCH, b->exit_info1, b->exit_info2); return;
    case SVM_EXIT_VMRUN: case SVM_EXIT_VMLOAD: case SVM_EXIT_VMSAVE: case SVM_EXIT_STGI: case SVM_EXIT_CLGI:
    case SVM_EXIT_SKINIT: case SVM_EXIT_INVLPGA:
        end_as(v, EXIT_VIRT, code, 0);
        return;
    default: break;
    }
    if (code == SVM_EXIT_NPF)
        end_nested(v);
    else if (code == SVM_EXIT_INVALID)
        end_invalid(v);
    else if (code < SVM_EXIT_DR_READ)
        end_register(v, EXIT_CONTROL, code & 0xf, code >= SVM_EXIT_CR_WRITE);
    else if (code < SVM_EXIT_EXCEPTION)
        end_register(v, EXIT_DEBUG_REG, code & 0xf, code >= SVM_EXIT_DR_WRITE);
    else if (code < SVM_EXIT_INTR)
        end_exception(v, code - SVM_EXIT_EXCEPTION);
    else
        end_as(v, EXIT_OTHER, code, b->exit_info1);
}

/* ---- the message ---- */

_Static_assert(RFLAGS_TF << EXIT_RFLAGS_SHIFT == EXIT_STEPPING && RFLAGS_IF << EXIT_RFLAGS_SHIFT == EXIT_INTERRUPTIBLE &&
               VCPU_EVENT_VALID == EXIT_EVENT_PENDING, "flags of an exit are the processor's bits, moved");

static inline void exit_words(const struct vcpu *v, struct context *to)
{
    const struct vmcb *b = vmcb_read(v);
    word_t flags = b->rflags & (RFLAGS_IF | RFLAGS_TF);
    if (b->interrupt_shadow & INTERRUPT_SHADOW)
        flags &= ~RFLAGS_IF;
    to->r10 = v->exit.class | v->exit.length << EXIT_LENGTH_SHIFT | flags << EXIT_RFLAGS_SHIFT | (word_t)b->cpl << EXIT_CPL_SHIFT |
              (b->virtual_interrupt & V_TPR_MASK) << EXIT_CR8_SHIFT | (b->event & EXIT_EVENT_PENDING);
    to->r8 = v->exit.q1;
    to->r9 = v->exit.q2;
    to->r15 = b->rip;
}

word_t arch_vcpu_fault_message(struct tcb *sender, struct tcb *receiver)
{
    const struct vcpu *v = sender->vcpu;
    word_t *buffer = tcb_ipc_buffer(receiver, true);
    exit_words(v, &receiver->context);
    return buffer ? vcpu_message_groups(v, v->transfer_out[v->exit.class], buffer + SEL4_IPC_MSG_WORD + VCPU_EXIT_WORDS) : VCPU_EXIT_WORDS;
}

static __attribute__((noinline)) void tell_general(struct tcb *sender, struct tcb *receiver)
{
    receiver->context.rsi = message_info(ATOLL_FAULT_VCPU, 0, 0, arch_vcpu_fault_message(sender, receiver));
    arch_switch_to(receiver);
}

void arch_vcpu_tell(struct tcb *sender, struct tcb *receiver)
{
    const struct vcpu *v = sender->vcpu;
    word_t *buffer = tcb_ipc_buffer(receiver, true);
    if (!buffer || v->transfer_out[v->exit.class] != VCPU_GROUP_ABCD) {
        tell_general(sender, receiver);
        return;
    }
    exit_words(v, &receiver->context);
    guest_read_abcd(v, buffer + SEL4_IPC_MSG_WORD + VCPU_EXIT_WORDS);
    receiver->context.rsi = message_info(ATOLL_FAULT_VCPU, 0, 0, VCPU_EXIT_WORDS + 4);
    arch_switch_to(receiver);
}

/* ---- the reply ---- */

static inline void advance(struct vcpu *v, word_t bytes)
{
    struct vmcb *b = vmcb_of(v);
    bool long_code = (b->efer & EFER_LMA) && (b->cs.attributes >> 9 & 1);
    b->rip += bytes;
    if (!long_code)
        b->rip = (uint32_t)b->rip;
    b->interrupt_shadow &= ~INTERRUPT_SHADOW;
    b->rflags &= ~RFLAGS_RF; /* it was for this instruction */
}

/* Label bits 11..0: groups that travel in, 15..12: bytes to advance RIP. Most replies carry rax to rdx or nothing. */
#define REPLY_GROUPS(label) ((label) & MASK(VCPU_REPLY_ADVANCE_SHIFT))
#define REPLY_ADVANCE(label) ((label) >> VCPU_REPLY_ADVANCE_SHIFT & 0xf)

void arch_vcpu_fault_reply(struct tcb *replier, struct tcb *vcpu_thread)
{
    struct vcpu *v = vcpu_thread->vcpu;
    word_t label = message_label(replier->context.rsi);
    v->vmm_root = vspace.root;
    if (REPLY_GROUPS(label) && !vcpu_reply_groups(v, replier, REPLY_GROUPS(label)))
        return;
    if (REPLY_ADVANCE(label))
        advance(v, REPLY_ADVANCE(label));
}

static __attribute__((noinline)) void resume_general(struct tcb *replier, struct tcb *vcpu_thread)
{
    arch_vcpu_fault_reply(replier, vcpu_thread);
    arch_switch_to(vcpu_thread);
}

void arch_vcpu_resume(struct tcb *replier, struct tcb *vcpu_thread)
{
    struct vcpu *v = vcpu_thread->vcpu;
    const struct context *c = &replier->context;
    word_t label = message_label(c->rsi), groups = REPLY_GROUPS(label);
    if (groups == VCPU_GROUP_ABCD && (v->transfer_in[v->exit.class] & VCPU_GROUP_ABCD) && message_length(c->rsi) >= 4) {
        guest_write_abcd(v, c->r10, c->r8, c->r9, c->r15); /* nothing to check */
    } else if (groups) {
        resume_general(replier, vcpu_thread);
        return;
    }
    v->vmm_root = vspace.root;
    if (REPLY_ADVANCE(label))
        advance(v, REPLY_ADVANCE(label));
    arch_switch_to(vcpu_thread);
}
